/* SPDX-License-Identifier: MIT */
/*
 * code: recovery codes as they are written, and as people type them.
 */
#include "kit.h"

#include "roost/bytes.h"

#include <ctype.h>
#include <string.h>

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* Make the text as it must be, bit by bit. */
static void
code_by_hand(const uint8_t *code, char *text_r)
{
	uint8_t label[15 + 20] = "roost recovery", hash[32], bits[23];
	size_t i, j;

	memcpy(label + 15, code, 20);
	assert_good(roost_prim_sha256(label, sizeof(label), hash));
	memcpy(bits, code, 20);
	memcpy(bits + 20, hash, 3);
	for (i = 0; i < 36; i++) {
		unsigned int value = 0;

		for (j = 5 * i; j < 5 * i + 5; j++)
			value = value * 2 +
				((unsigned int)bits[j / 8] >>
				 (7 - j % 8) & 1U);
		if (i > 0 && i % 4 == 0)
			*text_r++ = '-';
		*text_r++ = alphabet[value];
	}
	*text_r = '\0';
}

static void
test_a_code_is_nine_groups_of_four(void **state)
{
	static const uint8_t zeros[20];
	uint8_t code[20], back[20];
	char text[ROOST_CODE_TEXT_SIZE], right[ROOST_CODE_TEXT_SIZE];
	int round;

	(void)state;
	assert_good(roost_code_write(zeros, text));
	assert_memory_equal(text, "0000-0000-0000-0000-0000-0000-0000-0000-",
			    40);
	for (round = 0; round < 200; round++) {
		kit_fill(code, 20);
		code_by_hand(code, right);
		assert_good(roost_code_write(code, text));
		assert_string_equal(text, right);
		assert_int_equal(strlen(text), 44);
		assert_good(roost_code_parse(
			(const char *)kit_at_fence(text, 44), 44, back));
		assert_memory_equal(back, code, 20);
	}
}

static enum roost_err
code_parse(const char *text, size_t len, const uint8_t *right)
{
	uint8_t code[20];
	enum roost_err err;

	memset(code, 0x55, 20);
	err = roost_code_parse(
		(const char *)kit_at_fence(text, len), len, code);
	if (err == ROOST_OK)
		assert_memory_equal(code, right, 20);
	else
		assert_zero(code, 20);
	return err;
}

static void
test_codes_are_read_as_people_write_them(void **state)
{
	uint8_t code[20];
	char text[ROOST_CODE_TEXT_SIZE], typed[100];
	size_t i, len;
	int round;

	(void)state;
	for (round = 0; round < 200; round++) {
		kit_fill(code, 20);
		assert_good(roost_code_write(code, text));
		for (i = len = 0; text[i] != '\0'; i++) {
			char c = text[i];

			if (c == '-')
				c = " -"[kit_below(2)];
			else if (c == '0')
				c = "0Oo"[kit_below(3)];
			else if (c == '1')
				c = "1IiLl"[kit_below(5)];
			else if (kit_below(2) == 0)
				c = (char)tolower((unsigned char)c);
			if (kit_below(8) == 0)
				typed[len++] = "- "[kit_below(2)];
			if (text[i] != '-' || kit_below(3) > 0)
				typed[len++] = c;
		}
		assert_good(code_parse(typed, len, code));
	}
}

/* Returns the value of a digit in the alphabet, also for those that look like
   one. */
static int
digit_value(int c)
{
	const char *found;

	c = toupper(c);
	c = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
	found = c == '\0' ? NULL : strchr(alphabet, c);
	return found == NULL ? -1 : (int)(found - alphabet);
}

/* One digit is mistyped, in 36 places with 31 other digits each.  The check has
   20 bits, so one in a million of these is a right code by chance.  What must
   never happen is that one is accepted whose check does not fit. */
static void
test_a_mistyped_digit_is_caught(void **state)
{
	uint8_t code[20];
	char text[ROOST_CODE_TEXT_SIZE], right[ROOST_CODE_TEXT_SIZE];
	size_t i, digit, collisions = 0;
	int round, rounds = kit_is_quick() ? 1 : 30;

	(void)state;
	for (round = 0; round < rounds; round++) {
		kit_fill(code, 20);
		assert_good(roost_code_write(code, text));
		for (i = 0; i < 44; i++) {
			char old = text[i];

			for (digit = 0; old != '-' && digit < 32; digit++) {
				uint8_t back[20];
				enum roost_err err;

				text[i] = alphabet[digit];
				if (text[i] == old)
					continue;
				err = roost_code_parse(text, 44,
						       back);
				if (err == ROOST_OK) {
					code_by_hand(back, right);
					assert_string_equal(text, right);
					collisions++;
					continue;
				}
				assert_gate(err, ROOST_ERR_CODE_TYPO);
				assert_zero(back, 20);
			}
			text[i] = old;
		}
	}
	/* Of 33480 tries, three would come up once in 200000 runs. */
	assert_true(collisions < 3);
}

static void
test_two_digits_exchanged_are_caught(void **state)
{
	uint8_t code[20];
	char text[ROOST_CODE_TEXT_SIZE];
	size_t i, caught = 0, tried = 0;
	int round;

	(void)state;
	for (round = 0; round < 100; round++) {
		kit_fill(code, 20);
		assert_good(roost_code_write(code, text));
		for (i = 0; i < 43; i++) {
			char c = text[i];
			uint8_t back[20];

			if (c == '-' || text[i + 1] == '-' || c == text[i + 1])
				continue;
			text[i] = text[i + 1];
			text[i + 1] = c;
			tried++;
			if (roost_code_parse(text, 44, back) ==
			    ROOST_ERR_CODE_TYPO)
				caught++;
			text[i + 1] = text[i];
			text[i] = c;
		}
	}
	assert_true(tried > 1000 && tried - caught < 3);
}

static void
test_other_characters_are_not_a_code(void **state)
{
	uint8_t code[20];
	char text[ROOST_CODE_TEXT_SIZE], typed[60];
	size_t i;
	int c;

	(void)state;
	kit_fill(code, 20);
	assert_good(roost_code_write(code, text));
	for (c = 0; c < 256; c++) {
		for (i = 0; i <= 44; i += 11) {
			memcpy(typed, text, i);
			typed[i] = (char)c;
			memcpy(typed + i + 1, text + i, 44 - i);
			assert_gate(code_parse(typed, 45, code),
				    c == ' ' || c == '-' ? ROOST_OK :
				    ROOST_ERR_CODE_TYPO);
			memcpy(typed, text, 44);
			typed[i == 44 ? 43 : i] = (char)c;
			if (digit_value(c) < 0)
				assert_gate(code_parse(typed, 44, code),
					    ROOST_ERR_CODE_TYPO);
		}
	}
}

static void
test_a_code_of_another_length_is_refused(void **state)
{
	uint8_t code[20];
	char text[ROOST_CODE_TEXT_SIZE + 10], many[4000];
	size_t len;

	(void)state;
	kit_fill(code, 20);
	assert_good(roost_code_write(code, text));
	memset(many, '0', sizeof(many));
	assert_gate(code_parse(many, sizeof(many), code),
		    ROOST_ERR_CODE_TYPO);
	for (len = 0; len < 44; len++)
		assert_gate(code_parse(text, len, code), ROOST_ERR_CODE_TYPO);
	memcpy(text + 44, "00", 2);
	assert_gate(code_parse(text, 45, code), ROOST_ERR_CODE_TYPO);
	assert_gate(code_parse(text, 46, code), ROOST_ERR_CODE_TYPO);
	/* This holds also for a code that looks as if nothing had been read. */
	memset(code, 0, 20);
	assert_good(roost_code_write(code, text));
	assert_good(code_parse(text, 44, code));
	memcpy(text + 44, "0", 1);
	assert_gate(code_parse(text, 45, code), ROOST_ERR_CODE_TYPO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_code_is_nine_groups_of_four),
		cmocka_unit_test(test_codes_are_read_as_people_write_them),
		cmocka_unit_test(test_a_mistyped_digit_is_caught),
		cmocka_unit_test(test_two_digits_exchanged_are_caught),
		cmocka_unit_test(test_other_characters_are_not_a_code),
		cmocka_unit_test(test_a_code_of_another_length_is_refused),
	};

	return cmocka_run_group_tests_name("code", tests, kit_setup,
					   kit_teardown);
}
