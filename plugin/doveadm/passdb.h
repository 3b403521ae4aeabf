/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_PASSDB_H
#define ROOST_DOVEADM_PASSDB_H

/*
 * passdb: whether a password is the one that a user logs in with, as Dovecot's
 * auth process says.
 */

#include "doveadm/password.h"

enum roost_passdb_answer {
	ROOST_PASSDB_RIGHT,
	ROOST_PASSDB_WRONG,
	ROOST_PASSDB_SILENT,	/* it cannot be asked, or has failed */
};

/* Connect, which has to be done before doveadm becomes the user, who may not.
   -1 if there is no server. */
int roost_passdb_connect(void);

/* Ask over such a connection, which serves once. */
enum roost_passdb_answer
roost_passdb_ask(int fd, const char *username,
		 const struct roost_password *password);

#endif
