/* SPDX-License-Identifier: MIT */
/*
 * token: names of keywords come back, equal names look alike, and nothing
 * that the key did not make is taken for a name.
 */
#include "kit.h"

#include "roost/bytes.h"
#include "roost/token.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX ROOST_TOKEN_NAME_MAX
#define SEALED_MAX (ROOST_TAG_SIZE + NAME_MAX + 1)

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char both_cases[] = "abcdefghijklmnopqrstuvwxyz234567"
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ";

static struct roost_token_key
any_key(void)
{
	uint8_t host_key[ROOST_KEY_SIZE], id[ROOST_ID_SIZE];
	struct roost_token_key key;

	kit_fill(host_key, sizeof(host_key));
	kit_fill(id, sizeof(id));
	assert_good(roost_token_key_derive(host_key, id, &key));
	return key;
}

/* Make a name of any bytes but NUL. */
static void
any_name(char *name_r, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		name_r[i] = (char)(1 + kit_below(255));
	name_r[len] = '\0';
}

/* Write the text as FORMAT.md 13.3 says, bit by bit. */
static void
text_by_hand(const uint8_t *bytes, size_t len, char *text_r)
{
	size_t bit, value = 0, filled = 0;

	memcpy(text_r, "rk1-", 4);
	text_r += 4;
	for (bit = 0; bit < 8 * len || filled > 0; bit++) {
		value *= 2;
		if (bit < 8 * len)
			value |= (unsigned int)bytes[bit / 8] >>
				(7 - bit % 8) & 1U;
		if (++filled == 5) {
			*text_r++ = alphabet[value];
			value = filled = 0;
		}
	}
	*text_r = '\0';
}

static void
fold_by_hand(const char *name, size_t len, char *folded_r)
{
	size_t i;

	for (i = 0; i < len; i++)
		folded_r[i] = name[i] >= 'A' && name[i] <= 'Z' ?
			(char)(name[i] + 32) : name[i];
	folded_r[len] = '\0';
}

static void
assert_folds_to(const char *text, const char *folded)
{
	char mine[ROOST_TOKEN_MAX + 1];

	fold_by_hand(text, strlen(text), mine);
	assert_string_equal(mine, folded);
}

/* Seal as FORMAT.md 13.2 says. */
static void
seal_by_hand(const struct roost_token_key *key, const void *name, size_t len,
	     uint8_t *sealed_r)
{
	struct roost_hkdf_args args = {
		.key = key->key + 32, .key_len = 32,
		.info = sealed_r, .info_len = 16,
	};
	uint8_t input[34 + SEALED_MAX] = "\x21roost/v1 keyword", mac[32];
	size_t i;

	memcpy(input + 18, key->keyring_id, 16);
	memcpy(input + 34, name, len);
	assert_good(roost_prim_hmac_sha256(key->key, 32, input, 34 + len,
					   mac));
	memcpy(sealed_r, mac, 16);
	assert_good(roost_prim_hkdf(ROOST_HKDF_SHA256_EXPAND, &args,
				    sealed_r + 16, len));
	for (i = 0; i < len; i++)
		sealed_r[16 + i] ^= input[34 + i];
}

/* Make a token of any bytes, sealed as they are, in lower case; the name need
   not be one that can exist. */
static size_t
token_by_hand(const struct roost_token_key *key, const void *name, size_t len,
	      char *text_r)
{
	uint8_t sealed[SEALED_MAX];

	seal_by_hand(key, name, len, sealed);
	text_by_hand(sealed, 16 + len, text_r);
	return strlen(text_r);
}

/* Open a token where reading beyond its end is noticed; after an error all must
   be zero. */
static enum roost_err
open_token(const struct roost_token_key *key, const char *text, size_t len,
	   char *name_r)
{
	enum roost_err err;

	memset(name_r, 0x55, NAME_MAX + 1);
	err = roost_token_open(key, (const char *)kit_at_fence(text, len),
			       len, name_r);
	if (err != ROOST_OK)
		assert_zero(name_r, NAME_MAX + 1);
	return err;
}

static void
assert_no_token(const struct roost_token_key *key, const char *text,
		size_t len)
{
	char name[NAME_MAX + 1];

	assert_gate(open_token(key, text, len, name), ROOST_ERR_TOKEN);
}

static void
test_the_key_is_that_of_the_format(void **state)
{
	uint8_t host_key[32], id[16], right[64];
	uint8_t info[18] = "roost/v1 keyword";
	static const uint8_t case_info[] = "roost/v1 keyword case\0\001";
	struct roost_token_key key;

	(void)state;
	kit_fill(host_key, sizeof(host_key));
	kit_fill(id, sizeof(id));
	info[17] = 1;
	assert_good(roost_prim_hmac_sha512(host_key, 32, info, 18, right));
	assert_good(roost_token_key_derive(host_key, id, &key));
	assert_memory_equal(key.key, right, 64);
	assert_memory_equal(key.keyring_id, id, 16);
	assert_good(roost_prim_hmac_sha512(host_key, 32, case_info,
					   sizeof(case_info) - 1, right));
	assert_memory_equal(key.case_key, right, 32);
}

static void
test_a_token_is_that_of_the_format(void **state)
{
	struct roost_token_key key = any_key();
	char name[NAME_MAX + 1], text[ROOST_TOKEN_MAX + 1];
	char right[ROOST_TOKEN_MAX + 1], folded[NAME_MAX + 1];
	size_t len;

	(void)state;
	for (len = 1; len <= NAME_MAX; len += 1 + kit_below(9)) {
		any_name(name, len);
		assert_good(roost_token_seal(&key, name, len, text));
		fold_by_hand(name, len, folded);
		(void)token_by_hand(&key, folded, len, right);
		assert_folds_to(text, right);
		assert_memory_equal(text, "rk1-", 4);
	}
}

static void
test_every_length_comes_back(void **state)
{
	struct roost_token_key key = any_key();
	char name[NAME_MAX + 1], back[NAME_MAX + 1];
	char text[ROOST_TOKEN_MAX + 1];
	size_t len;

	(void)state;
	assert_int_equal(ROOST_TOKEN_LEN(1), 32);
	assert_int_equal(ROOST_TOKEN_MAX, 438);
	for (len = 1; len <= NAME_MAX; len++) {
		any_name(name, len);
		memset(text, 'x', sizeof(text));
		assert_good(roost_token_seal(&key,
			(const char *)kit_at_fence(name, len), len, text));
		assert_int_equal(strlen(text), ROOST_TOKEN_LEN(len));
		assert_memory_equal(text, "rk1-", 4);
		assert_int_equal(strspn(text + 4, both_cases),
				 strlen(text + 4));
		assert_good(open_token(&key, text, strlen(text), back));
		assert_memory_equal(back, name, len);
		assert_zero(back + len, sizeof(back) - len);
	}
}

static void
test_names_that_cannot_exist_have_no_token(void **state)
{
	struct roost_token_key key = any_key();
	char name[NAME_MAX + 2], text[ROOST_TOKEN_MAX + 1];
	size_t at;

	(void)state;
	any_name(name, NAME_MAX + 1);
	memset(text, 'x', sizeof(text));
	assert_gate(roost_token_seal(&key, name, 0, text), ROOST_ERR_LIMIT);
	assert_string_equal(text, "");
	memset(text, 'x', sizeof(text));
	assert_gate(roost_token_seal(&key, name, NAME_MAX + 1, text),
		    ROOST_ERR_LIMIT);
	assert_string_equal(text, "");
	assert_gate(roost_token_seal(&key, name, SIZE_MAX, text),
		    ROOST_ERR_LIMIT);
	for (at = 0; at < 20; at++) {
		any_name(name, 20);
		name[at] = '\0';
		memset(text, 'x', sizeof(text));
		assert_gate(roost_token_seal(&key, name, 20, text),
			    ROOST_ERR_LIMIT);
		assert_string_equal(text, "");
	}
}

/* Somebody has the key, and makes what this library never does. */
static void
test_sealed_names_that_cannot_exist_do_not_open(void **state)
{
	struct roost_token_key key = any_key();
	char name[NAME_MAX + 2], text[ROOST_TOKEN_LEN(NAME_MAX + 1) + 1];
	char back[NAME_MAX + 1];
	size_t at, len;

	(void)state;
	any_name(name, NAME_MAX + 1);
	len = token_by_hand(&key, name, NAME_MAX + 1, text);
	assert_no_token(&key, text, len);
	len = token_by_hand(&key, name, NAME_MAX, text);
	assert_good(open_token(&key, text, len, back));
	for (at = 0; at < 20; at++) {
		any_name(name, 20);
		name[at] = '\0';
		len = token_by_hand(&key, name, 20, text);
		assert_no_token(&key, text, len);
	}
	/* This is the tag of no name; SIV must not even be asked for it. */
	memset(name, 0, 16);
	text_by_hand((const uint8_t *)name, 16, text);
	assert_no_token(&key, text, strlen(text));
}

static void
test_one_name_has_one_token(void **state)
{
	uint8_t host_key[32], id[16];
	struct roost_token_key a, b;
	char name[NAME_MAX + 1], one[ROOST_TOKEN_MAX + 1];
	char two[ROOST_TOKEN_MAX + 1];
	size_t len = 1 + kit_below(NAME_MAX);

	(void)state;
	kit_fill(host_key, sizeof(host_key));
	kit_fill(id, sizeof(id));
	any_name(name, len);
	assert_good(roost_token_key_derive(host_key, id, &a));
	assert_good(roost_token_seal(&a, name, len, one));
	assert_good(roost_token_seal(&a, name, len, two));
	assert_string_equal(one, two);
	/* Another process would do the same. */
	roost_prim_deinit();
	assert_good(roost_prim_init());
	assert_good(roost_token_key_derive(host_key, id, &b));
	assert_good(roost_token_seal(&b, name, len, two));
	assert_string_equal(one, two);
}

/* Not even the first digits may tell that two names are alike. */
static void
test_two_names_have_two_tokens(void **state)
{
	struct roost_token_key key = any_key();
	char name[NAME_MAX + 1], one[ROOST_TOKEN_MAX + 1];
	char two[ROOST_TOKEN_MAX + 1];
	size_t at;

	(void)state;
	any_name(name, 100);
	assert_good(roost_token_seal(&key, name, 100, one));
	for (at = 0; at < 100; at++) {
		char old = name[at];

		do
			name[at] = (char)(1 + kit_below(255));
		while (tolower((unsigned char)name[at]) ==
		       tolower((unsigned char)old));
		assert_good(roost_token_seal(&key, name, 100, two));
		assert_memory_not_equal(one + 4, two + 4, 20);
		assert_memory_not_equal(one + 30, two + 30, 20);
		name[at] = old;
	}
	assert_good(roost_token_seal(&key, name, 99, two));
	assert_memory_not_equal(one + 4, two + 4, 20);
}

/* Whoever is first to name it makes the keyword, and each knows its own
   spelling. */
static void
test_two_spellings_have_one_token(void **state)
{
	struct roost_token_key key = any_key();
	char one[ROOST_TOKEN_MAX + 1], two[ROOST_TOKEN_MAX + 1];
	char name[NAME_MAX + 1], folded[ROOST_TOKEN_MAX + 1];
	char back[NAME_MAX + 1];
	size_t i, len;
	int round;

	(void)state;
	for (round = 0; round < 500; round++) {
		len = round == 0 ? NAME_MAX : 1 + kit_below(20);
		for (i = 0; i < len; i++)
			name[i] = (char)('a' + kit_below(26));
		name[kit_below((uint32_t)len)] = 'A';
		name[len] = '\0';
		assert_good(roost_token_seal(&key, name, len, one));
		assert_good(open_token(&key, one, strlen(one), back));
		assert_string_equal(back, name);
		for (i = 0; i < len; i++)
			name[i] = (char)(kit_below(2) == 0 ? toupper(name[i]) :
					 tolower(name[i]));
		assert_good(roost_token_seal(&key, name, len, two));
		assert_good(open_token(&key, two, strlen(two), back));
		assert_string_equal(back, name);
		fold_by_hand(one, strlen(one), folded);
		assert_folds_to(two, folded);
	}
}

/* Returns how many letters differ between two texts, from one number on. */
static size_t
cases_that_differ(const char *one, const char *two, size_t skip)
{
	size_t i, count = 0;

	for (i = 4; one[i] != '\0'; i++) {
		if (!isalpha((unsigned char)one[i]))
			continue;
		if (skip > 0)
			skip--;
		else if (one[i] != two[i])
			count++;
	}
	return count;
}

/* The marks of two spellings that differ in one letter have nothing to do with
   each other, and neither have those of two names. */
static void
test_case_tells_nothing_without_the_key(void **state)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmn";
	struct roost_token_key key = any_key(), other = key;
	char text[ROOST_TOKEN_MAX + 1], two[ROOST_TOKEN_MAX + 1];
	char spelled[sizeof(name)], back[NAME_MAX + 1];
	size_t at, len = sizeof(name) - 1, sum = 0, checks = 0, count;

	(void)state;
	assert_good(roost_token_seal(&key, name, len, text));
	for (at = 0; at < len; at++) {
		memcpy(spelled, name, sizeof(name));
		spelled[at] = (char)toupper(name[at]);
		assert_good(roost_token_seal(&key, spelled, len, two));
		checks += cases_that_differ(text, two, 0) -
			cases_that_differ(text, two, 25);
		sum += cases_that_differ(text, two, 32);
	}
	/* These are half of 40 marks, and half of 25 bits of the check, 40
	   times. */
	assert_true(sum >= 40 * 14 && sum <= 40 * 26);
	assert_true(checks >= 40 * 8 && checks <= 40 * 17);
	other.case_key[0] ^= 1;
	assert_good(roost_token_seal(&other, name, len, two));
	count = cases_that_differ(text, two, 0);
	assert_true(count >= 10 && count <= 62);
	assert_good(open_token(&other, text, strlen(text), back));
	assert_string_equal(back, name);
}

/* Whatever has happened to the case, the name is there, in lower case. */
static void
test_changed_case_spells_nothing(void **state)
{
	static const char name[] = "Zahnarzt-AOK";
	struct roost_token_key key = any_key();
	char text[ROOST_TOKEN_MAX + 1], back[NAME_MAX + 1];
	size_t at, carried = 0, len = sizeof(name) - 1, changed = 0;

	(void)state;
	assert_good(roost_token_seal(&key, name, len, text));
	for (at = 4; text[at] != '\0'; at++) {
		char old = text[at];

		if (!isalpha((unsigned char)old))
			continue;
		text[at] = (char)(old ^ 32);
		assert_good(open_token(&key, text, strlen(text), back));
		if (carried++ < 8 + 11) {
			assert_string_equal(back, "zahnarzt-aok");
			changed++;
		}
		text[at] = old;
	}
	assert_int_equal(changed, 8 + 11);
	assert_good(open_token(&key, text, strlen(text), back));
	assert_string_equal(back, name);
}

/* No writer seals a name as it is spelled, but whoever has the key may. */
static void
test_a_name_sealed_as_spelled_is_read(void **state)
{
	struct roost_token_key key = any_key();
	char text[ROOST_TOKEN_MAX + 1], back[NAME_MAX + 1];
	size_t i, len = token_by_hand(&key, "DentisT", 7, text);

	(void)state;
	assert_good(open_token(&key, text, len, back));
	assert_string_equal(back, "DentisT");
	for (i = 0; i < len; i++)
		text[i] = (char)toupper((unsigned char)text[i]);
	assert_good(open_token(&key, text, len, back));
	assert_string_equal(back, "DentisT");
}

static void
test_another_key_makes_and_opens_other_tokens(void **state)
{
	struct roost_token_key key = any_key(), other;
	char one[ROOST_TOKEN_MAX + 1], two[ROOST_TOKEN_MAX + 1];
	size_t bit;

	(void)state;
	assert_good(roost_token_seal(&key, "label", 5, one));
	for (bit = 0; bit < 8 * sizeof(key.key); bit++) {
		other = key;
		other.key[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_no_token(&other, one, strlen(one));
		assert_good(roost_token_seal(&other, "label", 5, two));
		assert_string_not_equal(one, two);
	}
	for (bit = 0; bit < 8 * ROOST_ID_SIZE; bit++) {
		other = key;
		other.keyring_id[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_no_token(&other, one, strlen(one));
		assert_good(roost_token_seal(&other, "label", 5, two));
		assert_string_not_equal(one, two);
	}
}

/* Every character is changed to every other one. */
static void
test_every_changed_character_dies(void **state)
{
	struct roost_token_key key = any_key();
	char name[NAME_MAX + 1], back[NAME_MAX + 1];
	char text[ROOST_TOKEN_MAX + 1];
	size_t at, len, name_len;
	int c;

	(void)state;
	for (name_len = 1; name_len <= 5; name_len++) {
		any_name(name, name_len);
		assert_good(roost_token_seal(&key, name, name_len, text));
		len = strlen(text);
		for (at = 0; at < len; at++) {
			char old = text[at];

			for (c = 0; c < 256; c++) {
				text[at] = (char)c;
				if (text[at] == old)
					continue;
				if (c < 128 && tolower(c) ==
				    tolower((unsigned char)old))
					assert_good(open_token(&key, text, len,
							       back));
				else
					assert_no_token(&key, text, len);
			}
			text[at] = old;
		}
	}
}

/* The text is right, and every bit of tag and ciphertext counts. */
static void
test_every_changed_bit_dies(void **state)
{
	struct roost_token_key key = any_key();
	uint8_t sealed[SEALED_MAX];
	char name[NAME_MAX + 1], text[ROOST_TOKEN_MAX + 1];
	char right[ROOST_TOKEN_MAX + 1], folded[NAME_MAX + 1];
	size_t bit, len = kit_is_quick() ? 10 : NAME_MAX;

	(void)state;
	any_name(name, len);
	fold_by_hand(name, len, folded);
	seal_by_hand(&key, folded, len, sealed);
	assert_good(roost_token_seal(&key, name, len, right));
	for (bit = 0; bit < 8 * (16 + len); bit++) {
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		text_by_hand(sealed, 16 + len, text);
		assert_no_token(&key, text, strlen(text));
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	text_by_hand(sealed, 16 + len, text);
	assert_folds_to(right, text);
}

static void
test_every_prefix_and_every_extension_dies(void **state)
{
	struct roost_token_key key = any_key();
	char name[NAME_MAX + 1], text[ROOST_TOKEN_MAX + 20];
	size_t len, cut, more, name_len;

	(void)state;
	for (name_len = 1; name_len <= NAME_MAX; name_len += 23) {
		any_name(name, name_len);
		assert_good(roost_token_seal(&key, name, name_len, text));
		len = strlen(text);
		for (cut = 0; cut < len; cut++)
			assert_no_token(&key, text, cut);
		for (more = 1; more < 18; more++) {
			memset(text + len, 'a', more);
			assert_no_token(&key, text, len + more);
		}
		memset(text + len, '=', 6);
		for (more = 1; more < 7; more++)
			assert_no_token(&key, text, len + more);
		text[len] = '\0';
		assert_no_token(&key, text, len + 1);
	}
	memset(text, 'a', sizeof(text));
	memcpy(text, "rk1-", 4);
	for (len = 0; len <= sizeof(text); len++)
		assert_no_token(&key, text, len);
}

/* There is one text for one token: bits that no byte uses are zero, and there
   is no digit too many.  A decoder that let them pass would open these. */
static void
test_a_token_has_one_text(void **state)
{
	struct roost_token_key key = any_key();
	char name[9], text[ROOST_TOKEN_MAX + 3];
	size_t len, name_len, unused, value, bits;

	(void)state;
	for (name_len = 1; name_len <= 8; name_len++) {
		any_name(name, name_len);
		assert_good(roost_token_seal(&key, name, name_len, text));
		len = strlen(text);
		unused = (len - 4) * 5 % 8;
		value = (size_t)(strchr(alphabet, tolower(
				(unsigned char)text[len - 1])) - alphabet);
		for (bits = 1; bits < (size_t)1 << unused; bits++) {
			assert_int_equal(value & bits, 0);
			text[len - 1] = alphabet[value | bits];
			assert_no_token(&key, text, len);
		}
		text[len - 1] = alphabet[value];
		memcpy(text + len, "aa", 3);
		assert_no_token(&key, text, len + 1);
		assert_no_token(&key, text, len + 2);
	}
}

static void
test_case_does_not_matter_in_opening(void **state)
{
	struct roost_token_key key = any_key();
	char name[NAME_MAX + 1], back[NAME_MAX + 1];
	char text[ROOST_TOKEN_MAX + 1], mixed[ROOST_TOKEN_MAX + 1];
	size_t i, len, name_len;
	int round;

	(void)state;
	for (round = 0; round < 200; round++) {
		name_len = 1 + kit_below(NAME_MAX);
		any_name(name, name_len);
		assert_good(roost_token_seal(&key, name, name_len, text));
		len = strlen(text);
		for (i = 0; i <= len; i++)
			mixed[i] = round == 0 || kit_below(2) == 0 ?
				(char)toupper((unsigned char)text[i]) :
				text[i];
		assert_good(open_token(&key, mixed, len, back));
		assert_int_equal(strcasecmp(back, name), 0);
		/* The token of what came out must be the same. */
		assert_good(roost_token_seal(&key, back, name_len, mixed));
		fold_by_hand(text, len, text);
		assert_folds_to(mixed, text);
	}
}

static void
test_the_prefix_claims(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		bool is_claimed;
	} texts[] = {
		{ "rk1-", 4, true }, { "rk1-abc", 7, true },
		{ "RK1-ABC", 7, true }, { "Rk1-", 4, true },
		{ "rK1-x", 5, true }, { "rk1-\0", 5, true }, { "", 0, false },
		{ "r", 1, false }, { "rk1", 3, false }, { "rk1-", 3, false },
		{ "rk1", 4, false }, { "rk1_abc", 7, false },
		{ "rk2-abc", 7, false }, { "xk1-abc", 7, false },
		{ "rx1-abc", 7, false }, { " rk1-abc", 8, false },
		{ "rk-1abc", 7, false }, { "$rk1-abc", 8, false },
		{ "rk\x11-", 4, false }, { "rk1\r", 4, false },
		{ "2k1-", 4, false }, { "\x92k1-", 4, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(texts); i++)
		assert_int_equal(roost_token_is_claimed(
			(const char *)kit_at_fence(texts[i].text,
						   texts[i].len),
			texts[i].len), texts[i].is_claimed);
}

/* What opens must be what would be made; nothing else that claims to be a token
   opens. */
static void
test_random_texts_do_not_open(void **state)
{
	struct roost_token_key key = any_key();
	char text[ROOST_TOKEN_MAX + 1];
	size_t i, len;
	int round, rounds = kit_is_quick() ? 200 : 20000;

	(void)state;
	for (round = 0; round < rounds; round++) {
		len = 4 + kit_below(sizeof(text) - 4);
		memcpy(text, "rk1-", 4);
		for (i = 4; i < len; i++)
			text[i] = alphabet[kit_below(32)];
		assert_true(roost_token_is_claimed(text, len));
		assert_no_token(&key, text, len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_key_is_that_of_the_format),
		cmocka_unit_test(test_a_token_is_that_of_the_format),
		cmocka_unit_test(test_every_length_comes_back),
		cmocka_unit_test(test_names_that_cannot_exist_have_no_token),
		cmocka_unit_test(
			test_sealed_names_that_cannot_exist_do_not_open),
		cmocka_unit_test(test_one_name_has_one_token),
		cmocka_unit_test(test_two_names_have_two_tokens),
		cmocka_unit_test(test_two_spellings_have_one_token),
		cmocka_unit_test(test_case_tells_nothing_without_the_key),
		cmocka_unit_test(test_changed_case_spells_nothing),
		cmocka_unit_test(test_a_name_sealed_as_spelled_is_read),
		cmocka_unit_test(
			test_another_key_makes_and_opens_other_tokens),
		cmocka_unit_test(test_every_changed_character_dies),
		cmocka_unit_test(test_every_changed_bit_dies),
		cmocka_unit_test(test_every_prefix_and_every_extension_dies),
		cmocka_unit_test(test_a_token_has_one_text),
		cmocka_unit_test(test_case_does_not_matter_in_opening),
		cmocka_unit_test(test_the_prefix_claims),
		cmocka_unit_test(test_random_texts_do_not_open),
	};

	return cmocka_run_group_tests_name("token", tests, kit_setup,
					   kit_teardown);
}
