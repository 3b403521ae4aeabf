/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYRING_H
#define ROOST_KEYRING_H

/*
 * keyring: the document that holds a user's keys, wrapped (FORMAT.md 7 to 9).
 *
 * Promises: a parsed document obeys every rule of its text; parsing and writing
 * give the same bytes; no slot is tried before the provider's mac and the
 * owner's signature were found right.  keyring-edit.h makes and changes such
 * documents.
 */

#include "roost/code.h"
#include "roost/header.h"
#include "roost/provider.h"
#include "roost/slot.h"
#include "roost/stanza.h"

#define ROOST_KEYRING_DOC_MAX 65536
#define ROOST_KEYRING_OWNER_MAX 1024	/* escaped */
#define ROOST_KEYRING_SLOTS_MAX 64
/* A document of the largest size has no room for more epochs. */
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
	uint8_t salt[ROOST_SLOT_SALT_SIZE];	/* not for provider, escrow */
	uint8_t wrap[ROOST_WRAP_SIZE];		/* not for escrow */
	uint8_t public_key[ROOST_KEY_SIZE];	/* escrow only */
	uint8_t sealed[ROOST_SLOT_SEALED_SIZE];	/* escrow only */
};

/* The content of a document.  Nothing in it is secret in the clear.  It is
   large, so allocate it. */
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

/* Parse a document.  *line_r is the line where it ended or failed, from 1; kr_r
   is undefined after an error. */
enum roost_err roost_keyring_parse(const char *doc, size_t len,
				   struct roost_keyring *kr_r,
				   unsigned int *line_r) ROOST_CHECKED;

/* Write a document into doc_r, which holds ROOST_KEYRING_DOC_MAX bytes; no NUL
   is added.  ROOST_ERR_LIMIT if it is too large, and then *len_r is zero. */
enum roost_err roost_keyring_write(const struct roost_keyring *kr,
				   char *doc_r, size_t *len_r) ROOST_CHECKED;

/* Write the escaped form of a user name (FORMAT.md 7).  ROOST_ERR_LIMIT if the
   name is empty or too long, and then owner_r is empty. */
enum roost_err
roost_keyring_escape(const char *name,
		     char owner_r[ROOST_KEYRING_OWNER_MAX + 1]) ROOST_CHECKED;

/*
 * Load a document: check the owner (escaped; NULL skips that gate), open the
 * host key, check the provider's mac, then do what roost_keyring_check_owner()
 * does.  provider_keys are key_count keys of ROOST_KEY_SIZE bytes, one after
 * another; the right one is found by its id.  host_key_r is zero after an
 * error, else the caller wipes it.
 */
enum roost_err
roost_keyring_open_host(const struct roost_keyring *kr, const char *owner,
			const uint8_t *provider_keys, size_t key_count,
			uint8_t host_key_r[ROOST_KEY_SIZE]) ROOST_CHECKED;

/* Check that the id is that of the identity, and that the identity has signed
   epochs and slots.  Alone it is for where no provider key is at hand. */
enum roost_err roost_keyring_check_owner(const struct roost_keyring *kr)
	ROOST_CHECKED;

/* Unlock the master key by the provider slot.  In all ways of unlocking
   master_r is zero after an error, else the caller wipes it. */
enum roost_err
roost_keyring_unlock_provider(const struct roost_keyring *kr,
			      const uint8_t host_key[ROOST_KEY_SIZE],
			      uint8_t master_r[ROOST_KEY_SIZE]) ROOST_CHECKED;
/* Unlock it by the 32 bytes of roost_secret_key: by the app slots first, then
   by the password slot; of two, which stand while one replaces the other, the
   later one is tried first. */
enum roost_err
roost_keyring_unlock_secret(const struct roost_keyring *kr,
			    const uint8_t host_key[ROOST_KEY_SIZE],
			    const uint8_t secret[ROOST_KEY_SIZE],
			    const struct roost_argon2_limits *limits,
			    uint8_t master_r[ROOST_KEY_SIZE]) ROOST_CHECKED;
/* The two halves of that.  *slot_r is the password slot that opened, or NULL
   after an error; it is a part of kr. */
enum roost_err
roost_keyring_unlock_app(const struct roost_keyring *kr,
			 const uint8_t secret[ROOST_KEY_SIZE],
			 uint8_t master_r[ROOST_KEY_SIZE]) ROOST_CHECKED;
enum roost_err
roost_keyring_unlock_password(const struct roost_keyring *kr,
			      const uint8_t host_key[ROOST_KEY_SIZE],
			      const uint8_t secret[ROOST_KEY_SIZE],
			      const struct roost_argon2_limits *limits,
			      uint8_t master_r[ROOST_KEY_SIZE],
			      const struct roost_slot **slot_r) ROOST_CHECKED;
/* Unlock it by a recovery code. */
enum roost_err
roost_keyring_unlock_recovery(const struct roost_keyring *kr,
			      const uint8_t code[ROOST_CODE_SIZE],
			      uint8_t master_r[ROOST_KEY_SIZE]) ROOST_CHECKED;
/* Unlock it by the private key of an escrow slot.  ROOST_ERR_NO_SLOT if none
   names its public key. */
enum roost_err
roost_keyring_unlock_escrow(const struct roost_keyring *kr,
			    const uint8_t private_key[ROOST_KEY_SIZE],
			    uint8_t master_r[ROOST_KEY_SIZE]) ROOST_CHECKED;

/*
 * Open the record `secrets`, and check the identity's seed and every epoch's
 * key pair; with host_key (may be NULL) also the psk of the newest.  keys_r
 * holds epoch_count entries, the oldest first, and should be guarded memory; it
 * is zero after an error.
 */
enum roost_err
roost_keyring_open_keys(const struct roost_keyring *kr,
			const uint8_t master[ROOST_KEY_SIZE],
			const uint8_t *host_key,
			struct roost_open_key *keys_r) ROOST_CHECKED;

/* Tell what sealing to the newest epoch needs, of which the psk is secret.
   key_r is zero after an error. */
enum roost_err
roost_keyring_seal_key(const struct roost_keyring *kr,
		       const uint8_t host_key[ROOST_KEY_SIZE],
		       struct roost_seal_key *key_r) ROOST_CHECKED;

/* How many slots of this type the keyring has, and whether it has any. */
unsigned int roost_keyring_count_slots(const struct roost_keyring *kr,
				       enum roost_slot_type type);
bool roost_keyring_has_slot(const struct roost_keyring *kr,
			    enum roost_slot_type type);

/* The slot of that number, which is a part of kr; NULL if there is none. */
const struct roost_slot *
roost_keyring_find_slot(const struct roost_keyring *kr, uint32_t number);

/* What the password of a slot costs; zeros for other kinds. */
struct roost_argon2_cost
roost_keyring_slot_cost(const struct roost_slot *slot);

/* True if a document may have one more slot of this type (FORMAT.md 7.13). */
bool roost_keyring_slot_fits(const struct roost_keyring *kr,
			     enum roost_slot_type type);

#endif
