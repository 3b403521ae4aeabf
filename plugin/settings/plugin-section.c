/* SPDX-License-Identifier: MIT */
/*
 * plugin-section: reads settings from the plugin section of Dovecot 2.3.  The
 * contract is in plugin-section.h.
 */
#include "settings/plugin-section.h"

#ifndef ROOST_HAVE_SETTINGS_FRAMEWORK

void
roost_plugin_section_read(struct mail_user *user,
			  const struct roost_plugin_setting *settings,
			  unsigned int count, void *set)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		const char *value =
			mail_user_plugin_getenv(user, settings[i].name);
		const char **field = PTR_OFFSET(set, settings[i].off);

		if (value != NULL)
			*field = value;
	}
}

#endif
