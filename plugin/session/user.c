/* SPDX-License-Identifier: MIT */
/*
 * user: the state that a session has of its user.  See user.h.
 */
#include "session/user-private.h"

#include "hash.h"

#include "dovecot/libraries.h"
#include "session/owner.h"

static MODULE_CONTEXT_DEFINE_INIT(roost_user_module,
				  &mail_user_module_register);

struct roost_user *
roost_user_get(struct mail_user *user)
{
	struct roost_user *ruser = MODULE_CONTEXT(user, roost_user_module);

	return ruser;
}

const struct roost_config *
roost_user_config(const struct roost_user *ruser)
{
	return &ruser->config;
}

struct roost_counted *
roost_user_counted(struct roost_user *ruser)
{
	return &ruser->counted;
}

bool
roost_user_log_once(struct roost_user *ruser, const char *key)
{
	if (hash_table_lookup(ruser->logged, key) != NULL)
		return FALSE;
	hash_table_insert(ruser->logged, p_strdup(ruser->user->pool, key),
			  POINTER_CAST(1));
	return TRUE;
}

void
roost_user_ask(struct roost_user *ruser, bool is_new)
{
	ruser->is_asked = TRUE;
	ruser->is_new = is_new;
}

void
roost_user_free(struct roost_user **_ruser)
{
	struct roost_user *ruser = *_ruser;
	struct user_ring *entry;

	*_ruser = NULL;
	MODULE_CONTEXT_UNSET(ruser->user, roost_user_module);
	array_foreach_modifiable(&ruser->rings, entry) {
		roost_ring_free(&entry->ring);
		roost_keystore_deinit(&entry->store);
	}
	array_free(&ruser->rings);
	array_free(&ruser->owners);
	hash_table_destroy(&ruser->logged);
	roost_config_wipe(&ruser->config);
	roost_settings_free(ruser->set);
}

struct roost_user *
roost_user_new(struct mail_user *user, const char **error_r)
{
	struct roost_user *ruser;
	const struct roost_settings *set;

	if (roost_config_check_userdb(user->userdb_fields, error_r) < 0 ||
	    roost_libraries_need(error_r) < 0 ||
	    roost_settings_get(user, &set, error_r) < 0)
		return NULL;
	ruser = p_new(user->pool, struct roost_user, 1);
	ruser->user = user;
	ruser->set = set;
	i_array_init(&ruser->rings, 2);
	i_array_init(&ruser->owners, 2);
	hash_table_create(&ruser->logged, default_pool, 0, str_hash, strcmp);
	MODULE_CONTEXT_SET(user, roost_user_module, ruser);
	if (roost_config_init(&ruser->config, user->pool, set, error_r) < 0 ||
	    roost_config_init_public(&ruser->public_config, user->pool,
				     &ruser->config, set, error_r) < 0) {
		roost_user_free(&ruser);
		return NULL;
	}
	return ruser;
}

/* The settings of an owner; NULL if userdb was not asked for him so far. */
static const struct roost_config *
owner_find(const struct roost_user *ruser, const char *username)
{
	struct user_owner *const *owners;
	unsigned int i, count;

	owners = array_get(&ruser->owners, &count);
	for (i = 0; i < count; i++) {
		if (strcmp(owners[i]->username, username) == 0)
			return &owners[i]->config;
	}
	return NULL;
}

/* Ask userdb, once in a session; after a failure it is asked again. */
static int
owner_look_up(struct roost_user *ruser, struct mail_user *user,
	      const struct roost_config **config_r, const char **error_r)
{
	pool_t pool = ruser->user->pool;
	struct user_owner *owner;
	struct roost_config config;
	const char *const *fields, *error;
	pool_t temp = pool_alloconly_create("roost owner", 1024);
	int ret = roost_owner_fields(user, temp, &fields, error_r);

	if (ret == 0) {
		ret = roost_config_init_owner(&config, pool, &ruser->config,
			ruser->set, ruser->user->userdb_fields, fields,
			&error);
		if (ret < 0)
			*error_r = t_strdup_printf("What userdb has for %s, "
				"the owner of the mailbox: %s",
				user->username, error);
	}
	pool_unref(&temp);
	if (ret < 0)
		return -1;
	owner = p_new(pool, struct user_owner, 1);
	owner->username = p_strdup(pool, user->username);
	owner->config = config;
	array_push_back(&ruser->owners, &owner);
	*config_r = &owner->config;
	return 0;
}

int
roost_user_namespace_config(struct roost_user *ruser,
			    struct mail_namespace *ns,
			    const struct roost_config **config_r,
			    const char **error_r)
{
	if (ns->owner == ruser->user)
		*config_r = &ruser->config;
	else if (ns->owner == NULL)
		*config_r = &ruser->public_config;
	else
		*config_r = owner_find(ruser, ns->owner->username);
	return *config_r != NULL ? 0 :
		owner_look_up(ruser, ns->owner, config_r, error_r);
}
