/* SPDX-License-Identifier: MIT */
#ifndef ROOST_PRIM_H
#define ROOST_PRIM_H

/*
 * prim: the primitives of cryptography that Roost uses, by purpose.  Nothing
 * else of Roost calls a library of cryptography.
 *
 * Nothing here is our own cryptography: prim-sodium.c calls libsodium (SHA-2,
 * HMAC and by it HKDF, X25519, Ed25519, Argon2id, AES-256-GCM of little, random
 * bytes, base64), prim-openssl.c calls OpenSSL (AES-256-GCM of much, a running
 * SHA-256), and prim.c chooses.  Every output is zero unless ROOST_OK is
 * returned; ROOST_ERR_BACKEND means that the library itself failed.  Sizes are
 * in bytes.  The caller wipes the keys it gets.
 */

#include "roost/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROOST_KEY_SIZE 32
#define ROOST_NONCE_SIZE 12
#define ROOST_TAG_SIZE 16
#define ROOST_SHA256_SIZE 32
#define ROOST_SHA512_SIZE 64
#define ROOST_WRAP_SIZE (ROOST_NONCE_SIZE + ROOST_KEY_SIZE + ROOST_TAG_SIZE)

/* Make libsodium ready; OpenSSL is made ready when it is first needed, which is
   at once where the processor has no instructions for AES.  roost_prim_init()
   must have returned ROOST_OK before any other call.  Calls are counted, so
   that two users of the library in one process may each call it and
   roost_prim_deinit(). */
enum roost_err roost_prim_init(void) ROOST_CHECKED;
void roost_prim_deinit(void);

enum roost_err roost_prim_random(uint8_t *bytes_r, size_t len) ROOST_CHECKED;

/* True if all len bytes are equal; the time depends on len alone. */
bool roost_prim_equal(const void *a, const void *b, size_t len);

enum roost_err roost_prim_sha256(const void *bytes, size_t len,
				 uint8_t hash_r[ROOST_SHA256_SIZE])
	ROOST_CHECKED;
enum roost_err roost_prim_sha512(const void *bytes, size_t len,
				 uint8_t hash_r[ROOST_SHA512_SIZE])
	ROOST_CHECKED;

/* The same of a few parts, one behind the other. */
struct roost_prim_part {
	const void *bytes;
	size_t len;
};
enum roost_err roost_prim_sha256_of(const struct roost_prim_part *parts,
				    size_t count,
				    uint8_t hash_r[ROOST_SHA256_SIZE])
	ROOST_CHECKED;

/* A running SHA-256, for much.  new returns NULL if the library fails; free
   takes NULL. */
struct roost_sha256;
struct roost_sha256 *roost_prim_sha256_new(void) ROOST_CHECKED;
enum roost_err roost_prim_sha256_update(struct roost_sha256 *sha,
					const void *bytes, size_t len)
	ROOST_CHECKED;
enum roost_err roost_prim_sha256_final(struct roost_sha256 *sha,
				       uint8_t hash_r[ROOST_SHA256_SIZE])
	ROOST_CHECKED;
void roost_prim_sha256_free(struct roost_sha256 **sha);

enum roost_err roost_prim_hmac_sha256(const uint8_t *key, size_t key_len,
				      const void *bytes, size_t len,
				      uint8_t mac_r[ROOST_SHA256_SIZE])
	ROOST_CHECKED;
enum roost_err roost_prim_hmac_sha512(const uint8_t *key, size_t key_len,
				      const void *bytes, size_t len,
				      uint8_t mac_r[ROOST_SHA512_SIZE])
	ROOST_CHECKED;

/* HKDF (RFC 5869): its hash, and which of its two halves is meant. */
enum roost_hkdf {
	ROOST_HKDF_SHA256_EXTRACT,	/* out_len 32; info unused */
	ROOST_HKDF_SHA256_EXPAND,	/* salt unused; key is the PRK */
	ROOST_HKDF_SHA512_EXPAND,	/* salt unused; key is the PRK */
	ROOST_HKDF_SHA512,		/* both halves */
};
struct roost_hkdf_args {
	const uint8_t *salt;
	size_t salt_len;
	const uint8_t *key;
	size_t key_len;
	const uint8_t *info;
	size_t info_len;
};
enum roost_err roost_prim_hkdf(enum roost_hkdf kind,
			       const struct roost_hkdf_args *args,
			       uint8_t *out_r, size_t out_len) ROOST_CHECKED;

/*
 * AES-256-GCM under one key, for many chunks.  new copies the key, and returns
 * NULL if the library fails.  seal writes len + 16 bytes.  open takes len bytes
 * with the tag and writes len - 16; it answers ROOST_ERR_CHUNK if the tag is
 * wrong, and then every byte written is zero.  The output may be the input
 * itself.
 */
struct roost_aead;
struct roost_aead *roost_prim_aead_new(const uint8_t key[ROOST_KEY_SIZE])
	ROOST_CHECKED;
enum roost_err roost_prim_aead_seal(struct roost_aead *aead,
				    const uint8_t nonce[ROOST_NONCE_SIZE],
				    const void *ad, size_t ad_len,
				    const uint8_t *plain, size_t len,
				    uint8_t *sealed_r) ROOST_CHECKED;
enum roost_err roost_prim_aead_open(struct roost_aead *aead,
				    const uint8_t nonce[ROOST_NONCE_SIZE],
				    const void *ad, size_t ad_len,
				    const uint8_t *sealed, size_t len,
				    uint8_t *plain_r) ROOST_CHECKED;
void roost_prim_aead_free(struct roost_aead **aead);

/* Wrap len bytes as nonce (12, random) || ciphertext || tag (16); wrap_r holds
   len + 28 bytes.  unwrap answers ROOST_ERR_CHUNK if it does not open. */
enum roost_err roost_prim_wrap(const uint8_t kek[ROOST_KEY_SIZE],
			       const void *ad, size_t ad_len,
			       const uint8_t *plain, size_t len,
			       uint8_t *wrap_r) ROOST_CHECKED;
enum roost_err roost_prim_unwrap(const uint8_t kek[ROOST_KEY_SIZE],
				 const void *ad, size_t ad_len,
				 const uint8_t *wrap, size_t wrap_len,
				 uint8_t *plain_r) ROOST_CHECKED;

/* X25519 (RFC 7748).  A zero shared secret is ROOST_ERR_LOW_ORDER. */
enum roost_err
roost_prim_x25519_public(const uint8_t private_key[ROOST_KEY_SIZE],
			 uint8_t public_r[ROOST_KEY_SIZE]) ROOST_CHECKED;
enum roost_err roost_prim_x25519(const uint8_t private_key[ROOST_KEY_SIZE],
				 const uint8_t public_key[ROOST_KEY_SIZE],
				 uint8_t shared_r[ROOST_KEY_SIZE])
	ROOST_CHECKED;

#define ROOST_SIGNATURE_SIZE 64

/* Ed25519 (RFC 8032), with keys as their 32-byte seeds.  check is false also
   for a public key or a signature that is not canonical or of small order,
   because with such a key one signature would fit every text. */
enum roost_err
roost_prim_sign_public(const uint8_t seed[ROOST_KEY_SIZE],
		       uint8_t public_r[ROOST_KEY_SIZE]) ROOST_CHECKED;
enum roost_err roost_prim_sign(const uint8_t seed[ROOST_KEY_SIZE],
			       const void *bytes, size_t len,
			       uint8_t signature_r[ROOST_SIGNATURE_SIZE])
	ROOST_CHECKED;
bool roost_prim_sign_check(const uint8_t public_key[ROOST_KEY_SIZE],
			   const void *bytes, size_t len,
			   const uint8_t signature[ROOST_SIGNATURE_SIZE])
	ROOST_CHECKED;

#define ROOST_ARGON2_SALT_SIZE 16

/* Argon2id 1.3 with p = 1 and m in KiB.  The caller has checked the limits. */
enum roost_err
roost_prim_argon2id(const uint8_t *password, size_t password_len,
		    const uint8_t salt[ROOST_ARGON2_SALT_SIZE],
		    uint32_t t, uint32_t m_kib,
		    uint8_t key_r[ROOST_KEY_SIZE]) ROOST_CHECKED;

/*
 * Base64 of RFC 4648 section 4 without padding.  The text for len bytes has
 * ROOST_BASE64_LEN(len) characters, and text_r gets a NUL besides.  unbase64
 * takes only the canonical text of exactly len bytes; it is false, and bytes_r
 * zero, for anything else.
 */
#define ROOST_BASE64_LEN(len) (((len) * 4 + 2) / 3)
void roost_prim_base64(const uint8_t *bytes, size_t len, char *text_r);
bool roost_prim_unbase64(const char *text, size_t text_len,
			 uint8_t *bytes_r, size_t len) ROOST_CHECKED;

#endif
