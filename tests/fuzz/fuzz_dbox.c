/* SPDX-License-Identifier: MIT */
/*
 * fuzz_dbox: any bytes as a file of sdbox or mdbox.  What is handed out lies
 * within the file and comes once, in order; and the reading ends.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude \
 *	   -Iplugin -o build/fuzz/fuzz_dbox tests/fuzz/fuzz_dbox.c \
 *	   plugin/core/[a-z]*.c plugin/rules/[a-z]*.c -lsodium -lcrypto
 */
#include "tool/dbox.c"

#include <stdlib.h>

struct memory {
	const uint8_t *bytes;
	size_t len;
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static ssize_t
memory_read(void *context, uint64_t off, void *dst, size_t len)
{
	const struct memory *memory = context;

	if (off > memory->len || len > memory->len - off)
		abort();
	memcpy(dst, memory->bytes + off, len);
	return (ssize_t)len;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct memory memory = { bytes, len };
	struct roost_dbox_reader reader = { memory_read, &memory, len };
	struct roost_dbox_message msg;
	static struct roost_dbox dbox;
	enum roost_dbox_answer answer;
	uint64_t at = 0;

	if (roost_dbox_begin(&dbox, &reader) != 1)
		return 0;
	while ((answer = roost_dbox_next(&dbox, &msg)) != ROOST_DBOX_END) {
		if (answer == ROOST_DBOX_IO || msg.header_off < at ||
		    msg.header_off >= len || msg.size > len ||
		    dbox.next_off <= msg.header_off || dbox.next_off > len ||
		    strlen(msg.mailbox) > ROOST_DBOX_MAILBOX_MAX)
			abort();
		if (answer == ROOST_DBOX_MESSAGE &&
		    (msg.off <= msg.header_off || msg.off > len ||
		     msg.size > len - msg.off))
			abort();
		at = dbox.next_off;
	}
	return 0;
}
