/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CACHE_SAVE_H
#define ROOST_CACHE_SAVE_H

/*
 * save: filling the sealed cache while a message is saved, from what
 * passes by.
 */

#include "cache/box.h"
#include "stream/ostream-roost.h"

/* Part of the hook roost_cache_box_allocated(). */
void roost_cache_save_allocated(struct mailbox_vfuncs *v);

/* The message that is being saved is sealed so. */
void roost_cache_save_sealed(struct mail *mail, struct roost_ring *ring,
			     const struct roost_sealed *sealed);

#endif
