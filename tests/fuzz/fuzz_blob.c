/* SPDX-License-Identifier: MIT */
/*
 * fuzz_blob: any bytes as a blob; and any bytes as the plaintext of a genuine
 * one, where what opens must be what sealing writes.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude \
 *	   -o build/fuzz/fuzz_blob tests/fuzz/fuzz_blob.c \
 *	   plugin/core/*.c plugin/rules/*.c -lsodium -lcrypto
 */
#include "roost/blob.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t key[ROOST_KEY_SIZE] = { 1 };
static uint8_t sealed[ROOST_BLOB_SIZE_MAX], again[ROOST_BLOB_SIZE_MAX];
static uint8_t plain[ROOST_BLOB_SIZE_MAX], plain_again[ROOST_BLOB_SIZE_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Of all that is sealed here. */
static const uint8_t no_id[ROOST_ID_SIZE];

/* Seal the bytes as plaintext of form 1 or 3 under the right key. */
static size_t
fuzz_seal(struct roost_aead *aead, enum roost_blob_form form,
	  const uint8_t *bytes, size_t len)
{
	const uint8_t ad[1 + 2 * ROOST_ID_SIZE] = { (uint8_t)form };
	size_t head_len = form == ROOST_BLOB_FORM_OWN ? sizeof(ad) : 1;
	size_t key_len = form == ROOST_BLOB_FORM_OWN ? ROOST_KEY_SIZE : 0;
	uint8_t *body = sealed + head_len + ROOST_NONCE_SIZE;
	size_t max = sizeof(sealed) - head_len - ROOST_NONCE_SIZE -
		ROOST_TAG_SIZE;

	memset(sealed, 0, head_len + ROOST_NONCE_SIZE);
	sealed[0] = (uint8_t)form;
	if (len > max)
		len = max;
	memcpy(body, bytes, len);
	/* Most lengths are padded, as short items are (FORMAT.md 12.19). */
	while (len < max && len % 64 != key_len && len % 7 != 0)
		body[len++] = 0;
	if (roost_prim_aead_seal(aead, sealed + head_len, ad, sizeof(ad), body,
				 len, body) != ROOST_OK)
		abort();
	return (size_t)(body - sealed) + len + ROOST_TAG_SIZE;
}

/* Seal what opened once more: the same plaintext must come out. */
static void
fuzz_again(struct roost_aead *aead, const struct roost_blob *blob,
	   const struct roost_blob_content *content)
{
	struct roost_blob_content content_again;
	struct roost_blob blob_again;
	size_t len;

	if ((blob->form == ROOST_BLOB_FORM_OWN ? roost_blob_seal_own :
	     roost_blob_seal_beside)(aead, no_id, no_id, content, again,
				     &len) != ROOST_OK ||
	    roost_blob_parse(again, len, &blob_again) != ROOST_OK)
		abort();
	if (blob_again.form == ROOST_BLOB_FORM_BESIDE)
		roost_blob_stands_beside(&blob_again, no_id, no_id);
	if (roost_blob_open(&blob_again, aead, plain_again, &content_again) !=
	    ROOST_OK || blob_again.sealed_len != blob->sealed_len ||
	    memcmp(plain, plain_again, blob->sealed_len - ROOST_TAG_SIZE) != 0)
		abort();
}

static void
fuzz_trim(struct roost_blob_content *content, size_t max)
{
	size_t size = roost_blob_items_size(content);
	unsigned int went = roost_blob_trim(content, max);

	if ((size <= max) != (went == 0) && size > ROOST_BLOB_SENT_DATE_SIZE +
	    ROOST_SAVED_KEYS_SIZE + 2 * ROOST_BLOB_ITEM_HEAD_SIZE)
		abort();
	if (roost_blob_items_size(content) > size)
		abort();
}

/* The bytes as plaintext of a genuine blob. */
static void
fuzz_plain(struct roost_aead *aead, enum roost_blob_form form,
	   const uint8_t *bytes, size_t len)
{
	size_t sealed_len = fuzz_seal(aead, form, bytes, len);
	struct roost_blob_content content;
	struct roost_blob blob;

	if (roost_blob_parse(sealed, sealed_len, &blob) != ROOST_OK ||
	    blob.form != form)
		abort();
	if (form == ROOST_BLOB_FORM_BESIDE) {
		/* Beside nothing it must not open. */
		if (roost_blob_open(&blob, aead, plain, &content) !=
		    ROOST_ERR_BLOB_AUTH)
			abort();
		roost_blob_stands_beside(&blob, no_id, no_id);
	}
	if (roost_blob_open(&blob, aead, plain, &content) == ROOST_OK) {
		fuzz_again(aead, &blob, &content);
		fuzz_trim(&content, len / 2);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct roost_blob_content content;
	struct roost_blob blob;
	struct roost_aead *aead;

	if (roost_prim_init() != ROOST_OK ||
	    roost_blob_aead_own(key, &aead) != ROOST_OK)
		return 0;
	if (roost_blob_parse(bytes, len, &blob) == ROOST_OK &&
	    (blob.sealed + blob.sealed_len != bytes + len ||
	     blob.head != bytes || len > ROOST_BLOB_SIZE_MAX ||
	     roost_blob_open(&blob, aead, plain, &content) == ROOST_OK))
		abort();
	fuzz_plain(aead, ROOST_BLOB_FORM_OWN, bytes, len);
	fuzz_plain(aead, ROOST_BLOB_FORM_BESIDE, bytes, len);
	roost_prim_aead_free(&aead);
	return 0;
}
