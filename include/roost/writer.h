/* SPDX-License-Identifier: MIT */
#ifndef ROOST_WRITER_H
#define ROOST_WRITER_H

/*
 * writer: a whole sealed message, written as its plaintext comes (FORMAT.md 2
 * and 5).
 *
 * Promises: every message has keys of its own, drawn at random; what went out
 * before an error is no whole message, because its final chunk and its digest
 * are missing.  It knows nothing of files, or of where the key comes from.
 */

#include "roost/chunk.h"
#include "roost/header.h"
#include "roost/stanza.h"

/* Where sealed bytes go; it returns ROOST_OK or ROOST_ERR_IO. */
struct roost_sink {
	enum roost_err (*write)(void *context, const uint8_t *bytes,
				size_t len);
	void *context;
};

#define ROOST_WRITER_HEADER_SIZE \
	(ROOST_HEADER_FIXED_SIZE + ROOST_STANZA_X25519_SIZE)

/* One object that is being written.  Zero it, then begin, write, finish and
   close it. */
struct roost_writer {
	struct roost_sink sink;
	struct roost_chunk_keys keys;	/* secret */
	struct roost_sha256 *sha;
	uint64_t chunk_idx;
	size_t plain_len;
	enum roost_err err;		/* the first; it stays */
	bool is_finished;
	uint8_t object_id[ROOST_ID_SIZE];
	uint8_t data_key[ROOST_KEY_SIZE];	/* secret */
	uint8_t header[ROOST_WRITER_HEADER_SIZE];	/* H, once begun */
	uint8_t saved_keys[ROOST_SAVED_KEYS_SIZE];	/* secret; once begun */
	struct roost_writer_chunks *chunks;	/* once begun */
	size_t plain_max;		/* of its plaintext so much was used */
};

/* The chunk at hand.  It is not zeroed, which would cost as much as sealing a
   short message. */
struct roost_writer_chunks {
	uint8_t plain[ROOST_CHUNK_PLAIN_SIZE];	/* secret */
	uint8_t sealed[ROOST_CHUNK_SEALED_SIZE];
};

/* Draw the ids and keys, and write header and prologue to the sink. */
enum roost_err roost_writer_begin(struct roost_writer *writer,
				  const struct roost_sink *sink,
				  const struct roost_seal_key *key)
	ROOST_CHECKED;
/* Write plaintext.  Not to be called after finishing. */
enum roost_err roost_writer_write(struct roost_writer *writer,
				  const void *plain, size_t len)
	ROOST_CHECKED;
/* Write the final chunk and the digest.  A second call does nothing. */
enum roost_err roost_writer_finish(struct roost_writer *writer)
	ROOST_CHECKED;
/* Wipe and free; writer may be all zero. */
void roost_writer_close(struct roost_writer *writer);

#endif
