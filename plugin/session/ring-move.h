/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_RING_MOVE_H
#define ROOST_SESSION_RING_MOVE_H

/*
 * ring-move: keyrings that are put into a store, copied from one into another,
 * or removed.
 *
 * Promises: stores are locked while they are changed; a document that is
 * already there is replaced only by a later one of the same keyring, unless the
 * admin has said otherwise; what was put there was read back.  Nothing is
 * removed but by roost_ring_remove() and roost_ring_rename().
 */

#include "session/ring-rebind.h"

/*
 * Is the document, which is in the store or is to be put there, in order, and
 * does it open by what is at hand?  The owner is a name.  0, or -1 with
 * error_r.
 */
int roost_ring_prove(const struct roost_keystore *store, const buffer_t *doc,
		     const char *owner, const struct roost_config *config,
		     const char **error_r);

/*
 * Put a document, of which log lines say the name, into a store.  may_replace:
 * also in the place of another keyring, of a later document, or of what is no
 * document.  1 it was stored; 0 the store had it already; -1 with error_r.
 */
int roost_ring_put(struct roost_keystore *store, const char *name,
		   const buffer_t *doc, bool may_replace,
		   const char **error_r);

/*
 * Prove the document of one store and put it into another.  1, 0 and -1 as
 * roost_ring_put() answers, and doc_r is the document; it is empty, with 0,
 * where there is none.
 */
int roost_ring_copy(struct roost_keystore *from, struct roost_keystore *to,
		    const char *owner, const struct roost_config *config,
		    buffer_t *doc_r, const char **error_r);

/* Remove what is in a store, if it begins as a keyring does, damaged or not.
   1; 0 there is nothing; -1 with error_r. */
int roost_ring_remove(struct roost_keystore *store, const char **error_r);

/*
 * Does the store hold the keyring that kept has, or an earlier document of it,
 * so that nothing is lost with it?  kept is proven, too.  1; 0, and error_r
 * says why not; -1 with error_r.
 */
int roost_ring_is_spare(struct roost_keystore *store,
			struct roost_keystore *kept, const char *owner,
			const struct roost_config *config,
			const char **error_r);

/*
 * A user who was called old_owner is called owner now: bind his keyring to that
 * name, wherever of the two stores it lies; afterwards it lies in to alone.
 * from is where it is stored by the old name, which is the same place where
 * stores do not go by names.  What was interrupted is finished by a further
 * call.  Answers as roost_ring_rebind(); one that is neither old_owner's nor
 * owner's is refused.
 */
int roost_ring_rename(struct roost_keystore *from, struct roost_keystore *to,
		      const char *old_owner, const char *owner,
		      const struct roost_config *config,
		      struct roost_rebind *rebind_r, const char **error_r);

/* The id of a document as hexadecimal digits; "" if it cannot be read. */
const char *roost_ring_move_id(const buffer_t *doc);

#endif
