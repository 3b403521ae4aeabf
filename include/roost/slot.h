/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SLOT_H
#define ROOST_SLOT_H

/*
 * slot: what unlocks a keyring's master key.  Each slot wraps that key under
 * one that is made from a secret, in a way that depends on the kind of slot
 * (FORMAT.md 8).  An escrow slot seals it to a public key instead (escrow.h).
 */

#include "roost/prim.h"

#define ROOST_SLOT_SALT_SIZE 16
/* What an escrow slot holds in the place of a wrap: HPKE's enc, then the sealed
   master key with its tag. */
#define ROOST_SLOT_SEALED_SIZE (2 * ROOST_KEY_SIZE + ROOST_TAG_SIZE)

enum roost_slot_type {
	ROOST_SLOT_PROVIDER,
	ROOST_SLOT_PASSWORD,
	ROOST_SLOT_APP,
	ROOST_SLOT_RECOVERY,
	ROOST_SLOT_ESCROW,
};
#define ROOST_SLOT_TYPES (ROOST_SLOT_ESCROW + 1)

/* The word that a slot's line and the commands call its type. */
const char *roost_slot_type_name(enum roost_slot_type type);

/* What Argon2id may cost (FORMAT.md 8.7). */
struct roost_argon2_limits {
	uint32_t t_max;
	uint32_t m_kib_max;
};
/* What it does cost: passes, and memory. */
struct roost_argon2_cost {
	uint32_t t, m_kib;
};
#define ROOST_ARGON2_T_MIN 1
#define ROOST_ARGON2_M_KIB_MIN 8192
#define ROOST_ARGON2_T_DEFAULT 3
#define ROOST_ARGON2_M_KIB_DEFAULT 65536
extern const struct roost_argon2_limits roost_slot_argon2_server;

/* Make neither t nor m_kib less than what is wanted, and none less than it was.
   True if that has changed the cost. */
bool roost_slot_cost_raise(struct roost_argon2_cost *cost,
			   const struct roost_argon2_cost *wanted);

/* Make the key that wraps the master key; there is one function for each kind
   of slot.  The caller wipes kek_r; it is zero after an error. */
enum roost_err roost_slot_kek_provider(const uint8_t host_key[ROOST_KEY_SIZE],
				       uint8_t kek_r[ROOST_KEY_SIZE])
	ROOST_CHECKED;
/* ROOST_ERR_ARGON2_LIMIT for a cost that is outside of the limits. */
enum roost_err
roost_slot_kek_password(const uint8_t host_key[ROOST_KEY_SIZE],
			const uint8_t secret[ROOST_KEY_SIZE],
			const uint8_t salt[ROOST_SLOT_SALT_SIZE],
			uint32_t t, uint32_t m_kib,
			const struct roost_argon2_limits *limits,
			uint8_t kek_r[ROOST_KEY_SIZE]) ROOST_CHECKED;
/* For an app slot (32 bytes of secret) and a recovery slot (20 bytes). */
enum roost_err
roost_slot_kek_random(const uint8_t *secret, size_t secret_len,
		      const uint8_t salt[ROOST_SLOT_SALT_SIZE],
		      uint8_t kek_r[ROOST_KEY_SIZE]) ROOST_CHECKED;

#endif
