/* SPDX-License-Identifier: MIT */
/*
 * config-24: reading the settings through the framework of 2.4; also part
 * of the settings module, by which doveconf knows them.  See config.h.
 */
#include "settings/config.h"

#ifdef ROOST_HAVE_SETTINGS_FRAMEWORK
#include "settings.h"
#include "settings/info.h"

#undef DEF
#define DEF(type, name) \
	SETTING_DEFINE_STRUCT_##type(#name, name, struct roost_settings)

static const struct setting_define roost_setting_defines[] = {
	DEF(FILE, roost_provider_key),
	DEF(FILE, roost_provider_old_key),
	DEF(STR, roost_enable),
	DEF(STR, roost_auto_create),
	DEF(STR, roost_keyring),
	DEF(STR_NOVARS, roost_secret_key),
	DEF(STR, roost_plaintext),
	DEF(STR, roost_keyring_id),
	DEF(STR, roost_generation_min),
	DEF(STR, roost_tenant),
	DEF(STR, roost_public_keyring_id),
	DEF(STR, roost_policy),
	DEF(STR, roost_mode),
	DEF(STR, roost_cache),
	DEF(STR, roost_cache_headers),
	DEF(STR, roost_keywords),
	DEF(STR, roost_fts),
	SETTING_DEFINE_LIST_END
};

static const struct roost_settings roost_default_settings = {
	.roost_provider_key = "",
	.roost_provider_old_key = "",
	.roost_enable = "yes",
	.roost_auto_create = "yes",
	.roost_keyring = "file:~/roost.keyring",
	.roost_secret_key = "",
	.roost_plaintext = "refuse",
	.roost_keyring_id = "",
	.roost_generation_min = "",
	.roost_tenant = "",
	.roost_public_keyring_id = "",
	.roost_policy = "",
	.roost_mode = "",
	.roost_cache = "sealed",
	.roost_cache_headers = "",
	.roost_keywords = "private",
	.roost_fts = "refuse",
};

const struct setting_parser_info roost_setting_parser_info = {
	.name = "roost",
	.defines = roost_setting_defines,
	.defaults = &roost_default_settings,
	.struct_size = sizeof(struct roost_settings),
	.pool_offset1 = 1 + offsetof(struct roost_settings, pool),
};

int
roost_settings_get(struct mail_user *user, const struct roost_settings **set_r,
		   const char **error_r)
{
	return settings_get(user->event, &roost_setting_parser_info, 0,
			    set_r, error_r);
}

void
roost_settings_free(const struct roost_settings *set)
{
	settings_free(set);
}

const char *
roost_settings_file(const char *value, const char **path_r)
{
	struct settings_file file;

	*path_r = "";
	if (*value == '\0')
		return "";
	settings_file_get(value, unsafe_data_stack_pool, &file);
	*path_r = file.path;
	return file.content;
}

#endif
