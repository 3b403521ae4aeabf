/* SPDX-License-Identifier: MIT */
/*
 * home: whether a user has a home directory.  See home.h.
 */
#include "doveadm/home.h"

#include <sys/stat.h>

const char *
roost_home_fault(struct mail_user *user, const struct roost_config *config,
		 const char **mend_r)
{
	const char *home;
	struct stat st;
	int ret;

	if (strstr(config->keyring, ":~/") == NULL)
		return NULL;
	ret = mail_user_get_home(user, &home);
	if (ret == 0 || (ret > 0 && *home == '\0')) {
		*mend_r = t_strdup_printf("give userdb a home for %s, or "
			"write an absolute path into roost_keyring",
			user->username);
		return t_strdup_printf("User %s has no home directory, where "
			"roost_keyring, %s, would lie", user->username,
			config->keyring);
	}
	if (ret < 0 || stat(home, &st) == 0 || errno != ENOENT)
		return NULL;
	*mend_r = t_strdup_printf("install -d -m 0700 -o %s -g %s %s",
				  dec2str(user->uid), dec2str(user->gid),
				  home);
	return t_strdup_printf("The home directory of user %s, %s, is not "
			       "there", user->username, home);
}
