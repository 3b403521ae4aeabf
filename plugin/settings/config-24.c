/* SPDX-License-Identifier: MIT */
/*
 * config-24: reads the settings of roost through the framework of Dovecot 2.4.
 * This file is also part of the settings module, by which doveconf knows them.
 * The contract is in config.h.
 */
#include "settings/config.h"

#ifdef ROOST_HAVE_SETTINGS_FRAMEWORK
#include "settings.h"
#include "settings/info.h"

static const struct setting_define roost_setting_defines[] = {
#define SETTING(name, type, by_default, text) \
	SETTING_DEFINE_STRUCT_##type(#name, name, struct roost_settings),
#include "settings/roost.def"
	SETTING_DEFINE_LIST_END
};

const struct setting_parser_info roost_setting_parser_info = {
	.name = "roost",
	.defines = roost_setting_defines,
	.defaults = &roost_settings_default,
	.struct_size = sizeof(struct roost_settings),
	.pool_offset1 = 1 + offsetof(struct roost_settings, pool),
};

int
roost_settings_get(struct mail_user *user, const struct roost_settings **set_r,
		   const char **error_r)
{
	if (settings_get(user->event, &roost_setting_parser_info, 0, set_r,
			 error_r) == 0)
		return 0;
	*error_r = roost_info_error(*error_r);
	return -1;
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
