/* SPDX-License-Identifier: MIT */
/*
 * fuzz_index: any bytes as an index of Dovecot: a byte that says how many
 * sixteenths of the rest are the main file, and the rest is its log.  What is
 * accepted is in order and can be asked.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude \
 *	   -Iplugin -o build/fuzz/fuzz_index tests/fuzz/fuzz_index.c \
 *	   plugin/core/[a-z]*.c plugin/rules/[a-z]*.c -lsodium -lcrypto
 */
#define WORK_MAX 100000
#include "tool/index.c"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Bytes of their own, so that reading beyond them is seen. */
static uint8_t *
fuzz_copy(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len + 1);

	if (copy == NULL)
		abort();
	memcpy(copy, bytes, len);
	return realloc(copy, len == 0 ? 1 : len);
}

static void
fuzz_check(const struct roost_index *index)
{
	uint32_t last = 0;
	size_t i;

	if (index->keyword_count > ROOST_INDEX_KEYWORDS_MAX ||
	    index->extension_count > ROOST_INDEX_EXTENSIONS_MAX)
		abort();
	for (i = 0; i < index->count; i++) {
		const struct roost_index_record *record = &index->records[i];

		if (record->uid <= last || record->uid >= index->next_uid ||
		    (roost_index_find(index, record->uid) == NULL) !=
		    record->is_expunged)
			abort();
		last = record->uid;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct roost_index index;
	uint8_t *main_copy, *log_copy;
	size_t main_len;

	if (len == 0)
		return 0;
	main_len = (len - 1) * (bytes[0] & 15) / 16;
	main_copy = fuzz_copy(bytes + 1, main_len);
	log_copy = fuzz_copy(bytes + 1 + main_len, len - 1 - main_len);
	roost_index_init(&index, "mdbox");
	if ((main_len == 0 ||
	     roost_index_take_main(&index, main_copy, main_len)) &&
	    roost_index_take_log(&index, log_copy, len - 1 - main_len))
		fuzz_check(&index);
	roost_index_free(&index);
	free(main_copy);
	free(log_copy);
	return 0;
}
