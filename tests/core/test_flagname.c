/* SPDX-License-Identifier: MIT */
/*
 * flagname: the grammar is RFC 9051's, case is ASCII's, and no pattern makes
 * a match slow.
 */
#include "kit.h"

#include "roost/flagname.h"

#include <ctype.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static void
test_every_byte_is_judged_as_in_the_rfc(void **state)
{
	int c;

	(void)state;
	for (c = 0; c < 256; c++) {
		bool is_bad = c <= 0x20 || c >= 0x7f || c == '(' || c == ')' ||
			c == '{' || c == '%' || c == '*' || c == '"' ||
			c == '\\' || c == ']';
		char name[2] = { (char)c, '\0' }, later[3] = { 'a', (char)c };

		assert_int_equal(roost_flagname_may_have((char)c), !is_bad);
		assert_int_equal(roost_flagname_is_valid(name, 50), !is_bad);
		if (c != 0)
			assert_int_equal(roost_flagname_is_valid(later, 50),
					 !is_bad);
	}
}

static void
test_lengths_are_bounded(void **state)
{
	char name[301];
	size_t len, max;

	(void)state;
	assert_false(roost_flagname_is_valid("", 50));
	assert_false(roost_flagname_is_valid("a", 0));
	for (len = 1; len <= 300; len += 13) {
		memset(name, 'x', len);
		name[len] = '\0';
		for (max = len - 1; max <= len + 1; max++)
			assert_int_equal(roost_flagname_is_valid(name, max),
					 len <= max);
	}
}

static void
test_case_is_that_of_ascii(void **state)
{
	char upper[2] = "", lower[2] = "";
	int a, b;

	(void)state;
	(void)setlocale(LC_ALL, "");
	for (a = 1; a < 256; a++) {
		for (b = 1; b < 256; b++) {
			bool is_one = a == b || (a < 128 && b < 128 &&
				isalpha(a) && isalpha(b) && (a | 32) ==
				(b | 32));

			upper[0] = (char)a;
			lower[0] = (char)b;
			assert_int_equal(roost_flagname_equal(upper, lower),
					 is_one);
			if (is_one)
				assert_int_equal(roost_flagname_hash(upper),
						 roost_flagname_hash(lower));
		}
	}
	assert_true(roost_flagname_equal("$Junk", "$jUNK"));
	assert_false(roost_flagname_equal("$Junk", "$Junk2"));
	assert_false(roost_flagname_equal("$Junk2", "$Junk"));
	assert_true(roost_flagname_equal("", ""));
	assert_int_equal(roost_flagname_hash("$JUNK"),
			 roost_flagname_hash("$junk"));
	assert_int_not_equal(roost_flagname_hash("$junk"),
			     roost_flagname_hash("$junl"));
}

static void
test_lost_names(void **state)
{
	static const char *const lost[] = {
		"unknown-0", "unknown-25", "UNKNOWN-5", "unKnown-5??",
		"unknown-5?", "unknown-4294967295", "unknown-4294967295?",
	}, *const others[] = {
		"", "u", "unknown", "unknown-", "unknown-?", "unknown-5?5",
		"unknown-5x", "unknown--5", "unknown-5 ", "xunknown-5",
		"unknown-19701231235959", "unknown_5",
	};
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(lost); i++) {
		if (!roost_flagname_is_lost(lost[i]))
			fail_msg("%s", lost[i]);
	}
	for (i = 0; i < KIT_COUNT(others); i++) {
		if (roost_flagname_is_lost(others[i]))
			fail_msg("%s", others[i]);
	}
	assert_false(roost_flagname_is_lost(
		(const char *)kit_at_fence("unknown", sizeof("unknown"))));
}

static const struct {
	const char *pattern, *text;
	bool is_match;
} matches[] = {
	{ "", "", true }, { "", "a", false }, { "a", "", false },
	{ "*", "", true }, { "*", "anything", true }, { "**", "", true },
	{ "?", "", false }, { "?", "a", true }, { "?", "ab", false },
	{ "$spam*", "$spam", true }, { "$spam*", "$SPAM-1", true },
	{ "$SPAM*", "$spam-1", true }, { "$spam*", "$spa", false },
	{ "*junk", "$Junk", true }, { "*junk", "$Junks", false },
	{ "*a*b*c*", "xxaxxbxxcxx", true }, { "*a*b*c*", "xxaxxcxx", false },
	{ "a*a", "a", false }, { "a*a", "aa", true }, { "a*a", "aba", true },
	{ "*ab", "aab", true }, { "*aab", "aaab", true },
	{ "a?c", "abc", true }, { "a?c", "ac", false }, { "?*", "a", true },
	{ "?*", "", false }, { "*?", "a", true }, { "*?", "", false },
	{ "???", "abc", true }, { "???", "ab", false },
	{ "[a]", "a", false }, { "[a", "[A", true }, { "a\\*", "a*", false },
	/* These are one character of two, three and four bytes. */
	{ "?", "\xc3\xa9", true }, { "??", "\xc3\xa9", false },
	{ "?", "\xe2\x82\xac", true }, { "*??", "\xe2\x82\xac", false },
	{ "x?y", "x\xf0\x9f\x98\x80y", true }, { "\xc3?", "\xc3\xa9", true },
	{ "\xc3\xa9*", "\xc3\xa9t\xc3\xa9", true },
	{ "\xc3\x89", "\xc3\xa9", false },
};

static void
test_patterns_match_what_they_say(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(matches); i++) {
		if (roost_flagname_match(matches[i].pattern,
					 strlen(matches[i].pattern),
					 matches[i].text,
					 strlen(matches[i].text)) !=
		    matches[i].is_match)
			fail_msg("%s on %s", matches[i].pattern,
				 matches[i].text);
	}
}

/* Match by the definition.  The time is exponential, so texts are short. */
static bool
match_by_hand(const char *pattern, const char *text)
{
	if (*pattern == '\0')
		return *text == '\0';
	if (*pattern == '*')
		return match_by_hand(pattern + 1, text) ||
			(*text != '\0' && match_by_hand(pattern, text + 1));
	return *text != '\0' &&
		(*pattern == '?' || tolower(*pattern) == tolower(*text)) &&
		match_by_hand(pattern + 1, text + 1);
}

static void
test_any_pattern_matches_as_defined(void **state)
{
	static const char letters[] = "aAb*?*";
	char pattern[9], text[9];
	size_t i, pattern_len, text_len;
	int round, rounds = kit_is_quick() ? 2000 : 300000;

	(void)state;
	for (round = 0; round < rounds; round++) {
		pattern_len = kit_below(sizeof(pattern));
		text_len = kit_below(sizeof(text));
		for (i = 0; i < pattern_len; i++)
			pattern[i] = letters[kit_below(6)];
		for (i = 0; i < text_len; i++)
			text[i] = letters[kit_below(3)];
		pattern[pattern_len] = text[text_len] = '\0';
		if (roost_flagname_match(pattern, pattern_len, text,
					 text_len) !=
		    match_by_hand(pattern, text))
			fail_msg("%s on %s", pattern, text);
	}
}

/* This would not end if every "*" were tried again. */
static void
test_hostile_patterns_are_quick(void **state)
{
	char *pattern = kit_new(2001), *text = kit_new(20001);
	size_t i;

	(void)state;
	memset(text, 'a', 20000);
	for (i = 0; i < 2000; i += 2) {
		pattern[i] = '*';
		pattern[i + 1] = 'a';
	}
	pattern[1999] = 'b';
	assert_false(roost_flagname_match(pattern, 2000, text, 20000));
	pattern[1999] = 'a';
	assert_true(roost_flagname_match(pattern, 2000, text, 20000));
	free(pattern);
	free(text);
}

static void
test_nothing_is_read_beyond_the_ends(void **state)
{
	char pattern[4] = { 'a', '*', '?', 'b' };

	(void)state;
	assert_true(roost_flagname_match(pattern, 4,
		(const char *)kit_at_fence("axb", 3), 3));
	assert_false(roost_flagname_match(pattern, 4,
		(const char *)kit_at_fence("ax\xe2", 3), 3));
	assert_true(roost_flagname_match(
		(const char *)kit_at_fence(pattern, 4), 4, "axb", 3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte_is_judged_as_in_the_rfc),
		cmocka_unit_test(test_lengths_are_bounded),
		cmocka_unit_test(test_case_is_that_of_ascii),
		cmocka_unit_test(test_lost_names),
		cmocka_unit_test(test_patterns_match_what_they_say),
		cmocka_unit_test(test_any_pattern_matches_as_defined),
		cmocka_unit_test(test_hostile_patterns_are_quick),
		cmocka_unit_test(test_nothing_is_read_beyond_the_ends),
	};

	return cmocka_run_group_tests_name("flagname", tests, kit_setup,
					   kit_teardown);
}
