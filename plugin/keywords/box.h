/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYWORDS_BOX_H
#define ROOST_KEYWORDS_BOX_H

/*
 * box: a mailbox whose keywords have private names: which key opens them for
 * its user, and which keywords may be stored in it.
 */

#include "keywords/index.h"
#include "session/user-ring.h"

struct mail_index_transaction;

#define ROOST_KEYWORD_CHANGES 2

/* Keywords that were asked for and the type of the change, what fits in their
   place (NULL: they do), both referenced, and how many keywords the index had
   then. */
struct roost_keyword_change {
	struct mail_keywords *asked, *fitting;
	enum modify_type type;
	unsigned int known_count;
};

struct roost_keyword_box {
	union mailbox_module_context module_ctx;
	struct mailbox *box;
	struct roost_user *ruser;	/* NULL: the user has no Roost */
	/* While the mailbox is open; NULL before and after. */
	struct roost_keyword_index *kindex;
	struct roost_keyword_box *prev, *next;
	/* NULL until a keyword needs it, or while there is no keyring. */
	const struct roost_token_key *key;
	struct roost_ring *ring;	/* that the key belongs to */
	/* How many keywords the index had when a key was last looked for. */
	unsigned int asked_count;
	/* What was asked for last: a STORE brings the same keywords for each
	   message, and the rules of roost_flags make two changes of some.  The
	   next one takes the place of the one at next_change. */
	struct roost_keyword_change changes[ROOST_KEYWORD_CHANGES];
	unsigned int next_change;
	/* The keywords that replication added last, referenced, and the
	   message that got them: see change.c. */
	struct mail_keywords *added;
	uint32_t added_uid;
};

/* NULL where roost_keyword_box_new() has made none. */
struct roost_keyword_box *roost_keyword_box_get(struct mailbox *box);

/* Make the state of a mailbox, when it is allocated.  The caller sets the
   mailbox's functions, and keeps the old ones in module_ctx.  Returns NULL
   where the storage keeps names that Roost must leave alone. */
struct roost_keyword_box *roost_keyword_box_new(struct mailbox *box);

/* To be called after the mailbox's index was opened, and before the mailbox is
   closed. */
void roost_keyword_box_opened(struct roost_keyword_box *kbox);
void roost_keyword_box_closing(struct roost_keyword_box *kbox);

/* Let go of what the change refers to. */
void roost_keyword_box_forget(struct roost_keyword_change *change);

/* True while replication (dsync) uses the mailbox.  It is shown what is on
   disk, tokens, and stores what it brings from another disk. */
bool roost_keyword_box_is_replicating(const struct roost_keyword_box *kbox);

/* roost_keyword_index_sync() with the key of this mailbox, which is looked for
   once a keyword needs it. */
void roost_keyword_box_sync(struct roost_keyword_box *kbox);

/*
 * Make ready to store the keywords at the positions in used: tokens are made
 * of private names, and for them a keyring, where that is allowed.  Afterwards
 * used holds only the positions that must not be stored.  Returns
 * ROOST_KEYWORD_OK if there are none, else the fault of one of them.  error_r
 * says what is wrong with the keyring, or is NULL if nothing is.
 */
enum roost_keyword_fault
roost_keyword_box_prepare(struct roost_keyword_box *kbox,
			  ARRAY_TYPE(keyword_indexes) *used,
			  const char **error_r);

/* Log that for this error of the keyring nothing is stored, and set the
   storage's error.  Always -1. */
int roost_keyword_box_refuse(struct roost_keyword_box *kbox,
			     const char *error);

/* Is the keyring of the tokens among these positions still there?  0, or -1
   with the storage's error set. */
int roost_keyword_box_check_ring(struct roost_keyword_box *kbox,
				 const ARRAY_TYPE(keyword_indexes) *used);

/* roost_keyword_box_prepare() for what a client stores: 0, or -1 with the
   storage's error set for the client. */
int roost_keyword_box_check(struct roost_keyword_box *kbox,
			    ARRAY_TYPE(keyword_indexes) *used);

#endif
