/* SPDX-License-Identifier: MIT */
/*
 * prim: which library does what.  See roost/prim.h.
 *
 * Hashes, MACs and curves are libsodium's.  AES-256-GCM is done by libsodium as
 * long as a process has little to do, and by OpenSSL from there on; a running
 * SHA-256 by OpenSSL.  Where OpenSSL cannot be had, libsodium does both.
 */
#include "roost/prim.h"

#include "core/prim-private.h"
#include "core/secret-private.h"
#include "roost/openssl.h"
#include "roost/secret.h"

#include <stdlib.h>
#include <string.h>

/* Up to so many bytes libsodium is as fast.  Of what is longer it takes 0.3 ms
   more for each MiB, and mapping OpenSSL and making it ready takes 2.1 ms.  So
   a process that does no more than this total is spared most of that, and any
   other loses the seventh part of it. */
#define SHORT_SIZE 1024
#define LONG_TOTAL (1024 * 1024)

static unsigned int users;
static size_t long_done;
static enum roost_prim_library used;

/* OpenSSL, once it was found; it is sought once.  The table stays when it has
   been stopped, for whatever is still to be freed. */
static const struct roost_openssl *openssl;
static bool openssl_was_sought, openssl_is_ready;

void
roost_prim_use(enum roost_prim_library library)
{
	used = library;
}

bool
roost_prim_has_openssl(void)
{
	return openssl_is_ready;
}

/* Make OpenSSL ready, if this process may have it. */
static bool
openssl_is_made_ready(void)
{
	if (used == ROOST_PRIM_SODIUM)
		return false;
	if (!openssl_was_sought) {
		openssl_was_sought = true;
		openssl = roost_openssl_find();
		openssl_is_ready = openssl != NULL;
	}
	return openssl_is_ready;
}

static void
openssl_stop(void)
{
	if (openssl_is_ready)
		openssl->end();
	openssl_was_sought = openssl_is_ready = false;
	long_done = 0;
}

/* Where libsodium has no AES, OpenSSL is needed from the beginning. */
enum roost_err
roost_prim_init(void)
{
	if (users == 0 && (roost_prim_sodium_init() != ROOST_OK ||
			   (!roost_prim_sodium_has_gcm() &&
			    !openssl_is_made_ready()))) {
		openssl_stop();
		return ROOST_ERR_BACKEND;
	}
	users++;
	return ROOST_OK;
}

void
roost_prim_deinit(void)
{
	if (users > 0 && --users == 0) {
		openssl_stop();
		roost_secret_drop_spares();
	}
}

/* One of them is there. */
struct roost_sha256 {
	struct roost_sodium_sha256 *sodium;
	struct roost_openssl_sha256 *openssl;
};

struct roost_sha256 *
roost_prim_sha256_new(void)
{
	struct roost_sha256 *sha = calloc(1, sizeof(*sha));

	if (sha == NULL)
		return NULL;
	if (openssl_is_made_ready())
		sha->openssl = openssl->sha256_new();
	else if (used != ROOST_PRIM_OPENSSL)
		sha->sodium = roost_prim_sodium_sha256_new();
	if (sha->openssl == NULL && sha->sodium == NULL)
		roost_prim_sha256_free(&sha);
	return sha;
}

enum roost_err
roost_prim_sha256_update(struct roost_sha256 *sha, const void *bytes,
			 size_t len)
{
	return sha->openssl != NULL ?
		openssl->sha256_update(sha->openssl, bytes, len) :
		roost_prim_sodium_sha256_update(sha->sodium, bytes, len);
}

enum roost_err
roost_prim_sha256_final(struct roost_sha256 *sha,
			uint8_t hash_r[ROOST_SHA256_SIZE])
{
	return sha->openssl != NULL ?
		openssl->sha256_final(sha->openssl, hash_r) :
		roost_prim_sodium_sha256_final(sha->sodium, hash_r);
}

void
roost_prim_sha256_free(struct roost_sha256 **sha)
{
	if (*sha == NULL)
		return;
	roost_prim_sodium_sha256_free(&(*sha)->sodium);
	if ((*sha)->openssl != NULL)
		openssl->sha256_free(&(*sha)->openssl);
	free(*sha);
	*sha = NULL;
}

/* Each is made at its first use. */
struct roost_aead {
	struct roost_sodium_gcm *sodium;
	struct roost_openssl_gcm *openssl;
	uint8_t key[ROOST_KEY_SIZE];		/* secret */
};

struct roost_aead *
roost_prim_aead_new(const uint8_t key[ROOST_KEY_SIZE])
{
	struct roost_aead *aead = calloc(1, sizeof(*aead));

	if (aead != NULL)
		memcpy(aead->key, key, ROOST_KEY_SIZE);
	return aead;
}

void
roost_prim_aead_free(struct roost_aead **aead)
{
	if (*aead == NULL)
		return;
	roost_prim_sodium_gcm_free(&(*aead)->sodium);
	if ((*aead)->openssl != NULL)
		openssl->gcm_free(&(*aead)->openssl);
	roost_wipe(*aead, sizeof(**aead));
	free(*aead);
	*aead = NULL;
}

/* Is that much to be done by OpenSSL?  Where it cannot be had, libsodium does
   it, if it can. */
static bool
is_for_openssl(size_t len)
{
	if (used != ROOST_PRIM_EITHER || !roost_prim_sodium_has_gcm())
		return used != ROOST_PRIM_SODIUM;
	if (len <= SHORT_SIZE)
		return false;
	if (openssl_is_ready)
		return true;
	if (long_done <= LONG_TOTAL)
		long_done += len;
	return long_done > LONG_TOTAL && openssl_is_made_ready();
}

static bool
has_sodium(struct roost_aead *aead)
{
	if (aead->sodium == NULL)
		aead->sodium = roost_prim_sodium_gcm_new(aead->key);
	return aead->sodium != NULL;
}

static bool
has_openssl(struct roost_aead *aead)
{
	if (aead->openssl == NULL && openssl_is_made_ready())
		aead->openssl = openssl->gcm_new(aead->key);
	return aead->openssl != NULL;
}

enum roost_err
roost_prim_aead_seal(struct roost_aead *aead,
		     const uint8_t nonce[ROOST_NONCE_SIZE],
		     const void *ad, size_t ad_len,
		     const uint8_t *plain, size_t len, uint8_t *sealed_r)
{
	if (is_for_openssl(len)) {
		if (has_openssl(aead))
			return openssl->gcm_seal(aead->openssl, nonce, ad,
						 ad_len, plain, len, sealed_r);
	} else if (has_sodium(aead)) {
		return roost_prim_sodium_gcm_seal(aead->sodium, nonce, ad,
						  ad_len, plain, len,
						  sealed_r);
	}
	roost_wipe(sealed_r, len + ROOST_TAG_SIZE);
	return ROOST_ERR_BACKEND;
}

enum roost_err
roost_prim_aead_open(struct roost_aead *aead,
		     const uint8_t nonce[ROOST_NONCE_SIZE],
		     const void *ad, size_t ad_len,
		     const uint8_t *sealed, size_t len, uint8_t *plain_r)
{
	if (len < ROOST_TAG_SIZE)
		return ROOST_ERR_CHUNK;
	if (is_for_openssl(len)) {
		if (has_openssl(aead))
			return openssl->gcm_open(aead->openssl, nonce, ad,
						 ad_len, sealed, len, plain_r);
	} else if (has_sodium(aead)) {
		return roost_prim_sodium_gcm_open(aead->sodium, nonce, ad,
						  ad_len, sealed, len,
						  plain_r);
	}
	roost_wipe(plain_r, len - ROOST_TAG_SIZE);
	return ROOST_ERR_BACKEND;
}

enum roost_err
roost_prim_wrap(const uint8_t kek[ROOST_KEY_SIZE], const void *ad,
		size_t ad_len, const uint8_t *plain, size_t len,
		uint8_t *wrap_r)
{
	struct roost_aead *aead = roost_prim_aead_new(kek);
	enum roost_err err = ROOST_ERR_BACKEND;

	if (aead != NULL)
		err = roost_prim_random(wrap_r, ROOST_NONCE_SIZE);
	if (err == ROOST_OK)
		err = roost_prim_aead_seal(aead, wrap_r, ad, ad_len, plain,
					   len, wrap_r + ROOST_NONCE_SIZE);
	if (err != ROOST_OK)
		memset(wrap_r, 0, ROOST_NONCE_SIZE + len + ROOST_TAG_SIZE);
	roost_prim_aead_free(&aead);
	return err;
}

enum roost_err
roost_prim_unwrap(const uint8_t kek[ROOST_KEY_SIZE], const void *ad,
		  size_t ad_len, const uint8_t *wrap, size_t wrap_len,
		  uint8_t *plain_r)
{
	struct roost_aead *aead;
	enum roost_err err = ROOST_ERR_BACKEND;

	if (wrap_len < ROOST_NONCE_SIZE + ROOST_TAG_SIZE)
		return ROOST_ERR_CHUNK;
	aead = roost_prim_aead_new(kek);
	if (aead != NULL)
		err = roost_prim_aead_open(aead, wrap, ad, ad_len,
					   wrap + ROOST_NONCE_SIZE,
					   wrap_len - ROOST_NONCE_SIZE,
					   plain_r);
	roost_prim_aead_free(&aead);
	return err;
}
