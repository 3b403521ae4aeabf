/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SLOT_H
#define ROOST_SLOT_H

/*
 * slot: what unlocks a keyring's master key (FORMAT.md 8), and the forms in
 * which people and files give secrets (FORMAT.md 10).
 */

#include "roost/prim.h"

#define ROOST_SLOT_SALT_SIZE 16
#define ROOST_RECOVERY_SIZE 20
#define ROOST_RECOVERY_TEXT_SIZE 45	/* 9 groups of 4, 8 dashes, NUL */

enum roost_slot_type {
	ROOST_SLOT_PROVIDER,
	ROOST_SLOT_PASSWORD,
	ROOST_SLOT_APP,
	ROOST_SLOT_RECOVERY,
};

/* What Argon2id may cost; see FORMAT.md 8. */
struct roost_argon2_limits {
	uint32_t t_max;
	uint32_t m_kib_max;
};
#define ROOST_ARGON2_T_MIN 1
#define ROOST_ARGON2_M_KIB_MIN 8192
#define ROOST_ARGON2_T_DEFAULT 3
#define ROOST_ARGON2_M_KIB_DEFAULT 65536
extern const struct roost_argon2_limits roost_argon2_limits_server;

/*
 * D(key, label, extra) = HKDF-Expand-SHA-512 (FORMAT.md 1.4).  label has at
 * most 32 characters, extra at most 16 bytes.
 */
enum roost_err roost_slot_derive(const uint8_t key[ROOST_KEY_SIZE],
				 const char *label,
				 const uint8_t *extra, size_t extra_len,
				 uint8_t *out_r, size_t out_len)
	ROOST_CHECKED;

/* Keys that wrap the master key, one function for each kind of slot. */
enum roost_err roost_slot_kek_provider(const uint8_t host_key[ROOST_KEY_SIZE],
				       uint8_t kek_r[ROOST_KEY_SIZE])
	ROOST_CHECKED;
/* ROOST_ERR_ARGON2_LIMIT for a cost outside the limits. */
enum roost_err
roost_slot_kek_password(const uint8_t host_key[ROOST_KEY_SIZE],
			const uint8_t secret[ROOST_KEY_SIZE],
			const uint8_t salt[ROOST_SLOT_SALT_SIZE],
			uint32_t t, uint32_t m_kib,
			const struct roost_argon2_limits *limits,
			uint8_t kek_r[ROOST_KEY_SIZE]) ROOST_CHECKED;
/* For app (secret: 32 bytes) and recovery (20 bytes). */
enum roost_err
roost_slot_kek_random(const uint8_t *secret, size_t secret_len,
		      const uint8_t salt[ROOST_SLOT_SALT_SIZE],
		      uint8_t kek_r[ROOST_KEY_SIZE]) ROOST_CHECKED;

/* "XXXX-XXXX-...": 9 groups.  The caller wipes text_r. */
enum roost_err
roost_slot_recovery_text(const uint8_t code[ROOST_RECOVERY_SIZE],
			 char text_r[ROOST_RECOVERY_TEXT_SIZE]) ROOST_CHECKED;
/* ROOST_ERR_CODE_TYPO for anything that is not a whole code. */
enum roost_err roost_slot_recovery_parse(const char *text, size_t len,
					 uint8_t code_r[ROOST_RECOVERY_SIZE])
	ROOST_CHECKED;

/*
 * The contents of a provider key file: 64 hexadecimal digits, one LF or CRLF
 * may follow.  ROOST_ERR_KEY_FILE else.
 */
enum roost_err roost_slot_key_parse(const char *text, size_t len,
				    uint8_t key_r[ROOST_KEY_SIZE])
	ROOST_CHECKED;

#endif
