/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CACHE_FIND_H
#define ROOST_CACHE_FIND_H

/*
 * find: the blobs of a message, looked up in the index cache and opened.
 *
 * Promises: changes nothing in the index cache; what it puts into content was
 * authenticated by the keyring, and all of it is of one object.  A blob that
 * is refused is logged once for each message and session.
 */

#include "cache/mail.h"

/* What the caller should do to the index cache after a look-up. */
enum roost_cache_verdict {
	/* Nothing. */
	ROOST_CACHE_LEAVE = 0,
	/* Content came from roost.new alone: store it, so that from then on
	   little is opened for little, and without X25519. */
	ROOST_CACHE_STORE,
	/* Every field is taken, and one of them is bad, or opens by X25519
	   alone: drop them all, since nothing can be added before. */
	ROOST_CACHE_DROP,
};

/*
 * Look for this blob of the message, or for one of all items, and open it.
 * What is found is added to content, or takes the place of what content held.
 * Content is forgotten if nothing opens of what is there, if the policy
 * refuses to tell it, or if there is no blob of facts and hence none at all.
 */
enum roost_cache_verdict
roost_cache_find_blob(struct mail *mail, enum cache_blob blob);

#endif
