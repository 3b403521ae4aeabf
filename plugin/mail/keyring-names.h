/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_KEYRING_NAMES_H
#define ROOST_MAIL_KEYRING_NAMES_H

/*
 * keyring-names: no mailbox is where a keyring lies.
 *
 * A keyring, its lock and what else stands beside it may lie in a folder of
 * mailboxes, where a layout makes a mailbox's name of a file's.  Such a name is
 * not listed, and whatever is asked of it is refused; so is deleting or
 * renaming a mailbox in whose folder the keyring lies.
 */

#include "session/user.h"

/* Hooks. */
void roost_keyring_names_list_created(struct mailbox_list *list);
void roost_keyring_names_box_allocated(struct mailbox *box);

#endif
