/* SPDX-License-Identifier: MIT */
/*
 * password: a user's password, read or asked for.  See password.h.
 *
 * Dovecot's own askpass() would not do: it panics where its buffer ends, or
 * leaves copies in memory that nobody wipes.
 */
#include "doveadm/password.h"

#include "write-full.h"

#include "roost/secret.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

/* Reads up to the end of the line, of the file or of the buffer.  What stands
   behind the line may be read, too.  Returns 0, or -1 with errno. */
static int
read_line(int fd, struct roost_password *password)
{
	ssize_t ret = 1;

	password->len = 0;
	while (ret != 0 && password->len < sizeof(password->text) &&
	       memchr(password->text, '\n', password->len) == NULL) {
		ret = read(fd, password->text + password->len,
			   sizeof(password->text) - password->len);
		if (ret < 0 && errno != EINTR)
			return -1;
		if (ret > 0)
			password->len += (size_t)ret;
	}
	return 0;
}

static void
cut_line_end(struct roost_password *password)
{
	const char *text = password->text;
	const char *end = memchr(text, '\n', password->len);

	if (end == NULL)
		return;
	password->len = (size_t)(end - text);
	if (password->len > 0 && text[password->len - 1] == '\r')
		password->len--;
}

/* Returns what is wrong with the password, or NULL. */
static const char *
password_check(const struct roost_password *password)
{
	if (password->len == 0)
		return "The password is empty";
	if (password->len > ROOST_PASSWORD_MAX)
		return t_strdup_printf("The password has more than %u bytes: "
				       "it is not cut; use a shorter one",
				       ROOST_PASSWORD_MAX);
	if (memchr(password->text, '\0', password->len) != NULL)
		return "The password holds a NUL byte, which no login can "
			"send";
	return NULL;
}

int
roost_password_take(struct roost_password *password, const char **error_r)
{
	cut_line_end(password);
	*error_r = password_check(password);
	if (*error_r == NULL)
		return 0;
	roost_wipe(password, sizeof(*password));
	return -1;
}

int
roost_password_read(int fd, struct roost_password *password_r,
		    const char **error_r)
{
	if (read_line(fd, password_r) == 0)
		return roost_password_take(password_r, error_r);
	*error_r = t_strdup_printf("Cannot read the password: read(%d) "
				   "failed: %m", fd);
	roost_wipe(password_r, sizeof(*password_r));
	return -1;
}

int
roost_password_ask(const char *prompt, struct roost_password *password_r,
		   const char **error_r)
{
	struct termios shown, hidden;
	int ret, fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 || tcgetattr(fd, &shown) < 0) {
		*error_r = "There is no terminal to ask for the password: "
			"give it by --secret-fd";
		i_close_fd(&fd);
		return -1;
	}
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	if (tcsetattr(fd, TCSAFLUSH, &hidden) < 0) {
		*error_r = t_strdup_printf("Cannot hide what is typed: "
					   "tcsetattr() failed: %m");
		ret = -1;
	} else {
		(void)write_full(fd, prompt, strlen(prompt));
		ret = roost_password_read(fd, password_r, error_r);
	}
	/* This also drops what was typed beyond the limit. */
	(void)tcsetattr(fd, TCSAFLUSH, &shown);
	(void)write_full(fd, "\n", 1);
	i_close_fd(&fd);
	return ret;
}
