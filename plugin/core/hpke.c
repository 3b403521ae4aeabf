/* SPDX-License-Identifier: MIT */
/*
 * hpke: RFC 9180 in mode_psk and mode_base.  See roost/hpke.h.
 *
 * The functions stand in the order of the RFC: 4 (labeled extract and expand),
 * 4.1 (DHKEM), 5.1 (key schedule), 6.1 (single shot).
 */
#include "roost/hpke.h"

#include "roost/bytes.h"
#include "roost/secret.h"

#include <assert.h>
#include <string.h>

#define LABEL_SIZE_MAX 320	/* the longest input with a label */

/* RFC 9180 4.1: "KEM" || 0x0020. */
static const uint8_t kem_suite[] = { 'K', 'E', 'M', 0x00, 0x20 };
/* RFC 9180 5.1: "HPKE" || 0x0020 || 0x0001 || 0x0002. */
static const uint8_t hpke_suite[] = {
	'H', 'P', 'K', 'E', 0x00, 0x20, 0x00, 0x01, 0x00, 0x02
};
/* RFC 9180 5, table 1. */
static const uint8_t mode_base = 0x00, mode_psk = 0x01;

/* A string that is being joined.  It may hold secrets, so whoever has one wipes
   it. */
struct joined {
	uint8_t bytes[LABEL_SIZE_MAX];
	size_t len;
};

static void
join(struct joined *to, const void *bytes, size_t len)
{
	assert(len <= sizeof(to->bytes) - to->len);
	if (len > 0)
		memcpy(to->bytes + to->len, bytes, len);
	to->len += len;
}

static void
join_label(struct joined *to, const uint8_t *suite, size_t suite_len,
	   const char *label)
{
	join(to, "HPKE-v1", 7);
	join(to, suite, suite_len);
	join(to, label, strlen(label));
}

/* RFC 9180 4, LabeledExtract. */
static enum roost_err
labeled_extract(const uint8_t *suite, size_t suite_len, const char *label,
		const uint8_t *salt, size_t salt_len,
		const uint8_t *ikm, size_t ikm_len,
		uint8_t prk_r[ROOST_SHA256_SIZE])
{
	struct joined input = { .len = 0 };
	struct roost_hkdf_args args = { .salt = salt, .salt_len = salt_len };
	enum roost_err err;

	join_label(&input, suite, suite_len, label);
	join(&input, ikm, ikm_len);
	args.key = input.bytes;
	args.key_len = input.len;
	err = roost_prim_hkdf(ROOST_HKDF_SHA256_EXTRACT, &args,
			      prk_r, ROOST_SHA256_SIZE);
	roost_wipe(&input, sizeof(input));
	return err;
}

/* RFC 9180 4, LabeledExpand. */
static enum roost_err
labeled_expand(const uint8_t *suite, size_t suite_len, const char *label,
	       const uint8_t prk[ROOST_SHA256_SIZE],
	       const uint8_t *info, size_t info_len,
	       uint8_t *out_r, size_t out_len)
{
	struct joined input = { .len = 0 };	/* public */
	struct roost_hkdf_args args = {
		.key = prk, .key_len = ROOST_SHA256_SIZE
	};
	uint8_t len_be[2];

	roost_be16_put(len_be, (uint16_t)out_len);
	join(&input, len_be, sizeof(len_be));
	join_label(&input, suite, suite_len, label);
	join(&input, info, info_len);
	args.info = input.bytes;
	args.info_len = input.len;
	return roost_prim_hkdf(ROOST_HKDF_SHA256_EXPAND, &args,
			       out_r, out_len);
}

/* RFC 9180 4.1, ExtractAndExpand over one Diffie-Hellman result. */
static enum roost_err
kem_secret(const uint8_t private_key[ROOST_KEY_SIZE],
	   const uint8_t their_public[ROOST_KEY_SIZE],
	   const uint8_t enc[ROOST_KEY_SIZE],
	   const uint8_t recipient[ROOST_KEY_SIZE],
	   uint8_t shared_r[ROOST_KEY_SIZE])
{
	uint8_t dh[ROOST_KEY_SIZE], prk[ROOST_SHA256_SIZE];
	uint8_t kem_context[2 * ROOST_KEY_SIZE];	/* public */
	enum roost_err err;

	memcpy(kem_context, enc, ROOST_KEY_SIZE);
	memcpy(kem_context + ROOST_KEY_SIZE, recipient, ROOST_KEY_SIZE);
	memset(prk, 0, sizeof(prk));
	err = roost_prim_x25519(private_key, their_public, dh);
	if (err == ROOST_OK)
		err = labeled_extract(kem_suite, sizeof(kem_suite), "eae_prk",
				      NULL, 0, dh, sizeof(dh), prk);
	if (err == ROOST_OK)
		err = labeled_expand(kem_suite, sizeof(kem_suite),
				     "shared_secret", prk, kem_context,
				     sizeof(kem_context),
				     shared_r, ROOST_KEY_SIZE);
	roost_wipe(dh, sizeof(dh));
	roost_wipe(prk, sizeof(prk));
	if (err != ROOST_OK)
		roost_wipe(shared_r, ROOST_KEY_SIZE);
	return err;
}

struct schedule {
	uint8_t key[ROOST_KEY_SIZE];
	uint8_t base_nonce[ROOST_NONCE_SIZE];
};

/* RFC 9180 5.1, key_schedule_context; public. */
static enum roost_err
schedule_context(const struct roost_hpke_context *hpke,
		 uint8_t ksc_r[1 + 2 * ROOST_SHA256_SIZE])
{
	enum roost_err err;

	ksc_r[0] = hpke->psk == NULL ? mode_base : mode_psk;
	err = labeled_extract(hpke_suite, sizeof(hpke_suite), "psk_id_hash",
			      NULL, 0, hpke->psk_id, hpke->psk_id_len,
			      ksc_r + 1);
	if (err == ROOST_OK)
		err = labeled_extract(hpke_suite, sizeof(hpke_suite),
				      "info_hash", NULL, 0, hpke->info,
				      hpke->info_len,
				      ksc_r + 1 + ROOST_SHA256_SIZE);
	return err;
}

/* RFC 9180 5.1, KeySchedule. */
static enum roost_err
key_schedule(const struct roost_hpke_context *hpke,
	     const uint8_t shared[ROOST_KEY_SIZE], struct schedule *sched_r)
{
	uint8_t ksc[1 + 2 * ROOST_SHA256_SIZE];	/* public */
	uint8_t secret[ROOST_SHA256_SIZE];
	enum roost_err err;

	memset(secret, 0, sizeof(secret));
	err = schedule_context(hpke, ksc);
	if (err == ROOST_OK)
		err = labeled_extract(hpke_suite, sizeof(hpke_suite),
				      "secret", shared, ROOST_KEY_SIZE,
				      hpke->psk, hpke->psk == NULL ? 0 :
				      ROOST_KEY_SIZE, secret);
	if (err == ROOST_OK)
		err = labeled_expand(hpke_suite, sizeof(hpke_suite), "key",
				     secret, ksc, sizeof(ksc),
				     sched_r->key, sizeof(sched_r->key));
	if (err == ROOST_OK)
		err = labeled_expand(hpke_suite, sizeof(hpke_suite),
				     "base_nonce", secret, ksc, sizeof(ksc),
				     sched_r->base_nonce,
				     sizeof(sched_r->base_nonce));
	roost_wipe(secret, sizeof(secret));
	return err;
}

/* RFC 9180 5.1.2, for both sides: make what seals or opens one message with
   sequence number 0, from their half of the key exchange and ours. */
static enum roost_err
hpke_setup(const struct roost_hpke_context *hpke,
	   const uint8_t private_key[ROOST_KEY_SIZE],
	   const uint8_t their_public[ROOST_KEY_SIZE],
	   const uint8_t enc[ROOST_KEY_SIZE],
	   const uint8_t recipient[ROOST_KEY_SIZE],
	   struct roost_aead **aead_r, uint8_t nonce_r[ROOST_NONCE_SIZE])
{
	uint8_t shared[ROOST_KEY_SIZE];
	struct schedule sched;
	enum roost_err err;

	*aead_r = NULL;
	memset(&sched, 0, sizeof(sched));
	err = kem_secret(private_key, their_public, enc, recipient, shared);
	if (err == ROOST_OK)
		err = key_schedule(hpke, shared, &sched);
	if (err == ROOST_OK &&
	    (*aead_r = roost_prim_aead_new(sched.key)) == NULL)
		err = ROOST_ERR_BACKEND;
	memcpy(nonce_r, sched.base_nonce, ROOST_NONCE_SIZE);
	roost_wipe(shared, sizeof(shared));
	roost_wipe(&sched, sizeof(sched));
	return err;
}

enum roost_err
roost_hpke_seal_ephemeral(const struct roost_hpke_context *hpke,
			  const uint8_t public_key[ROOST_KEY_SIZE],
			  const uint8_t ephemeral[ROOST_KEY_SIZE],
			  const uint8_t *plain, size_t len,
			  uint8_t enc_r[ROOST_HPKE_ENC_SIZE],
			  uint8_t *sealed_r)
{
	uint8_t nonce[ROOST_NONCE_SIZE];
	struct roost_aead *aead = NULL;
	enum roost_err err;

	memset(nonce, 0, sizeof(nonce));
	err = roost_prim_x25519_public(ephemeral, enc_r);
	if (err == ROOST_OK)
		err = hpke_setup(hpke, ephemeral, public_key, enc_r,
				 public_key, &aead, nonce);
	if (err == ROOST_OK)
		err = roost_prim_aead_seal(aead, nonce, hpke->aad,
					   hpke->aad_len, plain, len,
					   sealed_r);
	roost_prim_aead_free(&aead);
	roost_wipe(nonce, sizeof(nonce));
	if (err != ROOST_OK) {
		memset(enc_r, 0, ROOST_HPKE_ENC_SIZE);
		memset(sealed_r, 0, len + ROOST_TAG_SIZE);
	}
	return err;
}

enum roost_err
roost_hpke_seal(const struct roost_hpke_context *hpke,
		const uint8_t public_key[ROOST_KEY_SIZE],
		const uint8_t *plain, size_t len,
		uint8_t enc_r[ROOST_HPKE_ENC_SIZE], uint8_t *sealed_r)
{
	uint8_t ephemeral[ROOST_KEY_SIZE];
	enum roost_err err;

	err = roost_prim_random(ephemeral, sizeof(ephemeral));
	if (err == ROOST_OK)
		err = roost_hpke_seal_ephemeral(hpke, public_key, ephemeral,
						plain, len, enc_r, sealed_r);
	roost_wipe(ephemeral, sizeof(ephemeral));
	return err;
}

enum roost_err
roost_hpke_open(const struct roost_hpke_context *hpke,
		const uint8_t public_key[ROOST_KEY_SIZE],
		const uint8_t private_key[ROOST_KEY_SIZE],
		const uint8_t enc[ROOST_HPKE_ENC_SIZE],
		const uint8_t *sealed, size_t len, uint8_t *plain_r)
{
	uint8_t nonce[ROOST_NONCE_SIZE];
	struct roost_aead *aead;
	enum roost_err err;

	assert(len >= ROOST_TAG_SIZE);
	err = hpke_setup(hpke, private_key, enc, enc, public_key, &aead,
			 nonce);
	if (err == ROOST_OK)
		err = roost_prim_aead_open(aead, nonce, hpke->aad,
					   hpke->aad_len, sealed, len,
					   plain_r);
	roost_prim_aead_free(&aead);
	roost_wipe(nonce, sizeof(nonce));
	if (err != ROOST_OK)
		roost_wipe(plain_r, len - ROOST_TAG_SIZE);
	return err == ROOST_ERR_CHUNK ? ROOST_ERR_STANZA_AUTH : err;
}
