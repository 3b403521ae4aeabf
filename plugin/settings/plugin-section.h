/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SETTINGS_PLUGIN_SECTION_H
#define ROOST_SETTINGS_PLUGIN_SECTION_H

/*
 * plugin-section: settings out of the plugin section of 2.3.
 */

#include "dovecot/compat.h"

struct roost_plugin_setting {
	const char *name;
	size_t off;		/* of a const char * in the struct to fill */
	const char *by_default;
};

#define ROOST_PLUGIN_SETTING(type, name, by_default) \
	{ #name, offsetof(type, name), by_default }

/* Fill set.  Strings are Dovecot's own, which live as long as the user: one of
   them is a key, and is not to stand in memory once more. */
void roost_plugin_section_read(struct mail_user *user,
			       const struct roost_plugin_setting *settings,
			       unsigned int count, void *set);

#endif
