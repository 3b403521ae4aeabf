/* SPDX-License-Identifier: MIT */
/*
 * default: what holds where a setting was not written, for both plugins and
 * both majors of Dovecot.
 */
#include "settings/config.h"
#include "settings/flags.h"

const struct roost_settings roost_settings_default = {
#define SETTING(name, type, by_default, text) .name = by_default,
#include "settings/roost.def"
};

const struct roost_flags_settings roost_flags_settings_default = {
#define SETTING(name, type, by_default, text) .name = by_default,
#include "settings/flags.def"
};
