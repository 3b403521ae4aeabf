/* SPDX-License-Identifier: MIT */
/*
 * fuzz_header: any bytes as the start of a file.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude \
 *	   -o build/fuzz/fuzz_header tests/fuzz/fuzz_header.c \
 *	   plugin/core/*.c plugin/rules/*.c -lsodium -lcrypto
 */
#include "roost/header.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct roost_header hdr;
	size_t peeked;
	enum roost_err peek = roost_header_peek(bytes, len, &peeked);
	enum roost_err err = roost_header_parse(bytes, len, &hdr);

	/* What parses must have been peeked at with success, and must claim to
	   be sealed. */
	if (err == ROOST_OK &&
	    (peek != ROOST_OK || hdr.len != peeked || peeked > len ||
	     peeked > ROOST_HEADER_SIZE_MAX || hdr.stanza_count < 1 ||
	     hdr.stanza_count > ROOST_STANZAS_MAX ||
	     !roost_header_is_claimed(bytes, len)))
		abort();
	if (peek != ROOST_OK && (peeked != 0 || err != peek))
		abort();
	return 0;
}
