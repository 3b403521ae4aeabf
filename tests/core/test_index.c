/* SPDX-License-Identifier: MIT */
/*
 * index: Dovecot's index of a mailbox and its log, made here byte by byte;
 * whole, cut and hostile.
 *
 * Contains tool/index.c.
 */
#include "kit.h"

#define WORK_MAX 1000
#include "tool/index.c"

#include <stdlib.h>

#define EXTERNAL 0x10000000U

/* Bytes that are being made. */
struct made {
	uint8_t bytes[4096];
	size_t len;
};

static struct roost_index idx;

static void
put(struct made *made, const void *bytes, size_t len)
{
	assert_true(len <= sizeof(made->bytes) - made->len);
	memcpy(made->bytes + made->len, bytes, len);
	made->len += len;
}

static void
put16(struct made *made, unsigned int value)
{
	const uint8_t bytes[] = { (uint8_t)value, (uint8_t)(value >> 8) };

	put(made, bytes, 2);
}

static void
put32(struct made *made, uint32_t value)
{
	put16(made, value & 0xffff);
	put16(made, value >> 16);
}

static void
set32(struct made *made, size_t at, uint32_t value)
{
	size_t len = made->len;

	made->len = at;
	put32(made, value);
	made->len = len;
}

static void
pad(struct made *made, size_t to)
{
	while (made->len % to != 0)
		put(made, "", 1);
}

/* A main file with two messages, UIDs 3 and 5, the keywords Work and Urlaub,
   and the extension mdbox. */
static void
main_make(struct made *made)
{
	static const char names[] = "Work\0Urlaub";
	size_t i;

	memset(made, 0, sizeof(*made));
	put16(made, 0x0307);		/* 7.3 */
	put16(made, 120);
	for (i = 0; i < 29; i++)
		put32(made, 0);
	made->bytes[12] = 1;		/* little-endian */
	set32(made, 24, 1700000000);	/* UIDVALIDITY */
	set32(made, 28, 9);		/* next UID */
	set32(made, 32, 2);		/* messages */
	set32(made, 60, 4);		/* log sequence */
	set32(made, 68, 40);		/* and how far */
	/* keywords: at 8 in records, 4 bytes. */
	put32(made, 4 + 2 * 8 + sizeof(names));
	put32(made, 0);
	put16(made, 8);
	put16(made, 4);
	put16(made, 1);
	put16(made, 8);
	put(made, "keywords", 8);
	put32(made, 2);
	put32(made, 0);
	put32(made, 0);
	put32(made, 0);
	put32(made, 5);
	put(made, names, sizeof(names));
	pad(made, 8);
	/* mdbox: at 12, 8 bytes. */
	put32(made, 0);
	put32(made, 7);
	put16(made, 12);
	put16(made, 8);
	put16(made, 4);
	put16(made, 5);
	put(made, "mdbox", 5);
	pad(made, 8);
	set32(made, 4, (uint32_t)made->len);
	set32(made, 8, 20);
	for (i = 3; i <= 5; i += 2) {
		put32(made, (uint32_t)i);
		put32(made, i == 3 ? ROOST_INDEX_SEEN : 0);
		put32(made, i == 3 ? 1 : 2);
		put32(made, (uint32_t)(100 + i));
		put32(made, 0);
	}
}

static void
log_make(struct made *made, uint32_t seq, uint32_t previous)
{
	memset(made, 0, sizeof(*made));
	put16(made, 0x0301);
	put16(made, 40);
	put32(made, 1);
	put32(made, seq);
	put32(made, previous);
	while (made->len < 40)
		put32(made, 0);
}

/* Begin a record of the log, whose length record_end() writes. */
static size_t
record(struct made *made, uint32_t type)
{
	put32(made, 0);
	put32(made, type);
	return made->len - 8;
}

static void
record_end(struct made *made, size_t at)
{
	uint32_t words;
	size_t i;

	pad(made, 4);
	words = (uint32_t)((made->len - at) / 4);
	for (i = 0; i < 4; i++)
		made->bytes[at + i] = (uint8_t)(0x80 |
				(words >> 7 * (3 - i) & 0x7f));
}

static void
add_pair(struct made *made, uint32_t type, uint32_t uid1, uint32_t uid2)
{
	size_t at = record(made, type);

	put32(made, uid1);
	put32(made, uid2);
	record_end(made, at);
}

static void
add_flags(struct made *made, uint32_t uid1, uint32_t uid2, unsigned int add,
	  unsigned int remove)
{
	size_t at = record(made, LOG_FLAGS);

	put32(made, uid1);
	put32(made, uid2);
	put32(made, add | remove << 8);
	record_end(made, at);
}

static void
add_keyword(struct made *made, unsigned int how, const char *name,
	    uint32_t uid1, uint32_t uid2)
{
	size_t at = record(made, LOG_KEYWORD);

	put16(made, how);
	put16(made, (unsigned int)strlen(name));
	put(made, name, strlen(name));
	pad(made, 4);
	put32(made, uid1);
	put32(made, uid2);
	record_end(made, at);
}

static void
add_intro(struct made *made, uint32_t id, const char *name,
	  uint32_t reset_id, unsigned int size)
{
	size_t at = record(made, LOG_EXT_INTRO);

	put32(made, id);
	put32(made, reset_id);
	put32(made, 0);
	put16(made, size);
	put16(made, 4);
	put16(made, 0);
	put16(made, (unsigned int)strlen(name));
	put(made, name, strlen(name));
	record_end(made, at);
}

static void
add_value(struct made *made, uint32_t uid, uint32_t value)
{
	size_t at = record(made, LOG_EXT_RECORD);

	put32(made, uid);
	put32(made, value);
	put32(made, 0);
	record_end(made, at);
}

/* Take bytes where reading beyond them is noticed. */
static bool
take_main(const struct made *made)
{
	roost_index_init(&idx, "mdbox");
	return roost_index_take_main(&idx, kit_at_fence(made->bytes,
							made->len),
				     made->len);
}

static bool
take_log(const struct made *made)
{
	return roost_index_take_log(&idx, kit_at_fence(made->bytes,
						       made->len), made->len);
}

static void
check(uint32_t uid, unsigned int flags, uint64_t keywords, uint32_t value)
{
	const struct roost_index_record *found = roost_index_find(&idx, uid);

	assert_non_null(found);
	assert_int_equal(found->flags, flags);
	assert_int_equal(found->keywords, keywords);
	assert_int_equal(found->values[0], value);
}

static void
test_main(void **state)
{
	struct made made;

	(void)state;
	main_make(&made);
	assert_true(take_main(&made));
	assert_int_equal(idx.uid_validity, 1700000000);
	assert_int_equal(idx.next_uid, 9);
	assert_int_equal(idx.keyword_count, 2);
	assert_string_equal(idx.keywords[0], "Work");
	assert_string_equal(idx.keywords[1], "Urlaub");
	check(3, ROOST_INDEX_SEEN, 1, 103);
	check(5, 0, 2, 105);
	assert_null(roost_index_find(&idx, 4));
	assert_null(roost_index_find(&idx, 0));
	assert_null(roost_index_find(&idx, UINT32_MAX));
	roost_index_free(&idx);
}

static void
test_log(void **state)
{
	struct made main, log;
	size_t at;

	(void)state;
	main_make(&main);
	log_make(&log, 4, 3);
	add_pair(&log, LOG_APPEND, 9, ROOST_INDEX_DRAFT);
	add_flags(&log, 3, 5, ROOST_INDEX_FLAGGED, ROOST_INDEX_SEEN);
	add_keyword(&log, 0, "Neu", 5, 9);
	add_keyword(&log, 0, "Work", 5, 5);
	add_keyword(&log, 1, "Urlaub", 1, 100);
	add_intro(&log, 1, "", 7, 8);
	add_value(&log, 9, 109);
	/* Of another generation of the extension: nothing. */
	add_intro(&log, UINT32_MAX, "mdbox", 8, 8);
	add_value(&log, 3, 999);
	/* Only asked for; and done. */
	add_pair(&log, LOG_EXPUNGE, 5, 5);
	assert_true(take_main(&main));
	assert_true(take_log(&log));
	check(3, ROOST_INDEX_FLAGGED, 1, 103);
	check(5, ROOST_INDEX_FLAGGED, 1 | 4, 105);
	check(9, ROOST_INDEX_DRAFT, 4, 109);
	assert_int_equal(idx.next_uid, 10);
	/* The same log again changes nothing, the next one does. */
	assert_true(take_log(&log));
	assert_int_equal(idx.count, 3);
	log_make(&log, 5, 4);
	add_pair(&log, LOG_EXPUNGE | EXTERNAL, 4, 6);
	add_pair(&log, LOG_KEYWORD_RESET, 9, 9);
	at = record(&log, LOG_HEADER);
	put16(&log, 24);
	put16(&log, 4);
	put32(&log, 42);
	record_end(&log, at);
	assert_true(take_log(&log));
	assert_null(roost_index_find(&idx, 5));
	check(9, ROOST_INDEX_DRAFT, 0, 109);
	assert_int_equal(idx.uid_validity, 42);
	/* One that follows on nothing is left, one that begins anew counts. */
	log_make(&log, 9, 8);
	add_pair(&log, LOG_EXPUNGE | EXTERNAL, 1, 9);
	assert_true(take_log(&log));
	assert_non_null(roost_index_find(&idx, 9));
	log_make(&log, 10, 0);
	add_pair(&log, LOG_APPEND, 1, 0);
	assert_true(take_log(&log));
	assert_null(roost_index_find(&idx, 9));
	check(1, 0, 0, 0);
	roost_index_free(&idx);
}

/* What is not whole at the end of a log was not done. */
static void
test_cut_log(void **state)
{
	struct made main, log;
	size_t first, at, whole, len;

	(void)state;
	main_make(&main);
	log_make(&log, 4, 3);
	add_flags(&log, 3, 3, ROOST_INDEX_FLAGGED, 0);
	first = log.len;
	at = record(&log, LOG_BOUNDARY);
	put32(&log, 12 + 16 + 16);
	record_end(&log, at);
	add_pair(&log, LOG_EXPUNGE | EXTERNAL, 3, 3);
	add_pair(&log, LOG_EXPUNGE | EXTERNAL, 5, 5);
	whole = log.len;
	for (len = first; len <= whole; len++) {
		log.len = len;
		assert_true(take_main(&main));
		assert_true(take_log(&log));
		if (len < whole)
			check(3, ROOST_INDEX_SEEN | ROOST_INDEX_FLAGGED, 1,
			      103);
		assert_int_equal(roost_index_find(&idx, 3) == NULL,
				 len == whole);
		assert_int_equal(roost_index_find(&idx, 5) == NULL,
				 len == whole);
		roost_index_free(&idx);
	}
}

/* Lengths and places that lead out of the file, and UIDs that go back. */
static void
test_hostile_main(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
	} cases[] = {
		{ 0, 0x00780308 }, { 0, 0x00400307 }, { 4, 0 },
		{ 4, 100000 }, { 8, 4 }, { 8, 100000 }, { 8, UINT32_MAX },
		{ 12, 0 }, { 28, 5 }, { 32, 3 }, { 32, UINT32_MAX },
		{ 120, 10000 }, { 120, UINT32_MAX }, { 128, 0x00040011 },
		{ 128, 0xffff0008 }, { 132, 0xffff0001 }, { 132, 1 },
		{ 144, UINT32_MAX }, { 144, 30 }, { 152, 12 },
		{ 160, UINT32_MAX }, { 160, 11 },
	};
	struct made made;
	size_t i, len, whole;

	(void)state;
	for (i = 0; i < KIT_COUNT(cases); i++) {
		main_make(&made);
		set32(&made, cases[i].at, cases[i].value);
		if (take_main(&made))
			fail_msg("case %zu is accepted", i);
		roost_index_free(&idx);
	}
	main_make(&made);
	whole = made.len;
	for (len = 0; len < whole; len++) {
		made.len = len;
		assert_false(take_main(&made));
		roost_index_free(&idx);
	}
	made.len = whole;
	set32(&made, whole - 20, 3);
	assert_false(take_main(&made));
	roost_index_free(&idx);
}

static void
check_bad_log(const struct made *log)
{
	struct made main;

	main_make(&main);
	assert_true(take_main(&main));
	assert_false(take_log(log));
	roost_index_free(&idx);
}

static void
test_hostile_log(void **state)
{
	struct made log;
	size_t at, i;

	(void)state;
	log_make(&log, 4, 3);
	add_pair(&log, LOG_APPEND, 8, 0);
	check_bad_log(&log);
	log_make(&log, 4, 3);
	add_intro(&log, 2, "", 7, 8);
	check_bad_log(&log);
	log_make(&log, 4, 3);
	add_value(&log, 3, 1);
	check_bad_log(&log);
	log_make(&log, 4, 3);
	at = record(&log, LOG_KEYWORD);
	put32(&log, 0xffff0000);
	record_end(&log, at);
	check_bad_log(&log);
	log_make(&log, 4, 3);
	at = record(&log, LOG_EXT_INTRO);
	for (i = 0; i < 5; i++)
		put32(&log, UINT32_MAX);
	record_end(&log, at);
	check_bad_log(&log);
	/* Work without end. */
	log_make(&log, 4, 3);
	at = record(&log, LOG_FLAGS);
	for (i = 0; i < 335; i++) {
		put32(&log, 0);
		put32(&log, UINT32_MAX);
		put32(&log, 0);
	}
	record_end(&log, at);
	check_bad_log(&log);
	for (i = 0; i < 40; i++) {
		log_make(&log, 4, 3);
		log.len = i;
		check_bad_log(&log);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_main),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_cut_log),
		cmocka_unit_test(test_hostile_main),
		cmocka_unit_test(test_hostile_log),
	};

	return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
