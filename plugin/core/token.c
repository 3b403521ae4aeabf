/* SPDX-License-Identifier: MIT */
/*
 * token: names of keywords, sealed so that equal names stay equal.  See
 * roost/token.h.
 *
 * The name is sealed in lower case.  How it is spelled is told by the case of
 * the token's letters, which does not count when keywords are compared.
 */
#include "roost/token.h"

#include "core/base32-private.h"
#include "core/siv-private.h"
#include "core/tokencase-private.h"
#include "roost/derive.h"
#include "roost/secret.h"

#include <string.h>

#define AD_LABEL "roost/v1 keyword"
#define AD_SIZE (sizeof(AD_LABEL) + ROOST_ID_SIZE)
#define SEALED_MAX (ROOST_TAG_SIZE + ROOST_TOKEN_NAME_MAX)
#define DIGITS_MAX (ROOST_TOKEN_MAX - ROOST_TOKEN_PREFIX_SIZE)

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

enum roost_err
roost_token_key_derive(const uint8_t host_key[ROOST_KEY_SIZE],
		       const uint8_t keyring_id[ROOST_ID_SIZE],
		       struct roost_token_key *key_r)
{
	enum roost_err err;

	err = roost_derive(host_key, "keyword", NULL, 0,
			   key_r->key, sizeof(key_r->key));
	if (err == ROOST_OK)
		err = roost_derive(host_key, "keyword case", NULL, 0,
				   key_r->case_key,
				   sizeof(key_r->case_key));
	if (err == ROOST_OK)
		memcpy(key_r->keyring_id, keyring_id, ROOST_ID_SIZE);
	else
		roost_wipe(key_r, sizeof(*key_r));
	return err;
}

static void
token_ad(const struct roost_token_key *key, uint8_t ad_r[AD_SIZE])
{
	memcpy(ad_r, AD_LABEL, sizeof(AD_LABEL));	/* with its NUL */
	memcpy(ad_r + sizeof(AD_LABEL), key->keyring_id, ROOST_ID_SIZE);
}

bool
roost_token_is_claimed(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < ROOST_TOKEN_PREFIX_SIZE; i++) {
		if (i == len || roost_tokencase_fold(text[i]) !=
		    ROOST_TOKEN_PREFIX[i])
			return false;
	}
	return true;
}

enum roost_err
roost_token_seal(const struct roost_token_key *key,
		 const char *name, size_t len,
		 char token_r[ROOST_TOKEN_MAX + 1])
{
	uint8_t ad[AD_SIZE], sealed[SEALED_MAX];	/* public */
	struct roost_tokencase tc = {
		.key = key, .sealed = sealed,
		.sealed_len = ROOST_TAG_SIZE + len,
	};
	char folded[ROOST_TOKEN_NAME_MAX];
	enum roost_err err;

	token_r[0] = '\0';
	if (len < 1 || len > ROOST_TOKEN_NAME_MAX ||
	    memchr(name, '\0', len) != NULL)
		return ROOST_ERR_LIMIT;
	roost_tokencase_fold_all(name, len, folded);
	token_ad(key, ad);
	err = roost_siv_seal(key->key, ad, sizeof(ad),
			     (const uint8_t *)folded, len, sealed);
	roost_wipe(folded, sizeof(folded));
	if (err != ROOST_OK)
		return err;
	memcpy(token_r, ROOST_TOKEN_PREFIX, ROOST_TOKEN_PREFIX_SIZE);
	tc.digits_len = ROOST_BASE32_LEN(tc.sealed_len);
	roost_base32(alphabet, sealed, tc.sealed_len,
		     token_r + ROOST_TOKEN_PREFIX_SIZE, tc.digits_len);
	token_r[ROOST_TOKEN_LEN(len)] = '\0';
	err = roost_tokencase_seal(&tc, name,
				   token_r + ROOST_TOKEN_PREFIX_SIZE);
	if (err != ROOST_OK)
		token_r[0] = '\0';
	return err;
}

/* Decode the sealed bytes of a token.  Returns how many there are, or zero if
   it cannot be a token. */
static size_t
token_decode(const char *token, size_t len, uint8_t sealed_r[SEALED_MAX])
{
	char digits[DIGITS_MAX];	/* public */

	if (len < ROOST_TOKEN_LEN(1) || len > ROOST_TOKEN_MAX ||
	    !roost_token_is_claimed(token, len))
		return 0;
	len -= ROOST_TOKEN_PREFIX_SIZE;
	roost_tokencase_fold_all(token + ROOST_TOKEN_PREFIX_SIZE, len, digits);
	return roost_unbase32(alphabet, digits, len, sealed_r) ?
		len * 5 / 8 : 0;
}

static enum roost_err
token_open(const struct roost_tokencase *tc, const char *digits, char *name)
{
	uint8_t ad[AD_SIZE];	/* public */
	enum roost_err err;

	token_ad(tc->key, ad);
	err = roost_siv_open(tc->key->key, ad, sizeof(ad), tc->sealed,
			     tc->sealed_len, (uint8_t *)name);
	if (err != ROOST_OK)
		return err;
	if (memchr(name, '\0', tc->sealed_len - ROOST_TAG_SIZE) != NULL)
		return ROOST_ERR_TOKEN;
	return roost_tokencase_open(tc, digits, name);
}

enum roost_err
roost_token_open(const struct roost_token_key *key,
		 const char *token, size_t len,
		 char name_r[ROOST_TOKEN_NAME_MAX + 1])
{
	uint8_t sealed[SEALED_MAX];	/* public */
	struct roost_tokencase tc = {
		.key = key, .sealed = sealed,
		.sealed_len = token_decode(token, len, sealed),
	};
	enum roost_err err;

	memset(name_r, 0, ROOST_TOKEN_NAME_MAX + 1);
	if (tc.sealed_len == 0)
		return ROOST_ERR_TOKEN;
	tc.digits_len = len - ROOST_TOKEN_PREFIX_SIZE;
	err = token_open(&tc, token + ROOST_TOKEN_PREFIX_SIZE, name_r);
	if (err != ROOST_OK)
		roost_wipe(name_r, ROOST_TOKEN_NAME_MAX + 1);
	return err == ROOST_ERR_CHUNK ? ROOST_ERR_TOKEN : err;
}
