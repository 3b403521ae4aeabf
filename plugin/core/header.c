/* SPDX-License-Identifier: MIT */
/*
 * header: parsing and writing H.  See roost/header.h.
 *
 * The checks stand in the order of FORMAT.md 6.  The first that fails names the
 * gate, so that moving one would change what a reader answers.
 */
#include "roost/header.h"

#include "roost/bytes.h"
#include "roost/cursor.h"

#include <string.h>

/* FORMAT.md 3.4 says why it is not 1. */
#define HEADER_VERSION 2
#define HEADER_SUITE 1
#define HEADER_FLAGS_CRITICAL UINT32_C(0xffff)
#define HEADER_RESERVED_OFF 49
#define HEADER_RESERVED_SIZE (ROOST_HEADER_FIXED_SIZE - HEADER_RESERVED_OFF)
#define BODY_SIZE_X25519 (32 + 48)
#define BODY_SIZE_MLKEM768 (1120 + 48)

static const uint8_t magic[ROOST_MAGIC_SIZE] = {
	0x8e, 'R', 'S', 'T', '\r', '\n', 0x1a, '\n'
};

bool
roost_header_is_claimed(const uint8_t *bytes, size_t len)
{
	size_t i, same = 0;
	bool has_mark = false;

	if (len > ROOST_MAGIC_SIZE)
		len = ROOST_MAGIC_SIZE;
	for (i = 0; i < len; i++) {
		if (bytes[i] != magic[i])
			continue;
		same++;
		/* These two bytes stand in no text. */
		has_mark = has_mark || i == 0 || i == 6;
	}
	return has_mark && (same >= 4 || same == len);
}

enum roost_err
roost_header_peek(const uint8_t *bytes, size_t len, size_t *len_r)
{
	struct roost_cursor cur;
	const uint8_t *seen_magic, *reserved;
	unsigned int version, suite, stanzas_len, count;
	uint32_t flags;

	*len_r = 0;
	if (len < ROOST_HEADER_FIXED_SIZE)
		return ROOST_ERR_HEADER_SHORT;
	roost_cursor_init(&cur, bytes, ROOST_HEADER_FIXED_SIZE);
	seen_magic = roost_cursor_bytes(&cur, ROOST_MAGIC_SIZE);
	version = roost_cursor_u8(&cur);
	suite = roost_cursor_u8(&cur);
	stanzas_len = roost_cursor_u16(&cur);
	flags = roost_cursor_u32(&cur);
	(void)roost_cursor_bytes(&cur, 2 * ROOST_ID_SIZE);
	count = roost_cursor_u8(&cur);
	reserved = roost_cursor_bytes(&cur, HEADER_RESERVED_SIZE);

	if (memcmp(seen_magic, magic, sizeof(magic)) != 0)	/* public */
		return ROOST_ERR_MAGIC;
	if (version != HEADER_VERSION)
		return ROOST_ERR_VERSION;
	if (suite != HEADER_SUITE)
		return ROOST_ERR_SUITE;
	if ((flags & HEADER_FLAGS_CRITICAL) != 0)
		return ROOST_ERR_FLAG;
	if (!roost_bytes_are_zero(reserved, HEADER_RESERVED_SIZE))
		return ROOST_ERR_RESERVED;
	if (count < 1 || count > ROOST_STANZAS_MAX)
		return ROOST_ERR_STANZA_COUNT;
	if (stanzas_len > ROOST_STANZAS_SIZE_MAX)
		return ROOST_ERR_STANZA_TABLE;
	*len_r = ROOST_HEADER_FIXED_SIZE + stanzas_len;
	return ROOST_OK;
}

/* Cut the table into stanzas, whose fields are not checked yet. */
static enum roost_err
header_split(struct roost_header *hdr)
{
	struct roost_cursor cur;
	struct roost_stanza *stanza;
	unsigned int i;

	roost_cursor_init(&cur, hdr->bytes + ROOST_HEADER_FIXED_SIZE,
			  hdr->len - ROOST_HEADER_FIXED_SIZE);
	for (i = 0; i < hdr->stanza_count; i++) {
		stanza = &hdr->stanzas[i];
		stanza->head = cur.next;
		stanza->type = roost_cursor_u8(&cur);
		stanza->role = roost_cursor_u8(&cur);
		stanza->body_len = roost_cursor_u16(&cur);
		stanza->key_id = roost_cursor_bytes(&cur, ROOST_KEY_ID_SIZE);
		stanza->body = roost_cursor_bytes(&cur, stanza->body_len);
	}
	return roost_cursor_done(&cur) ? ROOST_OK : ROOST_ERR_STANZA_TABLE;
}

static bool
stanza_has_good_length(const struct roost_stanza *stanza)
{
	switch (stanza->type) {
	case ROOST_STANZA_X25519:
		return stanza->body_len == BODY_SIZE_X25519;
	case ROOST_STANZA_MLKEM768_X25519:
		return stanza->body_len == BODY_SIZE_MLKEM768;
	default:
		return true;
	}
}

static bool
header_has_twins(const struct roost_header *hdr)
{
	unsigned int i, j;

	for (i = 0; i < hdr->stanza_count; i++) {
		for (j = 0; j < i; j++) {
			if (memcmp(hdr->stanzas[i].key_id, /* public */
				   hdr->stanzas[j].key_id,
				   ROOST_KEY_ID_SIZE) == 0)
				return true;
		}
	}
	return false;
}

static enum roost_err
header_check_stanzas(const struct roost_header *hdr)
{
	unsigned int i;

	for (i = 0; i < hdr->stanza_count; i++) {
		if (hdr->stanzas[i].type == 0 ||
		    hdr->stanzas[i].role != ROOST_STANZA_ROLE)
			return ROOST_ERR_STANZA_TYPE;
	}
	for (i = 0; i < hdr->stanza_count; i++) {
		if (!stanza_has_good_length(&hdr->stanzas[i]))
			return ROOST_ERR_STANZA_LENGTH;
	}
	return header_has_twins(hdr) ? ROOST_ERR_STANZA_DUPLICATE : ROOST_OK;
}

enum roost_err
roost_header_parse(const uint8_t *bytes, size_t len,
		   struct roost_header *hdr_r)
{
	struct roost_header hdr;	/* public */
	enum roost_err err;

	memset(hdr_r, 0, sizeof(*hdr_r));
	memset(&hdr, 0, sizeof(hdr));
	err = roost_header_peek(bytes, len, &hdr.len);
	if (err != ROOST_OK)
		return err;
	if (len < hdr.len)
		return ROOST_ERR_HEADER_SHORT;
	hdr.bytes = bytes;
	hdr.flags = roost_be32_get(bytes + 12);
	hdr.keyring_id = bytes + ROOST_HEADER_KEYRING_ID_OFF;
	hdr.object_id = bytes + ROOST_HEADER_OBJECT_ID_OFF;
	hdr.stanza_count = bytes[48];
	err = header_split(&hdr);
	if (err == ROOST_OK)
		err = header_check_stanzas(&hdr);
	if (err == ROOST_OK)
		*hdr_r = hdr;
	return err;
}

void
roost_header_write(const uint8_t keyring_id[ROOST_ID_SIZE],
		   const uint8_t object_id[ROOST_ID_SIZE],
		   unsigned int stanza_count, size_t stanzas_len,
		   uint8_t fixed_r[ROOST_HEADER_FIXED_SIZE])
{
	memset(fixed_r, 0, ROOST_HEADER_FIXED_SIZE);
	memcpy(fixed_r, magic, sizeof(magic));
	fixed_r[8] = HEADER_VERSION;
	fixed_r[9] = HEADER_SUITE;
	roost_be16_put(fixed_r + 10, (uint16_t)stanzas_len);
	memcpy(fixed_r + ROOST_HEADER_KEYRING_ID_OFF, keyring_id,
	       ROOST_ID_SIZE);
	memcpy(fixed_r + ROOST_HEADER_OBJECT_ID_OFF, object_id,
	       ROOST_ID_SIZE);
	fixed_r[48] = (uint8_t)stanza_count;
}
