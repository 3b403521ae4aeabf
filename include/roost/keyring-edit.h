/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYRING_EDIT_H
#define ROOST_KEYRING_EDIT_H

/*
 * keyring-edit: making a keyring, and changing one (FORMAT.md 8).
 *
 * A change is made in memory and then signed; until then the document does not
 * load.  Nothing here stores the document or knows where it is kept.
 */

#include "roost/keyring.h"

/* What a whole new keyring is to be.  Everything is borrowed. */
struct roost_keyring_plan {
	const char *name;		/* the user's, as it is: not escaped */
	const uint8_t *provider_key;	/* 32 bytes */
	enum roost_policy policy;
	uint64_t now;			/* Unix seconds */
	/* NULL for a provider slot; else the 32 bytes of roost_secret_key for
	   a password slot, and then there is no provider slot. */
	const uint8_t *secret;
	struct roost_argon2_cost cost;	/* of that slot */
	/* The ROOST_CODE_SIZE bytes of a recovery slot, or NULL for none. */
	const uint8_t *recovery;
};

/*
 * Make and sign a whole document, which only has to be written.
 * ROOST_ERR_PROVIDER_KEY where the plan has no provider key, ROOST_ERR_LIMIT
 * where the name is empty or too long.  kr_r is undefined after an error.
 */
enum roost_err roost_keyring_make(const struct roost_keyring_plan *plan,
				  struct roost_keyring *kr_r) ROOST_CHECKED;

/*
 * Make a keyring with a fresh identity, host key, master key and epoch 1, of
 * generation 1 and policy open, without slots.  Slots are added next, and then
 * it is signed.  owner is in escaped form; ROOST_ERR_LIMIT if it is empty or
 * too long.  The keys are zero after an error.
 */
enum roost_err
roost_keyring_create(struct roost_keyring *kr_r, const char *owner,
		     const uint8_t provider_key[ROOST_KEY_SIZE],
		     uint64_t now,
		     uint8_t host_key_r[ROOST_KEY_SIZE],
		     uint8_t master_r[ROOST_KEY_SIZE]) ROOST_CHECKED;

/* What a new slot is to be.  Secret and public key are borrowed. */
struct roost_slot_new {
	enum roost_slot_type type;
	uint64_t now;
	const uint8_t *secret;	/* none for provider and escrow slots, else 32
				   bytes, for a recovery slot 20 */
	const uint8_t *public_key;	/* 32 bytes, escrow only */
	uint32_t t, m_kib;	/* password only */
};
/* Add a slot behind the last.  ROOST_ERR_LIMIT if the document is full or would
   have a third password; ROOST_ERR_LOW_ORDER for a public key that nothing can
   be sealed to. */
enum roost_err
roost_keyring_add_slot(struct roost_keyring *kr,
		       const uint8_t host_key[ROOST_KEY_SIZE],
		       const uint8_t master[ROOST_KEY_SIZE],
		       const struct roost_slot_new *slot) ROOST_CHECKED;

/* Make another slot of the same type in the place of the one with this number,
   which is the new one's, too.  ROOST_ERR_NO_SLOT if there is none; after an
   error the document is as it was. */
enum roost_err
roost_keyring_replace_slot(struct roost_keyring *kr, uint32_t number,
			   const uint8_t host_key[ROOST_KEY_SIZE],
			   const uint8_t master[ROOST_KEY_SIZE],
			   const struct roost_slot_new *slot) ROOST_CHECKED;

/* Remove a slot.  ROOST_ERR_NO_SLOT if none has this number;
   ROOST_ERR_LAST_SLOT, and no change, if only escrow slots would remain. */
enum roost_err roost_keyring_remove_slot(struct roost_keyring *kr,
					 uint32_t number) ROOST_CHECKED;

/* Add an epoch, to which new messages are sealed from then on; the old ones
   stay for the old messages.  ROOST_ERR_LIMIT, and no change, if there is no
   room for one; after another error kr is of no use. */
enum roost_err
roost_keyring_add_epoch(struct roost_keyring *kr,
			const uint8_t host_key[ROOST_KEY_SIZE],
			const uint8_t master[ROOST_KEY_SIZE],
			uint64_t now) ROOST_CHECKED;

/*
 * Give the keyring another master key, so that who knows the old one opens none
 * of its later documents.  All slots are dropped: the caller adds those whose
 * secrets are at hand.  The identity and all epochs stay.  After an error kr is
 * of no use and master_r zero; else the caller wipes it.
 */
enum roost_err
roost_keyring_change_master(struct roost_keyring *kr,
			    const uint8_t master[ROOST_KEY_SIZE],
			    uint8_t master_r[ROOST_KEY_SIZE]) ROOST_CHECKED;

/* Wrap the host key by another provider key; then the provider's mac must be
   made.  What the owner signs does not change. */
enum roost_err
roost_keyring_set_provider(struct roost_keyring *kr,
			   const uint8_t provider_key[ROOST_KEY_SIZE],
			   const uint8_t host_key[ROOST_KEY_SIZE])
	ROOST_CHECKED;

/* Compute signature and mac, as is needed after any change.  The seed that
   signs is in the record `secrets`, which the master key opens. */
enum roost_err roost_keyring_sign(struct roost_keyring *kr,
				  const uint8_t host_key[ROOST_KEY_SIZE],
				  const uint8_t master[ROOST_KEY_SIZE])
	ROOST_CHECKED;

/* The two steps of that: the signature by a seed, and the mac.  The mac alone
   suffices after a change of policy or generation. */
enum roost_err roost_keyring_sign_owner(struct roost_keyring *kr,
					const uint8_t seed[ROOST_KEY_SIZE])
	ROOST_CHECKED;
enum roost_err
roost_keyring_sign_provider(struct roost_keyring *kr,
			    const uint8_t host_key[ROOST_KEY_SIZE])
	ROOST_CHECKED;

/* Count a change of a keyring, which must then be signed.  ROOST_ERR_LIMIT, and
   no change, if it has the last generation (FORMAT.md 7.6): readers would
   refuse a later one. */
enum roost_err
roost_keyring_next_generation(struct roost_keyring *kr) ROOST_CHECKED;

/* Give an opened keyring another owner, in escaped form; then it must be
   signed.  ROOST_ERR_LIMIT, and no change, if the name is empty or too long. */
enum roost_err
roost_keyring_set_owner(struct roost_keyring *kr, const char *owner,
			const uint8_t provider_key[ROOST_KEY_SIZE],
			const uint8_t host_key[ROOST_KEY_SIZE]) ROOST_CHECKED;

#endif
