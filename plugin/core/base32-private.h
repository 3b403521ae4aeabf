/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CORE_BASE32_PRIVATE_H
#define ROOST_CORE_BASE32_PRIVATE_H

/*
 * base32-private: five bits to a digit, most significant first, in any
 * alphabet of 32 characters (RFC 4648 section 6, Crockford's).
 *
 * Promises: one text for each content; nothing is left of what was worked on.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROOST_BASE32_LEN(len) (((len) * 8 + 4) / 5)

/* The first count digits, at most ROOST_BASE32_LEN(len).  No NUL. */
void roost_base32(const char *alphabet, const uint8_t *bytes, size_t len,
		  char *digits_r, size_t count);

/*
 * The count * 5 / 8 bytes of all these digits.  False for a character outside
 * of the alphabet, for a count that no bytes have, and if unused bits are set;
 * what stands in bytes_r then is the caller's to wipe.
 */
bool roost_unbase32(const char *alphabet, const char *digits, size_t count,
		    uint8_t *bytes_r) __attribute__((warn_unused_result));

#endif
