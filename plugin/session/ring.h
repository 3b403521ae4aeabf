/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_RING_H
#define ROOST_SESSION_RING_H

/*
 * ring: a keyring as a session holds it: loaded and checked, perhaps
 * unlocked, with the data keys of what this process sealed itself.
 *
 * Everything secret is in guarded memory and wiped when it is freed.
 */

#include "session/keystore.h"
#include "session/ring-secret.h"
#include "settings/config.h"

#include "roost/blob.h"
#include "roost/keyring.h"
#include "roost/token.h"

struct roost_ring;

/*
 * Load the keyring of store and check it against owner (what
 * roost_user_owner() answers; NULL skips that gate) and the pins of config.  1,
 * and *ring_r is to be freed; 0 there is none; -1 with error_r.
 */
int roost_ring_load(struct roost_keystore *store, const char *owner,
		    const struct roost_config *config,
		    struct roost_ring **ring_r, const char **error_r);

/* The same for a document that is not stored yet, or was read already.  0, and
   *ring_r is to be freed; -1 with error_r, and *ring_r is NULL. */
int roost_ring_read(const struct roost_keystore *store, const buffer_t *doc,
		    const char *owner, const struct roost_config *config,
		    struct roost_ring **ring_r, const char **error_r);

/*
 * Compare the document in use with the one that is in the store now.  What has
 * replaced it there, whoever did, is checked like at loading, and taken in
 * place if it is a later one of the same keyring.  0, and the ring is what is
 * stored; -1 with error_r, and the ring is as it was, but nothing may be sealed
 * with it.
 *
 * A ring that is open goes on reading what it could.  It opens what a rotation
 * has added, unless there is a new master key that neither the provider slot
 * nor the user's secret gives: see roost_ring_is_outdated().
 */
int roost_ring_renew(struct roost_ring *ring, struct roost_keystore *store,
		     const char *owner, const struct roost_config *config,
		     const char **error_r);

/*
 * Tell a ring what roost_ring_renew() needs, all of which has to outlive it.
 * Then it renews itself where a message is of an epoch that it does not know.
 * What it does from now on sends events that are children of this one, which
 * may be NULL: then none.
 */
void roost_ring_bind(struct roost_ring *ring, struct roost_keystore *store,
		     const char *owner, const struct roost_config *config,
		     struct event *event);

/*
 * A password slot that has opened a ring, which is open by now: the unlock
 * cache had nothing, and Argon2id was computed.  Secret and master key are in
 * guarded memory; the secret is wiped afterwards.
 */
struct roost_ring_password {
	struct event *event;		/* for the log */
	struct roost_keystore *store;	/* as roost_ring_bind() has told */
	const char *owner;
	const struct roost_config *config;
	const struct roost_slot *slot;
	const uint8_t *secret;		/* the 32 bytes of roost_secret_key */
	const uint8_t *master;
};
typedef void
roost_ring_password_callback_t(struct roost_ring *ring,
			       const struct roost_ring_password *password);

/* Have this called when that happens to a ring which is bound.  It may change
   what is stored, and renew the ring. */
void roost_ring_on_password(struct roost_ring *ring,
			    roost_ring_password_callback_t *callback);

/* How often the key that new messages are sealed to has changed since the ring
   was loaded. */
unsigned int roost_ring_seal_count(const struct roost_ring *ring);

/*
 * End the use of *ring, which may be NULL, and set it to NULL.  It is wiped and
 * freed, unless the process keeps it for a later roost_ring_load() by the same
 * provider keys that finds the same bytes stored for the same owner: one of the
 * last 8 that no user's secret was there to open.
 */
void roost_ring_free(struct roost_ring **ring);
/* Wipe and free those that are kept. */
void roost_ring_drop_kept(void);

/* The bytes that were read; and the host key, which is secret.  Borrowed. */
const buffer_t *roost_ring_stored(const struct roost_ring *ring);
const uint8_t *roost_ring_host_key(const struct roost_ring *ring);

/* The document; and the stricter of its policy and the pinned one. */
const struct roost_keyring *roost_ring_doc(const struct roost_ring *ring);
enum roost_policy roost_ring_policy(const struct roost_ring *ring);

/* What new messages are sealed to.  Borrowed. */
const struct roost_seal_key *roost_ring_seal_key(const struct roost_ring *ring);

/* The key by which names of keywords become tokens.  Borrowed. */
const struct roost_token_key *
roost_ring_token_key(const struct roost_ring *ring);

/*
 * Unlock at first use, by the provider slot or the user's secret.  Later calls
 * answer the same at once, also what kept it locked.
 */
enum roost_err roost_ring_unlock(struct roost_ring *ring) ROOST_CHECKED;

/*
 * The same by this secret, which opens a slot of any kind.  It is tried also if
 * the ring is open, which it stays if that fails.  Errors: those of
 * roost_ring_secret_open().
 */
enum roost_err
roost_ring_unlock_by(struct roost_ring *ring,
		     const struct roost_ring_secret *secret) ROOST_CHECKED;

/*
 * May messages be sealed to it?  0, or -1 with error_r where what is at hand
 * shows that they would not open.  A provider slot is opened to find out; a
 * password is tried only where nothing else shows whose the keyring is.
 */
int roost_ring_check_seal(struct roost_ring *ring, const char **error_r);

/* What seals and opens the blobs of the index cache; unlocks the ring, and is
   NULL where that fails.  Borrowed. */
struct roost_aead *roost_ring_cache_aead(struct roost_ring *ring);

/* True once unlocking was tried and failed. */
bool roost_ring_is_locked(const struct roost_ring *ring);

/* True where the keyring has got a new master key since the ring was unlocked:
   messages sealed since then are ROOST_ERR_LOCKED until the next login. */
bool roost_ring_is_outdated(const struct roost_ring *ring);

/*
 * The data key of a message: one that this process remembers, else the one from
 * its stanza.  Errors: ROOST_ERR_OTHER_KEYRING, and those of unlocking and of
 * opening the stanza; data_key_r is all zero then.
 */
enum roost_err roost_ring_data_key(struct roost_ring *ring,
				   const struct roost_header *header,
				   uint8_t data_key_r[ROOST_KEY_SIZE])
	ROOST_CHECKED;

/* Remember the data key of what was just sealed or opened, in the place of the
   oldest of 64. */
void roost_ring_remember(struct roost_ring *ring,
			 const uint8_t object_id[ROOST_ID_SIZE],
			 const uint8_t data_key[ROOST_KEY_SIZE]);

/* Forget a data key; FALSE if it was not remembered. */
bool roost_ring_forget(struct roost_ring *ring,
		       const uint8_t object_id[ROOST_ID_SIZE]);

#endif
