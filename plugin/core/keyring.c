/* SPDX-License-Identifier: MIT */
/*
 * keyring: loading, unlocking and making keyrings.  See roost/keyring.h.
 */
#include "core/keyring-private.h"
#include "core/verified-private.h"

#include "roost/bytes.h"
#include "roost/derive.h"
#include "roost/secret.h"

#include <assert.h>
#include <string.h>

#define SECRETS_LABEL "roost/v1 secrets"
#define ID_LABEL "roost keyring"
#define OWNER_SIG_LABEL "roost/v1 owner-sig"
/* id and owner lines, then the head of the host line. */
#define HOST_AD_SIZE (ROOST_KEYRING_OWNER_MAX + 128)
/* Longest: slot, password, two numbers of ten digits, a salt. */
#define SLOT_AD_SIZE (ROOST_ID_SIZE + 128)
#define OWNER_TEXT_SIZE (sizeof(OWNER_SIG_LABEL) + ROOST_KEYRING_DOC_MAX + 1)

/* An unwrap whose failure is this gate. */
static enum roost_err
unwrap_at(enum roost_err gate, const uint8_t kek[ROOST_KEY_SIZE],
	  const void *ad, size_t ad_len, const uint8_t *wrap, size_t len,
	  uint8_t *plain_r)
{
	enum roost_err err = roost_prim_unwrap(kek, ad, ad_len, wrap, len,
					       plain_r);

	return err == ROOST_ERR_CHUNK ? gate : err;
}

/* The KEK of the host key, and its AAD. */
static enum roost_err
host_terms(const struct roost_keyring *kr, const uint8_t *provider_key,
	   char ad_r[HOST_AD_SIZE], size_t *ad_len_r,
	   uint8_t kek_r[ROOST_KEY_SIZE])
{
	struct roost_text text = { .bytes = ad_r, .size = HOST_AD_SIZE };

	roost_keyring_text_host_ad(&text, kr);
	*ad_len_r = text.len;
	return roost_derive(provider_key, "host", NULL, 0,
			    kek_r, ROOST_KEY_SIZE);
}

static enum roost_err
host_unwrap(const struct roost_keyring *kr, const uint8_t *provider_key,
	    uint8_t host_key_r[ROOST_KEY_SIZE])
{
	char ad[HOST_AD_SIZE];		/* public */
	uint8_t kek[ROOST_KEY_SIZE];
	size_t ad_len;
	enum roost_err err;

	err = host_terms(kr, provider_key, ad, &ad_len, kek);
	if (err == ROOST_OK)
		err = unwrap_at(ROOST_ERR_HOST_AUTH, kek, ad, ad_len,
				kr->host_wrap, sizeof(kr->host_wrap),
				host_key_r);
	roost_wipe(kek, sizeof(kek));
	return err;
}

/* HMAC-SHA-512, first half, over what stands before it (FORMAT.md 8.10). */
static enum roost_err
provider_mac(const struct roost_keyring *kr, const uint8_t *host_key,
	     uint8_t mac_r[ROOST_KEYRING_MAC_SIZE])
{
	char doc[ROOST_KEYRING_DOC_MAX + 1];	/* public */
	struct roost_text text = { .bytes = doc, .size = sizeof(doc) };
	uint8_t mac_key[ROOST_KEY_SIZE], mac[ROOST_SHA512_SIZE];
	enum roost_err err;

	memset(mac, 0, sizeof(mac));
	roost_keyring_text_lines(&text, kr, ROOST_PART_BEFORE_PROVIDER_MAC);
	err = text.is_full ? ROOST_ERR_LIMIT : ROOST_OK;
	if (err == ROOST_OK)
		err = roost_derive(host_key, "provider mac", NULL, 0,
				   mac_key, sizeof(mac_key));
	if (err == ROOST_OK)
		err = roost_prim_hmac_sha512(mac_key, sizeof(mac_key),
					     doc, text.len, mac);
	memcpy(mac_r, mac, ROOST_KEYRING_MAC_SIZE);
	roost_wipe(mac_key, sizeof(mac_key));
	roost_wipe(mac, sizeof(mac));
	return err;
}

static enum roost_err
provider_mac_check(const struct roost_keyring *kr, const uint8_t *host_key)
{
	uint8_t mac[ROOST_KEYRING_MAC_SIZE];
	enum roost_err err;

	err = provider_mac(kr, host_key, mac);
	if (err == ROOST_OK &&
	    !roost_bytes_equal(mac, kr->provider_mac, sizeof(mac)))
		err = ROOST_ERR_PROVIDER_MAC;
	roost_wipe(mac, sizeof(mac));
	return err;
}

/* The id that an identity has (FORMAT.md 8.12). */
static enum roost_err
identity_id(const uint8_t identity[ROOST_KEY_SIZE],
	    uint8_t id_r[ROOST_ID_SIZE])
{
	uint8_t text[sizeof(ID_LABEL) + ROOST_KEY_SIZE];	/* public */
	uint8_t hash[ROOST_SHA256_SIZE];			/* public */
	enum roost_err err;

	memcpy(text, ID_LABEL, sizeof(ID_LABEL));
	memcpy(text + sizeof(ID_LABEL), identity, ROOST_KEY_SIZE);
	err = roost_prim_sha256(text, sizeof(text), hash);
	memcpy(id_r, hash, ROOST_ID_SIZE);
	return err;
}

/* What the owner signs (FORMAT.md 8.9); all of it is public. */
static enum roost_err
owner_text(const struct roost_keyring *kr, struct roost_text *text)
{
	memcpy(text->bytes, OWNER_SIG_LABEL, sizeof(OWNER_SIG_LABEL));
	text->len = sizeof(OWNER_SIG_LABEL);
	roost_keyring_text_lines(text, kr, ROOST_PART_OWNER_SIG);
	return text->is_full ? ROOST_ERR_LIMIT : ROOST_OK;
}

enum roost_err
roost_keyring_check_owner(const struct roost_keyring *kr)
{
	char bytes[OWNER_TEXT_SIZE];		/* public */
	struct roost_text text = { .bytes = bytes, .size = sizeof(bytes) };
	uint8_t id[ROOST_ID_SIZE];		/* public */
	bool is_good = false;
	enum roost_err err = identity_id(kr->identity, id);

	if (err == ROOST_OK && !roost_bytes_equal(id, kr->id, sizeof(id)))
		err = ROOST_ERR_IDENTITY;
	if (err == ROOST_OK)
		err = owner_text(kr, &text);
	if (err == ROOST_OK)
		err = roost_verified_check(kr->identity, bytes, text.len,
					   kr->owner_sig, &is_good);
	if (err == ROOST_OK && !is_good)
		err = ROOST_ERR_OWNER_SIG;
	return err;
}

/* Which of the keys the host key is wrapped by. */
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

static size_t
slot_ad(const struct roost_keyring *kr, const struct roost_slot *slot,
	char ad_r[SLOT_AD_SIZE])
{
	struct roost_text text = {
		.bytes = ad_r, .size = SLOT_AD_SIZE, .len = ROOST_ID_SIZE
	};

	memcpy(ad_r, kr->id, ROOST_ID_SIZE);
	roost_keyring_text_slot(&text, slot);
	return text.len;
}

static enum roost_err
slot_unwrap(const struct roost_keyring *kr, const struct roost_slot *slot,
	    const uint8_t kek[ROOST_KEY_SIZE],
	    uint8_t master_r[ROOST_KEY_SIZE])
{
	char ad[SLOT_AD_SIZE];		/* public */
	size_t ad_len = slot_ad(kr, slot, ad);

	return unwrap_at(ROOST_ERR_SLOT_AUTH, kek, ad, ad_len,
			 slot->wrap, sizeof(slot->wrap), master_r);
}

/* What a slot's key is made of; secret is not for a provider slot. */
struct slot_secret {
	const uint8_t *host_key;
	const uint8_t *secret;
	const struct roost_argon2_limits *limits;
};

static enum roost_err
slot_kek(const struct roost_slot *slot, const struct slot_secret *from,
	 uint8_t kek_r[ROOST_KEY_SIZE])
{
	switch (slot->type) {
	case ROOST_SLOT_PROVIDER:
		return roost_slot_kek_provider(from->host_key, kek_r);
	case ROOST_SLOT_PASSWORD:
		return roost_slot_kek_password(from->host_key, from->secret,
					       slot->salt, slot->t,
					       slot->m_kib, from->limits,
					       kek_r);
	case ROOST_SLOT_APP:
		return roost_slot_kek_random(from->secret, ROOST_KEY_SIZE,
					     slot->salt, kek_r);
	case ROOST_SLOT_RECOVERY:
		return roost_slot_kek_random(from->secret,
					     ROOST_CODE_SIZE,
					     slot->salt, kek_r);
	}
	return ROOST_ERR_NO_SLOT;
}

/*
 * Try the slots of one type in document order.  ROOST_ERR_NO_SLOT when there
 * is none, else what the last one answered.
 */
static enum roost_err
slots_try(const struct roost_keyring *kr, enum roost_slot_type type,
	  const struct slot_secret *from, uint8_t master_r[ROOST_KEY_SIZE])
{
	uint8_t kek[ROOST_KEY_SIZE];
	enum roost_err err = ROOST_ERR_NO_SLOT;
	unsigned int i;

	memset(kek, 0, sizeof(kek));
	memset(master_r, 0, ROOST_KEY_SIZE);
	/* FORMAT.md 9.15: without a host key these count as absent. */
	if (from->host_key == NULL && (type == ROOST_SLOT_PROVIDER ||
				       type == ROOST_SLOT_PASSWORD))
		return ROOST_ERR_NO_SLOT;
	for (i = 0; err != ROOST_OK && i < kr->slot_count; i++) {
		if (kr->slots[i].type != type)
			continue;
		/* FORMAT.md 9.14: no second provider slot is tried. */
		if (type == ROOST_SLOT_PROVIDER && err != ROOST_ERR_NO_SLOT)
			break;
		err = slot_kek(&kr->slots[i], from, kek);
		if (err == ROOST_OK)
			err = slot_unwrap(kr, &kr->slots[i], kek, master_r);
	}
	roost_wipe(kek, sizeof(kek));
	return err;
}

enum roost_err
roost_keyring_unlock_provider(const struct roost_keyring *kr,
			      const uint8_t host_key[ROOST_KEY_SIZE],
			      uint8_t master_r[ROOST_KEY_SIZE])
{
	struct slot_secret from = { .host_key = host_key };

	return slots_try(kr, ROOST_SLOT_PROVIDER, &from, master_r);
}

enum roost_err
roost_keyring_unlock_secret(const struct roost_keyring *kr,
			    const uint8_t host_key[ROOST_KEY_SIZE],
			    const uint8_t secret[ROOST_KEY_SIZE],
			    const struct roost_argon2_limits *limits,
			    uint8_t master_r[ROOST_KEY_SIZE])
{
	struct slot_secret from = {
		.host_key = host_key, .secret = secret, .limits = limits
	};
	enum roost_err app, password;

	/* Cheap ones first, so that a login costs one Argon2id at most. */
	app = slots_try(kr, ROOST_SLOT_APP, &from, master_r);
	if (app == ROOST_OK)
		return ROOST_OK;
	password = slots_try(kr, ROOST_SLOT_PASSWORD, &from, master_r);
	return password == ROOST_ERR_NO_SLOT ? app : password;
}

enum roost_err
roost_keyring_unlock_recovery(const struct roost_keyring *kr,
			      const uint8_t code[ROOST_CODE_SIZE],
			      uint8_t master_r[ROOST_KEY_SIZE])
{
	struct slot_secret from = { .secret = code };

	return slots_try(kr, ROOST_SLOT_RECOVERY, &from, master_r);
}

/* The AAD of `secrets`, and its key. */
static enum roost_err
secrets_terms(const struct roost_keyring *kr, const uint8_t *master,
	      uint8_t ad_r[sizeof(SECRETS_LABEL) + ROOST_ID_SIZE],
	      uint8_t key_r[ROOST_KEY_SIZE])
{
	memcpy(ad_r, SECRETS_LABEL, sizeof(SECRETS_LABEL));
	memcpy(ad_r + sizeof(SECRETS_LABEL), kr->id, ROOST_ID_SIZE);
	return roost_derive(master, "secrets", NULL, 0,
			    key_r, ROOST_KEY_SIZE);
}

static enum roost_err
epoch_psk(const uint8_t *host_key, uint32_t number,
	  uint8_t psk_r[ROOST_KEY_SIZE])
{
	uint8_t number_be[4];

	roost_be32_put(number_be, number);
	return roost_derive(host_key, "psk", number_be,
			    sizeof(number_be), psk_r, ROOST_KEY_SIZE);
}

/* What `secrets` holds, in guarded memory that the caller frees. */
static enum roost_err
secrets_open(const struct roost_keyring *kr, const uint8_t *master,
	     void **secrets_r)
{
	uint8_t ad[sizeof(SECRETS_LABEL) + ROOST_ID_SIZE];	/* public */
	uint8_t key[ROOST_KEY_SIZE];
	enum roost_err err;

	memset(key, 0, sizeof(key));
	*secrets_r = roost_secret_new(
			ROOST_SECRETS_PLAIN_SIZE(kr->epoch_count));
	err = *secrets_r == NULL ? ROOST_ERR_BACKEND :
		secrets_terms(kr, master, ad, key);
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

/* The seed is that of the identity? */
static enum roost_err
identity_check(const struct roost_keyring *kr, const uint8_t *seed)
{
	uint8_t public_key[ROOST_KEY_SIZE];	/* public */
	enum roost_err err = roost_prim_sign_public(seed, public_key);

	if (err == ROOST_OK && !roost_bytes_equal(public_key, kr->identity,
						  sizeof(public_key)))
		err = ROOST_ERR_IDENTITY_KEY;
	return err;
}

/* One epoch's entry in the opened secrets, checked against its line. */
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
	/* What delivery seals with must be what the owner opens with. */
	err = epoch_psk(host_key, kr->epochs[newest].number, psk);
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
	err = secrets_open(kr, master, &secrets);
	if (err != ROOST_OK)
		return err;
	seed = secrets;
	err = identity_check(kr, seed);
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
		err = epoch_psk(host_key, newest->number, key_r->psk);
	if (err != ROOST_OK)
		roost_wipe(key_r, sizeof(*key_r));
	return err;
}

static enum roost_err
host_wrap(struct roost_keyring *kr, const uint8_t *provider_key,
	  const uint8_t *host_key)
{
	char ad[HOST_AD_SIZE];		/* public */
	uint8_t kek[ROOST_KEY_SIZE];
	size_t ad_len;
	enum roost_err err;

	err = roost_provider_id(provider_key, kr->provider_id);
	memset(kek, 0, sizeof(kek));
	if (err == ROOST_OK)
		err = host_terms(kr, provider_key, ad, &ad_len, kek);
	if (err == ROOST_OK)
		err = roost_prim_wrap(kek, ad, ad_len, host_key,
				      ROOST_KEY_SIZE, kr->host_wrap);
	roost_wipe(kek, sizeof(kek));
	return err;
}

/* The identity, and the id that is its. */
static enum roost_err
new_identity(struct roost_keyring *kr, uint8_t seed_r[ROOST_KEY_SIZE])
{
	enum roost_err err = roost_prim_random(seed_r, ROOST_KEY_SIZE);

	if (err == ROOST_OK)
		err = roost_prim_sign_public(seed_r, kr->identity);
	return err == ROOST_OK ? identity_id(kr->identity, kr->id) : err;
}

/* Epoch 1: its key pair and psk. */
static enum roost_err
first_epoch(struct roost_keyring *kr, const uint8_t *host_key, uint64_t now,
	    uint8_t entry_r[ROOST_EPOCH_SECRET_SIZE])
{
	struct roost_epoch *epoch = &kr->epochs[0];
	enum roost_err err;

	kr->epoch_count = 1;
	epoch->number = 1;
	epoch->created = now;
	roost_be32_put(entry_r, epoch->number);
	err = roost_prim_random(entry_r + 4, ROOST_KEY_SIZE);
	if (err == ROOST_OK)
		err = roost_prim_x25519_public(entry_r + 4,
					       epoch->public_key);
	if (err == ROOST_OK)
		err = epoch_psk(host_key, epoch->number,
				entry_r + 4 + ROOST_KEY_SIZE);
	return err;
}

/* Identity, first epoch, and the secrets record that holds both. */
static enum roost_err
new_secrets(struct roost_keyring *kr, const uint8_t *host_key,
	    const uint8_t *master, uint64_t now)
{
	uint8_t plain[ROOST_SECRETS_PLAIN_SIZE(1)];
	uint8_t ad[sizeof(SECRETS_LABEL) + ROOST_ID_SIZE];	/* public */
	uint8_t key[ROOST_KEY_SIZE];
	enum roost_err err;

	memset(key, 0, sizeof(key));
	err = new_identity(kr, plain);
	if (err == ROOST_OK)
		err = first_epoch(kr, host_key, now, plain + ROOST_KEY_SIZE);
	if (err == ROOST_OK)
		err = secrets_terms(kr, master, ad, key);
	if (err == ROOST_OK)
		err = roost_prim_wrap(key, ad, sizeof(ad), plain,
				      sizeof(plain), kr->secrets);
	roost_wipe(plain, sizeof(plain));
	roost_wipe(key, sizeof(key));
	return err;
}

enum roost_err
roost_keyring_create(struct roost_keyring *kr_r, const char *owner,
		     const uint8_t provider_key[ROOST_KEY_SIZE], uint64_t now,
		     uint8_t host_key_r[ROOST_KEY_SIZE],
		     uint8_t master_r[ROOST_KEY_SIZE])
{
	size_t owner_len = strlen(owner);
	enum roost_err err = ROOST_ERR_LIMIT;

	memset(kr_r, 0, sizeof(*kr_r));
	memset(host_key_r, 0, ROOST_KEY_SIZE);
	memset(master_r, 0, ROOST_KEY_SIZE);
	assert(strpbrk(owner, "\n ") == NULL);	/* else it is not escaped */
	if (owner_len == 0 || owner_len > ROOST_KEYRING_OWNER_MAX)
		return err;
	memcpy(kr_r->owner, owner, owner_len + 1);
	kr_r->generation = 1;
	kr_r->policy = ROOST_POLICY_OPEN;
	err = roost_prim_random(host_key_r, ROOST_KEY_SIZE);
	if (err == ROOST_OK)
		err = roost_prim_random(master_r, ROOST_KEY_SIZE);
	if (err == ROOST_OK)
		err = new_secrets(kr_r, host_key_r, master_r, now);
	if (err == ROOST_OK)
		err = host_wrap(kr_r, provider_key, host_key_r);
	if (err != ROOST_OK) {
		roost_wipe(host_key_r, ROOST_KEY_SIZE);
		roost_wipe(master_r, ROOST_KEY_SIZE);
	}
	return err;
}

enum roost_err
roost_keyring_add_slot(struct roost_keyring *kr,
		       const uint8_t host_key[ROOST_KEY_SIZE],
		       const uint8_t master[ROOST_KEY_SIZE],
		       const struct roost_slot_new *slot_new)
{
	/* Whoever makes a slot may be the program, with more memory. */
	static const struct roost_argon2_limits limits = {
		.t_max = 10, .m_kib_max = 1048576
	};
	struct slot_secret from = {
		.host_key = host_key, .secret = slot_new->secret,
		.limits = &limits,
	};
	struct roost_slot *slot = &kr->slots[kr->slot_count];
	char ad[SLOT_AD_SIZE];		/* public */
	uint8_t kek[ROOST_KEY_SIZE];
	enum roost_err err;

	if (kr->slot_count == ROOST_KEYRING_SLOTS_MAX ||
	    (kr->slot_count > 0 && slot[-1].number == INT32_MAX) ||
	    (slot_new->type == ROOST_SLOT_PASSWORD &&
	     roost_keyring_has_slot(kr, ROOST_SLOT_PASSWORD)))
		return ROOST_ERR_LIMIT;
	memset(kek, 0, sizeof(kek));
	memset(slot, 0, sizeof(*slot));
	slot->number = kr->slot_count == 0 ? 1 : slot[-1].number + 1;
	slot->type = slot_new->type;
	slot->created = slot_new->now;
	slot->t = slot_new->t;
	slot->m_kib = slot_new->m_kib;
	err = roost_prim_random(slot->salt, sizeof(slot->salt));
	if (err == ROOST_OK)
		err = slot_kek(slot, &from, kek);
	if (err == ROOST_OK)
		err = roost_prim_wrap(kek, ad, slot_ad(kr, slot, ad), master,
				      ROOST_KEY_SIZE, slot->wrap);
	roost_wipe(kek, sizeof(kek));
	if (err == ROOST_OK)
		kr->slot_count++;
	return err;
}

enum roost_err
roost_keyring_set_owner(struct roost_keyring *kr, const char *owner,
			const uint8_t provider_key[ROOST_KEY_SIZE],
			const uint8_t host_key[ROOST_KEY_SIZE])
{
	size_t owner_len = strlen(owner);

	assert(strpbrk(owner, "\n ") == NULL);	/* else it is not escaped */
	if (owner_len == 0 || owner_len > ROOST_KEYRING_OWNER_MAX)
		return ROOST_ERR_LIMIT;
	memcpy(kr->owner, owner, owner_len + 1);
	/* The wrap is bound to it. */
	return host_wrap(kr, provider_key, host_key);
}

enum roost_err
roost_keyring_sign_provider(struct roost_keyring *kr,
			    const uint8_t host_key[ROOST_KEY_SIZE])
{
	return provider_mac(kr, host_key, kr->provider_mac);
}

enum roost_err
roost_keyring_sign_owner(struct roost_keyring *kr,
			 const uint8_t seed[ROOST_KEY_SIZE])
{
	char bytes[OWNER_TEXT_SIZE];		/* public */
	struct roost_text text = { .bytes = bytes, .size = sizeof(bytes) };
	enum roost_err err = owner_text(kr, &text);

	return err == ROOST_OK ?
		roost_prim_sign(seed, bytes, text.len, kr->owner_sig) : err;
}

enum roost_err
roost_keyring_sign(struct roost_keyring *kr,
		   const uint8_t host_key[ROOST_KEY_SIZE],
		   const uint8_t master[ROOST_KEY_SIZE])
{
	void *secrets;
	enum roost_err err = secrets_open(kr, master, &secrets);

	if (err != ROOST_OK)
		return err;
	err = identity_check(kr, secrets);
	if (err == ROOST_OK)
		err = roost_keyring_sign_owner(kr, secrets);
	if (err == ROOST_OK)
		err = roost_keyring_sign_provider(kr, host_key);
	roost_secret_free(&secrets);
	return err;
}
