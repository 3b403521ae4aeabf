/* SPDX-License-Identifier: MIT */
/*
 * escrow: the key pair of escrow slots, and what its files may hold.
 */
#include "kit.h"

#include "roost/bytes.h"

#include <string.h>

static void
test_a_pair_is_new_and_belongs_together(void **state)
{
	uint8_t private_key[32], public_key[32], other[32], right[32];

	(void)state;
	assert_good(roost_escrow_make(private_key, public_key));
	assert_good(roost_prim_x25519_public(private_key, right));
	assert_memory_equal(public_key, right, 32);
	assert_good(roost_escrow_make(other, right));
	assert_memory_not_equal(private_key, other, 32);
}

static void
test_what_is_written_is_read(void **state)
{
	char text[ROOST_ESCROW_TEXT_SIZE];
	uint8_t key[32], again[32];

	(void)state;
	kit_fill(key, 32);
	roost_escrow_write(ROOST_ESCROW_PUBLIC, key, text);
	assert_memory_equal(text, "roost-escrow-public x25519\n", 27);
	assert_int_equal(strlen(text), 27 + 43 + 1);
	assert_good(roost_escrow_parse(ROOST_ESCROW_PUBLIC, text,
				       strlen(text), again));
	assert_memory_equal(key, again, 32);
	roost_escrow_write(ROOST_ESCROW_PRIVATE, key, text);
	assert_int_equal(strlen(text), ROOST_ESCROW_TEXT_SIZE - 1);
	assert_good(roost_escrow_parse(ROOST_ESCROW_PRIVATE, text,
				       strlen(text), again));
	assert_memory_equal(key, again, 32);
}

/* Who gives the private key where the public one is meant would store it beside
   the mail. */
static void
test_one_kind_is_not_taken_for_the_other(void **state)
{
	char text[ROOST_ESCROW_TEXT_SIZE];
	uint8_t key[32], again[32];

	(void)state;
	kit_fill(key, 32);
	roost_escrow_write(ROOST_ESCROW_PRIVATE, key, text);
	memset(again, 0x55, 32);
	assert_gate(roost_escrow_parse(ROOST_ESCROW_PUBLIC, text,
				       strlen(text), again),
		    ROOST_ERR_ESCROW_FILE);
	assert_zero(again, 32);
	roost_escrow_write(ROOST_ESCROW_PUBLIC, key, text);
	assert_gate(roost_escrow_parse(ROOST_ESCROW_PRIVATE, text,
				       strlen(text), again),
		    ROOST_ERR_ESCROW_FILE);
}

/* Every beginning of a file is refused but the one that lacks the last LF. */
static void
test_a_cut_file_is_refused(void **state)
{
	char text[ROOST_ESCROW_TEXT_SIZE];
	uint8_t key[32], again[32];
	size_t len, whole;

	(void)state;
	kit_fill(key, 32);
	roost_escrow_write(ROOST_ESCROW_PUBLIC, key, text);
	whole = strlen(text);
	for (len = 0; len < whole - 1; len++) {
		memset(again, 0x55, 32);
		assert_gate(roost_escrow_parse(ROOST_ESCROW_PUBLIC, text, len,
					       again), ROOST_ERR_ESCROW_FILE);
		assert_zero(again, 32);
	}
	assert_good(roost_escrow_parse(ROOST_ESCROW_PUBLIC, text, whole - 1,
				       again));
}

/* A first line that is as long as the right one, and a line too many. */
static void
test_no_other_lines_are_taken(void **state)
{
	char text[ROOST_ESCROW_TEXT_SIZE + 2];
	uint8_t key[32], again[32];
	size_t len;

	(void)state;
	kit_fill(key, 32);
	roost_escrow_write(ROOST_ESCROW_PUBLIC, key, text);
	len = strlen(text);
	text[0] ^= 1;
	assert_gate(roost_escrow_parse(ROOST_ESCROW_PUBLIC, text, len, again),
		    ROOST_ERR_ESCROW_FILE);
	text[0] ^= 1;
	text[len] = '\n';
	memset(again, 0x55, 32);
	assert_gate(roost_escrow_parse(ROOST_ESCROW_PUBLIC, text, len + 1,
				       again), ROOST_ERR_ESCROW_FILE);
	assert_zero(again, 32);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_pair_is_new_and_belongs_together),
		cmocka_unit_test(test_what_is_written_is_read),
		cmocka_unit_test(test_one_kind_is_not_taken_for_the_other),
		cmocka_unit_test(test_a_cut_file_is_refused),
		cmocka_unit_test(test_no_other_lines_are_taken),
	};

	return cmocka_run_group_tests_name("escrow", tests, kit_setup,
					   kit_teardown);
}
