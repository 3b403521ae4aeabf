/* SPDX-License-Identifier: MIT */
/*
 * fuzz_unpack: any bytes as a packed message.  The first byte says how it is
 * cut into pieces, which changes neither the text nor the answer; the format is
 * what the others look like.
 */
#include "tool/unpack.c"
#include "tool/unpack-bzip2.c"
#include "tool/unpack-gzip.c"
#include "tool/unpack-lz4.c"
#include "tool/unpack-zstd.c"

#define TEXT_LIMIT (16U * 1024 * 1024)	/* more takes too long */
#define PIECE_MAX (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct text {
	uint64_t len, sum;
};

static int
text_take(void *context, const uint8_t *bytes, size_t len)
{
	struct text *text = context;
	size_t i;

	if (len == 0 || len > PIECE_MAX)
		abort();
	for (i = 0; i < len; i++)
		text->sum = (text->sum ^ bytes[i]) * 0x100000001b3;
	text->len += len;
	return text->len > TEXT_LIMIT ? -1 : 0;
}

static enum roost_unpack_answer
unpack(const uint8_t *bytes, size_t len, size_t step, struct text *text_r)
{
	enum roost_unpack_format format = roost_unpack_look(bytes, len);
	struct roost_unpack *unpack;
	enum roost_unpack_answer answer =
		roost_unpack_new(format, text_take, text_r, &unpack);
	size_t part;

	memset(text_r, 0, sizeof(*text_r));
	if (answer != ROOST_UNPACK_OK)
		return answer;
	for (; len > 0 && answer == ROOST_UNPACK_OK; bytes += part,
	     len -= part) {
		part = len < step ? len : step;
		answer = roost_unpack_add(unpack, bytes, part);
	}
	if (answer == ROOST_UNPACK_OK)
		answer = roost_unpack_end(unpack);
	roost_unpack_free(&unpack);
	return answer;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct text whole, cut;
	enum roost_unpack_answer answer;

	if (len < 1 ||
	    roost_unpack_look(bytes + 1, len - 1) == ROOST_UNPACK_NONE)
		return 0;
	answer = unpack(bytes + 1, len - 1, len, &whole);
	if (unpack(bytes + 1, len - 1, 1 + (size_t)bytes[0], &cut) != answer)
		abort();
	/* How far one comes before an error is the library's affair. */
	if (answer == ROOST_UNPACK_OK &&
	    (whole.len != cut.len || whole.sum != cut.sum))
		abort();
	return 0;
}
