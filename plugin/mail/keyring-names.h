/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_KEYRING_NAMES_H
#define ROOST_MAIL_KEYRING_NAMES_H

/*
 * keyring-names: no mailbox may have the name of a keyring's file.
 *
 * A keyring, its lock and its temporary files may lie in a folder of mailboxes,
 * where a layout would make a mailbox of each file.  Such a name is not listed,
 * and whatever is asked of it is refused; so is deleting or renaming a mailbox
 * in whose folder the keyring lies.
 */

#include "session/user-ring.h"

/* Hooks: set the vfuncs of each list of mailboxes, and of each mailbox. */
void roost_keyring_names_list_created(struct mailbox_list *list);
void roost_keyring_names_box_allocated(struct mailbox *box);

#endif
