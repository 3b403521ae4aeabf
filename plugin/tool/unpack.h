/* SPDX-License-Identifier: MIT */
#ifndef ROOST_TOOL_UNPACK_H
#define ROOST_TOOL_UNPACK_H

/*
 * unpack: the text of a message that Dovecot's plugin for compression (zlib, or
 * mail_compress) has packed before it was stored.
 *
 * That plugin knows a packed message by its first bytes and unpacks it once,
 * and so does this.  A message can begin with such bytes and be no packed one:
 * whether it is one, its end decides.
 *
 * Promises: memory does not grow with a message nor with its text, since zstd
 * takes up to 128 MiB, which Dovecot's highest level needs, and the others take
 * at most 4 MiB.  A message that ended well has passed the checks of its
 * format, and nothing stands behind its end.  Every call ends.
 */

#include <stddef.h>
#include <stdint.h>

enum roost_unpack_format {
	ROOST_UNPACK_NONE,	/* the message is not packed */
	ROOST_UNPACK_GZIP,
	ROOST_UNPACK_BZIP2,
	ROOST_UNPACK_XZ,	/* known, but not unpacked */
	ROOST_UNPACK_ZSTD,
	ROOST_UNPACK_LZ4,	/* in a frame that only Dovecot has */
	ROOST_UNPACK_FORMATS
};

enum roost_unpack_answer {
	ROOST_UNPACK_OK,
	ROOST_UNPACK_BROKEN,	/* the bytes make no sense, or end early */
	ROOST_UNPACK_NO_OUTPUT,	/* write() did not take the text */
	ROOST_UNPACK_NO_MEMORY,
	ROOST_UNPACK_NOT_BUILT,	/* this program lacks the library */
};

struct roost_unpack;

/* How is a message packed that begins with these bytes? */
enum roost_unpack_format roost_unpack_look(const uint8_t *bytes, size_t len);

/* Returns the name of a format, as in "gzip". */
const char *roost_unpack_name(enum roost_unpack_format format);

/* Begin to unpack.  write() gets the text and returns 0, or -1 to end it.  NULL
   in unpack_r if the answer is not OK. */
enum roost_unpack_answer
roost_unpack_new(enum roost_unpack_format format,
		 int (*write)(void *context, const uint8_t *bytes,
			      size_t len),
		 void *context, struct roost_unpack **unpack_r);

/* Unpack the next bytes; after another answer than OK it can only be freed. */
enum roost_unpack_answer roost_unpack_add(struct roost_unpack *unpack,
					  const uint8_t *bytes, size_t len);

/* Were these all bytes of a whole packed message? */
enum roost_unpack_answer roost_unpack_end(const struct roost_unpack *unpack);

void roost_unpack_free(struct roost_unpack **unpack);

#endif
