/* SPDX-License-Identifier: MIT */
#ifndef ROOST_PLUGIN_SECTION_H
#define ROOST_PLUGIN_SECTION_H

/*
 * plugin-section: settings out of the plugin section of 2.3.
 */

#include "dovecot-compat.h"

struct roost_plugin_setting {
	const char *name;
	size_t off;		/* of a const char * in the struct to fill */
	const char *by_default;
};

#define ROOST_PLUGIN_SETTING(type, name, by_default) \
	{ #name, offsetof(type, name), by_default }

/* Fill set; strings belong to the pool. */
void roost_plugin_section_read(struct mail_user *user, pool_t pool,
			       const struct roost_plugin_setting *settings,
			       unsigned int count, void *set);

#endif
