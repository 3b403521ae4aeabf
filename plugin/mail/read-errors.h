/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_READ_ERRORS_H
#define ROOST_MAIL_READ_ERRORS_H

/*
 * read-errors: a message that was opened and fails while it is read.
 *
 * Core takes that for an error of the server, and by default ends a connection
 * for it.  Where nothing of an answer was sent yet it is instead what it would
 * have been at the opening: this message is refused, and all else goes on.
 */

#include "dovecot/compat.h"

/* Hooks, outermost: whatever reads within is seen. */
void roost_read_errors_mail_allocated(struct mail *mail);
void roost_read_errors_mailbox_allocated(struct mailbox *box);

/*
 * Before a message is saved anew elsewhere: -1, and logged, if it opens and
 * fails later.  Core must not meet that while it saves: where such a save is
 * the first one of a transaction that is committed all the same, as doveadm
 * does, it empties the mdbox file to which it would have been added.
 */
int roost_read_errors_check_whole(struct mail *mail);

#endif
