/* SPDX-License-Identifier: MIT */
/*
 * user-ring: the keyrings of a session.  See user-ring.h.
 */
#include "session/user-private.h"

#include "mailbox-list-private.h"
#include "path-util.h"

#include "dovecot/report.h"
#include "session/ring-create.h"
#include "session/ring-raise.h"
#include "session/scan.h"

#include <time.h>
#include <unistd.h>

/* So long a keyring that was loaded is believed where it is compared later.  A
   delivery seals in less. */
#define RECENT_USECS 5000

/* Whose keyring is meant, and where it is stored. */
struct ring_place {
	const char *owner;
	const char *location;
	const char *home;
	const struct roost_config *config;	/* the pins that bind it */
	bool is_own;		/* this session may make it */
	bool is_user;		/* it is that of the session's user */
};

/* Those that a user logs in to. */
static const char *const login_services[] = {
	"imap", "pop3", "submission", NULL
};

/*
 * The owner's name in a public namespace's keyring.  The tenant is a part of
 * it, so that a folder of one tenant opens nowhere in the place of another's.
 * Without a tenant's name the path stands for it, normalized because users may
 * write one path in different ways.
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

/* Of a clock that nobody sets. */
static uint64_t
now_usecs(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		i_fatal("clock_gettime(CLOCK_MONOTONIC) failed: %m");
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
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

/* Keep a ring for the session; the store now belongs to the entry. */
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
	entry->loaded = now_usecs();
	roost_ring_bind(ring, entry->store, entry->owner, config,
			ruser->user->event);
	*store = NULL;
}

static int
ring_may_be_made(const struct roost_user *ruser,
		 const struct ring_place *place,
		 const struct roost_keystore *store, const char **error_r)
{
	const char *store_name = roost_keystore_name(store);

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
	else if (!roost_keystore_makes_once(store))
		*error_r = t_strdup_printf("There is no keyring %s, and none "
			"is made at first use in a dict, where two hosts "
			"could make two: make it with doveadm roost init -u "
			"%s", store_name, place->owner);
	else if (!ruser->config.auto_create && !ruser->is_asked)
		*error_r = t_strdup_printf("There is no keyring %s: make it "
			"with doveadm roost init -u %s, or set "
			"roost_auto_create=yes", store_name, place->is_user ?
			place->owner : "USER --namespace PREFIX");
	else
		return 0;
	return -1;
}

/*
 * Is a keyring made by a command of doveadm or dsync that was not asked for
 * one?  Such a command may read plaintext mail from another place in the same
 * run, or from one that is not the user's, so that the keyring must not be
 * born sealed.
 */
static bool
is_on_the_way(const struct roost_user *ruser)
{
	const char *service = ruser->user->service;

	return !ruser->is_asked && (strcmp(service, "doveadm") == 0 ||
				    strcmp(service, "dsync") == 0);
}

/*
 * Make the keyring of a namespace, 1 or -1.  All mail is looked at before the
 * store is locked, see roost_ring_create().  Where sealed mail forbids a new
 * keyring, another process may have made one meanwhile and sealed that mail to
 * it; so the store is asked once more.
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
		.owner = place->owner, .config = place->config,
		.event = ruser->user->event,
	};
	int ret;

	ret = roost_ring_load(store, place->owner, place->config, ring_r,
			      error_r);
	if (ret != 0 || !is_sealing)
		return ret;
	ret = ring_may_be_made(ruser, place, store, error_r) < 0 ? -1 :
		ring_make(ruser, ns, store, &create, ring_r, error_r);
	if (ret < 0)
		roost_report_missing(ruser->user->event);
	return ret;
}

/* The store of a place; NULL with error_r.  A public namespace's keyring is
   shared by all who use its mailboxes. */
static struct roost_keystore *
ring_place_store(struct mail_namespace *ns, const struct ring_place *place,
		 const char **error_r)
{
	const struct roost_keystore_owner owner = {
		.name = place->owner, .home = place->home,
		.user = ns->owner != NULL ? ns->owner : ns->user,
	};
	struct roost_keystore *store =
		roost_keystore_init(place->location, &owner, error_r);
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

struct roost_keystore *
roost_user_keystore_at(struct roost_user *ruser, struct mail_namespace *ns,
		       const char *location, const char *name,
		       const char **error_r)
{
	struct ring_place place;

	i_assert(ns->owner != NULL);
	if (ring_place_get(ruser, ns, &place, error_r) < 0)
		return NULL;
	if (location != NULL)
		place.location = location;
	if (name != NULL)
		place.owner = name;
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

/* Does the user log in here, where what is stored may be changed?  No lock is
   common to the hosts that use a dict, so that nothing is changed there that
   nobody has asked for. */
static bool
ring_may_be_raised(const struct roost_user *ruser,
		   const struct ring_place *place,
		   const struct roost_keystore *store)
{
	return place->is_user && ruser->config.enable == ROOST_ENABLE_YES &&
		roost_keystore_makes_once(store) &&
		str_array_find(login_services, ruser->user->service);
}

static int
ring_get(struct roost_user *ruser, struct mail_namespace *ns,
	 bool is_sealing, struct roost_ring **ring_r, const char **error_r)
{
	struct ring_place place;
	struct roost_keystore *store;
	bool may_be_raised;
	int ret = 1;

	/* A short way, because this is asked for each message. */
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
		may_be_raised = ring_may_be_raised(ruser, &place, store);
		if (ret > 0)
			ring_keep(ruser, &store, place.owner, place.config,
				  *ring_r);
		if (ret > 0 && may_be_raised)
			roost_ring_on_password(*ring_r, roost_ring_raise);
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

static struct user_ring *
ring_entry(struct roost_user *ruser, const struct roost_ring *ring)
{
	struct user_ring *entry;

	array_foreach_modifiable(&ruser->rings, entry) {
		if (entry->ring == ring)
			return entry;
	}
	i_unreached();
}

int
roost_user_renew_ring(struct roost_user *ruser, struct roost_ring *ring,
		      const char **error_r)
{
	const struct user_ring *entry = ring_entry(ruser, ring);

	return roost_ring_renew(ring, entry->store, entry->owner,
				entry->config, error_r);
}

int
roost_user_recent_ring(struct roost_user *ruser, struct roost_ring *ring,
		       const char **error_r)
{
	struct user_ring *entry = ring_entry(ruser, ring);
	bool is_recent = now_usecs() - entry->loaded < RECENT_USECS;

	entry->loaded = 0;
	return is_recent ? 0 : roost_user_renew_ring(ruser, ring, error_r);
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
