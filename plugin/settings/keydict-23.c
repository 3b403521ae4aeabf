/* SPDX-License-Identifier: MIT */
/*
 * keydict-23: opens a dict of Dovecot 2.3 by its URI.  The contract is in
 * keydict.h.
 */
#include "settings/keydict.h"

#ifndef ROOST_HAVE_SETTINGS_FRAMEWORK

struct dict *
roost_keydict_open(const char *name, struct mail_user *user,
		   const char **error_r)
{
	const struct dict_settings set = {
		.base_dir = user->set->base_dir,
		.event_parent = user->event,
	};
	const char *uri = strchr(name, ':') != NULL ? name :
		t_strconcat("proxy::", name, NULL);
	struct dict *dict;

	return dict_init(uri, &set, &dict, error_r) < 0 ? NULL : dict;
}

#endif
