/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_REFUSE_H
#define ROOST_MAIL_REFUSE_H

/*
 * refuse: what a client and the log are told of a message that is not served.
 *
 * Each function sets the error of the mail's storage, and logs one line for
 * each message and session; a keyring that fails is one fact, and is logged
 * once for all messages.  All but the last return -1.
 */

#include "session/user-ring.h"

/* The message fails at this gate; detail adds to its phrase, may be NULL. */
int roost_refuse_message(struct mail *mail, enum roost_err err,
			 const char *detail);

/* Returns such a detail: which keys or which keyring the header asks for, or
   NULL where the gate is another one.  On the data stack. */
const char *roost_refuse_detail(enum roost_err err,
				const struct roost_header *header);

/* The keyring that the message needs cannot be used; error says how. */
int roost_refuse_keyring(struct mail *mail, const char *gate,
			 const char *error);

/* There is none, though the message needs one. */
int roost_refuse_missing(struct mail *mail);

/* The keyring did not unlock; err is what unlocking answered. */
int roost_refuse_locked(struct mail *mail, enum roost_err err);

/* The keyring is open, but has a new master key since then
   (roost_ring_is_outdated()). */
int roost_refuse_outdated(struct mail *mail);

/* The file itself cannot be read: an error as of any other mail, which is
   logged each time. */
int roost_refuse_unreadable(struct mail *mail, struct istream *input);

/* It is plaintext, but the index cache knows it as a sealed message. */
int roost_refuse_unsealed(struct mail *mail);

/* It is plaintext, and the policy is sealed.  Returns 0 if roost_plaintext has
   it served all the same, which is logged, too; else -1. */
int roost_refuse_plaintext(struct mail *mail, enum roost_plaintext plaintext);

#endif
