/* SPDX-License-Identifier: MIT */
/*
 * slot: the keys that wrap the master key are those of the format, and
 * Argon2id costs no more than is allowed.
 */
#include "kit.h"

#include "roost/bytes.h"
#include "roost/derive.h"

#include <string.h>

static const struct roost_argon2_limits *const limits =
	&roost_slot_argon2_server;

static void
test_the_provider_slots_key_is_that_of_the_format(void **state)
{
	uint8_t host[32], right[32], kek[32];

	(void)state;
	kit_fill(host, 32);
	assert_good(roost_derive(host, "provider slot", NULL, 0, right, 32));
	assert_good(roost_slot_kek_provider(host, kek));
	assert_memory_equal(kek, right, 32);
}

/* The key is that of FORMAT.md 8.7. */
static void
test_the_password_key_is_that_of_the_format(void **state)
{
	uint8_t host[32], secret[32], salt[16], pepper[32], mac[32];
	uint8_t right[32], kek[32];

	(void)state;
	kit_fill(host, 32);
	kit_fill(secret, 32);
	kit_fill(salt, 16);
	assert_good(roost_derive(host, "pepper", NULL, 0, pepper, 32));
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

static void
test_a_cost_is_raised_and_never_lowered(void **state)
{
	const struct roost_argon2_cost wanted = { .t = 3, .m_kib = 65536 };
	static const struct {
		struct roost_argon2_cost before, after;
	} costs[] = {
		{ { 3, 65536 }, { 3, 65536 } },
		{ { 4, 65537 }, { 4, 65537 } },
		{ { 2, 65536 }, { 3, 65536 } },
		{ { 3, 65535 }, { 3, 65536 } },
		{ { 10, 8192 }, { 10, 65536 } },
		{ { 1, 131072 }, { 3, 131072 } },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
		struct roost_argon2_cost cost = costs[i].before;

		assert_int_equal(roost_slot_cost_raise(&cost, &wanted), i > 1);
		assert_int_equal(cost.t, costs[i].after.t);
		assert_int_equal(cost.m_kib, costs[i].after.m_kib);
	}
}

/* A stolen password is worth nothing without the provider key, and likewise for
   the rest. */
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_the_provider_slots_key_is_that_of_the_format),
		cmocka_unit_test(test_the_password_key_is_that_of_the_format),
		cmocka_unit_test(test_the_random_key_is_that_of_the_format),
		cmocka_unit_test(test_argon2_has_limits),
		cmocka_unit_test(test_a_cost_is_raised_and_never_lowered),
		cmocka_unit_test(test_password_key_depends_on_all_it_gets),
	};

	return cmocka_run_group_tests_name("slot", tests, kit_setup,
					   kit_teardown);
}
