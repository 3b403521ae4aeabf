/* SPDX-License-Identifier: MIT */
/*
 * tokencase: how a name is spelled.  See tokencase-private.h.
 *
 * The letters of a token carry a check, and then one masked bit for each letter
 * of the name that says whether it is a capital.  The mask is made from the
 * check, and the check from the spelling, so that two spellings of one name
 * have nothing in common.
 */
#include "core/tokencase-private.h"

#include "roost/secret.h"

#include <string.h>

#define CHECK_SIZE 4
#define MARKS_SIZE ROOST_SHA256_SIZE
#define SEALED_MAX (ROOST_TAG_SIZE + ROOST_TOKEN_NAME_MAX)

_Static_assert(ROOST_TOKEN_NAME_MAX <= 8 * MARKS_SIZE,
	       "One mask is enough for the longest name");

enum mac_kind {
	MAC_CHECK,	/* of the name as it is spelled */
	MAC_MASK,	/* of the check */
};

/* How many of the first letters carry the check, and how many after them carry
   marks. */
struct capacity {
	size_t check_bits, mark_bits;
};

char
roost_tokencase_fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

void
roost_tokencase_fold_all(const char *text, size_t len, char *folded_r)
{
	size_t i;

	for (i = 0; i < len; i++)
		folded_r[i] = roost_tokencase_fold(text[i]);
}

static bool
is_letter(char c)
{
	c = roost_tokencase_fold(c);
	return c >= 'a' && c <= 'z';
}

static size_t
count_letters(const char *text, size_t len)
{
	size_t i, count = 0;

	for (i = 0; i < len; i++) {
		if (is_letter(text[i]))
			count++;
	}
	return count;
}

/* Returns the mask of one bit; the most significant comes first. */
static uint8_t
bit(size_t at)
{
	return (uint8_t)(0x80 >> at % 8);
}

/* Read count bits from the letters that follow the first skip letters: a
   capital is 1. */
static void
capitals_read(const char *text, size_t skip, size_t count, uint8_t *bits)
{
	size_t at = 0;

	for (; at < skip + count; text++) {
		if (!is_letter(*text))
			continue;
		if (at >= skip && roost_tokencase_fold(*text) != *text)
			bits[(at - skip) / 8] |= bit(at - skip);
		at++;
	}
}

/* Write them into a text that is in lower case. */
static void
capitals_write(char *text, size_t skip, size_t count, const uint8_t *bits)
{
	size_t at = 0;

	for (; at < skip + count; text++) {
		if (!is_letter(*text))
			continue;
		if (at >= skip &&
		    (bits[(at - skip) / 8] & bit(at - skip)) != 0)
			*text = (char)(*text - 'a' + 'A');
		at++;
	}
}

static size_t
name_len(const struct roost_tokencase *tc)
{
	return tc->sealed_len - ROOST_TAG_SIZE;
}

/* Tell how many bits the letters carry.  False if the token has fewer letters
   than the name, which is next to impossible. */
static bool
letters_suffice(const struct roost_tokencase *tc, const char *digits,
		const char *name, struct capacity *capacity_r)
{
	size_t letters = count_letters(digits, tc->digits_len);
	size_t left;

	capacity_r->mark_bits = count_letters(name, name_len(tc));
	left = letters < capacity_r->mark_bits ? 0 :
		letters - capacity_r->mark_bits;
	capacity_r->check_bits = left < 8 * CHECK_SIZE ? left : 8 * CHECK_SIZE;
	return letters >= capacity_r->mark_bits;
}

static enum roost_err
mac(const struct roost_tokencase *tc, enum mac_kind kind,
    const void *bytes, size_t len, uint8_t mac_r[ROOST_SHA256_SIZE])
{
	uint8_t input[1 + SEALED_MAX + ROOST_TOKEN_NAME_MAX];
	enum roost_err err;

	input[0] = (uint8_t)kind;
	memcpy(input + 1, tc->sealed, tc->sealed_len);
	memcpy(input + 1 + tc->sealed_len, bytes, len);
	err = roost_prim_hmac_sha256(tc->key->case_key,
				     sizeof(tc->key->case_key), input,
				     1 + tc->sealed_len + len, mac_r);
	roost_wipe(input, sizeof(input));
	return err;
}

/* Make a check of this many bits from the MAC of a spelling; the other bits are
   zero. */
static enum roost_err
make_check(const struct roost_tokencase *tc, const char *name, size_t bits,
	   uint8_t check_r[CHECK_SIZE])
{
	uint8_t whole[ROOST_SHA256_SIZE];	/* public, as part of it is */
	enum roost_err err;
	size_t i;

	memset(check_r, 0, CHECK_SIZE);
	err = mac(tc, MAC_CHECK, name, name_len(tc), whole);
	if (err != ROOST_OK)
		return err;
	for (i = 0; i < bits; i++)
		check_r[i / 8] |= whole[i / 8] & bit(i);
	return ROOST_OK;
}

/* Mask the marks, or take the mask off them. */
static enum roost_err
mask(const struct roost_tokencase *tc, const uint8_t check[CHECK_SIZE],
     uint8_t marks[MARKS_SIZE])
{
	uint8_t pad[MARKS_SIZE];
	enum roost_err err;
	size_t i;

	err = mac(tc, MAC_MASK, check, CHECK_SIZE, pad);
	for (i = 0; i < MARKS_SIZE && err == ROOST_OK; i++)
		marks[i] ^= pad[i];
	roost_wipe(pad, sizeof(pad));
	return err;
}

enum roost_err
roost_tokencase_seal(const struct roost_tokencase *tc, const char *name,
		     char *digits)
{
	uint8_t check[CHECK_SIZE], marks[MARKS_SIZE] = { 0 };
	struct capacity capacity;
	enum roost_err err;

	if (!letters_suffice(tc, digits, name, &capacity))
		return ROOST_OK;
	capitals_read(name, 0, capacity.mark_bits, marks);
	err = make_check(tc, name, capacity.check_bits, check);
	if (err == ROOST_OK)
		err = mask(tc, check, marks);
	if (err == ROOST_OK) {
		capitals_write(digits, 0, capacity.check_bits, check);
		capitals_write(digits, capacity.check_bits, capacity.mark_bits,
			       marks);
	}
	roost_wipe(marks, sizeof(marks));
	return err;
}

enum roost_err
roost_tokencase_open(const struct roost_tokencase *tc, const char *digits,
		     char *name)
{
	uint8_t check[CHECK_SIZE] = { 0 }, marks[MARKS_SIZE] = { 0 };
	uint8_t right[CHECK_SIZE];
	char spelled[ROOST_TOKEN_NAME_MAX];
	struct capacity capacity;
	enum roost_err err;

	if (!letters_suffice(tc, digits, name, &capacity))
		return ROOST_OK;
	capitals_read(digits, 0, capacity.check_bits, check);
	capitals_read(digits, capacity.check_bits, capacity.mark_bits, marks);
	err = mask(tc, check, marks);
	if (err == ROOST_OK) {
		roost_tokencase_fold_all(name, name_len(tc), spelled);
		capitals_write(spelled, 0, capacity.mark_bits, marks);
		err = make_check(tc, spelled, capacity.check_bits, right);
	}
	if (err == ROOST_OK && roost_prim_equal(check, right, CHECK_SIZE))
		memcpy(name, spelled, name_len(tc));
	roost_wipe(marks, sizeof(marks));
	roost_wipe(spelled, sizeof(spelled));
	return err;
}
