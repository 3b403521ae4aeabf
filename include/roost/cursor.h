/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CURSOR_H
#define ROOST_CURSOR_H

/*
 * cursor: reading fixed-width fields from bytes whose author may be hostile.
 *
 * A cursor never reads past its end.  The first read that finds too little
 * makes it stuck: every later read yields zero or NULL, and roost_cursor_done()
 * is false for good.  A parser can so read its fields one per line and ask
 * once, at the end, whether they were all there.  Fields are big-endian
 * (FORMAT.md 1.2).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct roost_cursor {
	const uint8_t *next;
	size_t left;
	bool is_stuck;
};

/* Begin at the first of len bytes, which are borrowed as long as the cursor is
   used. */
void roost_cursor_init(struct roost_cursor *cur,
		       const uint8_t *bytes, size_t len);

uint8_t roost_cursor_u8(struct roost_cursor *cur);
uint16_t roost_cursor_u16(struct roost_cursor *cur);
uint32_t roost_cursor_u32(struct roost_cursor *cur);

/* Returns the next len bytes where they lie, or NULL if they are not all
   there. */
const uint8_t *roost_cursor_bytes(struct roost_cursor *cur, size_t len);

/* True if every read so far succeeded and no byte is left over. */
bool roost_cursor_done(const struct roost_cursor *cur);

#endif
