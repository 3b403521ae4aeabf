/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGS_BOX_H
#define ROOST_FLAGS_BOX_H

/*
 * box: a mailbox under the rules: its names of keywords, and what a
 * change comes to there.
 *
 * Promises: no change is made half.  What is told of a change is its rule, its
 * mailbox and its UID, never a name that a user made up.
 */

#include "flags/user.h"

struct roost_flags_box {
	union mailbox_module_context module_ctx;
	struct mailbox *box;
	struct roost_flags_user *fuser;
	/* It hands on to others, which keep names and limits of their own. */
	bool is_virtual;
	/* The last request that no rule has anything to say about. */
	struct mail_keywords *free_keywords;
	enum modify_type free_type;
	unsigned int free_count;
	struct roost_flags_last *last;	/* of mail-hooks.c */
};

/* What the last request came to for a message with these keywords: the next
   message of a STORE mostly has the same. */
struct roost_flags_last {
	struct mail_keywords *keywords;	/* that were asked for */
	enum modify_type type;
	enum roost_flag_actor actor;
	bool is_flagged, is_literal, has_deviated;
	ARRAY_TYPE(keyword_indexes) current;
	struct mail_keywords *removed, *added;	/* NULL: none */
};

/* One transaction: the first thing that is wrong ends all of it. */
struct roost_flags_trans {
	union mailbox_transaction_module_context module_ctx;
	pool_t pool;		/* of all that is in here */
	enum mail_error error_code;
	const char *error;
	ARRAY_TYPE(const_string) named;	/* new to the mailbox in here */
	struct roost_flags_save *save;
	bool has_rescued;	/* and it is in the log */
};

/* What the hooks set for a mailbox and for a transaction. */
extern MODULE_CONTEXT_DEFINE(roost_flags_storage_module,
			     &mail_storage_module_register);
struct roost_flags_box *roost_flags_box_get(struct mailbox *box);
struct roost_flags_trans *
roost_flags_trans_get(struct mailbox_transaction_context *trans);

/* What is asked for, of which message. */
struct roost_flags_ask {
	struct mailbox_transaction_context *trans;
	enum roost_flag_actor actor;
	enum roost_flag_change change;
	const char *const *current, *const *names;	/* NULL: none */
	bool is_flagged;
	uint32_t uid;		/* 0: it has none yet */
};

/*
 * The outcome, borrowed until the next is asked for.  Its events are sent.
 * NULL where it is refused, and the transaction will fail; also where there
 * are more names than can be looked at, which fails for nobody but a client.
 */
const struct roost_flag_outcome *
roost_flags_box_ask(struct roost_flags_box *fbox,
		    const struct roost_flags_ask *ask);

/* Replication is on, or there is no rule: everything is as it was asked for. */
bool roost_flags_box_is_exempt(const struct roost_flags_box *fbox);

void roost_flags_last_free(struct roost_flags_last **last);

/* Is there nothing to say about this request, whatever the message has? */
bool roost_flags_box_is_free(struct roost_flags_box *fbox,
			     enum modify_type type,
			     struct mail_keywords *keywords);

/* Names of these keywords; on the data stack, NULL at the end. */
const char *const *roost_flags_box_names(struct mailbox *box,
					 const struct mail_keywords *keywords);
/* The same of an outcome. */
const char *const *
roost_flags_outcome_names(const struct roost_flag_outcome *outcome);

/* Does the mailbox keep this name?  One that was only ever asked for is known
   to the index, too, but takes no place. */
bool roost_flags_box_keeps(struct mailbox *box, const char *name);

/* How many names the mailbox keeps, and whether a client may add one. */
unsigned int roost_flags_box_count(struct mailbox *box);
bool roost_flags_box_may_name(struct roost_flags_box *fbox);

void roost_flags_box_event(struct mailbox *box, uint32_t uid,
			   const char *name, const char *rule);

#endif
