/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_SAVE_HOOKS_H
#define ROOST_MAIL_SAVE_HOOKS_H

/*
 * save-hooks: messages being saved and copied, next to the storage.
 */

#include "dovecot/compat.h"

/* Hook: sets the vfuncs of every mailbox of the process.  A user without Roost
   has them too, because he must not be given sealed files by a copy. */
void roost_save_box_allocated(struct mailbox *box);

#endif
