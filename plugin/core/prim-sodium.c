/* SPDX-License-Identifier: MIT */
/*
 * prim-sodium: the primitives that libsodium provides.  See roost/prim.h.
 *
 * This file and secret.c are the only ones that include libsodium's header.
 */
#include "roost/prim.h"

#include "core/prim-private.h"

#include <sodium.h>
#include <string.h>

#define ARGON2_STACK_SIZE 8192	/* what libsodium's deepest calls use */

_Static_assert(ROOST_KEY_SIZE == crypto_scalarmult_BYTES, "X25519");
_Static_assert(ROOST_KEY_SIZE == crypto_scalarmult_SCALARBYTES, "X25519");
_Static_assert(ROOST_KEY_SIZE == crypto_sign_SEEDBYTES, "Ed25519");
_Static_assert(ROOST_KEY_SIZE == crypto_sign_PUBLICKEYBYTES, "Ed25519");
_Static_assert(ROOST_SIGNATURE_SIZE == crypto_sign_BYTES, "Ed25519");
_Static_assert(ROOST_ARGON2_SALT_SIZE == crypto_pwhash_SALTBYTES, "Argon2id");

enum roost_err
roost_prim_random(uint8_t *bytes_r, size_t len)
{
	randombytes_buf(bytes_r, len);
	return ROOST_OK;
}

bool
roost_prim_equal(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}

enum roost_err
roost_prim_x25519_public(const uint8_t private_key[ROOST_KEY_SIZE],
			 uint8_t public_r[ROOST_KEY_SIZE])
{
	if (crypto_scalarmult_base(public_r, private_key) != 0) {
		sodium_memzero(public_r, ROOST_KEY_SIZE);
		return ROOST_ERR_BACKEND;
	}
	return ROOST_OK;
}

enum roost_err
roost_prim_x25519(const uint8_t private_key[ROOST_KEY_SIZE],
		  const uint8_t public_key[ROOST_KEY_SIZE],
		  uint8_t shared_r[ROOST_KEY_SIZE])
{
	/* The call fails on a zero result, which is the check that RFC 9180
	   7.1.4 asks for. */
	if (crypto_scalarmult(shared_r, private_key, public_key) != 0) {
		sodium_memzero(shared_r, ROOST_KEY_SIZE);
		return ROOST_ERR_LOW_ORDER;
	}
	return ROOST_OK;
}

enum roost_err
roost_prim_sign_public(const uint8_t seed[ROOST_KEY_SIZE],
		       uint8_t public_r[ROOST_KEY_SIZE])
{
	uint8_t pair[crypto_sign_SECRETKEYBYTES];
	int ret = crypto_sign_seed_keypair(public_r, pair, seed);

	sodium_memzero(pair, sizeof(pair));
	if (ret != 0) {
		sodium_memzero(public_r, ROOST_KEY_SIZE);
		return ROOST_ERR_BACKEND;
	}
	return ROOST_OK;
}

enum roost_err
roost_prim_sign(const uint8_t seed[ROOST_KEY_SIZE],
		const void *bytes, size_t len,
		uint8_t signature_r[ROOST_SIGNATURE_SIZE])
{
	uint8_t pair[crypto_sign_SECRETKEYBYTES];
	uint8_t public_key[ROOST_KEY_SIZE];	/* public */
	int ret = crypto_sign_seed_keypair(public_key, pair, seed);

	if (ret == 0)
		ret = crypto_sign_detached(signature_r, NULL, bytes, len,
					   pair);
	sodium_memzero(pair, sizeof(pair));
	if (ret != 0) {
		sodium_memzero(signature_r, ROOST_SIGNATURE_SIZE);
		return ROOST_ERR_BACKEND;
	}
	return ROOST_OK;
}

bool
roost_prim_sign_check(const uint8_t public_key[ROOST_KEY_SIZE],
		      const void *bytes, size_t len,
		      const uint8_t signature[ROOST_SIGNATURE_SIZE])
{
	return crypto_sign_verify_detached(signature, bytes, len,
					   public_key) == 0;
}

enum roost_err
roost_prim_argon2id(const uint8_t *password, size_t password_len,
		    const uint8_t salt[ROOST_ARGON2_SALT_SIZE],
		    uint32_t t, uint32_t m_kib, uint8_t key_r[ROOST_KEY_SIZE])
{
	int ret = crypto_pwhash(key_r, ROOST_KEY_SIZE, (const char *)password,
				password_len, salt, t, (size_t)m_kib * 1024,
				crypto_pwhash_ALG_ARGON2ID13);

	/* The library leaves the key on the stack, so that is wiped. */
	sodium_stackzero(ARGON2_STACK_SIZE);
	if (ret != 0) {
		sodium_memzero(key_r, ROOST_KEY_SIZE);
		return ROOST_ERR_BACKEND;
	}
	return ROOST_OK;
}

#define BASE64_VARIANT sodium_base64_VARIANT_ORIGINAL_NO_PADDING

void
roost_prim_base64(const uint8_t *bytes, size_t len, char *text_r)
{
	(void)sodium_bin2base64(text_r, ROOST_BASE64_LEN(len) + 1,
				bytes, len, BASE64_VARIANT);
}

bool
roost_prim_unbase64(const char *text, size_t text_len,
		    uint8_t *bytes_r, size_t len)
{
	size_t bin_len = 0;

	/* Without an end pointer the library refuses all that is not canonical,
	   also unused bits that are not zero. */
	if (text_len == ROOST_BASE64_LEN(len) &&
	    sodium_base642bin(bytes_r, len, text, text_len, NULL, &bin_len,
			      NULL, BASE64_VARIANT) == 0 && bin_len == len)
		return true;
	memset(bytes_r, 0, len);
	return false;
}

enum roost_err
roost_prim_sodium_init(void)
{
	return sodium_init() < 0 ? ROOST_ERR_BACKEND : ROOST_OK;
}
