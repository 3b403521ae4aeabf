/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SETTINGS_FLAGS_H
#define ROOST_SETTINGS_FLAGS_H

/*
 * flags: what an admin wrote about custom flags, read the same way
 * from both majors, and the rules it makes.
 */

#include "dovecot/compat.h"

#include "roost/flagrule.h"

/* As written; strings belong to the pool.  Empty: the default stays. */
struct roost_flags_settings {
	pool_t pool;
	const char *roost_flags_protect;
	const char *roost_flags_keep;
	const char *roost_flags_deny;
	const char *roost_flags_allow;
	const char *roost_flags_alias;
	const char *roost_flags_exclusive;
	const char *roost_flags_imply;
	const char *roost_flags_colors;
	const char *roost_flags_max_per_message;
	const char *roost_flags_max_per_mailbox;
	const char *roost_flags_reserve;
	const char *roost_flags_on_violation;
	const char *roost_flags_at_delivery;
	const char *roost_flags_authserv;
	const char *roost_flags_map;
};

/* Read them for a user.  -1 with error_r; free with the next. */
int roost_flags_settings_get(struct mail_user *user,
			     const struct roost_flags_settings **set_r,
			     const char **error_r);
void roost_flags_settings_free(const struct roost_flags_settings *set);

/* What the setting roost_flags_map names, and where it stood.  -1 with
   error_r. */
int roost_flags_settings_map(const char *value, const char **text_r,
			     size_t *len_r, const char **where_r,
			     const char **error_r);

/*
 * The rules: the defaults, the settings, and then the file.  -1 with an error
 * that names setting or file, line and column, and what was expected.
 */
int roost_flags_rules_init(struct roost_flagrules *rules_r,
			   const struct roost_flags_settings *set,
			   const char **error_r);

#endif
