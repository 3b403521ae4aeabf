/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_SAVE_HOOKS_H
#define ROOST_MAIL_SAVE_HOOKS_H

/*
 * save-hooks: messages being saved and copied, next to the storage.
 */

#include "dovecot/compat.h"

/* Hook: the vfuncs of every mailbox of the process, also of users without
   Roost, who must not be given sealed files. */
void roost_save_box_allocated(struct mailbox *box);

#endif
