/* SPDX-License-Identifier: MIT */
/*
 * module: by which Dovecot 2.4's configuration knows the settings.
 */
#include "dovecot/compat.h"

#ifdef ROOST_HAVE_SETTINGS_FRAMEWORK
#include "settings/info.h"

#define EXPORT __attribute__((visibility("default")))

extern EXPORT const char *roost_settings_version;
extern EXPORT const struct setting_parser_info *roost_settings_set_infos[];

const char *roost_settings_version = DOVECOT_ABI_VERSION;
const struct setting_parser_info *roost_settings_set_infos[] = {
	&roost_setting_parser_info, &roost_flags_setting_parser_info, NULL
};
#endif
