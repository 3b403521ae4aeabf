/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_PASSWORD_H
#define ROOST_DOVEADM_PASSWORD_H

/*
 * password: a user's password from a file descriptor or from the terminal, as
 * a login would send it.
 *
 * It is one line.  LF or CR LF ends it, or the end of the file; what follows
 * is not looked at.  One that is empty, longer than ROOST_PASSWORD_MAX bytes
 * or holds a NUL is an error: none is ever cut.
 */

#include "dovecot/compat.h"

#define ROOST_PASSWORD_MAX 1024

/* Secret: for guarded memory. */
struct roost_password {
	size_t len;
	char text[ROOST_PASSWORD_MAX + 2];	/* with its line's end */
};

/* -1 with error_r; nothing is left in password_r then. */
int roost_password_read(int fd, struct roost_password *password_r,
			const char **error_r);

/* The same from the terminal, which shows the prompt and no password. */
int roost_password_ask(const char *prompt, struct roost_password *password_r,
		       const char **error_r);

#endif
