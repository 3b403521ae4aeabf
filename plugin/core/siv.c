/* SPDX-License-Identifier: MIT */
/*
 * siv: sealing without a nonce.  See siv-private.h.
 */
#include "core/siv-private.h"

#include "roost/secret.h"

#include <string.h>

/* The length of the associated data comes first, so that no two inputs of a tag
   are the same bytes. */
static enum roost_err
siv_tag(const uint8_t *key, const void *ad, size_t ad_len,
	const uint8_t *plain, size_t len, uint8_t tag_r[ROOST_TAG_SIZE])
{
	uint8_t input[1 + ROOST_SIV_AD_MAX + ROOST_SIV_TEXT_MAX];
	uint8_t mac[ROOST_SHA256_SIZE];
	enum roost_err err;

	input[0] = (uint8_t)ad_len;
	memcpy(input + 1, ad, ad_len);
	memcpy(input + 1 + ad_len, plain, len);
	err = roost_prim_hmac_sha256(key, ROOST_KEY_SIZE, input,
				     1 + ad_len + len, mac);
	roost_wipe(input, sizeof(input));
	memcpy(tag_r, mac, ROOST_TAG_SIZE);
	roost_wipe(mac, sizeof(mac));
	return err;
}

/* Hide the text, or show it. */
static enum roost_err
siv_mask(const uint8_t *key, const uint8_t tag[ROOST_TAG_SIZE],
	 const uint8_t *text, size_t len, uint8_t *masked_r)
{
	struct roost_hkdf_args args = {
		.key = key + ROOST_KEY_SIZE, .key_len = ROOST_KEY_SIZE,
		.info = tag, .info_len = ROOST_TAG_SIZE,
	};
	uint8_t pad[ROOST_SIV_TEXT_MAX];
	enum roost_err err;
	size_t i;

	err = roost_prim_hkdf(ROOST_HKDF_SHA256_EXPAND, &args, pad, len);
	for (i = 0; i < len && err == ROOST_OK; i++)
		masked_r[i] = text[i] ^ pad[i];
	roost_wipe(pad, sizeof(pad));
	return err;
}

enum roost_err
roost_siv_seal(const uint8_t key[ROOST_SIV_KEY_SIZE],
	       const void *ad, size_t ad_len,
	       const uint8_t *plain, size_t len, uint8_t *sealed_r)
{
	enum roost_err err = ROOST_ERR_BACKEND;

	if (ad_len <= ROOST_SIV_AD_MAX && len > 0 && len <= ROOST_SIV_TEXT_MAX)
		err = siv_tag(key, ad, ad_len, plain, len, sealed_r);
	if (err == ROOST_OK)
		err = siv_mask(key, sealed_r, plain, len,
			       sealed_r + ROOST_TAG_SIZE);
	if (err != ROOST_OK)
		roost_wipe(sealed_r, ROOST_TAG_SIZE + len);
	return err;
}

enum roost_err
roost_siv_open(const uint8_t key[ROOST_SIV_KEY_SIZE],
	       const void *ad, size_t ad_len,
	       const uint8_t *sealed, size_t len, uint8_t *plain_r)
{
	uint8_t right[ROOST_TAG_SIZE];	/* the tag of what has come out */
	enum roost_err err = ROOST_ERR_BACKEND;

	if (len <= ROOST_TAG_SIZE || len > ROOST_TAG_SIZE + ROOST_SIV_TEXT_MAX)
		return ROOST_ERR_CHUNK;
	len -= ROOST_TAG_SIZE;
	if (ad_len <= ROOST_SIV_AD_MAX)
		err = siv_mask(key, sealed, sealed + ROOST_TAG_SIZE, len,
			       plain_r);
	if (err == ROOST_OK)
		err = siv_tag(key, ad, ad_len, plain_r, len, right);
	if (err == ROOST_OK && !roost_prim_equal(sealed, right, sizeof(right)))
		err = ROOST_ERR_CHUNK;
	if (err != ROOST_OK)
		roost_wipe(plain_r, len);
	roost_wipe(right, sizeof(right));
	return err;
}
