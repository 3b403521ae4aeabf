/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYWORDS_BOX_H
#define ROOST_KEYWORDS_BOX_H

/*
 * box: the keywords of a mailbox as its user sees them: with which
 * key, and what may be stored.
 */

#include "keywords/index.h"
#include "session/user-ring.h"

struct mail_index_transaction;

struct roost_keyword_box {
	union mailbox_module_context module_ctx;
	struct mailbox *box;
	struct roost_user *ruser;		/* NULL: without Roost */
	/* While it is open. */
	struct roost_keyword_index *ki;
	struct roost_keyword_box *prev, *next;
	const struct roost_token_key *key;	/* NULL: not needed so far */
	struct roost_ring *ring;		/* whose it is */
	unsigned int asked_count;	/* keywords there when it was asked */
	/* The last that needed no change, referenced, and how many keywords
	   there were: one STORE brings the same for each message. */
	struct mail_keywords *fitting;
	unsigned int fitting_count;
	/* What replication has just added, referenced, and to which message:
	   see change.c. */
	struct mail_keywords *added;
	uint32_t added_uid;
};

/* NULL where names are not ours to keep. */
struct roost_keyword_box *roost_keyword_box_get(struct mailbox *box);

/* Hook: in mailbox_allocated, before vfuncs are set. */
struct roost_keyword_box *roost_keyword_box_new(struct mailbox *box);

/* Its index has been opened; is about to be closed. */
void roost_keyword_box_opened(struct roost_keyword_box *kb);
void roost_keyword_box_closing(struct roost_keyword_box *kb);

/* Replication sees what is on disk. */
bool roost_keyword_box_is_raw(const struct roost_keyword_box *kb);

/* See roost_keyword_index_sync(). */
void roost_keyword_box_sync(struct roost_keyword_box *kb);

/*
 * Make ready for storing the keywords at these positions: a keyring is made
 * for it where that is allowed.  What must not be stored is left in used
 * alone: ROOST_KEYWORD_OK if that is nothing, else one fault of it.  error_r
 * is set where the keyring is at fault, else NULL.
 */
enum roost_keyword_fault
roost_keyword_box_prepare(struct roost_keyword_box *kb,
			  ARRAY_TYPE(keyword_indexes) *used,
			  const char **error_r);

/* Log that the keyring is at fault, and -1 with the storage's error set. */
int roost_keyword_box_refuse(struct roost_keyword_box *kb, const char *error);

/* Have those among these positions that hold tokens a keyring that is still
   there?  -1 with the storage's error set. */
int roost_keyword_box_check_ring(struct roost_keyword_box *kb,
				 const ARRAY_TYPE(keyword_indexes) *used);

/* roost_keyword_box_prepare() for a client: -1 with the storage's error
   set. */
int roost_keyword_box_check(struct roost_keyword_box *kb,
			    ARRAY_TYPE(keyword_indexes) *used);

#endif
