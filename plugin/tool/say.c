/* SPDX-License-Identifier: MIT */
/*
 * say: sentences, names and progress on a terminal.  See say.h.
 */
#define _GNU_SOURCE
#include "tool/say.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAMES 4
#define NAME_SHOWN_MAX 1000
#define PROGRESS_NSECS 250000000

static volatile sig_atomic_t is_stopped;

static struct {
	bool is_shown;
	struct timespec begun, last;
} progress;

static void
progress_hide(void)
{
	if (progress.is_shown)
		(void)fputs("\r\033[K", stderr);
	progress.is_shown = false;
}

void
roost_say(const char *format, ...)
{
	va_list args;

	progress_hide();
	(void)fputs("roost: ", stderr);
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fputc('\n', stderr);
}

const char *
roost_say_name(const char *name)
{
	static char texts[NAMES][NAME_SHOWN_MAX + 8];
	static unsigned int next;
	char *text = texts[next++ % NAMES];
	size_t len = 0;

	for (; *name != '\0' && len < NAME_SHOWN_MAX; name++) {
		unsigned char byte = (unsigned char)*name;

		if (byte >= 0x20 && byte < 0x7f && byte != '\\')
			text[len++] = *name;
		else
			len += (size_t)snprintf(text + len, 5, "\\x%02x",
						byte);
	}
	text[len] = '\0';
	if (*name != '\0')
		memcpy(text + len, "...", 4);
	return text;
}

static int64_t
nsecs_between(const struct timespec *from, const struct timespec *to)
{
	return (int64_t)(to->tv_sec - from->tv_sec) * 1000000000 +
		(to->tv_nsec - from->tv_nsec);
}

static void
progress_write(uint64_t done, uint64_t total, int64_t nsecs)
{
	double share = (double)done / (double)total;
	double left = share > 0 ? (double)nsecs / 1e9 * (1 - share) / share :
		0;

	(void)fprintf(stderr, "\r\033[K%3.0f %% done, about %.0f %s left",
		      share * 100, left < 90 ? left : left / 60,
		      left < 90 ? "seconds" : "minutes");
	(void)fflush(stderr);
	progress.is_shown = true;
}

void
roost_say_progress(uint64_t done, uint64_t total)
{
	struct timespec now;

	if (done >= total) {
		progress_hide();
		return;
	}
	if (isatty(STDERR_FILENO) == 0 ||
	    clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		return;
	if (progress.begun.tv_sec == 0 && progress.begun.tv_nsec == 0)
		progress.begun = progress.last = now;
	if (nsecs_between(&progress.last, &now) < PROGRESS_NSECS)
		return;
	progress.last = now;
	progress_write(done, total, nsecs_between(&progress.begun, &now));
}

static void
on_signal(int number)
{
	(void)number;
	is_stopped = 1;
}

void
roost_say_catch_signals(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	/* What waits for a person is interrupted: no SA_RESTART. */
	action.sa_handler = on_signal;
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
	action.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &action, NULL);
}

bool
roost_say_is_stopped(void)
{
	return is_stopped != 0;
}
