/* SPDX-License-Identifier: MIT */
/*
 * ring-change: every change of a stored keyring.  See ring-change.h.
 */
#include "session/ring-change.h"

#include "dovecot/report.h"

#include "roost/bytes.h"
#include "roost/keyring-edit.h"
#include "roost/secret.h"

/* One change on its way. */
struct changing {
	struct roost_keystore *store;
	struct roost_ring_change *change;
	struct roost_ring *stored;	/* as it is loaded under the lock */
	struct roost_ring_edit edit;
	char *doc;			/* what is to be stored */
	size_t len;
};

int
roost_ring_change_fail(enum roost_err err, const char **error_r)
{
	*error_r = t_strdup_printf("%s [%s]", roost_err_phrase(err),
				   roost_err_name(err));
	return -1;
}

/* Always -1: error_r says so far only what is wrong. */
static int
changing_fail(const struct changing *changing, const char **error_r)
{
	*error_r = t_strdup_printf("Cannot change the keyring %s: %s",
				   roost_keystore_name(changing->store),
				   *error_r);
	return -1;
}

static int
changing_fail_err(const struct changing *changing, enum roost_err err,
		  const char **error_r)
{
	(void)roost_ring_change_fail(err, error_r);
	return changing_fail(changing, error_r);
}

/* Is it the keyring that the command looked at before? */
static int
changing_check_seen(const struct changing *changing, const char **error_r)
{
	const struct roost_ring *seen = changing->change->seen;
	const struct roost_keyring *old, *now;

	if (seen == NULL)
		return 0;
	old = roost_ring_doc(seen);
	now = roost_ring_doc(changing->stored);
	if (!roost_bytes_equal(old->id, now->id, ROOST_ID_SIZE))
		return changing_fail_err(changing, ROOST_ERR_OTHER_KEYRING,
					 error_r);
	if (buffer_cmp(roost_ring_stored(seen),
		       roost_ring_stored(changing->stored)))
		return 0;
	*error_r = t_strdup_printf("%s when this command began; nothing was "
		"done: look at it, and run the command again",
		now->generation == old->generation ?
		t_strdup_printf("another document stands there now than the "
			"one that did, of the same generation %"PRIu64",",
			now->generation) :
		t_strdup_printf("it was changed meanwhile: it is of "
			"generation %"PRIu64" now, and was of %"PRIu64,
			now->generation, old->generation));
	return changing_fail(changing, error_r);
}

static int
changing_load(struct changing *changing, const char **error_r)
{
	const struct roost_ring_change *change = changing->change;
	int ret = roost_ring_load(changing->store, change->owner,
				  change->config, &changing->stored, error_r);

	if (ret == 0)
		*error_r = t_strdup_printf("There is no keyring %s",
				roost_keystore_name(changing->store));
	return ret <= 0 ? -1 : changing_check_seen(changing, error_r);
}

/* Open what the change needs to be made. */
static int
changing_open(struct changing *changing, const char **error_r)
{
	struct roost_ring_edit *edit = &changing->edit;
	struct roost_ring_change *change = changing->change;
	const struct roost_keyring *doc = roost_ring_doc(changing->stored);

	*edit->kr = *doc;
	edit->host_key = roost_ring_host_key(changing->stored);
	if (!change->needs_master)
		return 0;
	edit->master = roost_secret_new(ROOST_KEY_SIZE);
	if (edit->master == NULL)
		change->secret_err = ROOST_ERR_BACKEND;
	else if (change->master != NULL)
		memcpy(edit->master, change->master, ROOST_KEY_SIZE);
	else
		change->secret_err =
			roost_ring_secret_open(doc, edit->host_key,
					       change->secret, edit->master,
					       &edit->opened_by);
	return change->secret_err == ROOST_OK ? 0 :
		changing_fail_err(changing, change->secret_err, error_r);
}

/* Write the changed document, signed by who answers for what was changed. */
static enum roost_err
changing_sign(struct changing *changing)
{
	struct roost_ring_edit *edit = &changing->edit;
	enum roost_err err = roost_keyring_next_generation(edit->kr);

	if (err == ROOST_OK)
		err = edit->master != NULL ?
			roost_keyring_sign(edit->kr, edit->host_key,
					   edit->master) :
			roost_keyring_sign_provider(edit->kr, edit->host_key);
	return err != ROOST_OK ? err :
		roost_keyring_write(edit->kr, changing->doc, &changing->len);
}

/* Does the new slot open in this document, to the master key? */
static enum roost_err
changing_open_new(const struct changing *changing,
		  const struct roost_ring *ring)
{
	const struct roost_ring_edit *edit = &changing->edit;
	uint8_t master[ROOST_KEY_SIZE];
	enum roost_err err;

	err = roost_ring_secret_open_slot(roost_ring_doc(ring), edit->new_slot,
					  roost_ring_host_key(ring),
					  edit->new_secret, master);
	if (err == ROOST_OK &&
	    !roost_bytes_equal(master, edit->master, ROOST_KEY_SIZE))
		err = ROOST_ERR_SLOT_AUTH;
	roost_wipe(master, sizeof(master));
	return err;
}

/* Would a session take the document, and open it by the master key? */
static int
changing_check(const struct changing *changing, const char **error_r)
{
	const struct roost_ring_change *change = changing->change;
	const struct roost_ring_edit *edit = &changing->edit;
	buffer_t *doc = t_buffer_create(changing->len);
	struct roost_open_key *keys;
	struct roost_ring *ring;
	enum roost_err err = ROOST_OK;
	void *secret;

	buffer_append(doc, changing->doc, changing->len);
	if (roost_ring_read(changing->store, doc, change->owner,
			    change->config, &ring, error_r) < 0)
		return changing_fail(changing, error_r);
	if (edit->master != NULL) {
		secret = keys = roost_secret_new(edit->kr->epoch_count *
						 sizeof(*keys));
		err = keys == NULL ? ROOST_ERR_BACKEND :
			roost_keyring_open_keys(roost_ring_doc(ring),
						edit->master, edit->host_key,
						keys);
		if (secret != NULL)
			roost_secret_free(&secret);
	}
	if (err == ROOST_OK && edit->is_in_place && edit->new_slot != 0)
		err = changing_open_new(changing, ring);
	roost_ring_free(&ring);
	return err == ROOST_OK ? 0 :
		changing_fail_err(changing, err, error_r);
}

/* Does the new slot open, as it was read back? */
static int
changing_prove(struct changing *changing, const char **error_r)
{
	const struct roost_ring_edit *edit = &changing->edit;
	const struct roost_ring_change *change = changing->change;
	struct roost_ring *ring;
	enum roost_err err;
	int ret;

	if (edit->new_slot == 0)
		return 0;
	ret = roost_ring_load(changing->store, change->owner, change->config,
			      &ring, error_r);
	if (ret <= 0) {
		if (ret == 0)
			*error_r = "it vanished just after it was stored";
		return -1;
	}
	err = changing_open_new(changing, ring);
	roost_ring_free(&ring);
	if (err == ROOST_OK)
		return 0;
	(void)roost_ring_change_fail(err, error_r);
	*error_r = t_strdup_printf("The new slot %u of the keyring %s was "
		"stored and does not open, but what opened before it does%s: "
		"%s", edit->new_slot, roost_keystore_name(changing->store),
		edit->is_in_place ? ", except for what it took the place of" :
		"", *error_r);
	return -1;
}

static int
changing_store(struct changing *changing, const char **error_r)
{
	enum roost_err err = changing_sign(changing);

	if (err != ROOST_OK)
		return changing_fail_err(changing, err, error_r);
	if (changing_check(changing, error_r) < 0)
		return -1;
	changing->change->may_be_stored = TRUE;
	if (roost_keystore_replace(changing->store,
				   roost_ring_stored(changing->stored),
				   changing->doc, changing->len, error_r) < 0)
		return -1;
	if (changing->edit.kr->epoch_count >
	    roost_ring_doc(changing->stored)->epoch_count)
		roost_report_rotated(changing->change->event);
	return changing_prove(changing, error_r) < 0 ? -1 : 1;
}

static int
changing_run(struct changing *changing, const char **error_r)
{
	const struct roost_ring_change *change = changing->change;
	int ret;

	if (changing_load(changing, error_r) < 0 ||
	    changing_open(changing, error_r) < 0)
		return -1;
	ret = change->change(&changing->edit, change->context, error_r);
	if (ret < 0)
		return changing_fail(changing, error_r);
	return ret == 0 ? 0 : changing_store(changing, error_r);
}

static void
changing_end(struct changing *changing)
{
	void *secret = changing->edit.master;

	if (secret != NULL)
		roost_secret_free(&secret);
	roost_ring_free(&changing->stored);
	i_free(changing->edit.kr);
	i_free(changing->doc);
}

int
roost_ring_change(struct roost_keystore *store,
		  struct roost_ring_change *change, const char **error_r)
{
	struct changing changing = { .store = store, .change = change };
	int ret;

	change->secret_err = ROOST_OK;
	change->may_be_stored = FALSE;
	if (!change->is_locked && roost_keystore_lock(store, error_r) < 0)
		return -1;
	changing.edit.kr = i_new(struct roost_keyring, 1);
	changing.doc = i_malloc(ROOST_KEYRING_DOC_MAX);
	ret = changing_run(&changing, error_r);
	changing_end(&changing);
	if (!change->is_locked)
		roost_keystore_unlock(store);
	return ret;
}

static int
change_policy(struct roost_ring_edit *edit, void *context,
	      const char **error_r ATTR_UNUSED)
{
	const enum roost_policy *policy = context;

	if (edit->kr->policy == *policy)
		return 0;
	edit->kr->policy = *policy;
	return 1;
}

int
roost_ring_change_policy(const struct roost_ring *ring,
			 struct roost_keystore *store, const char *owner,
			 const struct roost_config *config,
			 enum roost_policy policy, const char **error_r)
{
	struct roost_ring_change change = {
		.seen = ring, .owner = owner, .config = config,
		.change = change_policy, .context = &policy,
	};

	return roost_ring_change(store, &change, error_r);
}
