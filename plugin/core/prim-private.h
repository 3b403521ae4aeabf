/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CORE_PRIM_PRIVATE_H
#define ROOST_CORE_PRIM_PRIVATE_H

/*
 * prim-private: what prim.c needs of libsodium, and what tests ask of it.
 */

#include "roost/prim.h"

/* Make libsodium ready.  It may be called again. */
enum roost_err roost_prim_sodium_init(void) ROOST_CHECKED;

/* AES-256-GCM by libsodium, which has it for processors with instructions for
   it; false, or NULL, where it has not.  The functions keep the promises of
   roost_prim_aead_new() and the others of roost/prim.h, and what is opened has
   at least a tag. */
struct roost_sodium_gcm;
bool roost_prim_sodium_has_gcm(void);
struct roost_sodium_gcm *
roost_prim_sodium_gcm_new(const uint8_t key[ROOST_KEY_SIZE]) ROOST_CHECKED;
enum roost_err
roost_prim_sodium_gcm_seal(const struct roost_sodium_gcm *gcm,
			   const uint8_t nonce[ROOST_NONCE_SIZE],
			   const void *ad, size_t ad_len,
			   const uint8_t *plain, size_t len,
			   uint8_t *sealed_r) ROOST_CHECKED;
enum roost_err
roost_prim_sodium_gcm_open(const struct roost_sodium_gcm *gcm,
			   const uint8_t nonce[ROOST_NONCE_SIZE],
			   const void *ad, size_t ad_len,
			   const uint8_t *sealed, size_t len,
			   uint8_t *plain_r) ROOST_CHECKED;
void roost_prim_sodium_gcm_free(struct roost_sodium_gcm **gcm);

/* A running SHA-256 by libsodium, likewise. */
struct roost_sodium_sha256;
struct roost_sodium_sha256 *roost_prim_sodium_sha256_new(void) ROOST_CHECKED;
enum roost_err
roost_prim_sodium_sha256_update(struct roost_sodium_sha256 *sha,
				const void *bytes, size_t len) ROOST_CHECKED;
enum roost_err
roost_prim_sodium_sha256_final(struct roost_sodium_sha256 *sha,
			       uint8_t hash_r[ROOST_SHA256_SIZE])
	ROOST_CHECKED;
void roost_prim_sodium_sha256_free(struct roost_sodium_sha256 **sha);

/* For tests: has OpenSSL been made ready? */
bool roost_prim_has_openssl(void);

/* For tests: have one library do all of AES-256-GCM and of a running SHA-256.
   libsodium alone is not asked where it has none. */
enum roost_prim_library {
	ROOST_PRIM_EITHER,
	ROOST_PRIM_SODIUM,
	ROOST_PRIM_OPENSSL
};
void roost_prim_use(enum roost_prim_library library);

#endif
