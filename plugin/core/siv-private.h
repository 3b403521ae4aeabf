/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CORE_SIV_PRIVATE_H
#define ROOST_CORE_SIV_PRIVATE_H

/*
 * siv: sealing that needs no nonce (FORMAT.md 13.2): the same input gives the
 * same output, and tells nothing but that it is the same, and its length.
 *
 * It is the composition SIV of Rogaway and Shrimpton (Deterministic
 * Authenticated-Encryption, 2006) with HMAC-SHA-256, whose first 16 bytes are
 * tag and nonce, and HKDF-Expand, which makes of it what hides the text.
 * RFC 5297 composes it of AES, which would need OpenSSL in each process that
 * shows a keyword.
 */

#include "roost/prim.h"

/* The first half is the key of the tag, the second that of the text. */
#define ROOST_SIV_KEY_SIZE (2 * ROOST_KEY_SIZE)
#define ROOST_SIV_TEXT_MAX 255
#define ROOST_SIV_AD_MAX 64

/*
 * seal writes 16 + len bytes, the tag first; open takes those and writes 16
 * less.  Every output is zero unless ROOST_OK is returned.  ROOST_ERR_BACKEND
 * if the library fails, if there is no text, or if text or associated data are
 * longer than is said above; open: ROOST_ERR_CHUNK for a wrong tag, for less
 * than a tag and one byte, and for more than the longest text.
 */
enum roost_err roost_siv_seal(const uint8_t key[ROOST_SIV_KEY_SIZE],
			      const void *ad, size_t ad_len,
			      const uint8_t *plain, size_t len,
			      uint8_t *sealed_r) ROOST_CHECKED;
enum roost_err roost_siv_open(const uint8_t key[ROOST_SIV_KEY_SIZE],
			      const void *ad, size_t ad_len,
			      const uint8_t *sealed, size_t len,
			      uint8_t *plain_r) ROOST_CHECKED;

#endif
