/* SPDX-License-Identifier: MIT */
/*
 * config-23: reads the settings of roost from the plugin section of Dovecot
 * 2.3.  The contract is in config.h.
 */
#include "settings/config.h"

#ifndef ROOST_HAVE_SETTINGS_FRAMEWORK
#include "settings/plugin-section.h"

static const struct roost_plugin_setting plugin_settings[] = {
#define SETTING(name, type, by_default, text) \
	{ #name, offsetof(struct roost_settings, name) },
#include "settings/roost.def"
};

int
roost_settings_get(struct mail_user *user, const struct roost_settings **set_r,
		   const char **error_r ATTR_UNUSED)
{
	pool_t pool = pool_alloconly_create_clean("roost settings", 1024);
	struct roost_settings *set = p_new(pool, struct roost_settings, 1);

	*set = roost_settings_default;
	set->pool = pool;
	roost_plugin_section_read(user, plugin_settings,
				  N_ELEMENTS(plugin_settings), set);
	*set_r = set;
	return 0;
}

void
roost_settings_free(const struct roost_settings *set)
{
	pool_t pool = set->pool;

	pool_unref(&pool);
}

const char *
roost_settings_file(const char *value, const char **path_r)
{
	/* Dovecot has read the file named by "= </path" already. */
	*path_r = "";
	return value;
}

#endif
