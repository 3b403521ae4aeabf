/* SPDX-License-Identifier: MIT */
/*
 * ring-rebind: another owner for a stored keyring.  See ring-rebind.h.
 */
#include "session/ring-rebind.h"

#include "session/ring-change.h"

#include "roost/bytes.h"
#include "roost/keyring-edit.h"

struct rebinding {
	struct roost_rebind *rebind;
	const uint8_t *provider_key;
	bool is_dry;
	bool differs;		/* it is bound to another owner */
};

/* Is it the keyring that was looked at before, if one was? */
static bool
rebinding_is_seen(const struct roost_rebind *rebind,
		  const struct roost_keyring *kr)
{
	return rebind->generation == 0 ||
		(rebind->generation == kr->generation &&
		 roost_bytes_equal(rebind->id, kr->id, ROOST_ID_SIZE));
}

static int
rebinding_change(struct roost_ring_edit *edit, void *context,
		 const char **error_r)
{
	struct rebinding *rebinding = context;
	struct roost_rebind *rebind = rebinding->rebind;
	struct roost_keyring *kr = edit->kr;
	enum roost_err err;

	if (!rebinding_is_seen(rebind, kr)) {
		*error_r = t_strdup_printf("it was changed meanwhile, and is "
			"of generation %"PRIu64" now; nothing was done: run "
			"the command again", kr->generation);
		return -1;
	}
	memcpy(rebind->id, kr->id, ROOST_ID_SIZE);
	i_strocpy(rebind->from, kr->owner, sizeof(rebind->from));
	rebind->generation = kr->generation;
	rebinding->differs = strcmp(rebind->from, rebind->to) != 0;
	if (!rebinding->differs || rebinding->is_dry)
		return 0;
	err = roost_keyring_set_owner(kr, rebind->to, rebinding->provider_key,
				      edit->host_key);
	return err == ROOST_OK ? 1 : roost_ring_change_fail(err, error_r);
}

static int
rebind_fail(const struct roost_keystore *store, const char *error,
	    enum roost_err err, const char **error_r)
{
	*error_r = t_strdup_printf("Cannot bind the keyring %s to another "
		"owner: %s%s", roost_keystore_name(store), error,
		err == ROOST_ERR_LOCKED ?
		"; only one in provider mode can be" : "");
	return -1;
}

int
roost_ring_rebind(struct roost_keystore *store, const char *owner,
		  const struct roost_config *config, bool is_dry,
		  struct roost_rebind *rebind, const char **error_r)
{
	struct rebinding rebinding = {
		.rebind = rebind, .is_dry = is_dry,
		.provider_key = config->secrets->provider_keys,
	};
	struct roost_ring_change change = {
		.config = config, .needs_master = TRUE,
		.change = rebinding_change, .context = &rebinding,
	};
	enum roost_err err = roost_keyring_escape(owner, rebind->to);
	const char *error;

	if (err != ROOST_OK) {
		(void)roost_ring_change_fail(err, &error);
		return rebind_fail(store, error, err, error_r);
	}
	if (roost_ring_change(store, &change, &error) < 0)
		return rebind_fail(store, error, change.secret_err, error_r);
	return rebinding.differs ? 1 : 0;
}
