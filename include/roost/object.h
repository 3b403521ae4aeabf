/* SPDX-License-Identifier: MIT */
#ifndef ROOST_OBJECT_H
#define ROOST_OBJECT_H

/*
 * object: a whole sealed message: opening it, reading it at any offset, and
 * scrubbing it without a key (FORMAT.md 2, 5, 6).
 *
 * This is where the room core begins.  The room holds all that Roost knows of
 * keys and formats, and it does no I/O, so that a program without Dovecot can
 * use it and tests need no server:
 *
 *	a message	object reads it and writer writes it; it has a header,
 *			stanzas, which seal its data key to its owner's keys
 *			by means of hpke, and chunks of sealed plaintext
 *	a keyring	keyring opens the document that holds the owner's
 *			keys, and keyring-edit makes and changes it; each slot
 *			unlocks it by a secret, which may be a recovery code,
 *			and all of it depends on the key of the provider
 *	beside mail	blob seals what an index cache keeps of a message,
 *			token the names of keywords
 *	below these	prim is the one door to the libraries of cryptography,
 *			derive makes one key from another, secret guards and
 *			wipes them; bytes, cursor and err serve all
 *
 * Promises: no byte of plaintext is handed out before its chunk verified, and
 * none at all before the final chunk did, which proves the length.  It knows
 * nothing of files, of streams, or of where keys come from.
 */

#include "roost/chunk.h"
#include "roost/header.h"
#include "roost/stanza.h"

/* Where sealed bytes come from; it is borrowed as long as the object is
   used. */
struct roost_source {
	/* Fill dst with exactly len bytes from off, which lie within size.
	   ROOST_ERR_AGAIN if there is nothing yet and it should be called
	   again, ROOST_ERR_IO if it failed and the context knows why. */
	enum roost_err (*read)(void *context, uint64_t off,
			       uint8_t *dst, size_t len);
	/* Return the len bytes from off where they lie, borrowed until the next
	   call, or NULL if they do not lie together.  May be NULL. */
	const uint8_t *(*lend)(void *context, uint64_t off, size_t len);
	void *context;
	uint64_t size;
};

/* Memory for one chunk, which is made when it is needed. */
struct roost_chunk_buffer {
	uint8_t *bytes;		/* NULL, or ROOST_CHUNK_SEALED_SIZE; secret */
	size_t used;		/* how much of it was ever written */
};

/* One object that is being read.  Zero it, then parse, open, read and close
   it. */
struct roost_object {
	struct roost_source source;
	struct roost_header header;
	struct roost_body body;
	struct roost_chunk_keys keys;	/* secret */
	uint64_t chunk_idx;		/* the one that is in chunk */
	bool is_open, has_chunk;
	/* final holds the last of several chunks, which is opened first and
	   wanted last. */
	struct roost_chunk_buffer chunk, final;
	/* H, with the prologue behind it once it is opened; owned, public. */
	uint8_t *head;
};

/* Read and check the header; the ids and the stanzas are known then. */
enum roost_err roost_object_parse(struct roost_object *obj,
				  const struct roost_source *source)
	ROOST_CHECKED;

/*
 * Do steps 3 and 4 of FORMAT.md 6 with the data key, which comes from
 * roost_stanza_open() or was remembered: ROOST_ERR_PROLOGUE_SHORT, _COMMITMENT,
 * _LENGTH, _FINAL_CHUNK.  body.plain_size is known then.  It may be called
 * again after ROOST_ERR_AGAIN.
 */
enum roost_err roost_object_open(struct roost_object *obj,
				 const uint8_t data_key[ROOST_KEY_SIZE])
	ROOST_CHECKED;

/* The same with what roost_object_save_keys() saved, so that nothing is
   derived.  ROOST_ERR_COMMITMENT also if it was saved for another object or
   header: then the data key tells what is wrong. */
enum roost_err
roost_object_open_saved(struct roost_object *obj,
			const uint8_t saved[ROOST_SAVED_KEYS_SIZE])
	ROOST_CHECKED;

/* Save the keys of an open object for the next time.  They are secret, and zero
   after an error. */
enum roost_err
roost_object_save_keys(const struct roost_object *obj,
		       uint8_t saved_r[ROOST_SAVED_KEYS_SIZE]) ROOST_CHECKED;

/* Read the verified plaintext from plain_off to the end of its chunk.  *plain_r
   is borrowed until the next call on obj; *len_r is 0 only at the end of the
   message.  Both are zero after an error. */
enum roost_err roost_object_read(struct roost_object *obj, uint64_t plain_off,
				 const uint8_t **plain_r, size_t *len_r)
	ROOST_CHECKED;

/*
 * Two ways to read that copy nothing; a caller that has a buffer asks before it
 * makes room in it.
 *
 * True if a full chunk begins at plain_off that is not in memory.  Then
 * roost_object_read_ahead() opens it where the caller wants it: dst holds
 * ROOST_CHUNK_SEALED_SIZE bytes, of which ROOST_CHUNK_PLAIN_SIZE are plaintext
 * afterwards, or after an error none.
 */
bool roost_object_is_ahead(const struct roost_object *obj,
			   uint64_t plain_off);
enum roost_err roost_object_read_ahead(struct roost_object *obj,
				       uint64_t plain_off, uint8_t *dst)
	ROOST_CHECKED;

/*
 * Hand over the memory of a message that has one chunk, if that is opened:
 * *plain_r has *len_r bytes of verified plaintext, in ROOST_CHUNK_SEALED_SIZE
 * bytes that the caller wipes and frees by free().  If the message is read
 * again, the chunk is opened again.  False, and both zero, if it has more
 * chunks or is not open.
 */
bool roost_object_take_only(struct roost_object *obj, uint8_t **plain_r,
			    size_t *len_r);

/* Wipe and free what parsing and opening made; obj may be all zero. */
void roost_object_close(struct roost_object *obj);

/* Check header, length and digest (ROOST_ERR_DIGEST) of a parsed object, for
   which no key is needed.  It reads the whole source, and from its start again
   after ROOST_ERR_AGAIN. */
enum roost_err roost_object_scrub(struct roost_object *obj) ROOST_CHECKED;

#endif
