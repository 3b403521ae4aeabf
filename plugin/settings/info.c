/* SPDX-License-Identifier: MIT */
/*
 * info: how Dovecot 2.4 reads the settings.  See info.h.
 *
 * A command, and each process of a server, gets the configuration as the server
 * has read it.  One that was started before Roost was installed has none of
 * Roost's settings, and a reload does not teach it.
 */
#include "dovecot/compat.h"

#ifdef ROOST_HAVE_SETTINGS_FRAMEWORK
#include "settings/info.h"

const char *
roost_info_error(const char *error)
{
	if (strstr(error, "Configuration has no settings struct") == NULL)
		return error;
	return t_strdup_printf("The running Dovecot does not know Roost's "
		"settings, because it was started before Roost was "
		"installed: restart Dovecot, a reload is not enough (%s)",
		error);
}

#endif
