/* SPDX-License-Identifier: MIT */
/*
 * fuzz_object: any bytes as an object whose header and commitment are made
 * right, so that geometry and chunks are reached; read at random places.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude \
 *	   -o build/fuzz/fuzz_object tests/fuzz/fuzz_object.c \
 *	   plugin/core/[a-z]*.c -lsodium -lcrypto
 */
#include "roost/object.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t data_key[ROOST_KEY_SIZE] = { 1 };
static struct roost_object obj;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static enum roost_err
fuzz_read(void *context, uint64_t off, uint8_t *dst, size_t len)
{
	memcpy(dst, (const uint8_t *)context + off, len);
	return ROOST_OK;
}

/* Repair: the commitment, and the tag of the final chunk if it is told to. */
static void
fuzz_repair(uint8_t *copy, size_t len, bool has_final)
{
	struct roost_chunk_keys keys;
	struct roost_header hdr;
	struct roost_body body;
	size_t at;

	if (roost_header_parse(copy, len, &hdr) != ROOST_OK ||
	    roost_chunk_geometry(hdr.len, len, &body) != ROOST_OK ||
	    roost_chunk_keys_derive(&keys, data_key, copy + hdr.len, copy,
				    hdr.len) != ROOST_OK)
		return;
	memcpy(copy + hdr.len + ROOST_SALT_SIZE, keys.commitment,
	       ROOST_COMMITMENT_SIZE);
	at = (size_t)roost_chunk_off(&body, body.final_idx);
	if (has_final && roost_chunk_seal(&keys, body.final_idx, copy + at,
			body.final_sealed_len - ROOST_TAG_SIZE, copy + at) !=
	    ROOST_OK)
		abort();
	roost_chunk_keys_wipe(&keys);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t *copy, mode;
	const uint8_t *plain;
	size_t plain_len;
	struct roost_source source = { .read = fuzz_read };

	if (len < 1 || roost_prim_init() != ROOST_OK)
		return 0;
	mode = bytes[0];
	copy = malloc(len);
	if (copy == NULL)
		abort();
	memcpy(copy, bytes + 1, --len);
	if ((mode & 1) != 0)
		fuzz_repair(copy, len, (mode & 2) != 0);
	source.context = copy;
	source.size = len;
	memset(&obj, 0, sizeof(obj));
	if (roost_object_parse(&obj, &source) == ROOST_OK &&
	    roost_object_scrub(&obj) != ROOST_ERR_IO &&
	    roost_object_open(&obj, data_key) == ROOST_OK) {
		(void)!roost_object_read(&obj, 0, &plain, &plain_len);
		(void)!roost_object_read(&obj, mode * UINT64_C(333), &plain,
					 &plain_len);
		if (obj.body.plain_size > len)
			abort();
	}
	roost_object_close(&obj);
	free(copy);
	return 0;
}
