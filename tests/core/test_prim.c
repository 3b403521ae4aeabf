/* SPDX-License-Identifier: MIT */
/*
 * prim: known answers (FIPS 180, RFC 4231, RFC 5869, RFC 7748, the GCM
 * specification, Wycheproof), and what the contract says of failure.
 */
#include "kit.h"

#include "core/prim-private.h"
#include "roost/bytes.h"
#include "roost/secret.h"

#include <stdlib.h>
#include <string.h>

static void
assert_hex(const uint8_t *bytes, size_t len, const char *hex)
{
	char text[400];

	assert_true(2 * len < sizeof(text));
	roost_bytes_hex(bytes, len, text);
	assert_string_equal(text, hex);
}

static void
test_sha2_known_answers(void **state)
{
	static const char abc_256[] = "ba7816bf8f01cfea414140de5dae2223"
		"b00361a396177a9cb410ff61f20015ad";
	uint8_t hash[ROOST_SHA512_SIZE];
	struct roost_sha256 *sha;

	(void)state;
	assert_good(roost_prim_sha256("abc", 3, hash));
	assert_hex(hash, 32, abc_256);
	assert_good(roost_prim_sha256(NULL, 0, hash));
	assert_hex(hash, 32, "e3b0c44298fc1c149afbf4c8996fb924"
		   "27ae41e4649b934ca495991b7852b855");
	assert_good(roost_prim_sha512("abc", 3, hash));
	assert_hex(hash, 64, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea2"
		   "0a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
		   "454d4423643ce80e2a9ac94fa54ca49f");
	sha = roost_prim_sha256_new();
	assert_non_null(sha);
	assert_good(roost_prim_sha256_update(sha, "a", 1));
	assert_good(roost_prim_sha256_update(sha, "", 0));
	assert_good(roost_prim_sha256_update(sha, "bc", 2));
	assert_good(roost_prim_sha256_final(sha, hash));
	assert_hex(hash, 32, abc_256);
	roost_prim_sha256_free(&sha);
	assert_null(sha);
	roost_prim_sha256_free(&sha);
}

/* RFC 4231, case 2. */
static void
test_hmac_known_answers(void **state)
{
	static const char what[] = "what do ya want for nothing?";
	const uint8_t *key = (const uint8_t *)"Jefe";
	uint8_t mac[ROOST_SHA512_SIZE];

	(void)state;
	assert_good(roost_prim_hmac_sha256(key, 4, what, 28, mac));
	assert_hex(mac, 32, "5bdcc146bf60754e6a042426089575c7"
		   "5a003f089d2739839dec58b964ec3843");
	assert_good(roost_prim_hmac_sha512(key, 4, what, 28, mac));
	assert_hex(mac, 64, "164b7a7bfcf819e2e395fbe73b56e0a3"
		   "87bd64222e831fd610270cd7ea250554"
		   "9758bf75c05a994a6d034f65f8f0e6fd"
		   "caeab1a34d4a6b4b636e070a38bce737");
}

/* RFC 5869, A.1 and A.3. */
static void
test_hkdf_sha256_known_answers(void **state)
{
	uint8_t ikm[22], salt[13], info[10], prk[32], okm[42];
	struct roost_hkdf_args args = {
		.salt = salt, .salt_len = 13, .key = ikm, .key_len = 22
	};
	size_t i;

	(void)state;
	memset(ikm, 0x0b, sizeof(ikm));
	for (i = 0; i < 13; i++)
		salt[i] = (uint8_t)i;
	for (i = 0; i < 10; i++)
		info[i] = (uint8_t)(0xf0 + i);
	assert_good(roost_prim_hkdf(ROOST_HKDF_SHA256_EXTRACT, &args,
				    prk, 32));
	assert_hex(prk, 32, "077709362c2e32df0ddc3f0dc47bba63"
		   "90b6c73bb50f9c3122ec844ad7c2b3e5");
	args = (struct roost_hkdf_args) {
		.key = prk, .key_len = 32, .info = info, .info_len = 10
	};
	assert_good(roost_prim_hkdf(ROOST_HKDF_SHA256_EXPAND, &args,
				    okm, 42));
	assert_hex(okm, 42, "3cb25f25faacd57a90434f64d0362f2a"
		   "2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
	args = (struct roost_hkdf_args) { .key = ikm, .key_len = 22 };
	assert_good(roost_prim_hkdf(ROOST_HKDF_SHA256_EXTRACT, &args,
				    prk, 32));
	assert_hex(prk, 32, "19ef24a32c717b167f33a91d6f648bdf"
		   "96596776afdb6377ac434c1c293ccb04");
	args = (struct roost_hkdf_args) { .key = prk, .key_len = 32 };
	assert_good(roost_prim_hkdf(ROOST_HKDF_SHA256_EXPAND, &args,
				    okm, 42));
	assert_hex(okm, 42, "8da4e775a563c18f715f802a063c5a31"
		   "b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

/* RFC 5869 2 by hand, over HMAC. */
static void
test_hkdf_sha512_is_hmac_as_the_rfc_says(void **state)
{
	uint8_t salt[16], key[20], prk[64], okm[100], block[64 + 20 + 1];
	uint8_t first[64], second[64];
	static const uint8_t info[20] = "roost/v1 some label";
	struct roost_hkdf_args args = {
		.salt = salt, .salt_len = 16, .key = key, .key_len = 20,
		.info = info, .info_len = 20,
	};

	(void)state;
	kit_fill(salt, sizeof(salt));
	kit_fill(key, sizeof(key));
	assert_good(roost_prim_hmac_sha512(salt, 16, key, 20, prk));
	memcpy(block, info, 20);
	block[20] = 1;
	assert_good(roost_prim_hmac_sha512(prk, 64, block, 21, first));
	memcpy(block, first, 64);
	memcpy(block + 64, info, 20);
	block[84] = 2;
	assert_good(roost_prim_hmac_sha512(prk, 64, block, 85, second));
	assert_good(roost_prim_hkdf(ROOST_HKDF_SHA512, &args, okm, 100));
	assert_memory_equal(okm, first, 64);
	assert_memory_equal(okm + 64, second, 36);
	args = (struct roost_hkdf_args) {
		.key = prk, .key_len = 64, .info = info, .info_len = 20
	};
	memset(okm, 0, sizeof(okm));
	assert_good(roost_prim_hkdf(ROOST_HKDF_SHA512_EXPAND, &args, okm,
				    100));
	assert_memory_equal(okm, first, 64);
	assert_memory_equal(okm + 64, second, 36);
}

static void
test_an_impossible_hkdf_leaves_zeros(void **state)
{
	static uint8_t out[255 * 64 + 1];
	uint8_t key[32] = { 1 };
	struct roost_hkdf_args args = { .key = key, .key_len = 32 };

	(void)state;
	memset(out, 0x55, sizeof(out));
	assert_gate(roost_prim_hkdf(ROOST_HKDF_SHA512_EXPAND, &args, out,
				    sizeof(out)), ROOST_ERR_BACKEND);
	assert_zero(out, sizeof(out));
	memset(out, 0x55, sizeof(out));
	assert_gate(roost_prim_hkdf(ROOST_HKDF_SHA512, &args, out,
				    sizeof(out)), ROOST_ERR_BACKEND);
	assert_zero(out, sizeof(out));
}

/* The GCM specification's test cases 13, 14 and 16. */
static void
test_aes_256_gcm_known_answers(void **state)
{
	static const struct {
		const char *key, *nonce, *ad, *plain, *sealed;
	} cases[] = {
		{ "0000000000000000000000000000000000000000000000000000000000"
		  "000000", "000000000000000000000000", "", "",
		  "530f8afbc74536b9a963b4f1c4cb738b" },
		{ "0000000000000000000000000000000000000000000000000000000000"
		  "000000", "000000000000000000000000", "",
		  "00000000000000000000000000000000",
		  "cea7403d4d606b6e074ec5d3baf39d18"
		  "d0d1c8a799996bf0265b98b5d48ab919" },
		{ "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467"
		  "308308", "cafebabefacedbaddecaf888",
		  "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a"
		  "318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba63"
		  "7b39",
		  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd25"
		  "55d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9"
		  "f66276fc6ece0f4e1768cddf8853bb2d551b" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(cases); i++) {
		uint8_t key[32], nonce[12], ad[20], plain[60], right[76];
		uint8_t out[76];
		size_t ad_len = strlen(cases[i].ad) / 2;
		size_t len = strlen(cases[i].plain) / 2;
		struct roost_aead *aead;

		kit_unhex(cases[i].key, key, 32);
		kit_unhex(cases[i].nonce, nonce, 12);
		kit_unhex(cases[i].ad, ad, ad_len);
		kit_unhex(cases[i].plain, plain, len);
		kit_unhex(cases[i].sealed, right, len + 16);
		aead = roost_prim_aead_new(key);
		assert_non_null(aead);
		assert_good(roost_prim_aead_seal(aead, nonce, ad, ad_len,
						 plain, len, out));
		assert_memory_equal(out, right, len + 16);
		assert_good(roost_prim_aead_open(aead, nonce, ad, ad_len,
						 right, len + 16, out));
		assert_memory_equal(out, plain, len);
		roost_prim_aead_free(&aead);
		assert_null(aead);
	}
}

/* One context serves many nonces, also after an opening that failed. */
static void
test_a_failure_does_not_harm_the_next_opening(void **state)
{
	uint8_t key[32], nonce[12], plain[50], ad[9], sealed[66], out[50];
	struct roost_aead *aead;
	size_t len;
	unsigned int i;

	(void)state;
	kit_fill(key, sizeof(key));
	aead = roost_prim_aead_new(key);
	assert_non_null(aead);
	for (i = 0; i < 300; i++) {
		size_t ad_len = kit_below(10);
		size_t bit;

		len = kit_below(51);
		kit_fill(nonce, sizeof(nonce));
		kit_fill(plain, len);
		kit_fill(ad, ad_len);
		assert_good(roost_prim_aead_seal(aead, nonce, ad, ad_len,
						 plain, len, sealed));
		bit = kit_below(8 * (len + 16));
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		memset(out, 0x55, sizeof(out));
		assert_gate(roost_prim_aead_open(aead, nonce, ad, ad_len,
			kit_at_fence(sealed, len + 16), len + 16, out),
			    ROOST_ERR_CHUNK);
		assert_zero(out, len);
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_good(roost_prim_aead_open(aead, nonce, ad, ad_len,
						 sealed, len + 16, out));
		assert_memory_equal(out, plain, len);
		if (ad_len > 0) {
			ad[kit_below(ad_len)] ^= 4;
			assert_gate(roost_prim_aead_open(aead, nonce, ad,
				ad_len, sealed, len + 16, out),
				    ROOST_ERR_CHUNK);
			assert_zero(out, len);
		}
	}
	roost_prim_aead_free(&aead);
	roost_prim_aead_free(&aead);
}

static void
test_less_than_a_tag_does_not_open(void **state)
{
	uint8_t key[32] = { 1 }, nonce[12] = { 2 }, bytes[16] = { 0 }, out[1];
	struct roost_aead *aead = roost_prim_aead_new(key);
	size_t len;

	(void)state;
	for (len = 0; len < 16; len++)
		assert_gate(roost_prim_aead_open(aead, nonce, NULL, 0,
			kit_at_fence(bytes, len), len, out), ROOST_ERR_CHUNK);
	roost_prim_aead_free(&aead);
}

static void
test_a_wrap_opens_with_its_key_and_ad_only(void **state)
{
	uint8_t kek[32], plain[32], wrap[ROOST_WRAP_SIZE], out[32], again[60];
	size_t bit, len;

	(void)state;
	kit_fill(kek, 32);
	kit_fill(plain, 32);
	assert_good(roost_prim_wrap(kek, "ad", 2, plain, 32, wrap));
	assert_good(roost_prim_wrap(kek, "ad", 2, plain, 32, again));
	assert_memory_not_equal(wrap, again, 12);
	assert_memory_not_equal(wrap + 12, again + 12, 32);
	assert_good(roost_prim_unwrap(kek, "ad", 2, wrap, 60, out));
	assert_memory_equal(out, plain, 32);
	for (bit = 0; bit < 480; bit++) {
		wrap[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_gate(roost_prim_unwrap(kek, "ad", 2, wrap, 60, out),
			    ROOST_ERR_CHUNK);
		assert_zero(out, 32);
		wrap[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_gate(roost_prim_unwrap(kek, "ae", 2, wrap, 60, out),
		    ROOST_ERR_CHUNK);
	assert_gate(roost_prim_unwrap(kek, "ad", 1, wrap, 60, out),
		    ROOST_ERR_CHUNK);
	for (len = 0; len < 60; len++)
		assert_gate(roost_prim_unwrap(kek, "ad", 2,
			kit_at_fence(wrap, len), len, out), ROOST_ERR_CHUNK);
	kek[31] ^= 1;
	assert_gate(roost_prim_unwrap(kek, "ad", 2, wrap, 60, out),
		    ROOST_ERR_CHUNK);
}

/* RFC 7748 5.2. */
static void
test_x25519_known_answers(void **state)
{
	uint8_t k[32], u[32], out[32];
	int i, rounds = kit_is_quick() ? 1 : 1000;

	(void)state;
	kit_unhex("a546e36bf0527c9d3b16154b82465edd"
		  "62144c0ac1fc5a18506a2244ba449ac4", k, 32);
	kit_unhex("e6db6867583030db3594c1a424b15f7c"
		  "726624ec26b3353b10a903a6d0ab1c4c", u, 32);
	assert_good(roost_prim_x25519(k, u, out));
	assert_hex(out, 32, "c3da55379de9c6908e94ea4df28d084f"
		   "32eccf03491c71f754b4075577a28552");
	memset(k, 0, 32);
	k[0] = 9;
	memcpy(u, k, 32);
	assert_good(roost_prim_x25519_public(k, out));
	assert_hex(out, 32, "422c8e7a6227d7bca1350b3e2bb7279f"
		   "7897b87bb6854b783c60e80311ae3079");
	for (i = 0; i < rounds; i++) {
		assert_good(roost_prim_x25519(k, u, out));
		memcpy(u, k, 32);
		memcpy(k, out, 32);
	}
	assert_hex(k, 32, rounds == 1 ? "422c8e7a6227d7bca1350b3e2bb7279f"
		   "7897b87bb6854b783c60e80311ae3079" :
		   "684cf59ba83309552800ef566f2f4d3c"
		   "1c3887c49360e3875f2eb94d99532c51");
}

/* All points whose multiple by 8 is zero, also not reduced, also with the
   bit that X25519 ignores. */
static const char *const low_order[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

static void
test_low_order_points_are_refused(void **state)
{
	uint8_t key[32], point[32], out[32];
	size_t i, top;

	(void)state;
	kit_fill(key, 32);
	for (i = 0; i < KIT_COUNT(low_order); i++) {
		for (top = 0; top < 2; top++) {
			kit_unhex(low_order[i], point, 32);
			point[31] |= (uint8_t)(top << 7);
			memset(out, 0x55, 32);
			assert_gate(roost_prim_x25519(key, point, out),
				    ROOST_ERR_LOW_ORDER);
			assert_zero(out, 32);
		}
	}
}

static void
test_two_sides_agree(void **state)
{
	uint8_t a[32], b[32], pa[32], pb[32], ab[32], ba[32];

	(void)state;
	kit_fill(a, 32);
	kit_fill(b, 32);
	assert_good(roost_prim_x25519_public(a, pa));
	assert_good(roost_prim_x25519_public(b, pb));
	assert_good(roost_prim_x25519(a, pb, ab));
	assert_good(roost_prim_x25519(b, pa, ba));
	assert_memory_equal(ab, ba, 32);
	pa[3] ^= 1;
	assert_good(roost_prim_x25519(b, pa, ba));
	assert_memory_not_equal(ab, ba, 32);
}

static void
test_random_bytes_do_not_repeat(void **state)
{
	uint8_t a[64] = { 0 }, b[64] = { 0 };

	(void)state;
	assert_good(roost_prim_random(a, 64));
	assert_good(roost_prim_random(b, 64));
	assert_memory_not_equal(a, b, 16);
	assert_false(roost_bytes_are_zero(a + 48, 16));
	assert_false(roost_bytes_are_zero(b, 16));
	b[63] = 0x11;
	assert_good(roost_prim_random(b, 0));
	assert_int_equal(b[63], 0x11);
}

/* Every parameter must count; known answers are among the vectors. */
static void
test_argon2id_depends_on_all_it_gets(void **state)
{
	uint8_t password[32], salt[16], key[32], other[32];

	(void)state;
	kit_fill(password, 32);
	kit_fill(salt, 16);
	assert_good(roost_prim_argon2id(password, 32, salt, 1, 64, key));
	assert_good(roost_prim_argon2id(password, 32, salt, 1, 64, other));
	assert_memory_equal(key, other, 32);
	assert_good(roost_prim_argon2id(password, 32, salt, 2, 64, other));
	assert_memory_not_equal(key, other, 32);
	assert_good(roost_prim_argon2id(password, 32, salt, 1, 128, other));
	assert_memory_not_equal(key, other, 32);
	assert_good(roost_prim_argon2id(password, 31, salt, 1, 64, other));
	assert_memory_not_equal(key, other, 32);
	salt[15] ^= 1;
	assert_good(roost_prim_argon2id(password, 32, salt, 1, 64, other));
	assert_memory_not_equal(key, other, 32);
}

static void
test_an_impossible_argon2id_leaves_zeros(void **state)
{
	uint8_t password[32] = { 1 }, salt[16] = { 2 }, key[32];

	(void)state;
	memset(key, 0x55, 32);
	assert_gate(roost_prim_argon2id(password, 32, salt, 0, 64, key),
		    ROOST_ERR_BACKEND);
	assert_zero(key, 32);
	memset(key, 0x55, 32);
	assert_gate(roost_prim_argon2id(password, 32, salt, 1, 0, key),
		    ROOST_ERR_BACKEND);
	assert_zero(key, 32);
}

static void
test_base64_and_back_at_every_length(void **state)
{
	uint8_t bytes[70], back[71];
	char text[100];
	size_t len;

	(void)state;
	kit_fill(bytes, sizeof(bytes));
	for (len = 0; len <= sizeof(bytes); len++) {
		memset(text, 'x', sizeof(text));
		roost_prim_base64(bytes, len, text);
		assert_int_equal(strlen(text), ROOST_BASE64_LEN(len));
		assert_null(strchr(text, '='));
		memset(back, 0x55, sizeof(back));
		assert_true(roost_prim_unbase64(text, strlen(text), back,
						len));
		assert_memory_equal(back, bytes, len);
		assert_int_equal(back[len], 0x55);
	}
}

static void
test_base64_known_answers(void **state)
{
	char text[20];
	uint8_t bytes[6];

	(void)state;
	roost_prim_base64((const uint8_t *)"foobar", 6, text);
	assert_string_equal(text, "Zm9vYmFy");
	roost_prim_base64((const uint8_t *)"f", 1, text);
	assert_string_equal(text, "Zg");
	roost_prim_base64((const uint8_t *)"\xfb\xff\xbf", 3, text);
	assert_string_equal(text, "+/+/");
	assert_true(roost_prim_unbase64("Zm9v", 4, bytes, 3));
	assert_memory_equal(bytes, "foo", 3);
}

/* Of all texts of three characters, exactly 65536 stand for two bytes. */
static void
test_each_value_has_one_base64_text(void **state)
{
	char text[4] = "";
	uint8_t bytes[2];
	unsigned int accepted = 0;
	int a, b, c;

	(void)state;
	for (a = 32; a < 127; a += kit_is_quick() ? 9 : 1) {
		for (b = 32; b < 127; b++) {
			for (c = 32; c < 127; c++) {
				text[0] = (char)a;
				text[1] = (char)b;
				text[2] = (char)c;
				if (roost_prim_unbase64(text, 3, bytes, 2))
					accepted++;
				else
					assert_zero(bytes, 2);
			}
		}
	}
	if (!kit_is_quick())
		assert_int_equal(accepted, 65536);
}

static void
test_other_base64_is_refused(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} bad[] = {
		{ "Zg==", 1 }, { "Zg=", 1 }, { "Zh", 1 }, { "Z", 1 },
		{ "Zm9v", 2 }, { "Zm9v", 4 }, { "Zm9", 3 }, { "Zm9vZ", 3 },
		{ "Zm-v", 3 }, { "Zm_v", 3 }, { "Zm9v\n", 3 }, { "Zm 9", 3 },
		{ "Z\nm9", 3 }, { "", 1 }, { "Zm9v", 0 }, { "=", 0 },
		{ "Zm8=", 2 },
	};
	uint8_t bytes[8];
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(bad); i++) {
		size_t text_len = strlen(bad[i].text);
		const char *at = (const char *)kit_at_fence(bad[i].text,
							    text_len);

		memset(bytes, 0x55, sizeof(bytes));
		assert_false(roost_prim_unbase64(at, text_len, bytes,
						 bad[i].len));
		assert_zero(bytes, bad[i].len);
		assert_int_equal(bytes[bad[i].len], 0x55);
	}
	assert_false(roost_prim_unbase64("Zm\0v", 4, bytes, 3));
}

static void
make_openssl_ready(void)
{
	struct roost_sha256 *sha = roost_prim_sha256_new();

	assert_non_null(sha);
	roost_prim_sha256_free(&sha);
	assert_true(roost_prim_has_openssl());
}

/* The library has two users, and the first that leaves takes nothing away. */
static void
test_init_is_counted(void **state)
{
	(void)state;
	assert_good(roost_prim_init());
	make_openssl_ready();
	roost_prim_deinit();
	assert_true(roost_prim_has_openssl());
	roost_prim_deinit();
	assert_false(roost_prim_has_openssl());
	roost_prim_deinit();
	assert_good(roost_prim_init());
	make_openssl_ready();
}

static void
seal_zeros(struct roost_aead *aead, size_t len)
{
	static const uint8_t nonce[ROOST_NONCE_SIZE];
	uint8_t *bytes = kit_new(len + ROOST_TAG_SIZE);

	memset(bytes, 0, len);
	assert_good(roost_prim_aead_seal(aead, nonce, NULL, 0, bytes, len,
					 bytes));
	assert_good(roost_prim_aead_open(aead, nonce, NULL, 0, bytes,
					 len + ROOST_TAG_SIZE, bytes));
	assert_zero(bytes, len);
	free(bytes);
}

/* OpenSSL is made ready by what is long, once that is more than a little. */
static void
test_little_needs_no_openssl(void **state)
{
	static const uint8_t key[ROOST_KEY_SIZE] = { 1 };
	struct roost_aead *aead = roost_prim_aead_new(key);
	unsigned int i;

	(void)state;
	if (!roost_prim_sodium_has_gcm()) {
		roost_prim_aead_free(&aead);
		skip();
	}
	roost_prim_deinit();
	assert_good(roost_prim_init());
	for (i = 0; i < 2000; i++)
		seal_zeros(aead, 1000);
	for (i = 0; i < 31; i++)
		seal_zeros(aead, 16384);
	assert_false(roost_prim_has_openssl());
	seal_zeros(aead, 16384);
	assert_true(roost_prim_has_openssl());
	seal_zeros(aead, 1000);
	roost_prim_aead_free(&aead);
}

/* What one library seals the other one opens, and a wrong tag neither. */
static void
test_both_libraries_do_the_same(void **state)
{
	static const enum roost_prim_library each[] = {
		ROOST_PRIM_SODIUM, ROOST_PRIM_OPENSSL
	};
	uint8_t key[ROOST_KEY_SIZE], nonce[ROOST_NONCE_SIZE], ad[200];
	uint8_t plain[3000], sealed[2][3000 + ROOST_TAG_SIZE], back[3000];
	struct roost_aead *aead;
	size_t i, len, ad_len, round;

	(void)state;
	if (!roost_prim_sodium_has_gcm())
		skip();
	for (round = 0; round < 200; round++) {
		kit_fill(key, sizeof(key));
		kit_fill(nonce, sizeof(nonce));
		kit_fill(ad, sizeof(ad));
		kit_fill(plain, sizeof(plain));
		len = kit_below(sizeof(plain) + 1);
		ad_len = kit_below(sizeof(ad) + 1);
		aead = roost_prim_aead_new(key);
		for (i = 0; i < 2; i++) {
			roost_prim_use(each[i]);
			assert_good(roost_prim_aead_seal(aead, nonce, ad,
					ad_len, plain, len, sealed[i]));
		}
		assert_memory_equal(sealed[0], sealed[1],
				    len + ROOST_TAG_SIZE);
		for (i = 0; i < 2; i++) {
			roost_prim_use(each[i]);
			assert_good(roost_prim_aead_open(aead, nonce, ad,
					ad_len, sealed[i],
					len + ROOST_TAG_SIZE, back));
			assert_memory_equal(back, plain, len);
			sealed[i][kit_below(len + ROOST_TAG_SIZE)] ^= 1;
			assert_gate(roost_prim_aead_open(aead, nonce, ad,
					ad_len, sealed[i],
					len + ROOST_TAG_SIZE, back),
				    ROOST_ERR_CHUNK);
			assert_zero(back, len);
		}
		roost_prim_aead_free(&aead);
	}
	roost_prim_use(ROOST_PRIM_EITHER);
}

static void
test_a_signature_is_of_one_key_and_text(void **state)
{
	uint8_t seed[32], public_key[32], text[100], sig[64], again[64];
	unsigned int bit;

	(void)state;
	kit_fill(seed, sizeof(seed));
	kit_fill(text, sizeof(text));
	assert_good(roost_prim_sign_public(seed, public_key));
	assert_good(roost_prim_sign(seed, text, sizeof(text), sig));
	assert_good(roost_prim_sign(seed, text, sizeof(text), again));
	assert_memory_equal(sig, again, 64);
	assert_true(roost_prim_sign_check(public_key, text, 100, sig));
	assert_false(roost_prim_sign_check(public_key, text, 99, sig));
	for (bit = 0; bit < 512; bit++) {
		sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(roost_prim_sign_check(public_key, text, 100,
						   sig));
		sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (bit = 0; bit < 256; bit++) {
		public_key[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(roost_prim_sign_check(public_key, text, 100,
						   sig));
		public_key[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (bit = 0; bit < 800; bit += 9) {
		text[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(roost_prim_sign_check(public_key, text, 100,
						   sig));
		text[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_signature_is_of_one_key_and_text),
		cmocka_unit_test(test_sha2_known_answers),
		cmocka_unit_test(test_hmac_known_answers),
		cmocka_unit_test(test_hkdf_sha256_known_answers),
		cmocka_unit_test(test_hkdf_sha512_is_hmac_as_the_rfc_says),
		cmocka_unit_test(test_an_impossible_hkdf_leaves_zeros),
		cmocka_unit_test(test_aes_256_gcm_known_answers),
		cmocka_unit_test(
			test_a_failure_does_not_harm_the_next_opening),
		cmocka_unit_test(test_less_than_a_tag_does_not_open),
		cmocka_unit_test(test_a_wrap_opens_with_its_key_and_ad_only),
		cmocka_unit_test(test_x25519_known_answers),
		cmocka_unit_test(test_low_order_points_are_refused),
		cmocka_unit_test(test_two_sides_agree),
		cmocka_unit_test(test_random_bytes_do_not_repeat),
		cmocka_unit_test(test_argon2id_depends_on_all_it_gets),
		cmocka_unit_test(test_an_impossible_argon2id_leaves_zeros),
		cmocka_unit_test(test_base64_and_back_at_every_length),
		cmocka_unit_test(test_base64_known_answers),
		cmocka_unit_test(test_each_value_has_one_base64_text),
		cmocka_unit_test(test_other_base64_is_refused),
		cmocka_unit_test(test_init_is_counted),
		cmocka_unit_test(test_little_needs_no_openssl),
		cmocka_unit_test(test_both_libraries_do_the_same),
	};

	return cmocka_run_group_tests_name("prim", tests, kit_setup,
					   kit_teardown);
}
