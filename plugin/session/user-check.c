/* SPDX-License-Identifier: MIT */
/*
 * user-check: whom Roost serves, and where.  See user-check.h.
 */
#include "session/user-check.h"

#include "mailbox-list-private.h"

#include "session/leaks.h"
#include "session/storage.h"
#include "session/user-private.h"

static void
user_deinit(struct mail_user *user)
{
	struct roost_user *ruser = roost_user_get(user);
	void (*super_deinit)(struct mail_user *) =
		ruser->module_ctx.super.deinit;

	/* First, because mailboxes that it closes may ask for a ring. */
	super_deinit(user);
	roost_user_free(&ruser);
}

/*
 * A full-text index holds all words of the mail.  It is refused to every user
 * alike, so that an admin meets the question when Roost is installed, and not
 * with one user's keyring much later.
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

	/* The owner of a shared namespace and the user by whom a delivery is
	   read carry the settings of somebody else. */
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

const char *
roost_user_check_storage_kind(const struct mail_storage *storage)
{
	static const char *const pass_through[] = {
		"virtual", "shared", "fail", "raw", NULL
	};

	if (str_array_find(pass_through, storage->name) ||
	    roost_storage_can_seal(storage))
		return NULL;
	return t_strdup_printf("%s storage cannot hold sealed mail: move it "
		"into maildir, sdbox or mdbox, with doveadm backup, or set "
		"roost_enable=no", storage->name);
}

/* Why a session may not use a storage, and what to do; NULL if it may.  What
   cannot hold sealed mail is only read by doveadm (mail/unfit.h). */
static const char *
user_check_storage(const struct mail_user *user,
		   const struct mail_storage *storage)
{
	const char *error = roost_user_check_storage_kind(storage);

	if (error != NULL)
		return strcmp(user->service, "doveadm") == 0 ? NULL : error;
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
			error = user_check_storage(user, ns->storage);
		if (error != NULL)
			user->error = p_strdup_printf(user->pool,
				"roost: namespace \"%s\": %s", ns->prefix,
				error);
	}
	/* Not on an admin's terminal at each command. */
	if (error == NULL && strcmp(user->service, "doveadm") != 0)
		roost_leaks_check_temp_dir(user);
}
