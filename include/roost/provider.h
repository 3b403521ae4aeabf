/* SPDX-License-Identifier: MIT */
#ifndef ROOST_PROVIDER_H
#define ROOST_PROVIDER_H

/*
 * provider: the key of who runs the server, under which every keyring's host
 * key is wrapped (FORMAT.md 10).
 */

#include "roost/prim.h"

#define ROOST_PROVIDER_ID_SIZE 8

/*
 * Read the contents of a provider key's file: 64 hexadecimal digits, and
 * perhaps one LF or CRLF behind them.  ROOST_ERR_KEY_FILE for anything else.
 * The caller wipes key_r; it is zero after an error.
 */
enum roost_err roost_provider_key_parse(const char *text, size_t len,
					uint8_t key_r[ROOST_KEY_SIZE])
	ROOST_CHECKED;

/* The id of a provider key, by which a keyring names the key that it was made
   with.  The id is public. */
enum roost_err
roost_provider_id(const uint8_t provider_key[ROOST_KEY_SIZE],
		  uint8_t id_r[ROOST_PROVIDER_ID_SIZE]) ROOST_CHECKED;

#endif
