/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CACHE_BOX_H
#define ROOST_CACHE_BOX_H

/*
 * box: which fields the index cache of a mailbox may hold.
 *
 * Promises: once the owner of a mailbox has a keyring, this process writes no
 * field that tells what a message says; what Roost writes instead is sealed.
 */

#include "cache/content.h"
#include "session/user-ring.h"

struct roost_cache_box {
	union mailbox_module_context module_ctx;
	struct mailbox *box;
	struct roost_user *ruser;
	struct roost_ring *ring;	/* NULL: it cannot be used */
	bool is_active;			/* Dovecot's fields are forbidden */
	bool is_sealed;			/* blobs are read and written */
	bool is_read;	/* messages were looked at that were there before */
	/* Numbers of our fields.  roost.own, that of facts, holds a blob of
	   form 1, and each of those beside it one of form 3.  roost.new holds
	   one of all items: of form 2, or of form 1, which then counts instead
	   of those. */
	unsigned int field_own[CACHE_BLOB_COUNT], field_new;
	unsigned int field_object;	/* see session/named-object.h */
	unsigned int enforced_count;	/* fields that were looked at */
	/* Names of the headers that blobs hold: sorted, NULL at the end; and
	   those of them that are not standard, each with LF. */
	const char *const *names;
	unsigned int name_count;
	const char *extra_names;
	/* By number of a header's field: is its name standard?  0 says that
	   nobody has asked yet, 1 yes, 2 no. */
	ARRAY(uint8_t) standard;
	ARRAY(uint8_t) telling;	/* the same of all fields: does it tell of the
				   message? */
	/* UIDs of messages whose blobs are not looked up, because they were
	   dropped or turned out to be of something else. */
	ARRAY_TYPE(seq_range) ignored;
};

/* Tie one to a mailbox and have it freed with the mailbox.  Returns NULL for
   storage that cannot hold sealed mail, and for a user without Roost. */
struct roost_cache_box *roost_cache_box_new(struct mailbox *box);

/* Hook: for every mailbox, each time it is opened. */
void roost_cache_box_opened(struct mailbox *box);

/* NULL for a mailbox that has none. */
struct roost_cache_box *roost_cache_box_get(struct mailbox *box);

/* To be called before anything of a mailbox can be cached: when it is opened,
   and for each mail and save.  Does nothing while the owner has no keyring. */
void roost_cache_box_begin(struct roost_cache_box *cbox);

/* The same with the owner's keyring, which was just made or used; NULL: it
   cannot be used, so that nothing is cached. */
void roost_cache_box_activate(struct roost_cache_box *cbox,
			      struct roost_ring *ring);

/* Forbid the telling fields that other code has registered since the last
   call.  Cheap, and called for each message. */
void roost_cache_box_enforce(struct roost_cache_box *cbox);

/* To be called before Dovecot is asked for a header, because it then wants to
   cache that. */
void roost_cache_box_forbid_header(struct roost_cache_box *cbox,
				   const char *name);

/* Is it one of the names that every blob holds? */
bool roost_cache_box_name_is_standard(const char *name);

/* The same of a header whose field in the index cache is known.  The answer is
   remembered by the field's number. */
bool roost_cache_box_field_is_standard(struct roost_cache_box *cbox,
				       const char *name,
				       unsigned int field_idx);

#endif
