/* SPDX-License-Identifier: MIT */
/*
 * flags-24: reading the settings through the framework of 2.4; also part
 * of the settings module, by which doveconf knows them.  See flags.h.
 */
#include "settings/flags.h"

#ifdef ROOST_HAVE_SETTINGS_FRAMEWORK
#include "settings.h"
#include "settings/info.h"

#undef DEF
#define DEF(type, name) \
	SETTING_DEFINE_STRUCT_##type(#name, name, struct roost_flags_settings)

static const struct setting_define roost_flags_setting_defines[] = {
	DEF(STR, roost_flags_protect),
	DEF(STR, roost_flags_keep),
	DEF(STR, roost_flags_deny),
	DEF(STR, roost_flags_allow),
	DEF(STR, roost_flags_alias),
	DEF(STR, roost_flags_exclusive),
	DEF(STR, roost_flags_imply),
	DEF(STR, roost_flags_colors),
	DEF(STR, roost_flags_max_per_message),
	DEF(STR, roost_flags_max_per_mailbox),
	DEF(STR, roost_flags_reserve),
	DEF(STR, roost_flags_on_violation),
	DEF(STR, roost_flags_at_delivery),
	DEF(STR, roost_flags_authserv),
	DEF(FILE, roost_flags_map),
	SETTING_DEFINE_LIST_END
};

static const struct roost_flags_settings roost_flags_default_settings = {
	.roost_flags_protect = "",
	.roost_flags_keep = "",
	.roost_flags_deny = "",
	.roost_flags_allow = "",
	.roost_flags_alias = "",
	.roost_flags_exclusive = "",
	.roost_flags_imply = "",
	.roost_flags_colors = "",
	.roost_flags_max_per_message = "",
	.roost_flags_max_per_mailbox = "",
	.roost_flags_reserve = "",
	.roost_flags_on_violation = "",
	.roost_flags_at_delivery = "",
	.roost_flags_authserv = "",
	.roost_flags_map = "",
};

const struct setting_parser_info roost_flags_setting_parser_info = {
	.name = "roost_flags",
	.defines = roost_flags_setting_defines,
	.defaults = &roost_flags_default_settings,
	.struct_size = sizeof(struct roost_flags_settings),
	.pool_offset1 = 1 + offsetof(struct roost_flags_settings, pool),
};

int
roost_flags_settings_get(struct mail_user *user,
			 const struct roost_flags_settings **set_r,
			 const char **error_r)
{
	return settings_get(user->event, &roost_flags_setting_parser_info, 0,
			    set_r, error_r);
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
