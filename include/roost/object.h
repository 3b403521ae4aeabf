/* SPDX-License-Identifier: MIT */
#ifndef ROOST_OBJECT_H
#define ROOST_OBJECT_H

/*
 * object: a whole sealed message: open it, read it at an offset, write it as
 * a stream, scrub it without a key (FORMAT.md 2, 5, 6).
 *
 * Promises: no byte of plaintext is handed out before its chunk verified,
 * and none at all before the final chunk did, which proves the length.
 * It knows nothing of files, of streams, or of where keys come from.
 */

#include "roost/chunk.h"
#include "roost/header.h"
#include "roost/stanza.h"

/* Where sealed bytes come from; borrowed for the object's life. */
struct roost_source {
	/* Fill dst with exactly len bytes from off, within size:
	   ROOST_OK, ROOST_ERR_AGAIN (nothing yet, call again) or
	   ROOST_ERR_IO (the context knows why). */
	enum roost_err (*read)(void *context, uint64_t off,
			       uint8_t *dst, size_t len);
	/* May be NULL.  Lend the len bytes from off where they lie, until
	   the next call; NULL when they do not lie together. */
	const uint8_t *(*lend)(void *context, uint64_t off, size_t len);
	void *context;
	uint64_t size;
};

/* Memory for one chunk, made when it is needed; owned. */
struct roost_room {
	uint8_t *bytes;		/* NULL, or ROOST_CHUNK_SEALED_SIZE; secret */
	size_t used;		/* how much of it was ever written */
};

/* One object being read.  Zero it, parse, open, read, close. */
struct roost_object {
	struct roost_source source;
	struct roost_header header;
	struct roost_body body;
	struct roost_chunk_keys keys;	/* secret */
	uint64_t chunk_idx;		/* which is in chunk */
	bool is_open, has_chunk;
	/* final: the last of several, opened first and wanted last. */
	struct roost_room chunk, final;
	/* H, and once it is opened the prologue behind it; owned, public. */
	uint8_t *head;
};

/* Read and check the header; afterwards ids and stanzas are known. */
enum roost_err roost_object_parse(struct roost_object *obj,
				  const struct roost_source *source)
	ROOST_CHECKED;

/*
 * Steps 3 and 4 of opening with the data key at hand (from
 * roost_stanza_open(), or remembered): ROOST_ERR_PROLOGUE_SHORT,
 * _COMMITMENT, _LENGTH, _FINAL_CHUNK.  body.plain_size is known afterwards.
 * May be called again after ROOST_ERR_AGAIN.
 */
enum roost_err roost_object_open(struct roost_object *obj,
				 const uint8_t data_key[ROOST_KEY_SIZE])
	ROOST_CHECKED;

/*
 * The same with the keys that roost_object_save_keys() left: nothing is
 * derived.  ROOST_ERR_COMMITMENT also when they are of another object or
 * header: the data key tells then.
 */
enum roost_err
roost_object_open_saved(struct roost_object *obj,
			const uint8_t saved[ROOST_SAVED_KEYS_SIZE])
	ROOST_CHECKED;

/* For the next time; obj is open.  Secret; zero after an error. */
enum roost_err
roost_object_save_keys(const struct roost_object *obj,
		       uint8_t saved_r[ROOST_SAVED_KEYS_SIZE]) ROOST_CHECKED;

/*
 * The verified plaintext from plain_off to the end of its chunk: *plain_r is
 * borrowed until the next call on obj; *len_r is 0 only at the end.  Both are
 * zero after an error.
 */
enum roost_err roost_object_read(struct roost_object *obj, uint64_t plain_off,
				 const uint8_t **plain_r, size_t *len_r)
	ROOST_CHECKED;

/*
 * Is it the beginning of a full chunk that is not in memory?  Then the next
 * opens it where the caller wants it: dst has room for
 * ROOST_CHUNK_SEALED_SIZE bytes, of which ROOST_CHUNK_PLAIN_SIZE are
 * plaintext afterwards, or after an error none.
 */
bool roost_object_is_ahead(const struct roost_object *obj,
			   uint64_t plain_off);
enum roost_err roost_object_read_ahead(struct roost_object *obj,
				       uint64_t plain_off, uint8_t *dst)
	ROOST_CHECKED;

/*
 * Is it a message of one chunk, and that in memory?  Then take the memory:
 * *plain_r has *len_r bytes of verified plaintext and room for
 * ROOST_CHUNK_SEALED_SIZE.  It is the caller's, as a copy would be: the
 * object no longer wipes it, and free() frees it.  Read again, the object
 * opens the chunk again.  Else they are zero.
 */
bool roost_object_take_only(struct roost_object *obj, uint8_t **plain_r,
			    size_t *len_r);

/* Wipe and free what parse and open made; obj may be all zero. */
void roost_object_close(struct roost_object *obj);

/*
 * Without any key: header gates, length, digest (ROOST_ERR_DIGEST).  Reads
 * the whole source, and from its start again after ROOST_ERR_AGAIN.  The
 * object must be parsed.
 */
enum roost_err roost_object_scrub(struct roost_object *obj) ROOST_CHECKED;

#endif
