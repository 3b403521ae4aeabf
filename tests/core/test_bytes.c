/* SPDX-License-Identifier: MIT */
/*
 * bytes: big-endian integers, comparison, hexadecimal.
 */
#include "kit.h"

#include "roost/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
test_integers_are_big_endian(void **state)
{
	static const uint8_t bytes[] = { 0x81, 0x02, 0x03, 0xf4 };
	uint8_t written[5] = { 0, 0, 0, 0, 0xaa };

	(void)state;
	assert_int_equal(roost_be16_get(bytes), 0x8102);
	assert_true(roost_be32_get(bytes) == 0x810203f4U);
	roost_be32_put(written, 0x810203f4U);
	assert_memory_equal(written, bytes, 4);
	roost_be16_put(written, 0xfffe);
	assert_int_equal(written[0], 0xff);
	assert_int_equal(written[1], 0xfe);
	assert_int_equal(written[2], 0x03);
	assert_int_equal(written[4], 0xaa);
}

static void
test_bytes_that_differ_in_one_bit_are_not_equal(void **state)
{
	uint8_t a[40], b[40];
	size_t bit;

	(void)state;
	kit_fill(a, sizeof(a));
	memcpy(b, a, sizeof(b));
	assert_true(roost_bytes_equal(a, b, sizeof(a)));
	assert_true(roost_bytes_equal(a, b, 0));
	for (bit = 0; bit < 8 * sizeof(a); bit++) {
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(roost_bytes_equal(a, b, sizeof(a)));
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	b[39] ^= 1;
	assert_true(roost_bytes_equal(a, b, 39));
}

static void
test_one_byte_is_enough_not_to_be_zero(void **state)
{
	uint8_t bytes[17] = { 0 };
	size_t i;

	(void)state;
	assert_true(roost_bytes_are_zero(bytes, sizeof(bytes)));
	assert_true(roost_bytes_are_zero(bytes, 0));
	for (i = 0; i < sizeof(bytes); i++) {
		bytes[i] = 0x80;
		assert_false(roost_bytes_are_zero(bytes, sizeof(bytes)));
		assert_true(roost_bytes_are_zero(bytes, i));
		bytes[i] = 0;
	}
	memset(bytes, 1, sizeof(bytes));
	assert_false(roost_bytes_are_zero(bytes, sizeof(bytes)));
}

static void
test_hex_and_back(void **state)
{
	uint8_t bytes[256], back[256];
	char text[513], upper[513];
	size_t i;

	(void)state;
	for (i = 0; i < 256; i++)
		bytes[i] = (uint8_t)i;
	roost_bytes_hex(bytes, sizeof(bytes), text);
	assert_int_equal(strlen(text), 512);
	assert_int_equal(strspn(text, "0123456789abcdef"), 512);
	assert_memory_equal(text + 2 * 0xa7, "a7a8", 4);
	assert_true(roost_bytes_unhex(text, 512, back, 256));
	assert_memory_equal(bytes, back, 256);
	for (i = 0; i < 513; i++)
		upper[i] = (char)(text[i] >= 'a' ? text[i] - 32 : text[i]);
	memset(back, 0, sizeof(back));
	assert_true(roost_bytes_unhex(upper, 512, back, 256));
	assert_memory_equal(bytes, back, 256);
}

/* Every byte value is tried in every place of a number of two bytes. */
static void
test_only_hexadecimal_digits_are_digits(void **state)
{
	char text[4];
	uint8_t back[2];
	int c;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		for (c = 0; c < 256; c++) {
			bool is_digit = c != 0 &&
				strchr("0123456789abcdefABCDEF", c) != NULL;

			memcpy(text, "1Ab9", 4);
			text[i] = (char)c;
			memset(back, 0x55, sizeof(back));
			assert_int_equal(roost_bytes_unhex(text, 4, back, 2),
					 is_digit);
			if (!is_digit)
				assert_zero(back, 2);
		}
	}
}

static void
test_hex_of_another_length_is_refused(void **state)
{
	char text[2 * ROOST_KEY_SIZE + 4];
	uint8_t key[ROOST_KEY_SIZE];
	size_t len;

	(void)state;
	memset(text, 'a', sizeof(text));
	for (len = 0; len <= sizeof(text); len++) {
		const char *at = (const char *)kit_at_fence(text, len);

		memset(key, 0x55, sizeof(key));
		assert_int_equal(roost_bytes_unhex(at, len, key, sizeof(key)),
				 len == 2 * ROOST_KEY_SIZE);
		if (len != 2 * ROOST_KEY_SIZE)
			assert_zero(key, sizeof(key));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers_are_big_endian),
		cmocka_unit_test(
			test_bytes_that_differ_in_one_bit_are_not_equal),
		cmocka_unit_test(test_one_byte_is_enough_not_to_be_zero),
		cmocka_unit_test(test_hex_and_back),
		cmocka_unit_test(test_only_hexadecimal_digits_are_digits),
		cmocka_unit_test(test_hex_of_another_length_is_refused),
	};

	return cmocka_run_group_tests_name("bytes", tests, kit_setup,
					   kit_teardown);
}
