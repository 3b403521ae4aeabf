/* SPDX-License-Identifier: MIT */
/*
 * config-23: reading the settings from the plugin section of 2.3.  See
 * config.h.
 */
#include "settings/config.h"

#ifndef ROOST_HAVE_SETTINGS_FRAMEWORK
#include "settings/plugin-section.h"

#define DEF(name, by_default) \
	ROOST_PLUGIN_SETTING(struct roost_settings, name, by_default)

static const struct roost_plugin_setting plugin_settings[] = {
	DEF(roost_provider_key, ""),
	DEF(roost_provider_old_key, ""),
	DEF(roost_enable, "yes"),
	DEF(roost_auto_create, "yes"),
	DEF(roost_keyring, "file:~/roost.keyring"),
	DEF(roost_secret_key, ""),
	DEF(roost_plaintext, "refuse"),
	DEF(roost_keyring_id, ""),
	DEF(roost_generation_min, ""),
	DEF(roost_tenant, ""),
	DEF(roost_public_keyring_id, ""),
	DEF(roost_policy, ""),
	DEF(roost_mode, ""),
	DEF(roost_cache, "sealed"),
	DEF(roost_cache_headers, ""),
	DEF(roost_keywords, "private"),
	DEF(roost_fts, "refuse"),
};

int
roost_settings_get(struct mail_user *user, const struct roost_settings **set_r,
		   const char **error_r ATTR_UNUSED)
{
	pool_t pool = pool_alloconly_create_clean("roost settings", 1024);
	struct roost_settings *set = p_new(pool, struct roost_settings, 1);

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
	*path_r = "";	/* "= </path" is read before a plugin sees it */
	return value;
}

#endif
