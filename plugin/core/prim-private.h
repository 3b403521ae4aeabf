/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CORE_PRIM_PRIVATE_H
#define ROOST_CORE_PRIM_PRIVATE_H

/*
 * prim-private: what prim.c needs of the two libraries.
 *
 * libsodium does what is short: it needs no preparation.  OpenSSL is faster
 * where there is much to do, but has to be made ready first, which takes longer
 * than opening a whole mailbox's list, and memory in each process.
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

/* Have OpenSSL read its configuration, where providers may stand that it is to
   load.  This must be done at the beginning: later a process may be confined to
   a user's folder, and would take the user's file for it. */
enum roost_err roost_prim_openssl_configure(void) ROOST_CHECKED;

/* Is OpenSSL ready?  It makes itself ready when it is first used, and free
   gives all of that back. */
bool roost_prim_openssl_is_ready(void);
void roost_prim_openssl_free(void);

/* AES-256-GCM by OpenSSL, likewise. */
struct roost_openssl_gcm;
struct roost_openssl_gcm *
roost_prim_openssl_gcm_new(const uint8_t key[ROOST_KEY_SIZE]) ROOST_CHECKED;
enum roost_err
roost_prim_openssl_gcm_seal(struct roost_openssl_gcm *gcm,
			    const uint8_t nonce[ROOST_NONCE_SIZE],
			    const void *ad, size_t ad_len,
			    const uint8_t *plain, size_t len,
			    uint8_t *sealed_r) ROOST_CHECKED;
enum roost_err
roost_prim_openssl_gcm_open(struct roost_openssl_gcm *gcm,
			    const uint8_t nonce[ROOST_NONCE_SIZE],
			    const void *ad, size_t ad_len,
			    const uint8_t *sealed, size_t len,
			    uint8_t *plain_r) ROOST_CHECKED;
void roost_prim_openssl_gcm_free(struct roost_openssl_gcm **gcm);

/* For tests: have one library do all of AES-256-GCM.  libsodium alone is not
   asked where it has none. */
enum roost_prim_library {
	ROOST_PRIM_EITHER,
	ROOST_PRIM_SODIUM,
	ROOST_PRIM_OPENSSL
};
void roost_prim_use(enum roost_prim_library library);

#endif
