/* SPDX-License-Identifier: MIT */
#ifndef TEST_VEC_H
#define TEST_VEC_H

/*
 * vec: what run.c and agree.c share: fields of text, hexadecimal, an object
 * in memory as a source, and the core's steps of opening in their order.
 */

#include "roost/blob.h"
#include "roost/escrow.h"
#include "roost/keyring-edit.h"
#include "roost/object.h"
#include "roost/unlock.h"
#include "roost/writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VEC_EPOCHS_MAX 512

/* Bytes in an allocation of their own, so that reading beyond the end is
   seen. */
struct vec_bytes {
	uint8_t *data;
	size_t len;
};

/* These end the program with a message if memory is short. */
void *vec_alloc(size_t size);
struct vec_bytes vec_copy(const void *data, size_t len);
void vec_free(struct vec_bytes *bytes);

/* Read hexadecimal text of exactly len, or of any number of bytes.  The program
   ends if it is malformed. */
void vec_unhex(const char *text, uint8_t *bytes_r, size_t len);
struct vec_bytes vec_unhex_any(const char *text);

/* Read "<number> <private> <psk>", as lines of epochs give it.  The program
   ends if it is malformed. */
uint32_t vec_epoch(const char *text, struct roost_open_key *key_r);

/* An object in memory.  With stutter, bytes must be asked for twice: what lies
   behind all that was asked for before answers AGAIN the first time. */
struct vec_source {
	const uint8_t *data;
	size_t len;
	bool stutter;
	uint64_t arrived;
};
struct roost_source vec_source(struct vec_source *src);

/* Open the object and read it in order.  *plain_r gets what was released, also
   after an error; the caller frees it. */
enum roost_err vec_open(struct vec_source *src,
			const uint8_t keyring_id[ROOST_ID_SIZE],
			const struct roost_open_key *keys, size_t key_count,
			struct vec_bytes *plain_r);
enum roost_err vec_scrub(struct vec_source *src);

/* How to load and unlock a keyring.  What is not at hand is NULL or 0. */
struct vec_load {
	const char *owner;		/* escaped */
	const uint8_t *provider_keys;
	size_t key_count;
	const char *unlock;		/* none, provider, secret or recovery */
	const uint8_t *given;		/* secret (32) or code (20) */
};

/* A blob that was opened.  All but the data key points into plain or into the
   blob. */
struct vec_blob {
	struct roost_blob blob;
	struct roost_blob_content content;
	uint8_t data_key[ROOST_KEY_SIZE];
	struct vec_bytes plain;		/* free it, also after an error */
};

/* Open a blob by its gates in the order of FORMAT.md 12.  beside is the object
   id of the blob that it stands beside, or NULL. */
enum roost_err vec_blob(const struct vec_bytes *data,
			const uint8_t keyring_id[ROOST_ID_SIZE],
			const uint8_t master[ROOST_KEY_SIZE],
			const uint8_t *beside,
			const struct roost_open_key *keys, size_t key_count,
			struct vec_blob *opened_r);

/* Do all that FORMAT.md 9 says; keys_r holds VEC_EPOCHS_MAX keys. */
enum roost_err vec_load(const struct roost_keyring *kr,
			const struct vec_load *load,
			struct roost_open_key *keys_r);

#endif
