/* SPDX-License-Identifier: MIT */
/*
 * object: what was sealed comes back however it is read, and
 * anything else dies at the gate of the place that was changed.
 */
#define _GNU_SOURCE	/* memmem */
#include "kit.h"

#include "roost/bytes.h"

#include <stdlib.h>
#include <string.h>

/* This is the core's own file, built so that what it frees is examined
   first. */
static struct {
	const void *bytes;
	size_t len;
	bool is_freed;
} secret;

static void
free_watched(void *bytes)
{
	if (bytes != NULL && bytes == secret.bytes) {
		assert_zero(bytes, secret.len);
		secret.is_freed = true;
	}
	free(bytes);
}

#define free free_watched
#include "core/object.c"
#undef free

static const size_t sizes[] = {
	0, 1, 77, KIT_C - 1, KIT_C, KIT_C + 1, 2 * KIT_C, 2 * KIT_C + 1
};

struct sealed {
	struct kit_ring *ring;
	uint8_t *plain, *bytes;
	size_t plain_len, len;
	uint8_t data_key[ROOST_KEY_SIZE];
};

static void
sealed_init(struct sealed *sealed, size_t plain_len)
{
	sealed->ring = kit_ring_new(KIT_SLOT(ROOST_SLOT_PROVIDER));
	sealed->plain = kit_new(plain_len);
	sealed->plain_len = plain_len;
	kit_fill(sealed->plain, plain_len);
	sealed->bytes = kit_seal(&sealed->ring->seal, sealed->plain, plain_len,
				 &sealed->len, sealed->data_key);
}

static void
sealed_free(struct sealed *sealed)
{
	free(sealed->ring);
	free(sealed->plain);
	free(sealed->bytes);
}

/* An object that is read from memory. */
struct reading {
	struct kit_bytes from;
	struct roost_source source;
	struct roost_object obj;
};

static struct reading *
reading_new(const struct sealed *sealed)
{
	struct reading *reading = kit_new(sizeof(*reading));

	memset(reading, 0, sizeof(*reading));
	reading->from.bytes = sealed->bytes;
	reading->from.len = sealed->len;
	reading->source = kit_source(&reading->from);
	return reading;
}

static struct reading *
reading_open(const struct sealed *sealed)
{
	struct reading *reading = reading_new(sealed);

	assert_good(roost_object_parse(&reading->obj, &reading->source));
	assert_good(roost_object_open(&reading->obj, sealed->data_key));
	return reading;
}

static void
reading_free(struct reading *reading)
{
	roost_object_close(&reading->obj);
	free(reading);
}

static void
test_what_was_sealed_opens(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(sizes); i++) {
		struct sealed sealed;
		uint8_t *plain;
		size_t len;

		sealed_init(&sealed, sizes[i]);
		assert_true(sealed.len == roost_chunk_object_size(
				KIT_HEADER_SIZE, sizes[i]));
		assert_good(kit_open(sealed.ring, sealed.bytes, sealed.len,
				     &plain, &len));
		assert_int_equal(len, sizes[i]);
		assert_memory_equal(plain, sealed.plain, len);
		free(plain);
		assert_good(kit_open_known(sealed.data_key, sealed.bytes,
					   sealed.len, &plain, &len));
		assert_int_equal(len, sizes[i]);
		assert_memory_equal(plain, sealed.plain, len);
		free(plain);
		sealed_free(&sealed);
	}
}

static void
test_no_plaintext_stands_in_the_object(void **state)
{
	struct sealed sealed;
	size_t i;

	(void)state;
	sealed_init(&sealed, KIT_C + 100);
	for (i = 0; i + 16 < sealed.plain_len; i += 16)
		assert_null(memmem(sealed.bytes, sealed.len,
				   sealed.plain + i, 12));
	assert_null(memmem(sealed.bytes, sealed.len, sealed.data_key, 16));
	assert_null(memmem(sealed.bytes, sealed.len, sealed.ring->open.psk,
			   16));
	sealed_free(&sealed);
}

/* Random places are compared with the flat plaintext. */
static void
test_any_seek_yields_what_a_flat_file_would(void **state)
{
	size_t i, round;

	(void)state;
	for (i = 0; i < KIT_COUNT(sizes); i++) {
		struct sealed sealed;
		struct reading *reading;

		sealed_init(&sealed, sizes[i]);
		reading = reading_open(&sealed);
		assert_true(reading->obj.body.plain_size == sizes[i]);
		for (round = 0; round < (kit_is_quick() ? 30 : 300);
		     round++) {
			size_t off = kit_below(sizes[i] + 20), len;
			size_t within = off % KIT_C, left;
			const uint8_t *plain;

			assert_good(roost_object_read(&reading->obj, off,
						      &plain, &len));
			if (off >= sizes[i]) {
				assert_int_equal(len, 0);
				continue;
			}
			left = sizes[i] - off;
			assert_int_equal(len, left < KIT_C - within ? left :
					 KIT_C - within);
			assert_memory_equal(plain, sealed.plain + off, len);
		}
		reading_free(reading);
		sealed_free(&sealed);
	}
}

static void
test_the_end_is_nothing_and_no_error(void **state)
{
	struct sealed sealed;
	struct reading *reading;
	const uint8_t *plain;
	size_t len = 7;

	(void)state;
	sealed_init(&sealed, KIT_C);
	reading = reading_open(&sealed);
	assert_good(roost_object_read(&reading->obj, KIT_C, &plain, &len));
	assert_int_equal(len, 0);
	len = 7;
	assert_good(roost_object_read(&reading->obj, UINT64_MAX, &plain,
				      &len));
	assert_int_equal(len, 0);
	reading_free(reading);
	sealed_free(&sealed);
}

/* One chunk is opened once, however small the reader's steps are. */
static void
test_reading_on_in_one_chunk_reads_the_source_once(void **state)
{
	struct sealed sealed;
	struct reading *reading;
	const uint8_t *plain;
	size_t off, len;
	uint64_t reads;

	(void)state;
	sealed_init(&sealed, KIT_C + 5000);
	reading = reading_open(&sealed);
	reads = reading->from.reads;
	for (off = 0; off < sealed.plain_len; off++) {
		assert_good(roost_object_read(&reading->obj, off, &plain,
					      &len));
		assert_int_equal(*plain, sealed.plain[off]);
	}
	/* The final chunk was read at opening, and stays. */
	assert_true(reading->from.reads == reads + 1);
	reading_free(reading);
	sealed_free(&sealed);
}

/* Opening again must believe nothing that was read before. */
static void
test_opening_again_forgets_every_chunk(void **state)
{
	struct sealed sealed;
	struct reading *reading;
	const uint8_t *plain;
	size_t idx, len;

	(void)state;
	for (idx = 0; idx < 3; idx++) {
		enum roost_err err;

		sealed_init(&sealed, 2 * KIT_C + 50);
		reading = reading_open(&sealed);
		assert_good(roost_object_read(&reading->obj, idx * KIT_C,
					      &plain, &len));
		sealed.bytes[KIT_BODY_OFF + idx *
			     ROOST_CHUNK_SEALED_SIZE + 20] ^= 1;
		err = roost_object_open(&reading->obj, sealed.data_key);
		if (err == ROOST_OK)
			err = roost_object_read(&reading->obj, idx * KIT_C,
						&plain, &len);
		assert_gate(err, idx == 2 ? ROOST_ERR_FINAL_CHUNK :
			    ROOST_ERR_CHUNK);
		reading_free(reading);
		sealed_free(&sealed);
	}
}

static void
test_a_source_that_says_again_does_no_harm(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(sizes); i++) {
		struct sealed sealed;
		struct reading *reading;
		const uint8_t *plain = NULL;
		uint64_t plain_off = 0;
		size_t len = 0, agains = 0;
		enum roost_err err;

		sealed_init(&sealed, sizes[i]);
		reading = reading_new(&sealed);
		/* The header comes at once, because its two reads are one
		   step. */
		assert_good(roost_object_parse(&reading->obj,
					       &reading->source));
		do {
			/* Each step needs two reads at most; every other time
			   the first read of a place fails. */
			reading->from.again = agains % 2 == 0;
			err = roost_object_open(&reading->obj,
						sealed.data_key);
			if (err == ROOST_ERR_AGAIN) {
				assert_false(reading->obj.is_open);
				assert_gate(roost_object_read(&reading->obj,
					0, &plain, &len), ROOST_ERR_LOCKED);
			}
		} while (err == ROOST_ERR_AGAIN && ++agains < 100);
		assert_good(err);
		assert_true(agains > 0);
		reading->from.again = 2;
		agains = 0;
		for (;;) {
			err = roost_object_read(&reading->obj, plain_off,
						&plain, &len);
			if (err == ROOST_ERR_AGAIN) {
				assert_null(plain);
				assert_int_equal(len, 0);
				assert_true(++agains < 100);
				continue;
			}
			assert_good(err);
			if (len == 0)
				break;
			assert_memory_equal(plain, sealed.plain + plain_off,
					    len);
			plain_off += len;
		}
		assert_true(plain_off == sizes[i]);
		reading_free(reading);
		sealed_free(&sealed);
	}
}

static void
test_parsing_may_be_tried_again(void **state)
{
	struct sealed sealed;
	struct reading *reading;
	int tries = 0;
	enum roost_err err;

	(void)state;
	sealed_init(&sealed, 5);
	reading = reading_new(&sealed);
	reading->from.again = 1;
	do {
		err = roost_object_parse(&reading->obj, &reading->source);
		reading->from.again = tries % 2 == 0 ? 0 : 1;
	} while (err == ROOST_ERR_AGAIN && ++tries < 10);
	assert_good(err);
	assert_true(tries > 0);
	reading->from.again = 0;
	assert_good(roost_object_open(&reading->obj, sealed.data_key));
	reading_free(reading);
	sealed_free(&sealed);
}

/* If a chunk could not be read, what was there before must not be served. */
static void
test_a_failed_read_is_told_and_may_be_tried_again(void **state)
{
	struct sealed sealed;
	struct reading *reading;
	const uint8_t *plain;
	size_t len;

	(void)state;
	sealed_init(&sealed, 2 * KIT_C + 1);
	reading = reading_open(&sealed);
	assert_good(roost_object_read(&reading->obj, 0, &plain, &len));
	reading->from.is_failing = true;
	assert_gate(roost_object_read(&reading->obj, KIT_C, &plain, &len),
		    ROOST_ERR_IO);
	assert_null(plain);
	assert_int_equal(len, 0);
	assert_gate(roost_object_read(&reading->obj, 0, &plain, &len),
		    ROOST_ERR_IO);
	reading->from.is_failing = false;
	assert_good(roost_object_read(&reading->obj, KIT_C, &plain, &len));
	assert_memory_equal(plain, sealed.plain + KIT_C, KIT_C);
	assert_good(roost_object_read(&reading->obj, 0, &plain, &len));
	assert_memory_equal(plain, sealed.plain, KIT_C);
	reading_free(reading);
	reading = reading_new(&sealed);
	reading->from.is_failing = true;
	assert_gate(roost_object_parse(&reading->obj, &reading->source),
		    ROOST_ERR_IO);
	reading_free(reading);
	sealed_free(&sealed);
}

/* Returns the gate at which an object with one stanza dies by a changed bit. */
static enum roost_err
gate_of(const uint8_t *bytes, size_t off, size_t len, bool is_known)
{
	size_t table_len = roost_be16_get(bytes + 10);

	if (off < 8)
		return ROOST_ERR_MAGIC;
	if (off == 8)
		return ROOST_ERR_VERSION;
	if (off == 9)
		return ROOST_ERR_SUITE;
	if (off < 12)
		return table_len <= ROOST_STANZAS_SIZE_MAX &&
			64 + table_len > len ? ROOST_ERR_HEADER_SHORT :
			ROOST_ERR_STANZA_TABLE;
	if (off == 14 || off == 15)
		return ROOST_ERR_FLAG;
	if (off == 48)
		return bytes[48] == 0 || bytes[48] > 8 ?
			ROOST_ERR_STANZA_COUNT : ROOST_ERR_STANZA_TABLE;
	if (off >= 49 && off < 64)
		return ROOST_ERR_RESERVED;
	if ((off == 64 && bytes[64] == 0) || off == 65)
		return ROOST_ERR_STANZA_TYPE;
	if (off == 66 || off == 67)
		return ROOST_ERR_STANZA_TABLE;
	/* With the data key at hand no stanza is opened, and yet the whole
	   header is bound. */
	if (off >= KIT_HEADER_SIZE || is_known)
		return ROOST_ERR_COMMITMENT;
	if (off >= 16 && off < 32)
		return ROOST_ERR_OTHER_KEYRING;
	if (off == 64 || (off >= 68 && off < 76))
		return ROOST_ERR_NO_KEY;
	return ROOST_ERR_STANZA_AUTH;
}

static enum roost_err
gate_of_body(const struct sealed *sealed, size_t off)
{
	if (off >= sealed->len - ROOST_DIGEST_SIZE)
		return ROOST_OK;
	return (off - KIT_BODY_OFF) / ROOST_CHUNK_SEALED_SIZE ==
		sealed->plain_len / KIT_C ? ROOST_ERR_FINAL_CHUNK :
		ROOST_ERR_CHUNK;
}

static void
assert_flip_dies(struct sealed *sealed, size_t bit)
{
	size_t off = bit / 8, len;
	enum roost_err right;
	uint8_t *plain;
	enum roost_err err;
	int is_known;

	sealed->bytes[off] ^= (uint8_t)(1 << bit % 8);
	for (is_known = 0; is_known < 2; is_known++) {
		right = off < KIT_BODY_OFF ?
			gate_of(sealed->bytes, off, sealed->len,
				is_known != 0) : gate_of_body(sealed, off);
		err = is_known ? kit_open_known(sealed->data_key,
				sealed->bytes, sealed->len, &plain, &len) :
			kit_open(sealed->ring, sealed->bytes, sealed->len,
				 &plain, &len);
		if (err != right)
			print_error("byte %zu, bit %zu\n", off, bit % 8);
		assert_gate(err, right);
		if (err != ROOST_OK)
			assert_null(plain);
		else
			assert_memory_equal(plain, sealed->plain, len);
		free(plain);
	}
	sealed->bytes[off] ^= (uint8_t)(1 << bit % 8);
}

static void
test_every_flipped_bit_of_a_small_object_dies(void **state)
{
	static const size_t small[] = { 0, 1, 40 };
	size_t i, bit;

	(void)state;
	for (i = 0; i < KIT_COUNT(small); i++) {
		struct sealed sealed;

		sealed_init(&sealed, small[i]);
		for (bit = 0; bit < 8 * sealed.len;
		     bit += kit_is_quick() ? 1 + kit_below(20) : 1)
			assert_flip_dies(&sealed, bit);
		sealed_free(&sealed);
	}
}

static void
test_flipped_bits_of_every_chunk_die(void **state)
{
	struct sealed sealed;
	size_t i, bit, rounds = kit_is_quick() ? 20 : 400;

	(void)state;
	sealed_init(&sealed, 2 * KIT_C + 100);
	for (i = 0; i < rounds; i++) {
		bit = kit_below(8 * (sealed.len - KIT_BODY_OFF));
		assert_flip_dies(&sealed, 8 * KIT_BODY_OFF + bit);
	}
	for (i = 1; i <= 2; i++) {
		size_t edge = KIT_BODY_OFF + i * ROOST_CHUNK_SEALED_SIZE;

		assert_flip_dies(&sealed, 8 * edge);
		assert_flip_dies(&sealed, 8 * edge - 1);
		assert_flip_dies(&sealed, 8 * (edge - ROOST_TAG_SIZE));
	}
	sealed_free(&sealed);
}

/* Returns the gate of a cut or extended object, from its length alone. */
static enum roost_err
gate_of_length(size_t len)
{
	size_t rest = len - KIT_BODY_OFF - ROOST_DIGEST_SIZE;

	if (len < KIT_HEADER_SIZE)
		return ROOST_ERR_HEADER_SHORT;
	if (len < KIT_BODY_OFF)
		return ROOST_ERR_PROLOGUE_SHORT;
	if (len < KIT_BODY_OFF + ROOST_DIGEST_SIZE + ROOST_TAG_SIZE ||
	    rest % ROOST_CHUNK_SEALED_SIZE < ROOST_TAG_SIZE)
		return ROOST_ERR_LENGTH;
	return ROOST_ERR_FINAL_CHUNK;
}

static void
test_every_prefix_dies(void **state)
{
	static const size_t plain_sizes[] = { 0, 1, 40, KIT_C, KIT_C + 1 };
	size_t i, len;

	(void)state;
	for (i = 0; i < KIT_COUNT(plain_sizes); i++) {
		struct sealed sealed;

		sealed_init(&sealed, plain_sizes[i]);
		for (len = 0; len < sealed.len;
		     len += len < 400 && !kit_is_quick() ? 1 :
		     1 + kit_below(60)) {
			uint8_t *cut = kit_copy(sealed.bytes, len);

			assert_gate(kit_gate(sealed.ring, cut, len),
				    gate_of_length(len));
			kit_repair_digest(cut, len < KIT_BODY_OFF + 32 ? 0 :
					  len);
			assert_gate(kit_gate(sealed.ring, cut, len),
				    gate_of_length(len));
			free(cut);
		}
		sealed_free(&sealed);
	}
}

static void
test_any_extension_dies(void **state)
{
	static const size_t more[] = { 1, 2, 15, 16, 17, 31, 32, 33, 48, 100,
		16383, 16384, 16399, 16400, 16401, 16416, 32800, 32816 };
	static const size_t plain_sizes[] = { 0, 1, 40, KIT_C };
	size_t i, j;

	(void)state;
	for (i = 0; i < KIT_COUNT(plain_sizes); i++) {
		struct sealed sealed;

		sealed_init(&sealed, plain_sizes[i]);
		for (j = 0; j < KIT_COUNT(more); j++) {
			size_t len = sealed.len + more[j];
			uint8_t *longer = kit_new(len);

			kit_fill(longer, len);
			memcpy(longer, sealed.bytes, sealed.len);
			assert_gate(kit_gate(sealed.ring, longer, len),
				    gate_of_length(len));
			kit_repair_digest(longer, len);
			assert_gate(kit_gate(sealed.ring, longer, len),
				    gate_of_length(len));
			free(longer);
		}
		sealed_free(&sealed);
	}
}

/* A whole chunk is taken out of the middle or doubled, or two of them are
   swapped. */
static void
test_chunks_cannot_be_moved(void **state)
{
	size_t chunk = ROOST_CHUNK_SEALED_SIZE;
	struct sealed sealed;
	uint8_t *moved, *first, *second;

	(void)state;
	sealed_init(&sealed, 3 * KIT_C + 9);
	moved = kit_copy(sealed.bytes, sealed.len);
	first = moved + KIT_BODY_OFF;
	second = first + chunk;
	memcpy(first, sealed.bytes + KIT_BODY_OFF + chunk, chunk);
	memcpy(second, sealed.bytes + KIT_BODY_OFF, chunk);
	assert_gate(kit_gate(sealed.ring, moved, sealed.len),
		    ROOST_ERR_CHUNK);
	memcpy(first, sealed.bytes + KIT_BODY_OFF, chunk);
	assert_gate(kit_gate(sealed.ring, moved, sealed.len),
		    ROOST_ERR_CHUNK);
	memcpy(second, sealed.bytes + KIT_BODY_OFF + chunk, chunk);
	assert_good(kit_gate(sealed.ring, moved, sealed.len));
	memmove(second, second + chunk, sealed.len - KIT_BODY_OFF - 2 * chunk);
	assert_gate(kit_gate(sealed.ring, moved, sealed.len - chunk),
		    ROOST_ERR_FINAL_CHUNK);
	free(moved);
	sealed_free(&sealed);
}

/* Parts of a second object of the same keyring are put in at every border. */
static void
test_two_objects_cannot_be_joined(void **state)
{
	static const size_t borders[] = { 16, 32, 48, 64, 76, 108,
		KIT_HEADER_SIZE, KIT_HEADER_SIZE + 24, KIT_BODY_OFF,
		KIT_BODY_OFF + 20 };
	struct sealed one;
	uint8_t *two, *mixed;
	size_t len, i, from, to;

	(void)state;
	sealed_init(&one, 50);
	two = kit_seal(&one.ring->seal, one.plain, 50, &len, NULL);
	assert_int_equal(len, one.len);
	for (from = 0; from < KIT_COUNT(borders); from++) {
		for (to = from + 1; to < KIT_COUNT(borders); to++) {
			mixed = kit_copy(one.bytes, len);
			memcpy(mixed + borders[from], two + borders[from],
			       borders[to] - borders[from]);
			/* The keyring id and what surrounds the header's ids
			   are the same in both. */
			if (memcmp(mixed, one.bytes, len - 32) == 0 ||
			    memcmp(mixed, two, len - 32) == 0)
				assert_good(kit_gate(one.ring, mixed, len));
			else
				assert_true(kit_gate(one.ring, mixed, len) !=
					    ROOST_OK);
			free(mixed);
		}
	}
	for (i = 0; i < KIT_COUNT(borders); i++) {
		mixed = kit_copy(one.bytes, len);
		memcpy(mixed + borders[i], two + borders[i], len - borders[i]);
		assert_true((kit_gate(one.ring, mixed, len) == ROOST_OK) ==
			    (borders[i] <= 32));
		free(mixed);
	}
	free(two);
	sealed_free(&one);
}

static void
test_another_keyring_does_not_open_it(void **state)
{
	struct sealed sealed;
	struct kit_ring *other;
	uint8_t data_key[ROOST_KEY_SIZE], *plain;
	size_t len;

	(void)state;
	sealed_init(&sealed, 9);
	other = kit_ring_new(KIT_SLOT(ROOST_SLOT_PROVIDER));
	assert_gate(kit_gate(other, sealed.bytes, sealed.len),
		    ROOST_ERR_OTHER_KEYRING);
	memcpy(other->kr.id, sealed.ring->kr.id, ROOST_ID_SIZE);
	assert_gate(kit_gate(other, sealed.bytes, sealed.len),
		    ROOST_ERR_NO_KEY);
	memcpy(other->open.key_id, sealed.ring->open.key_id,
	       ROOST_KEY_ID_SIZE);
	assert_gate(kit_gate(other, sealed.bytes, sealed.len),
		    ROOST_ERR_STANZA_AUTH);
	kit_fill(data_key, sizeof(data_key));
	assert_gate(kit_open_known(data_key, sealed.bytes, sealed.len,
				   &plain, &len), ROOST_ERR_COMMITMENT);
	free(other);
	sealed_free(&sealed);
}

/* What verified may still be read after another chunk did not. */
static void
test_nothing_of_a_bad_chunk_is_seen(void **state)
{
	struct sealed sealed;
	struct reading *reading;
	const uint8_t *plain;
	size_t len;

	(void)state;
	sealed_init(&sealed, 2 * KIT_C + 30);
	sealed.bytes[KIT_BODY_OFF + ROOST_CHUNK_SEALED_SIZE + 5000] ^= 1;
	reading = reading_open(&sealed);
	assert_good(roost_object_read(&reading->obj, 100, &plain, &len));
	assert_memory_equal(plain, sealed.plain + 100, len);
	assert_gate(roost_object_read(&reading->obj, KIT_C + 7, &plain, &len),
		    ROOST_ERR_CHUNK);
	assert_null(plain);
	assert_int_equal(len, 0);
	assert_zero(reading->obj.chunk.bytes, KIT_C);
	assert_gate(roost_object_read(&reading->obj, KIT_C, &plain, &len),
		    ROOST_ERR_CHUNK);
	assert_good(roost_object_read(&reading->obj, 2 * KIT_C, &plain,
				      &len));
	assert_memory_equal(plain, sealed.plain + 2 * KIT_C, 30);
	assert_good(roost_object_read(&reading->obj, 0, &plain, &len));
	assert_memory_equal(plain, sealed.plain, KIT_C);
	reading_free(reading);
	sealed_free(&sealed);
}

static void
test_nothing_is_read_before_the_final_chunk_opened(void **state)
{
	struct sealed sealed;
	struct reading *reading;
	const uint8_t *plain;
	size_t len;

	(void)state;
	sealed_init(&sealed, KIT_C + 30);
	sealed.bytes[sealed.len - 40] ^= 1;
	reading = reading_new(&sealed);
	assert_good(roost_object_parse(&reading->obj, &reading->source));
	assert_gate(roost_object_read(&reading->obj, 0, &plain, &len),
		    ROOST_ERR_LOCKED);
	assert_gate(roost_object_open(&reading->obj, sealed.data_key),
		    ROOST_ERR_FINAL_CHUNK);
	assert_gate(roost_object_read(&reading->obj, 0, &plain, &len),
		    ROOST_ERR_LOCKED);
	assert_null(plain);
	assert_int_equal(len, 0);
	assert_zero(reading->obj.final.bytes, 30);
	assert_zero(&reading->obj.keys, sizeof(reading->obj.keys));
	sealed.bytes[sealed.len - 40] ^= 1;
	/* The same object is opened again after the failure. */
	assert_good(roost_object_open(&reading->obj, sealed.data_key));
	/* It is opened once more after the final chunk was changed on disk. */
	sealed.bytes[sealed.len - 40] ^= 1;
	assert_gate(roost_object_open(&reading->obj, sealed.data_key),
		    ROOST_ERR_FINAL_CHUNK);
	sealed.bytes[sealed.len - 40] ^= 1;
	sealed.data_key[0] ^= 1;
	assert_gate(roost_object_open(&reading->obj, sealed.data_key),
		    ROOST_ERR_COMMITMENT);
	assert_gate(roost_object_read(&reading->obj, 0, &plain, &len),
		    ROOST_ERR_LOCKED);
	reading_free(reading);
	sealed_free(&sealed);
}

/* -- saved keys -- */

static void
save_keys(const struct sealed *sealed, uint8_t saved_r[ROOST_SAVED_KEYS_SIZE])
{
	struct reading *reading = reading_open(sealed);

	assert_good(roost_object_save_keys(&reading->obj, saved_r));
	reading_free(reading);
}

/* Returns the gate of opening with saved keys alone; if it is good, all of the
   plaintext must come. */
static enum roost_err
open_saved(const struct sealed *sealed,
	   const uint8_t saved[ROOST_SAVED_KEYS_SIZE])
{
	struct reading *reading = reading_new(sealed);
	enum roost_err err;
	const uint8_t *plain;
	size_t off = 0, len;

	err = roost_object_parse(&reading->obj, &reading->source);
	if (err == ROOST_OK)
		err = roost_object_open_saved(&reading->obj, saved);
	while (err == ROOST_OK && off < sealed->plain_len) {
		err = roost_object_read(&reading->obj, off, &plain, &len);
		if (err == ROOST_OK)
			assert_memory_equal(plain, sealed->plain + off, len);
		off += len;
	}
	if (err == ROOST_ERR_COMMITMENT)
		assert_zero(&reading->obj.keys, sizeof(reading->obj.keys));
	reading_free(reading);
	return err;
}

static void
test_saved_keys_open_the_object_they_were_saved_of(void **state)
{
	uint8_t saved[ROOST_SAVED_KEYS_SIZE], again[ROOST_SAVED_KEYS_SIZE];
	struct sealed sealed, other;
	size_t i;

	(void)state;
	sealed_init(&other, 5);
	save_keys(&other, again);
	for (i = 0; i < KIT_COUNT(sizes); i++) {
		sealed_init(&sealed, sizes[i]);
		save_keys(&sealed, saved);
		assert_good(open_saved(&sealed, saved));
		assert_gate(open_saved(&sealed, again), ROOST_ERR_COMMITMENT);
		assert_gate(open_saved(&other, saved), ROOST_ERR_COMMITMENT);
		sealed_free(&sealed);
	}
	sealed_free(&other);
}

/* Make saved keys as FORMAT.md 12.17 says, by the primitives alone. */
static void
test_saved_keys_are_those_of_the_format(void **state)
{
	size_t head_len = KIT_HEADER_SIZE + ROOST_PROLOGUE_SIZE;
	uint8_t saved[ROOST_SAVED_KEYS_SIZE], hash[ROOST_SHA256_SIZE];
	uint8_t plain[8] = { 0 };
	struct roost_aead *aead;
	struct sealed sealed;

	(void)state;
	sealed_init(&sealed, 5);
	save_keys(&sealed, saved);
	aead = roost_prim_aead_new(saved);
	assert_non_null(aead);
	assert_good(roost_prim_aead_open(aead, saved + 32, NULL, 0,
					 sealed.bytes + head_len, 5 + 16,
					 plain));
	assert_memory_equal(plain, sealed.plain, 5);
	assert_good(roost_prim_sha256(sealed.bytes, head_len, hash));
	assert_memory_equal(saved + 44, hash, 32);
	roost_prim_aead_free(&aead);
	sealed_free(&sealed);
}

/* Whatever changes before the chunks, the keys were not saved for that. */
static void
test_saved_keys_are_of_no_other_header(void **state)
{
	size_t bits = 8 * (KIT_HEADER_SIZE + ROOST_PROLOGUE_SIZE), bit;
	uint8_t saved[ROOST_SAVED_KEYS_SIZE];
	struct sealed sealed;
	enum roost_err err;
	unsigned int parsed = 0;

	(void)state;
	sealed_init(&sealed, 5);
	save_keys(&sealed, saved);
	for (bit = 0; bit < bits; bit++) {
		sealed.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		err = open_saved(&sealed, saved);
		assert_true(err != ROOST_OK);
		if (err == ROOST_ERR_COMMITMENT)
			parsed++;
		sealed.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	/* These are both ids, the stanza's key id and body, and the
	   prologue. */
	assert_true(parsed >= 8 * (32 + 88 + ROOST_PROLOGUE_SIZE));
	assert_good(open_saved(&sealed, saved));
	sealed_free(&sealed);
}

static void
test_saved_keys_that_were_changed_open_nothing(void **state)
{
	uint8_t saved[ROOST_SAVED_KEYS_SIZE];
	struct sealed sealed;
	size_t bit;

	(void)state;
	sealed_init(&sealed, KIT_C + 1);
	save_keys(&sealed, saved);
	for (bit = 0; bit < 8 * sizeof(saved); bit++) {
		saved[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_gate(open_saved(&sealed, saved), bit < 8 * 44 ?
			    ROOST_ERR_FINAL_CHUNK : ROOST_ERR_COMMITMENT);
		saved[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	sealed_free(&sealed);
}

/* -- reading ahead -- */

static void
test_a_chunk_is_opened_where_the_caller_wants_it(void **state)
{
	uint8_t *dst = kit_new(ROOST_CHUNK_SEALED_SIZE);
	struct sealed sealed;
	struct reading *reading;
	struct roost_object *obj;
	const uint8_t *plain;
	size_t len, idx;

	(void)state;
	sealed_init(&sealed, 3 * KIT_C + 9);
	reading = reading_new(&sealed);
	obj = &reading->obj;
	assert_good(roost_object_parse(obj, &reading->source));
	assert_false(roost_object_is_ahead(obj, 0));
	assert_good(roost_object_open(obj, sealed.data_key));
	for (idx = 0; idx < 3; idx++) {
		assert_true(roost_object_is_ahead(obj, idx * KIT_C));
		assert_false(roost_object_is_ahead(obj, idx * KIT_C + 1));
		assert_good(roost_object_read_ahead(obj, idx * KIT_C, dst));
		assert_memory_equal(dst, sealed.plain + idx * KIT_C, KIT_C);
	}
	/* The last chunk is in memory, and so is what was read in the other
	   way. */
	assert_false(roost_object_is_ahead(obj, 3 * KIT_C));
	assert_false(roost_object_is_ahead(obj, 4 * KIT_C));
	assert_false(roost_object_is_ahead(obj, UINT64_MAX - KIT_C + 1));
	assert_good(roost_object_read(obj, KIT_C + 5, &plain, &len));
	assert_false(roost_object_is_ahead(obj, KIT_C));
	assert_true(roost_object_is_ahead(obj, 0));
	reading_free(reading);
	sealed_free(&sealed);
	free(dst);
}

static void
test_nothing_is_left_of_a_chunk_that_does_not_open(void **state)
{
	uint8_t *dst = kit_new(ROOST_CHUNK_SEALED_SIZE);
	struct sealed sealed;
	struct reading *reading;
	size_t at;

	(void)state;
	sealed_init(&sealed, 2 * KIT_C);
	reading = reading_open(&sealed);
	at = (size_t)roost_chunk_off(&reading->obj.body, 1);
	sealed.bytes[at + kit_below(ROOST_CHUNK_SEALED_SIZE)] ^= 0x10;
	assert_gate(roost_object_read_ahead(&reading->obj, KIT_C, dst),
		    ROOST_ERR_CHUNK);
	assert_zero(dst, KIT_C);
	assert_good(roost_object_read_ahead(&reading->obj, 0, dst));
	assert_memory_equal(dst, sealed.plain, KIT_C);
	reading_free(reading);
	sealed_free(&sealed);
	free(dst);
}

/* -- taking the only chunk -- */

static void
test_the_only_chunk_can_be_taken(void **state)
{
	static const size_t lens[] = { 0, 1, KIT_C - 1 };
	struct sealed sealed;
	struct reading *reading;
	const uint8_t *plain;
	uint8_t *taken, *again;
	size_t i, len;

	(void)state;
	for (i = 0; i < 3; i++) {
		sealed_init(&sealed, lens[i]);
		reading = reading_open(&sealed);
		assert_true(roost_object_take_only(&reading->obj, &taken,
						   &len));
		assert_int_equal(len, lens[i]);
		assert_memory_equal(taken, sealed.plain, len);
		/* The memory is gone, and what is read then is in another
		   one. */
		assert_false(roost_object_take_only(&reading->obj, &again,
						    &len));
		assert_null(again);
		assert_int_equal(len, 0);
		assert_good(roost_object_read(&reading->obj, 0, &plain, &len));
		assert_int_equal(len, lens[i]);
		assert_true(len == 0 || plain != taken);
		assert_memory_equal(taken, sealed.plain, len);
		reading_free(reading);
		sealed_free(&sealed);
		free(taken);
	}
}

static void
test_nothing_is_taken_of_several_chunks_or_too_early(void **state)
{
	const uint8_t *plain;
	uint8_t *taken;
	struct sealed sealed;
	struct reading *reading;
	size_t len;

	(void)state;
	sealed_init(&sealed, KIT_C);
	reading = reading_open(&sealed);
	assert_good(roost_object_read(&reading->obj, 0, &plain, &len));
	assert_false(roost_object_take_only(&reading->obj, &taken, &len));
	assert_null(taken);
	assert_int_equal(len, 0);
	reading_free(reading);
	sealed_free(&sealed);
	sealed_init(&sealed, 100);
	reading = reading_new(&sealed);
	assert_false(roost_object_take_only(&reading->obj, &taken, &len));
	assert_good(roost_object_parse(&reading->obj, &reading->source));
	assert_false(roost_object_take_only(&reading->obj, &taken, &len));
	sealed.data_key[0] ^= 1;
	assert_gate(roost_object_open(&reading->obj, sealed.data_key),
		    ROOST_ERR_COMMITMENT);
	assert_false(roost_object_take_only(&reading->obj, &taken, &len));
	reading_free(reading);
	sealed_free(&sealed);
}

static void
assert_wiped(struct roost_object *obj, const struct roost_chunk_buffer *buffer,
	     size_t len)
{
	secret.bytes = buffer->bytes;
	secret.len = len;
	secret.is_freed = false;
	assert_non_null(memchr(buffer->bytes, 'x', len));
	roost_object_close(obj);
	assert_true(secret.is_freed);
	secret.bytes = NULL;
}

static void
test_the_plaintext_of_a_closed_object_is_wiped(void **state)
{
	static const size_t lens[] = { 100, KIT_C - 1, KIT_C + 30 };
	struct sealed sealed;
	struct reading *reading;
	const uint8_t *plain;
	size_t i, len;

	(void)state;
	for (i = 0; i < KIT_COUNT(lens); i++) {
		sealed_init(&sealed, lens[i]);
		reading = reading_open(&sealed);
		assert_good(roost_object_read(&reading->obj, 0, &plain, &len));
		memset(reading->obj.chunk.bytes + len - 1, 'x', 1);
		assert_wiped(&reading->obj, &reading->obj.chunk, len);
		reading_free(reading);
		sealed_free(&sealed);
	}
	sealed_init(&sealed, KIT_C + 30);
	reading = reading_open(&sealed);
	memset(reading->obj.final.bytes, 'x', 1);
	assert_wiped(&reading->obj, &reading->obj.final, 30);
	reading_free(reading);
	sealed_free(&sealed);
}

static void
test_a_closed_object_is_all_zero(void **state)
{
	struct sealed sealed;
	struct reading *reading;
	const uint8_t *plain;
	size_t len;

	(void)state;
	sealed_init(&sealed, KIT_C + 30);
	reading = reading_open(&sealed);
	assert_good(roost_object_read(&reading->obj, 0, &plain, &len));
	roost_object_close(&reading->obj);
	assert_zero(&reading->obj, sizeof(reading->obj));
	roost_object_close(&reading->obj);
	reading_free(reading);
	sealed_free(&sealed);
}

static enum roost_err
scrub(const struct sealed *sealed)
{
	struct reading *reading = reading_new(sealed);
	enum roost_err err;

	err = roost_object_parse(&reading->obj, &reading->source);
	if (err == ROOST_OK)
		err = roost_object_scrub(&reading->obj);
	reading_free(reading);
	return err;
}

static void
test_scrub_finds_every_flipped_bit_without_a_key(void **state)
{
	size_t i, bit;

	(void)state;
	for (i = 0; i < KIT_COUNT(sizes); i++) {
		struct sealed sealed;
		size_t bits;

		sealed_init(&sealed, sizes[i]);
		assert_good(scrub(&sealed));
		bits = 8 * sealed.len;
		for (bit = 0; bit < bits; bit += sizes[i] < 100 &&
		     !kit_is_quick() ? 1 : 1 + kit_below(bits / 20)) {
			enum roost_err right = ROOST_ERR_DIGEST;
			size_t off = bit / 8;

			sealed.bytes[off] ^= (uint8_t)(1 << bit % 8);
			if (off < 12 || off == 14 || off == 15 ||
			    (off >= 48 && off < 68 && off != 64))
				right = gate_of(sealed.bytes, off, sealed.len,
						false);
			if (off == 64 && sealed.bytes[64] == 0)
				right = ROOST_ERR_STANZA_TYPE;
			/* Type 2 has a body of another length. */
			if (off == 64 && sealed.bytes[64] == 2)
				right = ROOST_ERR_STANZA_LENGTH;
			assert_gate(scrub(&sealed), right);
			sealed.bytes[off] ^= (uint8_t)(1 << bit % 8);
		}
		sealed_free(&sealed);
	}
}

static void
test_scrub_finds_cuts_and_extensions(void **state)
{
	struct sealed sealed;
	size_t len;

	(void)state;
	sealed_init(&sealed, KIT_C + 40);
	len = sealed.len;
	sealed.bytes = realloc(sealed.bytes, len + 1);
	sealed.bytes[len] = 0;
	sealed.len++;
	assert_gate(scrub(&sealed), ROOST_ERR_DIGEST);
	for (sealed.len = 0; sealed.len < len;
	     sealed.len += 1 + kit_below(100)) {
		enum roost_err right = gate_of_length(sealed.len);

		assert_gate(scrub(&sealed), right == ROOST_ERR_FINAL_CHUNK ?
			    ROOST_ERR_DIGEST : right);
	}
	sealed_free(&sealed);
}

/* Opening does not check the digest, which is for disks and not for enemies. */
static void
test_the_digest_is_not_looked_at_in_opening(void **state)
{
	struct sealed sealed;

	(void)state;
	sealed_init(&sealed, 10);
	memset(sealed.bytes + sealed.len - 32, 0, 32);
	assert_good(kit_gate(sealed.ring, sealed.bytes, sealed.len));
	assert_gate(scrub(&sealed), ROOST_ERR_DIGEST);
	sealed_free(&sealed);
}

/* These lengths cannot exist, and the digest is right. */
static void
test_scrub_finds_a_length_that_cannot_exist(void **state)
{
	size_t head_len = KIT_HEADER_SIZE + ROOST_PROLOGUE_SIZE, len;
	struct sealed sealed;

	(void)state;
	sealed_init(&sealed, 40);
	for (len = head_len; len < head_len + 20; len++) {
		assert_good(roost_prim_sha256(sealed.bytes, len,
					      sealed.bytes + len));
		sealed.len = len + ROOST_DIGEST_SIZE;
		assert_gate(scrub(&sealed), len < head_len + 16 ?
			    ROOST_ERR_LENGTH : ROOST_OK);
	}
	sealed_free(&sealed);
}

static void
test_scrub_tells_a_failed_read(void **state)
{
	struct sealed sealed;
	struct reading *reading;

	(void)state;
	sealed_init(&sealed, 10);
	reading = reading_open(&sealed);
	reading->from.is_failing = true;
	assert_gate(roost_object_scrub(&reading->obj), ROOST_ERR_IO);
	reading->from.is_failing = false;
	assert_good(roost_object_scrub(&reading->obj));
	reading_free(reading);
	sealed_free(&sealed);
}

/* Scrubbing in the middle of reading must take nothing away. */
static void
test_an_open_object_reads_on_after_a_scrub(void **state)
{
	struct sealed sealed;
	struct reading *reading;
	const uint8_t *plain;
	size_t len;

	(void)state;
	sealed_init(&sealed, KIT_C + 3);
	reading = reading_open(&sealed);
	assert_good(roost_object_read(&reading->obj, 0, &plain, &len));
	assert_good(roost_object_scrub(&reading->obj));
	assert_good(roost_object_read(&reading->obj, 5, &plain, &len));
	assert_memory_equal(plain, sealed.plain + 5, len);
	reading_free(reading);
	sealed_free(&sealed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_sealed_opens),
		cmocka_unit_test(test_no_plaintext_stands_in_the_object),
		cmocka_unit_test(test_any_seek_yields_what_a_flat_file_would),
		cmocka_unit_test(test_the_end_is_nothing_and_no_error),
		cmocka_unit_test(
			test_reading_on_in_one_chunk_reads_the_source_once),
		cmocka_unit_test(test_opening_again_forgets_every_chunk),
		cmocka_unit_test(test_a_source_that_says_again_does_no_harm),
		cmocka_unit_test(test_parsing_may_be_tried_again),
		cmocka_unit_test(
			test_a_failed_read_is_told_and_may_be_tried_again),
		cmocka_unit_test(
			test_every_flipped_bit_of_a_small_object_dies),
		cmocka_unit_test(test_flipped_bits_of_every_chunk_die),
		cmocka_unit_test(test_every_prefix_dies),
		cmocka_unit_test(test_any_extension_dies),
		cmocka_unit_test(test_chunks_cannot_be_moved),
		cmocka_unit_test(test_two_objects_cannot_be_joined),
		cmocka_unit_test(test_another_keyring_does_not_open_it),
		cmocka_unit_test(test_nothing_of_a_bad_chunk_is_seen),
		cmocka_unit_test(
			test_nothing_is_read_before_the_final_chunk_opened),
		cmocka_unit_test(
			test_saved_keys_open_the_object_they_were_saved_of),
		cmocka_unit_test(test_saved_keys_are_those_of_the_format),
		cmocka_unit_test(test_saved_keys_are_of_no_other_header),
		cmocka_unit_test(
			test_saved_keys_that_were_changed_open_nothing),
		cmocka_unit_test(
			test_a_chunk_is_opened_where_the_caller_wants_it),
		cmocka_unit_test(
			test_nothing_is_left_of_a_chunk_that_does_not_open),
		cmocka_unit_test(test_the_only_chunk_can_be_taken),
		cmocka_unit_test(
			test_nothing_is_taken_of_several_chunks_or_too_early),
		cmocka_unit_test(
			test_the_plaintext_of_a_closed_object_is_wiped),
		cmocka_unit_test(test_a_closed_object_is_all_zero),
		cmocka_unit_test(test_scrub_finds_a_length_that_cannot_exist),
		cmocka_unit_test(
			test_scrub_finds_every_flipped_bit_without_a_key),
		cmocka_unit_test(test_scrub_finds_cuts_and_extensions),
		cmocka_unit_test(test_the_digest_is_not_looked_at_in_opening),
		cmocka_unit_test(test_scrub_tells_a_failed_read),
		cmocka_unit_test(test_an_open_object_reads_on_after_a_scrub),
	};

	return cmocka_run_group_tests_name("object", tests, kit_setup,
					   kit_teardown);
}
