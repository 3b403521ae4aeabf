/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_OPEN_HOOKS_H
#define ROOST_MAIL_OPEN_HOOKS_H

/*
 * open-hooks: messages being read: opened or refused.
 */

#include "dovecot/compat.h"

/* Hook: the vfuncs of every mail of a user with Roost. */
void roost_open_mail_allocated(struct mail *mail);

/* Was the file that was opened last for this mail a sealed message? */
bool roost_open_is_sealed(struct mail *mail);

#endif
