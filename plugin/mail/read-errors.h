/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_READ_ERRORS_H
#define ROOST_MAIL_READ_ERRORS_H

/*
 * read-errors: a message that opens, and fails while it is read.
 *
 * Core takes that for an error of the server, and by default ends the
 * connection.  If nothing of the answer was sent yet, the message is instead
 * refused as if it had not opened, and everything else goes on.
 */

#include "dovecot/compat.h"

/* Hooks: set the vfuncs of mails and mailboxes.  These are outside of all other
   vfuncs of Roost, because any of those may read the message. */
void roost_read_errors_mail_allocated(struct mail *mail);
void roost_read_errors_mailbox_allocated(struct mailbox *box);

/*
 * Reads a message to its end before it is saved anew elsewhere.  Returns -1,
 * which is logged, if it opens and fails later; else 0, also if it does not
 * open, because the save then says why.
 *
 * Core must not meet such a failure while it saves.  If that save is the first
 * of a transaction which is committed all the same, as doveadm does, core
 * empties the mdbox file to which the message would have been added.
 */
int roost_read_errors_check_whole(struct mail *mail);

#endif
