/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_OPEN_HOOKS_H
#define ROOST_MAIL_OPEN_HOOKS_H

/*
 * open-hooks: messages being read: each is opened or refused when the storage
 * opens its file, and its sizes are answered as a reader sees them.
 */

#include "dovecot/compat.h"

/* Hook: sets the vfuncs of every mail of a user with Roost. */
void roost_open_mail_allocated(struct mail *mail);

/* TRUE if the file that was opened last for this mail was a sealed message,
   and was not refused. */
bool roost_open_is_sealed(struct mail *mail);

#endif
