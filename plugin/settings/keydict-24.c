/* SPDX-License-Identifier: MIT */
/*
 * keydict-24: opens a dict of Dovecot 2.4, which stands in a roost_dict NAME
 * { }.  This file is also part of the settings module, by which doveconf knows
 * that name.  The contract is in keydict.h.
 */
#include "settings/keydict.h"

#ifdef ROOST_HAVE_SETTINGS_FRAMEWORK
#include "settings.h"
#include "settings/info.h"

struct keydict_settings {
	pool_t pool;
	const char *roost_dict_name;
	ARRAY_TYPE(const_string) names;
};

static const struct setting_define keydict_defines[] = {
	SETTING_DEFINE_STRUCT_STR("roost_dict_name", roost_dict_name,
				  struct keydict_settings),
	{ .type = SET_FILTER_ARRAY, .key = "roost_dict",
	  .offset = offsetof(struct keydict_settings, names),
	  .filter_array_field_name = "roost_dict_name" },
	SETTING_DEFINE_LIST_END
};

static const struct keydict_settings keydict_defaults = {
	.roost_dict_name = "",
	.names = ARRAY_INIT,
};

const struct setting_parser_info roost_keydict_setting_parser_info = {
	.name = "roost_dict",
	.defines = keydict_defines,
	.defaults = &keydict_defaults,
	.struct_size = sizeof(struct keydict_settings),
	.pool_offset1 = 1 + offsetof(struct keydict_settings, pool),
};

/* Without this a dict that stands elsewhere would be opened in the place of
   one that is not there. */
static int
keydict_check(const char *name, struct event *event, const char **error_r)
{
	const struct keydict_settings *set;
	const char *known;
	bool is_known = FALSE;

	if (settings_get(event, &roost_keydict_setting_parser_info, 0, &set,
			 error_r) < 0) {
		*error_r = roost_info_error(*error_r);
		return -1;
	}
	if (array_is_created(&set->names)) {
		array_foreach_elem(&set->names, known)
			is_known = is_known || strcmp(known, name) == 0;
	}
	settings_free(set);
	if (is_known)
		return 0;
	*error_r = t_strdup_printf("there is no roost_dict %s { } that holds "
				   "a dict", name);
	return -1;
}

struct dict *
roost_keydict_open(const char *name, struct mail_user *user,
		   const char **error_r)
{
	struct dict *dict = NULL;
	struct event *event;

	if (keydict_check(name, user->event, error_r) < 0)
		return NULL;
	event = event_create(user->event);
	settings_event_add_list_filter_name(event, "roost_dict", name);
	if (dict_init_auto(event, &dict, error_r) <= 0)
		dict = NULL;
	event_unref(&event);
	return dict;
}

#endif
