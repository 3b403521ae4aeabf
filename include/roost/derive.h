/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DERIVE_H
#define ROOST_DERIVE_H

/*
 * derive: D of FORMAT.md 1.4, which makes one key from another.
 *
 * It is HKDF-Expand with SHA-512.  The label says what the new key is for, so
 * that two purposes never share a key.
 */

#include "roost/prim.h"

/* Write D(key, label, extra) to out_r.  label has at most 32 characters, extra
   at most 16 bytes.  The caller wipes out_r; it is zero after an error. */
enum roost_err roost_derive(const uint8_t key[ROOST_KEY_SIZE],
			    const char *label,
			    const uint8_t *extra, size_t extra_len,
			    uint8_t *out_r, size_t out_len) ROOST_CHECKED;

/*
 * Write SHA-256 of label, NUL and bytes to hash_r, which is how public ids and
 * the check of a recovery code are made.  Together they have at most 63 bytes.
 * The bytes may be secret; hash_r is zero after an error.
 */
enum roost_err roost_derive_hash(const char *label,
				 const uint8_t *bytes, size_t len,
				 uint8_t hash_r[ROOST_SHA256_SIZE])
	ROOST_CHECKED;

#endif
