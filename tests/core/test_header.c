/* SPDX-License-Identifier: MIT */
/*
 * header: the fixed header and its table, every gate by its name and in the
 * order of FORMAT.md 6.
 */
#include "kit.h"

#include "roost/bytes.h"

#include <stdlib.h>
#include <string.h>

#define OFF_VERSION 8
#define OFF_SUITE 9
#define OFF_TABLE_LEN 10
#define OFF_FLAGS 12
#define OFF_COUNT 48
#define OFF_RESERVED 49

/* A header that is being built; there is room for more than the largest. */
struct draft {
	uint8_t bytes[70000];
	size_t len;
};

static void
draft_init(struct draft *draft)
{
	uint8_t ids[2 * ROOST_ID_SIZE];

	kit_fill(ids, sizeof(ids));
	roost_header_write(ids, ids + ROOST_ID_SIZE, 0, 0, draft->bytes);
	draft->len = ROOST_HEADER_FIXED_SIZE;
}

/* Add a stanza with a random key id, and count it. */
static void
draft_add(struct draft *draft, uint8_t type, uint8_t role, size_t body_len)
{
	uint8_t *stanza = draft->bytes + draft->len;

	stanza[0] = type;
	stanza[1] = role;
	roost_be16_put(stanza + 2, (uint16_t)body_len);
	kit_fill(stanza + 4, ROOST_KEY_ID_SIZE + body_len);
	draft->len += ROOST_STANZA_HEAD_SIZE + body_len;
	draft->bytes[OFF_COUNT]++;
	roost_be16_put(draft->bytes + OFF_TABLE_LEN,
		       (uint16_t)(draft->len - ROOST_HEADER_FIXED_SIZE));
}

static void
draft_one(struct draft *draft)
{
	draft_init(draft);
	draft_add(draft, 1, 1, 80);
}

static enum roost_err
draft_parse(const struct draft *draft, struct roost_header *hdr_r)
{
	memset(hdr_r, 0x55, sizeof(*hdr_r));
	return roost_header_parse(kit_at_fence(draft->bytes, draft->len),
				  draft->len, hdr_r);
}

static void
assert_draft(const struct draft *draft, enum roost_err gate)
{
	struct roost_header hdr;

	assert_gate(draft_parse(draft, &hdr), gate);
	if (gate != ROOST_OK)
		assert_zero(&hdr, sizeof(hdr));
}

static void
test_the_written_header_is_the_one_of_the_format(void **state)
{
	static const uint8_t right[16] = { 0x8e, 'R', 'S', 'T', '\r', '\n',
		0x1a, '\n', 2, 1, 0x3f, 0xc0, 0, 0, 0, 0 };
	uint8_t ids[32], fixed[ROOST_HEADER_FIXED_SIZE];

	(void)state;
	kit_fill(ids, 32);
	memset(fixed, 0x55, sizeof(fixed));
	roost_header_write(ids, ids + 16, 8, ROOST_STANZAS_SIZE_MAX, fixed);
	assert_memory_equal(fixed, right, 16);
	assert_memory_equal(fixed + 16, ids, 32);
	assert_int_equal(fixed[48], 8);
	assert_zero(fixed + 49, 15);
}

static void
test_fields_of_a_good_header(void **state)
{
	struct draft draft;
	struct roost_header hdr;
	const uint8_t *at;
	size_t len = 0;

	(void)state;
	draft_init(&draft);
	draft_add(&draft, 7, 1, 0);
	draft_add(&draft, 1, 1, 80);
	draft_add(&draft, 2, 1, 1168);
	draft.bytes[OFF_FLAGS] = 0x80;
	draft.bytes[OFF_FLAGS + 1] = 0x01;
	assert_good(draft_parse(&draft, &hdr));
	at = hdr.bytes;
	assert_int_equal(hdr.len, draft.len);
	assert_true(hdr.flags == 0x80010000U);
	assert_ptr_equal(hdr.keyring_id, at + 16);
	assert_ptr_equal(hdr.object_id, at + 32);
	assert_int_equal(hdr.stanza_count, 3);
	assert_int_equal(hdr.stanzas[0].type, 7);
	assert_int_equal(hdr.stanzas[1].type, 1);
	assert_int_equal(hdr.stanzas[2].body_len, 1168);
	assert_int_equal(hdr.stanzas[2].role, 1);
	assert_ptr_equal(hdr.stanzas[1].head, at + 64 + 12);
	assert_ptr_equal(hdr.stanzas[1].key_id, at + 64 + 12 + 4);
	assert_ptr_equal(hdr.stanzas[1].body, at + 64 + 12 + 12);
	assert_good(roost_header_peek(at, 64, &len));
	assert_int_equal(len, draft.len);
}

static void
test_bytes_behind_the_header_do_not_matter(void **state)
{
	struct draft draft;
	struct roost_header hdr;

	(void)state;
	draft_one(&draft);
	draft.len += 1000;
	assert_good(draft_parse(&draft, &hdr));
	assert_int_equal(hdr.len, KIT_HEADER_SIZE);
}

static void
test_every_prefix_is_too_short(void **state)
{
	struct draft draft;
	size_t len;

	(void)state;
	draft_one(&draft);
	draft_add(&draft, 9, 1, 33);
	len = draft.len;
	while (draft.len-- > 0)
		assert_draft(&draft, ROOST_ERR_HEADER_SHORT);
	draft.len = len;
	assert_draft(&draft, ROOST_OK);
}

static void
test_peek_needs_the_fixed_header(void **state)
{
	struct draft draft;
	size_t i, len;

	(void)state;
	draft_one(&draft);
	for (i = 0; i < ROOST_HEADER_FIXED_SIZE; i++) {
		len = 77;
		assert_gate(roost_header_peek(kit_at_fence(draft.bytes, i), i,
					      &len), ROOST_ERR_HEADER_SHORT);
		assert_int_equal(len, 0);
	}
	draft.bytes[0] = 0;
	len = 77;
	assert_gate(roost_header_peek(draft.bytes, 64, &len),
		    ROOST_ERR_MAGIC);
	assert_int_equal(len, 0);
}

/* All 255 other values are tried of each byte that allows only one. */
static void
test_fixed_bytes_have_one_value(void **state)
{
	static const struct {
		size_t off, len;
		enum roost_err gate;
	} parts[] = {
		{ 0, 8, ROOST_ERR_MAGIC }, { 8, 1, ROOST_ERR_VERSION },
		{ 9, 1, ROOST_ERR_SUITE }, { 14, 2, ROOST_ERR_FLAG },
		{ 49, 15, ROOST_ERR_RESERVED },
	};
	struct draft draft;
	size_t part, off;
	unsigned int change;

	(void)state;
	draft_one(&draft);
	for (part = 0; part < KIT_COUNT(parts); part++) {
		for (off = parts[part].off;
		     off < parts[part].off + parts[part].len; off++) {
			for (change = 1; change < 256; change++) {
				draft.bytes[off] ^= (uint8_t)change;
				assert_draft(&draft, parts[part].gate);
				draft.bytes[off] ^= (uint8_t)change;
			}
		}
	}
}

static void
test_other_flags_may_be_ignored(void **state)
{
	struct draft draft;
	struct roost_header hdr;
	unsigned int bit;

	(void)state;
	draft_one(&draft);
	for (bit = 16; bit < 32; bit++) {
		roost_be32_put(draft.bytes + OFF_FLAGS, UINT32_C(1) << bit);
		assert_good(draft_parse(&draft, &hdr));
		assert_true(hdr.flags == UINT32_C(1) << bit);
	}
}

static void
test_one_to_eight_stanzas(void **state)
{
	struct draft draft;
	unsigned int count;

	(void)state;
	draft_init(&draft);
	assert_draft(&draft, ROOST_ERR_STANZA_COUNT);
	for (count = 1; count <= 8; count++) {
		draft_add(&draft, 1, 1, 80);
		assert_draft(&draft, ROOST_OK);
	}
	draft_add(&draft, 1, 1, 80);
	assert_draft(&draft, ROOST_ERR_STANZA_COUNT);
	draft.bytes[OFF_COUNT] = 255;
	assert_draft(&draft, ROOST_ERR_STANZA_COUNT);
}

static void
test_the_table_has_its_limit(void **state)
{
	struct draft draft;

	(void)state;
	draft_init(&draft);
	draft_add(&draft, 3, 1, ROOST_STANZAS_SIZE_MAX - 12);
	assert_draft(&draft, ROOST_OK);
	draft_init(&draft);
	draft_add(&draft, 3, 1, ROOST_STANZAS_SIZE_MAX - 11);
	assert_draft(&draft, ROOST_ERR_STANZA_TABLE);
	/* The limit is checked before the end of the file. */
	draft.len = 70;
	assert_draft(&draft, ROOST_ERR_STANZA_TABLE);
	draft_one(&draft);
	roost_be16_put(draft.bytes + OFF_TABLE_LEN, 0xffff);
	assert_draft(&draft, ROOST_ERR_STANZA_TABLE);
}

/* The table is given every other length than the right one. */
static void
test_the_table_ends_where_the_header_says(void **state)
{
	struct draft draft;
	unsigned int len, right;

	(void)state;
	draft_one(&draft);
	draft_add(&draft, 5, 1, 10);
	right = (unsigned int)draft.len - 64;
	draft.len += 300;
	for (len = 0; len < right + 300; len++) {
		roost_be16_put(draft.bytes + OFF_TABLE_LEN, (uint16_t)len);
		assert_draft(&draft, len == right ? ROOST_OK :
			     ROOST_ERR_STANZA_TABLE);
	}
}

static void
test_a_body_may_not_reach_beyond_the_table(void **state)
{
	static const uint16_t lens[] = { 79, 81, 0, 92, 0x7fff, 0xffff };
	struct draft draft;
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(lens); i++) {
		draft_one(&draft);
		roost_be16_put(draft.bytes + 66, lens[i]);
		assert_draft(&draft, ROOST_ERR_STANZA_TABLE);
	}
	draft_one(&draft);
	draft.bytes[OFF_COUNT] = 2;
	assert_draft(&draft, ROOST_ERR_STANZA_TABLE);
	draft_add(&draft, 3, 1, 0);
	draft.bytes[OFF_COUNT] = 1;
	assert_draft(&draft, ROOST_ERR_STANZA_TABLE);
}

static void
test_types_and_roles(void **state)
{
	struct draft draft;
	unsigned int value;

	(void)state;
	for (value = 0; value < 256; value++) {
		draft_init(&draft);
		draft_add(&draft, (uint8_t)value, 1, value == 2 ? 1168 : 80);
		assert_draft(&draft, value == 0 ? ROOST_ERR_STANZA_TYPE :
			     ROOST_OK);
		draft_init(&draft);
		draft_add(&draft, 1, (uint8_t)value, 80);
		assert_draft(&draft, value == 1 ? ROOST_OK :
			     ROOST_ERR_STANZA_TYPE);
		/* The rules hold also for stanzas that are skipped. */
		draft_one(&draft);
		draft_add(&draft, 77, (uint8_t)value, 5);
		assert_draft(&draft, value == 1 ? ROOST_OK :
			     ROOST_ERR_STANZA_TYPE);
	}
}

static void
test_known_types_have_one_body_length(void **state)
{
	struct draft draft;
	size_t len;

	(void)state;
	for (len = 0; len < 1300; len++) {
		draft_init(&draft);
		draft_add(&draft, 1, 1, len);
		assert_draft(&draft, len == 80 ? ROOST_OK :
			     ROOST_ERR_STANZA_LENGTH);
		draft_one(&draft);
		draft_add(&draft, 2, 1, len);
		assert_draft(&draft, len == 1168 ? ROOST_OK :
			     ROOST_ERR_STANZA_LENGTH);
		draft_init(&draft);
		draft_add(&draft, 3, 1, len);
		assert_draft(&draft, ROOST_OK);
	}
}

static void
test_one_key_id_twice_is_refused(void **state)
{
	static const uint8_t types[3] = { 1, 9, 1 };
	struct draft draft;
	uint8_t *ids[3];
	size_t i, a, b, bit;

	(void)state;
	draft_init(&draft);
	for (i = 0; i < 3; i++) {
		ids[i] = draft.bytes + draft.len + 4;
		draft_add(&draft, types[i], 1, 80);
	}
	for (a = 0; a < 3; a++) {
		for (b = 0; b < a; b++) {
			uint8_t old[8];

			memcpy(old, ids[a], 8);
			memcpy(ids[a], ids[b], 8);
			assert_draft(&draft, ROOST_ERR_STANZA_DUPLICATE);
			for (bit = 0; bit < 64; bit++) {
				ids[a][bit / 8] ^= (uint8_t)(1 << bit % 8);
				assert_draft(&draft, ROOST_OK);
				ids[a][bit / 8] ^= (uint8_t)(1 << bit % 8);
			}
			memcpy(ids[a], old, 8);
		}
	}
}

/* More and more is broken, from the last gate to the first. */
static void
test_the_first_gate_that_fails_answers(void **state)
{
	struct draft draft;
	uint8_t *b = draft.bytes;

	(void)state;
	draft_one(&draft);
	draft_add(&draft, 1, 1, 80);
	memcpy(b + 64 + 92 + 4, b + 64 + 4, 8);
	assert_draft(&draft, ROOST_ERR_STANZA_DUPLICATE);
	draft_add(&draft, 1, 1, 81);
	assert_draft(&draft, ROOST_ERR_STANZA_LENGTH);
	draft_add(&draft, 0, 1, 3);
	assert_draft(&draft, ROOST_ERR_STANZA_TYPE);
	b[OFF_TABLE_LEN + 1]--;
	assert_draft(&draft, ROOST_ERR_STANZA_TABLE);
	draft.len = 66;
	assert_draft(&draft, ROOST_ERR_HEADER_SHORT);
	b[OFF_TABLE_LEN] = 0xff;
	assert_draft(&draft, ROOST_ERR_STANZA_TABLE);
	b[OFF_COUNT] = 9;
	assert_draft(&draft, ROOST_ERR_STANZA_COUNT);
	b[OFF_RESERVED] = 1;
	assert_draft(&draft, ROOST_ERR_RESERVED);
	b[OFF_FLAGS + 3] = 1;
	assert_draft(&draft, ROOST_ERR_FLAG);
	b[OFF_SUITE] = 2;
	assert_draft(&draft, ROOST_ERR_SUITE);
	b[OFF_VERSION] = 1;
	assert_draft(&draft, ROOST_ERR_VERSION);
	b[0] = 'F';
	assert_draft(&draft, ROOST_ERR_MAGIC);
	draft.len = 63;
	assert_draft(&draft, ROOST_ERR_HEADER_SHORT);
}

static bool
is_claimed(const void *bytes, size_t len)
{
	return roost_header_is_claimed(kit_at_fence(bytes, len), len);
}

static void
test_what_claims_to_be_sealed(void **state)
{
	static const uint8_t magic[] = "\x8eRST\r\n\x1a\n";
	uint8_t seen[9];
	size_t len;
	unsigned int mask, i, same;

	(void)state;
	assert_false(is_claimed("", 0));
	for (len = 1; len <= 8; len++)
		assert_true(is_claimed(magic, len));
	/* Newlines were translated, in both ways that happens. */
	assert_true(is_claimed("\x8eRST\n\x1a\n", 7));
	assert_true(is_claimed("\x8eRST\r\r\n\x1a", 8));
	/* Every set of bytes is damaged in turn. */
	for (mask = 0; mask < 256; mask++) {
		same = 8;
		for (i = 0; i < 8; i++) {
			seen[i] = magic[i];
			if ((mask & 1U << i) != 0) {
				seen[i] ^= 0x40;
				same--;
			}
		}
		seen[8] = 'x';
		assert_int_equal(is_claimed(seen, 9), same >= 4 &&
				 (mask & 0x41) != 0x41);
	}
}

static void
test_what_is_a_plaintext_message(void **state)
{
	static const char *const texts[] = {
		"From: a@example.org\r\n", "Return-Path: <>\r\n", "R", "RST\r",
		"xRST\r\nx\n", "\r\n", "\n", "Received: ", "\xef\xbb\xbfTo: ",
		"\x8d", "\x1f\x8b\x08", "\x28\xb5\x2f\xfd", "\x8e\x8e",
		"\x8eRXT", "\x8eRXXXXXX",
	};
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(texts); i++) {
		bool is = is_claimed(texts[i], strlen(texts[i]));

		/* A cut file may have but three of the first four bytes, where
		   FORMAT.md 6.24 wants four. */
		assert_false(is);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_the_written_header_is_the_one_of_the_format),
		cmocka_unit_test(test_fields_of_a_good_header),
		cmocka_unit_test(test_bytes_behind_the_header_do_not_matter),
		cmocka_unit_test(test_every_prefix_is_too_short),
		cmocka_unit_test(test_peek_needs_the_fixed_header),
		cmocka_unit_test(test_fixed_bytes_have_one_value),
		cmocka_unit_test(test_other_flags_may_be_ignored),
		cmocka_unit_test(test_one_to_eight_stanzas),
		cmocka_unit_test(test_the_table_has_its_limit),
		cmocka_unit_test(test_the_table_ends_where_the_header_says),
		cmocka_unit_test(test_a_body_may_not_reach_beyond_the_table),
		cmocka_unit_test(test_types_and_roles),
		cmocka_unit_test(test_known_types_have_one_body_length),
		cmocka_unit_test(test_one_key_id_twice_is_refused),
		cmocka_unit_test(test_the_first_gate_that_fails_answers),
		cmocka_unit_test(test_what_claims_to_be_sealed),
		cmocka_unit_test(test_what_is_a_plaintext_message),
	};

	return cmocka_run_group_tests_name("header", tests, kit_setup,
					   kit_teardown);
}
