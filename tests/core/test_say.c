/* SPDX-License-Identifier: MIT */
/*
 * say: what a person sees of names that come from a backup, and of progress on
 * a terminal.
 *
 * Contains tool/say.c, for which this program is the clock and the terminal.
 */
#define _GNU_SOURCE
#include "kit.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct timespec time_now;
static bool has_terminal;

static int
tell_time(clockid_t id, struct timespec *now_r)
{
	(void)id;
	*now_r = time_now;
	return 0;
}

static int
is_terminal(int fd)
{
	(void)fd;
	return has_terminal ? 1 : 0;
}

#define clock_gettime tell_time
#define isatty is_terminal
#include "tool/say.c"

static char shown[4096];

/* Take what was written to stderr since the last call. */
static const char *
take(FILE *file)
{
	size_t len;

	rewind(file);
	len = fread(shown, 1, sizeof(shown) - 1, file);
	shown[len] = '\0';
	assert_int_equal(ftruncate(fileno(file), 0), 0);
	rewind(file);
	return shown;
}

static void
show(FILE *file, time_t secs, uint64_t done, uint64_t total)
{
	FILE *right = stderr;

	time_now.tv_sec = secs;
	stderr = file;
	roost_say_progress(done, total);
	stderr = right;
}

static void
test_progress(void **state)
{
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	/* Nothing where nobody looks. */
	show(file, 100, 1, 100);
	show(file, 200, 50, 100);
	assert_string_equal(take(file), "");
	has_terminal = true;
	show(file, 1000, 10, 100);
	assert_string_equal(take(file), "");
	show(file, 1010, 50, 100);
	assert_non_null(strstr(take(file), "50 % done, about 10 seconds left"));
	/* Not more often than a person can read. */
	show(file, 1010, 60, 100);
	assert_string_equal(take(file), "");
	show(file, 2000, 60, 100);
	assert_non_null(strstr(take(file), "about 11 minutes left"));
	/* At the end, and before a sentence, the line goes away. */
	show(file, 2001, 100, 100);
	assert_string_equal(take(file), "\r\033[K");
	show(file, 2002, 100, 100);
	assert_string_equal(take(file), "");
	(void)fclose(file);
}

static void
test_names(void **state)
{
	char all[256], many[3000];
	const char *first;
	size_t i;

	(void)state;
	assert_string_equal(roost_say_name("cur/1.host:2,S"),
			    "cur/1.host:2,S");
	for (i = 1; i < sizeof(all); i++)
		all[i - 1] = (char)i;
	all[255] = '\0';
	first = roost_say_name(all);
	for (i = 0; first[i] != '\0'; i++)
		assert_true(first[i] >= 0x20 && first[i] < 0x7f);
	assert_non_null(strstr(first, "\\x1b"));
	assert_non_null(strstr(first, "[\\x5c]"));
	memset(many, '\033', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	first = roost_say_name(many);
	assert_true(strlen(first) < 1100);
	assert_string_equal(first + strlen(first) - 3, "...");
	/* Four can be used in one sentence. */
	(void)roost_say_name("b");
	(void)roost_say_name("c");
	(void)roost_say_name("d");
	assert_true(strlen(first) > 3);
}

static void
test_signals(void **state)
{
	(void)state;
	roost_say_catch_signals();
	assert_false(roost_say_is_stopped());
	assert_int_equal(raise(SIGPIPE), 0);
	assert_false(roost_say_is_stopped());
	assert_int_equal(raise(SIGTERM), 0);
	assert_true(roost_say_is_stopped());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_progress),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_signals),
	};

	return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
