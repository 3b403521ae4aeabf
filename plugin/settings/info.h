/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SETTINGS_INFO_H
#define ROOST_SETTINGS_INFO_H

/*
 * info: how Dovecot 2.4 reads the settings.  config-24.c, flags-24.c and
 * keydict-24.c define it, for themselves and for the settings module.
 */

#include "settings-parser.h"

extern const struct setting_parser_info roost_setting_parser_info;
extern const struct setting_parser_info roost_flags_setting_parser_info;
extern const struct setting_parser_info roost_keydict_setting_parser_info;

/* What settings_get() says of one of these, in words that tell what to do where
   it is about a server that does not know it.  On the data stack. */
const char *roost_info_error(const char *error);

#endif
