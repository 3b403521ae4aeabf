/* SPDX-License-Identifier: MIT */
/*
 * user-share: the plugin's state of a user for a command.  See user-share.h.
 */
#define _GNU_SOURCE	/* for dladdr() */
#include "session/user-share.h"

#include "mail-storage-service.h"
#include "module-dir.h"

#include "dovecot/libraries.h"
#include "session/user-private.h"

#include "roost-build.h"

#include <dlfcn.h>

const struct roost_user_share roost_user_share = {
	.build = "roost build " ROOST_BUILD,
	.user_size = sizeof(struct roost_user),
	.config_size = sizeof(struct roost_config),
	.settings_size = sizeof(struct roost_settings),
	.get = roost_user_get,
};

/* The file of the module that this copy of the code is a part of. */
static const char *
share_own_path(void)
{
	Dl_info info;

	return dladdr(&roost_user_share, &info) == 0 ? "this module" :
		info.dli_fname;
}

static bool
share_is_of_this_build(const struct roost_user_share *share)
{
	return strcmp(share->build, roost_user_share.build) == 0 &&
		share->user_size == roost_user_share.user_size &&
		share->config_size == roost_user_share.config_size &&
		share->settings_size == roost_user_share.settings_size;
}

/* The table of the plugin: 1; 0 the plugin is not loaded; -1 with error_r. */
static int
share_find(const struct roost_user_share **share_r, const char **error_r)
{
	struct module *module = module_dir_find(mail_storage_service_modules,
						ROOST_USER_SHARE_MODULE);
	const struct roost_user_share *const *symbol;

	if (module == NULL)
		return 0;
	symbol = module_get_symbol_quiet(module, ROOST_USER_SHARE_SYMBOL);
	if (symbol != NULL && share_is_of_this_build(*symbol)) {
		*share_r = *symbol;
		return 1;
	}
	*error_r = t_strdup_printf("The modules %s and %s are of different "
		"builds of Roost: install both anew from one build, and "
		"restart Dovecot", module->path, share_own_path());
	return -1;
}

struct roost_user *
roost_user_share_take(struct mail_user *user, const char **error_r)
{
	const struct roost_user_share *share;
	struct roost_user *ruser = NULL;
	int ret = share_find(&share, error_r);

	if (ret < 0 || roost_libraries_need(error_r) < 0)
		return NULL;
	if (ret > 0)
		ruser = share->get(user);
	return ruser != NULL ? ruser : roost_user_new(user, error_r);
}

void
roost_user_share_give_back(struct roost_user **_ruser)
{
	struct roost_user *ruser = *_ruser;

	*_ruser = NULL;
	/* What this copy finds of the user is what it made itself. */
	if (roost_user_get(ruser->user) == ruser)
		roost_user_free(&ruser);
	else
		ruser->is_asked = ruser->is_new = FALSE;
}
