/* SPDX-License-Identifier: MIT */
/*
 * fuzz_keyring: any bytes as a document; what parses is written back the
 * same, signed anew, loaded and unlocked.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude \
 *	   -o build/fuzz/fuzz_keyring tests/fuzz/fuzz_keyring.c \
 *	   plugin/core/*.c plugin/rules/*.c -lsodium -lcrypto
 */
#include "roost/escrow.h"
#include "roost/keyring-edit.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t key[ROOST_KEY_SIZE] = { 1 };
static const struct roost_argon2_limits none = { 0, 0 };
static struct roost_keyring kr;
static struct roost_open_key keys[ROOST_KEYRING_EPOCHS_MAX];
static char again[ROOST_KEYRING_DOC_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t out[ROOST_KEY_SIZE];
	unsigned int line;
	size_t again_len;

	if (roost_prim_init() != ROOST_OK)
		return 0;
	(void)!roost_code_parse((const char *)bytes, len, out);
	(void)!roost_provider_key_parse((const char *)bytes, len, out);
	(void)!roost_escrow_parse(ROOST_ESCROW_PUBLIC, (const char *)bytes,
				  len, out);
	(void)!roost_escrow_parse(ROOST_ESCROW_PRIVATE, (const char *)bytes,
				  len, out);
	if (roost_keyring_parse((const char *)bytes, len, &kr, &line) !=
	    ROOST_OK)
		return 0;
	if (roost_keyring_write(&kr, again, &again_len) != ROOST_OK ||
	    again_len != len ||
	    memcmp(again, bytes, len) != 0)
		abort();
	if (roost_keyring_open_host(&kr, NULL, key, 1, out) == ROOST_OK)
		abort();
	(void)!roost_keyring_unlock_provider(&kr, key, out);
	(void)!roost_keyring_unlock_secret(&kr, key, key, &none, out);
	(void)!roost_keyring_unlock_recovery(&kr, key, out);
	(void)!roost_keyring_unlock_escrow(&kr, key, out);
	(void)!roost_keyring_check_owner(&kr);
	if (roost_keyring_sign_owner(&kr, key) != ROOST_OK ||
	    roost_keyring_sign_provider(&kr, key) != ROOST_OK ||
	    roost_keyring_sign(&kr, key, key) == ROOST_OK ||
	    roost_keyring_open_keys(&kr, key, key, keys) == ROOST_OK)
		abort();
	return 0;
}
