/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CACHE_SAVE_H
#define ROOST_CACHE_SAVE_H

/*
 * save: filling the sealed cache while a message is saved, from what passes
 * by.
 *
 * Promises: a message is saved whether its cache can be filled or not.
 */

#include "cache/box.h"
#include "stream/ostream-roost.h"

/* Save by this file, and by what roost_cache_box_new() found there; v is what
   the mailbox's vlast was before that. */
void roost_cache_save_allocated(struct mailbox_vfuncs *v);

/* The message that is being saved to this mail is sealed so; what is needed is
   copied.  For any mail. */
void roost_cache_save_sealed(struct mail *mail, struct roost_ring *ring,
			     const struct roost_sealed *sealed);

#endif
