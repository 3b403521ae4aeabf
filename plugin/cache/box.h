/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CACHE_BOX_H
#define ROOST_CACHE_BOX_H

/*
 * box: which fields a mailbox's index cache may hold.
 *
 * Promises: once the owner of a mailbox has a keyring, no field that tells
 * what a message says is written by this process; what Roost writes instead is
 * sealed.
 */

#include "cache/content.h"
#include "session/user-ring.h"

struct roost_cache_box {
	union mailbox_module_context module_ctx;
	struct mailbox *box;
	struct roost_user *ruser;
	struct roost_ring *ring;	/* NULL: none to be had */
	bool is_active;
	bool is_sealed;			/* blobs are read and written */
	/* Our fields.  The first ones hold a blob of form 1 each.  The last one
	   of form 2, or one of form 1 that replaces the first ones. */
	unsigned int own_idx[CACHE_PART_COUNT], new_idx;
	unsigned int object_idx;	/* see session/named-object.h */
	unsigned int enforced_count;
	/* Headers that blobs hold: sorted, NULL at the end; and those of them
	   that are not standard, each with LF. */
	const char *const *names;
	unsigned int name_count;
	const char *extra_names;
	/* By index of a header's field: whether its name is standard. */
	ARRAY(uint8_t) standard;
	/* A message's blobs, of one part and of all, reused. */
	buffer_t *own, *new;
	bool has_own, has_new, has_facts;
	/* The first part's object; else why it has none: not there is
	   ROOST_ERR_BLOB_AUTH. */
	enum roost_err facts_err;
	uint8_t facts_id[ROOST_ID_SIZE];
	/* UIDs whose blobs turned out to be of something else. */
	ARRAY_TYPE(seq_range) ignored;
};

/* Hooks: of every mailbox. */
void roost_cache_box_allocated(struct mailbox *box);
void roost_cache_box_opened(struct mailbox *box);

/* NULL where this mailbox has none. */
struct roost_cache_box *roost_cache_box_get(struct mailbox *box);

/* Before anything of a mailbox can be cached: when it is opened, and for each
   mail and save.  Does nothing while the owner has no keyring. */
void roost_cache_box_begin(struct roost_cache_box *cbox);

/* The same where the keyring was just made or used. */
void roost_cache_box_activate(struct roost_cache_box *cbox,
			      struct roost_ring *ring);

/* For each mail: forbid the fields that have come up since. */
void roost_cache_box_enforce(struct roost_cache_box *cbox);

/* Before core is asked for a header, which makes it want to cache that. */
void roost_cache_box_forbid_header(struct roost_cache_box *cbox,
				   const char *name);

/* Is it one of the names that every blob holds? */
bool roost_cache_name_is_standard(const char *name);

/* The same of a header whose field in the index cache is known. */
bool roost_cache_field_is_standard(struct roost_cache_box *cbox,
				   const char *name, unsigned int field_idx);

#endif
