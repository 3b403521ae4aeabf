/* SPDX-License-Identifier: MIT */
/*
 * derive: derived keys are those that the format describes.
 */
#include "kit.h"

#include "roost/derive.h"

#include <string.h>

/* Derive as FORMAT.md 1.4 says by HMAC alone, which is one block of
   HKDF-Expand. */
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
	assert_good(roost_derive(key, "psk", number, 4, out, 32));
	assert_memory_equal(out, right, 32);
	assert_good(roost_derive(key, "psk", number, 3, other, 32));
	assert_memory_not_equal(out, other, 32);
	derive_by_hand(key, "keyword", NULL, 0, right);
	assert_good(roost_derive(key, "keyword", NULL, 0, out, 64));
	assert_memory_equal(out, right, 64);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_derived_keys_are_those_of_the_format),
	};

	return cmocka_run_group_tests_name("derive", tests, kit_setup,
					   kit_teardown);
}
