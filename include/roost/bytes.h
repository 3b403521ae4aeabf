/* SPDX-License-Identifier: MIT */
#ifndef ROOST_BYTES_H
#define ROOST_BYTES_H

/*
 * bytes: big-endian integers in byte arrays (FORMAT.md 1.2), comparing secrets,
 * and hexadecimal digits.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline uint16_t
roost_be16_get(const uint8_t *src)
{
	return (uint16_t)(((unsigned)src[0] << 8) | src[1]);
}

static inline uint32_t
roost_be32_get(const uint8_t *src)
{
	return ((uint32_t)roost_be16_get(src) << 16) | roost_be16_get(src + 2);
}

static inline void
roost_be16_put(uint8_t *dst, uint16_t value)
{
	dst[0] = (uint8_t)(value >> 8);
	dst[1] = (uint8_t)value;
}

static inline void
roost_be32_put(uint8_t *dst, uint32_t value)
{
	roost_be16_put(dst, (uint16_t)(value >> 16));
	roost_be16_put(dst + 2, (uint16_t)value);
}

/* True if all len bytes are equal.  The time that it takes depends on len
   alone. */
bool roost_bytes_equal(const void *a, const void *b, size_t len);

/* True if all len bytes are zero.  Only for public bytes, because the time
   depends on them. */
bool roost_bytes_are_zero(const uint8_t *bytes, size_t len);

/* Write lower-case hexadecimal digits; text_r holds 2 * len + 1 bytes. */
void roost_bytes_hex(const uint8_t *bytes, size_t len, char *text_r);

/* Read exactly 2 * len digits of either case.  False for anything else, and
   then bytes_r is zero.  The time does not depend on the digits' values. */
bool roost_bytes_unhex(const char *text, size_t text_len,
		       uint8_t *bytes_r, size_t len)
	__attribute__((warn_unused_result));

#endif
