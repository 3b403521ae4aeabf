/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGS_BOX_H
#define ROOST_FLAGS_BOX_H

/*
 * box: a mailbox under the rules of custom flags: which names it has, and what
 * becomes of a change that is asked for.
 *
 * Promises: no change is made in part.  An event about a change names its rule,
 * its mailbox and its UID, and never a name that a user made up.
 */

#include "dovecot/event.h"
#include "flags/kept.h"
#include "flags/user.h"

struct roost_flags_box {
	union mailbox_module_context module_ctx;
	struct mailbox *box;
	struct roost_flags_user *fuser;
	/* A virtual mailbox: the mailboxes behind it have names and limits. */
	bool is_virtual;
	struct roost_event_draft *drafts;
};

/* A transaction.  The first change in it that is refused makes all of it
   fail. */
struct roost_flags_trans {
	union mailbox_transaction_module_context module_ctx;
	pool_t pool;		/* that all of this is from */
	enum mail_error error_code;
	const char *error;
	/* Names that the transaction adds to the mailbox. */
	ARRAY_TYPE(const_string) named;
	struct roost_flags_save *save;
	bool has_rescued;	/* that is in the log already */
	/* The last keywords that were asked about by roost_flags_box_is_free(),
	   referenced, with the type of the change; the answer, and how many
	   names the index knew and the mailbox kept. */
	struct mail_keywords *free_keywords;
	enum modify_type free_type;
	bool is_free;
	unsigned int free_known, free_kept;
	struct roost_flags_kept *kept;
};

/* The module that the hooks keep the state of mailboxes and transactions by.
   The first returns NULL for a mailbox without rules. */
extern MODULE_CONTEXT_DEFINE(roost_flags_box_module,
			     &mail_storage_module_register);
struct roost_flags_box *roost_flags_box_get(struct mailbox *box);
struct roost_flags_trans *
roost_flags_box_trans_get(struct mailbox_transaction_context *trans);

/* What is asked for, and of which message. */
struct roost_flags_ask {
	struct mailbox_transaction_context *trans;
	enum roost_flag_actor actor;
	enum roost_flag_change change;
	const char *const *current, *const *names;	/* NULL: none */
	bool is_flagged;
	uint32_t uid;		/* 0: it has none yet */
};

/*
 * Apply the rules and send the events of what they decided.  Returns the
 * outcome, borrowed until the next call.  Returns NULL where the change is
 * refused, which makes the transaction fail; and where there are more names
 * than rules can look at, which makes it fail for clients only.
 */
const struct roost_flag_outcome *
roost_flags_box_ask(struct roost_flags_box *fbox,
		    const struct roost_flags_ask *ask);

/*
 * As that, where a message with the same keywords may have had the same request
 * in this transaction.  known() sends the events of the answer that is kept,
 * for the message with this UID, and returns NULL if there is none.  keep()
 * keeps an outcome as the answer, for the caller to add what it changes.
 */
const struct roost_flags_answer *
roost_flags_box_known(struct mailbox_transaction_context *trans, uint32_t uid,
		      const struct roost_flags_request *request);
struct roost_flags_answer *
roost_flags_box_keep(struct mailbox_transaction_context *trans,
		     const struct roost_flags_request *request,
		     const struct roost_flag_outcome *outcome);

/* True during replication, or where there is no rule: then every change is
   made as it was asked for. */
bool roost_flags_box_is_exempt(const struct roost_flags_box *fbox);

/* True if no rule speaks of this request, whatever keywords a message has. */
bool roost_flags_box_is_free(struct mailbox_transaction_context *trans,
			     enum modify_type type,
			     struct mail_keywords *keywords);

/* The names of these keywords, or of an outcome's; on the data stack, with NULL
   at the end. */
const char *const *roost_flags_box_names(struct mailbox *box,
					 const struct mail_keywords *keywords);
const char *const *
roost_flags_box_outcome_names(const struct roost_flag_outcome *outcome);

/* True if the mailbox keeps this name.  The index also knows names that were
   only asked for, which are not kept and do not count against a limit. */
bool roost_flags_box_keeps(struct mailbox *box, const char *name);

/* How many names the mailbox keeps, and whether a client may add one. */
unsigned int roost_flags_box_count(struct mailbox *box);
bool roost_flags_box_may_name(struct roost_flags_box *fbox);

/* Send an event about a message if somebody listens; uid is 0 where it has
   none, and name and rule are constants. */
void roost_flags_box_event(struct roost_flags_box *fbox, uint32_t uid,
			   const char *name, const char *rule);

#endif
