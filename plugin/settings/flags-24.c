/* SPDX-License-Identifier: MIT */
/*
 * flags-24: reads the settings of roost_flags through the framework of Dovecot
 * 2.4.  This file is also part of the settings module, by which doveconf knows
 * them.  The contract is in flags.h.
 */
#include "settings/flags.h"

#ifdef ROOST_HAVE_SETTINGS_FRAMEWORK
#include "settings.h"
#include "settings/info.h"

static const struct setting_define roost_flags_setting_defines[] = {
#define SETTING(name, type, by_default, text) \
	SETTING_DEFINE_STRUCT_##type(#name, name, \
				     struct roost_flags_settings),
#include "settings/flags.def"
	SETTING_DEFINE_LIST_END
};

const struct setting_parser_info roost_flags_setting_parser_info = {
	.name = "roost_flags",
	.defines = roost_flags_setting_defines,
	.defaults = &roost_flags_settings_default,
	.struct_size = sizeof(struct roost_flags_settings),
	.pool_offset1 = 1 + offsetof(struct roost_flags_settings, pool),
};

int
roost_flags_settings_get(struct mail_user *user,
			 const struct roost_flags_settings **set_r,
			 const char **error_r)
{
	if (settings_get(user->event, &roost_flags_setting_parser_info, 0,
			 set_r, error_r) == 0)
		return 0;
	*error_r = roost_info_error(*error_r);
	return -1;
}

void
roost_flags_settings_free(const struct roost_flags_settings *set)
{
	settings_free(set);
}

int
roost_flags_settings_map(const char *value, const char **text_r,
			 size_t *len_r, const char **where_r,
			 const char **error_r ATTR_UNUSED)
{
	struct settings_file file;

	*text_r = "";
	*len_r = 0;
	*where_r = "roost_flags_map";
	if (*value == '\0')
		return 0;
	settings_file_get(value, unsafe_data_stack_pool, &file);
	*text_r = file.content;
	*len_r = strlen(file.content);
	if (*file.path != '\0')
		*where_r = file.path;
	return 0;
}

#endif
