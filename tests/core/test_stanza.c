/* SPDX-License-Identifier: MIT */
/*
 * stanza: a data key sealed to an epoch, and every way it must not open.
 */
#include "kit.h"

#include "roost/bytes.h"
#include "roost/hpke.h"

#include <stdlib.h>
#include <string.h>

#define EPOCHS 3
#define TABLE_MAX 600

struct fixture {
	uint8_t keyring_id[ROOST_ID_SIZE];
	uint8_t data_key[ROOST_KEY_SIZE];
	struct roost_seal_key seal[EPOCHS];
	struct roost_open_key open[EPOCHS];
	uint8_t header[ROOST_HEADER_FIXED_SIZE + TABLE_MAX];
	size_t len;
};

static void
fixture_init(struct fixture *fix)
{
	size_t i;

	kit_fill((uint8_t *)fix, sizeof(*fix));
	for (i = 0; i < EPOCHS; i++) {
		struct roost_open_key *open = &fix->open[i];
		struct roost_seal_key *seal = &fix->seal[i];

		assert_good(roost_prim_x25519_public(open->private_key,
						     open->public_key));
		assert_good(roost_stanza_key_id(ROOST_STANZA_X25519,
						open->public_key,
						open->key_id));
		memcpy(seal->keyring_id, fix->keyring_id, ROOST_ID_SIZE);
		memcpy(seal->key_id, open->key_id, ROOST_KEY_ID_SIZE);
		memcpy(seal->public_key, open->public_key, ROOST_KEY_SIZE);
		memcpy(seal->psk, open->psk, ROOST_KEY_SIZE);
	}
}

/* Make a header with stanzas for these epochs, in this order. */
static void
fixture_seal(struct fixture *fix, const size_t *epochs, size_t count)
{
	uint8_t object_id[ROOST_ID_SIZE];
	size_t i;

	kit_fill(object_id, sizeof(object_id));
	roost_header_write(fix->keyring_id, object_id, (unsigned int)count,
			   count * ROOST_STANZA_X25519_SIZE, fix->header);
	fix->len = ROOST_HEADER_FIXED_SIZE;
	for (i = 0; i < count; i++) {
		assert_good(roost_stanza_seal(&fix->seal[epochs[i]],
			fix->header, fix->data_key, fix->header + fix->len));
		fix->len += ROOST_STANZA_X25519_SIZE;
	}
}

static void
fixture_one(struct fixture *fix)
{
	static const size_t epoch = 0;

	fixture_init(fix);
	fixture_seal(fix, &epoch, 1);
}

static enum roost_err
fixture_open(const struct fixture *fix, size_t key_count, uint8_t *key_r)
{
	struct roost_header hdr;
	enum roost_err err;

	memset(key_r, 0x55, ROOST_KEY_SIZE);
	err = roost_header_parse(kit_at_fence(fix->header, fix->len),
				 fix->len, &hdr);
	if (err != ROOST_OK)
		return err;
	err = roost_stanza_open(&hdr, fix->keyring_id, fix->open, key_count,
				key_r);
	if (err == ROOST_OK)
		assert_memory_equal(key_r, fix->data_key, ROOST_KEY_SIZE);
	else
		assert_zero(key_r, ROOST_KEY_SIZE);
	return err;
}

static void
assert_opening(const struct fixture *fix, size_t key_count,
	       enum roost_err gate)
{
	uint8_t key[ROOST_KEY_SIZE];

	assert_gate(fixture_open(fix, key_count, key), gate);
}

/* The id is that of FORMAT.md 4.2. */
static void
test_the_key_id_is_that_of_the_format(void **state)
{
	uint8_t text[9 + 1 + 1 + 32] = "roost key", id[8], hash[32];
	uint8_t *key = text + 11;

	(void)state;
	kit_fill(key, 32);
	text[10] = 1;
	assert_good(roost_prim_sha256(text, sizeof(text), hash));
	assert_good(roost_stanza_key_id(ROOST_STANZA_X25519, key, id));
	assert_memory_equal(id, hash, 8);
	assert_good(roost_stanza_key_id(ROOST_STANZA_MLKEM768_X25519, key,
					id));
	assert_memory_not_equal(id, hash, 8);
}

/* Make the stanza as FORMAT.md 4.4 says, by HPKE alone. */
static void
test_the_stanza_is_that_of_the_format(void **state)
{
	uint8_t psk_id[12 + 1 + 16] = "roost/v1 psk";
	uint8_t info[15 + 1 + 64] = "roost/v1 stanza";
	uint8_t key[ROOST_KEY_SIZE];
	const uint8_t *stanza;
	struct fixture fix;
	struct roost_hpke_context hpke;

	(void)state;
	fixture_one(&fix);
	stanza = fix.header + 64;
	assert_int_equal(fix.len, 64 + 92);
	assert_int_equal(stanza[0], 1);
	assert_int_equal(stanza[1], 1);
	assert_int_equal(roost_be16_get(stanza + 2), 80);
	assert_memory_equal(stanza + 4, fix.open[0].key_id, 8);
	memcpy(psk_id + 13, fix.keyring_id, 16);
	memcpy(info + 16, fix.header, 64);
	hpke = (struct roost_hpke_context) {
		.psk = fix.open[0].psk, .psk_id = psk_id, .psk_id_len = 29,
		.info = info, .info_len = 80, .aad = stanza, .aad_len = 12,
	};
	assert_good(roost_hpke_open(&hpke, fix.open[0].public_key,
				    fix.open[0].private_key, stanza + 12,
				    stanza + 44, 48, key));
	assert_memory_equal(key, fix.data_key, 32);
}

static void
test_a_sealed_key_opens(void **state)
{
	struct fixture fix;

	(void)state;
	fixture_one(&fix);
	assert_opening(&fix, 1, ROOST_OK);
	assert_opening(&fix, EPOCHS, ROOST_OK);
}

static void
test_sealing_twice_differs(void **state)
{
	uint8_t again[ROOST_STANZA_X25519_SIZE];
	struct fixture fix;

	(void)state;
	fixture_one(&fix);
	assert_good(roost_stanza_seal(&fix.seal[0], fix.header, fix.data_key,
				      again));
	assert_memory_equal(again, fix.header + 64, 12);
	assert_memory_not_equal(again + 12, fix.header + 64 + 12, 32);
	assert_memory_not_equal(again + 44, fix.header + 64 + 44, 48);
}

/* Bits that test_header does not refuse already. */
static void
test_any_flipped_bit_dies_at_its_gate(void **state)
{
	struct fixture fix;
	size_t bit;

	(void)state;
	fixture_one(&fix);
	for (bit = 0; bit < 8 * fix.len; bit++) {
		size_t off = bit / 8;
		uint8_t key[ROOST_KEY_SIZE];
		enum roost_err err;

		fix.header[off] ^= (uint8_t)(1 << bit % 8);
		err = fixture_open(&fix, 1, key);
		fix.header[off] ^= (uint8_t)(1 << bit % 8);
		if (off == 12 || off == 13 || (off >= 32 && off < 48))
			assert_gate(err, ROOST_ERR_STANZA_AUTH);
		else if (off >= 16 && off < 32)
			assert_gate(err, ROOST_ERR_OTHER_KEYRING);
		else if (off >= 68 && off < 76)
			assert_gate(err, ROOST_ERR_NO_KEY);
		else if (off >= 76)
			assert_gate(err, ROOST_ERR_STANZA_AUTH);
		else
			assert_true(err != ROOST_OK);
	}
	assert_opening(&fix, 1, ROOST_OK);
}

static void
test_a_keyring_id_must_be_ours_even_if_we_hold_the_key(void **state)
{
	struct fixture fix;

	(void)state;
	fixture_one(&fix);
	fix.keyring_id[15] ^= 1;
	assert_opening(&fix, 1, ROOST_ERR_OTHER_KEYRING);
}

static void
test_without_the_key_there_is_no_key(void **state)
{
	static const size_t epoch = 2;
	struct fixture fix;

	(void)state;
	fixture_init(&fix);
	fixture_seal(&fix, &epoch, 1);
	assert_opening(&fix, 0, ROOST_ERR_NO_KEY);
	assert_opening(&fix, 2, ROOST_ERR_NO_KEY);
	assert_opening(&fix, 3, ROOST_OK);
}

/* Other types are not opened, even when their key id is ours. */
static void
test_only_type_1_is_opened(void **state)
{
	struct fixture fix;
	unsigned int type;

	(void)state;
	fixture_one(&fix);
	for (type = 3; type < 256; type++) {
		fix.header[64] = (uint8_t)type;
		assert_opening(&fix, 1, ROOST_ERR_NO_KEY);
	}
}

static void
test_an_unknown_type_is_skipped(void **state)
{
	static const size_t epochs[] = { 1, 0 };
	struct fixture fix;

	(void)state;
	fixture_init(&fix);
	fixture_seal(&fix, epochs, 2);
	fix.header[64] = 200;
	assert_opening(&fix, 2, ROOST_OK);
}

/* Somebody who has the public key, but no psk, cannot seal. */
static void
test_the_public_key_alone_does_not_seal(void **state)
{
	static const size_t epoch = 0;
	struct fixture fix;
	size_t bit;

	(void)state;
	fixture_init(&fix);
	memset(fix.seal[0].psk, 0, ROOST_KEY_SIZE);
	fixture_seal(&fix, &epoch, 1);
	assert_opening(&fix, 1, ROOST_ERR_STANZA_AUTH);
	for (bit = 0; bit < 256; bit += 17) {
		memcpy(fix.seal[0].psk, fix.open[0].psk, ROOST_KEY_SIZE);
		fix.seal[0].psk[bit / 8] ^= (uint8_t)(1 << bit % 8);
		fixture_seal(&fix, &epoch, 1);
		assert_opening(&fix, 1, ROOST_ERR_STANZA_AUTH);
	}
}

static void
test_the_newest_epoch_is_tried_and_no_second(void **state)
{
	static const size_t orders[][3] = { { 0, 1, 2 }, { 2, 1, 0 },
		{ 1, 2, 0 } };
	struct fixture fix;
	size_t order, i;

	(void)state;
	for (order = 0; order < KIT_COUNT(orders); order++) {
		fixture_init(&fix);
		fixture_seal(&fix, orders[order], 3);
		assert_opening(&fix, 3, ROOST_OK);
		for (i = 0; i < 3; i++) {
			uint8_t *last = fix.header + 64 + 92 * i + 91;

			*last ^= 1;
			assert_opening(&fix, 3, orders[order][i] == 2 ?
				       ROOST_ERR_STANZA_AUTH : ROOST_OK);
			assert_opening(&fix, 2, orders[order][i] == 1 ?
				       ROOST_ERR_STANZA_AUTH : ROOST_OK);
			*last ^= 1;
		}
	}
}

static void
test_low_order_points_are_refused(void **state)
{
	static const char *const points[] = {
		"00000000000000000000000000000000"
		"00000000000000000000000000000000",
		"01000000000000000000000000000000"
		"00000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46a"
		"da098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b"
		"04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffff"
		"ffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffff"
		"ffffffffffffffffffffffffffffffff",
		"eeffffffffffffffffffffffffffffff"
		"ffffffffffffffffffffffffffffff7f",
	};
	struct fixture fix;
	size_t i;

	(void)state;
	fixture_one(&fix);
	for (i = 0; i < KIT_COUNT(points); i++) {
		kit_unhex(points[i], fix.header + 76, 32);
		assert_opening(&fix, 1, ROOST_ERR_LOW_ORDER);
	}
}

/* A stanza is moved under another header of the same keyring. */
static void
test_a_stanza_opens_under_its_header_only(void **state)
{
	struct fixture fix, other;
	static const size_t epoch = 0;

	(void)state;
	fixture_one(&fix);
	other = fix;
	fixture_seal(&other, &epoch, 1);
	memcpy(other.header + 64, fix.header + 64, 92);
	assert_opening(&other, 1, ROOST_ERR_STANZA_AUTH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_key_id_is_that_of_the_format),
		cmocka_unit_test(test_the_stanza_is_that_of_the_format),
		cmocka_unit_test(test_a_sealed_key_opens),
		cmocka_unit_test(test_sealing_twice_differs),
		cmocka_unit_test(test_any_flipped_bit_dies_at_its_gate),
		cmocka_unit_test(
		      test_a_keyring_id_must_be_ours_even_if_we_hold_the_key),
		cmocka_unit_test(test_without_the_key_there_is_no_key),
		cmocka_unit_test(test_only_type_1_is_opened),
		cmocka_unit_test(test_an_unknown_type_is_skipped),
		cmocka_unit_test(test_the_public_key_alone_does_not_seal),
		cmocka_unit_test(test_the_newest_epoch_is_tried_and_no_second),
		cmocka_unit_test(test_low_order_points_are_refused),
		cmocka_unit_test(test_a_stanza_opens_under_its_header_only),
	};

	return cmocka_run_group_tests_name("stanza", tests, kit_setup,
					   kit_teardown);
}
