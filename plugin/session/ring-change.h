/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_RING_CHANGE_H
#define ROOST_SESSION_RING_CHANGE_H

/*
 * ring-change: change the stored document of a keyring with the provider key
 * alone.
 *
 * Promises: the store is locked meanwhile, what stands there is checked again,
 * and its generation rises with each change.  No user's secret is needed:
 * what the owner answers for is not touched.
 */

#include "session/ring.h"

/*
 * Give the stored document another policy.  ring is that keyring as it was
 * loaded, and tells the owner; it stays as it is until the caller renews it
 * (roost_user_renew_ring()).  1 the document was changed; 0 it had that policy;
 * -1 with error_r.
 */
int roost_ring_change_policy(const struct roost_ring *ring,
			     struct roost_keystore *store,
			     const struct roost_config *config,
			     enum roost_policy policy, const char **error_r);

#endif
