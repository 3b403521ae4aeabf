/* SPDX-License-Identifier: MIT */
/*
 * object: reading whole sealed messages.  See roost/object.h.
 */
#include "roost/object.h"

#include "roost/bytes.h"
#include "roost/secret.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Read bytes of the source.  Where it has no such bytes, the error is that of
   the gate which the caller names. */
static enum roost_err
source_read(const struct roost_source *source, uint64_t off,
	    uint8_t *dst, size_t len, enum roost_err if_short)
{
	if (off > source->size || len > source->size - off)
		return if_short;
	return source->read(source->context, off, dst, len);
}

/* Read H into memory that has room for the prologue, too. */
static enum roost_err
object_take_head(struct roost_object *obj, const uint8_t *fixed, size_t len)
{
	free(obj->head);
	obj->head = malloc(len + ROOST_PROLOGUE_SIZE);
	if (obj->head == NULL)
		return ROOST_ERR_BACKEND;
	memcpy(obj->head, fixed, ROOST_HEADER_FIXED_SIZE);
	return source_read(&obj->source, ROOST_HEADER_FIXED_SIZE,
			   obj->head + ROOST_HEADER_FIXED_SIZE,
			   len - ROOST_HEADER_FIXED_SIZE,
			   ROOST_ERR_HEADER_SHORT);
}

enum roost_err
roost_object_parse(struct roost_object *obj,
		   const struct roost_source *source)
{
	uint8_t fixed[ROOST_HEADER_FIXED_SIZE];		/* public */
	size_t len;
	enum roost_err err;

	obj->source = *source;
	err = source_read(source, 0, fixed, sizeof(fixed),
			  ROOST_ERR_HEADER_SHORT);
	if (err == ROOST_OK)
		err = roost_header_peek(fixed, sizeof(fixed), &len);
	if (err == ROOST_OK)
		err = object_take_head(obj, fixed, len);
	if (err == ROOST_OK)
		err = roost_header_parse(obj->head, len, &obj->header);
	return err;
}

/* Make memory for a chunk.  It is not zeroed, because most messages use little
   of it. */
static enum roost_err
buffer_make(struct roost_chunk_buffer *buffer)
{
	if (buffer->bytes == NULL)
		buffer->bytes = malloc(ROOST_CHUNK_SEALED_SIZE);
	return buffer->bytes == NULL ? ROOST_ERR_BACKEND : ROOST_OK;
}

static void
buffer_use(struct roost_chunk_buffer *buffer, size_t len)
{
	if (buffer->used < len)
		buffer->used = len;
}

static void
buffer_free(struct roost_chunk_buffer *buffer)
{
	if (buffer->bytes != NULL)
		roost_wipe(buffer->bytes, buffer->used);
	free(buffer->bytes);
}

/* Read chunk idx into dst, which holds the sealed chunk, and open it there. */
static enum roost_err
object_open_chunk(struct roost_object *obj, uint64_t idx, uint8_t *dst,
		  enum roost_err if_bad)
{
	const struct roost_source *source = &obj->source;
	uint64_t off = roost_chunk_off(&obj->body, idx);
	size_t len = roost_chunk_sealed_len(&obj->body, idx);
	const uint8_t *sealed = NULL;
	enum roost_err err = ROOST_OK;

	if (source->lend != NULL && off <= source->size &&
	    len <= source->size - off)
		sealed = source->lend(source->context, off, len);
	if (sealed == NULL) {
		err = source_read(source, off, dst, len, if_bad);
		sealed = dst;
	}
	if (err == ROOST_OK)
		err = roost_chunk_open(&obj->keys, idx, sealed, len, dst);
	return err == ROOST_ERR_CHUNK ? if_bad : err;
}

static enum roost_err
object_fill_buffer(struct roost_object *obj, uint64_t idx,
		   struct roost_chunk_buffer *buffer, enum roost_err if_bad)
{
	enum roost_err err = buffer_make(buffer);

	if (err != ROOST_OK)
		return err;
	buffer_use(buffer, roost_chunk_sealed_len(&obj->body, idx));
	return object_open_chunk(obj, idx, buffer->bytes, if_bad);
}

/* Open the final chunk and keep it, because it is opened first and shown
   last. */
static enum roost_err
object_load_final(struct roost_object *obj)
{
	bool is_only = obj->body.final_idx == 0;
	enum roost_err err;

	err = object_fill_buffer(obj, obj->body.final_idx,
				 is_only ? &obj->chunk : &obj->final,
				 ROOST_ERR_FINAL_CHUNK);
	if (err == ROOST_OK && is_only) {
		obj->chunk_idx = 0;
		obj->has_chunk = true;
	}
	return err;
}

/* Have chunk idx, opened, in memory. */
static enum roost_err
object_load(struct roost_object *obj, uint64_t idx, const uint8_t **plain_r)
{
	enum roost_err err;

	if (idx > 0 && idx == obj->body.final_idx) {
		*plain_r = obj->final.bytes;
		return ROOST_OK;
	}
	if (!obj->has_chunk || obj->chunk_idx != idx) {
		obj->has_chunk = false;
		err = object_fill_buffer(obj, idx, &obj->chunk,
					 ROOST_ERR_CHUNK);
		if (err != ROOST_OK)
			return err;
		obj->chunk_idx = idx;
		obj->has_chunk = true;
	}
	*plain_r = obj->chunk.bytes;
	return ROOST_OK;
}

static size_t
object_head_len(const struct roost_object *obj)
{
	return obj->header.len + ROOST_PROLOGUE_SIZE;
}

/* Step 3 of FORMAT.md 6: derive the keys and check the commitment, which binds
   them to the header. */
static enum roost_err
object_derive(struct roost_object *obj, const uint8_t *data_key)
{
	const uint8_t *prologue = obj->head + obj->header.len;
	enum roost_err err;

	err = roost_chunk_keys_derive(&obj->keys, data_key, prologue,
				      obj->header.bytes, obj->header.len);
	if (err == ROOST_OK &&
	    !roost_bytes_equal(obj->keys.commitment,
			       prologue + ROOST_SALT_SIZE,
			       ROOST_COMMITMENT_SIZE))
		err = ROOST_ERR_COMMITMENT;
	return err;
}

/* Steps 3 and 4 of FORMAT.md 6, either with the data key or with saved keys. */
static enum roost_err
object_open(struct roost_object *obj, const uint8_t *data_key,
	    const uint8_t *saved)
{
	enum roost_err err;

	obj->is_open = obj->has_chunk = false;
	roost_chunk_keys_wipe(&obj->keys);
	err = source_read(&obj->source, obj->header.len,
			  obj->head + obj->header.len, ROOST_PROLOGUE_SIZE,
			  ROOST_ERR_PROLOGUE_SHORT);
	if (err == ROOST_OK)
		err = data_key != NULL ? object_derive(obj, data_key) :
			roost_chunk_keys_restore(&obj->keys, saved,
						 obj->head,
						 object_head_len(obj));
	if (err == ROOST_OK)
		err = roost_chunk_geometry(obj->header.len, obj->source.size,
					   &obj->body);
	if (err == ROOST_OK)
		err = object_load_final(obj);
	if (err == ROOST_OK)
		obj->is_open = true;
	else
		roost_chunk_keys_wipe(&obj->keys);
	return err;
}

enum roost_err
roost_object_open(struct roost_object *obj,
		  const uint8_t data_key[ROOST_KEY_SIZE])
{
	return object_open(obj, data_key, NULL);
}

enum roost_err
roost_object_open_saved(struct roost_object *obj,
			const uint8_t saved[ROOST_SAVED_KEYS_SIZE])
{
	return object_open(obj, NULL, saved);
}

enum roost_err
roost_object_save_keys(const struct roost_object *obj,
		       uint8_t saved_r[ROOST_SAVED_KEYS_SIZE])
{
	return roost_chunk_keys_save(&obj->keys, obj->head,
				     object_head_len(obj), saved_r);
}

bool
roost_object_is_ahead(const struct roost_object *obj, uint64_t plain_off)
{
	uint64_t idx = plain_off / ROOST_CHUNK_PLAIN_SIZE;

	return obj->is_open && plain_off % ROOST_CHUNK_PLAIN_SIZE == 0 &&
		idx < obj->body.final_idx &&
		!(obj->has_chunk && obj->chunk_idx == idx);
}

enum roost_err
roost_object_read_ahead(struct roost_object *obj, uint64_t plain_off,
			uint8_t *dst)
{
	assert(roost_object_is_ahead(obj, plain_off));
	return object_open_chunk(obj, plain_off / ROOST_CHUNK_PLAIN_SIZE, dst,
				 ROOST_ERR_CHUNK);
}

enum roost_err
roost_object_read(struct roost_object *obj, uint64_t plain_off,
		  const uint8_t **plain_r, size_t *len_r)
{
	uint64_t idx = plain_off / ROOST_CHUNK_PLAIN_SIZE;
	size_t within = (size_t)(plain_off % ROOST_CHUNK_PLAIN_SIZE);
	enum roost_err err;

	*plain_r = NULL;
	*len_r = 0;
	if (!obj->is_open)
		return ROOST_ERR_LOCKED;
	if (plain_off >= obj->body.plain_size) {
		*plain_r = obj->body.final_idx == 0 ? obj->chunk.bytes :
			obj->final.bytes;
		return ROOST_OK;
	}
	err = object_load(obj, idx, plain_r);
	if (err != ROOST_OK)
		return err;
	*plain_r += within;
	*len_r = roost_chunk_sealed_len(&obj->body, idx) - ROOST_TAG_SIZE -
		within;
	return ROOST_OK;
}

bool
roost_object_take_only(struct roost_object *obj, uint8_t **plain_r,
		       size_t *len_r)
{
	bool is_there = obj->has_chunk && obj->body.final_idx == 0;

	*plain_r = is_there ? obj->chunk.bytes : NULL;
	*len_r = is_there ? (size_t)obj->body.plain_size : 0;
	if (is_there) {
		memset(&obj->chunk, 0, sizeof(obj->chunk));
		obj->has_chunk = false;
	}
	return is_there;
}

void
roost_object_close(struct roost_object *obj)
{
	roost_chunk_keys_wipe(&obj->keys);
	buffer_free(&obj->final);
	buffer_free(&obj->chunk);
	free(obj->head);
	memset(obj, 0, sizeof(*obj));
}

/* Hash what stands before the digest. */
static enum roost_err
scrub_hash(struct roost_object *obj, struct roost_sha256 *sha)
{
	uint64_t off = 0, end = obj->source.size - ROOST_DIGEST_SIZE;
	enum roost_err err = ROOST_OK;
	size_t len;

	while (err == ROOST_OK && off < end) {
		len = end - off < ROOST_CHUNK_SEALED_SIZE ?
			(size_t)(end - off) : ROOST_CHUNK_SEALED_SIZE;
		buffer_use(&obj->chunk, len);
		err = source_read(&obj->source, off, obj->chunk.bytes, len,
				  ROOST_ERR_LENGTH);
		if (err == ROOST_OK)
			err = roost_prim_sha256_update(sha, obj->chunk.bytes,
						       len);
		off += len;
	}
	return err;
}

enum roost_err
roost_object_scrub(struct roost_object *obj)
{
	uint8_t seen[ROOST_DIGEST_SIZE], right[ROOST_DIGEST_SIZE]; /* public */
	struct roost_sha256 *sha = NULL;
	enum roost_err err;

	if (obj->source.size < obj->header.len + ROOST_PROLOGUE_SIZE)
		return ROOST_ERR_PROLOGUE_SHORT;
	err = roost_chunk_geometry(obj->header.len, obj->source.size,
				   &obj->body);
	obj->has_chunk = false;
	if (err == ROOST_OK)
		err = buffer_make(&obj->chunk);
	if (err == ROOST_OK && (sha = roost_prim_sha256_new()) == NULL)
		err = ROOST_ERR_BACKEND;
	if (err == ROOST_OK)
		err = scrub_hash(obj, sha);
	if (err == ROOST_OK)
		err = roost_prim_sha256_final(sha, right);
	if (err == ROOST_OK)
		err = source_read(&obj->source,
				  obj->source.size - sizeof(seen), seen,
				  sizeof(seen), ROOST_ERR_LENGTH);
	if (err == ROOST_OK && !roost_bytes_equal(seen, right, sizeof(seen)))
		err = ROOST_ERR_DIGEST;
	roost_prim_sha256_free(&sha);
	return err;
}
