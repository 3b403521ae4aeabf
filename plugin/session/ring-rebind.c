/* SPDX-License-Identifier: MIT */
/*
 * ring-rebind: another owner for a stored keyring.  See ring-rebind.h.
 */
#include "session/ring-rebind.h"

#include "roost/bytes.h"
#include "roost/keyring-edit.h"
#include "roost/secret.h"

/* Open the host key and the master key, whoever owns the keyring. */
static enum roost_err
rebind_open(const struct roost_keyring *kr, const struct roost_config *config,
	    uint8_t host_key_r[ROOST_KEY_SIZE],
	    uint8_t master_r[ROOST_KEY_SIZE])
{
	enum roost_err err;

	memset(master_r, 0, ROOST_KEY_SIZE);
	err = roost_keyring_open_host(kr, NULL, config->secrets->provider_keys,
				      config->provider_key_count, host_key_r);
	return err != ROOST_OK ? err :
		roost_keyring_unlock_provider(kr, host_key_r, master_r);
}

static enum roost_err
rebind_sign(struct roost_keyring *kr, const struct roost_config *config,
	    const char *owner)
{
	uint8_t host_key[ROOST_KEY_SIZE], master[ROOST_KEY_SIZE];
	enum roost_err err = rebind_open(kr, config, host_key, master);

	if (err == ROOST_OK)
		err = roost_keyring_next_generation(kr);
	if (err == ROOST_OK)
		err = roost_keyring_set_owner(kr, owner,
				config->secrets->provider_keys, host_key);
	if (err == ROOST_OK)
		err = roost_keyring_sign(kr, host_key, master);
	roost_wipe(host_key, sizeof(host_key));
	roost_wipe(master, sizeof(master));
	return err;
}

static int
rebind_fail(const struct roost_keystore *store, enum roost_err err,
	    const char **error_r)
{
	*error_r = t_strdup_printf("Cannot bind the keyring %s to another "
		"owner: %s [%s]%s", roost_keystore_name(store),
		roost_err_phrase(err), roost_err_name(err),
		err == ROOST_ERR_NO_SLOT || err == ROOST_ERR_LOCKED ?
		"; only one in provider mode can be" : "");
	return -1;
}

static int
rebind_store(struct roost_keystore *store, struct roost_keyring *kr,
	     const struct roost_config *config,
	     const struct roost_rebind *rebind, const char **error_r)
{
	buffer_t *old = t_buffer_create(4096);
	char *doc = t_malloc_no0(ROOST_KEYRING_DOC_MAX);
	unsigned int line;
	enum roost_err err;
	size_t len;
	int ret = roost_keystore_load(store, old, error_r);

	if (ret < 0)
		return -1;
	err = roost_keyring_parse(old->data, old->used, kr, &line);
	if (err == ROOST_OK &&
	    (!roost_bytes_equal(kr->id, rebind->id, ROOST_ID_SIZE) ||
	     strcmp(kr->owner, rebind->from) != 0))
		err = ROOST_ERR_OTHER_KEYRING;	/* not the one checked */
	if (err == ROOST_OK)
		err = rebind_sign(kr, config, rebind->to);
	if (err == ROOST_OK)
		err = roost_keyring_write(kr, doc, &len);
	if (err != ROOST_OK)
		return rebind_fail(store, err, error_r);
	return roost_keystore_replace(store, old, doc, len, error_r);
}

/* Check all gates but the owner's, all pins, and that the master key opens. */
static int
rebind_check(struct roost_keystore *store, const struct roost_config *config,
	    struct roost_rebind *rebind, const char **error_r)
{
	struct roost_ring *ring;
	enum roost_err err;
	int ret = roost_ring_load(store, NULL, config, &ring, error_r);

	if (ret == 0)
		*error_r = t_strdup_printf("There is no keyring %s",
					   roost_keystore_name(store));
	if (ret <= 0)
		return -1;
	err = roost_ring_unlock(ring);
	memcpy(rebind->id, roost_ring_doc(ring)->id, ROOST_ID_SIZE);
	i_strocpy(rebind->from, roost_ring_doc(ring)->owner,
		  sizeof(rebind->from));
	roost_ring_free(&ring);
	return err == ROOST_OK ? 0 : rebind_fail(store, err, error_r);
}

static int
rebind_locked(struct roost_keystore *store, const struct roost_config *config,
	      bool is_dry, struct roost_rebind *rebind, const char **error_r)
{
	struct roost_keyring *kr;
	int ret;

	if (rebind_check(store, config, rebind, error_r) < 0)
		return -1;
	if (strcmp(rebind->from, rebind->to) == 0)
		return 0;
	if (is_dry)
		return 1;
	kr = i_new(struct roost_keyring, 1);
	ret = rebind_store(store, kr, config, rebind, error_r);
	i_free(kr);
	return ret;
}

int
roost_ring_rebind(struct roost_keystore *store, const char *owner,
		  const struct roost_config *config, bool is_dry,
		  struct roost_rebind *rebind_r, const char **error_r)
{
	enum roost_err err = roost_keyring_escape(owner, rebind_r->to);
	int ret;

	if (err != ROOST_OK)
		return rebind_fail(store, err, error_r);
	if (roost_keystore_lock(store, error_r) < 0)
		return -1;
	ret = rebind_locked(store, config, is_dry, rebind_r, error_r);
	roost_keystore_unlock(store);
	return ret;
}
