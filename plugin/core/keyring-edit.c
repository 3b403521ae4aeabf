/* SPDX-License-Identifier: MIT */
/*
 * keyring-edit: making and changing keyrings.  See roost/keyring-edit.h.
 */
#include "roost/keyring-edit.h"

#include "core/keyring-private.h"
#include "roost/bytes.h"
#include "roost/secret.h"

#include <assert.h>
#include <string.h>

#define GENERATION_MAX ((UINT64_C(1) << 53) - 1)	/* FORMAT.md 7.6 */

/* Copy the owner's escaped name into the document, if it fits. */
static enum roost_err
owner_put(struct roost_keyring *kr, const char *owner)
{
	size_t len = strlen(owner);

	assert(strpbrk(owner, "\n ") == NULL);	/* else it is not escaped */
	if (len == 0 || len > ROOST_KEYRING_OWNER_MAX)
		return ROOST_ERR_LIMIT;
	memcpy(kr->owner, owner, len + 1);
	return ROOST_OK;
}

static enum roost_err
host_wrap(struct roost_keyring *kr, const uint8_t *provider_key,
	  const uint8_t *host_key)
{
	char ad[ROOST_TERMS_HOST_SIZE];		/* public */
	uint8_t kek[ROOST_KEY_SIZE];
	size_t ad_len;
	enum roost_err err;

	err = roost_provider_id(provider_key, kr->provider_id);
	memset(kek, 0, sizeof(kek));
	if (err == ROOST_OK)
		err = roost_terms_host(kr, provider_key, ad, &ad_len, kek);
	if (err == ROOST_OK)
		err = roost_prim_wrap(kek, ad, ad_len, host_key,
				      ROOST_KEY_SIZE, kr->host_wrap);
	roost_wipe(kek, sizeof(kek));
	return err;
}

/* Make an identity, and the keyring's id from it. */
static enum roost_err
new_identity(struct roost_keyring *kr, uint8_t seed_r[ROOST_KEY_SIZE])
{
	enum roost_err err = roost_prim_random(seed_r, ROOST_KEY_SIZE);

	if (err == ROOST_OK)
		err = roost_prim_sign_public(seed_r, kr->identity);
	return err == ROOST_OK ? roost_terms_id(kr->identity, kr->id) : err;
}

/* Make the next epoch: its key pair and its pre-shared key. */
static enum roost_err
next_epoch(struct roost_keyring *kr, const uint8_t *host_key, uint64_t now,
	   uint8_t entry_r[ROOST_EPOCH_SECRET_SIZE])
{
	struct roost_epoch *epoch = &kr->epochs[kr->epoch_count++];
	enum roost_err err;

	epoch->number = kr->epoch_count;
	epoch->created = now;
	roost_be32_put(entry_r, epoch->number);
	err = roost_prim_random(entry_r + 4, ROOST_KEY_SIZE);
	if (err == ROOST_OK)
		err = roost_prim_x25519_public(entry_r + 4,
					       epoch->public_key);
	if (err == ROOST_OK)
		err = roost_terms_psk(host_key, epoch->number,
				      entry_r + 4 + ROOST_KEY_SIZE);
	return err;
}

/* Wrap the seed of the identity and the secrets of all epochs into the record
   `secrets`. */
static enum roost_err
secrets_wrap(struct roost_keyring *kr, const uint8_t *master,
	     const uint8_t *plain)
{
	uint8_t ad[ROOST_TERMS_SECRETS_SIZE];	/* public */
	uint8_t key[ROOST_KEY_SIZE];
	enum roost_err err = roost_terms_secrets(kr, master, ad, key);

	if (err == ROOST_OK)
		err = roost_prim_wrap(key, ad, sizeof(ad), plain,
			ROOST_SECRETS_PLAIN_SIZE(kr->epoch_count),
			kr->secrets);
	roost_wipe(key, sizeof(key));
	return err;
}

/* Make the identity and the first epoch, and wrap what is secret of both. */
static enum roost_err
new_secrets(struct roost_keyring *kr, const uint8_t *host_key,
	    const uint8_t *master, uint64_t now)
{
	uint8_t plain[ROOST_SECRETS_PLAIN_SIZE(1)];
	enum roost_err err = new_identity(kr, plain);

	if (err == ROOST_OK)
		err = next_epoch(kr, host_key, now, plain + ROOST_KEY_SIZE);
	if (err == ROOST_OK)
		err = secrets_wrap(kr, master, plain);
	roost_wipe(plain, sizeof(plain));
	return err;
}

enum roost_err
roost_keyring_create(struct roost_keyring *kr_r, const char *owner,
		     const uint8_t provider_key[ROOST_KEY_SIZE], uint64_t now,
		     uint8_t host_key_r[ROOST_KEY_SIZE],
		     uint8_t master_r[ROOST_KEY_SIZE])
{
	enum roost_err err;

	memset(kr_r, 0, sizeof(*kr_r));
	memset(host_key_r, 0, ROOST_KEY_SIZE);
	memset(master_r, 0, ROOST_KEY_SIZE);
	kr_r->generation = 1;
	kr_r->policy = ROOST_POLICY_OPEN;
	err = owner_put(kr_r, owner);
	if (err == ROOST_OK)
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

/* Wrap the master key by the slot's secret. */
static enum roost_err
slot_wrap(const struct roost_keyring *kr, const struct roost_slot_secret *from,
	  const uint8_t *master, struct roost_slot *slot)
{
	char ad[ROOST_TERMS_SLOT_SIZE];		/* public */
	uint8_t kek[ROOST_KEY_SIZE];
	enum roost_err err = roost_prim_random(slot->salt, sizeof(slot->salt));

	memset(kek, 0, sizeof(kek));
	if (err == ROOST_OK)
		err = roost_terms_slot_kek(slot, from, kek);
	if (err == ROOST_OK)
		err = roost_prim_wrap(kek, ad,
				      roost_terms_slot_ad(kr, slot, ad),
				      master, ROOST_KEY_SIZE, slot->wrap);
	roost_wipe(kek, sizeof(kek));
	return err;
}

/* Seal the master key to the slot's public key. */
static enum roost_err
slot_seal(const struct roost_keyring *kr, const uint8_t *master,
	  struct roost_slot *slot)
{
	uint8_t info[ROOST_TERMS_ESCROW_SIZE];	/* public */
	struct roost_hpke_context hpke;		/* public */

	roost_terms_escrow(kr, slot, info, &hpke);
	return roost_hpke_seal(&hpke, slot->public_key, master, ROOST_KEY_SIZE,
			       slot->sealed,
			       slot->sealed + ROOST_HPKE_ENC_SIZE);
}

/* Make a slot that has a number already. */
static enum roost_err
slot_make(const struct roost_keyring *kr, const uint8_t *host_key,
	  const uint8_t *master, const struct roost_slot_new *slot_new,
	  struct roost_slot *slot)
{
	/* The cost may be higher than a server allows, because a program with
	   more memory may make slots, too. */
	static const struct roost_argon2_limits limits = {
		.t_max = 10, .m_kib_max = 1048576
	};
	struct roost_slot_secret from = {
		.host_key = host_key, .secret = slot_new->secret,
		.limits = &limits,
	};
	bool is_escrow = slot_new->type == ROOST_SLOT_ESCROW;

	slot->type = slot_new->type;
	slot->created = slot_new->now;
	slot->t = slot_new->t;
	slot->m_kib = slot_new->m_kib;
	if (is_escrow)
		memcpy(slot->public_key, slot_new->public_key, ROOST_KEY_SIZE);
	return is_escrow ? slot_seal(kr, master, slot) :
		slot_wrap(kr, &from, master, slot);
}

enum roost_err
roost_keyring_add_slot(struct roost_keyring *kr,
		       const uint8_t host_key[ROOST_KEY_SIZE],
		       const uint8_t master[ROOST_KEY_SIZE],
		       const struct roost_slot_new *slot_new)
{
	struct roost_slot *slot = &kr->slots[kr->slot_count];
	enum roost_err err;

	if (!roost_keyring_slot_fits(kr, slot_new->type) ||
	    (kr->slot_count > 0 && slot[-1].number == INT32_MAX))
		return ROOST_ERR_LIMIT;
	memset(slot, 0, sizeof(*slot));
	slot->number = kr->slot_count == 0 ? 1 : slot[-1].number + 1;
	err = slot_make(kr, host_key, master, slot_new, slot);
	if (err == ROOST_OK)
		kr->slot_count++;
	return err;
}

enum roost_err
roost_keyring_replace_slot(struct roost_keyring *kr, uint32_t number,
			   const uint8_t host_key[ROOST_KEY_SIZE],
			   const uint8_t master[ROOST_KEY_SIZE],
			   const struct roost_slot_new *slot_new)
{
	struct roost_slot slot = { .number = number };
	enum roost_err err;
	unsigned int i;

	for (i = 0; i < kr->slot_count; i++) {
		if (kr->slots[i].number == number)
			break;
	}
	if (i == kr->slot_count)
		return ROOST_ERR_NO_SLOT;
	assert(kr->slots[i].type == slot_new->type);
	err = slot_make(kr, host_key, master, slot_new, &slot);
	if (err == ROOST_OK)
		kr->slots[i] = slot;
	return err;
}

enum roost_err
roost_keyring_remove_slot(struct roost_keyring *kr, uint32_t number)
{
	unsigned int escrows = roost_keyring_count_slots(kr,
							 ROOST_SLOT_ESCROW);
	unsigned int i, last = kr->slot_count - 1;

	for (i = 0; i <= last && kr->slots[i].number != number; i++) ;
	if (i > last)
		return ROOST_ERR_NO_SLOT;
	/* Who holds an escrow key is not who reads the mail. */
	if (kr->slots[i].type != ROOST_SLOT_ESCROW && last == escrows)
		return ROOST_ERR_LAST_SLOT;
	memmove(&kr->slots[i], &kr->slots[i + 1],
		(last - i) * sizeof(kr->slots[0]));
	memset(&kr->slots[last], 0, sizeof(kr->slots[0]));
	kr->slot_count = last;
	return ROOST_OK;
}

enum roost_err
roost_keyring_add_epoch(struct roost_keyring *kr,
			const uint8_t host_key[ROOST_KEY_SIZE],
			const uint8_t master[ROOST_KEY_SIZE], uint64_t now)
{
	size_t old_size = ROOST_SECRETS_PLAIN_SIZE(kr->epoch_count);
	void *old, *plain;
	enum roost_err err;

	if (kr->epoch_count == ROOST_KEYRING_EPOCHS_MAX)
		return ROOST_ERR_LIMIT;
	err = roost_keyring_open_secrets(kr, master, &old);
	if (err != ROOST_OK)
		return err;
	plain = roost_secret_new(old_size + ROOST_EPOCH_SECRET_SIZE);
	err = plain == NULL ? ROOST_ERR_BACKEND : ROOST_OK;
	if (err == ROOST_OK) {
		memcpy(plain, old, old_size);
		err = next_epoch(kr, host_key, now,
				 (uint8_t *)plain + old_size);
	}
	if (err == ROOST_OK)
		err = secrets_wrap(kr, master, plain);
	if (plain != NULL)
		roost_secret_free(&plain);
	roost_secret_free(&old);
	return err;
}

enum roost_err
roost_keyring_change_master(struct roost_keyring *kr,
			    const uint8_t master[ROOST_KEY_SIZE],
			    uint8_t master_r[ROOST_KEY_SIZE])
{
	void *plain;
	enum roost_err err = roost_keyring_open_secrets(kr, master, &plain);

	memset(master_r, 0, ROOST_KEY_SIZE);
	if (err != ROOST_OK)
		return err;
	err = roost_prim_random(master_r, ROOST_KEY_SIZE);
	if (err == ROOST_OK)
		err = secrets_wrap(kr, master_r, plain);
	roost_secret_free(&plain);
	memset(kr->slots, 0, sizeof(kr->slots));
	kr->slot_count = 0;
	if (err != ROOST_OK)
		roost_wipe(master_r, ROOST_KEY_SIZE);
	return err;
}

enum roost_err
roost_keyring_set_provider(struct roost_keyring *kr,
			   const uint8_t provider_key[ROOST_KEY_SIZE],
			   const uint8_t host_key[ROOST_KEY_SIZE])
{
	return host_wrap(kr, provider_key, host_key);
}

enum roost_err
roost_keyring_next_generation(struct roost_keyring *kr)
{
	if (kr->generation >= GENERATION_MAX)
		return ROOST_ERR_LIMIT;
	kr->generation++;
	return ROOST_OK;
}

enum roost_err
roost_keyring_set_owner(struct roost_keyring *kr, const char *owner,
			const uint8_t provider_key[ROOST_KEY_SIZE],
			const uint8_t host_key[ROOST_KEY_SIZE])
{
	enum roost_err err = owner_put(kr, owner);

	/* The host wrap is bound to the owner, so it is made anew. */
	return err == ROOST_OK ? host_wrap(kr, provider_key, host_key) : err;
}

enum roost_err
roost_keyring_sign_provider(struct roost_keyring *kr,
			    const uint8_t host_key[ROOST_KEY_SIZE])
{
	return roost_terms_mac(kr, host_key, kr->provider_mac);
}

enum roost_err
roost_keyring_sign_owner(struct roost_keyring *kr,
			 const uint8_t seed[ROOST_KEY_SIZE])
{
	char bytes[ROOST_TERMS_OWNER_SIZE];		/* public */
	struct roost_text text = { .bytes = bytes, .size = sizeof(bytes) };
	enum roost_err err = roost_terms_owner(kr, &text);

	return err == ROOST_OK ?
		roost_prim_sign(seed, bytes, text.len, kr->owner_sig) : err;
}

enum roost_err
roost_keyring_sign(struct roost_keyring *kr,
		   const uint8_t host_key[ROOST_KEY_SIZE],
		   const uint8_t master[ROOST_KEY_SIZE])
{
	void *secrets;
	enum roost_err err = roost_keyring_open_secrets(kr, master, &secrets);

	if (err != ROOST_OK)
		return err;
	err = roost_keyring_check_identity(kr, secrets);
	if (err == ROOST_OK)
		err = roost_keyring_sign_owner(kr, secrets);
	if (err == ROOST_OK)
		err = roost_keyring_sign_provider(kr, host_key);
	roost_secret_free(&secrets);
	return err;
}

/* Add the slots that a plan asks for. */
static enum roost_err
make_slots(struct roost_keyring *kr, const struct roost_keyring_plan *plan,
	   const uint8_t *host_key, const uint8_t *master)
{
	struct roost_slot_new slot = {
		.type = plan->secret == NULL ? ROOST_SLOT_PROVIDER :
			ROOST_SLOT_PASSWORD,
		.now = plan->now,
		.secret = plan->secret,
		.t = plan->cost.t,
		.m_kib = plan->cost.m_kib,
	};
	enum roost_err err = roost_keyring_add_slot(kr, host_key, master,
						    &slot);

	if (err != ROOST_OK || plan->recovery == NULL)
		return err;
	slot.type = ROOST_SLOT_RECOVERY;
	slot.secret = plan->recovery;
	return roost_keyring_add_slot(kr, host_key, master, &slot);
}

enum roost_err
roost_keyring_make(const struct roost_keyring_plan *plan,
		   struct roost_keyring *kr_r)
{
	char owner[ROOST_KEYRING_OWNER_MAX + 1];	/* public */
	uint8_t host_key[ROOST_KEY_SIZE], master[ROOST_KEY_SIZE];
	enum roost_err err;

	if (plan->provider_key == NULL)
		return ROOST_ERR_PROVIDER_KEY;
	err = roost_keyring_escape(plan->name, owner);
	if (err != ROOST_OK)
		return err;
	err = roost_keyring_create(kr_r, owner, plan->provider_key, plan->now,
				   host_key, master);
	kr_r->policy = plan->policy;
	if (err == ROOST_OK)
		err = make_slots(kr_r, plan, host_key, master);
	if (err == ROOST_OK)
		err = roost_keyring_sign(kr_r, host_key, master);
	roost_wipe(host_key, sizeof(host_key));
	roost_wipe(master, sizeof(master));
	return err;
}
