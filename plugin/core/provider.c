/* SPDX-License-Identifier: MIT */
/*
 * provider: the contents of a provider key's file, and a provider key's id.
 * See roost/provider.h.
 */
#include "roost/provider.h"

#include "roost/bytes.h"
#include "roost/derive.h"

#include <string.h>

enum roost_err
roost_provider_key_parse(const char *text, size_t len,
			 uint8_t key_r[ROOST_KEY_SIZE])
{
	if (len > 0 && text[len - 1] == '\n') {
		len--;
		if (len > 0 && text[len - 1] == '\r')
			len--;
	}
	return roost_bytes_unhex(text, len, key_r, ROOST_KEY_SIZE) ?
		ROOST_OK : ROOST_ERR_KEY_FILE;
}

enum roost_err
roost_provider_id(const uint8_t provider_key[ROOST_KEY_SIZE],
		  uint8_t id_r[ROOST_PROVIDER_ID_SIZE])
{
	uint8_t hash[ROOST_SHA256_SIZE];	/* public */
	enum roost_err err = roost_derive_hash("roost provider", provider_key,
					       ROOST_KEY_SIZE, hash);

	memcpy(id_r, hash, ROOST_PROVIDER_ID_SIZE);
	return err;
}
