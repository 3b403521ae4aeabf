/* SPDX-License-Identifier: MIT */
/*
 * chunk: where chunks lie, and sealing and opening one.  See roost/chunk.h.
 *
 * This is C2SP chunked encryption with SHA-512 and AES-256-GCM (FORMAT.md 5).
 */
#include "roost/chunk.h"

#include "roost/bytes.h"
#include "roost/secret.h"

#include <assert.h>
#include <string.h>

#define INFO_LABEL "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM"
#define FRAME_SIZE (ROOST_PROLOGUE_SIZE + ROOST_DIGEST_SIZE)

enum roost_err
roost_chunk_geometry(size_t header_len, uint64_t total_len,
		     struct roost_body *body_r)
{
	uint64_t body_len, rest;

	memset(body_r, 0, sizeof(*body_r));
	if (total_len < header_len + FRAME_SIZE + ROOST_TAG_SIZE)
		return ROOST_ERR_LENGTH;
	body_len = total_len - header_len - FRAME_SIZE;
	rest = body_len % ROOST_CHUNK_SEALED_SIZE;
	if (rest < ROOST_TAG_SIZE ||
	    body_len / ROOST_CHUNK_SEALED_SIZE >= ROOST_CHUNKS_MAX)
		return ROOST_ERR_LENGTH;
	body_r->body_off = header_len + ROOST_PROLOGUE_SIZE;
	body_r->final_idx = body_len / ROOST_CHUNK_SEALED_SIZE;
	body_r->final_sealed_len = (size_t)rest;
	body_r->plain_size = body_r->final_idx * ROOST_CHUNK_PLAIN_SIZE +
		rest - ROOST_TAG_SIZE;
	return ROOST_OK;
}

uint64_t
roost_chunk_off(const struct roost_body *body, uint64_t idx)
{
	return body->body_off + idx * ROOST_CHUNK_SEALED_SIZE;
}

size_t
roost_chunk_sealed_len(const struct roost_body *body, uint64_t idx)
{
	return idx == body->final_idx ? body->final_sealed_len :
		ROOST_CHUNK_SEALED_SIZE;
}

uint64_t
roost_chunk_object_size(size_t header_len, uint64_t plain_size)
{
	uint64_t chunks = plain_size / ROOST_CHUNK_PLAIN_SIZE + 1;

	if (chunks > ROOST_CHUNKS_MAX)
		return 0;
	return header_len + FRAME_SIZE + plain_size + chunks * ROOST_TAG_SIZE;
}

/* Take the keys from the key and the base nonce, which stand one after the
   other. */
static enum roost_err
chunk_keys_set(struct roost_chunk_keys *keys, const uint8_t *bytes)
{
	keys->aead = roost_prim_aead_new(bytes);
	if (keys->aead == NULL)
		return ROOST_ERR_BACKEND;
	memcpy(keys->key, bytes, ROOST_KEY_SIZE);
	memcpy(keys->base_nonce, bytes + ROOST_KEY_SIZE, ROOST_NONCE_SIZE);
	return ROOST_OK;
}

enum roost_err
roost_chunk_keys_derive(struct roost_chunk_keys *keys_r,
			const uint8_t data_key[ROOST_KEY_SIZE],
			const uint8_t salt[ROOST_SALT_SIZE],
			const uint8_t *header, size_t header_len)
{
	uint8_t info[sizeof(INFO_LABEL) + ROOST_SALT_SIZE +
		     ROOST_SHA512_SIZE];	/* public */
	uint8_t okm[ROOST_KEY_SIZE + ROOST_NONCE_SIZE + ROOST_COMMITMENT_SIZE];
	struct roost_hkdf_args args = {
		.key = data_key, .key_len = ROOST_KEY_SIZE,
		.info = info, .info_len = sizeof(info),
	};
	enum roost_err err;

	memset(keys_r, 0, sizeof(*keys_r));
	memset(okm, 0, sizeof(okm));
	memcpy(info, INFO_LABEL, sizeof(INFO_LABEL));	/* with its NUL */
	memcpy(info + sizeof(INFO_LABEL), salt, ROOST_SALT_SIZE);
	err = roost_prim_sha512(header, header_len, info + sizeof(INFO_LABEL) +
				ROOST_SALT_SIZE);
	if (err == ROOST_OK)
		err = roost_prim_hkdf(ROOST_HKDF_SHA512_EXPAND, &args,
				      okm, sizeof(okm));
	if (err == ROOST_OK)
		err = chunk_keys_set(keys_r, okm);
	if (err == ROOST_OK)
		memcpy(keys_r->commitment, okm + ROOST_KEY_SIZE +
		       ROOST_NONCE_SIZE, ROOST_COMMITMENT_SIZE);
	roost_wipe(okm, sizeof(okm));
	return err;
}

enum roost_err
roost_chunk_keys_save(const struct roost_chunk_keys *keys,
		      const uint8_t *head, size_t head_len,
		      uint8_t saved_r[ROOST_SAVED_KEYS_SIZE])
{
	uint8_t *hash = saved_r + ROOST_KEY_SIZE + ROOST_NONCE_SIZE;
	enum roost_err err = roost_prim_sha256(head, head_len, hash);

	memcpy(saved_r, keys->key, ROOST_KEY_SIZE);
	memcpy(saved_r + ROOST_KEY_SIZE, keys->base_nonce,
	       ROOST_NONCE_SIZE);
	if (err != ROOST_OK)
		roost_wipe(saved_r, ROOST_SAVED_KEYS_SIZE);
	return err;
}

enum roost_err
roost_chunk_keys_restore(struct roost_chunk_keys *keys_r,
			 const uint8_t saved[ROOST_SAVED_KEYS_SIZE],
			 const uint8_t *head, size_t head_len)
{
	const uint8_t *right = saved + ROOST_KEY_SIZE + ROOST_NONCE_SIZE;
	uint8_t hash[ROOST_SHA256_SIZE];	/* public */
	enum roost_err err;

	memset(keys_r, 0, sizeof(*keys_r));
	err = roost_prim_sha256(head, head_len, hash);
	if (err == ROOST_OK &&
	    !roost_bytes_equal(hash, right, sizeof(hash)))
		err = ROOST_ERR_COMMITMENT;
	return err == ROOST_OK ? chunk_keys_set(keys_r, saved) : err;
}

void
roost_chunk_keys_wipe(struct roost_chunk_keys *keys)
{
	roost_prim_aead_free(&keys->aead);
	roost_wipe(keys, sizeof(*keys));
}

/* The nonce of a chunk is the base nonce XOR its index as a 96-bit big-endian
   integer. */
static void
chunk_nonce(const struct roost_chunk_keys *keys, uint64_t idx,
	    uint8_t nonce_r[ROOST_NONCE_SIZE])
{
	unsigned int i;

	memcpy(nonce_r, keys->base_nonce, ROOST_NONCE_SIZE);
	for (i = 1; i <= 8; i++, idx >>= 8)
		nonce_r[ROOST_NONCE_SIZE - i] ^= (uint8_t)idx;
}

enum roost_err
roost_chunk_seal(struct roost_chunk_keys *keys, uint64_t idx,
		 const uint8_t *plain, size_t len, uint8_t *sealed_r)
{
	uint8_t nonce[ROOST_NONCE_SIZE];	/* public */

	assert(len <= ROOST_CHUNK_PLAIN_SIZE && idx < ROOST_CHUNKS_MAX);
	chunk_nonce(keys, idx, nonce);
	return roost_prim_aead_seal(keys->aead, nonce, NULL, 0,
				    plain, len, sealed_r);
}

enum roost_err
roost_chunk_open(struct roost_chunk_keys *keys, uint64_t idx,
		 const uint8_t *sealed, size_t sealed_len, uint8_t *plain_r)
{
	uint8_t nonce[ROOST_NONCE_SIZE];	/* public */

	assert(sealed_len <= ROOST_CHUNK_SEALED_SIZE);
	chunk_nonce(keys, idx, nonce);
	return roost_prim_aead_open(keys->aead, nonce, NULL, 0,
				    sealed, sealed_len, plain_r);
}
