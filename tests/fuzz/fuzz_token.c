/* SPDX-License-Identifier: MIT */
/*
 * fuzz_token: any bytes as a token, as a name, and as what a token of our own
 * key holds; what opens is what would be made of it.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude \
 *	   -Iplugin -o build/fuzz/fuzz_token tests/fuzz/fuzz_token.c \
 *	   plugin/core/*.c plugin/rules/*.c -lsodium -lcrypto
 */
#include "core/base32-private.h"
#include "core/siv-private.h"

#include "roost/token.h"

#include <stdlib.h>
#include <string.h>

#define LEN_MAX 400

static const uint8_t host_key[ROOST_KEY_SIZE] = { 1 };
static const uint8_t keyring_id[ROOST_ID_SIZE] = { 2 };
static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
static struct roost_token_key key;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static char
fuzz_fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool
fuzz_same(const char *one, const char *two, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (fuzz_fold(one[i]) != fuzz_fold(two[i]))
			return false;
	}
	return true;
}

/* Open a text.  If it does not open, nothing may be left; if it does, no other
   text may stand for that name. */
static bool
fuzz_open(const char *text, size_t len)
{
	static const char zeros[ROOST_TOKEN_NAME_MAX + 1];
	char name[ROOST_TOKEN_NAME_MAX + 1], again[ROOST_TOKEN_MAX + 1];
	bool is_same, is_spelled = false;
	size_t i;

	if (roost_token_open(&key, text, len, name) != ROOST_OK) {
		if (memcmp(name, zeros, sizeof(name)) != 0)
			abort();
		return false;
	}
	if (!roost_token_is_claimed(text, len) ||
	    roost_token_seal(&key, name, strlen(name), again) != ROOST_OK ||
	    strlen(again) != len)
		abort();
	is_same = fuzz_same(again, text, len);
	for (i = 0; name[i] != '\0'; i++)
		is_spelled = is_spelled || fuzz_fold(name[i]) != name[i];
	/* If it is sealed as it is spelled, there is another token for it. */
	if (!is_same && !is_spelled)
		abort();
	return true;
}

/* Make the right text of any sealed bytes. */
static size_t
fuzz_text(const uint8_t *sealed, size_t len, char *text_r)
{
	size_t count = ROOST_BASE32_LEN(len);

	memcpy(text_r, ROOST_TOKEN_PREFIX, ROOST_TOKEN_PREFIX_SIZE);
	roost_base32(digits, sealed, len, text_r + ROOST_TOKEN_PREFIX_SIZE,
		     count);
	return ROOST_TOKEN_PREFIX_SIZE + count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t ad[33] = "roost/v1 keyword", sealed[16 + LEN_MAX];
	char text[ROOST_TOKEN_PREFIX_SIZE + ROOST_BASE32_LEN(16 + LEN_MAX)];
	char token[ROOST_TOKEN_MAX + 1];
	bool is_name = len > 0 && len <= ROOST_TOKEN_NAME_MAX &&
		memchr(bytes, '\0', len) == NULL;

	if (len > LEN_MAX || roost_prim_init() != ROOST_OK ||
	    roost_token_key_derive(host_key, keyring_id, &key) != ROOST_OK)
		return 0;
	(void)fuzz_open((const char *)bytes, len);
	if (fuzz_open(text, fuzz_text(bytes, len, text)))
		abort();
	if ((roost_token_seal(&key, (const char *)bytes, len, token) ==
	     ROOST_OK) != is_name ||
	    (is_name && !fuzz_open(token, strlen(token))))
		abort();
	memcpy(ad + 17, keyring_id, sizeof(keyring_id));
	if (len > 0 && len <= ROOST_SIV_TEXT_MAX &&
	    (roost_siv_seal(key.key, ad, sizeof(ad), bytes, len,
			    sealed) != ROOST_OK ||
	     fuzz_open(text, fuzz_text(sealed, 16 + len, text)) != is_name))
		abort();
	return 0;
}
