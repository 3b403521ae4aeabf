/* SPDX-License-Identifier: MIT */
#ifndef ROOST_HEADER_H
#define ROOST_HEADER_H

/*
 * header: the fixed header of a sealed message and its table of stanzas
 * (FORMAT.md 3 and 4).
 *
 * Promises: a parsed header obeys every rule of the format that needs no
 * key; nothing outside the given bytes was read.
 */

#include "roost/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROOST_MAGIC_SIZE 8
#define ROOST_ID_SIZE 16
#define ROOST_KEY_ID_SIZE 8
#define ROOST_HEADER_FIXED_SIZE 64
#define ROOST_HEADER_KEYRING_ID_OFF 16
#define ROOST_HEADER_OBJECT_ID_OFF 32
#define ROOST_STANZAS_SIZE_MAX 16320
#define ROOST_HEADER_SIZE_MAX \
	(ROOST_HEADER_FIXED_SIZE + ROOST_STANZAS_SIZE_MAX)
#define ROOST_STANZAS_MAX 8
#define ROOST_STANZA_HEAD_SIZE 12
#define ROOST_STANZA_ROLE 1	/* the only one there is */

enum roost_stanza_type {
	ROOST_STANZA_X25519 = 1,
	ROOST_STANZA_MLKEM768_X25519 = 2,	/* reserved */
};

struct roost_stanza {
	const uint8_t *head;	/* ROOST_STANZA_HEAD_SIZE bytes, the aad */
	const uint8_t *key_id;	/* ROOST_KEY_ID_SIZE bytes */
	const uint8_t *body;
	uint16_t body_len;
	uint8_t type;
	uint8_t role;
};

/* A parsed header; everything points into the parsed bytes. */
struct roost_header {
	const uint8_t *bytes;		/* all of H */
	size_t len;
	const uint8_t *keyring_id;	/* ROOST_ID_SIZE bytes */
	const uint8_t *object_id;	/* ROOST_ID_SIZE bytes */
	uint32_t flags;
	unsigned int stanza_count;
	struct roost_stanza stanzas[ROOST_STANZAS_MAX];
};

/*
 * True if a file that begins with these bytes claims to be a sealed message
 * (FORMAT.md 6, recognition).  It must then be opened or refused, and never
 * served as it is.  The first ROOST_MAGIC_SIZE bytes are needed, or all there
 * are.
 */
bool roost_header_is_claimed(const uint8_t *bytes, size_t len);

/* Tell how many bytes the whole header has, from its first
   ROOST_HEADER_FIXED_SIZE bytes, all of whose rules are checked.  *len_r is
   zero after an error. */
enum roost_err roost_header_peek(const uint8_t *bytes, size_t len,
				 size_t *len_r) ROOST_CHECKED;

/* Parse H from at least as many bytes as roost_header_peek() told, which are
   borrowed. */
enum roost_err roost_header_parse(const uint8_t *bytes, size_t len,
				  struct roost_header *hdr_r) ROOST_CHECKED;

/* Write the fixed header of a message whose table has this size and number of
   stanzas. */
void roost_header_write(const uint8_t keyring_id[ROOST_ID_SIZE],
			const uint8_t object_id[ROOST_ID_SIZE],
			unsigned int stanza_count, size_t stanzas_len,
			uint8_t fixed_r[ROOST_HEADER_FIXED_SIZE]);

#endif
