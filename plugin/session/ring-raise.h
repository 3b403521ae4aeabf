/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_RING_RAISE_H
#define ROOST_SESSION_RING_RAISE_H

/*
 * ring-raise: a password slot that costs less than is configured gets a new one
 * in its place, of the same password, when that is at hand: at a login.
 *
 * Promises: neither passes nor memory of a password ever become less; what
 * opened the keyring opens it at each moment; whatever fails is one log line,
 * and the login goes on.  It waits for nobody: where another process has the
 * lock or computes, a later login does it.
 */

#include "session/ring.h"

/*
 * For roost_ring_on_password().  The new slot is added, proved to open from
 * what was read back, and only then the old one is removed.  What is left of a
 * run that was broken off between these is removed.  Afterwards the ring is
 * what is stored, and the unlock cache has the master key for that.
 */
void roost_ring_raise(struct roost_ring *ring,
		      const struct roost_ring_password *password);

#endif
