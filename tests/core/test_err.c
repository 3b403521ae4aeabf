/* SPDX-License-Identifier: MIT */
/*
 * err: every gate has a name of its own and a phrase for the log.
 */
#include "kit.h"

#include <stdlib.h>
#include <string.h>

static void
test_every_gate_has_a_name_and_a_phrase(void **state)
{
	int err;

	(void)state;
	for (err = 0; err < ROOST_ERR_COUNT; err++) {
		const char *name = roost_err_name((enum roost_err)err);
		const char *phrase = roost_err_phrase((enum roost_err)err);

		assert_non_null(name);
		assert_non_null(phrase);
		assert_true(strlen(name) > 1 && strlen(phrase) > 5);
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0"
					      "123456789-"), strlen(name));
		assert_null(strpbrk(phrase, "%\n"));
	}
}

static void
test_no_two_gates_share_a_name_or_a_phrase(void **state)
{
	int a, b;

	(void)state;
	for (a = 0; a < ROOST_ERR_COUNT; a++) {
		for (b = 0; b < a; b++) {
			assert_string_not_equal(
				roost_err_name((enum roost_err)a),
				roost_err_name((enum roost_err)b));
			assert_string_not_equal(
				roost_err_phrase((enum roost_err)a),
				roost_err_phrase((enum roost_err)b));
		}
	}
}

static void
test_a_value_outside_the_enum_is_unknown(void **state)
{
	(void)state;
	assert_string_equal(roost_err_name(ROOST_ERR_COUNT), "unknown");
	assert_string_equal(roost_err_name((enum roost_err)-1), "unknown");
	assert_non_null(roost_err_phrase(ROOST_ERR_COUNT));
	assert_non_null(roost_err_phrase((enum roost_err)-1));
}

/* These tokens of FORMAT.md 6, 7, 9, 10, 12 and 13 are used by vectors and
   metrics. */
static const struct {
	enum roost_err err;
	const char *token;
} tokens[] = {
	{ ROOST_ERR_HEADER_SHORT, "header-short" },
	{ ROOST_ERR_MAGIC, "wrong-magic" },
	{ ROOST_ERR_VERSION, "unknown-version" },
	{ ROOST_ERR_SUITE, "unknown-suite" },
	{ ROOST_ERR_FLAG, "critical-flag" },
	{ ROOST_ERR_RESERVED, "reserved-byte" },
	{ ROOST_ERR_STANZA_COUNT, "stanza-count" },
	{ ROOST_ERR_STANZA_TABLE, "stanza-table" },
	{ ROOST_ERR_STANZA_TYPE, "stanza-type" },
	{ ROOST_ERR_STANZA_LENGTH, "stanza-length" },
	{ ROOST_ERR_STANZA_DUPLICATE, "stanza-duplicate" },
	{ ROOST_ERR_OTHER_KEYRING, "other-keyring" },
	{ ROOST_ERR_NO_KEY, "no-key" },
	{ ROOST_ERR_LOW_ORDER, "low-order" },
	{ ROOST_ERR_STANZA_AUTH, "stanza-auth" },
	{ ROOST_ERR_PROLOGUE_SHORT, "prologue-short" },
	{ ROOST_ERR_COMMITMENT, "commitment" },
	{ ROOST_ERR_LENGTH, "impossible-length" },
	{ ROOST_ERR_FINAL_CHUNK, "final-chunk" },
	{ ROOST_ERR_CHUNK, "chunk" },
	{ ROOST_ERR_DIGEST, "digest" },
	{ ROOST_ERR_DOC_SIZE, "doc-size" },
	{ ROOST_ERR_DOC_VERSION, "doc-version" },
	{ ROOST_ERR_DOC_LINE, "doc-line" },
	{ ROOST_ERR_DOC_RECORD, "doc-record" },
	{ ROOST_ERR_DOC_FIELD, "doc-field" },
	{ ROOST_ERR_DOC_NUMBER, "doc-number" },
	{ ROOST_ERR_DOC_BASE64, "doc-base64" },
	{ ROOST_ERR_DOC_OWNER, "doc-owner" },
	{ ROOST_ERR_DOC_EPOCH, "doc-epoch" },
	{ ROOST_ERR_DOC_SLOT, "doc-slot" },
	{ ROOST_ERR_OWNER, "owner" },
	{ ROOST_ERR_PROVIDER_KEY, "provider-key" },
	{ ROOST_ERR_HOST_AUTH, "host-auth" },
	{ ROOST_ERR_PROVIDER_MAC, "provider-mac" },
	{ ROOST_ERR_ARGON2_LIMIT, "argon2-limit" },
	{ ROOST_ERR_NO_SLOT, "no-slot" },
	{ ROOST_ERR_SLOT_AUTH, "slot-auth" },
	{ ROOST_ERR_IDENTITY, "identity" },
	{ ROOST_ERR_OWNER_SIG, "owner-sig" },
	{ ROOST_ERR_IDENTITY_KEY, "identity-key" },
	{ ROOST_ERR_SECRETS, "secrets" },
	{ ROOST_ERR_EPOCH_KEY, "epoch-key" },
	{ ROOST_ERR_BLOB_FORM, "blob-form" },
	{ ROOST_ERR_BLOB_AUTH, "blob-auth" },
	{ ROOST_ERR_BLOB_CONTENT, "blob-content" },
	{ ROOST_ERR_TOKEN, "token" },
	{ ROOST_ERR_CODE_TYPO, "code-typo" },
	{ ROOST_ERR_KEY_FILE, "key-file" },
	{ ROOST_ERR_ESCROW_FILE, "escrow-file" },
	{ ROOST_ERR_UNLOCK_FILE, "unlock-file" },
};

static void
test_names_are_the_tokens_of_the_format(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(tokens); i++)
		assert_string_equal(roost_err_name(tokens[i].err),
				    tokens[i].token);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_gate_has_a_name_and_a_phrase),
		cmocka_unit_test(test_no_two_gates_share_a_name_or_a_phrase),
		cmocka_unit_test(test_a_value_outside_the_enum_is_unknown),
		cmocka_unit_test(test_names_are_the_tokens_of_the_format),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
