/* SPDX-License-Identifier: MIT */
/*
 * module: the settings module, from which the configuration of Dovecot 2.4
 * knows the settings of both plugins.  Dovecot asks for these two symbols.
 */
#include "dovecot/compat.h"

#ifdef ROOST_HAVE_SETTINGS_FRAMEWORK
#include "settings/info.h"

#define EXPORT __attribute__((visibility("default")))

extern EXPORT const char *roost_settings_version;
extern EXPORT const struct setting_parser_info *roost_settings_set_infos[];

const char *roost_settings_version = DOVECOT_ABI_VERSION;
const struct setting_parser_info *roost_settings_set_infos[] = {
	&roost_setting_parser_info, &roost_flags_setting_parser_info,
	&roost_keydict_setting_parser_info, NULL
};
#endif
