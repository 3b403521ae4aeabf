/* SPDX-License-Identifier: MIT */
/*
 * derive: making one key from another.  See roost/derive.h.
 */
#include "roost/derive.h"

#include "roost/secret.h"

#include <assert.h>
#include <string.h>

#define DERIVE_PREFIX "roost/v1 "
#define DERIVE_INFO_MAX 64
#define DERIVE_HASHED_MAX 64

enum roost_err
roost_derive(const uint8_t key[ROOST_KEY_SIZE], const char *label,
	     const uint8_t *extra, size_t extra_len,
	     uint8_t *out_r, size_t out_len)
{
	uint8_t info[DERIVE_INFO_MAX];	/* public */
	size_t prefix_len = sizeof(DERIVE_PREFIX) - 1;
	size_t label_size = strlen(label) + 1;
	struct roost_hkdf_args args = {
		.key = key, .key_len = ROOST_KEY_SIZE, .info = info,
		.info_len = prefix_len + label_size + extra_len,
	};

	assert(args.info_len <= sizeof(info));
	memcpy(info, DERIVE_PREFIX, prefix_len);
	memcpy(info + prefix_len, label, label_size);	/* with its NUL */
	if (extra_len > 0)
		memcpy(info + prefix_len + label_size, extra, extra_len);
	return roost_prim_hkdf(ROOST_HKDF_SHA512_EXPAND, &args,
			       out_r, out_len);
}

enum roost_err
roost_derive_hash(const char *label, const uint8_t *bytes, size_t len,
		  uint8_t hash_r[ROOST_SHA256_SIZE])
{
	uint8_t text[DERIVE_HASHED_MAX];
	size_t label_size = strlen(label) + 1;
	enum roost_err err;

	assert(label_size + len <= sizeof(text));
	memcpy(text, label, label_size);		/* with its NUL */
	memcpy(text + label_size, bytes, len);
	err = roost_prim_sha256(text, label_size + len, hash_r);
	roost_wipe(text, sizeof(text));
	return err;
}
