/* SPDX-License-Identifier: MIT */
#ifndef ROOST_STANZA_H
#define ROOST_STANZA_H

/*
 * stanza: a message's data key, sealed to an epoch's key pair and pre-shared
 * key and opened by them (FORMAT.md 4).
 */

#include "roost/header.h"
#include "roost/prim.h"

#define ROOST_STANZA_X25519_BODY_SIZE \
	(ROOST_KEY_SIZE + ROOST_KEY_SIZE + ROOST_TAG_SIZE)
#define ROOST_STANZA_X25519_SIZE \
	(ROOST_STANZA_HEAD_SIZE + ROOST_STANZA_X25519_BODY_SIZE)

/* An epoch as sealing needs it.  The psk is secret, the rest is public. */
struct roost_seal_key {
	uint8_t keyring_id[ROOST_ID_SIZE];
	uint8_t key_id[ROOST_KEY_ID_SIZE];
	uint8_t public_key[ROOST_KEY_SIZE];
	uint8_t psk[ROOST_KEY_SIZE];
};

/* An epoch as opening needs it.  The last two fields are secret. */
struct roost_open_key {
	uint8_t key_id[ROOST_KEY_ID_SIZE];
	uint8_t public_key[ROOST_KEY_SIZE];
	uint8_t private_key[ROOST_KEY_SIZE];
	uint8_t psk[ROOST_KEY_SIZE];
};

/* Tell the key id of a public key (FORMAT.md 4). */
enum roost_err roost_stanza_key_id(enum roost_stanza_type type,
				   const uint8_t public_key[ROOST_KEY_SIZE],
				   uint8_t key_id_r[ROOST_KEY_ID_SIZE])
	ROOST_CHECKED;

/* Write one whole stanza for a fixed header that is complete. */
enum roost_err
roost_stanza_seal(const struct roost_seal_key *key,
		  const uint8_t fixed[ROOST_HEADER_FIXED_SIZE],
		  const uint8_t data_key[ROOST_KEY_SIZE],
		  uint8_t stanza_r[ROOST_STANZA_X25519_SIZE]) ROOST_CHECKED;

/*
 * Open the header's stanza for the last of the keys that has one; no second is
 * tried.  The keys are those of the keyring, the oldest epoch first.
 * ROOST_ERR_OTHER_KEYRING, _NO_KEY, _LOW_ORDER, _STANZA_AUTH; data_key_r is
 * zero after an error, else the caller wipes it.
 */
enum roost_err
roost_stanza_open(const struct roost_header *hdr,
		  const uint8_t keyring_id[ROOST_ID_SIZE],
		  const struct roost_open_key *keys, size_t key_count,
		  uint8_t data_key_r[ROOST_KEY_SIZE]) ROOST_CHECKED;

#endif
