/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_FRESH_H
#define ROOST_DOVEADM_FRESH_H

/*
 * fresh: a new slot: a password that was given, an app password or a recovery
 * code that is generated and shown once, a public key of escrow, or the
 * provider's slot.
 *
 * An app password is 28 random characters of 32, in groups of four; it is used
 * as it is shown, dashes included.
 */

#include "doveadm/given.h"

#include "session/ring-change.h"

struct roost_fresh;

/* Make one of this kind, which is given or generated; a password costs what the
   configuration says.  0, and the caller frees it; -1 with error_r. */
int roost_fresh_make(struct roost_fresh **fresh_r, struct roost_given *given,
		     const struct roost_config *config,
		     enum roost_slot_type type, const char **error_r);
void roost_fresh_free(struct roost_fresh **fresh);

/* Add it to a document that is edited, or put it there in the place of the slot
   with this number, which is of the same kind.  It is the slot that is to be
   proved. */
enum roost_err roost_fresh_add(const struct roost_fresh *fresh,
			       struct roost_ring_edit *edit) ROOST_CHECKED;
enum roost_err roost_fresh_replace(const struct roost_fresh *fresh,
				   struct roost_ring_edit *edit,
				   uint32_t number) ROOST_CHECKED;

enum roost_slot_type roost_fresh_type(const struct roost_fresh *fresh);
/* What opens the slot; NULL for those of provider and escrow.  Borrowed, as is
   the text that is shown once, which is empty where nothing was generated. */
const struct roost_ring_secret *
roost_fresh_secret(const struct roost_fresh *fresh);
const char *roost_fresh_shown(const struct roost_fresh *fresh);

/* Is this slot, which stands already, what it would make?  That is known of
   passwords, which cost an Argon2id to find out, and of escrow.  A password
   slot that costs less than the configuration says is another one if
   is_weak_other. */
bool roost_fresh_is_slot(const struct roost_fresh *fresh,
			 const struct roost_keyring *kr,
			 const struct roost_slot *slot,
			 const uint8_t host_key[ROOST_KEY_SIZE],
			 bool is_weak_other);

#endif
