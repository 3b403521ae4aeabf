/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYRING_H
#define ROOST_KEYRING_H

/*
 * keyring: the document that holds a user's keys, wrapped (FORMAT.md 7 to 9).
 *
 * Promises: a parsed document obeys every rule of its text; parsing and
 * writing give the same bytes; no slot is tried before the provider's mac and
 * the owner's signature were found right.
 */

#include "roost/code.h"
#include "roost/header.h"
#include "roost/provider.h"
#include "roost/slot.h"
#include "roost/stanza.h"

#define ROOST_KEYRING_DOC_MAX 65536
#define ROOST_KEYRING_OWNER_MAX 1024	/* escaped */
#define ROOST_KEYRING_SLOTS_MAX 64
/* More epochs cannot stand in a document of the largest size. */
#define ROOST_KEYRING_EPOCHS_MAX 432
#define ROOST_EPOCH_SECRET_SIZE (4 + ROOST_KEY_SIZE + ROOST_KEY_SIZE)
/* The seed of the identity, then the epochs. */
#define ROOST_SECRETS_PLAIN_SIZE(epochs) \
	(ROOST_KEY_SIZE + (epochs) * ROOST_EPOCH_SECRET_SIZE)
#define ROOST_SECRETS_SIZE(epochs) \
	(ROOST_NONCE_SIZE + ROOST_SECRETS_PLAIN_SIZE(epochs) + ROOST_TAG_SIZE)
#define ROOST_KEYRING_MAC_SIZE 32

enum roost_policy {
	ROOST_POLICY_OPEN,	/* plaintext messages are served */
	ROOST_POLICY_SEALED,	/* they are not */
};

struct roost_epoch {
	uint32_t number;
	uint64_t created;	/* Unix seconds */
	uint8_t public_key[ROOST_KEY_SIZE];
};

struct roost_slot {
	uint32_t number;
	enum roost_slot_type type;
	uint64_t created;
	uint32_t t, m_kib;			/* password only */
	uint8_t salt[ROOST_SLOT_SALT_SIZE];	/* not for provider */
	uint8_t wrap[ROOST_WRAP_SIZE];
};

/* The document's content; nothing in it is secret in the clear.  Large:
   allocate it. */
struct roost_keyring {
	uint8_t id[ROOST_ID_SIZE];
	uint8_t identity[ROOST_KEY_SIZE];	/* Ed25519 public key */
	char owner[ROOST_KEYRING_OWNER_MAX + 1];	/* escaped */
	uint64_t generation;
	enum roost_policy policy;
	uint8_t provider_id[ROOST_PROVIDER_ID_SIZE];
	uint8_t host_wrap[ROOST_WRAP_SIZE];
	unsigned int epoch_count, slot_count;
	struct roost_epoch epochs[ROOST_KEYRING_EPOCHS_MAX];
	struct roost_slot slots[ROOST_KEYRING_SLOTS_MAX];
	uint8_t secrets[ROOST_SECRETS_SIZE(ROOST_KEYRING_EPOCHS_MAX)];
	uint8_t owner_sig[ROOST_SIGNATURE_SIZE];
	uint8_t provider_mac[ROOST_KEYRING_MAC_SIZE];
};

/* kr_r is undefined after an error; *line_r is the line, from 1. */
enum roost_err roost_keyring_parse(const char *doc, size_t len,
				   struct roost_keyring *kr_r,
				   unsigned int *line_r) ROOST_CHECKED;

/* doc_r holds ROOST_KEYRING_DOC_MAX; no NUL.  ROOST_ERR_LIMIT: too large. */
enum roost_err roost_keyring_write(const struct roost_keyring *kr,
				   char *doc_r, size_t *len_r) ROOST_CHECKED;

/*
 * The escaped form of a user name (FORMAT.md 7).  ROOST_ERR_LIMIT, owner_r
 * empty, if it is empty or too long.
 */
enum roost_err
roost_keyring_escape(const char *name,
		     char owner_r[ROOST_KEYRING_OWNER_MAX + 1]) ROOST_CHECKED;

/*
 * Load: owner (escaped; NULL skips that gate), then host key, then
 * provider-mac, then roost_keyring_check_owner().  provider_keys are key_count
 * keys of ROOST_KEY_SIZE bytes one after another; the right one is found by its
 * id.  host_key_r is zero after an error, else the caller wipes it.
 */
enum roost_err
roost_keyring_open_host(const struct roost_keyring *kr, const char *owner,
			const uint8_t *provider_keys, size_t key_count,
			uint8_t host_key_r[ROOST_KEY_SIZE]) ROOST_CHECKED;

/* Where no provider key is at hand: that the id is the identity's, which has
   signed epochs and slots. */
enum roost_err roost_keyring_check_owner(const struct roost_keyring *kr)
	ROOST_CHECKED;

/* Unlock: each yields the master key, zero after an error. */
enum roost_err
roost_keyring_unlock_provider(const struct roost_keyring *kr,
			      const uint8_t host_key[ROOST_KEY_SIZE],
			      uint8_t master_r[ROOST_KEY_SIZE]) ROOST_CHECKED;
/* By the 32 bytes of roost_secret_key: app slots, then the password slot. */
enum roost_err
roost_keyring_unlock_secret(const struct roost_keyring *kr,
			    const uint8_t host_key[ROOST_KEY_SIZE],
			    const uint8_t secret[ROOST_KEY_SIZE],
			    const struct roost_argon2_limits *limits,
			    uint8_t master_r[ROOST_KEY_SIZE]) ROOST_CHECKED;
enum roost_err
roost_keyring_unlock_recovery(const struct roost_keyring *kr,
			      const uint8_t code[ROOST_CODE_SIZE],
			      uint8_t master_r[ROOST_KEY_SIZE]) ROOST_CHECKED;

/*
 * Secrets, the identity's and every epoch's key pair; with host_key (may be
 * NULL) also the psk of the newest.  keys_r holds epoch_count entries, oldest
 * first, all zero after an error; guarded memory is meant.
 */
enum roost_err
roost_keyring_open_keys(const struct roost_keyring *kr,
			const uint8_t master[ROOST_KEY_SIZE],
			const uint8_t *host_key,
			struct roost_open_key *keys_r) ROOST_CHECKED;

/* What sealing to the newest epoch needs; psk is secret. */
enum roost_err
roost_keyring_seal_key(const struct roost_keyring *kr,
		       const uint8_t host_key[ROOST_KEY_SIZE],
		       struct roost_seal_key *key_r) ROOST_CHECKED;

/* True if a provider slot opens it without the user. */
bool roost_keyring_has_slot(const struct roost_keyring *kr,
			    enum roost_slot_type type);

#endif
