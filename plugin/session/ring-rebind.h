/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_RING_REBIND_H
#define ROOST_SESSION_RING_REBIND_H

/*
 * ring-rebind: give a stored keyring to another owner, as when a folder was
 * moved or a user has another name.
 *
 * Promises: the store is locked meanwhile; all gates but the owner's and all
 * pins have passed before anything is written; identity, id and keys stay.
 */

#include "session/ring.h"

struct roost_rebind {
	char from[ROOST_KEYRING_OWNER_MAX + 1];	/* escaped, as is to */
	char to[ROOST_KEYRING_OWNER_MAX + 1];
	uint8_t id[ROOST_ID_SIZE];
	uint64_t generation;	/* before the change; 0: not looked at yet */
};

/*
 * Bind the document to owner, which is a name, or with is_dry find out what
 * that would change.  This needs the master key, so that the keyring must have
 * a provider slot.  1 it was or would be changed; 0 it is bound to owner
 * already; -1 with error_r.  *rebind is set unless it answers -1; one that a
 * call has set is handed to the next, which changes only what that has seen.
 */
int roost_ring_rebind(struct roost_keystore *store, const char *owner,
		      const struct roost_config *config, bool is_dry,
		      struct roost_rebind *rebind, const char **error_r);

#endif
