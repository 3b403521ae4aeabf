/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_SAVE_RING_H
#define ROOST_MAIL_SAVE_RING_H

/*
 * save-ring: the keyring that new messages of a mailbox are sealed for.
 *
 * A keyring can be removed or replaced while a session uses it; what is sealed
 * for the old one would then open nowhere.  So a transaction compares it with
 * its store twice: before it first seals a message or shares a sealed file,
 * and before anybody is told that the messages are saved.
 */

#include "session/user-ring.h"

/*
 * TRUE if what is saved in the mailbox must be sealed.  Another user's mailbox
 * is sealed if its owner has a keyring, whatever roost_enable is for the
 * visitor; it is TRUE also where that keyring fails, because the save is then
 * refused when the keyring is asked for.
 */
bool roost_save_ring_is_needed(struct mailbox *box);

/* Returns the keyring to seal for: 0, or -1 with the storage's error set.
   Borrowed until the user is freed. */
int roost_save_ring_get(struct mailbox_transaction_context *t,
			struct roost_ring **ring_r);

/* Binds the transaction to a keyring, which is compared with its store the
   first time that this is called.  Returns 0, or -1 with error_r. */
int roost_save_ring_bind(struct mailbox_transaction_context *t,
			 struct roost_ring *ring, const char **error_r);

/* Compares the keyring, if the transaction is bound to one, with its store
   once more and releases it.  Returns 0, or -1 with the storage's error set:
   then the transaction must not be committed. */
int roost_save_ring_finish(struct mailbox_transaction_context *t);

/* Releases the keyring of a transaction that is rolled back. */
void roost_save_ring_release(struct mailbox_transaction_context *t);

#endif
