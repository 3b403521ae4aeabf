/* SPDX-License-Identifier: MIT */
/*
 * fuzz_flagrule: any text as rules, then any change under them: an error is
 * within the text, and a change made twice is made once.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude \
 *	   -o build/fuzz/fuzz_flagrule tests/fuzz/fuzz_flagrule.c \
 *	   plugin/core/*.c plugin/rules/*.c -lsodium -lcrypto
 *
 * The text ends at the first 00; each byte after it is a step.
 */
#include "roost/flagrule.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 16

static const char *const names[] = {
	"a", "b", "c", "d", "e", "$a", "$b", "$c", "$Junk", "$NotJunk", "Junk",
	"$MailFlagBit0", "A", "$JUNK", "x(", "",
};

static struct roost_flagrules rules;
static struct roost_flag_outcome outcome;
static const char *message[ROOST_FLAG_NAMES_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool
fuzz_parse(const char *text, size_t len)
{
	struct roost_flagrule_error error;

	roost_flagrules_off(&rules);
	if (roost_flagrule_parse(&rules, text, len, &error))
		return true;
	if (error.line == 0 || error.column == 0 || error.phrase == NULL ||
	    error.excerpt_off + error.excerpt_len > len)
		abort();
	return false;
}

static void
fuzz_apply(struct roost_flag_request *request, size_t *count)
{
	size_t i;

	request->current = message;
	request->current_count = *count;
	if (roost_flagrule_apply(&rules, request, &outcome) != ROOST_OK)
		abort();
	*count = outcome.count;
	for (i = 0; i < outcome.count; i++)
		message[i] = outcome.names[i];
}

static void
fuzz_step(uint8_t what, uint8_t first, uint8_t second, size_t *count)
{
	const char *asked[] = { names[first & 15], names[second & 15] };
	struct roost_flag_request request = {
		.actor = (enum roost_flag_actor)((what & 7) % 6),
		.change = (enum roost_flag_change)((what >> 3 & 3) % 3),
		.names = asked, .count = 1U + (first >> 7),
		.is_flagged = (what & 0x80) != 0, .name_len_max = 50,
	};

	fuzz_apply(&request, count);
	if (*count > MESSAGE_MAX + ROOST_FLAGRULE_IMPLIES_MAX)
		abort();
	if (request.actor == ROOST_FLAG_REPLICATION)
		return;
	fuzz_apply(&request, count);
	if (outcome.has_changed)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const uint8_t *end = len == 0 ? NULL : memchr(bytes, 0, len);
	size_t text_len = end == NULL ? len : (size_t)(end - bytes);
	size_t at, count = 0;

	if (!fuzz_parse((const char *)bytes, text_len))
		return 0;
	for (at = text_len + 1; at + 2 < len; at += 3)
		fuzz_step(bytes[at], bytes[at + 1], bytes[at + 2], &count);
	return 0;
}
