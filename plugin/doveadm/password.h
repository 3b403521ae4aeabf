/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_PASSWORD_H
#define ROOST_DOVEADM_PASSWORD_H

/*
 * password: a user's password, read from a file descriptor or asked for on the
 * terminal, as a login would send it.
 *
 * It is one line.  LF, CR LF or the end of the file ends it, and what follows
 * is ignored.  A password that is empty, has more than ROOST_PASSWORD_MAX bytes
 * or holds a NUL is an error: none is ever cut.
 */

#include "dovecot/compat.h"

#define ROOST_PASSWORD_MAX 1024

/* Secret: to be kept in guarded memory. */
struct roost_password {
	size_t len;
	/* Not ended by a NUL; there is space for the end of the line. */
	char text[ROOST_PASSWORD_MAX + 2];
};

/* Returns 0, or -1 with error_r: then password_r is wiped. */
int roost_password_read(int fd, struct roost_password *password_r,
			const char **error_r);

/* The same with text that was read already, as far as there was room. */
int roost_password_take(struct roost_password *password,
			const char **error_r);

/* Asks for a password on the terminal, which shows the prompt and nothing that
   is typed.  Returns as roost_password_read(). */
int roost_password_ask(const char *prompt, struct roost_password *password_r,
		       const char **error_r);

#endif
