/* SPDX-License-Identifier: MIT */
#ifndef ROOST_TOKEN_H
#define ROOST_TOKEN_H

/*
 * token: names of keywords as they stand on disk (FORMAT.md 13).
 *
 * Promises: one name gives one token under one key, in every process; two
 * spellings of a name ("Work", "work") give tokens that differ in the case of
 * their letters only, as keywords are compared; a token that was not made with
 * the key does not open; a token is ASCII letters, digits and a hyphen.
 */

#include "roost/header.h"
#include "roost/prim.h"

#define ROOST_TOKEN_PREFIX "rk1-"
#define ROOST_TOKEN_PREFIX_SIZE 4
#define ROOST_TOKEN_NAME_MAX 255
/* The prefix, then base32 of the 16-byte tag and the name. */
#define ROOST_TOKEN_LEN(name_len) \
	(ROOST_TOKEN_PREFIX_SIZE + ((ROOST_TAG_SIZE + (name_len)) * 8 + 4) / 5)
#define ROOST_TOKEN_MAX ROOST_TOKEN_LEN(ROOST_TOKEN_NAME_MAX)

/* The keys of names, which are secret: D(host key, "keyword", L = 64) and
   D(host key, "keyword case", L = 32), with the id that tokens are bound to. */
struct roost_token_key {
	uint8_t key[2 * ROOST_KEY_SIZE];
	uint8_t case_key[ROOST_KEY_SIZE];
	uint8_t keyring_id[ROOST_ID_SIZE];
};

/* Derive the keys from a keyring's host key.  key_r is zero after an error. */
enum roost_err roost_token_key_derive(const uint8_t host_key[ROOST_KEY_SIZE],
				      const uint8_t keyring_id[ROOST_ID_SIZE],
				      struct roost_token_key *key_r)
	ROOST_CHECKED;

/* True if the text begins with the prefix, in upper or lower case. */
bool roost_token_is_claimed(const char *text, size_t len);

/*
 * Make the token of a name, NUL-terminated.  ROOST_ERR_LIMIT for an empty name,
 * one with a NUL in it, or one of more than ROOST_TOKEN_NAME_MAX bytes.  The
 * caller refuses names that look like a token.  token_r is empty after an
 * error.
 */
enum roost_err roost_token_seal(const struct roost_token_key *key,
				const char *name, size_t len,
				char token_r[ROOST_TOKEN_MAX + 1])
	ROOST_CHECKED;

/*
 * Open a token.  The name is NUL-terminated; it has at least one byte, and no
 * NUL in it.  ROOST_ERR_TOKEN for anything that roost_token_seal() did not make
 * with this key; name_r is zero after an error.  The case of the token's
 * letters says how the name is spelled; where it says nothing that was made
 * with the key, the name comes in lower case.
 */
enum roost_err roost_token_open(const struct roost_token_key *key,
				const char *token, size_t len,
				char name_r[ROOST_TOKEN_NAME_MAX + 1])
	ROOST_CHECKED;

#endif
