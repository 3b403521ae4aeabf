/* SPDX-License-Identifier: MIT */
/*
 * base32: bytes as digits of five bits.  See base32-private.h.
 */
#include "core/base32-private.h"

#include "roost/secret.h"

#include <string.h>

void
roost_base32(const char *alphabet, const uint8_t *bytes, size_t len,
	     char *digits_r, size_t count)
{
	unsigned int window;
	size_t i, byte, shift;

	for (i = 0; i < count; i++) {
		byte = i * 5 / 8;
		shift = i * 5 % 8;
		window = (unsigned int)bytes[byte] << 8;
		if (byte + 1 < len)
			window |= bytes[byte + 1];
		digits_r[i] = alphabet[(window >> (11 - shift)) & 31];
	}
}

bool
roost_unbase32(const char *alphabet, const char *digits, size_t count,
	       uint8_t *bytes_r)
{
	unsigned int window = 0, bits = 0;
	const char *found;
	bool is_good;
	size_t i;

	for (i = 0; i < count; i++) {
		found = memchr(alphabet, digits[i], 32);
		if (found == NULL)
			break;
		window = (window << 5) | (unsigned int)(found - alphabet);
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			*bytes_r++ = (uint8_t)(window >> bits);
		}
	}
	/* If five bits were left, the last digit would stand for no byte. */
	is_good = i == count && bits < 5 && (window & ((1U << bits) - 1)) == 0;
	roost_wipe(&window, sizeof(window));
	return is_good;
}
