/* SPDX-License-Identifier: MIT */
/*
 * unpack-gzip: gzip, by zlib.  See unpack-private.h.
 */
#include "tool/unpack-private.h"

#ifdef ROOST_HAVE_ZLIB

#define ZLIB_CONST	/* zlib only reads what it is given */
#include <stdlib.h>
#include <zlib.h>

#define WINDOW_BITS (15 + 16)	/* zlib's word for gzip, and nothing else */

static enum roost_unpack_answer
gzip_begin(struct roost_unpack *unpack)
{
	z_stream *stream = calloc(1, sizeof(*stream));

	if (stream == NULL)
		return ROOST_UNPACK_NO_MEMORY;
	if (inflateInit2(stream, WINDOW_BITS) != Z_OK) {
		free(stream);
		return ROOST_UNPACK_NO_MEMORY;
	}
	unpack->state = stream;
	return ROOST_UNPACK_OK;
}

/* Fill the text once. */
static enum roost_unpack_answer
gzip_step(struct roost_unpack *unpack, z_stream *stream)
{
	int ret;

	/* One may follow another, as Dovecot reads them. */
	if (unpack->is_whole && stream->avail_in > 0) {
		(void)inflateReset(stream);
		unpack->is_whole = false;
	}
	stream->next_out = unpack->text;
	stream->avail_out = sizeof(unpack->text);
	ret = inflate(stream, Z_NO_FLUSH);
	if (ret == Z_STREAM_END)
		unpack->is_whole = true;
	else if (ret == Z_MEM_ERROR)
		return ROOST_UNPACK_NO_MEMORY;
	else if (ret != Z_OK && ret != Z_BUF_ERROR)
		return ROOST_UNPACK_BROKEN;
	return roost_unpack_put(unpack, unpack->text, sizeof(unpack->text) -
				stream->avail_out) ? ROOST_UNPACK_OK :
		ROOST_UNPACK_NO_OUTPUT;
}

static enum roost_unpack_answer
gzip_add(struct roost_unpack *unpack, const uint8_t *bytes, size_t len)
{
	z_stream *stream = unpack->state;
	enum roost_unpack_answer answer;

	stream->next_in = bytes;
	stream->avail_in = (uInt)len;
	do {
		answer = gzip_step(unpack, stream);
	} while (answer == ROOST_UNPACK_OK &&
		 (stream->avail_in > 0 || stream->avail_out == 0));
	return answer;
}

static void
gzip_end(struct roost_unpack *unpack)
{
	(void)inflateEnd(unpack->state);
	free(unpack->state);
}

const struct roost_unpack_kind roost_unpack_gzip = {
	.name = "gzip", .begin = gzip_begin, .add = gzip_add, .end = gzip_end
};
#else
const struct roost_unpack_kind roost_unpack_gzip = { .name = "gzip" };
#endif
