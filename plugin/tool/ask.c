/* SPDX-License-Identifier: MIT */
/*
 * ask: reading a secret.  See ask.h.
 */
#define _GNU_SOURCE
#include "tool/ask.h"

#include "tool/say.h"

#include "roost/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Wait until something can be read.  A signal ends that also when it comes just
   before.  0, or -1 with errno. */
static int
readable_wait(int fd)
{
	struct pollfd poll = { .fd = fd, .events = POLLIN };
	sigset_t blocked, before;
	int ret = -1;

	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGINT);
	(void)sigaddset(&blocked, SIGTERM);
	(void)sigaddset(&blocked, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &blocked, &before);
	errno = EINTR;
	while (ret < 0 && errno == EINTR && !roost_say_is_stopped())
		ret = ppoll(&poll, 1, NULL, &before);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return ret < 0 ? -1 : 0;
}

/* Read up to the end of a line, of the input or of the memory.  0, or -1 with
   errno. */
static int
line_read(int fd, struct roost_ask *ask)
{
	ssize_t ret = 1;

	while (ret != 0 && ask->len < sizeof(ask->text) &&
	       memchr(ask->text, '\n', ask->len) == NULL) {
		if (readable_wait(fd) < 0)
			return -1;
		ret = read(fd, ask->text + ask->len,
			   sizeof(ask->text) - ask->len);
		if (ret < 0 && (errno != EINTR || roost_say_is_stopped()))
			return -1;
		if (ret > 0)
			ask->len += (size_t)ret;
	}
	return 0;
}

/* Take the line end away; false, and a sentence, where no secret is left. */
static bool
line_check(const char *what, struct roost_ask *ask)
{
	const char *end = memchr(ask->text, '\n', ask->len);

	if (end != NULL)
		ask->len = (size_t)(end - ask->text);
	if (end != NULL && ask->len > 0 && ask->text[ask->len - 1] == '\r')
		ask->len--;
	if (ask->len == 0)
		roost_say("The %s is empty", what);
	else if (ask->len > ROOST_ASK_MAX)
		roost_say("The %s has more than %d bytes", what,
			  ROOST_ASK_MAX);
	else if (memchr(ask->text, '\0', ask->len) != NULL)
		roost_say("The %s has a NUL byte in it, which nobody can type",
			  what);
	else
		return true;
	return false;
}

static bool
ask_file(const char *path, const char *what, struct roost_ask *ask)
{
	int ret = -1, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd >= 0) {
		ret = line_read(fd, ask);
		(void)close(fd);
	}
	if (ret < 0)
		roost_say("Cannot read the %s from %s: %s", what,
			  roost_say_name(path), strerror(errno));
	return ret == 0 && line_check(what, ask);
}

static bool
ask_terminal(const char *what, struct roost_ask *ask)
{
	struct termios shown, hidden;
	int ret = -1, fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 || tcgetattr(fd, &shown) < 0) {
		roost_say("There is no terminal on which to ask for the %s: "
			  "give it by --secret-file or --secret-fd", what);
		if (fd >= 0)
			(void)close(fd);
		return false;
	}
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	if (tcsetattr(fd, TCSAFLUSH, &hidden) == 0) {
		(void)dprintf(fd, "The %s (it is not shown): ", what);
		ret = line_read(fd, ask);
	}
	/* This drops what was typed beyond the limit, too. */
	(void)tcsetattr(fd, TCSAFLUSH, &shown);
	(void)dprintf(fd, "\n");
	(void)close(fd);
	if (ret < 0)
		roost_say("Nothing was typed");
	return ret == 0 && line_check(what, ask);
}

bool
roost_ask_secret(const struct roost_options *options, const char *what,
		 struct roost_ask *ask_r)
{
	memset(ask_r, 0, sizeof(*ask_r));
	if (options->secret_file != NULL)
		return ask_file(options->secret_file, what, ask_r);
	if (options->secret_fd < 0)
		return ask_terminal(what, ask_r);
	if (line_read(options->secret_fd, ask_r) < 0) {
		roost_say("Cannot read the %s from descriptor %d: %s", what,
			  options->secret_fd, strerror(errno));
		return false;
	}
	return line_check(what, ask_r);
}
