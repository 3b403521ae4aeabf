/* SPDX-License-Identifier: MIT */
/*
 * ring-create: make a new keyring.  See ring-create.h.
 */
#include "session/ring-create.h"

#include "ioloop.h"

#include "dovecot/report.h"

#include "roost/keyring-edit.h"

/* Make the document of a new keyring. */
static enum roost_err
ring_make(struct roost_keyring *keyring,
	  const struct roost_ring_create *create)
{
	const struct roost_config *config = create->config;
	struct roost_keyring_plan plan = {
		.name = create->owner,
		.provider_key = config->provider_key_count == 0 ? NULL :
			config->secrets->provider_keys,
		.policy = create->policy,
		.now = (uint64_t)ioloop_time,
		.secret = create->secret,
		.cost = config->argon2,
		.recovery = create->recovery,
	};

	return roost_keyring_make(&plan, keyring);
}

/* What the pins would refuse is not made. */
static int
ring_may_be_created(const struct roost_ring_create *create,
		    const char **error_r)
{
	const struct roost_config *config = create->config;

	if (config->keyring_id_count > 0)
		*error_r = t_strdup_printf("%s names a keyring: put it back "
			"from a backup; no other one is made",
			config->keyring_ids_setting);
	else if (config->mode != ROOST_MODE_ANY &&
		 (config->mode == ROOST_MODE_PASSWORD) !=
		 (create->secret != NULL))
		*error_r = t_strdup_printf("roost_mode=%s: a keyring in "
			"another mode is not made", config->mode ==
			ROOST_MODE_PASSWORD ? "password" : "provider");
	else
		return 0;
	return -1;
}

static int
ring_create_locked(struct roost_keystore *store,
		   const struct roost_ring_create *create,
		   bool *was_made_r, const char **error_r)
{
	struct roost_keyring *keyring;
	char *doc;
	size_t len;
	enum roost_err err;
	int ret;

	if (ring_may_be_created(create, error_r) < 0)
		return -1;
	keyring = i_new(struct roost_keyring, 1);
	doc = i_malloc(ROOST_KEYRING_DOC_MAX);
	err = ring_make(keyring, create);
	if (err == ROOST_OK)
		err = roost_keyring_write(keyring, doc, &len);
	if (err == ROOST_OK) {
		ret = roost_keystore_store(store, NULL, doc, len, error_r);
		*was_made_r = ret != 0;
	} else {
		*error_r = t_strdup_printf("Cannot make the keyring %s: %s",
					   roost_keystore_name(store),
					   roost_err_phrase(err));
		ret = -1;
	}
	i_free(keyring);
	i_free(doc);
	return ret;
}

int
roost_ring_create(struct roost_keystore *store,
		  const struct roost_ring_create *create,
		  struct roost_ring **ring_r, bool *was_made_r,
		  const char **error_r)
{
	int ret;

	*ring_r = NULL;
	*was_made_r = FALSE;
	if (roost_keystore_lock(store, error_r) < 0)
		return -1;
	ret = roost_ring_load(store, create->owner, create->config, ring_r,
			      error_r);
	if (ret == 0) {
		ret = ring_create_locked(store, create, was_made_r, error_r);
		if (ret >= 0)
			ret = roost_ring_load(store, create->owner,
					      create->config, ring_r,
					      error_r);
		if (ret == 0) {
			*error_r = t_strdup_printf("The keyring %s vanished "
				"while it was made",
				roost_keystore_name(store));
			ret = -1;
		}
	}
	roost_keystore_unlock(store);
	if (ret > 0 && *was_made_r)
		roost_report_made(create->event);
	return ret;
}
