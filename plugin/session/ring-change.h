/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_RING_CHANGE_H
#define ROOST_SESSION_RING_CHANGE_H

/*
 * ring-change: the one way to change a stored keyring.
 *
 * The store is locked; what stands there is loaded, and has passed every gate
 * and every pin; the host key and, where the change needs it, the master key
 * are opened; a callback changes the document in memory; it gets the next
 * generation and is signed; that what will be stored loads, opens and is
 * accepted by the pins is shown before it is stored, and that a new slot opens
 * after it was read back; before it is stored, too, if another slot goes for
 * it.
 *
 * Promises: nothing is changed by two commands at once; what fails leaves what
 * was stored, or a later document that opens by all that opened that, but for a
 * slot that another one was to take the place of.
 */

#include "session/ring.h"
#include "session/ring-secret.h"

/* What a callback changes. */
struct roost_ring_edit {
	struct roost_keyring *kr;
	const uint8_t *host_key;
	/* NULL unless the change needs it.  A callback that makes a new master
	   key puts it here. */
	uint8_t *master;
	uint32_t opened_by;	/* the slot that gave it; 0: none did */
	/* The number of a new slot, and what has to open it, or NULL for the
	   provider slot.  0: there is none, or nothing to open it with. */
	uint32_t new_slot;
	const struct roost_ring_secret *new_secret;
	/* It stands in the place of another one, which is gone. */
	bool is_in_place;
};

struct roost_ring_change {
	bool is_locked;		/* the caller has locked the store */
	/* The keyring as the command saw it before: what is stored must be that
	   document.  NULL: whatever stands there. */
	const struct roost_ring *seen;
	const char *owner;		/* NULL: that gate is skipped */
	const struct roost_config *config;
	/* The parent of the event that there is a new epoch, or NULL. */
	struct event *event;
	bool needs_master;
	/* The master key, for who has it.  NULL: it is opened by the secret, or
	   where that is NULL, too, by the provider slot. */
	const uint8_t *master;
	const struct roost_ring_secret *secret;
	/* Returns 1 if it changed the document, 0 if there is nothing to do, or
	   -1 with error_r. */
	int (*change)(struct roost_ring_edit *edit, void *context,
		      const char **error_r);
	void *context;
	/* Set by the call: why the secret did not open; else ROOST_OK. */
	enum roost_err secret_err;
	/* Set by the call: after an error, too, the change may be stored,
	   because it was handed to the store. */
	bool may_be_stored;
};

/* 1 the document was changed; 0 there was nothing to do; -1 with error_r.  A
   ring that is in use stays as it is until it is renewed. */
int roost_ring_change(struct roost_keystore *store,
		      struct roost_ring_change *change, const char **error_r);

/* For callbacks: -1, with the sentence for this error. */
int roost_ring_change_fail(enum roost_err err, const char **error_r);

/*
 * Give the stored document another policy, for which no user's secret is
 * needed.  owner is whose the ring is.  Returns as roost_ring_change().
 */
int roost_ring_change_policy(const struct roost_ring *ring,
			     struct roost_keystore *store, const char *owner,
			     const struct roost_config *config,
			     enum roost_policy policy, const char **error_r);

#endif
