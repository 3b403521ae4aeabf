/* SPDX-License-Identifier: MIT */
#ifndef ROOST_READ_ERRORS_H
#define ROOST_READ_ERRORS_H

/*
 * read-errors: a message that was opened and fails while it is read.
 *
 * Core takes that for an error of the server, and by default ends a connection
 * for it.  Where nothing of an answer was sent yet it is instead what it would
 * have been at the opening: this message is refused, and all else goes on.
 */

#include "dovecot-compat.h"

/* Hooks, outermost: whatever reads within is seen. */
void roost_read_errors_mail_allocated(struct mail *mail);
void roost_read_errors_mailbox_allocated(struct mailbox *box);

#endif
