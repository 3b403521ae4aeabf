/* SPDX-License-Identifier: MIT */
/*
 * user: the session's side of Roost.  See user.h.
 */
#include "session/user.h"

#include "hash.h"
#include "mailbox-list-private.h"
#include "path-util.h"

#include "dovecot/libraries.h"
#include "session/owner.h"
#include "dovecot/report.h"
#include "session/scan.h"
#include "session/leaks.h"
#include "session/storage.h"

#include <unistd.h>

struct user_ring {
	const char *store_name, *owner;
	struct roost_keystore *store;
	const struct roost_config *config;	/* the pins that bind it */
	struct roost_ring *ring;
};

/* Somebody who shares mailboxes. */
struct user_owner {
	const char *username;
	struct roost_config config;	/* borrows from the user's */
};

struct roost_user {
	union mail_user_module_context module_ctx;
	struct mail_user *user;
	const struct roost_settings *set;
	struct roost_config config;
	struct roost_config public_config;	/* for public namespaces */
	ARRAY(struct user_ring) rings;
	ARRAY(struct user_owner *) owners;
	struct roost_ring *own_ring;	/* the user's, once it is among them */
	HASH_TABLE(char *, void *) logged;
	bool is_asked, is_new;		/* see roost_user_ask() */
	struct roost_counted counted;
};

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

static void
user_deinit(struct mail_user *user)
{
	struct roost_user *ruser = roost_user_get(user);
	void (*super_deinit)(struct mail_user *) =
		ruser->module_ctx.super.deinit;

	/* Mailboxes that close in there may still ask for a ring. */
	super_deinit(user);
	roost_user_free(&ruser);
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

/*
 * A full-text index holds all words of the mail.  It is refused to every user
 * alike, so that the question comes up when Roost is installed, and not with
 * one user's keyring much later.
 */
static int
user_check_fts(const struct roost_user *ruser, const char **error_r)
{
	const struct roost_config *config = &ruser->config;
	const char *plugin = roost_leaks_fts_plugin(ruser->user);

	if (plugin == NULL || config->may_fts ||
	    config->enable == ROOST_ENABLE_NO)
		return 0;
	*error_r = t_strdup_printf("The plugin %s would write the words of "
		"the mail into an index in clear: do not load it, or write "
		"roost_fts = allow "ROOST_SETTINGS_PLACE, plugin);
	return -1;
}

void
roost_user_created(struct mail_user *user)
{
	struct mail_user_vfuncs *v = user->vlast;
	struct roost_user *ruser;
	const char *error;

	/* Owners of shared namespaces and the raw user of a delivery: they
	   carry settings that are not theirs. */
	if (user->autocreated)
		return;
	ruser = roost_user_new(user, &error);
	if (ruser != NULL && user_check_fts(ruser, &error) < 0)
		roost_user_free(&ruser);
	if (ruser == NULL) {
		user->error = p_strdup_printf(user->pool, "roost: %s", error);
		return;
	}
	ruser->module_ctx.super = *v;
	user->vlast = &ruser->module_ctx.super;
	v->deinit = user_deinit;
}

/* What a namespace's storage must be able to do to hold sealed mail. */
static const char *
user_check_storage(const struct mail_storage *storage)
{
	static const char *const pass_through[] = {
		"virtual", "shared", "fail", "raw", NULL
	};

	if (str_array_find(pass_through, storage->name))
		return NULL;
	if (!roost_storage_can_seal(storage))
		return t_strdup_printf("%s storage cannot hold sealed mail: "
			"use maildir, sdbox or mdbox, or set roost_enable=no",
			storage->name);
	if (*roost_attachment_dir(storage) != '\0')
		return ROOST_ATTACHMENT_SETTING" is set, and what it "
			"moves out of a message would lie there unsealed: "
			"remove it, or set roost_enable=no";
	return NULL;
}

void
roost_user_namespaces_created(struct mail_namespace *namespaces)
{
	struct mail_user *user = namespaces->user;
	struct roost_user *ruser = roost_user_get(user);
	struct mail_namespace *ns;
	const char *error = NULL;

	if (ruser == NULL || ruser->config.enable == ROOST_ENABLE_NO)
		return;
	for (ns = namespaces; ns != NULL && error == NULL; ns = ns->next) {
		if (ruser->config.enable == ROOST_ENABLE_YES)
			error = user_check_storage(ns->storage);
		if (error != NULL)
			user->error = p_strdup_printf(user->pool,
				"roost: namespace \"%s\": %s", ns->prefix,
				error);
	}
	/* An admin's command is told by its own means. */
	if (error == NULL && strcmp(user->service, "doveadm") != 0)
		roost_leaks_check_temp_dir(user);
}

/* NULL: userdb has not been asked for this owner so far. */
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

/* Asked of userdb once in a session; a failure may be over the next time. */
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

/* Whose keyring, and where it lies. */
struct ring_place {
	const char *owner;
	const char *location;
	const char *home;
	const struct roost_config *config;	/* the pins that bind it */
	bool is_own;		/* may be made by this session */
	bool is_user;		/* the session's user */
};

/*
 * The name of a public namespace's keyring: with the tenant, so that a folder
 * of one that lies in another's place opens nowhere.  The path is a name here:
 * different users may write it in different ways.
 */
static const char *
public_owner(const struct roost_user *ruser, struct mail_namespace *ns)
{
	const char *tenant = ruser->config.tenant, *path, *normal, *error;

	/* A path that cannot be normalized still tells two tenants apart. */
	if (*tenant == '\0' &&
	    mailbox_list_get_root_path(ns->list, MAILBOX_LIST_PATH_TYPE_DIR,
				       &path))
		tenant = t_normpath(path, &normal, &error) < 0 ? path : normal;
	return t_strconcat("ns:", ns->prefix, "@", tenant, NULL);
}

static int
ring_place_public(const struct roost_user *ruser, struct mail_namespace *ns,
		  struct ring_place *place_r, const char **error_r)
{
	const char *root;

	if (!mailbox_list_get_root_path(ns->list,
					MAILBOX_LIST_PATH_TYPE_MAILBOX,
					&root)) {
		*error_r = t_strdup_printf("the namespace \"%s\" has no "
			"folder for a keyring: mailboxes that others share "
			"are sealed to their owners' keyrings", ns->prefix);
		return -1;
	}
	place_r->owner = public_owner(ruser, ns);
	place_r->location = t_strconcat("file:", root, "/roost.keyring",
					NULL);
	place_r->is_own = TRUE;
	return 0;
}

static int
ring_place_get(struct roost_user *ruser, struct mail_namespace *ns,
	       struct ring_place *place_r, const char **error_r)
{
	i_zero(place_r);
	if (roost_user_namespace_config(ruser, ns, &place_r->config,
					error_r) < 0)
		return -1;
	if (ns->owner == NULL)
		return ring_place_public(ruser, ns, place_r, error_r);
	place_r->owner = ns->owner->username;
	place_r->location = place_r->config->keyring;
	place_r->is_own = place_r->is_user = ns->owner == ruser->user;
	if (mail_user_get_home(ns->owner, &place_r->home) < 0) {
		*error_r = t_strdup_printf("the home directory of %s could "
					   "not be looked up",
					   ns->owner->username);
		return -1;
	}
	return 0;
}

static struct roost_ring *
ring_find(struct roost_user *ruser, const char *store_name,
	  const char *owner)
{
	const struct user_ring *entry;

	array_foreach(&ruser->rings, entry) {
		if (strcmp(entry->store_name, store_name) == 0 &&
		    strcmp(entry->owner, owner) == 0)
			return entry->ring;
	}
	return NULL;
}

/* Takes the store. */
static void
ring_keep(struct roost_user *ruser, struct roost_keystore **store,
	  const char *owner, const struct roost_config *config,
	  struct roost_ring *ring)
{
	struct user_ring *entry = array_append_space(&ruser->rings);

	entry->store_name = roost_keystore_name(*store);
	entry->owner = p_strdup(ruser->user->pool, owner);
	entry->store = *store;
	entry->config = config;
	entry->ring = ring;
	*store = NULL;
}

static int
ring_may_be_made(const struct roost_user *ruser,
		 const struct ring_place *place, const char *store_name,
		 const char **error_r)
{
	if (!place->is_own)
		*error_r = t_strdup_printf("%s has no keyring %s, and only "
			"its own user may make it", place->owner, store_name);
	else if (place->config->keyring_id_count > 0)
		*error_r = t_strdup_printf("The keyring %s is missing, but "
			"%s names one: put it back from a backup", store_name,
			place->config->keyring_ids_setting);
	else if (place->config->mode == ROOST_MODE_PASSWORD)
		*error_r = t_strdup_printf("There is no keyring %s, and "
			"roost_mode=password: make it with doveadm roost init "
			"-m password -u %s", store_name, place->owner);
	else if (!ruser->config.auto_create && !ruser->is_asked)
		*error_r = t_strdup_printf("There is no keyring %s: make it "
			"with doveadm roost init -u %s, or set "
			"roost_auto_create=yes", store_name, place->is_user ?
			place->owner : "USER --namespace PREFIX");
	else
		return 0;
	return -1;
}

/* By a command of doveadm or dsync that was not asked to make a keyring: it may
   be reading plaintext mail at another place in the same run, or have been told
   of one that is not the user's. */
static bool
is_on_the_way(const struct roost_user *ruser)
{
	const char *service = ruser->user->service;

	return !ruser->is_asked && (strcmp(service, "doveadm") == 0 ||
				    strcmp(service, "dsync") == 0);
}

/*
 * All mail is looked at before the store is locked: see ring.h.  What forbids
 * a keyring may have come from another process that has made it meanwhile: it
 * was there before the first message was sealed to it.
 */
static int
ring_make(struct roost_user *ruser, struct mail_namespace *ns,
	  struct roost_keystore *store, struct roost_ring_create *create,
	  struct roost_ring **ring_r, const char **error_r)
{
	const struct mail_user *user = ruser->user;
	struct roost_scan scan;
	const char *error;
	bool was_made;
	int ret;

	if (user->uid != (uid_t)-1 && user->uid != geteuid()) {
		*error_r = "A keyring is only made with the user's own uid";
		return -1;
	}
	if (roost_scan_mail(ns, &scan, &error) == 0 &&
	    (ruser->is_new ? roost_scan_check_sealed(&scan, store, &error) :
	     roost_scan_check(&scan, store, &error)) == 0) {
		create->policy = is_on_the_way(ruser) ? ROOST_POLICY_OPEN :
			roost_scan_policy(&scan);
		return roost_ring_create(store, create, ring_r, &was_made,
					 error_r);
	}
	ret = roost_ring_load(store, create->owner, create->config, ring_r,
			      error_r);
	if (ret == 0)
		*error_r = error;
	return ret > 0 ? 1 : -1;
}

static int
ring_open(struct roost_user *ruser, struct mail_namespace *ns,
	  struct roost_keystore *store, const struct ring_place *place,
	  bool is_sealing, struct roost_ring **ring_r, const char **error_r)
{
	struct roost_ring_create create = {
		.owner = place->owner, .config = place->config
	};
	int ret;

	ret = roost_ring_load(store, place->owner, place->config, ring_r,
			      error_r);
	if (ret != 0 || !is_sealing)
		return ret;
	if (ring_may_be_made(ruser, place, roost_keystore_name(store),
			     error_r) < 0)
		return -1;
	return ring_make(ruser, ns, store, &create, ring_r, error_r);
}

/* A public namespace's keyring is for all who use its mailboxes. */
static struct roost_keystore *
ring_place_store(struct mail_namespace *ns, const struct ring_place *place,
		 const char **error_r)
{
	struct roost_keystore *store =
		roost_keystore_init(place->location, place->home, error_r);
	struct mailbox_permissions permissions;

	if (store != NULL && ns->owner == NULL) {
		mailbox_list_get_root_permissions(ns->list, &permissions);
		roost_keystore_share(store, &permissions);
	}
	return store;
}

struct roost_keystore *
roost_user_keystore(struct roost_user *ruser, struct mail_namespace *ns,
		    const char **error_r)
{
	struct ring_place place;

	if (ring_place_get(ruser, ns, &place, error_r) < 0)
		return NULL;
	return ring_place_store(ns, &place, error_r);
}

int
roost_user_owner(struct roost_user *ruser, struct mail_namespace *ns,
		 const char **owner_r, const char **error_r)
{
	struct ring_place place;

	if (ring_place_get(ruser, ns, &place, error_r) < 0)
		return -1;
	*owner_r = place.owner;
	return 0;
}

static int
ring_get(struct roost_user *ruser, struct mail_namespace *ns,
	 bool is_sealing, struct roost_ring **ring_r, const char **error_r)
{
	struct ring_place place;
	struct roost_keystore *store;
	int ret = 1;

	/* Asked for each message that is opened. */
	*ring_r = ns->owner == ruser->user ? ruser->own_ring : NULL;
	if (*ring_r != NULL)
		return 1;
	if (ring_place_get(ruser, ns, &place, error_r) < 0)
		return -1;
	store = ring_place_store(ns, &place, error_r);
	if (store == NULL)
		return -1;
	*ring_r = ring_find(ruser, roost_keystore_name(store), place.owner);
	if (*ring_r == NULL) {
		ret = ring_open(ruser, ns, store, &place, is_sealing, ring_r,
				error_r);
		if (ret > 0)
			ring_keep(ruser, &store, place.owner, place.config,
				  *ring_r);
	}
	if (ret > 0 && place.is_user)
		ruser->own_ring = *ring_r;
	roost_keystore_deinit(&store);
	return ret;
}

int
roost_user_ring(struct roost_user *ruser, struct mail_namespace *ns,
		struct roost_ring **ring_r, const char **error_r)
{
	return ring_get(ruser, ns, FALSE, ring_r, error_r);
}

int
roost_user_renew_ring(struct roost_user *ruser, struct roost_ring *ring,
		      const char **error_r)
{
	struct user_ring *entry;

	array_foreach_modifiable(&ruser->rings, entry) {
		if (entry->ring == ring)
			return roost_ring_renew(ring, entry->store,
						entry->owner, entry->config,
						error_r);
	}
	i_unreached();
}

int
roost_user_plaintext(struct roost_user *ruser, struct mail_namespace *ns,
		     enum roost_plaintext *plaintext_r, const char **error_r)
{
	const struct roost_config *config;
	struct roost_ring *ring;
	bool is_sealed;
	int ret;

	*plaintext_r = ROOST_PLAINTEXT_REFUSE;
	if (roost_user_namespace_config(ruser, ns, &config, error_r) < 0)
		return -1;
	ret = roost_user_ring(ruser, ns, &ring, error_r);
	if (ret < 0 || (ret > 0 &&
			roost_user_renew_ring(ruser, ring, error_r) < 0))
		return -1;
	is_sealed = ret > 0 ? roost_ring_policy(ring) == ROOST_POLICY_SEALED :
		config->has_policy && config->policy == ROOST_POLICY_SEALED;
	*plaintext_r = is_sealed ? config->plaintext : ROOST_PLAINTEXT_SERVE;
	return 0;
}

int
roost_user_seal_ring(struct roost_user *ruser, struct mail_namespace *ns,
		     struct roost_ring **ring_r, const char **error_r)
{
	int ret = ring_get(ruser, ns, TRUE, ring_r, error_r);

	i_assert(ret != 0);
	if (ret < 0 || roost_ring_check_seal(*ring_r, error_r) == 0)
		return ret < 0 ? -1 : 0;
	/* The right one may have been put back since it was loaded. */
	if (roost_user_renew_ring(ruser, *ring_r, error_r) < 0)
		return -1;
	return roost_ring_check_seal(*ring_r, error_r);
}
