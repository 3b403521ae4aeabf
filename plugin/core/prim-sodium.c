/* SPDX-License-Identifier: MIT */
/*
 * prim-sodium: the primitives that libsodium provides.  See roost/prim.h.
 *
 * This file and secret.c are the only ones that include libsodium's header.
 */
#include "roost/prim.h"

#include "core/prim-private.h"

#include <sodium.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What libsodium's deepest calls use. */
#define ARGON2_STACK_SIZE 8192
#define GCM_STACK_SIZE 1024

_Static_assert(ROOST_KEY_SIZE == crypto_scalarmult_BYTES, "X25519");
_Static_assert(ROOST_KEY_SIZE == crypto_scalarmult_SCALARBYTES, "X25519");
_Static_assert(ROOST_KEY_SIZE == crypto_sign_SEEDBYTES, "Ed25519");
_Static_assert(ROOST_KEY_SIZE == crypto_sign_PUBLICKEYBYTES, "Ed25519");
_Static_assert(ROOST_SIGNATURE_SIZE == crypto_sign_BYTES, "Ed25519");
_Static_assert(ROOST_SHA256_SIZE == crypto_hash_sha256_BYTES, "SHA-256");
_Static_assert(ROOST_SHA512_SIZE == crypto_hash_sha512_BYTES, "SHA-512");
_Static_assert(ROOST_KEY_SIZE == crypto_aead_aes256gcm_KEYBYTES, "AES-GCM");
_Static_assert(ROOST_NONCE_SIZE == crypto_aead_aes256gcm_NPUBBYTES, "AES-GCM");
_Static_assert(ROOST_TAG_SIZE == crypto_aead_aes256gcm_ABYTES, "AES-GCM");
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
roost_prim_sha256(const void *bytes, size_t len,
		  uint8_t hash_r[ROOST_SHA256_SIZE])
{
	if (crypto_hash_sha256(hash_r, bytes, len) == 0)
		return ROOST_OK;
	sodium_memzero(hash_r, ROOST_SHA256_SIZE);
	return ROOST_ERR_BACKEND;
}

static bool
sha256_parts(crypto_hash_sha256_state *state,
	     const struct roost_prim_part *parts, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (crypto_hash_sha256_update(state, parts[i].bytes,
					      parts[i].len) != 0)
			return false;
	}
	return true;
}

enum roost_err
roost_prim_sha256_of(const struct roost_prim_part *parts, size_t count,
		     uint8_t hash_r[ROOST_SHA256_SIZE])
{
	crypto_hash_sha256_state state;
	bool is_good = crypto_hash_sha256_init(&state) == 0 &&
		sha256_parts(&state, parts, count) &&
		crypto_hash_sha256_final(&state, hash_r) == 0;

	sodium_memzero(&state, sizeof(state));
	if (!is_good)
		sodium_memzero(hash_r, ROOST_SHA256_SIZE);
	return is_good ? ROOST_OK : ROOST_ERR_BACKEND;
}

/* struct roost_sodium_sha256 is the name that callers know libsodium's state
   by. */
struct roost_sodium_sha256 *
roost_prim_sodium_sha256_new(void)
{
	crypto_hash_sha256_state *state = malloc(sizeof(*state));

	if (state != NULL && crypto_hash_sha256_init(state) != 0) {
		free(state);
		state = NULL;
	}
	return (struct roost_sodium_sha256 *)state;
}

enum roost_err
roost_prim_sodium_sha256_update(struct roost_sodium_sha256 *sha,
				const void *bytes, size_t len)
{
	return crypto_hash_sha256_update((crypto_hash_sha256_state *)sha,
					 bytes, len) == 0 ?
		ROOST_OK : ROOST_ERR_BACKEND;
}

enum roost_err
roost_prim_sodium_sha256_final(struct roost_sodium_sha256 *sha,
			       uint8_t hash_r[ROOST_SHA256_SIZE])
{
	if (crypto_hash_sha256_final((crypto_hash_sha256_state *)sha,
				     hash_r) == 0)
		return ROOST_OK;
	sodium_memzero(hash_r, ROOST_SHA256_SIZE);
	return ROOST_ERR_BACKEND;
}

void
roost_prim_sodium_sha256_free(struct roost_sodium_sha256 **sha)
{
	if (*sha == NULL)
		return;
	sodium_memzero(*sha, sizeof(crypto_hash_sha256_state));
	free(*sha);
	*sha = NULL;
}

enum roost_err
roost_prim_sha512(const void *bytes, size_t len,
		  uint8_t hash_r[ROOST_SHA512_SIZE])
{
	if (crypto_hash_sha512(hash_r, bytes, len) == 0)
		return ROOST_OK;
	sodium_memzero(hash_r, ROOST_SHA512_SIZE);
	return ROOST_ERR_BACKEND;
}

/* HMAC with one of two hashes. */
struct hmac {
	size_t size;		/* of the MAC, which says which hash */
	union {
		crypto_auth_hmacsha256_state sha256;
		crypto_auth_hmacsha512_state sha512;
	} state;			/* secret */
};

static bool
hmac_init(struct hmac *hmac, size_t size, const uint8_t *key, size_t key_len)
{
	static const uint8_t none[1];

	hmac->size = size;
	if (key == NULL)
		key = none;
	return (size == ROOST_SHA256_SIZE ?
		crypto_auth_hmacsha256_init(&hmac->state.sha256, key,
					    key_len) :
		crypto_auth_hmacsha512_init(&hmac->state.sha512, key,
					    key_len)) == 0;
}

static bool
hmac_update(struct hmac *hmac, const void *bytes, size_t len)
{
	return (hmac->size == ROOST_SHA256_SIZE ?
		crypto_auth_hmacsha256_update(&hmac->state.sha256, bytes,
					      len) :
		crypto_auth_hmacsha512_update(&hmac->state.sha512, bytes,
					      len)) == 0;
}

static bool
hmac_final(struct hmac *hmac, uint8_t *mac_r)
{
	return (hmac->size == ROOST_SHA256_SIZE ?
		crypto_auth_hmacsha256_final(&hmac->state.sha256, mac_r) :
		crypto_auth_hmacsha512_final(&hmac->state.sha512, mac_r)) == 0;
}

static enum roost_err
hmac(size_t size, const uint8_t *key, size_t key_len, const void *bytes,
     size_t len, uint8_t *mac_r)
{
	struct hmac hmac;
	bool is_good = hmac_init(&hmac, size, key, key_len) &&
		hmac_update(&hmac, bytes, len) && hmac_final(&hmac, mac_r);

	sodium_memzero(&hmac, sizeof(hmac));
	if (!is_good)
		sodium_memzero(mac_r, size);
	return is_good ? ROOST_OK : ROOST_ERR_BACKEND;
}

enum roost_err
roost_prim_hmac_sha256(const uint8_t *key, size_t key_len,
		       const void *bytes, size_t len,
		       uint8_t mac_r[ROOST_SHA256_SIZE])
{
	return hmac(ROOST_SHA256_SIZE, key, key_len, bytes, len, mac_r);
}

enum roost_err
roost_prim_hmac_sha512(const uint8_t *key, size_t key_len,
		       const void *bytes, size_t len,
		       uint8_t mac_r[ROOST_SHA512_SIZE])
{
	return hmac(ROOST_SHA512_SIZE, key, key_len, bytes, len, mac_r);
}

/* Make one block of Expand; all but the first begin with the one before. */
static bool
hkdf_block(size_t size, const struct roost_hkdf_args *args, uint8_t number,
	   uint8_t *block)
{
	struct hmac hmac;
	bool is_good = hmac_init(&hmac, size, args->key, args->key_len) &&
		(number == 1 || hmac_update(&hmac, block, size)) &&
		hmac_update(&hmac, args->info, args->info_len) &&
		hmac_update(&hmac, &number, sizeof(number)) &&
		hmac_final(&hmac, block);

	sodium_memzero(&hmac, sizeof(hmac));
	return is_good;
}

/* RFC 5869 2.3: Expand is HMAC, block after block.  The library has HKDF itself
   only since 1.0.19. */
static enum roost_err
hkdf_expand(size_t size, const struct roost_hkdf_args *args, uint8_t *out_r,
	    size_t out_len)
{
	uint8_t block[ROOST_SHA512_SIZE], number = 0;
	bool is_good = args->key_len > 0 && out_len <= 255 * size;
	size_t done, len;

	for (done = 0; is_good && done < out_len; done += len) {
		is_good = hkdf_block(size, args, ++number, block);
		len = out_len - done < size ? out_len - done : size;
		if (is_good)
			memcpy(out_r + done, block, len);
	}
	sodium_memzero(block, sizeof(block));
	if (!is_good)
		sodium_memzero(out_r, out_len);
	return is_good ? ROOST_OK : ROOST_ERR_BACKEND;
}

/* RFC 5869 2.2: Extract is HMAC under the salt. */
static enum roost_err
hkdf_both(const struct roost_hkdf_args *args, uint8_t *out_r, size_t out_len)
{
	uint8_t prk[ROOST_SHA512_SIZE];
	struct roost_hkdf_args expand = *args;
	enum roost_err err = hmac(sizeof(prk), args->salt, args->salt_len,
				  args->key, args->key_len, prk);

	expand.key = prk;
	expand.key_len = sizeof(prk);
	if (err == ROOST_OK)
		err = hkdf_expand(sizeof(prk), &expand, out_r, out_len);
	else
		sodium_memzero(out_r, out_len);
	sodium_memzero(prk, sizeof(prk));
	return err;
}

enum roost_err
roost_prim_hkdf(enum roost_hkdf kind, const struct roost_hkdf_args *args,
		uint8_t *out_r, size_t out_len)
{
	switch (kind) {
	case ROOST_HKDF_SHA256_EXPAND:
		return hkdf_expand(ROOST_SHA256_SIZE, args, out_r, out_len);
	case ROOST_HKDF_SHA512_EXPAND:
		return hkdf_expand(ROOST_SHA512_SIZE, args, out_r, out_len);
	case ROOST_HKDF_SHA512:
		return hkdf_both(args, out_r, out_len);
	case ROOST_HKDF_SHA256_EXTRACT:
		break;
	}
	assert(out_len == ROOST_SHA256_SIZE);
	return roost_prim_hmac_sha256(args->salt, args->salt_len,
				      args->key, args->key_len, out_r);
}

/* The library wants it aligned to 16. */
struct roost_sodium_gcm {
	crypto_aead_aes256gcm_state state;	/* secret */
};

bool
roost_prim_sodium_has_gcm(void)
{
	return crypto_aead_aes256gcm_is_available() != 0;
}

struct roost_sodium_gcm *
roost_prim_sodium_gcm_new(const uint8_t key[ROOST_KEY_SIZE])
{
	struct roost_sodium_gcm *gcm = roost_prim_sodium_has_gcm() ?
		aligned_alloc(16, sizeof(*gcm)) : NULL;
	int ret;

	if (gcm == NULL)
		return NULL;
	ret = crypto_aead_aes256gcm_beforenm(&gcm->state, key);
	sodium_stackzero(GCM_STACK_SIZE);
	if (ret != 0)
		roost_prim_sodium_gcm_free(&gcm);
	return gcm;
}

void
roost_prim_sodium_gcm_free(struct roost_sodium_gcm **gcm)
{
	if (*gcm == NULL)
		return;
	sodium_memzero(*gcm, sizeof(**gcm));
	free(*gcm);
	*gcm = NULL;
}

enum roost_err
roost_prim_sodium_gcm_seal(const struct roost_sodium_gcm *gcm,
			   const uint8_t nonce[ROOST_NONCE_SIZE],
			   const void *ad, size_t ad_len,
			   const uint8_t *plain, size_t len,
			   uint8_t *sealed_r)
{
	unsigned long long sealed_len = 0;
	int ret = crypto_aead_aes256gcm_encrypt_afternm(sealed_r, &sealed_len,
			plain, len, ad, ad_len, NULL, nonce, &gcm->state);

	sodium_stackzero(GCM_STACK_SIZE);
	if (ret == 0 && sealed_len == len + ROOST_TAG_SIZE)
		return ROOST_OK;
	sodium_memzero(sealed_r, len + ROOST_TAG_SIZE);
	return ROOST_ERR_BACKEND;
}

enum roost_err
roost_prim_sodium_gcm_open(const struct roost_sodium_gcm *gcm,
			   const uint8_t nonce[ROOST_NONCE_SIZE],
			   const void *ad, size_t ad_len,
			   const uint8_t *sealed, size_t len, uint8_t *plain_r)
{
	unsigned long long plain_len = 0;
	int ret = crypto_aead_aes256gcm_decrypt_afternm(plain_r, &plain_len,
			NULL, sealed, len, ad, ad_len, nonce, &gcm->state);

	sodium_stackzero(GCM_STACK_SIZE);
	if (ret == 0 && plain_len == len - ROOST_TAG_SIZE)
		return ROOST_OK;
	sodium_memzero(plain_r, len - ROOST_TAG_SIZE);
	return ROOST_ERR_CHUNK;
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
