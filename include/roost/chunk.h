/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CHUNK_H
#define ROOST_CHUNK_H

/*
 * chunk: where the chunks of a body lie, and sealing and opening one (FORMAT.md
 * 5).
 *
 * Offsets are in bytes from the start of the whole object.  A chunk's plaintext
 * is handed out only after its tag verified.
 */

#include "roost/prim.h"

#define ROOST_CHUNK_PLAIN_SIZE 16384
#define ROOST_CHUNK_SEALED_SIZE (ROOST_CHUNK_PLAIN_SIZE + ROOST_TAG_SIZE)
#define ROOST_SALT_SIZE 24
#define ROOST_COMMITMENT_SIZE 32
#define ROOST_PROLOGUE_SIZE (ROOST_SALT_SIZE + ROOST_COMMITMENT_SIZE)
#define ROOST_DIGEST_SIZE ROOST_SHA256_SIZE
#define ROOST_CHUNKS_MAX (UINT64_C(1) << 32)

/* The places of the chunks in one object. */
struct roost_body {
	uint64_t body_off;	/* of chunk 0 */
	uint64_t final_idx;	/* which is the number of full chunks */
	uint64_t plain_size;
	size_t final_sealed_len;
};

/* Tell the places from the sizes of H and of the whole object.
   ROOST_ERR_LENGTH if no object can be that long. */
enum roost_err roost_chunk_geometry(size_t header_len, uint64_t total_len,
				    struct roost_body *body_r) ROOST_CHECKED;

uint64_t roost_chunk_off(const struct roost_body *body, uint64_t idx);
size_t roost_chunk_sealed_len(const struct roost_body *body, uint64_t idx);

/* Returns the size of the object for a plaintext, or 0 if there can be none. */
uint64_t roost_chunk_object_size(size_t header_len, uint64_t plain_size);

/* The keys of one body, which are secret.  aead is owned; the rest is plain
   bytes. */
struct roost_chunk_keys {
	struct roost_aead *aead;
	uint8_t key[ROOST_KEY_SIZE];		/* the key of aead */
	uint8_t base_nonce[ROOST_NONCE_SIZE];
	uint8_t commitment[ROOST_COMMITMENT_SIZE];
};

/* Derive the keys from data key, salt and H.  The caller wipes them by
   roost_chunk_keys_wipe(), also after an error. */
enum roost_err
roost_chunk_keys_derive(struct roost_chunk_keys *keys_r,
			const uint8_t data_key[ROOST_KEY_SIZE],
			const uint8_t salt[ROOST_SALT_SIZE],
			const uint8_t *header, size_t header_len)
	ROOST_CHECKED;

/*
 * Save the keys, so that next time they need not be derived, together with a
 * hash of what they were derived for (FORMAT.md 12.17).  head is H and the
 * prologue, byte for byte.  What is saved is secret, and zero after an error.
 */
#define ROOST_SAVED_KEYS_SIZE (ROOST_KEY_SIZE + ROOST_NONCE_SIZE + \
	ROOST_SHA256_SIZE)
enum roost_err
roost_chunk_keys_save(const struct roost_chunk_keys *keys,
		      const uint8_t *head, size_t head_len,
		      uint8_t saved_r[ROOST_SAVED_KEYS_SIZE]) ROOST_CHECKED;

/* Take saved keys.  ROOST_ERR_COMMITMENT if they were saved for another head.
   keys_r->commitment stays zero.  The caller wipes the keys by
   roost_chunk_keys_wipe(), also after an error. */
enum roost_err
roost_chunk_keys_restore(struct roost_chunk_keys *keys_r,
			 const uint8_t saved[ROOST_SAVED_KEYS_SIZE],
			 const uint8_t *head, size_t head_len) ROOST_CHECKED;

void roost_chunk_keys_wipe(struct roost_chunk_keys *keys);

/* Seal one chunk; sealed_r holds len + ROOST_TAG_SIZE bytes. */
enum roost_err roost_chunk_seal(struct roost_chunk_keys *keys, uint64_t idx,
				const uint8_t *plain, size_t len,
				uint8_t *sealed_r) ROOST_CHECKED;

/* Verify and open one chunk.  plain_r may be sealed itself, and holds
   ROOST_TAG_SIZE bytes less; it is zero after ROOST_ERR_CHUNK. */
enum roost_err roost_chunk_open(struct roost_chunk_keys *keys, uint64_t idx,
				const uint8_t *sealed, size_t sealed_len,
				uint8_t *plain_r) ROOST_CHECKED;

#endif
