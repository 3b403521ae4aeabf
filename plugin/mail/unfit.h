/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_UNFIT_H
#define ROOST_MAIL_UNFIT_H

/*
 * unfit: mailboxes of a storage that cannot hold sealed mail, such as mbox.
 *
 * doveadm may read them, so that mail is moved from there into a storage that
 * can; nothing of a user whose mail is sealed is written into them.  Of other
 * sessions, one with such a storage ends at its start (session/user-check.h),
 * but a namespace that comes later was not looked at then.
 */

#include "dovecot/compat.h"

/* Have saves and copies into the mailbox refused, and changes that would put
   private names of keywords there.  For the hooks of Dovecot. */
void roost_unfit_box_allocated(struct mailbox *box);
void roost_unfit_mail_allocated(struct mail *mail);

#endif
