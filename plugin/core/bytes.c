/* SPDX-License-Identifier: MIT */
/*
 * bytes: comparing bytes, and writing them as hexadecimal digits.  See
 * roost/bytes.h.
 */
#include "roost/bytes.h"

#include "roost/prim.h"

#include <string.h>

bool
roost_bytes_equal(const void *a, const void *b, size_t len)
{
	return roost_prim_equal(a, b, len);
}

bool
roost_bytes_are_zero(const uint8_t *bytes, size_t len)
{
	/* If the first is zero, and each equals the next. */
	return len == 0 || (bytes[0] == 0 &&
		memcmp(bytes, bytes + 1, len - 1) == 0);	/* public */
}

void
roost_bytes_hex(const uint8_t *bytes, size_t len, char *text_r)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < len; i++) {
		text_r[2 * i] = digits[bytes[i] >> 4];
		text_r[2 * i + 1] = digits[bytes[i] & 15];
	}
	text_r[2 * len] = '\0';
}

/* Returns the value of a digit, or 0x100 if it is none.  No branch depends on
   the digit, because it may be a key's. */
static unsigned int
unhex_digit(unsigned int c)
{
	unsigned int lower = c | 0x20;
	unsigned int is_num, is_alpha, num, alpha;

	/* Bit 31 of a difference tells which of the two is larger. */
	is_num = (~((c - '0') >> 31) & ((c - ('9' + 1)) >> 31)) & 1;
	is_alpha = (~((lower - 'a') >> 31) & ((lower - ('f' + 1)) >> 31)) & 1;
	num = (0U - is_num) & (c - '0');
	alpha = (0U - is_alpha) & (lower - 'a' + 10);
	return num | alpha | ((1U - (is_num | is_alpha)) << 8);
}

bool
roost_bytes_unhex(const char *text, size_t text_len,
		  uint8_t *bytes_r, size_t len)
{
	unsigned int high, low, bad = 0;
	size_t i;

	memset(bytes_r, 0, len);
	if (text_len != 2 * len)
		return false;
	for (i = 0; i < len; i++) {
		high = unhex_digit((unsigned char)text[2 * i]);
		low = unhex_digit((unsigned char)text[2 * i + 1]);
		bad |= (high | low) & 0x100;
		bytes_r[i] = (uint8_t)((high << 4) | (low & 15));
	}
	if (bad != 0)
		memset(bytes_r, 0, len);
	return bad == 0;
}
