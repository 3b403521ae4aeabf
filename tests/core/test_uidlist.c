/* SPDX-License-Identifier: MIT */
/*
 * uidlist: what stands beside the messages of a maildir: dovecot-uidlist,
 * dovecot-keywords, and flags in names.
 *
 * Contains tool/uidlist.c and tool/maildir-name.c.
 */
#include "kit.h"

#include "tool/maildir-name.c"
#include "tool/uidlist.c"

#include <stdio.h>
#include <stdlib.h>

static struct roost_uidlist list;

static bool
parse(const char *text)
{
	size_t len = strlen(text);

	/* Reading beyond the end would be noticed. */
	return roost_uidlist_parse(&list, (const char *)kit_at_fence(text,
								     len),
				   len);
}

static void
test_lists(void **state)
{
	(void)state;
	assert_true(parse("3 V1700000000 N9 G0123456789abcdef\n"
			  "2 :1.M1.host,S=3\n"
			  "5 W12 Gxyz :0.M1.host:2,S\n"
			  "8 :1.M1.host"));
	assert_int_equal(list.uid_validity, 1700000000);
	assert_int_equal(list.next_uid, 9);
	assert_int_equal(roost_uidlist_find(&list, "1.M1.host,S=3:2,RS"), 2);
	assert_int_equal(roost_uidlist_find(&list, "0.M1.host"), 5);
	assert_int_equal(roost_uidlist_find(&list, "1.M1.host"), 8);
	assert_int_equal(roost_uidlist_find(&list, "1.M1.hos"), 0);
	assert_int_equal(roost_uidlist_find(&list, ""), 0);
	roost_uidlist_free(&list);
	/* The format before that; and of two lines of a name the later one. */
	assert_true(parse("1 7 4\n1 same\n3 same\n"));
	assert_int_equal(list.uid_validity, 7);
	assert_int_equal(roost_uidlist_find(&list, "same:2,"), 3);
	roost_uidlist_free(&list);
	assert_true(parse("3 V1 N1\n"));
	assert_int_equal(roost_uidlist_find(&list, "same"), 0);
	roost_uidlist_free(&list);
}

static void
test_broken_lists(void **state)
{
	static const char *const bad[] = {
		"", "\n", "2 V1 N1\n", "3\n", "3 V1\n", "3 N1\n",
		"3 V0 N1\n", "3 V1 N0\n", "3 V99999999999 N1\n", "3 Vx N1\n",
		"1 1\n", "1 x y\n", "x\n",
		"3 V1 N1\nx :a\n", "3 V1 N1\n0 :a\n", "3 V1 N1\n1\n",
		"3 V1 N1\n1 \n", "3 V1 N1\n1 :\n", "3 V1 N1\n1 W1\n",
		"3 V1 N1\n2 :a\n1 :b\n", "3 V1 N1\n2 :a\n2 :b\n",
		"3 V1 N1\n4294967295 :a\n", "3 V1 N1\n4294967297 :a\n",
		"3 V1 N1\n1 :../../etc/passwd\n", "3 V1 N1\n1 :a/b\n",
		"3 V1 N1\n1 ::2,S\n", "3 V1 N1\n\n1 :a\n",
		"3 V1 N1\n1:a\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(bad); i++) {
		if (parse(bad[i]))
			fail_msg("accepted: %s", bad[i]);
		assert_null(list.entries);
		assert_int_equal(list.count, 0);
	}
}

static void
test_flags(void **state)
{
	static const struct {
		const char *name;
		unsigned int flags;
		uint32_t letters;
		const char *info;
	} cases[] = {
		{ "1.host:2,", 0, 0, ":2," },
		{ "1.host", 0, 0, ":2," },
		{ "1.host:1,S", 0, 0, ":2," },
		{ "1.host:2", 0, 0, ":2," },
		{ "1.host:2,TSRFD", 31, 0, ":2,DFRST" },
		{ "1.host:2,zSaX", ROOST_MAILDIR_SEEN, 1 | 1U << 25,
			":2,Saz" },
		{ "a:2,b:2,R", ROOST_MAILDIR_ANSWERED, 0, ":2,R" },
		{ "1.host:2,S,Dovecot", ROOST_MAILDIR_SEEN, 0, ":2,S" },
	};
	char info[ROOST_MAILDIR_INFO_SIZE];
	struct roost_maildir_flags flags;
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(cases); i++) {
		roost_maildir_name_flags(cases[i].name, &flags);
		assert_int_equal(flags.flags, cases[i].flags);
		assert_int_equal(flags.letters, cases[i].letters);
		roost_maildir_name_info(&flags, info);
		assert_string_equal(info, cases[i].info);
	}
	flags.flags = 31;
	flags.letters = (1U << 26) - 1;
	roost_maildir_name_info(&flags, info);
	assert_string_equal(info, ":2,DFRSTabcdefghijklmnopqrstuvwxyz");
}

static void
test_keywords(void **state)
{
	char text[] = "0 $Forwarded\nno number\n26 outside\n\n3\n4 \n"
		"25 two words\n99999999999999999999 huge\n-1 minus\n7 last";
	struct roost_maildir_keywords keywords;
	size_t i, named = 0;

	(void)state;
	roost_maildir_name_keywords(&keywords, text, strlen(text));
	assert_string_equal(keywords.names[0], "$Forwarded");
	assert_string_equal(keywords.names[25], "two words");
	assert_string_equal(keywords.names[7], "last");
	for (i = 0; i < ROOST_MAILDIR_LETTERS; i++)
		named += keywords.names[i] != NULL ? 1 : 0;
	assert_int_equal(named, 3);
}

/* Half of many entries have one name, and the others have long ones. */
static void
test_many(void **state)
{
	const size_t count = kit_is_quick() ? 2000 : 20000;
	const size_t room = count * 600;
	char *text = kit_new(room), name[600];
	size_t len = (size_t)snprintf(text, room, "3 V1 N1\n"), i;

	(void)state;
	for (i = 1; i <= count; i++) {
		len += (size_t)(i % 2 == 0 ?
				snprintf(text + len, room - len,
					 "%zu :same\n", i) :
				snprintf(text + len, room - len,
					 "%zu W1 :%0500zu\n", i, i));
	}
	/* The largest number that is a UID. */
	len += (size_t)snprintf(text + len, room - len, "4294967294 :last");
	assert_true(roost_uidlist_parse(&list, text, len));
	assert_int_equal(list.count, count + 1);
	assert_int_equal(roost_uidlist_find(&list, "same:2,S"), count);
	assert_int_equal(roost_uidlist_find(&list, "last"), 4294967294);
	for (i = 1; i <= count; i += 2) {
		(void)snprintf(name, sizeof(name), "%0500zu:2,", i);
		assert_int_equal(roost_uidlist_find(&list, name), i);
	}
	name[499]++;
	assert_int_equal(roost_uidlist_find(&list, name), 0);
	roost_uidlist_free(&list);
	/* More lines than are read. */
	len = (size_t)snprintf(text, room, "3 V1 N1\n");
	text = realloc(text, ROOST_UIDLIST_ENTRIES_MAX + 9);
	assert_non_null(text);
	memset(text + len, '\n', ROOST_UIDLIST_ENTRIES_MAX);
	assert_false(roost_uidlist_parse(&list, text,
					 ROOST_UIDLIST_ENTRIES_MAX + 8));
	assert_null(list.entries);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_broken_lists),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_keywords),
	};

	return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
