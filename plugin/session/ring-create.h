/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_RING_CREATE_H
#define ROOST_SESSION_RING_CREATE_H

/*
 * ring-create: make a new keyring and store it.
 */

#include "session/ring.h"

/* What a new keyring is to be.  Secrets are borrowed. */
struct roost_ring_create {
	const char *owner;
	const struct roost_config *config;
	enum roost_policy policy;
	/* NULL: provider mode.  Else the 32 bytes of roost_secret_key, and
	   the keyring has no provider slot. */
	const uint8_t *secret;
	/* The code of a recovery slot, or NULL. */
	const uint8_t *recovery;
	/* The parent of the event that it was made, or NULL. */
	struct event *event;
};

/*
 * Make and store a keyring, or load the one that is there already or that
 * another process has made meanwhile.  1, and *was_made_r says which; -1 with
 * error_r, and *was_made_r is TRUE if it may be stored all the same, as where
 * reading it back has failed.  Whether one may be made is found out before
 * (scan.h), because nobody is to wait for the lock so long.
 */
int roost_ring_create(struct roost_keystore *store,
		      const struct roost_ring_create *create,
		      struct roost_ring **ring_r, bool *was_made_r,
		      const char **error_r);

#endif
