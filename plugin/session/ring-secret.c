/* SPDX-License-Identifier: MIT */
/*
 * ring-secret: from a secret to the slot that it opens.  See ring-secret.h.
 */
#include "session/ring-secret.h"

#include "roost/secret.h"

/* In the order in which they are tried. */
static const enum roost_slot_type kinds[] = {
	ROOST_SLOT_RECOVERY, ROOST_SLOT_ESCROW, ROOST_SLOT_APP,
	ROOST_SLOT_PASSWORD,
};

/* Open a keyring that has one slot. */
static enum roost_err
one_open(const struct roost_keyring *one, const uint8_t *host_key,
	 const struct roost_ring_secret *secret,
	 uint8_t master_r[ROOST_KEY_SIZE])
{
	memset(master_r, 0, ROOST_KEY_SIZE);
	switch (one->slots[0].type) {
	case ROOST_SLOT_PROVIDER:
		return roost_keyring_unlock_provider(one, host_key, master_r);
	case ROOST_SLOT_APP:
	case ROOST_SLOT_PASSWORD:
		if (secret != NULL && secret->has_hash)
			return roost_keyring_unlock_secret(one, host_key,
				secret->hash, &roost_slot_argon2_server,
				master_r);
		break;
	case ROOST_SLOT_RECOVERY:
		if (secret != NULL && secret->has_code)
			return roost_keyring_unlock_recovery(one,
				secret->code, master_r);
		break;
	case ROOST_SLOT_ESCROW:
		if (secret != NULL && secret->has_private_key)
			return roost_keyring_unlock_escrow(one,
				secret->private_key, master_r);
		break;
	}
	return ROOST_ERR_NO_SLOT;
}

/* Try the slots of a kind, of which copies are made into one. */
static enum roost_err
kind_open(const struct roost_keyring *kr, enum roost_slot_type kind,
	  struct roost_keyring *one, const uint8_t *host_key,
	  const struct roost_ring_secret *secret,
	  uint8_t master_r[ROOST_KEY_SIZE], uint32_t *number_r)
{
	enum roost_err tried, err = ROOST_ERR_NO_SLOT;
	unsigned int i;

	for (i = kr->slot_count; i-- > 0; ) {
		if (kr->slots[i].type != kind)
			continue;
		one->slots[0] = kr->slots[i];
		tried = one_open(one, host_key, secret, master_r);
		*number_r = kr->slots[i].number;
		if (tried != ROOST_ERR_NO_SLOT)
			err = tried;
		if (tried == ROOST_OK)
			break;
	}
	return err;
}

/* Try every kind that the secret can be. */
static enum roost_err
kinds_open(const struct roost_keyring *kr, struct roost_keyring *one,
	   const uint8_t *host_key, const struct roost_ring_secret *secret,
	   uint8_t master_r[ROOST_KEY_SIZE], uint32_t *number_r)
{
	enum roost_err tried, err = ROOST_ERR_NO_SLOT;
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(kinds); i++) {
		tried = kind_open(kr, kinds[i], one, host_key, secret,
				  master_r, number_r);
		if (tried == ROOST_OK)
			return ROOST_OK;
		if (tried != ROOST_ERR_NO_SLOT)
			err = tried;
	}
	return secret->is_typo && (err == ROOST_ERR_NO_SLOT ||
				   err == ROOST_ERR_SLOT_AUTH) ?
		ROOST_ERR_CODE_TYPO : err;
}

/* A copy of a keyring for one slot at a time. */
static struct roost_keyring *
one_new(const struct roost_keyring *kr)
{
	struct roost_keyring *one = i_new(struct roost_keyring, 1);

	*one = *kr;
	one->slot_count = 1;
	return one;
}

enum roost_err
roost_ring_secret_open(const struct roost_keyring *kr,
		       const uint8_t host_key[ROOST_KEY_SIZE],
		       const struct roost_ring_secret *secret,
		       uint8_t master_r[ROOST_KEY_SIZE], uint32_t *number_r)
{
	struct roost_keyring *one = one_new(kr);
	enum roost_err err;

	memset(master_r, 0, ROOST_KEY_SIZE);
	*number_r = 0;
	if (secret != NULL)
		err = kinds_open(kr, one, host_key, secret, master_r,
				 number_r);
	else
		err = kind_open(kr, ROOST_SLOT_PROVIDER, one, host_key, NULL,
				master_r, number_r);
	i_free(one);
	return secret == NULL && err == ROOST_ERR_NO_SLOT ?
		ROOST_ERR_LOCKED : err;
}

enum roost_err
roost_ring_secret_open_slot(const struct roost_keyring *kr, uint32_t number,
			    const uint8_t host_key[ROOST_KEY_SIZE],
			    const struct roost_ring_secret *secret,
			    uint8_t master_r[ROOST_KEY_SIZE])
{
	const struct roost_slot *slot = roost_keyring_find_slot(kr, number);
	struct roost_keyring *one;
	enum roost_err err;

	memset(master_r, 0, ROOST_KEY_SIZE);
	if (slot == NULL)
		return ROOST_ERR_NO_SLOT;
	one = one_new(kr);
	one->slots[0] = *slot;
	err = one_open(one, host_key, secret, master_r);
	i_free(one);
	return err;
}

void
roost_ring_secret_spend(const struct roost_keyring *kr,
			const uint8_t host_key[ROOST_KEY_SIZE],
			const struct roost_argon2_cost *usual,
			const struct roost_ring_secret *secret)
{
	static const uint8_t none[ROOST_KEY_SIZE];
	static const uint8_t salt[ROOST_SLOT_SALT_SIZE];
	const struct roost_slot *slots = kr->slots;
	struct roost_argon2_cost cost = *usual;
	uint8_t kek[ROOST_KEY_SIZE];
	unsigned int i;

	for (i = 0; i < kr->slot_count; i++) {
		if (slots[i].type != ROOST_SLOT_PASSWORD)
			continue;
		if (secret->has_hash)
			return;
		cost = roost_keyring_slot_cost(&slots[i]);
	}
	if (roost_slot_kek_password(host_key, none, salt, cost.t, cost.m_kib,
				    &roost_slot_argon2_server, kek) ==
	    ROOST_OK)
		roost_wipe(kek, sizeof(kek));
}
