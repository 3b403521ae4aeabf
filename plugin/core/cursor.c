/* SPDX-License-Identifier: MIT */
/*
 * cursor: reading bytes that may be hostile, never beyond their end.  See
 * roost/cursor.h.
 */
#include "roost/cursor.h"

#include "roost/bytes.h"

void
roost_cursor_init(struct roost_cursor *cur, const uint8_t *bytes, size_t len)
{
	cur->next = bytes;
	cur->left = len;
	cur->is_stuck = false;
}

const uint8_t *
roost_cursor_bytes(struct roost_cursor *cur, size_t len)
{
	const uint8_t *bytes = cur->next;

	if (cur->is_stuck || len > cur->left) {
		cur->is_stuck = true;
		return NULL;
	}
	cur->next += len;
	cur->left -= len;
	return bytes;
}

uint8_t
roost_cursor_u8(struct roost_cursor *cur)
{
	const uint8_t *bytes = roost_cursor_bytes(cur, 1);

	return bytes == NULL ? 0 : bytes[0];
}

uint16_t
roost_cursor_u16(struct roost_cursor *cur)
{
	const uint8_t *bytes = roost_cursor_bytes(cur, 2);

	return bytes == NULL ? 0 : roost_be16_get(bytes);
}

uint32_t
roost_cursor_u32(struct roost_cursor *cur)
{
	const uint8_t *bytes = roost_cursor_bytes(cur, 4);

	return bytes == NULL ? 0 : roost_be32_get(bytes);
}

bool
roost_cursor_done(const struct roost_cursor *cur)
{
	return !cur->is_stuck && cur->left == 0;
}
