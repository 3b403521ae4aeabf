/* SPDX-License-Identifier: MIT */
/*
 * cursor: never beyond the end, and stuck for good after a short read.
 */
#include "kit.h"

#include "roost/cursor.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t ten[10] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };

static void
test_fields_are_read_in_order(void **state)
{
	const uint8_t *at = kit_at_fence(ten, sizeof(ten));
	struct roost_cursor cur;

	(void)state;
	roost_cursor_init(&cur, at, sizeof(ten));
	assert_int_equal(roost_cursor_u8(&cur), 1);
	assert_int_equal(roost_cursor_u16(&cur), 0x0203);
	assert_int_equal(roost_cursor_u32(&cur), 0x04050607);
	assert_false(roost_cursor_done(&cur));
	assert_ptr_equal(roost_cursor_bytes(&cur, 3), at + 7);
	assert_true(roost_cursor_done(&cur));
}

static void
test_a_short_read_sticks(void **state)
{
	size_t left;

	(void)state;
	for (left = 0; left < 4; left++) {
		struct roost_cursor cur;

		roost_cursor_init(&cur, kit_at_fence(ten, left), left);
		assert_int_equal(roost_cursor_u32(&cur), 0);
		assert_false(roost_cursor_done(&cur));
		assert_int_equal(roost_cursor_u8(&cur), 0);
		assert_int_equal(roost_cursor_u16(&cur), 0);
		assert_null(roost_cursor_bytes(&cur, left));
		assert_null(roost_cursor_bytes(&cur, 0));
		assert_false(roost_cursor_done(&cur));
	}
}

static void
test_a_huge_length_is_short_too(void **state)
{
	static const size_t lens[] = { 11, 4096, SIZE_MAX / 2, SIZE_MAX };
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(lens); i++) {
		struct roost_cursor cur;

		roost_cursor_init(&cur, kit_at_fence(ten, 10), 10);
		assert_null(roost_cursor_bytes(&cur, lens[i]));
		assert_false(roost_cursor_done(&cur));
	}
}

static void
test_nothing_left_is_done_and_a_rest_is_not(void **state)
{
	struct roost_cursor cur;

	(void)state;
	roost_cursor_init(&cur, kit_at_fence(ten, 0), 0);
	assert_true(roost_cursor_done(&cur));
	assert_non_null(roost_cursor_bytes(&cur, 0));
	assert_true(roost_cursor_done(&cur));
	assert_int_equal(roost_cursor_u8(&cur), 0);
	assert_false(roost_cursor_done(&cur));
	roost_cursor_init(&cur, kit_at_fence(ten, 1), 1);
	assert_false(roost_cursor_done(&cur));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_are_read_in_order),
		cmocka_unit_test(test_a_short_read_sticks),
		cmocka_unit_test(test_a_huge_length_is_short_too),
		cmocka_unit_test(test_nothing_left_is_done_and_a_rest_is_not),
	};

	return cmocka_run_group_tests_name("cursor", tests, kit_setup,
					   kit_teardown);
}
