/* SPDX-License-Identifier: MIT */
/*
 * writer: writing whole sealed messages.  See roost/writer.h.
 */
#include "roost/writer.h"

#include "roost/secret.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Write to the sink, and into the digest. */
static enum roost_err
writer_emit(struct roost_writer *writer, const uint8_t *bytes, size_t len)
{
	enum roost_err err;

	err = roost_prim_sha256_update(writer->sha, bytes, len);
	if (err == ROOST_OK)
		err = writer->sink.write(writer->sink.context, bytes, len);
	return err;
}

/* Build H with one stanza, and the prologue behind it. */
static enum roost_err
writer_header(struct roost_writer *writer, const struct roost_seal_key *key,
	      uint8_t *head_r, size_t header_len)
{
	uint8_t *prologue = head_r + header_len;
	enum roost_err err;

	roost_header_write(key->keyring_id, writer->object_id, 1,
			   ROOST_STANZA_X25519_SIZE, head_r);
	err = roost_stanza_seal(key, head_r, writer->data_key,
				head_r + ROOST_HEADER_FIXED_SIZE);
	if (err == ROOST_OK)
		err = roost_prim_random(prologue, ROOST_SALT_SIZE);
	if (err == ROOST_OK)
		err = roost_chunk_keys_derive(&writer->keys, writer->data_key,
					      prologue, head_r, header_len);
	if (err == ROOST_OK) {
		memcpy(prologue + ROOST_SALT_SIZE, writer->keys.commitment,
		       ROOST_COMMITMENT_SIZE);
		err = roost_chunk_keys_save(&writer->keys, head_r, header_len +
					    ROOST_PROLOGUE_SIZE,
					    writer->saved_keys);
	}
	return err;
}

enum roost_err
roost_writer_begin(struct roost_writer *writer, const struct roost_sink *sink,
		   const struct roost_seal_key *key)
{
	uint8_t head[ROOST_WRITER_HEADER_SIZE +
		     ROOST_PROLOGUE_SIZE] = { 0 };	/* public */
	enum roost_err err;

	writer->sink = *sink;
	writer->chunks = malloc(sizeof(*writer->chunks));
	writer->sha = roost_prim_sha256_new();
	err = writer->chunks == NULL || writer->sha == NULL ?
		ROOST_ERR_BACKEND :
		roost_prim_random(writer->object_id, ROOST_ID_SIZE);
	if (err == ROOST_OK)
		err = roost_prim_random(writer->data_key, ROOST_KEY_SIZE);
	if (err == ROOST_OK)
		err = writer_header(writer, key, head,
				    sizeof(head) - ROOST_PROLOGUE_SIZE);
	if (err == ROOST_OK)
		err = writer_emit(writer, head, sizeof(head));
	memcpy(writer->header, head, sizeof(writer->header));
	writer->err = err;
	return err;
}

static enum roost_err
writer_chunk(struct roost_writer *writer, const uint8_t *plain, size_t len)
{
	uint8_t *sealed = writer->chunks->sealed;
	enum roost_err err;

	/* A full chunk always has the final one behind it. */
	if (writer->chunk_idx + (len == ROOST_CHUNK_PLAIN_SIZE) >=
	    ROOST_CHUNKS_MAX)
		return ROOST_ERR_LIMIT;
	err = roost_chunk_seal(&writer->keys, writer->chunk_idx, plain, len,
			       sealed);
	if (err == ROOST_OK)
		err = writer_emit(writer, sealed, len + ROOST_TAG_SIZE);
	writer->chunk_idx++;
	return err;
}

/* Take as much of the plaintext as makes a whole chunk, or all of it.  Returns
   how much was taken. */
static size_t
writer_take(struct roost_writer *writer, const uint8_t *plain, size_t len)
{
	size_t left = ROOST_CHUNK_PLAIN_SIZE - writer->plain_len;

	if (writer->plain_len == 0 && len >= ROOST_CHUNK_PLAIN_SIZE) {
		writer->err = writer_chunk(writer, plain,
					   ROOST_CHUNK_PLAIN_SIZE);
		return ROOST_CHUNK_PLAIN_SIZE;
	}
	if (len > left)
		len = left;
	memcpy(writer->chunks->plain + writer->plain_len, plain, len);
	writer->plain_len += len;
	if (writer->plain_len > writer->plain_max)
		writer->plain_max = writer->plain_len;
	if (writer->plain_len == ROOST_CHUNK_PLAIN_SIZE) {
		writer->plain_len = 0;
		writer->err = writer_chunk(writer, writer->chunks->plain,
					   ROOST_CHUNK_PLAIN_SIZE);
	}
	return len;
}

enum roost_err
roost_writer_write(struct roost_writer *writer, const void *plain, size_t len)
{
	const uint8_t *bytes = plain;
	size_t taken;

	assert(!writer->is_finished || writer->err != ROOST_OK);
	while (writer->err == ROOST_OK && len > 0) {
		taken = writer_take(writer, bytes, len);
		bytes += taken;
		len -= taken;
	}
	return writer->err;
}

enum roost_err
roost_writer_finish(struct roost_writer *writer)
{
	uint8_t hash[ROOST_DIGEST_SIZE];	/* public */

	if (writer->is_finished || writer->err != ROOST_OK)
		return writer->err;
	writer->is_finished = true;
	writer->err = writer_chunk(writer, writer->chunks->plain,
				   writer->plain_len);
	if (writer->err == ROOST_OK)
		writer->err = roost_prim_sha256_final(writer->sha, hash);
	if (writer->err == ROOST_OK)
		writer->err = writer->sink.write(writer->sink.context, hash,
						 sizeof(hash));
	return writer->err;
}

void
roost_writer_close(struct roost_writer *writer)
{
	roost_chunk_keys_wipe(&writer->keys);
	roost_prim_sha256_free(&writer->sha);
	if (writer->chunks != NULL)
		roost_wipe(writer->chunks->plain, writer->plain_max);
	free(writer->chunks);
	roost_wipe(writer, sizeof(*writer));
}
