/* SPDX-License-Identifier: MIT */
/*
 * hpke: RFC 9180 in mode_psk and mode_base.  tests/vectors/primitives reads
 * known answers from the RFC's tables.  Here is tested what must not open, and
 * where OpenSSL has an HPKE of its own (3.2), both directions against it on
 * random inputs.
 */
#include "kit.h"

#include "roost/bytes.h"
#include "roost/hpke.h"

#include <openssl/opensslv.h>
#if OPENSSL_VERSION_NUMBER >= 0x30200000L
#define HAS_OSSL_HPKE 1
#include <openssl/evp.h>
#include <openssl/hpke.h>
#else
#define HAS_OSSL_HPKE 0
#endif
#include <stdlib.h>
#include <string.h>

#define PLAIN_MAX 200
#define TEXT_MAX 90

struct fixture {
	uint8_t private_key[32], public_key[32], psk[32];
	uint8_t psk_id[TEXT_MAX], info[TEXT_MAX], aad[TEXT_MAX];
	uint8_t plain[PLAIN_MAX], sealed[PLAIN_MAX + 16], enc[32];
	size_t len;
	struct roost_hpke_context hpke;
};

static void
fixture_init(struct fixture *fix)
{
	kit_fill((uint8_t *)fix, sizeof(*fix));
	fix->len = kit_below(PLAIN_MAX + 1);
	fix->hpke = (struct roost_hpke_context) {
		.psk = fix->psk, .psk_id = fix->psk_id, .info = fix->info,
		.aad = fix->aad, .psk_id_len = 1 + kit_below(TEXT_MAX),
		.info_len = kit_below(TEXT_MAX + 1),
		.aad_len = kit_below(TEXT_MAX + 1),
	};
	assert_good(roost_prim_x25519_public(fix->private_key,
					     fix->public_key));
}

/* Make it one of mode_base. */
static void
fixture_drop_psk(struct fixture *fix)
{
	fix->hpke.psk = fix->hpke.psk_id = NULL;
	fix->hpke.psk_id_len = 0;
}

static void
fixture_seal(struct fixture *fix)
{
	fixture_init(fix);
	assert_good(roost_hpke_seal(&fix->hpke, fix->public_key, fix->plain,
				    fix->len, fix->enc, fix->sealed));
}

static enum roost_err
fixture_open(const struct fixture *fix, uint8_t *plain_r)
{
	memset(plain_r, 0x55, PLAIN_MAX);
	return roost_hpke_open(&fix->hpke, fix->public_key, fix->private_key,
			       fix->enc, fix->sealed, fix->len + 16, plain_r);
}

static void
assert_dies(const struct fixture *fix)
{
	uint8_t plain[PLAIN_MAX];

	assert_gate(fixture_open(fix, plain), ROOST_ERR_STANZA_AUTH);
	assert_zero(plain, fix->len);
}

static void
test_what_was_sealed_opens(void **state)
{
	struct fixture fix;
	uint8_t plain[PLAIN_MAX];
	int i;

	(void)state;
	for (i = 0; i < 50; i++) {
		fixture_seal(&fix);
		assert_good(fixture_open(&fix, plain));
		assert_memory_equal(plain, fix.plain, fix.len);
	}
}

static void
test_sealing_twice_differs(void **state)
{
	struct fixture fix, again;

	(void)state;
	fixture_seal(&fix);
	again = fix;
	assert_good(roost_hpke_seal(&fix.hpke, fix.public_key, fix.plain,
				    fix.len, again.enc, again.sealed));
	assert_memory_not_equal(fix.enc, again.enc, 32);
	assert_memory_not_equal(fix.sealed, again.sealed, fix.len + 16);
}

/* Each thing that both sides agree on is changed by itself. */
static void
test_any_bit_of_the_context_is_bound(void **state)
{
	struct fixture fix;
	uint8_t *const parts[] = {
		fix.psk, fix.psk_id, fix.info, fix.aad, fix.public_key,
		fix.enc, fix.sealed
	};
	size_t lens[KIT_COUNT(parts)], part, bit;

	(void)state;
	fixture_seal(&fix);
	fix.len = 32;
	fix.hpke.info_len = fix.hpke.aad_len = fix.hpke.psk_id_len = 20;
	assert_good(roost_hpke_seal(&fix.hpke, fix.public_key, fix.plain,
				    fix.len, fix.enc, fix.sealed));
	lens[0] = lens[4] = lens[5] = 32;
	lens[1] = lens[2] = lens[3] = 20;
	lens[6] = 48;
	for (part = 0; part < KIT_COUNT(parts); part++) {
		for (bit = 0; bit < 8 * lens[part];
		     bit += kit_is_quick() ? 13 : 1) {
			parts[part][bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_dies(&fix);
			parts[part][bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
	fix.hpke.info_len--;
	assert_dies(&fix);
	fix.hpke.info_len++;
	fix.hpke.psk_id_len--;
	assert_dies(&fix);
	fix.hpke.psk_id_len++;
	fix.hpke.aad_len--;
	assert_dies(&fix);
	fix.private_key[1] ^= 1;
	assert_dies(&fix);
}

static void
test_a_low_order_key_is_refused_on_both_sides(void **state)
{
	static const uint8_t points[][32] = { { 0 }, { 1 },
		{ 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f } };
	struct fixture fix;
	uint8_t plain[PLAIN_MAX];
	size_t i;

	(void)state;
	fixture_seal(&fix);
	for (i = 0; i < KIT_COUNT(points); i++) {
		memcpy(fix.enc, points[i], 32);
		assert_gate(fixture_open(&fix, plain), ROOST_ERR_LOW_ORDER);
		assert_zero(plain, fix.len);
		memset(fix.sealed, 0x55, sizeof(fix.sealed));
		assert_gate(roost_hpke_seal(&fix.hpke, points[i], fix.plain,
					    fix.len, fix.enc, fix.sealed),
			    ROOST_ERR_LOW_ORDER);
		assert_zero(fix.enc, 32);
		assert_zero(fix.sealed, fix.len + 16);
	}
}

/* A mistake in a label or a length is seen without tables, because kit_hpke()
   derives the same. */
static void
test_the_schedule_is_the_one_of_the_rfc(void **state)
{
	uint8_t right[PLAIN_MAX + 16];
	struct kit_hpke ladder;
	struct roost_aead *aead;
	struct fixture fix;

	(void)state;
	fixture_seal(&fix);
	kit_hpke(&fix.hpke, fix.private_key, fix.public_key, fix.enc,
		 &ladder);
	aead = roost_prim_aead_new(ladder.key);
	assert_non_null(aead);
	assert_good(roost_prim_aead_seal(aead, ladder.base_nonce, fix.aad,
					 fix.hpke.aad_len, fix.plain, fix.len,
					 right));
	assert_memory_equal(fix.sealed, right, fix.len + 16);
	roost_prim_aead_free(&aead);
}

static void
test_the_schedule_without_a_psk_is_the_one_of_the_rfc(void **state)
{
	uint8_t right[PLAIN_MAX + 16], plain[PLAIN_MAX];
	struct kit_hpke ladder;
	struct roost_aead *aead;
	struct fixture fix;

	(void)state;
	fixture_init(&fix);
	fixture_drop_psk(&fix);
	assert_good(roost_hpke_seal(&fix.hpke, fix.public_key, fix.plain,
				    fix.len, fix.enc, fix.sealed));
	assert_good(fixture_open(&fix, plain));
	assert_memory_equal(plain, fix.plain, fix.len);
	kit_hpke(&fix.hpke, fix.private_key, fix.public_key, fix.enc,
		 &ladder);
	aead = roost_prim_aead_new(ladder.key);
	assert_non_null(aead);
	assert_good(roost_prim_aead_seal(aead, ladder.base_nonce, fix.aad,
					 fix.hpke.aad_len, fix.plain, fix.len,
					 right));
	assert_memory_equal(fix.sealed, right, fix.len + 16);
	roost_prim_aead_free(&aead);
}

/* A psk of zeros is not none, and a message of one mode opens in no other. */
static void
test_the_modes_are_apart(void **state)
{
	struct fixture fix;
	struct roost_hpke_context with;

	(void)state;
	fixture_init(&fix);
	memset(fix.psk, 0, sizeof(fix.psk));
	fix.hpke.psk_id_len = 0;
	assert_good(roost_hpke_seal(&fix.hpke, fix.public_key, fix.plain,
				    fix.len, fix.enc, fix.sealed));
	with = fix.hpke;
	fixture_drop_psk(&fix);
	assert_dies(&fix);
	assert_good(roost_hpke_seal(&fix.hpke, fix.public_key, fix.plain,
				    fix.len, fix.enc, fix.sealed));
	fix.hpke = with;
	assert_dies(&fix);
}

#if HAS_OSSL_HPKE
static const OSSL_HPKE_SUITE ossl_suite = {
	OSSL_HPKE_KEM_ID_X25519, OSSL_HPKE_KDF_ID_HKDF_SHA256,
	OSSL_HPKE_AEAD_ID_AES_GCM_256
};

/* OpenSSL takes the psk_id as a C string, so it is of hexadecimal digits here;
   and it takes no empty plaintext.  Every other one is of mode_base. */
static void
fixture_init_ossl(struct fixture *fix, int i)
{
	fixture_init(fix);
	fix->len = 1 + kit_below(PLAIN_MAX);
	if (i % 2 == 1) {
		fixture_drop_psk(fix);
		return;
	}
	fix->hpke.psk_id_len = 64;
	roost_bytes_hex(fix->plain, 32, (char *)fix->psk_id);
	fix->psk_id[64] = '\0';
}

static OSSL_HPKE_CTX *
ossl_new(const struct fixture *fix, int role)
{
	bool has_psk = fix->hpke.psk != NULL;
	OSSL_HPKE_CTX *ctx = OSSL_HPKE_CTX_new(has_psk ? OSSL_HPKE_MODE_PSK :
					       OSSL_HPKE_MODE_BASE, ossl_suite,
					       role, NULL, NULL);

	assert_non_null(ctx);
	if (has_psk)
		assert_int_equal(OSSL_HPKE_CTX_set1_psk(ctx,
			(const char *)fix->psk_id, fix->psk, 32), 1);
	return ctx;
}

static void
test_openssl_opens_what_we_sealed(void **state)
{
	uint8_t plain[PLAIN_MAX];
	struct fixture fix;
	int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		OSSL_HPKE_CTX *ctx;
		EVP_PKEY *key;
		size_t len = PLAIN_MAX;

		fixture_init_ossl(&fix, i);
		assert_good(roost_hpke_seal(&fix.hpke, fix.public_key,
					    fix.plain, fix.len, fix.enc,
					    fix.sealed));
		ctx = ossl_new(&fix, OSSL_HPKE_ROLE_RECEIVER);
		key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL,
						   fix.private_key, 32);
		assert_int_equal(OSSL_HPKE_decap(ctx, fix.enc, 32, key,
			fix.info, fix.hpke.info_len), 1);
		assert_int_equal(OSSL_HPKE_open(ctx, plain, &len, fix.aad,
			fix.hpke.aad_len, fix.sealed, fix.len + 16), 1);
		assert_int_equal(len, fix.len);
		assert_memory_equal(plain, fix.plain, len);
		EVP_PKEY_free(key);
		OSSL_HPKE_CTX_free(ctx);
	}
}

static void
test_we_open_what_openssl_sealed(void **state)
{
	uint8_t plain[PLAIN_MAX];
	struct fixture fix;
	int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		OSSL_HPKE_CTX *ctx;
		size_t enc_len = 32, len;

		fixture_init_ossl(&fix, i);
		len = fix.len + 16;
		ctx = ossl_new(&fix, OSSL_HPKE_ROLE_SENDER);
		assert_int_equal(OSSL_HPKE_encap(ctx, fix.enc, &enc_len,
			fix.public_key, 32, fix.info, fix.hpke.info_len), 1);
		assert_int_equal(OSSL_HPKE_seal(ctx, fix.sealed, &len,
			fix.aad, fix.hpke.aad_len, fix.plain, fix.len), 1);
		assert_int_equal(len, fix.len + 16);
		assert_good(fixture_open(&fix, plain));
		assert_memory_equal(plain, fix.plain, fix.len);
		OSSL_HPKE_CTX_free(ctx);
	}
}
#else
static void
test_openssl_opens_what_we_sealed(void **state)
{
	(void)state;
	print_message("this OpenSSL has no HPKE (3.2 has)\n");
	skip();
}

static void
test_we_open_what_openssl_sealed(void **state)
{
	(void)state;
	print_message("this OpenSSL has no HPKE (3.2 has)\n");
	skip();
}
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_sealed_opens),
		cmocka_unit_test(test_sealing_twice_differs),
		cmocka_unit_test(test_any_bit_of_the_context_is_bound),
		cmocka_unit_test(
			test_a_low_order_key_is_refused_on_both_sides),
		cmocka_unit_test(test_the_schedule_is_the_one_of_the_rfc),
		cmocka_unit_test(
			test_the_schedule_without_a_psk_is_the_one_of_the_rfc),
		cmocka_unit_test(test_the_modes_are_apart),
		cmocka_unit_test(test_openssl_opens_what_we_sealed),
		cmocka_unit_test(test_we_open_what_openssl_sealed),
	};

	return cmocka_run_group_tests_name("hpke", tests, kit_setup,
					   kit_teardown);
}
