/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_REOPEN_H
#define ROOST_SESSION_REOPEN_H

/*
 * reopen: the file of a message is to be found anew, because another process
 * has put the message elsewhere meanwhile.
 */

#include "dovecot/compat.h"

/*
 * Have the storage forget which file it has opened for the mail, and where it
 * believes the message to be, so that its next look is at what is there now.
 * No stream of the mail may be in use.  Storages that keep neither have nothing
 * to forget.
 */
void roost_reopen_prepare(struct mail *mail);

/* TRUE if the file that the storage has opened for the mail is not where the
   message is now.  The message's place is looked up anew for that. */
bool roost_reopen_is_needed(struct mail *mail);

#endif
