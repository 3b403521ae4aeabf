/* SPDX-License-Identifier: MIT */
/*
 * chunk: geometry (FORMAT.md 5.5, 5.6), keys, one chunk sealed and opened.
 */
#include "kit.h"

#include "roost/bytes.h"
#include "roost/secret.h"

#include <stdlib.h>
#include <string.h>

/* This is the core's own file, built so that the library below it can be made
   to fail. */
static bool has_no_aead;

static struct roost_aead *
test_aead(const uint8_t *key)
{
	return has_no_aead ? NULL : roost_prim_aead_new(key);
}

#define roost_prim_aead_new test_aead
#include "core/chunk.c"
#undef roost_prim_aead_new

#define FRAME (ROOST_PROLOGUE_SIZE + ROOST_DIGEST_SIZE)
#define SEALED ((uint64_t)ROOST_CHUNK_SEALED_SIZE)

/* The totals are those of FORMAT.md 11.1. */
static void
test_byte_totals_are_those_of_the_format(void **state)
{
	static const struct {
		uint64_t plain, object;
	} totals[] = {
		{ 0, 260 }, { 1, 261 }, { 16383, 16643 }, { 16384, 16660 },
		{ 16385, 16661 }, { 32768, 33060 },
		{ (UINT64_C(1) << 46) - 1, UINT64_C(70437463654643) },
	};
	struct roost_body body;
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(totals); i++) {
		assert_true(roost_chunk_object_size(KIT_HEADER_SIZE,
			totals[i].plain) == totals[i].object);
		assert_good(roost_chunk_geometry(KIT_HEADER_SIZE,
						 totals[i].object, &body));
		assert_true(body.plain_size == totals[i].plain);
		assert_true(body.final_idx == totals[i].plain / 16384);
		assert_true(body.final_sealed_len ==
			    totals[i].plain % 16384 + 16);
		assert_true(body.body_off == KIT_BODY_OFF);
	}
}

static void
test_a_plaintext_beyond_the_last_chunk_cannot_exist(void **state)
{
	(void)state;
	assert_true(roost_chunk_object_size(156, UINT64_C(1) << 46) == 0);
	assert_true(roost_chunk_object_size(156, UINT64_MAX) == 0);
	assert_true(roost_chunk_object_size(156, UINT64_MAX - 300) == 0);
}

/* Every length up to two chunks and a bit is compared with FORMAT.md 5.5
   written out. */
static void
test_lengths_that_cannot_exist_are_refused(void **state)
{
	struct roost_body body;
	uint64_t total, step = kit_is_quick() ? 37 : 1;

	(void)state;
	for (total = 0; total < 33400; total += step) {
		uint64_t l = total - KIT_HEADER_SIZE - FRAME;
		bool may_be = total >= KIT_HEADER_SIZE + FRAME + 16 &&
			l % SEALED >= 16;
		enum roost_err err;

		memset(&body, 0x55, sizeof(body));
		err = roost_chunk_geometry(KIT_HEADER_SIZE, total, &body);
		assert_gate(err, may_be ? ROOST_OK : ROOST_ERR_LENGTH);
		if (!may_be) {
			assert_zero(&body, sizeof(body));
			continue;
		}
		assert_true(body.plain_size == l / SEALED * 16384 +
			    l % SEALED - 16);
		assert_true(roost_chunk_object_size(KIT_HEADER_SIZE,
				body.plain_size) == total);
	}
}

static void
test_there_are_at_most_2_to_the_32_chunks(void **state)
{
	uint64_t frame = KIT_HEADER_SIZE + FRAME;
	uint64_t full = (UINT64_C(1) << 32) - 1;
	struct roost_body body;

	(void)state;
	assert_good(roost_chunk_geometry(KIT_HEADER_SIZE, frame +
					 full * SEALED + 16, &body));
	assert_true(body.final_idx == full);
	assert_good(roost_chunk_geometry(KIT_HEADER_SIZE, frame +
					 full * SEALED + 16399, &body));
	assert_gate(roost_chunk_geometry(KIT_HEADER_SIZE, frame +
					 (full + 1) * SEALED + 16, &body),
		    ROOST_ERR_LENGTH);
	assert_gate(roost_chunk_geometry(KIT_HEADER_SIZE, UINT64_MAX, &body),
		    ROOST_ERR_LENGTH);
}

static void
test_chunks_lie_one_behind_the_other(void **state)
{
	struct roost_body body;
	uint64_t idx;

	(void)state;
	assert_good(roost_chunk_geometry(300, 300 + FRAME + 3 * SEALED + 21,
					 &body));
	for (idx = 0; idx <= 3; idx++) {
		assert_true(roost_chunk_off(&body, idx) ==
			    300 + 56 + idx * SEALED);
		assert_int_equal(roost_chunk_sealed_len(&body, idx),
				 idx == 3 ? 21 : 16400);
	}
}

struct fixture {
	uint8_t data_key[ROOST_KEY_SIZE];
	uint8_t salt[ROOST_SALT_SIZE];
	uint8_t header[200];
	struct roost_chunk_keys keys;
};

static void
fixture_init(struct fixture *fix)
{
	kit_fill(fix->data_key, sizeof(fix->data_key));
	kit_fill(fix->salt, sizeof(fix->salt));
	kit_fill(fix->header, sizeof(fix->header));
	assert_good(roost_chunk_keys_derive(&fix->keys, fix->data_key,
					    fix->salt, fix->header,
					    sizeof(fix->header)));
}

/* The keys are made as FORMAT.md 5.1 says, from its parts. */
static void
test_keys_are_those_of_the_format(void **state)
{
	static const char label[] =
		"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM";
	uint8_t info[48 + 24 + 64], okm[76], nonce[12], sealed[16];
	uint8_t right[16];
	struct roost_aead *aead;
	struct roost_hkdf_args args = { .info = info, .info_len = 136 };
	struct fixture fix;

	(void)state;
	fixture_init(&fix);
	memcpy(info, label, 48);
	memcpy(info + 48, fix.salt, 24);
	assert_good(roost_prim_sha512(fix.header, sizeof(fix.header),
				      info + 72));
	args.key = fix.data_key;
	args.key_len = 32;
	assert_good(roost_prim_hkdf(ROOST_HKDF_SHA512_EXPAND, &args, okm, 76));
	assert_memory_equal(fix.keys.base_nonce, okm + 32, 12);
	assert_memory_equal(fix.keys.commitment, okm + 44, 32);
	/* Chunk 0x01020304 is sealed under the base nonce XOR that number. */
	memcpy(nonce, okm + 32, 12);
	nonce[8] ^= 1;
	nonce[9] ^= 2;
	nonce[10] ^= 3;
	nonce[11] ^= 4;
	aead = roost_prim_aead_new(okm);
	assert_non_null(aead);
	assert_good(roost_prim_aead_seal(aead, nonce, NULL, 0, NULL, 0,
					 right));
	assert_good(roost_chunk_seal(&fix.keys, 0x01020304, NULL, 0, sealed));
	assert_memory_equal(sealed, right, 16);
	roost_prim_aead_free(&aead);
	roost_chunk_keys_wipe(&fix.keys);
}

static void
test_any_bit_of_what_keys_come_from_changes_them(void **state)
{
	struct fixture fix;
	struct roost_chunk_keys other;
	size_t bit, bits = 8 * (32 + 24 + 200);

	(void)state;
	fixture_init(&fix);
	for (bit = 0; bit < bits; bit += kit_is_quick() ? 61 : 1) {
		uint8_t *byte = (uint8_t *)&fix + bit / 8;

		assert_true(offsetof(struct fixture, header) == 56);
		*byte ^= (uint8_t)(1 << bit % 8);
		assert_good(roost_chunk_keys_derive(&other, fix.data_key,
			fix.salt, fix.header, sizeof(fix.header)));
		*byte ^= (uint8_t)(1 << bit % 8);
		assert_memory_not_equal(other.commitment, fix.keys.commitment,
					ROOST_COMMITMENT_SIZE);
		assert_memory_not_equal(other.base_nonce, fix.keys.base_nonce,
					ROOST_NONCE_SIZE);
		roost_chunk_keys_wipe(&other);
	}
	/* The header's length alone changes the keys, too. */
	fix.header[199] = 0;
	assert_good(roost_chunk_keys_derive(&other, fix.data_key, fix.salt,
					    fix.header, 199));
	assert_memory_not_equal(other.commitment, fix.keys.commitment,
				ROOST_COMMITMENT_SIZE);
	roost_chunk_keys_wipe(&other);
	roost_chunk_keys_wipe(&fix.keys);
}

static void
test_wiped_keys_are_zero(void **state)
{
	struct fixture fix;

	(void)state;
	fixture_init(&fix);
	roost_chunk_keys_wipe(&fix.keys);
	assert_zero(&fix.keys, sizeof(fix.keys));
	roost_chunk_keys_wipe(&fix.keys);
}

static void
test_a_chunk_opens_in_its_place_only(void **state)
{
	static const uint64_t places[] = { 0, 1, 255, 256, 65536, 1U << 31,
		(UINT64_C(1) << 32) - 1 };
	uint8_t plain[100], sealed[116], opened[116];
	struct fixture fix;
	size_t i, j;

	(void)state;
	fixture_init(&fix);
	kit_fill(plain, sizeof(plain));
	for (i = 0; i < KIT_COUNT(places); i++) {
		assert_good(roost_chunk_seal(&fix.keys, places[i], plain,
					     sizeof(plain), sealed));
		for (j = 0; j < KIT_COUNT(places); j++) {
			memcpy(opened, sealed, sizeof(sealed));
			assert_gate(roost_chunk_open(&fix.keys, places[j],
					opened, sizeof(opened), opened),
				    i == j ? ROOST_OK : ROOST_ERR_CHUNK);
			if (i == j)
				assert_memory_equal(opened, plain, 100);
			else
				assert_zero(opened, 100);
		}
	}
	roost_chunk_keys_wipe(&fix.keys);
}

/* Besides, no plaintext may stand where it was opened in place. */
static void
test_any_flipped_bit_dies_and_leaves_zeros(void **state)
{
	static const size_t lens[] = { 0, 1, 15, 16, 17, 64 };
	uint8_t plain[64], sealed[80], opened[80];
	struct fixture fix;
	size_t i, bit;

	(void)state;
	fixture_init(&fix);
	kit_fill(plain, sizeof(plain));
	for (i = 0; i < KIT_COUNT(lens); i++) {
		size_t len = lens[i] + ROOST_TAG_SIZE;

		assert_good(roost_chunk_seal(&fix.keys, 7, plain, lens[i],
					     sealed));
		for (bit = 0; bit < 8 * len; bit++) {
			memcpy(opened, sealed, len);
			opened[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_gate(roost_chunk_open(&fix.keys, 7, opened,
						     len, opened),
				    ROOST_ERR_CHUNK);
			assert_zero(opened, lens[i]);
		}
		/* The keys must not be harmed by what failed. */
		assert_good(roost_chunk_open(&fix.keys, 7, sealed, len,
					     sealed));
		assert_memory_equal(sealed, plain, lens[i]);
	}
	roost_chunk_keys_wipe(&fix.keys);
}

static void
test_any_cut_chunk_dies(void **state)
{
	uint8_t plain[64], sealed[80];
	struct fixture fix;
	size_t len;

	(void)state;
	fixture_init(&fix);
	kit_fill(plain, sizeof(plain));
	for (len = 0; len < sizeof(sealed); len++) {
		uint8_t *at;

		assert_good(roost_chunk_seal(&fix.keys, 0, plain, 64, sealed));
		at = kit_at_fence(sealed, len);
		assert_gate(roost_chunk_open(&fix.keys, 0, at, len, at),
			    ROOST_ERR_CHUNK);
	}
	roost_chunk_keys_wipe(&fix.keys);
}

static void
test_no_keys_without_a_cipher(void **state)
{
	uint8_t saved[ROOST_SAVED_KEYS_SIZE], bytes[200];
	uint8_t zeros[sizeof(struct roost_chunk_keys)] = { 0 };
	struct roost_chunk_keys keys;

	(void)state;
	kit_fill(bytes, sizeof(bytes));
	assert_good(roost_chunk_keys_derive(&keys, bytes, bytes + 32, bytes,
					    sizeof(bytes)));
	assert_good(roost_chunk_keys_save(&keys, bytes, sizeof(bytes),
					  saved));
	roost_chunk_keys_wipe(&keys);
	has_no_aead = true;
	assert_gate(roost_chunk_keys_derive(&keys, bytes, bytes + 32, bytes,
					    sizeof(bytes)),
		    ROOST_ERR_BACKEND);
	assert_memory_equal(&keys, zeros, sizeof(keys));
	assert_gate(roost_chunk_keys_restore(&keys, saved, bytes,
					     sizeof(bytes)),
		    ROOST_ERR_BACKEND);
	has_no_aead = false;
	assert_memory_equal(&keys, zeros, sizeof(keys));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_byte_totals_are_those_of_the_format),
		cmocka_unit_test(
			test_a_plaintext_beyond_the_last_chunk_cannot_exist),
		cmocka_unit_test(test_lengths_that_cannot_exist_are_refused),
		cmocka_unit_test(test_there_are_at_most_2_to_the_32_chunks),
		cmocka_unit_test(test_chunks_lie_one_behind_the_other),
		cmocka_unit_test(test_keys_are_those_of_the_format),
		cmocka_unit_test(
			test_any_bit_of_what_keys_come_from_changes_them),
		cmocka_unit_test(test_wiped_keys_are_zero),
		cmocka_unit_test(test_a_chunk_opens_in_its_place_only),
		cmocka_unit_test(test_any_flipped_bit_dies_and_leaves_zeros),
		cmocka_unit_test(test_any_cut_chunk_dies),
		cmocka_unit_test(test_no_keys_without_a_cipher),
	};

	return cmocka_run_group_tests_name("chunk", tests, kit_setup,
					   kit_teardown);
}
