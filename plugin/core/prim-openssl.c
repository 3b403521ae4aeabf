/* SPDX-License-Identifier: MIT */
/*
 * prim-openssl: the primitives that OpenSSL provides.  See roost/prim.h.
 *
 * This is the one file that includes OpenSSL's headers.  Algorithms are fetched
 * once for the process, because OpenSSL 3 else looks one up by name at every
 * use, which costs more than sealing a small message.
 */
#include "roost/prim.h"

#include "core/prim-private.h"
#include "core/secret-private.h"
#include "roost/secret.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* These are made by the first init and freed by the last deinit.  The contexts
   have their digest set; they hold a key only while one of the functions below
   runs. */
static struct {
	unsigned int users;
	EVP_CIPHER *aes_gcm, *aes_siv;
	EVP_MD *sha256, *sha512;
	EVP_MAC_CTX *hmac256, *hmac512;
	EVP_KDF *hkdf;
} fetched;

static const uint8_t no_key[ROOST_SHA512_SIZE];

static void
prim_free(void)
{
	EVP_CIPHER_free(fetched.aes_gcm);
	EVP_CIPHER_free(fetched.aes_siv);
	EVP_MD_free(fetched.sha256);
	EVP_MD_free(fetched.sha512);
	EVP_MAC_CTX_free(fetched.hmac256);
	EVP_MAC_CTX_free(fetched.hmac512);
	EVP_KDF_free(fetched.hkdf);
	memset(&fetched, 0, sizeof(fetched));
}

static EVP_MAC_CTX *
hmac_new(char *hash)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash,
						 0),
		OSSL_PARAM_construct_end()
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);

	EVP_MAC_free(mac);	/* the context keeps a reference */
	if (ctx != NULL && EVP_MAC_CTX_set_params(ctx, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

static bool
prim_fetch(void)
{
	char sha256[] = "SHA256", sha512[] = "SHA512";

	fetched.aes_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	fetched.aes_siv = EVP_CIPHER_fetch(NULL, "AES-256-SIV", NULL);
	fetched.sha256 = EVP_MD_fetch(NULL, sha256, NULL);
	fetched.sha512 = EVP_MD_fetch(NULL, sha512, NULL);
	fetched.hmac256 = hmac_new(sha256);
	fetched.hmac512 = hmac_new(sha512);
	fetched.hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	return fetched.aes_gcm != NULL && fetched.aes_siv != NULL &&
		fetched.sha256 != NULL && fetched.sha512 != NULL &&
		fetched.hmac256 != NULL && fetched.hmac512 != NULL &&
		fetched.hkdf != NULL;
}

enum roost_err
roost_prim_init(void)
{
	if (fetched.users == 0 &&
	    (roost_prim_sodium_init() != ROOST_OK || !prim_fetch())) {
		prim_free();
		return ROOST_ERR_BACKEND;
	}
	fetched.users++;
	return ROOST_OK;
}

void
roost_prim_deinit(void)
{
	if (fetched.users > 0 && --fetched.users == 0) {
		prim_free();
		roost_secret_drop_spares();
	}
}

static enum roost_err
digest(const EVP_MD *md, const void *bytes, size_t len,
       uint8_t *hash_r, size_t hash_size)
{
	unsigned int hash_len = 0;

	if (EVP_Digest(bytes, len, hash_r, &hash_len, md, NULL) == 1 &&
	    hash_len == hash_size)
		return ROOST_OK;
	memset(hash_r, 0, hash_size);
	return ROOST_ERR_BACKEND;
}

enum roost_err
roost_prim_sha256(const void *bytes, size_t len,
		  uint8_t hash_r[ROOST_SHA256_SIZE])
{
	return digest(fetched.sha256, bytes, len, hash_r, ROOST_SHA256_SIZE);
}

enum roost_err
roost_prim_sha512(const void *bytes, size_t len,
		  uint8_t hash_r[ROOST_SHA512_SIZE])
{
	return digest(fetched.sha512, bytes, len, hash_r, ROOST_SHA512_SIZE);
}

/* struct roost_sha256 is the name that callers know an EVP_MD_CTX by. */
struct roost_sha256 *
roost_prim_sha256_new(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx != NULL && EVP_DigestInit_ex2(ctx, fetched.sha256, NULL) != 1) {
		EVP_MD_CTX_free(ctx);
		ctx = NULL;
	}
	return (struct roost_sha256 *)ctx;
}

enum roost_err
roost_prim_sha256_update(struct roost_sha256 *sha, const void *bytes,
			 size_t len)
{
	return EVP_DigestUpdate((EVP_MD_CTX *)sha, bytes, len) == 1 ?
		ROOST_OK : ROOST_ERR_BACKEND;
}

enum roost_err
roost_prim_sha256_final(struct roost_sha256 *sha,
			uint8_t hash_r[ROOST_SHA256_SIZE])
{
	if (EVP_DigestFinal_ex((EVP_MD_CTX *)sha, hash_r, NULL) == 1)
		return ROOST_OK;
	memset(hash_r, 0, ROOST_SHA256_SIZE);
	return ROOST_ERR_BACKEND;
}

void
roost_prim_sha256_free(struct roost_sha256 **sha)
{
	EVP_MD_CTX_free((EVP_MD_CTX *)*sha);
	*sha = NULL;
}

/* Replace what the context keeps of a key by that of a public one. */
static bool
hmac_forget(EVP_MAC_CTX *ctx)
{
	return ctx != NULL &&
		EVP_MAC_init(ctx, no_key, sizeof(no_key), NULL) == 1;
}

static enum roost_err
hmac(EVP_MAC_CTX *ctx, const uint8_t *key, size_t key_len,
     const void *bytes, size_t len, uint8_t *mac_r, size_t mac_size)
{
	size_t mac_len = 0;
	/* With NULL, the context would use the key of its last use. */
	bool is_good = EVP_MAC_init(ctx, key_len == 0 ? no_key : key,
				    key_len == 0 ? mac_size : key_len,
				    NULL) == 1 &&
		EVP_MAC_update(ctx, bytes, len) == 1 &&
		EVP_MAC_final(ctx, mac_r, &mac_len, mac_size) == 1 &&
		mac_len == mac_size;

	if (!hmac_forget(ctx))
		is_good = false;
	if (!is_good)
		roost_wipe(mac_r, mac_size);
	return is_good ? ROOST_OK : ROOST_ERR_BACKEND;
}

enum roost_err
roost_prim_hmac_sha256(const uint8_t *key, size_t key_len,
		       const void *bytes, size_t len,
		       uint8_t mac_r[ROOST_SHA256_SIZE])
{
	return hmac(fetched.hmac256, key, key_len, bytes, len,
		    mac_r, ROOST_SHA256_SIZE);
}

enum roost_err
roost_prim_hmac_sha512(const uint8_t *key, size_t key_len,
		       const void *bytes, size_t len,
		       uint8_t mac_r[ROOST_SHA512_SIZE])
{
	return hmac(fetched.hmac512, key, key_len, bytes, len,
		    mac_r, ROOST_SHA512_SIZE);
}

static OSSL_PARAM
octets(const char *name, const uint8_t *bytes, size_t len)
{
	/* OpenSSL refuses NULL even where the length is 0. */
	const void *data = bytes == NULL ? no_key : bytes;

	/* The cast takes const away, because the library does not change these
	   bytes. */
	return OSSL_PARAM_construct_octet_string(name,
		(void *)(uintptr_t)data, len);
}

/* A context is made for each use, because OpenSSL 3.0 does not reset one
   safely. */
static enum roost_err
hkdf(const struct roost_hkdf_args *args, uint8_t *out_r, size_t out_len)
{
	char sha512[] = "SHA512";
	int mode = EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND;
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(fetched.hkdf);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
			sha512, 0),
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		octets(OSSL_KDF_PARAM_KEY, args->key, args->key_len),
		octets(OSSL_KDF_PARAM_SALT, args->salt, args->salt_len),
		octets(OSSL_KDF_PARAM_INFO, args->info, args->info_len),
		OSSL_PARAM_construct_end()
	};
	bool is_good = ctx != NULL &&
		EVP_KDF_derive(ctx, out_r, out_len, params) == 1;

	EVP_KDF_CTX_free(ctx);
	if (!is_good)
		roost_wipe(out_r, out_len);
	return is_good ? ROOST_OK : ROOST_ERR_BACKEND;
}

/* Make one block of Expand.  Only the first sets the key: it stays for those
   that follow. */
static bool
hkdf_block(EVP_MAC_CTX *ctx, const struct roost_hkdf_args *args,
	   uint8_t number, uint8_t *block, size_t hash_size)
{
	size_t len = 0;

	return EVP_MAC_init(ctx, number == 1 ? args->key : NULL,
			    number == 1 ? args->key_len : 0, NULL) == 1 &&
		(number == 1 ||
		 EVP_MAC_update(ctx, block, hash_size) == 1) &&
		EVP_MAC_update(ctx, args->info, args->info_len) == 1 &&
		EVP_MAC_update(ctx, &number, sizeof(number)) == 1 &&
		EVP_MAC_final(ctx, block, &len, hash_size) == 1 &&
		len == hash_size;
}

/* RFC 5869 2.3: Expand is HMAC, block after block.  EVP_KDF does the same, but
   it looks up its hash by name each time, which costs more than the hash. */
static enum roost_err
hkdf_expand(EVP_MAC_CTX *ctx, size_t hash_size,
	    const struct roost_hkdf_args *args, uint8_t *out_r, size_t out_len)
{
	uint8_t block[ROOST_SHA512_SIZE], number = 0;
	bool is_good = ctx != NULL && args->key_len > 0 &&
		out_len <= 255 * hash_size;
	size_t done, len;

	for (done = 0; is_good && done < out_len; done += len) {
		is_good = hkdf_block(ctx, args, ++number, block, hash_size);
		len = out_len - done < hash_size ? out_len - done : hash_size;
		if (is_good)
			memcpy(out_r + done, block, len);
	}
	if (!hmac_forget(ctx))
		is_good = false;
	roost_wipe(block, sizeof(block));
	if (!is_good)
		roost_wipe(out_r, out_len);
	return is_good ? ROOST_OK : ROOST_ERR_BACKEND;
}

enum roost_err
roost_prim_hkdf(enum roost_hkdf kind, const struct roost_hkdf_args *args,
		uint8_t *out_r, size_t out_len)
{
	switch (kind) {
	case ROOST_HKDF_SHA256_EXPAND:
		return hkdf_expand(fetched.hmac256, ROOST_SHA256_SIZE, args,
				   out_r, out_len);
	case ROOST_HKDF_SHA512_EXPAND:
		return hkdf_expand(fetched.hmac512, ROOST_SHA512_SIZE, args,
				   out_r, out_len);
	case ROOST_HKDF_SHA512:
		return hkdf(args, out_r, out_len);
	case ROOST_HKDF_SHA256_EXTRACT:
		break;
	}
	/* RFC 5869 2.2: Extract is HMAC under the salt.  OpenSSL's own would
	   leave the salt in memory that 3.0 frees without wiping, and the salt
	   of HPKE is the shared secret. */
	assert(out_len == ROOST_SHA256_SIZE);
	return roost_prim_hmac_sha256(args->salt, args->salt_len,
				      args->key, args->key_len, out_r);
}

struct roost_aead {
	EVP_CIPHER_CTX *sealing, *opening;	/* made at first use */
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
	EVP_CIPHER_CTX_free((*aead)->sealing);	/* wipes its key schedule */
	EVP_CIPHER_CTX_free((*aead)->opening);
	roost_wipe(*aead, sizeof(**aead));
	free(*aead);
	*aead = NULL;
}

/* Set the key of the context at its first use; later uses set the nonce
   alone. */
static bool
aead_start(EVP_CIPHER_CTX **ctx, const uint8_t *key, const uint8_t *nonce,
	   const void *ad, size_t ad_len, int is_sealing)
{
	int ignored;

	if (*ctx != NULL) {
		if (EVP_CipherInit_ex2(*ctx, NULL, NULL, nonce, is_sealing,
				       NULL) != 1)
			return false;
	} else {
		*ctx = EVP_CIPHER_CTX_new();
		if (*ctx == NULL ||
		    EVP_CipherInit_ex2(*ctx, fetched.aes_gcm, key, nonce,
				       is_sealing, NULL) != 1)
			return false;
	}
	return ad_len <= INT_MAX &&
		(ad_len == 0 || EVP_CipherUpdate(*ctx, NULL, &ignored, ad,
						 (int)ad_len) == 1);
}

enum roost_err
roost_prim_aead_seal(struct roost_aead *aead,
		     const uint8_t nonce[ROOST_NONCE_SIZE],
		     const void *ad, size_t ad_len,
		     const uint8_t *plain, size_t len, uint8_t *sealed_r)
{
	int sealed_len = 0, final_len = 0;
	bool is_good = len <= INT_MAX - ROOST_TAG_SIZE &&
		aead_start(&aead->sealing, aead->key, nonce, ad, ad_len, 1) &&
		(len == 0 || EVP_CipherUpdate(aead->sealing, sealed_r,
			&sealed_len, plain, (int)len) == 1) &&
		EVP_CipherFinal_ex(aead->sealing, sealed_r + sealed_len,
			&final_len) == 1 &&
		(size_t)(sealed_len + final_len) == len &&
		EVP_CIPHER_CTX_ctrl(aead->sealing, EVP_CTRL_AEAD_GET_TAG,
			ROOST_TAG_SIZE, sealed_r + len) == 1;

	if (!is_good)
		roost_wipe(sealed_r, len + ROOST_TAG_SIZE);
	return is_good ? ROOST_OK : ROOST_ERR_BACKEND;
}

enum roost_err
roost_prim_aead_open(struct roost_aead *aead,
		     const uint8_t nonce[ROOST_NONCE_SIZE],
		     const void *ad, size_t ad_len,
		     const uint8_t *sealed, size_t len, uint8_t *plain_r)
{
	uint8_t tag[ROOST_TAG_SIZE];	/* public */
	int plain_len = 0, final_len = 0;
	enum roost_err err = ROOST_ERR_BACKEND;

	if (len < ROOST_TAG_SIZE || len > INT_MAX)
		return ROOST_ERR_CHUNK;
	len -= ROOST_TAG_SIZE;
	memcpy(tag, sealed + len, ROOST_TAG_SIZE);
	if (!aead_start(&aead->opening, aead->key, nonce, ad, ad_len, 0) ||
	    EVP_CIPHER_CTX_ctrl(aead->opening, EVP_CTRL_AEAD_SET_TAG,
				ROOST_TAG_SIZE, tag) != 1 ||
	    (len > 0 && EVP_CipherUpdate(aead->opening, plain_r, &plain_len,
					 sealed, (int)len) != 1))
		goto out;
	err = ROOST_ERR_CHUNK;
	if (EVP_CipherFinal_ex(aead->opening, plain_r + plain_len,
			       &final_len) != 1 ||
	    (size_t)(plain_len + final_len) != len)
		goto out;
	err = ROOST_OK;
out:
	if (err != ROOST_OK)
		roost_wipe(plain_r, len);
	return err;
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

/* A context is made for each use, because SIV cannot be started again.  No
   associated data is refused, because OpenSSL 3.0 skips it where RFC 5297 does
   not. */
static EVP_CIPHER_CTX *
siv_start(const uint8_t *key, const void *ad, size_t ad_len, int is_sealing)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int ignored;

	if (ctx != NULL &&
	    (ad_len == 0 || ad_len > INT_MAX ||
	     EVP_CipherInit_ex2(ctx, fetched.aes_siv, key, NULL, is_sealing,
				NULL) != 1 ||
	     EVP_CipherUpdate(ctx, NULL, &ignored, ad, (int)ad_len) != 1)) {
		EVP_CIPHER_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

enum roost_err
roost_prim_siv_seal(const uint8_t key[ROOST_SIV_KEY_SIZE],
		    const void *ad, size_t ad_len,
		    const uint8_t *plain, size_t len, uint8_t *sealed_r)
{
	EVP_CIPHER_CTX *ctx = siv_start(key, ad, ad_len, 1);
	uint8_t *text = sealed_r + ROOST_TAG_SIZE;
	int text_len = 0, final_len = 0;
	/* Without a byte of plaintext Final fails, although there is a tag; so
	   that is refused. */
	bool is_good = ctx != NULL && len > 0 && len <= INT_MAX &&
		EVP_CipherUpdate(ctx, text, &text_len, plain, (int)len) == 1 &&
		EVP_CipherFinal_ex(ctx, text + text_len, &final_len) == 1 &&
		(size_t)(text_len + final_len) == len &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG,
				    ROOST_TAG_SIZE, sealed_r) == 1;

	EVP_CIPHER_CTX_free(ctx);	/* wipes its keys */
	if (!is_good)
		roost_wipe(sealed_r, ROOST_TAG_SIZE + len);
	return is_good ? ROOST_OK : ROOST_ERR_BACKEND;
}

enum roost_err
roost_prim_siv_open(const uint8_t key[ROOST_SIV_KEY_SIZE],
		    const void *ad, size_t ad_len,
		    const uint8_t *sealed, size_t len, uint8_t *plain_r)
{
	EVP_CIPHER_CTX *ctx;
	uint8_t tag[ROOST_TAG_SIZE];	/* public */
	int plain_len = 0, final_len = 0;
	enum roost_err err = ROOST_ERR_BACKEND;

	if (len <= ROOST_TAG_SIZE || len > INT_MAX)
		return ROOST_ERR_CHUNK;
	len -= ROOST_TAG_SIZE;
	memcpy(tag, sealed, ROOST_TAG_SIZE);
	ctx = siv_start(key, ad, ad_len, 0);
	if (ctx == NULL || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG,
					       ROOST_TAG_SIZE, tag) != 1)
		goto out;
	err = ROOST_ERR_CHUNK;
	if (EVP_CipherUpdate(ctx, plain_r, &plain_len,
			     sealed + ROOST_TAG_SIZE, (int)len) != 1 ||
	    EVP_CipherFinal_ex(ctx, plain_r + plain_len, &final_len) != 1 ||
	    (size_t)(plain_len + final_len) != len)
		goto out;
	err = ROOST_OK;
out:
	EVP_CIPHER_CTX_free(ctx);
	if (err != ROOST_OK)
		roost_wipe(plain_r, len);
	return err;
}
