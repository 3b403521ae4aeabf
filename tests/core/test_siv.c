/* SPDX-License-Identifier: MIT */
/*
 * siv: the same input gives the same output, which opens with its key and
 * associated data alone.
 */
#include "kit.h"

#include "core/siv-private.h"
#include "roost/bytes.h"

#include <string.h>

/* Made by Python's hmac.digest() from what FORMAT.md 13.2 says. */
static void
test_known_answers(void **state)
{
	static const struct {
		const char *key, *ad, *plain, *sealed;
	} cases[] = {
		{ "000102030405060708090a0b0c0d0e0f101112131415161718191a1b"
		  "1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637"
		  "38393a3b3c3d3e3f",
		  "",
		  "0d",
		  "c8acf574ab7b0c70e97f1353ad6d40a381" },
		{ "000102030405060708090a0b0c0d0e0f101112131415161718191a1b"
		  "1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637"
		  "38393a3b3c3d3e3f",
		  "404142434445464748494a4b4c4d4e4f505152535455565758595a5b"
		  "5c5d5e5f",
		  "64656e74697374",
		  "24d4f3883f3768546bc85a9d5475412cfe8c30bc6b9228" },
		{ "6465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
		  "808182838485868788898a8b8c8d8e8f909192939495969798999a9b"
		  "9c9d9e9fa0a1a2a3",
		  "61616161616161616161616161616161616161616161616161616161"
		  "61616161616161616161616161616161616161616161616161616161"
		  "6161616161616161",
		  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b"
		  "1c1d1e1f2021222324252627",
		  "47118155e211efa25b13e8d662321e489aae3bd7d7e84a11d174adea"
		  "89f2191a5eb6bc06fa70acedbbed6d63944323ceafdbb7bf0da4be80" },
	};
	uint8_t key[64], ad[64], plain[40], right[56], out[56];
	size_t i, ad_len, len;

	(void)state;
	for (i = 0; i < KIT_COUNT(cases); i++) {
		ad_len = strlen(cases[i].ad) / 2;
		len = strlen(cases[i].plain) / 2;
		kit_unhex(cases[i].key, key, 64);
		kit_unhex(cases[i].ad, ad, ad_len);
		kit_unhex(cases[i].plain, plain, len);
		kit_unhex(cases[i].sealed, right, len + 16);
		memset(out, 0x55, sizeof(out));
		assert_good(roost_siv_seal(key, ad, ad_len, plain, len, out));
		assert_memory_equal(out, right, len + 16);
		memset(out, 0x55, sizeof(out));
		assert_good(roost_siv_open(key, ad, ad_len,
			kit_at_fence(right, len + 16), len + 16, out));
		assert_memory_equal(out, plain, len);
		assert_true(out[len] == 0x55);
	}
}

static void
test_it_opens_with_its_key_and_ad_only(void **state)
{
	uint8_t key[64], ad[20], plain[255], sealed[271], again[271];
	uint8_t out[255];
	size_t len, bit, round;

	(void)state;
	for (round = 0; round < 60; round++) {
		kit_fill(key, sizeof(key));
		kit_fill(ad, sizeof(ad));
		len = 1 + kit_below(sizeof(plain));
		kit_fill(plain, len);
		assert_good(roost_siv_seal(key, ad, 20,
			kit_at_fence(plain, len), len, sealed));
		assert_good(roost_siv_seal(key, ad, 20, plain, len,
						again));
		assert_memory_equal(sealed, again, len + 16);
		for (bit = kit_below(16); bit < 8 * (len + 16); bit += 16) {
			sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
			memset(out, 0x55, sizeof(out));
			assert_gate(roost_siv_open(key, ad, 20, sealed,
				len + 16, out), ROOST_ERR_CHUNK);
			assert_zero(out, len);
			sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_gate(roost_siv_open(key, ad, 19, sealed, len + 16,
						out), ROOST_ERR_CHUNK);
		assert_zero(out, len);
		bit = kit_below(8 * sizeof(key));
		key[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_gate(roost_siv_open(key, ad, 20, sealed, len + 16,
						out), ROOST_ERR_CHUNK);
		assert_zero(out, len);
	}
}

/* A byte may not pass from the associated data to the text. */
static void
test_where_the_text_begins_counts(void **state)
{
	uint8_t key[64], text[20], one[36], two[36];

	(void)state;
	kit_fill(key, sizeof(key));
	kit_fill(text, sizeof(text));
	assert_good(roost_siv_seal(key, text, 9, text + 9, 11, one));
	assert_good(roost_siv_seal(key, text, 10, text + 10, 10, two));
	assert_memory_not_equal(one, two, 16);
}

static void
test_what_has_no_place_is_refused(void **state)
{
	uint8_t key[64] = { 1 }, ad[65] = { 2 }, sealed[272], out[256] = { 3 };
	size_t len;

	(void)state;
	memset(sealed, 0x55, sizeof(sealed));
	assert_gate(roost_siv_seal(key, "ad", 2, key, 0, sealed),
		    ROOST_ERR_BACKEND);
	assert_zero(sealed, 16);
	assert_int_equal(sealed[16], 0x55);
	for (len = 0; len <= 16; len++)
		assert_gate(roost_siv_open(key, "ad", 2,
			kit_at_fence(sealed, len), len, out),
			    ROOST_ERR_CHUNK);
	memset(sealed, 0x55, sizeof(sealed));
	assert_gate(roost_siv_seal(key, "ad", 2, out, 256, sealed),
		    ROOST_ERR_BACKEND);
	assert_zero(sealed, 272);
	assert_gate(roost_siv_open(key, "ad", 2, sealed, 272, out),
		    ROOST_ERR_CHUNK);
	memset(sealed, 0x55, sizeof(sealed));
	assert_gate(roost_siv_seal(key, ad, 65, key, 20, sealed),
		    ROOST_ERR_BACKEND);
	assert_zero(sealed, 36);
	memset(out, 0x55, sizeof(out));
	assert_gate(roost_siv_open(key, ad, 65, sealed, 36, out),
		    ROOST_ERR_BACKEND);
	assert_zero(out, 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_it_opens_with_its_key_and_ad_only),
		cmocka_unit_test(test_where_the_text_begins_counts),
		cmocka_unit_test(test_what_has_no_place_is_refused),
	};

	return cmocka_run_group_tests_name("siv", tests, kit_setup,
					   kit_teardown);
}
