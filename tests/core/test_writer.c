/* SPDX-License-Identifier: MIT */
/*
 * writer: however the plaintext comes in, one object goes out; a failure
 * sticks; nothing secret stays.
 */
#define _GNU_SOURCE	/* memmem */
#include "kit.h"

#include "roost/bytes.h"

#include <stdlib.h>
#include <string.h>

struct writing {
	struct kit_memory memory;
	struct roost_sink sink;
	struct roost_writer writer;
};

static struct writing *
writing_new(void)
{
	struct writing *writing = kit_new(sizeof(*writing));

	memset(writing, 0, sizeof(*writing));
	writing->sink = kit_sink(&writing->memory);
	return writing;
}

static struct writing *
writing_begin(const struct kit_ring *ring)
{
	struct writing *writing = writing_new();

	assert_good(roost_writer_begin(&writing->writer, &writing->sink,
				       &ring->seal));
	return writing;
}

static void
writing_free(struct writing *writing)
{
	roost_writer_close(&writing->writer);
	kit_memory_free(&writing->memory);
	free(writing);
}

/* Returns how many bytes the next piece has. */
typedef size_t piece_len(void);

static size_t
piece_byte(void)
{
	return 1;
}

static size_t
piece_random(void)
{
	static const size_t lens[] = { 1, 7, 100, 16383, 16384, 16385, 40000 };

	return 1 + kit_below(lens[kit_below(KIT_COUNT(lens))]);
}

static size_t
piece_all(void)
{
	return SIZE_MAX;
}

static void
assert_pieces(const struct kit_ring *ring, const uint8_t *plain, size_t len,
	      piece_len *next)
{
	struct writing *writing = writing_begin(ring);
	struct kit_memory *memory = &writing->memory;
	uint8_t *opened;
	size_t off, piece, opened_len;

	for (off = 0; off < len; off += piece) {
		piece = next();
		if (piece > len - off)
			piece = len - off;
		assert_good(roost_writer_write(&writing->writer,
			kit_at_fence(plain + off, piece), piece));
		assert_good(roost_writer_write(&writing->writer, plain, 0));
	}
	assert_good(roost_writer_finish(&writing->writer));
	assert_true(memory->len == roost_chunk_object_size(KIT_HEADER_SIZE,
							   len));
	assert_good(kit_open(ring, memory->bytes, memory->len, &opened,
			     &opened_len));
	assert_int_equal(opened_len, len);
	assert_memory_equal(opened, plain, len);
	free(opened);
	writing_free(writing);
}

static void
test_pieces_of_any_size_give_the_same_plaintext(void **state)
{
	static const size_t sizes[] = { 0, 1, KIT_C - 1, KIT_C, KIT_C + 1,
		2 * KIT_C, 2 * KIT_C + 1 };
	struct kit_ring *ring = kit_ring_new(KIT_SLOT(ROOST_SLOT_PROVIDER));
	uint8_t *plain = kit_new(2 * KIT_C + 1);
	size_t i, round;

	(void)state;
	kit_fill(plain, 2 * KIT_C + 1);
	for (i = 0; i < KIT_COUNT(sizes); i++) {
		assert_pieces(ring, plain, sizes[i], piece_all);
		if (!kit_is_quick())
			assert_pieces(ring, plain, sizes[i], piece_byte);
		for (round = 0; round < 10; round++)
			assert_pieces(ring, plain, sizes[i], piece_random);
	}
	free(plain);
	free(ring);
}

static void
test_the_keys_it_saves_are_those_of_an_opening(void **state)
{
	struct kit_ring *ring = kit_ring_new(KIT_SLOT(ROOST_SLOT_PROVIDER));
	struct writing *writing = writing_begin(ring);
	uint8_t saved[ROOST_SAVED_KEYS_SIZE];
	struct roost_object obj = { .head = NULL };
	struct roost_source source;
	struct kit_bytes from = { .again = 0 };

	(void)state;
	assert_good(roost_writer_finish(&writing->writer));
	from.bytes = writing->memory.bytes;
	from.len = writing->memory.len;
	source = kit_source(&from);
	assert_good(roost_object_parse(&obj, &source));
	assert_good(roost_object_open(&obj, writing->writer.data_key));
	assert_good(roost_object_save_keys(&obj, saved));
	assert_memory_equal(saved, writing->writer.saved_keys, sizeof(saved));
	roost_object_close(&obj);
	writing_free(writing);
	free(ring);
}

static void
test_the_object_ends_with_its_digest(void **state)
{
	struct kit_ring *ring = kit_ring_new(KIT_SLOT(ROOST_SLOT_PROVIDER));
	uint8_t hash[32], *bytes;
	size_t len;

	(void)state;
	bytes = kit_seal(&ring->seal, (const uint8_t *)"hello", 5, &len,
			 NULL);
	assert_good(roost_prim_sha256(bytes, len - 32, hash));
	assert_memory_equal(bytes + len - 32, hash, 32);
	free(bytes);
	free(ring);
}

/* Object id, data key, enc and salt are all new each time. */
static void
test_sealing_twice_differs(void **state)
{
	static const struct {
		size_t off, len;
	} parts[] = {
		{ 32, 16 }, { 76, 32 }, { 108, 48 }, { 156, 24 }, { 180, 32 },
		{ 212, 16 }
	};
	struct kit_ring *ring = kit_ring_new(KIT_SLOT(ROOST_SLOT_PROVIDER));
	uint8_t plain[100] = { 0 }, key_a[32], key_b[32], *a, *b;
	size_t i, len;

	(void)state;
	a = kit_seal(&ring->seal, plain, sizeof(plain), &len, key_a);
	b = kit_seal(&ring->seal, plain, sizeof(plain), &len, key_b);
	assert_memory_not_equal(key_a, key_b, 32);
	for (i = 0; i < KIT_COUNT(parts); i++)
		assert_memory_not_equal(a + parts[i].off, b + parts[i].off,
					parts[i].len);
	assert_memory_equal(a + 16, b + 16, 16);
	free(a);
	free(b);
	free(ring);
}

static void
test_the_header_names_what_the_key_says(void **state)
{
	struct kit_ring *ring = kit_ring_new(KIT_SLOT(ROOST_SLOT_PROVIDER));
	struct roost_header hdr;
	uint8_t *bytes;
	size_t len;

	(void)state;
	bytes = kit_seal(&ring->seal, NULL, 0, &len, NULL);
	assert_good(roost_header_parse(bytes, len, &hdr));
	assert_true(hdr.flags == 0);
	assert_int_equal(hdr.stanza_count, 1);
	assert_memory_equal(hdr.keyring_id, ring->kr.id, ROOST_ID_SIZE);
	assert_memory_equal(hdr.stanzas[0].key_id, ring->open.key_id,
			    ROOST_KEY_ID_SIZE);
	assert_true(roost_header_is_claimed(bytes, len));
	free(bytes);
	free(ring);
}

/* A sink fails anywhere; that is told at once, and by every later call. */
static void
test_a_failed_write_sticks(void **state)
{
	struct kit_ring *ring = kit_ring_new(KIT_SLOT(ROOST_SLOT_PROVIDER));
	uint8_t plain[3 * KIT_C];
	size_t fail_at;

	(void)state;
	memset(plain, 'x', sizeof(plain));
	for (fail_at = 1; fail_at < sizeof(plain) + 400;
	     fail_at += 1 + kit_below(3000)) {
		struct writing *writing = writing_new();
		struct roost_writer *writer = &writing->writer;
		enum roost_err err;
		size_t len;

		writing->memory.fail_at = fail_at;
		err = roost_writer_begin(writer, &writing->sink, &ring->seal);
		if (err == ROOST_OK)
			err = roost_writer_write(writer, plain,
						 sizeof(plain));
		if (err == ROOST_OK)
			err = roost_writer_finish(writer);
		if (err == ROOST_OK) {
			assert_true(writing->memory.len <= fail_at);
			writing_free(writing);
			continue;
		}
		assert_gate(err, ROOST_ERR_IO);
		len = writing->memory.len;
		writing->memory.fail_at = 0;
		assert_gate(roost_writer_write(writer, plain, 10),
			    ROOST_ERR_IO);
		assert_gate(roost_writer_write(writer, plain, KIT_C),
			    ROOST_ERR_IO);
		assert_gate(roost_writer_finish(writer), ROOST_ERR_IO);
		assert_int_equal(writing->memory.len, len);
		/* What went out must be no object. */
		if (len > 0)
			assert_true(kit_gate(ring, writing->memory.bytes,
					     len) != ROOST_OK);
		writing_free(writing);
	}
	free(ring);
}

static void
test_finishing_twice_writes_once(void **state)
{
	struct kit_ring *ring = kit_ring_new(KIT_SLOT(ROOST_SLOT_PROVIDER));
	struct writing *writing = writing_begin(ring);

	(void)state;
	assert_good(roost_writer_write(&writing->writer, "abc", 3));
	assert_good(roost_writer_finish(&writing->writer));
	assert_int_equal(writing->memory.len, 263);
	assert_good(roost_writer_finish(&writing->writer));
	assert_int_equal(writing->memory.len, 263);
	assert_good(kit_gate(ring, writing->memory.bytes,
			     writing->memory.len));
	writing_free(writing);
	free(ring);
}

static void
test_an_unfinished_object_does_not_open(void **state)
{
	struct kit_ring *ring = kit_ring_new(KIT_SLOT(ROOST_SLOT_PROVIDER));
	struct writing *writing = writing_begin(ring);
	uint8_t plain[2 * KIT_C] = { 0 };

	(void)state;
	assert_gate(kit_gate(ring, writing->memory.bytes,
			     writing->memory.len), ROOST_ERR_LENGTH);
	assert_good(roost_writer_write(&writing->writer, plain,
				       sizeof(plain)));
	assert_true(kit_gate(ring, writing->memory.bytes,
			     writing->memory.len) != ROOST_OK);
	writing_free(writing);
	free(ring);
}

/* The last chunk that there can be is one that is not full. */
static void
test_there_are_at_most_2_to_the_32_chunks(void **state)
{
	struct kit_ring *ring = kit_ring_new(KIT_SLOT(ROOST_SLOT_PROVIDER));
	struct writing *writing = writing_begin(ring);
	uint8_t plain[KIT_C] = { 0 };

	(void)state;
	writing->writer.chunk_idx = ROOST_CHUNKS_MAX - 2;
	assert_good(roost_writer_write(&writing->writer, plain, KIT_C));
	assert_good(roost_writer_write(&writing->writer, plain, KIT_C - 1));
	assert_good(roost_writer_finish(&writing->writer));
	writing_free(writing);
	writing = writing_begin(ring);
	writing->writer.chunk_idx = ROOST_CHUNKS_MAX - 1;
	assert_gate(roost_writer_write(&writing->writer, plain, KIT_C),
		    ROOST_ERR_LIMIT);
	assert_gate(roost_writer_finish(&writing->writer), ROOST_ERR_LIMIT);
	writing_free(writing);
	free(ring);
}

static void
test_a_low_order_epoch_key_does_not_seal(void **state)
{
	struct kit_ring *ring = kit_ring_new(KIT_SLOT(ROOST_SLOT_PROVIDER));
	struct writing *writing = writing_new();

	(void)state;
	memset(ring->seal.public_key, 0, ROOST_KEY_SIZE);
	assert_gate(roost_writer_begin(&writing->writer, &writing->sink,
				       &ring->seal), ROOST_ERR_LOW_ORDER);
	assert_int_equal(writing->memory.len, 0);
	assert_gate(roost_writer_finish(&writing->writer),
		    ROOST_ERR_LOW_ORDER);
	assert_int_equal(writing->memory.len, 0);
	writing_free(writing);
	free(ring);
}

static void
test_a_closed_writer_is_all_zero(void **state)
{
	struct kit_ring *ring = kit_ring_new(KIT_SLOT(ROOST_SLOT_PROVIDER));
	struct writing *writing = writing_begin(ring);

	(void)state;
	assert_good(roost_writer_write(&writing->writer, "secret", 6));
	assert_non_null(memmem(writing->writer.chunks->plain, 6, "secret", 6));
	roost_writer_close(&writing->writer);
	assert_zero(&writing->writer, sizeof(writing->writer));
	roost_writer_close(&writing->writer);
	writing_free(writing);
	free(ring);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_pieces_of_any_size_give_the_same_plaintext),
		cmocka_unit_test(
			test_the_keys_it_saves_are_those_of_an_opening),
		cmocka_unit_test(test_the_object_ends_with_its_digest),
		cmocka_unit_test(test_sealing_twice_differs),
		cmocka_unit_test(test_the_header_names_what_the_key_says),
		cmocka_unit_test(test_a_failed_write_sticks),
		cmocka_unit_test(test_finishing_twice_writes_once),
		cmocka_unit_test(test_an_unfinished_object_does_not_open),
		cmocka_unit_test(test_there_are_at_most_2_to_the_32_chunks),
		cmocka_unit_test(test_a_low_order_epoch_key_does_not_seal),
		cmocka_unit_test(test_a_closed_writer_is_all_zero),
	};

	return cmocka_run_group_tests_name("writer", tests, kit_setup,
					   kit_teardown);
}
