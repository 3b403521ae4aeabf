/* SPDX-License-Identifier: MIT */
/*
 * verified: what was found good is not checked again, but what differs from it
 * in one bit is, and what was found bad is never remembered.
 */
#include "kit.h"

#include <string.h>

static unsigned int check_count;

static bool
counted_check(const uint8_t public_key[ROOST_KEY_SIZE], const void *bytes,
	      size_t len, const uint8_t signature[ROOST_SIGNATURE_SIZE])
{
	check_count++;
	return roost_prim_sign_check(public_key, bytes, len, signature);
}

#define roost_prim_sign_check counted_check
#include "core/verified.c"
#undef roost_prim_sign_check

#define TEXT_LEN 100

struct signed_text {
	uint8_t public_key[ROOST_KEY_SIZE];
	uint8_t signature[ROOST_SIGNATURE_SIZE];
	uint8_t text[TEXT_LEN + 1];
};

static void
sign(struct signed_text *st, unsigned int number)
{
	uint8_t seed[ROOST_KEY_SIZE];

	memset(seed, 7, sizeof(seed));
	memset(st->text, 'x', sizeof(st->text));
	memcpy(st->text, &number, sizeof(number));
	assert_good(roost_prim_sign_public(seed, st->public_key));
	assert_good(roost_prim_sign(seed, st->text, TEXT_LEN, st->signature));
}

static bool
is_good(const struct signed_text *st, size_t len)
{
	bool is_good;

	assert_good(roost_verified_check(st->public_key, st->text, len,
					 st->signature, &is_good));
	return is_good;
}

static void
test_good_is_checked_once(void **state)
{
	struct signed_text st;

	(void)state;
	sign(&st, 1);
	check_count = 0;
	assert_true(is_good(&st, TEXT_LEN));
	assert_true(is_good(&st, TEXT_LEN));
	assert_true(is_good(&st, TEXT_LEN));
	assert_int_equal(check_count, 1);
}

static void
test_changed_is_checked_and_refused(void **state)
{
	struct signed_text st, changed;
	uint8_t *bytes = (uint8_t *)&changed;
	size_t i;

	(void)state;
	sign(&st, 2);
	assert_true(is_good(&st, TEXT_LEN));
	check_count = 0;
	for (i = 0; i < offsetof(struct signed_text, text) + TEXT_LEN; i++) {
		changed = st;
		bytes[i] ^= 1;
		assert_false(is_good(&changed, TEXT_LEN));
		assert_false(is_good(&changed, TEXT_LEN));
	}
	assert_int_equal(check_count, 2 * i);
	assert_false(is_good(&st, TEXT_LEN - 1));
	assert_false(is_good(&st, TEXT_LEN + 1));
	assert_true(is_good(&st, TEXT_LEN));
}

static void
test_the_oldest_is_forgotten(void **state)
{
	struct signed_text st;
	unsigned int i;

	(void)state;
	for (i = 0; i < ROOST_VERIFIED_MAX + 1; i++) {
		sign(&st, 1000 + i);
		assert_true(is_good(&st, TEXT_LEN));
	}
	check_count = 0;
	for (i = 1; i < ROOST_VERIFIED_MAX + 1; i++) {
		sign(&st, 1000 + i);
		assert_true(is_good(&st, TEXT_LEN));
	}
	assert_int_equal(check_count, 0);
	sign(&st, 1000);
	assert_true(is_good(&st, TEXT_LEN));
	assert_int_equal(check_count, 1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_is_checked_once),
		cmocka_unit_test(
			test_changed_is_checked_and_refused),
		cmocka_unit_test(test_the_oldest_is_forgotten),
	};

	assert_good(roost_prim_init());
	return cmocka_run_group_tests_name("verified", tests, NULL, NULL);
}
