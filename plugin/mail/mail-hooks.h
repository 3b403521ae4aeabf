/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_HOOKS_H
#define ROOST_MAIL_HOOKS_H

/*
 * mail-hooks: messages being read: opened, refused, or only looked at.
 */

#include "dovecot-compat.h"

#include "roost/header.h"

/* What the first bytes of a stored message tell without any key. */
struct roost_mail_peek {
	bool is_sealed;			/* it claims to be */
	bool has_header;		/* and its header is well formed */
	uint8_t keyring_id[ROOST_ID_SIZE];
	uint64_t sealed_size, plain_size;	/* 0: impossible length */
};

/*
 * Have a message's stored bytes, as the storage opens them, given to inspect,
 * which may read the stream but not keep it.  The message is not opened, the
 * storage's last error and the mail stay as they were.  1 inspected; 0 Roost
 * does not see this mail's file (not loaded for its user); -1 the file could
 * not be opened.
 */
int roost_mail_inspect(struct mail *mail,
		       void (*inspect)(void *context, struct istream *stored),
		       void *context);

/*
 * Look at a message without opening it; leaves the storage's last error and
 * the mail as they were.  1; 0 Roost does not see this mail's file (not loaded
 * for its user); -1 the file could not be read.
 */
int roost_mail_peek(struct mail *mail, struct roost_mail_peek *peek_r);

/* Hook: the vfuncs of every mail of a user with Roost. */
void roost_mail_allocated(struct mail *mail);

#endif
