/* SPDX-License-Identifier: MIT */
/*
 * keyring: loading and unlocking keyrings.  roost_keyring_open_host() refuses a
 * keyring of another user.  See roost/keyring.h.
 */
#include "core/keyring-private.h"
#include "core/verified-private.h"

#include "roost/bytes.h"
#include "roost/secret.h"

#include <string.h>

/* Unwrap a key; if it does not open, the error is that of this gate. */
static enum roost_err
unwrap_at(enum roost_err gate, const uint8_t kek[ROOST_KEY_SIZE],
	  const void *ad, size_t ad_len, const uint8_t *wrap, size_t len,
	  uint8_t *plain_r)
{
	enum roost_err err = roost_prim_unwrap(kek, ad, ad_len, wrap, len,
					       plain_r);

	return err == ROOST_ERR_CHUNK ? gate : err;
}

static enum roost_err
host_unwrap(const struct roost_keyring *kr, const uint8_t *provider_key,
	    uint8_t host_key_r[ROOST_KEY_SIZE])
{
	char ad[ROOST_TERMS_HOST_SIZE];		/* public */
	uint8_t kek[ROOST_KEY_SIZE];
	size_t ad_len;
	enum roost_err err;

	err = roost_terms_host(kr, provider_key, ad, &ad_len, kek);
	if (err == ROOST_OK)
		err = unwrap_at(ROOST_ERR_HOST_AUTH, kek, ad, ad_len,
				kr->host_wrap, sizeof(kr->host_wrap),
				host_key_r);
	roost_wipe(kek, sizeof(kek));
	return err;
}

static enum roost_err
provider_mac_check(const struct roost_keyring *kr, const uint8_t *host_key)
{
	uint8_t mac[ROOST_KEYRING_MAC_SIZE];
	enum roost_err err;

	err = roost_terms_mac(kr, host_key, mac);
	if (err == ROOST_OK &&
	    !roost_bytes_equal(mac, kr->provider_mac, sizeof(mac)))
		err = ROOST_ERR_PROVIDER_MAC;
	roost_wipe(mac, sizeof(mac));
	return err;
}

enum roost_err
roost_keyring_check_owner(const struct roost_keyring *kr)
{
	char bytes[ROOST_TERMS_OWNER_SIZE];		/* public */
	struct roost_text text = { .bytes = bytes, .size = sizeof(bytes) };
	uint8_t id[ROOST_ID_SIZE];		/* public */
	bool is_good = false;
	enum roost_err err = roost_terms_id(kr->identity, id);

	if (err == ROOST_OK && !roost_bytes_equal(id, kr->id, sizeof(id)))
		err = ROOST_ERR_IDENTITY;
	if (err == ROOST_OK)
		err = roost_terms_owner(kr, &text);
	if (err == ROOST_OK)
		err = roost_verified_check(kr->identity, bytes, text.len,
					   kr->owner_sig, &is_good);
	if (err == ROOST_OK && !is_good)
		err = ROOST_ERR_OWNER_SIG;
	return err;
}

/* Find the provider key that the host key is wrapped by. */
static enum roost_err
provider_find(const struct roost_keyring *kr, const uint8_t *provider_keys,
	      size_t key_count, const uint8_t **found_r)
{
	uint8_t id[ROOST_PROVIDER_ID_SIZE];	/* public */
	enum roost_err err = ROOST_OK;
	size_t i;

	*found_r = NULL;
	for (i = 0; err == ROOST_OK && i < key_count; i++) {
		*found_r = provider_keys + i * ROOST_KEY_SIZE;
		err = roost_provider_id(*found_r, id);
		if (err == ROOST_OK &&
		    roost_bytes_equal(id, kr->provider_id, sizeof(id)))
			return ROOST_OK;
	}
	return err == ROOST_OK ? ROOST_ERR_PROVIDER_KEY : err;
}

enum roost_err
roost_keyring_open_host(const struct roost_keyring *kr, const char *owner,
			const uint8_t *provider_keys, size_t key_count,
			uint8_t host_key_r[ROOST_KEY_SIZE])
{
	const uint8_t *provider_key;
	enum roost_err err;

	memset(host_key_r, 0, ROOST_KEY_SIZE);
	if (owner != NULL && strcmp(owner, kr->owner) != 0)
		return ROOST_ERR_OWNER;
	err = provider_find(kr, provider_keys, key_count, &provider_key);
	if (err == ROOST_OK)
		err = host_unwrap(kr, provider_key, host_key_r);
	if (err == ROOST_OK)
		err = provider_mac_check(kr, host_key_r);
	if (err == ROOST_OK)
		err = roost_keyring_check_owner(kr);
	if (err != ROOST_OK)
		roost_wipe(host_key_r, ROOST_KEY_SIZE);
	return err;
}

static enum roost_err
slot_unwrap(const struct roost_keyring *kr, const struct roost_slot *slot,
	    const uint8_t kek[ROOST_KEY_SIZE],
	    uint8_t master_r[ROOST_KEY_SIZE])
{
	char ad[ROOST_TERMS_SLOT_SIZE];		/* public */
	size_t ad_len = roost_terms_slot_ad(kr, slot, ad);

	return unwrap_at(ROOST_ERR_SLOT_AUTH, kek, ad, ad_len,
			 slot->wrap, sizeof(slot->wrap), master_r);
}

/* Try the slots of one type in the order of the document, but of two passwords
   the later one first.  ROOST_ERR_NO_SLOT if there is none, else what the last
   one answered.  *slot_r is the one that opened. */
static enum roost_err
slots_try(const struct roost_keyring *kr, enum roost_slot_type type,
	  const struct roost_slot_secret *from,
	  uint8_t master_r[ROOST_KEY_SIZE],
	  const struct roost_slot **slot_r)
{
	const struct roost_slot *slot;
	uint8_t kek[ROOST_KEY_SIZE];
	enum roost_err err = ROOST_ERR_NO_SLOT;
	unsigned int i;

	memset(kek, 0, sizeof(kek));
	memset(master_r, 0, ROOST_KEY_SIZE);
	*slot_r = NULL;
	/* Without a host key these slots count as absent (FORMAT.md 9.15). */
	if (from->host_key == NULL && (type == ROOST_SLOT_PROVIDER ||
				       type == ROOST_SLOT_PASSWORD))
		return ROOST_ERR_NO_SLOT;
	for (i = 0; err != ROOST_OK && i < kr->slot_count; i++) {
		slot = &kr->slots[type == ROOST_SLOT_PASSWORD ?
				  kr->slot_count - 1 - i : i];
		if (slot->type != type)
			continue;
		/* No second provider slot is tried (FORMAT.md 9.14). */
		if (type == ROOST_SLOT_PROVIDER && err != ROOST_ERR_NO_SLOT)
			break;
		err = roost_terms_slot_kek(slot, from, kek);
		if (err == ROOST_OK)
			err = slot_unwrap(kr, slot, kek, master_r);
		if (err == ROOST_OK)
			*slot_r = slot;
	}
	roost_wipe(kek, sizeof(kek));
	return err;
}

enum roost_err
roost_keyring_unlock_provider(const struct roost_keyring *kr,
			      const uint8_t host_key[ROOST_KEY_SIZE],
			      uint8_t master_r[ROOST_KEY_SIZE])
{
	struct roost_slot_secret from = { .host_key = host_key };
	const struct roost_slot *slot;

	return slots_try(kr, ROOST_SLOT_PROVIDER, &from, master_r, &slot);
}

enum roost_err
roost_keyring_unlock_app(const struct roost_keyring *kr,
			 const uint8_t secret[ROOST_KEY_SIZE],
			 uint8_t master_r[ROOST_KEY_SIZE])
{
	struct roost_slot_secret from = { .secret = secret };
	const struct roost_slot *slot;

	return slots_try(kr, ROOST_SLOT_APP, &from, master_r, &slot);
}

enum roost_err
roost_keyring_unlock_password(const struct roost_keyring *kr,
			      const uint8_t host_key[ROOST_KEY_SIZE],
			      const uint8_t secret[ROOST_KEY_SIZE],
			      const struct roost_argon2_limits *limits,
			      uint8_t master_r[ROOST_KEY_SIZE],
			      const struct roost_slot **slot_r)
{
	struct roost_slot_secret from = {
		.host_key = host_key, .secret = secret, .limits = limits
	};

	return slots_try(kr, ROOST_SLOT_PASSWORD, &from, master_r, slot_r);
}

enum roost_err
roost_keyring_unlock_secret(const struct roost_keyring *kr,
			    const uint8_t host_key[ROOST_KEY_SIZE],
			    const uint8_t secret[ROOST_KEY_SIZE],
			    const struct roost_argon2_limits *limits,
			    uint8_t master_r[ROOST_KEY_SIZE])
{
	enum roost_err app, password;
	const struct roost_slot *slot;

	/* App slots cost little, so they come first: a login then costs one
	   Argon2id at most. */
	app = roost_keyring_unlock_app(kr, secret, master_r);
	if (app == ROOST_OK)
		return ROOST_OK;
	password = roost_keyring_unlock_password(kr, host_key, secret, limits,
						 master_r, &slot);
	return password == ROOST_ERR_NO_SLOT ? app : password;
}

enum roost_err
roost_keyring_unlock_recovery(const struct roost_keyring *kr,
			      const uint8_t code[ROOST_CODE_SIZE],
			      uint8_t master_r[ROOST_KEY_SIZE])
{
	struct roost_slot_secret from = { .secret = code };
	const struct roost_slot *slot;

	return slots_try(kr, ROOST_SLOT_RECOVERY, &from, master_r, &slot);
}

/* Open one escrow slot. */
static enum roost_err
escrow_open(const struct roost_keyring *kr, const struct roost_slot *slot,
	    const uint8_t *private_key, uint8_t master_r[ROOST_KEY_SIZE])
{
	uint8_t info[ROOST_TERMS_ESCROW_SIZE];	/* public */
	struct roost_hpke_context hpke;		/* public */
	enum roost_err err;

	roost_terms_escrow(kr, slot, info, &hpke);
	err = roost_hpke_open(&hpke, slot->public_key, private_key,
			      slot->sealed, slot->sealed + ROOST_HPKE_ENC_SIZE,
			      ROOST_KEY_SIZE + ROOST_TAG_SIZE, master_r);
	return err == ROOST_ERR_STANZA_AUTH || err == ROOST_ERR_LOW_ORDER ?
		ROOST_ERR_SLOT_AUTH : err;
}

enum roost_err
roost_keyring_unlock_escrow(const struct roost_keyring *kr,
			    const uint8_t private_key[ROOST_KEY_SIZE],
			    uint8_t master_r[ROOST_KEY_SIZE])
{
	uint8_t public_key[ROOST_KEY_SIZE];	/* public */
	enum roost_err err = roost_prim_x25519_public(private_key, public_key);
	unsigned int i;

	memset(master_r, 0, ROOST_KEY_SIZE);
	if (err != ROOST_OK)
		return err;
	err = ROOST_ERR_NO_SLOT;
	for (i = 0; err != ROOST_OK && i < kr->slot_count; i++) {
		const struct roost_slot *slot = &kr->slots[i];

		if (slot->type == ROOST_SLOT_ESCROW &&
		    roost_bytes_equal(slot->public_key, public_key,
				      sizeof(public_key)))
			err = escrow_open(kr, slot, private_key, master_r);
	}
	return err;
}

enum roost_err
roost_keyring_open_secrets(const struct roost_keyring *kr,
			   const uint8_t *master, void **secrets_r)
{
	uint8_t ad[ROOST_TERMS_SECRETS_SIZE];	/* public */
	uint8_t key[ROOST_KEY_SIZE];
	enum roost_err err;

	memset(key, 0, sizeof(key));
	*secrets_r = roost_secret_new(
			ROOST_SECRETS_PLAIN_SIZE(kr->epoch_count));
	err = *secrets_r == NULL ? ROOST_ERR_BACKEND :
		roost_terms_secrets(kr, master, ad, key);
	if (err == ROOST_OK)
		err = unwrap_at(ROOST_ERR_SECRETS, key, ad, sizeof(ad),
				kr->secrets,
				ROOST_SECRETS_SIZE(kr->epoch_count),
				*secrets_r);
	roost_wipe(key, sizeof(key));
	if (err != ROOST_OK && *secrets_r != NULL)
		roost_secret_free(secrets_r);
	return err;
}

enum roost_err
roost_keyring_check_identity(const struct roost_keyring *kr,
			     const uint8_t *seed)
{
	uint8_t public_key[ROOST_KEY_SIZE];	/* public */
	enum roost_err err = roost_prim_sign_public(seed, public_key);

	if (err == ROOST_OK && !roost_bytes_equal(public_key, kr->identity,
						  sizeof(public_key)))
		err = ROOST_ERR_IDENTITY_KEY;
	return err;
}

/* Take one epoch's keys from the opened secrets, and check them against its
   line. */
static enum roost_err
epoch_open(const struct roost_epoch *epoch, const uint8_t *entry,
	   struct roost_open_key *key_r)
{
	enum roost_err err;

	memcpy(key_r->private_key, entry + 4, ROOST_KEY_SIZE);
	memcpy(key_r->psk, entry + 4 + ROOST_KEY_SIZE, ROOST_KEY_SIZE);
	if (roost_be32_get(entry) != epoch->number)
		return ROOST_ERR_EPOCH_KEY;
	err = roost_prim_x25519_public(key_r->private_key, key_r->public_key);
	if (err == ROOST_OK &&
	    !roost_bytes_equal(key_r->public_key, epoch->public_key,
			       ROOST_KEY_SIZE))
		err = ROOST_ERR_EPOCH_KEY;
	if (err == ROOST_OK)
		err = roost_stanza_key_id(ROOST_STANZA_X25519,
					  key_r->public_key, key_r->key_id);
	return err;
}

static enum roost_err
epochs_open(const struct roost_keyring *kr, const uint8_t *entries,
	    const uint8_t *host_key, struct roost_open_key *keys_r)
{
	uint8_t psk[ROOST_KEY_SIZE];
	unsigned int i, newest = kr->epoch_count - 1;
	enum roost_err err = ROOST_OK;

	for (i = 0; err == ROOST_OK && i < kr->epoch_count; i++)
		err = epoch_open(&kr->epochs[i],
				 entries + i * ROOST_EPOCH_SECRET_SIZE,
				 &keys_r[i]);
	if (err != ROOST_OK || host_key == NULL)
		return err;
	/* What deliveries seal with must be what the owner opens with. */
	err = roost_terms_psk(host_key, kr->epochs[newest].number, psk);
	if (err == ROOST_OK &&
	    !roost_bytes_equal(psk, keys_r[newest].psk, sizeof(psk)))
		err = ROOST_ERR_EPOCH_KEY;
	roost_wipe(psk, sizeof(psk));
	return err;
}

enum roost_err
roost_keyring_open_keys(const struct roost_keyring *kr,
			const uint8_t master[ROOST_KEY_SIZE],
			const uint8_t *host_key,
			struct roost_open_key *keys_r)
{
	void *secrets;
	const uint8_t *seed;
	enum roost_err err;

	memset(keys_r, 0, kr->epoch_count * sizeof(*keys_r));
	err = roost_keyring_open_secrets(kr, master, &secrets);
	if (err != ROOST_OK)
		return err;
	seed = secrets;
	err = roost_keyring_check_identity(kr, seed);
	if (err == ROOST_OK)
		err = epochs_open(kr, seed + ROOST_KEY_SIZE, host_key, keys_r);
	roost_secret_free(&secrets);
	if (err != ROOST_OK)
		roost_wipe(keys_r, kr->epoch_count * sizeof(*keys_r));
	return err;
}

enum roost_err
roost_keyring_seal_key(const struct roost_keyring *kr,
		       const uint8_t host_key[ROOST_KEY_SIZE],
		       struct roost_seal_key *key_r)
{
	const struct roost_epoch *newest = &kr->epochs[kr->epoch_count - 1];
	enum roost_err err;

	memcpy(key_r->keyring_id, kr->id, ROOST_ID_SIZE);
	memcpy(key_r->public_key, newest->public_key, ROOST_KEY_SIZE);
	err = roost_stanza_key_id(ROOST_STANZA_X25519, newest->public_key,
				  key_r->key_id);
	if (err == ROOST_OK)
		err = roost_terms_psk(host_key, newest->number, key_r->psk);
	if (err != ROOST_OK)
		roost_wipe(key_r, sizeof(*key_r));
	return err;
}
