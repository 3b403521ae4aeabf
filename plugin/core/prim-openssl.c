/* SPDX-License-Identifier: MIT */
/*
 * prim-openssl: the primitives that OpenSSL provides.  See roost/openssl.h.
 *
 * This is the one file that includes OpenSSL's headers.  Algorithms are fetched
 * once for the process, because OpenSSL 3 else looks one up by name at every
 * use, which costs more than sealing a small message.
 */
#include "roost/openssl.h"

#include "roost/secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static struct {
	unsigned int users;
	EVP_CIPHER *aes_gcm;
	EVP_MD *sha256;
} fetched;

static void
library_stop(void)
{
	if (--fetched.users > 0)
		return;
	EVP_CIPHER_free(fetched.aes_gcm);
	EVP_MD_free(fetched.sha256);
	memset(&fetched, 0, sizeof(fetched));
}

static enum roost_err
library_start(void)
{
	if (fetched.users++ > 0)
		return ROOST_OK;
	if (OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) == 1) {
		fetched.aes_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
		fetched.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	}
	if (fetched.aes_gcm != NULL && fetched.sha256 != NULL)
		return ROOST_OK;
	library_stop();
	return ROOST_ERR_BACKEND;
}

/* struct roost_openssl_sha256 is the name that callers know an EVP_MD_CTX
   by. */
static struct roost_openssl_sha256 *
sha256_new(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx != NULL && EVP_DigestInit_ex2(ctx, fetched.sha256, NULL) != 1) {
		EVP_MD_CTX_free(ctx);
		ctx = NULL;
	}
	return (struct roost_openssl_sha256 *)ctx;
}

static enum roost_err
sha256_update(struct roost_openssl_sha256 *sha, const void *bytes, size_t len)
{
	return EVP_DigestUpdate((EVP_MD_CTX *)sha, bytes, len) == 1 ?
		ROOST_OK : ROOST_ERR_BACKEND;
}

static enum roost_err
sha256_final(struct roost_openssl_sha256 *sha,
	     uint8_t hash_r[ROOST_SHA256_SIZE])
{
	if (EVP_DigestFinal_ex((EVP_MD_CTX *)sha, hash_r, NULL) == 1)
		return ROOST_OK;
	memset(hash_r, 0, ROOST_SHA256_SIZE);
	return ROOST_ERR_BACKEND;
}

static void
sha256_free(struct roost_openssl_sha256 **sha)
{
	EVP_MD_CTX_free((EVP_MD_CTX *)*sha);
	*sha = NULL;
}

struct roost_openssl_gcm {
	EVP_CIPHER_CTX *sealing, *opening;	/* made at first use */
	uint8_t key[ROOST_KEY_SIZE];		/* secret */
};

static struct roost_openssl_gcm *
gcm_new(const uint8_t key[ROOST_KEY_SIZE])
{
	struct roost_openssl_gcm *gcm = calloc(1, sizeof(*gcm));

	if (gcm != NULL)
		memcpy(gcm->key, key, ROOST_KEY_SIZE);
	return gcm;
}

static void
gcm_free(struct roost_openssl_gcm **gcm)
{
	if (*gcm == NULL)
		return;
	EVP_CIPHER_CTX_free((*gcm)->sealing);	/* wipes its key schedule */
	EVP_CIPHER_CTX_free((*gcm)->opening);
	roost_wipe(*gcm, sizeof(**gcm));
	free(*gcm);
	*gcm = NULL;
}

/* Set the key of the context at its first use; later uses set the nonce
   alone. */
static bool
gcm_start(EVP_CIPHER_CTX **ctx, const uint8_t *key, const uint8_t *nonce,
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

static enum roost_err
gcm_seal(struct roost_openssl_gcm *gcm, const uint8_t nonce[ROOST_NONCE_SIZE],
	 const void *ad, size_t ad_len, const uint8_t *plain, size_t len,
	 uint8_t *sealed_r)
{
	int sealed_len = 0, final_len = 0;
	bool is_good = len <= INT_MAX - ROOST_TAG_SIZE &&
		gcm_start(&gcm->sealing, gcm->key, nonce, ad, ad_len, 1) &&
		(len == 0 || EVP_CipherUpdate(gcm->sealing, sealed_r,
			&sealed_len, plain, (int)len) == 1) &&
		EVP_CipherFinal_ex(gcm->sealing, sealed_r + sealed_len,
			&final_len) == 1 &&
		(size_t)(sealed_len + final_len) == len &&
		EVP_CIPHER_CTX_ctrl(gcm->sealing, EVP_CTRL_AEAD_GET_TAG,
			ROOST_TAG_SIZE, sealed_r + len) == 1;

	if (!is_good)
		roost_wipe(sealed_r, len + ROOST_TAG_SIZE);
	return is_good ? ROOST_OK : ROOST_ERR_BACKEND;
}

static enum roost_err
gcm_open(struct roost_openssl_gcm *gcm, const uint8_t nonce[ROOST_NONCE_SIZE],
	 const void *ad, size_t ad_len, const uint8_t *sealed, size_t len,
	 uint8_t *plain_r)
{
	uint8_t tag[ROOST_TAG_SIZE];	/* public */
	int plain_len = 0, final_len = 0;
	enum roost_err err = ROOST_ERR_BACKEND;

	if (len > INT_MAX)
		return ROOST_ERR_CHUNK;
	len -= ROOST_TAG_SIZE;
	memcpy(tag, sealed + len, ROOST_TAG_SIZE);
	if (!gcm_start(&gcm->opening, gcm->key, nonce, ad, ad_len, 0) ||
	    EVP_CIPHER_CTX_ctrl(gcm->opening, EVP_CTRL_AEAD_SET_TAG,
				ROOST_TAG_SIZE, tag) != 1 ||
	    (len > 0 && EVP_CipherUpdate(gcm->opening, plain_r, &plain_len,
					 sealed, (int)len) != 1))
		goto out;
	err = ROOST_ERR_CHUNK;
	if (EVP_CipherFinal_ex(gcm->opening, plain_r + plain_len,
			       &final_len) != 1 ||
	    (size_t)(plain_len + final_len) != len)
		goto out;
	err = ROOST_OK;
out:
	if (err != ROOST_OK)
		roost_wipe(plain_r, len);
	return err;
}

const struct roost_openssl roost_openssl = {
	.start = library_start,
	.end = library_stop,
	.sha256_new = sha256_new,
	.sha256_update = sha256_update,
	.sha256_final = sha256_final,
	.sha256_free = sha256_free,
	.gcm_new = gcm_new,
	.gcm_seal = gcm_seal,
	.gcm_open = gcm_open,
	.gcm_free = gcm_free,
};
