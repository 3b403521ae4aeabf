/* SPDX-License-Identifier: MIT */
/*
 * code: a recovery code as text, and read back.  See roost/code.h.
 */
#include "roost/code.h"

#include "core/base32-private.h"
#include "roost/bytes.h"
#include "roost/derive.h"
#include "roost/secret.h"

#include <string.h>

#define CODE_DIGITS 32		/* that stand for the code itself */
#define CODE_CHECK_DIGITS 4
#define CODE_ALL_DIGITS (CODE_DIGITS + CODE_CHECK_DIGITS)
#define CODE_GROUP 4

static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* Make all 36 digits of a code, without dashes. */
static enum roost_err
code_digits(const uint8_t code[ROOST_CODE_SIZE],
	    char digits_r[CODE_ALL_DIGITS])
{
	uint8_t hash[ROOST_SHA256_SIZE];
	enum roost_err err = roost_derive_hash("roost recovery", code,
					       ROOST_CODE_SIZE, hash);

	roost_base32(crockford, code, ROOST_CODE_SIZE,
		     digits_r, CODE_DIGITS);
	roost_base32(crockford, hash, sizeof(hash),
		     digits_r + CODE_DIGITS, CODE_CHECK_DIGITS);
	roost_wipe(hash, sizeof(hash));
	return err;
}

enum roost_err
roost_code_write(const uint8_t code[ROOST_CODE_SIZE],
		 char text_r[ROOST_CODE_TEXT_SIZE])
{
	char digits[CODE_ALL_DIGITS];
	enum roost_err err = code_digits(code, digits);
	size_t i, out = 0;

	for (i = 0; err == ROOST_OK && i < CODE_ALL_DIGITS; i++) {
		if (i > 0 && i % CODE_GROUP == 0)
			text_r[out++] = '-';
		text_r[out++] = digits[i];
	}
	text_r[out] = '\0';
	roost_wipe(digits, sizeof(digits));
	return err;
}

/* Returns the value of a digit as it was written, 32 for a character to skip,
   or 33 for one that no code has. */
static unsigned int
code_value(char c)
{
	const char *found;

	if (c == '-' || c == ' ')
		return 32;
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c == 'O')
		c = '0';
	if (c == 'I' || c == 'L')
		c = '1';
	found = c == '\0' ? NULL : strchr(crockford, c);
	return found == NULL ? 33 : (unsigned int)(found - crockford);
}

/* Bring what was written into the form that this file writes.  False unless
   there are 36 digits. */
static bool
code_normalize(const char *text, size_t len,
	       char digits_r[CODE_ALL_DIGITS])
{
	size_t i, count = 0;
	unsigned int value;

	for (i = 0; i < len; i++) {
		value = code_value(text[i]);
		if (value == 32)
			continue;
		if (value == 33 || count == CODE_ALL_DIGITS)
			return false;
		digits_r[count++] = crockford[value];
	}
	return count == CODE_ALL_DIGITS;
}

enum roost_err
roost_code_parse(const char *text, size_t len,
		 uint8_t code_r[ROOST_CODE_SIZE])
{
	char written[CODE_ALL_DIGITS], right[CODE_ALL_DIGITS];
	enum roost_err err = ROOST_ERR_CODE_TYPO;

	memset(code_r, 0, ROOST_CODE_SIZE);
	memset(right, 0, sizeof(right));
	if (!code_normalize(text, len, written) ||
	    !roost_unbase32(crockford, written, CODE_DIGITS, code_r))
		goto out;
	err = code_digits(code_r, right);
	if (err == ROOST_OK &&
	    !roost_bytes_equal(written, right, sizeof(written)))
		err = ROOST_ERR_CODE_TYPO;
out:
	roost_wipe(written, sizeof(written));
	roost_wipe(right, sizeof(right));
	if (err != ROOST_OK)
		roost_wipe(code_r, ROOST_CODE_SIZE);
	return err;
}
