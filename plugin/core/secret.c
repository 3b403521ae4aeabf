/* SPDX-License-Identifier: MIT */
/*
 * secret: guarded memory and wiping, by means of libsodium.  See
 * roost/secret.h.
 */
#include "roost/secret.h"

#include "core/secret-private.h"

#include <sodium.h>
#include <string.h>

#define MARK UINT64_C(0x726f6f7374736563)

/* Stands before the bytes of each piece.  The library puts what it is asked for
   at the end of a page, so that this need not be aligned. */
struct piece {
	uint64_t size;		/* of the bytes */
	uint64_t mark;
};

/* Freed pieces, whose bytes are zero, the oldest first.  A process works for
   one user after another and needs the same few sizes for each of them.
   Nothing here is for threads, which neither Dovecot nor the tool has. */
static uint8_t *spares[ROOST_SECRET_SPARES_MAX];
static size_t spare_count;

static struct piece
piece_of(const uint8_t *bytes)
{
	struct piece piece;

	memcpy(&piece, bytes - sizeof(piece), sizeof(piece));
	/* Who has written before his own bytes may have written anywhere. */
	if (piece.mark != MARK)
		sodium_misuse();	/* ends the process */
	return piece;
}

static uint8_t *
piece_new(size_t size)
{
	const struct piece piece = { .mark = MARK, .size = size };
	uint8_t *memory = size > SIZE_MAX - sizeof(piece) ? NULL :
		sodium_malloc(size + sizeof(piece));

	if (memory == NULL)
		return NULL;
	memcpy(memory, &piece, sizeof(piece));
	sodium_memzero(memory + sizeof(piece), size);
	return memory + sizeof(piece);
}

static void
piece_free(uint8_t *bytes)
{
	sodium_free(bytes - sizeof(struct piece));
}

/* Take a spare out, and close the gap. */
static uint8_t *
spare_take(size_t i)
{
	uint8_t *bytes = spares[i];

	spare_count--;
	memmove(&spares[i], &spares[i + 1],
		(spare_count - i) * sizeof(spares[0]));
	return bytes;
}

void *
roost_secret_new(size_t size)
{
	size_t i;

	for (i = spare_count; i-- > 0; ) {
		if (piece_of(spares[i]).size == size)
			return spare_take(i);
	}
	return piece_new(size);
}

/* Of those that nobody asks for any more the oldest goes. */
void
roost_secret_free(void **secret)
{
	uint8_t *bytes = *secret;

	*secret = NULL;
	if (bytes == NULL)
		return;
	sodium_memzero(bytes, piece_of(bytes).size);
	if (spare_count == ROOST_SECRET_SPARES_MAX)
		piece_free(spare_take(0));
	spares[spare_count++] = bytes;
}

void
roost_secret_drop_spares(void)
{
	while (spare_count > 0)
		piece_free(spares[--spare_count]);
}

void
roost_wipe(void *bytes, size_t len)
{
	sodium_memzero(bytes, len);
}
