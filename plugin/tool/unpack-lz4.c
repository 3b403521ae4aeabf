/* SPDX-License-Identifier: MIT */
/*
 * unpack-lz4: LZ4 by liblz4, in the frame that Dovecot has made for it.  See
 * unpack-private.h.
 *
 * A magic of 15 bytes is followed by the largest size that a chunk has when it
 * is unpacked.  Then chunks come until the message ends, each of them behind
 * its packed size.  Sizes have four bytes, the most significant one first.
 */
#include "tool/unpack-private.h"

#ifdef ROOST_HAVE_LZ4

#include "roost/bytes.h"
#include "roost/secret.h"

#include <lz4.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC_LEN 15
#define SIZE_LEN 4
#define CHUNK_MAX (1024 * 1024)	/* Dovecot reads no larger ones */

enum part {
	PART_HEAD,
	PART_SIZE,
	PART_CHUNK,
};

struct lz4 {
	enum part part;		/* that is being collected */
	size_t have, want;	/* bytes of it */
	size_t text_max;	/* of a chunk */
	size_t have_max;	/* of bytes so far */
	uint8_t bytes[CHUNK_MAX], text[CHUNK_MAX];
};

static enum roost_unpack_answer
lz4_begin(struct roost_unpack *unpack)
{
	struct lz4 *lz4 = calloc(1, sizeof(*lz4));

	if (lz4 == NULL)
		return ROOST_UNPACK_NO_MEMORY;
	lz4->part = PART_HEAD;
	lz4->want = MAGIC_LEN + SIZE_LEN;
	unpack->state = lz4;
	return ROOST_UNPACK_OK;
}

static enum roost_unpack_answer
chunk_unpack(struct roost_unpack *unpack, struct lz4 *lz4)
{
	int len = LZ4_decompress_safe((const char *)lz4->bytes,
				      (char *)lz4->text, (int)lz4->have,
				      (int)lz4->text_max);

	if (len < 0)
		return ROOST_UNPACK_BROKEN;
	return roost_unpack_put(unpack, lz4->text, (size_t)len) ?
		ROOST_UNPACK_OK : ROOST_UNPACK_NO_OUTPUT;
}

/* A part is there as a whole. */
static enum roost_unpack_answer
part_take(struct roost_unpack *unpack, struct lz4 *lz4)
{
	enum part part = lz4->part;
	size_t size = 0;

	if (part == PART_CHUNK) {
		enum roost_unpack_answer answer = chunk_unpack(unpack, lz4);

		if (answer != ROOST_UNPACK_OK)
			return answer;
	} else {
		size = roost_be32_get(lz4->bytes + lz4->have - SIZE_LEN);
		if (size == 0 || size > CHUNK_MAX)
			return ROOST_UNPACK_BROKEN;
	}
	if (part == PART_HEAD)
		lz4->text_max = size;
	lz4->part = part == PART_SIZE ? PART_CHUNK : PART_SIZE;
	lz4->want = part == PART_SIZE ? size : SIZE_LEN;
	lz4->have = 0;
	return ROOST_UNPACK_OK;
}

static enum roost_unpack_answer
lz4_add(struct roost_unpack *unpack, const uint8_t *bytes, size_t len)
{
	enum roost_unpack_answer answer = ROOST_UNPACK_OK;
	struct lz4 *lz4 = unpack->state;
	size_t part;

	for (; len > 0 && answer == ROOST_UNPACK_OK; bytes += part,
	     len -= part) {
		part = lz4->want - lz4->have < len ?
			lz4->want - lz4->have : len;
		memcpy(lz4->bytes + lz4->have, bytes, part);
		lz4->have += part;
		if (lz4->have > lz4->have_max)
			lz4->have_max = lz4->have;
		if (lz4->have == lz4->want)
			answer = part_take(unpack, lz4);
	}
	unpack->is_whole = lz4->part == PART_SIZE && lz4->have == 0;
	return answer;
}

static void
lz4_end(struct roost_unpack *unpack)
{
	struct lz4 *lz4 = unpack->state;

	roost_wipe(lz4->bytes, lz4->have_max);
	roost_wipe(lz4->text, lz4->text_max);
	free(lz4);
}

const struct roost_unpack_kind roost_unpack_lz4 = {
	.name = "lz4", .begin = lz4_begin, .add = lz4_add, .end = lz4_end
};
#else
const struct roost_unpack_kind roost_unpack_lz4 = { .name = "lz4" };
#endif
