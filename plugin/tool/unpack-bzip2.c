/* SPDX-License-Identifier: MIT */
/*
 * unpack-bzip2: bzip2, by libbz2.  See unpack-private.h.
 */
#include "tool/unpack-private.h"

#ifdef ROOST_HAVE_BZIP2

#include <bzlib.h>
#include <stdlib.h>

static enum roost_unpack_answer
bzip2_begin(struct roost_unpack *unpack)
{
	bz_stream *stream = calloc(1, sizeof(*stream));

	if (stream == NULL)
		return ROOST_UNPACK_NO_MEMORY;
	if (BZ2_bzDecompressInit(stream, 0, 0) != BZ_OK) {
		free(stream);
		return ROOST_UNPACK_NO_MEMORY;
	}
	unpack->state = stream;
	return ROOST_UNPACK_OK;
}

/* Fill the text once. */
static enum roost_unpack_answer
bzip2_step(struct roost_unpack *unpack, bz_stream *stream)
{
	int ret;

	/* Dovecot would not show what stands behind the end. */
	if (unpack->is_whole)
		return stream->avail_in > 0 ? ROOST_UNPACK_BROKEN :
			ROOST_UNPACK_OK;
	stream->next_out = (char *)unpack->text;
	stream->avail_out = sizeof(unpack->text);
	ret = BZ2_bzDecompress(stream);
	if (ret == BZ_STREAM_END)
		unpack->is_whole = true;
	else if (ret != BZ_OK)
		return ret == BZ_MEM_ERROR ? ROOST_UNPACK_NO_MEMORY :
			ROOST_UNPACK_BROKEN;
	return roost_unpack_put(unpack, unpack->text, sizeof(unpack->text) -
				stream->avail_out) ? ROOST_UNPACK_OK :
		ROOST_UNPACK_NO_OUTPUT;
}

static enum roost_unpack_answer
bzip2_add(struct roost_unpack *unpack, const uint8_t *bytes, size_t len)
{
	bz_stream *stream = unpack->state;
	enum roost_unpack_answer answer;

	/* The library's type lacks a const: it only reads them. */
	stream->next_in = (char *)(uintptr_t)bytes;
	stream->avail_in = (unsigned int)len;
	do {
		answer = bzip2_step(unpack, stream);
	} while (answer == ROOST_UNPACK_OK &&
		 (stream->avail_in > 0 ||
		  (stream->avail_out == 0 && !unpack->is_whole)));
	return answer;
}

static void
bzip2_end(struct roost_unpack *unpack)
{
	(void)BZ2_bzDecompressEnd(unpack->state);
	free(unpack->state);
}

const struct roost_unpack_kind roost_unpack_bzip2 = {
	.name = "bzip2", .begin = bzip2_begin, .add = bzip2_add,
	.end = bzip2_end
};
#else
const struct roost_unpack_kind roost_unpack_bzip2 = { .name = "bzip2" };
#endif
