/* SPDX-License-Identifier: MIT */
/*
 * flagrule_text: what is wrong in rules is told by line, column and words;
 * what is right is understood, in a file as in a setting.
 *
 * Run where tests/flagrules is: each of its files is wrong, as EXPECT says.
 * The name of one of them may be given; then nothing else is tried.
 */
#include "kit.h"

#include "roost/bytes.h"
#include "roost/flagrule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "tests/flagrules/"
#define FILE_MAX 131072

static struct roost_flagrules rules;
static struct roost_flagrule_error error;
static const char *only;

/* Parse the text where reading beyond its end is noticed, as far as that is
   possible. */
static bool
parse(const char *text, size_t len)
{
	if (len <= 65536)
		text = (const char *)kit_at_fence(text, len);
	return roost_flagrule_parse(&rules, text, len, &error);
}

static size_t
file_read(const char *name, char *text_r)
{
	char path[512];
	size_t len;
	FILE *file;

	(void)snprintf(path, sizeof(path), FOLDER"%s", name);
	file = fopen(path, "rb");
	if (file == NULL)
		fail_msg("cannot open %s", path);
	len = fread(text_r, 1, FILE_MAX, file);
	(void)fclose(file);
	return len;
}

static void
check_file(const char *name, const char *should)
{
	char *text = kit_new(FILE_MAX), is[256];
	size_t len = file_read(name, text);

	roost_flagrules_off(&rules);
	if (parse(text, len))
		fail_msg("%s is accepted", name);
	(void)snprintf(is, sizeof(is), "%u:%u %s", error.line, error.column,
		       error.phrase);
	if (strcmp(is, should) != 0)
		fail_msg("%s: is %s; should be %s", name, is, should);
	assert_true(error.excerpt_len <= 20);
	assert_true(error.excerpt_off + error.excerpt_len <= len);
	free(text);
}

static void
test_every_wrong_file_is_refused_where_it_is_wrong(void **state)
{
	char line[256], *gap;
	FILE *file = fopen(FOLDER"EXPECT", "r");
	size_t count = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		gap = strchr(line, ' ');
		if (line[0] == '#' || gap == NULL)
			continue;
		*gap = '\0';
		if (only != NULL && strcmp(line, only) != 0)
			continue;
		check_file(line, gap + 1);
		count++;
	}
	(void)fclose(file);
	assert_true(only != NULL ? count == 1 : count >= 60);
}

/* What stands after the text may be anything, so the parser must not read
   it. */
static void
test_nothing_is_read_beyond_the_end(void **state)
{
	static const char text[] =
		"protect $a none*\nalias A = B c=d\nexclusive a2|(b2) | c2\n"
		"imply e = f\nheader X-Y: caf\xc3\xa9 * set $x\ncolors yes\n"
		"max_per_message 12\non_violation reject\n"
		"at_delivery $Sealed\n# end";
	size_t len;

	(void)state;
	for (len = 0; len < sizeof(text); len++) {
		roost_flagrules_off(&rules);
		if (!parse(text, len))
			assert_true(error.line > 0 && error.column > 0 &&
				    error.excerpt_off <= len);
	}
	roost_flagrules_off(&rules);
	assert_true(parse(text, sizeof(text) - 1));
	assert_zero(&error, sizeof(error));
}

static const struct {
	enum roost_flagrule_kind kind;
	const char *text;
	unsigned int column;		/* 0 if it is right */
	const char *phrase;
} settings[] = {
	{ ROOST_FLAGRULE_PROTECT, "", 0, NULL },
	{ ROOST_FLAGRULE_PROTECT, "  ", 0, NULL },
	{ ROOST_FLAGRULE_PROTECT, "none", 0, NULL },
	{ ROOST_FLAGRULE_PROTECT, " none\t", 0, NULL },
	{ ROOST_FLAGRULE_PROTECT, "$a $b*\t?c #d", 0, NULL },
	{ ROOST_FLAGRULE_PROTECT, "$a none", 4, "expected \"none\" to stand "
	  "alone" },
	{ ROOST_FLAGRULE_PROTECT, "$a\n$b", 3, "expected no control byte" },
	{ ROOST_FLAGRULE_KEEP, "a=b c|d", 0, NULL },
	{ ROOST_FLAGRULE_DENY, "a(", 2, "expected a keyword's character" },
	{ ROOST_FLAGRULE_ALLOW, "*", 0, NULL },
	{ ROOST_FLAGRULE_ALIAS, "Junk=$Junk B = $B  c= d e =f", 0, NULL },
	{ ROOST_FLAGRULE_ALIAS, "Junk=$Junk junk=$JUNK JUNK = $Junk", 0, NULL },
	{ ROOST_FLAGRULE_ALIAS, "Junk", 5, "expected '=' after the alias" },
	{ ROOST_FLAGRULE_EXCLUSIVE, "a|b c | (d)|e", 0, NULL },
	{ ROOST_FLAGRULE_EXCLUSIVE, "a|b B|A ( c )|d d|(C)", 0, NULL },
	{ ROOST_FLAGRULE_EXCLUSIVE, "a", 2, "expected '|' after the name" },
	{ ROOST_FLAGRULE_IMPLY, "a=b a=c b=c a=b", 0, NULL },
	{ ROOST_FLAGRULE_IMPLY, "a=b b=a", 7,
	  "expected a name that does not imply the left one" },
	{ ROOST_FLAGRULE_COLORS, "no", 0, NULL },
	{ ROOST_FLAGRULE_COLORS, "none", 1, "expected yes or no" },
	{ ROOST_FLAGRULE_MAX_PER_MESSAGE, "1", 0, NULL },
	{ ROOST_FLAGRULE_MAX_PER_MESSAGE, "01000", 0, NULL },
	{ ROOST_FLAGRULE_MAX_PER_MESSAGE, "none", 0, NULL },
	{ ROOST_FLAGRULE_MAX_PER_MESSAGE, "1001", 1,
	  "expected a number within its bounds" },
	{ ROOST_FLAGRULE_MAX_PER_MAILBOX, "10000", 0, NULL },
	{ ROOST_FLAGRULE_RESERVE, "0", 0, NULL },
	{ ROOST_FLAGRULE_RESERVE, "1000", 0, NULL },
	{ ROOST_FLAGRULE_ON_VIOLATION, "reject", 0, NULL },
	{ ROOST_FLAGRULE_ON_VIOLATION, "Reject", 1,
	  "expected ignore or reject" },
	{ ROOST_FLAGRULE_AT_DELIVERY, "$sealed $HASATTACHMENT", 0, NULL },
	{ ROOST_FLAGRULE_AT_DELIVERY, "$sealed x", 9,
	  "expected a keyword of the server's" },
	{ ROOST_FLAGRULE_HEADER, "List-Id: * set $list", 0, NULL },
	{ ROOST_FLAGRULE_HEADER, "Subject: set set set set", 0, NULL },
	{ ROOST_FLAGRULE_HEADER, "X:\xf4\x8f\xbf\xbf\xed\x9f\xbf set a", 0,
	  NULL },
	{ ROOST_FLAGRULE_HEADER, "none", 0, NULL },
};

static void
test_settings_have_the_grammar_of_rules(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(settings); i++) {
		size_t len = strlen(settings[i].text);
		bool is_good;

		roost_flagrules_off(&rules);
		is_good = roost_flagrule_add(&rules, settings[i].kind,
			(const char *)kit_at_fence(settings[i].text, len),
			len, &error);
		if (is_good != (settings[i].phrase == NULL) ||
		    error.line != 0 || error.column != settings[i].column)
			fail_msg("%s: %u", settings[i].text, error.column);
		if (!is_good)
			assert_string_equal(error.phrase, settings[i].phrase);
	}
}

static void
rules_read(const char *text)
{
	roost_flagrules_off(&rules);
	if (!parse(text, strlen(text)))
		fail_msg("%u:%u %s", error.line, error.column, error.phrase);
}

static void
test_lines_end_in_lf_or_crlf(void **state)
{
	(void)state;
	rules_read("\r\n# a\r\nprotect $a\r\n\nprotect $b\n\r\nprotect $c");
	assert_true(roost_flagrule_is_protected(&rules, "$a"));
	assert_true(roost_flagrule_is_protected(&rules, "$B"));
	assert_true(roost_flagrule_is_protected(&rules, "$c"));
	assert_false(roost_flagrule_is_protected(&rules, "$d"));
	roost_flagrules_off(&rules);
	assert_false(parse("keep a\r\nkeep b\rc\r\n", 18));
	assert_int_equal(error.line, 2);
	assert_int_equal(error.column, 7);
	assert_false(parse("keep a\r", 7));
	assert_int_equal(error.column, 7);
	assert_true(parse("", 0));
}

static void
test_an_error_shows_its_place(void **state)
{
	static const char text[] =
		"keep a\nprotect $a (0123456789012345678901234567890\n";

	(void)state;
	roost_flagrules_off(&rules);
	assert_false(parse(text, sizeof(text) - 1));
	assert_int_equal(error.excerpt_off, 18);
	assert_int_equal(error.excerpt_len, 20);
	assert_memory_equal(text + error.excerpt_off, "(0123", 5);
	assert_false(parse(text, 20));
	assert_int_equal(error.excerpt_len, 2);
	/* What was wrong before must not be told any more. */
	assert_true(parse(text, 7));
	assert_zero(&error, sizeof(error));
}

static void
test_a_line_has_1000_bytes_and_no_more(void **state)
{
	char text[1004];
	size_t len;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[0] = '#';
	for (len = 999; len <= 1001; len++) {
		text[len] = '\n';
		assert_int_equal(parse(text, len + 1), len <= 1000);
		assert_int_equal(parse(text, len), len <= 1000);
		text[len] = '\r';
		text[len + 1] = '\n';
		assert_int_equal(parse(text, len + 2), len <= 1000);
		text[len] = text[len + 1] = 'x';
	}
}

static void
test_names_are_asked_about(void **state)
{
	size_t iter = 0, count = 0;

	(void)state;
	rules_read("alias Junk=$Junk JunkRecorded=$Junk $LABEL1=$label1\n"
		   "protect $p *q\ndeny n*\nallow a* n* $p $Junk\n");
	assert_string_equal(roost_flagrule_canonical(&rules, "JUNK"), "$Junk");
	assert_string_equal(roost_flagrule_canonical(&rules, "$jUNK"), "$Junk");
	assert_string_equal(roost_flagrule_canonical(&rules, "$Label1"),
			    "$label1");
	assert_string_equal(roost_flagrule_canonical(&rules, "$P"), "$P");
	assert_string_equal(roost_flagrule_canonical(&rules, "zzz"), "zzz");
	assert_true(roost_flagrule_is_protected(&rules, "xq"));
	assert_true(roost_flagrule_may_set(&rules, ROOST_FLAG_CLIENT, "junk"));
	assert_true(roost_flagrule_may_set(&rules, ROOST_FLAG_CLIENT, "ab"));
	assert_false(roost_flagrule_may_set(&rules, ROOST_FLAG_CLIENT, "b"));
	assert_false(roost_flagrule_may_set(&rules, ROOST_FLAG_CLIENT, "na"));
	assert_false(roost_flagrule_may_set(&rules, ROOST_FLAG_CLIENT, "$P"));
	assert_true(roost_flagrule_may_set(&rules, ROOST_FLAG_ADMIN, "$P"));
	assert_false(roost_flagrule_may_set(&rules, ROOST_FLAG_ADMIN, "b"));
	assert_true(roost_flagrule_may_set(&rules, ROOST_FLAG_SERVER, "b"));
	while (roost_flagrule_next_alias(&rules, "$junk", &iter) != NULL)
		count++;
	assert_int_equal(count, 2);
	iter = 0;
	assert_string_equal(roost_flagrule_next_alias(&rules, "Junk", &iter),
			    "Junk");
	iter = 0;
	assert_null(roost_flagrule_next_alias(&rules, "$label1", &iter));
	iter = 0;
	assert_null(roost_flagrule_next_alias(&rules, "zzz", &iter));
}

static void
test_headers_are_asked_about(void **state)
{
	const char *field, *name;

	(void)state;
	rules_read("header List-Id: * set $list\n"
		   "header  X-Foo :  a b* set set  set \t Junk \n"
		   "alias Junk=$Junk\nat_delivery $Sealed $hasattachment\n");
	assert_true(roost_flagrule_header(&rules, 0, &field, &name));
	assert_string_equal(field, "List-Id");
	assert_string_equal(name, "$list");
	assert_true(roost_flagrule_header_match(&rules, 0, "", 0));
	assert_true(roost_flagrule_header(&rules, 1, &field, &name));
	assert_string_equal(field, "X-Foo");
	assert_string_equal(name, "$Junk");
	assert_true(roost_flagrule_header_match(&rules, 1, "A B x set set",
						13));
	assert_false(roost_flagrule_header_match(&rules, 1, "A B x set", 9));
	assert_false(roost_flagrule_header(&rules, 2, &field, &name));
	assert_null(name);
	assert_false(roost_flagrule_header(&rules, SIZE_MAX, &field, &name));
	assert_int_equal(roost_flagrule_at_delivery(&rules),
			 ROOST_FLAGRULE_SEALED | ROOST_FLAGRULE_HAS_ATTACHMENT);
}

static void
test_limits_are_asked_about(void **state)
{
	(void)state;
	rules_read("max_per_message 7\nmax_per_mailbox 10\nreserve 3\n");
	assert_int_equal(roost_flagrule_message_max(&rules), 7);
	assert_true(roost_flagrule_may_name(&rules, ROOST_FLAG_CLIENT, 6));
	assert_false(roost_flagrule_may_name(&rules, ROOST_FLAG_CLIENT, 7));
	assert_false(roost_flagrule_may_name(&rules, ROOST_FLAG_ADMIN, 7));
	assert_true(roost_flagrule_may_name(&rules, ROOST_FLAG_SERVER, 9));
	assert_false(roost_flagrule_may_name(&rules, ROOST_FLAG_SERVER, 10));
	assert_false(roost_flagrule_may_name(&rules, ROOST_FLAG_SERVER, 99));
	rules_read("");
	assert_int_equal(roost_flagrule_message_max(&rules), 0);
	assert_true(roost_flagrule_may_name(&rules, ROOST_FLAG_CLIENT, 99999));
}

/* Add as an administrator would: the defaults, then settings, then a file. */
static void
test_rules_add_to_those_before_them(void **state)
{
	static const char later[] =
		"at_delivery none\nalias none\nalias Junk=Spam\n";

	(void)state;
	roost_flagrules_defaults(&rules);
	assert_true(roost_flagrule_add(&rules, ROOST_FLAGRULE_PROTECT, "$x",
				       2, &error));
	assert_true(parse("protect y*\n", 11));
	assert_true(roost_flagrule_is_protected(&rules, "$Sealed"));
	assert_true(roost_flagrule_is_protected(&rules, "$X"));
	assert_true(roost_flagrule_is_protected(&rules, "yes"));
	assert_true(roost_flagrule_add(&rules, ROOST_FLAGRULE_PROTECT, "none",
				       4, &error));
	assert_false(roost_flagrule_is_protected(&rules, "$Sealed"));
	assert_false(roost_flagrule_is_protected(&rules, "$X"));
	assert_false(roost_flagrule_is_protected(&rules, "yes"));
	assert_int_equal(roost_flagrule_at_delivery(&rules),
			 ROOST_FLAGRULE_HAS_ATTACHMENT |
			 ROOST_FLAGRULE_HAS_NO_ATTACHMENT |
			 ROOST_FLAGRULE_CAN_UNSUBSCRIBE);
	assert_true(parse(later, strlen(later)));
	assert_int_equal(roost_flagrule_at_delivery(&rules), 0);
	assert_string_equal(roost_flagrule_canonical(&rules, "junk"), "Spam");
	assert_string_equal(roost_flagrule_canonical(&rules, "$label1"),
			    "$label1");
}

static size_t
any_pattern(char *text_r, size_t max)
{
	static const char letters[] = "abAB$*?";
	size_t i, len = 1 + kit_below(max);

	for (i = 0; i < len; i++)
		text_r[i] = letters[kit_below(sizeof(letters) - 1)];
	text_r[len] = '\0';
	return len;
}

/* The sorted table must find what trying each pattern finds. */
static void
test_patterns_are_found_among_many(void **state)
{
	char patterns[60][8], name[8];
	size_t i, count, len;
	int round, tries, rounds = kit_is_quick() ? 50 : 2000;

	(void)state;
	for (round = 0; round < rounds; round++) {
		roost_flagrules_off(&rules);
		count = kit_below(KIT_COUNT(patterns));
		for (i = 0; i < count; i++) {
			len = any_pattern(patterns[i], 6);
			assert_true(roost_flagrule_add(&rules,
				ROOST_FLAGRULE_PROTECT, patterns[i], len,
				&error));
		}
		for (tries = 0; tries < 50; tries++) {
			bool is_one = false;

			len = any_pattern(name, 6);
			for (i = 0; i < len; i++) {
				if (name[i] == '*' || name[i] == '?')
					name[i] = 'b';
			}
			for (i = 0; i < count; i++)
				is_one = is_one || roost_flagname_match(
					patterns[i], strlen(patterns[i]),
					name, len);
			if (roost_flagrule_is_protected(&rules, name) !=
			    is_one)
				fail_msg("%s", name);
		}
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest of_one[] = {
		cmocka_unit_test(
			test_every_wrong_file_is_refused_where_it_is_wrong),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_every_wrong_file_is_refused_where_it_is_wrong),
		cmocka_unit_test(
			test_nothing_is_read_beyond_the_end),
		cmocka_unit_test(test_settings_have_the_grammar_of_rules),
		cmocka_unit_test(test_lines_end_in_lf_or_crlf),
		cmocka_unit_test(test_an_error_shows_its_place),
		cmocka_unit_test(test_a_line_has_1000_bytes_and_no_more),
		cmocka_unit_test(test_names_are_asked_about),
		cmocka_unit_test(test_headers_are_asked_about),
		cmocka_unit_test(test_limits_are_asked_about),
		cmocka_unit_test(test_rules_add_to_those_before_them),
		cmocka_unit_test(test_patterns_are_found_among_many),
	};

	if (argc > 1) {
		only = argv[1];
		return cmocka_run_group_tests_name(only, of_one, kit_setup,
						   kit_teardown);
	}
	return cmocka_run_group_tests_name("flagrule_text", tests, kit_setup,
					   kit_teardown);
}
