/* SPDX-License-Identifier: MIT */
/*
 * ring-change: another policy for a stored keyring.  See ring-change.h.
 */
#include "session/ring-change.h"

#include "roost/keyring-edit.h"
#include "roost/secret.h"

static int
change_fail(struct roost_keystore *store, enum roost_err err,
	    const char **error_r)
{
	*error_r = t_strdup_printf("Cannot change the keyring %s: %s [%s]",
				   roost_keystore_name(store),
				   roost_err_phrase(err),
				   roost_err_name(err));
	return -1;
}

/* Change a parsed document, if it is this owner's, and write it into doc_r. */
static enum roost_err
change_write(const struct roost_ring *ring, const struct roost_config *config,
	     enum roost_policy policy, struct roost_keyring *stored,
	     char *doc_r, size_t *len_r)
{
	uint8_t host_key[ROOST_KEY_SIZE];
	enum roost_err err;

	err = roost_keyring_open_host(stored, roost_ring_doc(ring)->owner,
				      config->secrets->provider_keys,
				      config->provider_key_count, host_key);
	if (err == ROOST_OK)
		err = roost_keyring_next_generation(stored);
	stored->policy = policy;
	if (err == ROOST_OK)
		err = roost_keyring_sign_provider(stored, host_key);
	if (err == ROOST_OK)
		err = roost_keyring_write(stored, doc_r, len_r);
	roost_wipe(host_key, sizeof(host_key));
	return err;
}

/* The change itself, while the store is locked. */
static int
change_policy(const struct roost_ring *ring, struct roost_keystore *store,
	      const struct roost_config *config, enum roost_policy policy,
	      struct roost_keyring *stored, char *doc, const char **error_r)
{
	buffer_t *old = t_buffer_create(4096);
	unsigned int line;
	enum roost_err err;
	size_t len;
	int ret = roost_keystore_load(store, old, error_r);

	if (ret < 0)
		return -1;
	err = roost_keyring_parse(old->data, old->used, stored, &line);
	if (err != ROOST_OK)
		return change_fail(store, err, error_r);
	if (stored->policy == policy)
		return 0;
	err = change_write(ring, config, policy, stored, doc, &len);
	if (err != ROOST_OK)
		return change_fail(store, err, error_r);
	return roost_keystore_replace(store, old, doc, len, error_r);
}

int
roost_ring_change_policy(const struct roost_ring *ring,
			 struct roost_keystore *store,
			 const struct roost_config *config,
			 enum roost_policy policy, const char **error_r)
{
	struct roost_keyring *stored;
	char *doc;
	int ret;

	if (roost_keystore_lock(store, error_r) < 0)
		return -1;
	stored = i_new(struct roost_keyring, 1);
	doc = i_malloc(ROOST_KEYRING_DOC_MAX);
	ret = change_policy(ring, store, config, policy, stored, doc, error_r);
	i_free(doc);
	i_free(stored);
	roost_keystore_unlock(store);
	return ret;
}
