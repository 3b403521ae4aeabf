/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_COPY_SHARE_H
#define ROOST_MAIL_COPY_SHARE_H

/*
 * copy-share: may a copy of a message share the file of the original?
 *
 * Storages copy by a link where they can.  A sealed file opens by one keyring
 * only, so it is shared inside that keyring alone; any other copy is saved
 * anew from what a reader is shown.
 */

#include "dovecot/compat.h"

/*
 * May the transaction's mailbox share the file of this mail?  Returns 1, or 0
 * if the copy must be saved anew.  Returns -1 with the storage's error set
 * where the keyring is no longer there: 0 would be wrong, because where nothing
 * is sealed the copy would be saved in clear.
 */
int roost_copy_may_share(struct mailbox_transaction_context *t,
			 struct mail *mail);

#endif
