/* SPDX-License-Identifier: MIT */
/*
 * provider: the provider key's file as administrators make it, and its id.
 */
#include "kit.h"

#include "roost/bytes.h"

#include <stdlib.h>
#include <string.h>

#define KEY_TEXT "00112233445566778899aabbccddeeff" \
	"FFEEDDCCBBAA99887766554433221100"

static void
test_key_files(void **state)
{
	static const struct {
		const char *text;
		bool is_good;
	} files[] = {
		{ KEY_TEXT, true }, { KEY_TEXT "\n", true },
		{ KEY_TEXT "\r\n", true }, { "", false }, { "\n", false },
		{ "\r\n", false }, { KEY_TEXT "\r", false },
		{ KEY_TEXT "\n\n", false }, { KEY_TEXT "\r\r\n", false },
		{ KEY_TEXT "0", false }, { KEY_TEXT "00", false },
		{ KEY_TEXT "00\n", false }, { " " KEY_TEXT, false },
		{ KEY_TEXT " ", false }, { KEY_TEXT " \n", false },
		{ "0x" KEY_TEXT, false }, { "0x" KEY_TEXT "\n", false },
	};
	uint8_t key[32];
	size_t i, len;

	(void)state;
	for (i = 0; i < KIT_COUNT(files); i++) {
		len = strlen(files[i].text);
		memset(key, 0x55, 32);
		assert_gate(roost_provider_key_parse(
			(const char *)kit_at_fence(files[i].text, len), len,
			key), files[i].is_good ? ROOST_OK :
			ROOST_ERR_KEY_FILE);
		if (!files[i].is_good) {
			assert_zero(key, 32);
			continue;
		}
		assert_int_equal(key[1], 0x11);
		assert_int_equal(key[16], 0xff);
		assert_int_equal(key[31], 0);
	}
	for (len = 0; len < 64; len++)
		assert_gate(roost_provider_key_parse(
			(const char *)kit_at_fence(KEY_TEXT, len), len, key),
			    ROOST_ERR_KEY_FILE);
	for (i = 0; i < 64; i++) {
		char text[] = KEY_TEXT;

		text[i] = "g/:@`G \n"[i % 8];
		assert_gate(roost_provider_key_parse(text, 64, key),
			    ROOST_ERR_KEY_FILE);
		assert_zero(key, 32);
	}
}

/* The id is that of FORMAT.md 8.3. */
static void
test_the_provider_id_is_that_of_the_format(void **state)
{
	struct kit_ring *ring = kit_ring_new(KIT_SLOT(ROOST_SLOT_PROVIDER));
	uint8_t text[15 + 32] = "roost provider", hash[32], id[8];

	(void)state;
	memcpy(text + 15, ring->provider_key, 32);
	assert_good(roost_prim_sha256(text, sizeof(text), hash));
	assert_good(roost_provider_id(ring->provider_key, id));
	assert_memory_equal(id, hash, 8);
	assert_memory_equal(ring->kr.provider_id, hash, 8);
	free(ring);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_files),
		cmocka_unit_test(test_the_provider_id_is_that_of_the_format),
	};

	return cmocka_run_group_tests_name("provider", tests, kit_setup,
					   kit_teardown);
}
