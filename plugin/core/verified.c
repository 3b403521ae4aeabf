/* SPDX-License-Identifier: MIT */
/*
 * verified: the signatures that were found good.  See verified-private.h.
 */
#include "core/verified-private.h"

#include <string.h>

static uint8_t verified[ROOST_VERIFIED_MAX][ROOST_SHA256_SIZE];
static size_t verified_count, verified_next;

/* The text comes last, because what stands before it has a fixed length: no two
   inputs give the same bytes. */
static enum roost_err
verified_hash(const uint8_t *public_key, const void *bytes, size_t len,
	      const uint8_t *signature, uint8_t hash_r[ROOST_SHA256_SIZE])
{
	const struct roost_prim_part parts[] = {
		{ public_key, ROOST_KEY_SIZE },
		{ signature, ROOST_SIGNATURE_SIZE },
		{ bytes, len },
	};

	return roost_prim_sha256_of(parts, sizeof(parts) / sizeof(parts[0]),
				    hash_r);
}

static bool
verified_has(const uint8_t hash[ROOST_SHA256_SIZE])
{
	size_t i;

	for (i = 0; i < verified_count; i++) {
		if (memcmp(verified[i], hash, ROOST_SHA256_SIZE) == 0)
			return true;		/* public */
	}
	return false;
}

static void
verified_add(const uint8_t hash[ROOST_SHA256_SIZE])
{
	memcpy(verified[verified_next], hash, ROOST_SHA256_SIZE);
	verified_next = (verified_next + 1) % ROOST_VERIFIED_MAX;
	if (verified_count < ROOST_VERIFIED_MAX)
		verified_count++;
}

enum roost_err
roost_verified_check(const uint8_t public_key[ROOST_KEY_SIZE],
		     const void *bytes, size_t len,
		     const uint8_t signature[ROOST_SIGNATURE_SIZE],
		     bool *is_good_r)
{
	uint8_t hash[ROOST_SHA256_SIZE];	/* public */
	enum roost_err err = verified_hash(public_key, bytes, len, signature,
					   hash);

	*is_good_r = false;
	if (err != ROOST_OK)
		return err;
	*is_good_r = verified_has(hash);
	if (*is_good_r)
		return ROOST_OK;
	*is_good_r = roost_prim_sign_check(public_key, bytes, len, signature);
	if (*is_good_r)
		verified_add(hash);
	return ROOST_OK;
}
