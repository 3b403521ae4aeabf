/* SPDX-License-Identifier: MIT */
/*
 * escrow: the key pair of escrow slots and its two files.  See roost/escrow.h.
 */
#include "roost/escrow.h"

#include "roost/secret.h"

#include <string.h>

static const char *const first_lines[] = {
	[ROOST_ESCROW_PUBLIC] = "roost-escrow-public x25519",
	[ROOST_ESCROW_PRIVATE] = "roost-escrow-private x25519",
};

enum roost_err
roost_escrow_make(uint8_t private_r[ROOST_KEY_SIZE],
		  uint8_t public_r[ROOST_KEY_SIZE])
{
	enum roost_err err = roost_prim_random(private_r, ROOST_KEY_SIZE);

	memset(public_r, 0, ROOST_KEY_SIZE);
	if (err == ROOST_OK)
		err = roost_prim_x25519_public(private_r, public_r);
	if (err != ROOST_OK)
		roost_wipe(private_r, ROOST_KEY_SIZE);
	return err;
}

void
roost_escrow_write(enum roost_escrow_kind kind,
		   const uint8_t key[ROOST_KEY_SIZE],
		   char text_r[ROOST_ESCROW_TEXT_SIZE])
{
	size_t len = strlen(first_lines[kind]);

	memcpy(text_r, first_lines[kind], len);
	text_r[len++] = '\n';
	roost_prim_base64(key, ROOST_KEY_SIZE, text_r + len);
	len += ROOST_BASE64_LEN(ROOST_KEY_SIZE);
	text_r[len++] = '\n';
	text_r[len] = '\0';
}

/* Take a line from the text, whose end is LF or CR LF, or that of the text.
   Returns its length. */
static size_t
line_take(const char **text, size_t *len)
{
	const char *line = *text, *end = memchr(line, '\n', *len);
	size_t line_len = end == NULL ? *len : (size_t)(end - line);
	size_t taken = end == NULL ? *len : line_len + 1;

	*text += taken;
	*len -= taken;
	if (end != NULL && line_len > 0 && line[line_len - 1] == '\r')
		line_len--;
	return line_len;
}

enum roost_err
roost_escrow_parse(enum roost_escrow_kind kind, const char *text, size_t len,
		   uint8_t key_r[ROOST_KEY_SIZE])
{
	const char *first = text, *second;
	size_t first_len = line_take(&text, &len), second_len;

	second = text;
	second_len = line_take(&text, &len);
	if (len == 0 && first_len == strlen(first_lines[kind]) &&
	    memcmp(first, first_lines[kind], first_len) == 0 &&	/* public */
	    roost_prim_unbase64(second, second_len, key_r, ROOST_KEY_SIZE))
		return ROOST_OK;
	roost_wipe(key_r, ROOST_KEY_SIZE);
	return ROOST_ERR_ESCROW_FILE;
}
