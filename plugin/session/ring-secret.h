/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_RING_SECRET_H
#define ROOST_SESSION_RING_SECRET_H

/*
 * ring-secret: which slot of a keyring a secret opens.  Nobody has to say of
 * what kind a secret is: a password, an app password and a recovery code are
 * typed at the same place, and each kind is tried where the text can be one.
 */

#include "dovecot/compat.h"

#include "roost/keyring.h"

/* What there is to open a keyring with.  Secret: guarded memory. */
struct roost_ring_secret {
	bool has_hash, has_code, has_private_key;
	/* Not a recovery code, but so like one that it was to be one. */
	bool is_typo;
	uint8_t hash[ROOST_KEY_SIZE];		/* as roost_secret_key */
	uint8_t code[ROOST_CODE_SIZE];
	uint8_t private_key[ROOST_KEY_SIZE];	/* of an escrow slot */
};

/*
 * Open the master key, by the provider slot where secret is NULL.  *number_r is
 * the slot that opened.  Of the slots of one kind the last is tried first; app
 * slots, which cost little, before the password.
 *
 * ROOST_ERR_LOCKED: there is no provider slot, and no secret; ROOST_ERR_NO_SLOT
 * no slot is of a kind that the secret can open; ROOST_ERR_CODE_TYPO it is a
 * mistyped code; ROOST_ERR_SLOT_AUTH it opens nothing; others as they come.
 * master_r is zero after an error, else the caller wipes it.
 */
enum roost_err
roost_ring_secret_open(const struct roost_keyring *kr,
		       const uint8_t host_key[ROOST_KEY_SIZE],
		       const struct roost_ring_secret *secret,
		       uint8_t master_r[ROOST_KEY_SIZE],
		       uint32_t *number_r) ROOST_CHECKED;

/* The same with one slot alone, of whatever kind it is.  ROOST_ERR_NO_SLOT also
   where the slot is not there. */
enum roost_err
roost_ring_secret_open_slot(const struct roost_keyring *kr, uint32_t number,
			    const uint8_t host_key[ROOST_KEY_SIZE],
			    const struct roost_ring_secret *secret,
			    uint8_t master_r[ROOST_KEY_SIZE]) ROOST_CHECKED;

/*
 * After a secret opened nothing: spend what a wrong password costs, if trying
 * it has not.  Then an answer's time does not tell what it was taken for.
 * Where the keyring has no password, that is the usual cost.
 */
void roost_ring_secret_spend(const struct roost_keyring *kr,
			     const uint8_t host_key[ROOST_KEY_SIZE],
			     const struct roost_argon2_cost *usual,
			     const struct roost_ring_secret *secret);

#endif
