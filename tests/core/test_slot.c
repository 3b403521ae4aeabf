/* SPDX-License-Identifier: MIT */
/*
 * slot: derived keys, Argon2id's limits, recovery codes and key files as
 * people type them.
 */
#include "kit.h"

#include "roost/bytes.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
static const struct roost_argon2_limits *const limits =
	&roost_argon2_limits_server;

/* FORMAT.md 1.4 by HMAC alone: one block of HKDF-Expand. */
static void
derive_by_hand(const uint8_t *key, const char *label, const uint8_t *extra,
	       size_t extra_len, uint8_t *out_r)
{
	uint8_t info[100] = "roost/v1 ";
	size_t len = 9;

	memcpy(info + len, label, strlen(label) + 1);
	len += strlen(label) + 1;
	if (extra_len > 0)
		memcpy(info + len, extra, extra_len);
	len += extra_len;
	info[len++] = 1;
	assert_good(roost_prim_hmac_sha512(key, 32, info, len, out_r));
}

static void
test_derived_keys_are_those_of_the_format(void **state)
{
	static const uint8_t number[4] = { 0, 0, 1, 2 };
	uint8_t key[32], right[64], out[64], other[32];

	(void)state;
	kit_fill(key, 32);
	derive_by_hand(key, "psk", number, 4, right);
	assert_good(roost_slot_derive(key, "psk", number, 4, out, 32));
	assert_memory_equal(out, right, 32);
	assert_good(roost_slot_derive(key, "psk", number, 3, other, 32));
	assert_memory_not_equal(out, other, 32);
	derive_by_hand(key, "keyword", NULL, 0, right);
	assert_good(roost_slot_derive(key, "keyword", NULL, 0, out, 64));
	assert_memory_equal(out, right, 64);
	derive_by_hand(key, "provider slot", NULL, 0, right);
	assert_good(roost_slot_kek_provider(key, out));
	assert_memory_equal(out, right, 32);
}

/* FORMAT.md 8.7. */
static void
test_the_password_key_is_that_of_the_format(void **state)
{
	uint8_t host[32], secret[32], salt[16], pepper[64], mac[32];
	uint8_t right[32], kek[32];

	(void)state;
	kit_fill(host, 32);
	kit_fill(secret, 32);
	kit_fill(salt, 16);
	derive_by_hand(host, "pepper", NULL, 0, pepper);
	assert_good(roost_prim_hmac_sha256(pepper, 32, secret, 32, mac));
	assert_good(roost_prim_argon2id(mac, 32, salt, 1, 8192, right));
	assert_good(roost_slot_kek_password(host, secret, salt, 1, 8192,
					    limits, kek));
	assert_memory_equal(kek, right, 32);
}

static void
test_the_random_key_is_that_of_the_format(void **state)
{
	uint8_t secret[32], salt[16], prk[64], block[64], kek[32];
	uint8_t info[15] = "roost/v1 slot";
	size_t len;

	(void)state;
	kit_fill(secret, 32);
	kit_fill(salt, 16);
	for (len = 20; len <= 32; len += 12) {
		assert_good(roost_prim_hmac_sha512(salt, 16, secret, len,
						   prk));
		info[14] = 1;
		assert_good(roost_prim_hmac_sha512(prk, 64, info, 15, block));
		assert_good(roost_slot_kek_random(secret, len, salt, kek));
		assert_memory_equal(kek, block, 32);
	}
}

static void
test_argon2_has_limits(void **state)
{
	static const struct {
		uint32_t t, m_kib;
		bool is_good;
	} costs[] = {
		{ 0, 8192, false }, { 1, 8192, true }, { 2, 8192, true },
		{ 3, 8192, false }, { UINT32_MAX, 8192, false },
		{ 1, 8191, false }, { 1, 0, false }, { 1, 1, false },
		{ 1, 9000, true }, { 1, 9001, false },
		{ 1, UINT32_MAX, false }, { 1, 0x7fffffff, false },
		{ 0, 0, false },
	};
	static const struct roost_argon2_limits narrow = {
		.t_max = 2, .m_kib_max = 9000
	};
	uint8_t host[32] = { 1 }, secret[32] = { 2 }, salt[16] = { 3 };
	uint8_t kek[32];
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(costs); i++) {
		memset(kek, 0x55, 32);
		assert_gate(roost_slot_kek_password(host, secret, salt,
				costs[i].t, costs[i].m_kib, &narrow, kek),
			    costs[i].is_good ? ROOST_OK :
			    ROOST_ERR_ARGON2_LIMIT);
		assert_int_equal(roost_bytes_are_zero(kek, 32),
				 !costs[i].is_good);
	}
	assert_int_equal(limits->t_max, 10);
	assert_int_equal(limits->m_kib_max, 131072);
	assert_gate(roost_slot_kek_password(host, secret, salt, 11, 8192,
					    limits, kek),
		    ROOST_ERR_ARGON2_LIMIT);
	assert_gate(roost_slot_kek_password(host, secret, salt, 1, 131073,
					    limits, kek),
		    ROOST_ERR_ARGON2_LIMIT);
}

/* Without the provider key a stolen password is worth nothing, and so on. */
static void
test_password_key_depends_on_all_it_gets(void **state)
{
	uint8_t host[32], secret[32], salt[16], kek[32], other[32];

	(void)state;
	kit_fill(host, 32);
	kit_fill(secret, 32);
	kit_fill(salt, 16);
	assert_good(roost_slot_kek_password(host, secret, salt, 1, 8192,
					    limits, kek));
	host[31] ^= 1;
	assert_good(roost_slot_kek_password(host, secret, salt, 1, 8192,
					    limits, other));
	assert_memory_not_equal(kek, other, 32);
	host[31] ^= 1;
	secret[31] ^= 1;
	assert_good(roost_slot_kek_password(host, secret, salt, 1, 8192,
					    limits, other));
	assert_memory_not_equal(kek, other, 32);
	secret[31] ^= 1;
	salt[15] ^= 1;
	assert_good(roost_slot_kek_password(host, secret, salt, 1, 8192,
					    limits, other));
	assert_memory_not_equal(kek, other, 32);
}

/* What the text must be, bit by bit. */
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
	char text[ROOST_RECOVERY_TEXT_SIZE], right[ROOST_RECOVERY_TEXT_SIZE];
	int round;

	(void)state;
	assert_good(roost_slot_recovery_text(zeros, text));
	assert_memory_equal(text, "0000-0000-0000-0000-0000-0000-0000-0000-",
			    40);
	for (round = 0; round < 200; round++) {
		kit_fill(code, 20);
		code_by_hand(code, right);
		assert_good(roost_slot_recovery_text(code, text));
		assert_string_equal(text, right);
		assert_int_equal(strlen(text), 44);
		assert_good(roost_slot_recovery_parse(
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
	err = roost_slot_recovery_parse(
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
	char text[ROOST_RECOVERY_TEXT_SIZE], typed[100];
	size_t i, len;
	int round;

	(void)state;
	for (round = 0; round < 200; round++) {
		kit_fill(code, 20);
		assert_good(roost_slot_recovery_text(code, text));
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

/* The value of a digit in the alphabet; its likenesses count. */
static int
digit_value(int c)
{
	const char *found;

	c = toupper(c);
	c = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
	found = c == '\0' ? NULL : strchr(alphabet, c);
	return found == NULL ? -1 : (int)(found - alphabet);
}

/*
 * One digit mistyped: 36 places with 31 other digits each.  The check has 20
 * bits, so one in a million of these is a right code by chance; what the
 * code must never do is accept one whose check does not fit.
 */
static void
test_a_mistyped_digit_is_caught(void **state)
{
	uint8_t code[20];
	char text[ROOST_RECOVERY_TEXT_SIZE], right[ROOST_RECOVERY_TEXT_SIZE];
	size_t i, digit, collisions = 0;
	int round, rounds = kit_is_quick() ? 1 : 30;

	(void)state;
	for (round = 0; round < rounds; round++) {
		kit_fill(code, 20);
		assert_good(roost_slot_recovery_text(code, text));
		for (i = 0; i < 44; i++) {
			char old = text[i];

			for (digit = 0; old != '-' && digit < 32; digit++) {
				uint8_t back[20];
				enum roost_err err;

				text[i] = alphabet[digit];
				if (text[i] == old)
					continue;
				err = roost_slot_recovery_parse(text, 44,
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
	/* 33480 tries: even three would be one in 200000. */
	assert_true(collisions < 3);
}

static void
test_two_digits_exchanged_are_caught(void **state)
{
	uint8_t code[20];
	char text[ROOST_RECOVERY_TEXT_SIZE];
	size_t i, caught = 0, tried = 0;
	int round;

	(void)state;
	for (round = 0; round < 100; round++) {
		kit_fill(code, 20);
		assert_good(roost_slot_recovery_text(code, text));
		for (i = 0; i < 43; i++) {
			char c = text[i];
			uint8_t back[20];

			if (c == '-' || text[i + 1] == '-' || c == text[i + 1])
				continue;
			text[i] = text[i + 1];
			text[i + 1] = c;
			tried++;
			if (roost_slot_recovery_parse(text, 44, back) ==
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
	char text[ROOST_RECOVERY_TEXT_SIZE], typed[60];
	size_t i;
	int c;

	(void)state;
	kit_fill(code, 20);
	assert_good(roost_slot_recovery_text(code, text));
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
	char text[ROOST_RECOVERY_TEXT_SIZE + 10], many[4000];
	size_t len;

	(void)state;
	kit_fill(code, 20);
	assert_good(roost_slot_recovery_text(code, text));
	memset(many, '0', sizeof(many));
	assert_gate(code_parse(many, sizeof(many), code),
		    ROOST_ERR_CODE_TYPO);
	for (len = 0; len < 44; len++)
		assert_gate(code_parse(text, len, code), ROOST_ERR_CODE_TYPO);
	memcpy(text + 44, "00", 2);
	assert_gate(code_parse(text, 45, code), ROOST_ERR_CODE_TYPO);
	assert_gate(code_parse(text, 46, code), ROOST_ERR_CODE_TYPO);
	/* Also of a code that looks as if nothing had been read. */
	memset(code, 0, 20);
	assert_good(roost_slot_recovery_text(code, text));
	assert_good(code_parse(text, 44, code));
	memcpy(text + 44, "0", 1);
	assert_gate(code_parse(text, 45, code), ROOST_ERR_CODE_TYPO);
}

#define KEY_TEXT "00112233445566778899aabbccddeeff" \
	"FFEEDDCCBBAA99887766554433221100"

static void
test_key_files(void **state)
{
	static const struct {
		const char *text;
		bool is_good;
	} files[] = {
		{ KEY_TEXT, true }, { KEY_TEXT "\n", true },
		{ KEY_TEXT "\r\n", true }, { "", false }, { "\n", false },
		{ "\r\n", false }, { KEY_TEXT "\r", false },
		{ KEY_TEXT "\n\n", false }, { KEY_TEXT "\r\r\n", false },
		{ KEY_TEXT "0", false }, { KEY_TEXT "00", false },
		{ KEY_TEXT "00\n", false }, { " " KEY_TEXT, false },
		{ KEY_TEXT " ", false }, { KEY_TEXT " \n", false },
		{ "0x" KEY_TEXT, false }, { "0x" KEY_TEXT "\n", false },
	};
	uint8_t key[32];
	size_t i, len;

	(void)state;
	for (i = 0; i < KIT_COUNT(files); i++) {
		len = strlen(files[i].text);
		memset(key, 0x55, 32);
		assert_gate(roost_slot_key_parse(
			(const char *)kit_at_fence(files[i].text, len), len,
			key), files[i].is_good ? ROOST_OK :
			ROOST_ERR_KEY_FILE);
		if (!files[i].is_good) {
			assert_zero(key, 32);
			continue;
		}
		assert_int_equal(key[1], 0x11);
		assert_int_equal(key[16], 0xff);
		assert_int_equal(key[31], 0);
	}
	for (len = 0; len < 64; len++)
		assert_gate(roost_slot_key_parse(
			(const char *)kit_at_fence(KEY_TEXT, len), len, key),
			    ROOST_ERR_KEY_FILE);
	for (i = 0; i < 64; i++) {
		char text[] = KEY_TEXT;

		text[i] = "g/:@`G \n"[i % 8];
		assert_gate(roost_slot_key_parse(text, 64, key),
			    ROOST_ERR_KEY_FILE);
		assert_zero(key, 32);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_derived_keys_are_those_of_the_format),
		cmocka_unit_test(test_the_password_key_is_that_of_the_format),
		cmocka_unit_test(test_the_random_key_is_that_of_the_format),
		cmocka_unit_test(test_argon2_has_limits),
		cmocka_unit_test(test_password_key_depends_on_all_it_gets),
		cmocka_unit_test(test_a_code_is_nine_groups_of_four),
		cmocka_unit_test(test_codes_are_read_as_people_write_them),
		cmocka_unit_test(test_a_mistyped_digit_is_caught),
		cmocka_unit_test(test_two_digits_exchanged_are_caught),
		cmocka_unit_test(test_other_characters_are_not_a_code),
		cmocka_unit_test(test_a_code_of_another_length_is_refused),
		cmocka_unit_test(test_key_files),
	};

	return cmocka_run_group_tests_name("slot", tests, kit_setup,
					   kit_teardown);
}
