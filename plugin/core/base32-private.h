/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CORE_BASE32_PRIVATE_H
#define ROOST_CORE_BASE32_PRIVATE_H

/*
 * base32-private: bytes as digits of five bits, the most significant first, in
 * any alphabet of 32 characters (RFC 4648 section 6, Crockford's).
 *
 * Promises: the same bytes always give the same text, and no other text gives
 * these bytes; nothing is left in memory of what was worked on.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROOST_BASE32_LEN(len) (((len) * 8 + 4) / 5)

/* Write the first count digits, of which there are at most
   ROOST_BASE32_LEN(len); no NUL is added. */
void roost_base32(const char *alphabet, const uint8_t *bytes, size_t len,
		  char *digits_r, size_t count);

/* Read the count * 5 / 8 bytes that all these digits stand for.  False for a
   character outside of the alphabet, for a count that no bytes have, and if
   unused bits are set; the caller then wipes what stands in bytes_r. */
bool roost_unbase32(const char *alphabet, const char *digits, size_t count,
		    uint8_t *bytes_r) __attribute__((warn_unused_result));

#endif
