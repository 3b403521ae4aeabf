/* SPDX-License-Identifier: MIT */
/*
 * ring: a keyring in use.  See ring.h.
 */
#include "session/ring.h"

#include "dovecot/report.h"
#include "session/unlock-cache.h"

#include "roost/bytes.h"
#include "roost/keyring-edit.h"
#include "roost/secret.h"

#define REMEMBERED_MAX 64
/* How many rings a process keeps; the document of each takes 64 KiB. */
#define KEPT_MAX 8

struct remembered {
	uint8_t object_id[ROOST_ID_SIZE];
	uint8_t data_key[ROOST_KEY_SIZE];
};

/* In guarded memory. */
struct ring_secrets {
	uint8_t host_key[ROOST_KEY_SIZE];
	uint8_t user_secret[ROOST_KEY_SIZE];
	/* Those that the document was checked with. */
	uint8_t provider_keys[ROOST_PROVIDER_KEYS_MAX * ROOST_KEY_SIZE];
	/* Of a ring that is open: what a rotation adds opens by it, though the
	   user's secret is wiped and his slot may be another now. */
	uint8_t master[ROOST_KEY_SIZE];
	struct roost_seal_key seal_key;
	struct roost_token_key token_key;
	struct remembered remembered[REMEMBERED_MAX];
};

struct roost_ring {
	char *name;			/* of its store */
	buffer_t *stored;		/* the document's bytes */
	/* What it was checked against, or NULL: see ring_may_be_kept(). */
	char *checked_owner;
	size_t provider_key_count;
	struct roost_keyring *doc;
	unsigned int seal_count;	/* what roost_ring_seal_count() says */
	enum roost_policy policy;
	/* It may be another's than the owner's until his secret opens it. */
	bool is_unproven;
	bool has_user_secret;
	struct roost_config_unlock unlock;
	/* What roost_ring_on_password() has told, or NULL; and the password
	   slot that was computed, if one was. */
	roost_ring_password_callback_t *on_password;
	bool has_computed;
	struct roost_slot computed;
	bool was_tried;
	enum roost_err unlock_err;
	struct ring_secrets *secrets;
	/* What roost_ring_bind() has told, or NULL. */
	struct roost_keystore *store;
	const char *owner;
	const struct roost_config *config;
	struct event *event;
	const char *opened_by;		/* of what kind it was, for events */
	struct roost_open_key *open_keys;	/* guarded; NULL: locked */
	unsigned int open_count;	/* of them, from the first epoch on */
	/* It has a new master key that did not open here: open_keys are those
	   of the epochs before. */
	bool is_outdated;
	struct roost_aead *cache_aead;		/* NULL: locked */
	unsigned int remembered_next, remembered_count;
};

static struct roost_ring *
ring_new(const struct roost_keystore *store)
{
	struct roost_ring *ring = i_new(struct roost_ring, 1);

	ring->name = i_strdup(roost_keystore_name(store));
	ring->stored = buffer_create_dynamic(default_pool, 1024);
	ring->doc = i_new(struct roost_keyring, 1);
	ring->secrets = roost_secret_new(sizeof(*ring->secrets));
	return ring;
}

/* Make it as if it had never been unlocked. */
static void
ring_lock(struct roost_ring *ring)
{
	void *secret = ring->open_keys;

	if (secret != NULL)
		roost_secret_free(&secret);
	ring->open_keys = NULL;
	ring->open_count = 0;
	ring->is_outdated = FALSE;
	roost_prim_aead_free(&ring->cache_aead);
	if (ring->secrets != NULL)
		roost_wipe(ring->secrets->master, ROOST_KEY_SIZE);
	ring->was_tried = FALSE;
	ring->unlock_err = ROOST_OK;
}

static void
ring_destroy(struct roost_ring *ring)
{
	void *secret;

	ring_lock(ring);
	secret = ring->secrets;
	if (secret != NULL)
		roost_secret_free(&secret);
	buffer_free(&ring->stored);
	i_free(ring->checked_owner);
	i_free(ring->doc);
	i_free(ring->name);
	i_free(ring);
}

/* -- rings that are kept -- */

/*
 * A process that works for one user after another, as LMTP's do, meets the same
 * keyrings again.  Those that no session uses any more are here, the oldest
 * first: they save the checks of a document whose bytes have not changed, and
 * of the master key what the provider slot gives to this process anyway.
 */
static struct roost_ring *kept[KEPT_MAX];
static unsigned int kept_count;

/* A user's secret opens his keyring for his own session alone. */
static bool
ring_may_be_kept(const struct roost_ring *ring)
{
	return ring->checked_owner != NULL && !ring->has_user_secret &&
		!ring->is_outdated &&
		(ring->open_keys != NULL || ring->unlock_err == ROOST_OK ||
		 ring->unlock_err == ROOST_ERR_LOCKED);
}

/* Forget what belongs to the session that has ended. */
static void
ring_rest(struct roost_ring *ring)
{
	if (ring->open_keys == NULL)
		ring_lock(ring);
	roost_wipe(ring->secrets->remembered,
		   sizeof(ring->secrets->remembered));
	ring->remembered_next = ring->remembered_count = 0;
	ring->seal_count = 0;
	i_zero(&ring->unlock);
	ring->on_password = NULL;
	ring->event = NULL;
	ring->has_computed = FALSE;
	ring->store = NULL;
	ring->owner = NULL;
	ring->config = NULL;
}

static struct roost_ring *
kept_remove(unsigned int i)
{
	struct roost_ring *ring = kept[i];

	kept_count--;
	memmove(&kept[i], &kept[i + 1], (kept_count - i) * sizeof(kept[0]));
	return ring;
}

void
roost_ring_free(struct roost_ring **_ring)
{
	struct roost_ring *ring = *_ring;

	*_ring = NULL;
	if (ring == NULL)
		return;
	if (!ring_may_be_kept(ring)) {
		ring_destroy(ring);
		return;
	}
	ring_rest(ring);
	if (kept_count == KEPT_MAX)
		ring_destroy(kept_remove(0));
	kept[kept_count++] = ring;
}

void
roost_ring_drop_kept(void)
{
	while (kept_count > 0)
		ring_destroy(kept_remove(kept_count - 1));
}

static bool
ring_has_provider_keys(const struct roost_ring *ring,
		       const struct roost_config *config)
{
	return ring->provider_key_count == config->provider_key_count &&
		roost_bytes_equal(ring->secrets->provider_keys,
				  config->secrets->provider_keys,
				  sizeof(config->secrets->provider_keys));
}

/* The kept ring of that document, which is in use again, or NULL.  Those of
   provider keys that are not configured any more go. */
static struct roost_ring *
kept_take(const struct roost_keystore *store, const buffer_t *doc,
	  const char *owner, const struct roost_config *config)
{
	const char *name = roost_keystore_name(store);
	unsigned int i;

	for (i = kept_count; i-- > 0; ) {
		if (!ring_has_provider_keys(kept[i], config))
			ring_destroy(kept_remove(i));
		else if (strcmp(kept[i]->name, name) == 0 &&
			 null_strcmp(kept[i]->checked_owner, owner) == 0 &&
			 buffer_cmp(kept[i]->stored, doc))
			return kept_remove(i);
	}
	return NULL;
}

/* Always -1, with the error of a gate for the log. */
static int
ring_refuse(const struct roost_ring *ring, enum roost_err err,
	    const char *advice, const char **error_r)
{
	*error_r = t_strdup_printf("Refused the keyring %s: %s [%s]%s%s",
				   ring->name, roost_err_phrase(err),
				   roost_err_name(err),
				   advice == NULL ? "" : "; ",
				   advice == NULL ? "" : advice);
	return -1;
}

/* The mode is pinned because whoever has the provider key can make a keyring
   with a provider slot. */
static int
ring_check_mode(const struct roost_ring *ring, enum roost_mode mode,
		const char **error_r)
{
	bool has_provider = roost_keyring_has_slot(ring->doc,
						   ROOST_SLOT_PROVIDER);

	if (mode == ROOST_MODE_ANY ||
	    has_provider == (mode == ROOST_MODE_PROVIDER))
		return 0;
	*error_r = t_strdup_printf("Refused the keyring %s: it is in %s mode, "
		"and roost_mode is another: restore the right one from a "
		"backup", ring->name, has_provider ? "provider" : "password");
	return -1;
}

static bool
id_is_pinned(const uint8_t *id, const struct roost_config *config)
{
	size_t i;

	for (i = 0; i < config->keyring_id_count; i++) {
		if (roost_bytes_equal(id, config->keyring_ids +
				      i * ROOST_ID_SIZE, ROOST_ID_SIZE))
			return TRUE;
	}
	return FALSE;
}

/* Check against what userdb pins from outside the storage. */
static int
ring_check_pins(struct roost_ring *ring, const struct roost_config *config,
		const char **error_r)
{
	const struct roost_keyring *doc = ring->doc;

	if (config->keyring_id_count > 0 && !id_is_pinned(doc->id, config)) {
		*error_r = t_strdup_printf("Refused the keyring %s: its id is "
			"not the one that %s names", ring->name,
			config->keyring_ids_setting);
		return -1;
	}
	if (doc->generation < config->generation_min) {
		*error_r = t_strdup_printf("Refused the keyring %s: its "
			"generation is below roost_generation_min: an older "
			"one was put back", ring->name);
		return -1;
	}
	if (ring_check_mode(ring, config->mode, error_r) < 0)
		return -1;
	ring->is_unproven = config->mode == ROOST_MODE_PASSWORD &&
		config->keyring_id_count == 0;
	ring->policy = config->has_policy &&
		config->policy == ROOST_POLICY_SEALED ?
		ROOST_POLICY_SEALED : doc->policy;
	return 0;
}

/* What to do where the document names another owner. */
static const char *
ring_owner_advice(const struct roost_ring *ring, const char *owner)
{
	if (strncmp(owner, "ns:", 3) == 0)
		return t_strdup_printf("it belongs to %s, and this is %s: if "
			"the folder was moved, run doveadm roost rebind with "
			"the namespace's prefix; if it was put in the place "
			"of another, put that one back", ring->doc->owner,
			owner);
	return t_strdup_printf("it was made for the user name %s, and this is "
		"%s: if the two have one home, give each a home or a "
		"roost_keyring of its own; if the account was renamed, run "
		"doveadm roost rebind; if neither is so, put this user's own "
		"keyring back", ring->doc->owner, owner);
}

static const char *
ring_host_advice(const struct roost_ring *ring, enum roost_err err,
		 const char *owner)
{
	switch (err) {
	case ROOST_ERR_PROVIDER_KEY:
		return "name its provider key in roost_provider_old_key";
	case ROOST_ERR_OWNER:
		return ring_owner_advice(ring, owner);
	default:
		return "restore it from a backup";
	}
}

/*
 * Check a document that a provider key wraps which is newer than this session's
 * settings.  The host key that the session holds does as well: whoever made the
 * provider-mac has it.
 */
static enum roost_err
ring_take_host(struct roost_ring *ring, const uint8_t *host_key)
{
	struct roost_keyring *copy = i_new(struct roost_keyring, 1);
	enum roost_err err;

	*copy = *ring->doc;
	err = roost_keyring_sign_provider(copy, host_key);
	if (err == ROOST_OK &&
	    !roost_bytes_equal(copy->provider_mac, ring->doc->provider_mac,
			       ROOST_KEYRING_MAC_SIZE))
		err = ROOST_ERR_PROVIDER_KEY;
	if (err == ROOST_OK)
		err = roost_keyring_check_owner(ring->doc);
	if (err == ROOST_OK)
		memcpy(ring->secrets->host_key, host_key, ROOST_KEY_SIZE);
	i_free(copy);
	return err;
}

/* Take what the session's settings have for a document that was checked. */
static int
ring_begin(struct roost_ring *ring, const struct roost_config *config,
	   const char **error_r)
{
	ring->unlock = config->unlock;
	ring->has_user_secret = config->has_secret;
	if (config->has_secret)
		memcpy(ring->secrets->user_secret, config->secrets->secret,
		       ROOST_KEY_SIZE);
	return ring_check_pins(ring, config, error_r);
}

/* Note what the document was checked with. */
static void
ring_note_check(struct roost_ring *ring, const char *owner,
		const struct roost_config *config)
{
	ring->checked_owner = i_strdup(owner);
	ring->provider_key_count = config->provider_key_count;
	memcpy(ring->secrets->provider_keys, config->secrets->provider_keys,
	       sizeof(ring->secrets->provider_keys));
}

/* Check a parsed document: owner, host key, provider-mac, pins; and derive what
   the host key gives.  known is a host key that is at hand, or NULL. */
static int
ring_open_host(struct roost_ring *ring, const char *owner,
	       const struct roost_config *config, const uint8_t *known,
	       const char **error_r)
{
	struct ring_secrets *secrets = ring->secrets;
	char escaped[ROOST_KEYRING_OWNER_MAX + 1];
	enum roost_err err;

	if (secrets == NULL)
		return ring_refuse(ring, ROOST_ERR_BACKEND,
				   "raise vsz_limit", error_r);
	err = owner == NULL ? ROOST_OK : roost_keyring_escape(owner, escaped);
	if (err == ROOST_OK)
		err = roost_keyring_open_host(ring->doc,
				owner == NULL ? NULL : escaped,
				config->secrets->provider_keys,
				config->provider_key_count,
				secrets->host_key);
	if (err == ROOST_OK)
		ring_note_check(ring, owner, config);
	if (err == ROOST_ERR_PROVIDER_KEY && known != NULL)
		err = ring_take_host(ring, known);
	if (err == ROOST_OK)
		err = roost_keyring_seal_key(ring->doc, secrets->host_key,
					     &secrets->seal_key);
	if (err == ROOST_OK)
		err = roost_token_key_derive(secrets->host_key, ring->doc->id,
					     &secrets->token_key);
	if (err != ROOST_OK)
		return ring_refuse(ring, err,
				   ring_host_advice(ring, err, escaped),
				   error_r);
	return ring_begin(ring, config, error_r);
}

static int
ring_parse(struct roost_ring *ring, const buffer_t *doc, const char *owner,
	   const struct roost_config *config, const uint8_t *known,
	   const char **error_r)
{
	unsigned int line;
	enum roost_err err = roost_keyring_parse(doc->data, doc->used,
						 ring->doc, &line);

	buffer_append(ring->stored, doc->data, doc->used);
	if (err != ROOST_OK)
		return ring_refuse(ring, err,
			t_strdup_printf("line %u; restore it from a backup",
					line), error_r);
	return ring_open_host(ring, owner, config, known, error_r);
}

int
roost_ring_read(const struct roost_keystore *store, const buffer_t *doc,
		const char *owner, const struct roost_config *config,
		struct roost_ring **ring_r, const char **error_r)
{
	*ring_r = ring_new(store);
	if (ring_parse(*ring_r, doc, owner, config, NULL, error_r) == 0)
		return 0;
	ring_destroy(*ring_r);
	*ring_r = NULL;
	return -1;
}

int
roost_ring_load(struct roost_keystore *store, const char *owner,
		const struct roost_config *config, struct roost_ring **ring_r,
		const char **error_r)
{
	buffer_t *doc = t_buffer_create(4096);
	int ret = roost_keystore_load(store, doc, error_r);
	bool is_kept;

	*ring_r = NULL;
	if (ret <= 0)
		return ret;
	*ring_r = kept_take(store, doc, owner, config);
	is_kept = *ring_r != NULL;
	if (is_kept)
		ret = ring_begin(*ring_r, config, error_r);
	else
		ret = roost_ring_read(store, doc, owner, config, ring_r,
				      error_r);
	if (ret < 0) {
		roost_ring_free(ring_r);
		return -1;
	}
	/* This process has looked at what that document had replaced. */
	if (!is_kept)
		roost_keystore_tidy(store, doc);
	return 1;
}

/* -- unlocking -- */

/* Open all epochs by the master key at hand.  What was open stays so if that
   fails. */
static enum roost_err
ring_open_epochs(struct roost_ring *ring)
{
	const struct ring_secrets *secrets = ring->secrets;
	unsigned int count = ring->doc->epoch_count;
	struct roost_open_key *keys = roost_secret_new(count * sizeof(*keys));
	struct roost_aead *aead = NULL;
	enum roost_err err = keys == NULL ? ROOST_ERR_BACKEND :
		roost_keyring_open_keys(ring->doc, secrets->master,
					secrets->host_key, keys);
	void *unused;

	if (err == ROOST_OK)
		err = roost_blob_aead_own(secrets->master, &aead);
	unused = err == ROOST_OK ? ring->open_keys : keys;
	if (unused != NULL)
		roost_secret_free(&unused);
	if (err != ROOST_OK)
		return err;
	roost_prim_aead_free(&ring->cache_aead);
	ring->cache_aead = aead;
	ring->open_keys = keys;
	ring->open_count = count;
	ring->is_outdated = FALSE;
	return ROOST_OK;
}

/* What the unlock cache goes by.  It borrows from the ring. */
static struct roost_unlock
ring_unlock_terms(const struct roost_ring *ring)
{
	return (struct roost_unlock) {
		.host_key = ring->secrets->host_key,
		.secret = ring->secrets->user_secret,
		.keyring_id = ring->doc->id,
		.generation = ring->doc->generation,
	};
}

/* Open it by what another connection has left, else by a password slot.  What
   was left is believed only once it has opened the epochs. */
static enum roost_err
ring_open_password(struct roost_ring *ring)
{
	const struct roost_unlock unlock = ring_unlock_terms(ring);
	uint8_t *master = ring->secrets->master;
	const struct roost_slot *slot;
	struct roost_unlock_turn *turn;
	enum roost_err err;

	if (roost_unlock_cache_take(&ring->unlock, &unlock, master, &turn)) {
		ring->opened_by = "cache";
		if (ring_open_epochs(ring) == ROOST_OK)
			return ROOST_OK;
		turn = roost_unlock_cache_refuse(&ring->unlock, &unlock);
	}
	err = roost_keyring_unlock_password(ring->doc, unlock.host_key,
					    unlock.secret,
					    &roost_slot_argon2_server, master,
					    &slot);
	if (err == ROOST_OK)
		err = ring_open_epochs(ring);
	ring->has_computed = err == ROOST_OK;
	ring->opened_by = "password";
	if (ring->has_computed)
		ring->computed = *slot;
	roost_unlock_cache_leave(&ring->unlock, &unlock,
				 err == ROOST_OK ? master : NULL, &turn);
	return err;
}

/* Open it by the provider slot or by the user's secret. */
static enum roost_err
ring_open(struct roost_ring *ring)
{
	struct ring_secrets *secrets = ring->secrets;
	bool has_provider = roost_keyring_has_slot(ring->doc,
						   ROOST_SLOT_PROVIDER);
	enum roost_err err;

	ring->has_computed = FALSE;
	memset(secrets->master, 0, ROOST_KEY_SIZE);
	if (!has_provider && !ring->has_user_secret)
		return ROOST_ERR_LOCKED;
	ring->opened_by = has_provider ? "provider" : "app";
	err = has_provider ?
		roost_keyring_unlock_provider(ring->doc, secrets->host_key,
					      secrets->master) :
		roost_keyring_unlock_app(ring->doc, secrets->user_secret,
					 secrets->master);
	if (err == ROOST_OK)
		return ring_open_epochs(ring);
	return has_provider ||
		!roost_keyring_has_slot(ring->doc, ROOST_SLOT_PASSWORD) ?
		err : ring_open_password(ring);
}

/* Tell who asked for it that a password slot was computed. */
static void
ring_tell_password(struct roost_ring *ring)
{
	const struct roost_slot slot = ring->computed;
	const struct roost_ring_password password = {
		.event = ring->event, .store = ring->store,
		.owner = ring->owner, .config = ring->config, .slot = &slot,
		.secret = ring->secrets->user_secret,
		.master = ring->secrets->master,
	};

	if (ring->on_password != NULL && ring->has_computed) T_BEGIN {
		ring->on_password(ring, &password);
	} T_END;
}

enum roost_err
roost_ring_unlock(struct roost_ring *ring)
{
	struct ring_secrets *secrets = ring->secrets;
	struct event *event;

	if (ring->was_tried)
		return ring->unlock_err;
	ring->was_tried = TRUE;
	event = roost_report_unlocking(ring->event);
	ring->unlock_err = ring_open(ring);
	roost_report_unlocked(&event, ring->unlock_err, ring->opened_by);
	if (ring->unlock_err == ROOST_OK)
		ring_tell_password(ring);
	else
		roost_wipe(secrets->master, ROOST_KEY_SIZE);
	roost_wipe(secrets->user_secret, ROOST_KEY_SIZE);
	return ring->unlock_err;
}

enum roost_err
roost_ring_unlock_by(struct roost_ring *ring,
		     const struct roost_ring_secret *secret)
{
	struct ring_secrets *secrets = ring->secrets;
	uint8_t master[ROOST_KEY_SIZE];
	uint32_t number;
	struct event *event = roost_report_unlocking(ring->event);
	enum roost_err err = roost_ring_secret_open(ring->doc,
						    secrets->host_key, secret,
						    master, &number);

	if (err == ROOST_OK) {
		memcpy(secrets->master, master, ROOST_KEY_SIZE);
		err = ring_open_epochs(ring);
	}
	roost_wipe(master, sizeof(master));
	roost_report_unlocked(&event, err, "secret");
	if (err == ROOST_OK) {
		ring->was_tried = TRUE;
		ring->unlock_err = ROOST_OK;
		roost_wipe(secrets->user_secret, ROOST_KEY_SIZE);
	} else if (ring->open_keys == NULL) {
		roost_wipe(secrets->master, ROOST_KEY_SIZE);
	}
	return err;
}

/* -- a later document -- */

/* Does the document lack an epoch that the ring has?  Epochs are added and
   never taken away, so that it was made from an older one. */
static bool
ring_lacks_epoch(const struct roost_ring *ring, const struct roost_ring *fresh)
{
	unsigned int i;

	if (fresh->doc->epoch_count < ring->doc->epoch_count)
		return TRUE;
	for (i = 0; i < ring->doc->epoch_count; i++) {
		if (!roost_bytes_equal(fresh->doc->epochs[i].public_key,
				       ring->doc->epochs[i].public_key,
				       ROOST_KEY_SIZE))
			return TRUE;
	}
	return FALSE;
}

/* May all that hold the ring go on with the document that now stands in the
   place of its own? */
static int
ring_may_become(const struct roost_ring *ring, const struct roost_ring *fresh,
		const char **error_r)
{
	const char *what = NULL;

	if (!roost_bytes_equal(fresh->doc->id, ring->doc->id, ROOST_ID_SIZE))
		what = "another one stands in its place now: put the right "
			"one back, or let the user log in again";
	else if (fresh->doc->generation < ring->doc->generation)
		what = "an older one was put back: restore the newest";
	else if (!roost_bytes_equal(fresh->secrets->host_key,
				    ring->secrets->host_key, ROOST_KEY_SIZE))
		what = "it has another host key now: let the user log in "
			"again";
	else if (ring_lacks_epoch(ring, fresh))
		what = "it lacks an epoch that mail is sealed to: restore the "
			"one that has it";
	if (what == NULL)
		return 0;
	*error_r = t_strdup_printf("The keyring %s was replaced while it was "
				   "in use, and %s", ring->name, what);
	return -1;
}

/* Do the open keys stay right?  A change of policy or of slots leaves them. */
static bool
ring_has_keys_of(const struct roost_ring *ring, const struct roost_ring *fresh)
{
	return ring->doc->epoch_count == fresh->doc->epoch_count &&
		roost_bytes_equal(ring->doc->secrets, fresh->doc->secrets,
				  ROOST_SECRETS_SIZE(fresh->doc->epoch_count));
}

/* Does what opened the one document open the other, too?  Another wrap is
   another slot, also where it has the same number. */
static bool
ring_has_slots_of(const struct roost_ring *ring, const struct roost_ring *fresh)
{
	unsigned int i;

	if (ring->doc->slot_count != fresh->doc->slot_count)
		return FALSE;
	for (i = 0; i < fresh->doc->slot_count; i++) {
		if (!roost_bytes_equal(ring->doc->slots[i].wrap,
				       fresh->doc->slots[i].wrap,
				       ROOST_WRAP_SIZE))
			return FALSE;
	}
	return TRUE;
}

/*
 * Open what a rotation has added.  The master key at hand does that; where
 * there is a new one, the provider slot or the user's secret may give it.  Else
 * the ring goes on with the epochs that it has, and says so when it is asked
 * for another.
 */
static void
ring_open_later(struct roost_ring *ring)
{
	uint8_t *master = ring->secrets->master;

	if (ring_open_epochs(ring) == ROOST_OK || ring_open(ring) == ROOST_OK)
		return;
	/* A provider slot that does not open is the keyring's fault. */
	if (roost_keyring_has_slot(ring->doc, ROOST_SLOT_PROVIDER)) {
		ring_lock(ring);
		return;
	}
	roost_wipe(master, ROOST_KEY_SIZE);
	roost_prim_aead_free(&ring->cache_aead);
	ring->is_outdated = TRUE;
}

/* Take over a later document in place, because caches, keywords and
   transactions hold this ring.  What it remembers of messages stays true. */
static void
ring_become(struct roost_ring *ring, const struct roost_ring *fresh)
{
	struct ring_secrets *secrets = ring->secrets;
	bool has_keys = ring_has_keys_of(ring, fresh);

	if (!roost_bytes_equal(&secrets->seal_key,
			       &fresh->secrets->seal_key,
			       sizeof(secrets->seal_key)))
		ring->seal_count++;
	/* The user may have another password now than at this login. */
	if (!ring_has_slots_of(ring, fresh) &&
	    roost_ring_unlock(ring) != ROOST_OK)
		ring_lock(ring);
	buffer_set_used_size(ring->stored, 0);
	buffer_append_buf(ring->stored, fresh->stored, 0, SIZE_MAX);
	*ring->doc = *fresh->doc;
	ring->policy = fresh->policy;
	ring->is_unproven = fresh->is_unproven;
	ring->has_user_secret = fresh->has_user_secret;
	secrets->seal_key = fresh->secrets->seal_key;
	i_free(ring->checked_owner);
	ring->checked_owner = i_strdup(fresh->checked_owner);
	ring->provider_key_count = fresh->provider_key_count;
	memcpy(secrets->provider_keys, fresh->secrets->provider_keys,
	       sizeof(secrets->provider_keys));
	memcpy(secrets->user_secret, fresh->secrets->user_secret,
	       ROOST_KEY_SIZE);
	if (ring->open_keys == NULL)
		ring_lock(ring);
	else if (!has_keys)
		ring_open_later(ring);
	/* A ring that was unlocked needs it no more. */
	if (ring->was_tried)
		roost_wipe(secrets->user_secret, ROOST_KEY_SIZE);
}

int
roost_ring_renew(struct roost_ring *ring, struct roost_keystore *store,
		 const char *owner, const struct roost_config *config,
		 const char **error_r)
{
	buffer_t *doc = t_buffer_create(4096);
	int ret = roost_keystore_load(store, doc, error_r);
	struct roost_ring *fresh;

	if (ret == 0) {
		*error_r = t_strdup_printf("The keyring %s vanished while it "
			"was in use: restore it from a backup", ring->name);
		roost_report_missing(ring->event);
		return -1;
	}
	if (ret < 0 || buffer_cmp(doc, ring->stored))
		return ret < 0 ? -1 : 0;
	fresh = ring_new(store);
	ret = ring_parse(fresh, doc, owner, config, ring->secrets->host_key,
			 error_r);
	if (ret == 0)
		ret = ring_may_become(ring, fresh, error_r);
	if (ret == 0)
		ring_become(ring, fresh);
	ring_destroy(fresh);
	return ret;
}

void
roost_ring_bind(struct roost_ring *ring, struct roost_keystore *store,
		const char *owner, const struct roost_config *config,
		struct event *event)
{
	ring->store = store;
	ring->owner = owner;
	ring->config = config;
	ring->event = event;
}

void
roost_ring_on_password(struct roost_ring *ring,
		       roost_ring_password_callback_t *callback)
{
	i_assert(ring->store != NULL);
	ring->on_password = callback;
}

/* Take a later document, if one is stored by now.  One that fails is told of by
   who seals next. */
static bool
ring_follow(struct roost_ring *ring)
{
	uint64_t generation = ring->doc->generation;
	const char *error;
	bool ret = FALSE;

	if (ring->store != NULL) T_BEGIN {
		ret = roost_ring_renew(ring, ring->store, ring->owner,
				       ring->config, &error) == 0 &&
			ring->doc->generation != generation;
	} T_END;
	return ret;
}

unsigned int
roost_ring_seal_count(const struct roost_ring *ring)
{
	return ring->seal_count;
}

const buffer_t *
roost_ring_stored(const struct roost_ring *ring)
{
	return ring->stored;
}

const uint8_t *
roost_ring_host_key(const struct roost_ring *ring)
{
	return ring->secrets->host_key;
}

const struct roost_keyring *
roost_ring_doc(const struct roost_ring *ring)
{
	return ring->doc;
}

enum roost_policy
roost_ring_policy(const struct roost_ring *ring)
{
	return ring->policy;
}

const struct roost_seal_key *
roost_ring_seal_key(const struct roost_ring *ring)
{
	return &ring->secrets->seal_key;
}

const struct roost_token_key *
roost_ring_token_key(const struct roost_ring *ring)
{
	return &ring->secrets->token_key;
}

/* 0 if the owner's secret opens the keyring.  Delivery has no secret of the
   owner's, so that it needs a pinned id. */
static int
ring_prove(struct roost_ring *ring, const char **error_r)
{
	enum roost_err err = roost_ring_unlock(ring);

	if (err == ROOST_OK)
		return 0;
	*error_r = t_strdup_printf("roost_mode is password, and nothing shows "
		"that the keyring %s is the user's own: set roost_keyring_id "
		"to the id that doveadm roost status prints (%s [%s])",
		ring->name, roost_err_phrase(err), roost_err_name(err));
	return -1;
}

int
roost_ring_check_seal(struct roost_ring *ring, const char **error_r)
{
	enum roost_err err = ring->unlock_err;

	if (ring->is_unproven)
		return ring_prove(ring, error_r);
	if (roost_keyring_has_slot(ring->doc, ROOST_SLOT_PROVIDER))
		err = roost_ring_unlock(ring);
	else if (err == ROOST_ERR_LOCKED || err == ROOST_ERR_SLOT_AUTH ||
		 err == ROOST_ERR_NO_SLOT || err == ROOST_ERR_ARGON2_LIMIT)
		return 0;	/* the secret's fault, not the keyring's */
	if (err == ROOST_OK)
		return 0;
	return ring_refuse(ring, err, "restore it from a backup", error_r);
}

struct roost_aead *
roost_ring_cache_aead(struct roost_ring *ring)
{
	return roost_ring_unlock(ring) == ROOST_OK ? ring->cache_aead : NULL;
}

bool
roost_ring_is_locked(const struct roost_ring *ring)
{
	return ring->was_tried && ring->unlock_err != ROOST_OK;
}

bool
roost_ring_is_outdated(const struct roost_ring *ring)
{
	return ring->is_outdated;
}

/* The data key that is remembered for an object, or NULL.  Object ids are
   public, and which of them is remembered is no secret. */
static struct remembered *
ring_recall(struct roost_ring *ring, const uint8_t *object_id)
{
	unsigned int i;

	for (i = 0; i < ring->remembered_count; i++) {
		struct remembered *entry = &ring->secrets->remembered[i];

		if (memcmp(entry->object_id, object_id,	/* public */
			   ROOST_ID_SIZE) == 0)
			return entry;
	}
	return NULL;
}

static enum roost_err
ring_open_stanza(struct roost_ring *ring, const struct roost_header *header,
		 uint8_t data_key_r[ROOST_KEY_SIZE])
{
	enum roost_err err = roost_ring_unlock(ring);

	return err != ROOST_OK ? err :
		roost_stanza_open(header, ring->doc->id, ring->open_keys,
				  ring->open_count, data_key_r);
}

enum roost_err
roost_ring_data_key(struct roost_ring *ring,
		    const struct roost_header *header,
		    uint8_t data_key_r[ROOST_KEY_SIZE])
{
	const struct remembered *entry;
	enum roost_err err;

	memset(data_key_r, 0, ROOST_KEY_SIZE);
	if (!roost_bytes_equal(header->keyring_id, ring->doc->id,
			       ROOST_ID_SIZE))
		return ROOST_ERR_OTHER_KEYRING;
	entry = ring_recall(ring, header->object_id);
	if (entry != NULL) {
		memcpy(data_key_r, entry->data_key, ROOST_KEY_SIZE);
		return ROOST_OK;
	}
	err = ring_open_stanza(ring, header, data_key_r);
	/* It may be of an epoch that came after the ring was loaded. */
	if (err == ROOST_ERR_NO_KEY && ring_follow(ring))
		err = ring_open_stanza(ring, header, data_key_r);
	return err == ROOST_ERR_NO_KEY && ring->is_outdated ?
		ROOST_ERR_LOCKED : err;
}

void
roost_ring_remember(struct roost_ring *ring,
		    const uint8_t object_id[ROOST_ID_SIZE],
		    const uint8_t data_key[ROOST_KEY_SIZE])
{
	struct remembered *entry =
		&ring->secrets->remembered[ring->remembered_next];

	if (ring_recall(ring, object_id) != NULL)
		return;
	memcpy(entry->object_id, object_id, ROOST_ID_SIZE);
	memcpy(entry->data_key, data_key, ROOST_KEY_SIZE);
	ring->remembered_next = (ring->remembered_next + 1) % REMEMBERED_MAX;
	if (ring->remembered_count < REMEMBERED_MAX)
		ring->remembered_count++;
}

bool
roost_ring_forget(struct roost_ring *ring,
		  const uint8_t object_id[ROOST_ID_SIZE])
{
	struct remembered *entry = ring_recall(ring, object_id), *last;

	if (entry == NULL)
		return FALSE;
	/* The last one fills the hole, where an object id of zeros would find
	   a key of zeros. */
	last = &ring->secrets->remembered[--ring->remembered_count];
	*entry = *last;
	roost_wipe(last, sizeof(*last));
	ring->remembered_next = ring->remembered_count;
	return TRUE;
}
