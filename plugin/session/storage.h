/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_STORAGE_H
#define ROOST_SESSION_STORAGE_H

/*
 * storage: what a kind of Dovecot's storages can do for sealed mail.
 */

#include "dovecot/compat.h"

/*
 * TRUE if the storage keeps the bytes of a message as they are, so that they
 * can be sealed: maildir, sdbox and mdbox do.  FALSE for Dovecot's raw storage,
 * through which a message passes on its way to delivery.
 */
bool roost_storage_can_seal(const struct mail_storage *storage);

/* TRUE for sdbox and mdbox, whose files have records beside a message. */
bool roost_storage_is_dbox(const struct mail_storage *storage);

#endif
