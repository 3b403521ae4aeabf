/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SETTINGS_PLUGIN_SECTION_H
#define ROOST_SETTINGS_PLUGIN_SECTION_H

/*
 * plugin-section: reads settings from the plugin section of Dovecot 2.3.
 */

#include "dovecot/compat.h"

struct roost_plugin_setting {
	const char *name;
	size_t off;		/* of a const char * in the struct to fill */
};

/*
 * Fill in what the section has of these settings; set keeps what it held of the
 * others.  The strings are Dovecot's own and live as long as the user: they are
 * not copied, because one of them is a key.
 */
void roost_plugin_section_read(struct mail_user *user,
			       const struct roost_plugin_setting *settings,
			       unsigned int count, void *set);

#endif
