/* SPDX-License-Identifier: MIT */
/*
 * unpack: what the libraries pack comes back byte for byte, in whatever pieces
 * it comes; what is cut, goes on behind its end or wants too much memory does
 * not end well.
 *
 * Contains tool/unpack.c and its formats.  One that the program was built
 * without is only asked for that.
 */
#include "kit.h"

#include "tool/unpack.c"
#include "tool/unpack-bzip2.c"
#include "tool/unpack-gzip.c"
#include "tool/unpack-lz4.c"
#include "tool/unpack-zstd.c"

#include "roost/bytes.h"

#define TEXT_MAX 200000
#define PACKED_MAX (2 * TEXT_MAX + 1000)

static uint8_t text[TEXT_MAX], packed[PACKED_MAX], got[2 * TEXT_MAX];
static size_t got_len, largest;
static uint64_t total;
static bool is_refusing;

/* Text as mail has it, and noise behind it. */
static void
text_make(void)
{
	static const char line[] = "the same line again\r\n";
	uint32_t state = 12345;
	size_t i;

	for (i = 0; i < sizeof(text); i++) {
		state = state * 1664525 + 1013904223;
		text[i] = i < TEXT_MAX / 2 ?
			(uint8_t)line[i % (sizeof(line) - 1)] :
			(uint8_t)(state >> 24);
	}
}

static int
text_take(void *context, const uint8_t *bytes, size_t len)
{
	(void)context;
	assert_true(len > 0);
	if (is_refusing)
		return -1;
	total += len;
	largest = len > largest ? len : largest;
	if (got_len + len <= sizeof(got)) {
		memcpy(got + got_len, bytes, len);
		got_len += len;
	}
	return 0;
}

static enum roost_unpack_answer
unpack_begin(enum roost_unpack_format format, struct roost_unpack **unpack_r)
{
	got_len = largest = 0;
	total = 0;
	return roost_unpack_new(format, text_take, NULL, unpack_r);
}

/* Unpack what lies there in pieces of step bytes. */
static enum roost_unpack_answer
unpack(enum roost_unpack_format format, const uint8_t *bytes, size_t len,
       size_t step)
{
	enum roost_unpack_answer answer;
	struct roost_unpack *unpack;
	size_t part;

	answer = unpack_begin(format, &unpack);
	assert_int_equal(answer, ROOST_UNPACK_OK);
	for (; len > 0 && answer == ROOST_UNPACK_OK; bytes += part,
	     len -= part) {
		part = len < step ? len : step;
		answer = roost_unpack_add(unpack, bytes, part);
	}
	if (answer == ROOST_UNPACK_OK)
		answer = roost_unpack_end(unpack);
	roost_unpack_free(&unpack);
	assert_null(unpack);
	return answer;
}

#ifdef ROOST_HAVE_ZLIB
static size_t
gzip_pack(size_t len)
{
	z_stream stream;
	int ret;

	memset(&stream, 0, sizeof(stream));
	assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, WINDOW_BITS, 8,
				      Z_DEFAULT_STRATEGY), Z_OK);
	stream.next_in = text;
	stream.avail_in = (uInt)len;
	stream.next_out = packed;
	stream.avail_out = sizeof(packed);
	ret = deflate(&stream, Z_FINISH);
	assert_int_equal(ret, Z_STREAM_END);
	(void)deflateEnd(&stream);
	return stream.total_out;
}
#endif

#ifdef ROOST_HAVE_BZIP2
static size_t
bzip2_pack(size_t len)
{
	unsigned int packed_len = sizeof(packed);
	int ret = BZ2_bzBuffToBuffCompress((char *)packed, &packed_len,
					   (char *)text, (unsigned int)len,
					   9, 0, 0);

	assert_int_equal(ret, BZ_OK);
	return packed_len;
}
#endif

#ifdef ROOST_HAVE_ZSTD
static size_t
zstd_pack(size_t len)
{
	return ZSTD_compress(packed, sizeof(packed), text, len, 3);
}
#endif

#ifdef ROOST_HAVE_LZ4
/* The head of Dovecot's frame; returns its length. */
static size_t
lz4_head(uint32_t size)
{
	memcpy(packed, "Dovecot-LZ4\r*\233\305", MAGIC_LEN);
	roost_be32_put(packed + MAGIC_LEN, size);
	return MAGIC_LEN + SIZE_LEN;
}

static size_t
lz4_pack(size_t len)
{
	size_t to = lz4_head(65536), from = 0, part;
	int chunk;

	for (; from < len; from += part) {
		part = len - from < 65536 ? len - from : 65536;
		chunk = LZ4_compress_default((const char *)text + from,
					     (char *)packed + to + SIZE_LEN,
					     (int)part, PACKED_MAX / 4);
		assert_true(chunk > 0);
		roost_be32_put(packed + to, (uint32_t)chunk);
		to += SIZE_LEN + (size_t)chunk;
	}
	return to;
}
#endif

static const struct {
	enum roost_unpack_format format;
	size_t (*pack)(size_t len);
	bool may_follow;	/* one may stand behind another */
	size_t whole;		/* a beginning that is whole, if not 0 */
} cases[] = {
#ifdef ROOST_HAVE_ZLIB
	{ ROOST_UNPACK_GZIP, gzip_pack, true, 0 },
#endif
#ifdef ROOST_HAVE_BZIP2
	{ ROOST_UNPACK_BZIP2, bzip2_pack, false, 0 },
#endif
#ifdef ROOST_HAVE_ZSTD
	{ ROOST_UNPACK_ZSTD, zstd_pack, true, 0 },
#endif
#ifdef ROOST_HAVE_LZ4
	/* Its frame has no end of its own. */
	{ ROOST_UNPACK_LZ4, lz4_pack, false, 19 },
#endif
	{ ROOST_UNPACK_NONE, NULL, false, 0 },	/* the end */
};

static void
test_whole(void **state)
{
	static const size_t lens[] = { 0, 1, 1000, 65536, TEXT_MAX };
	static const size_t steps[] = { 1, 7, 16384, PACKED_MAX };
	size_t i, j, k, len;

	(void)state;
	for (i = 0; cases[i].pack != NULL; i++) {
		for (j = 0; j < 5; j++) {
			len = cases[i].pack(lens[j]);
			assert_int_equal(roost_unpack_look(packed, len),
					 cases[i].format);
			for (k = 0; k < 4; k++) {
				assert_int_equal(unpack(cases[i].format,
							packed, len,
							steps[k]),
						 ROOST_UNPACK_OK);
				assert_int_equal(got_len, lens[j]);
				assert_memory_equal(got, text, got_len);
			}
		}
	}
}

static void
test_cut(void **state)
{
	size_t i, len, cut;

	(void)state;
	for (i = 0; cases[i].pack != NULL; i++) {
		len = cases[i].pack(3000);
		for (cut = 0; cut < len; cut++) {
			enum roost_unpack_answer answer =
				unpack(cases[i].format,
				       kit_at_fence(packed, cut), cut, 16384);

			assert_int_equal(answer, cut == cases[i].whole &&
					 cut > 0 ? ROOST_UNPACK_OK :
					 ROOST_UNPACK_BROKEN);
		}
	}
}

static void
test_behind_the_end(void **state)
{
	enum roost_unpack_answer answer;
	size_t i, len;

	(void)state;
	for (i = 0; cases[i].pack != NULL; i++) {
		len = cases[i].pack(3000);
		packed[len] = 'x';
		answer = unpack(cases[i].format, packed, len + 1, len);
		assert_int_equal(answer, ROOST_UNPACK_BROKEN);
		answer = unpack(cases[i].format, packed, len + 1, len + 1);
		assert_int_equal(answer, ROOST_UNPACK_BROKEN);
		memcpy(packed + len, packed, len);
		answer = unpack(cases[i].format, packed, 2 * len, 5);
		assert_int_equal(answer, cases[i].may_follow ?
				 ROOST_UNPACK_OK : ROOST_UNPACK_BROKEN);
		assert_int_equal(got_len, cases[i].may_follow ? 6000 : 3000);
		memset(packed + len, 0, 10);
		answer = unpack(cases[i].format, packed, len + 10, 16384);
		assert_int_equal(answer, ROOST_UNPACK_BROKEN);
	}
}

/* What merely begins so. */
static void
test_only_a_beginning(void **state)
{
	size_t i, len;

	(void)state;
	for (i = 0; cases[i].pack != NULL; i++) {
		len = cases[i].pack(10);
		memset(packed + (len < 15 ? len : 15), ' ', 200);
		assert_int_equal(roost_unpack_look(packed, 200),
				 cases[i].format);
		assert_int_equal(unpack(cases[i].format, packed, 200, 200),
				 ROOST_UNPACK_BROKEN);
	}
}

static void
test_refused_text(void **state)
{
	size_t i, len;

	(void)state;
	is_refusing = true;
	for (i = 0; cases[i].pack != NULL; i++) {
		len = cases[i].pack(1000);
		assert_int_equal(unpack(cases[i].format, packed, len, len),
				 ROOST_UNPACK_NO_OUTPUT);
	}
	is_refusing = false;
}

static void
test_look(void **state)
{
	static const char *const texts[] = {
		"", "\037", "\037x", "BZh", "BZh0", "BZhx", "BZ",
		"\050\265\057", "Dovecot-LZ4\r*\233",
		"Dovecot-LZ4\r*\233\304", "\3757zXx\n", "From: a@b.test\r\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(roost_unpack_look((const uint8_t *)texts[i],
						   strlen(texts[i])),
				 ROOST_UNPACK_NONE);
	assert_int_equal(roost_unpack_look((const uint8_t *)"\3757zXZ", 6),
			 ROOST_UNPACK_XZ);
	assert_int_equal(roost_unpack_look((const uint8_t *)"BZh9", 4),
			 ROOST_UNPACK_BZIP2);
}

static void
test_not_built(void **state)
{
	struct roost_unpack *unpack;
	unsigned int i;

	(void)state;
	for (i = 1; i < ROOST_UNPACK_FORMATS; i++) {
		enum roost_unpack_answer answer =
			unpack_begin((enum roost_unpack_format)i, &unpack);

		assert_string_not_equal(roost_unpack_name(
			(enum roost_unpack_format)i), "");
		assert_int_equal(answer, formats[i].kind->begin == NULL ?
				 ROOST_UNPACK_NOT_BUILT : ROOST_UNPACK_OK);
		assert_true((unpack == NULL) == (answer != ROOST_UNPACK_OK));
		roost_unpack_free(&unpack);
	}
	assert_null(formats[ROOST_UNPACK_XZ].kind->begin);
}

/* A hundred MiB of one byte come in pieces, as they unpack. */
static void
test_bomb(void **state)
{
#ifdef ROOST_HAVE_ZSTD
	/* A frame with a window of 1 MiB, of blocks of 128 KiB that say one
	   byte each; the last one is marked. */
	static const uint8_t head[] = { 0x28, 0xb5, 0x2f, 0xfd, 0, 0x50 };
	size_t len = sizeof(head), i;

	memcpy(packed, head, len);
	for (i = 0; i < 800; i++) {
		uint32_t block = 131072 << 3 | 1 << 1 | (i == 799);

		packed[len++] = block & 0xff;
		packed[len++] = block >> 8 & 0xff;
		packed[len++] = block >> 16 & 0xff;
		packed[len++] = 'x';
	}
	assert_int_equal(unpack(ROOST_UNPACK_ZSTD, packed, len, len),
			 ROOST_UNPACK_OK);
	assert_int_equal(total, 800 * 131072);
	assert_true(largest <= ROOST_UNPACK_BLOCK_SIZE);
#endif
	(void)state;
}

/* Windows and chunks that Dovecot does not write. */
static void
test_limits(void **state)
{
#ifdef ROOST_HAVE_ZSTD
	uint8_t frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0, 0, 1, 0, 0 };

	frame[5] = (27 - 10) << 3;
	assert_int_equal(unpack(ROOST_UNPACK_ZSTD, frame, sizeof(frame), 99),
			 ROOST_UNPACK_OK);
	frame[5] = (28 - 10) << 3;
	assert_int_equal(unpack(ROOST_UNPACK_ZSTD, frame, sizeof(frame), 99),
			 ROOST_UNPACK_BROKEN);
#endif
#ifdef ROOST_HAVE_LZ4
	static const uint32_t sizes[] = { 0, CHUNK_MAX + 1, UINT32_MAX };
	size_t i, len;

	for (i = 0; i < 3; i++) {
		len = lz4_head(sizes[i]);
		assert_int_equal(unpack(ROOST_UNPACK_LZ4, packed, len, len),
				 ROOST_UNPACK_BROKEN);
		len = lz4_head(CHUNK_MAX);
		roost_be32_put(packed + len, sizes[i]);
		assert_int_equal(unpack(ROOST_UNPACK_LZ4, packed,
					PACKED_MAX, len + SIZE_LEN),
				 ROOST_UNPACK_BROKEN);
	}
	/* A chunk that is larger than the head says. */
	len = lz4_pack(60000);
	(void)lz4_head(59999);
	assert_int_equal(unpack(ROOST_UNPACK_LZ4, packed, len, len),
			 ROOST_UNPACK_BROKEN);
	(void)lz4_head(60000);
	assert_int_equal(unpack(ROOST_UNPACK_LZ4, packed, len, len),
			 ROOST_UNPACK_OK);
#endif
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_behind_the_end),
		cmocka_unit_test(test_only_a_beginning),
		cmocka_unit_test(test_refused_text),
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_not_built),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_limits),
	};

	text_make();
	return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
