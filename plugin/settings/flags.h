/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SETTINGS_FLAGS_H
#define ROOST_SETTINGS_FLAGS_H

/*
 * flags: what an administrator wrote about custom flags, read alike on both
 * majors of Dovecot, and the rules that come of it.  The list of the settings
 * is flags.def; see config.h for what is made from it.
 */

#include "dovecot/compat.h"

#include "roost/flagrule.h"

/* What was written there; the strings live as long as the user.  An empty one
   leaves the default rule in force. */
struct roost_flags_settings {
	pool_t pool;
#define SETTING(name, type, by_default, text) const char *name;
#include "settings/flags.def"
};

/* What holds where nothing was written. */
extern const struct roost_flags_settings roost_flags_settings_default;

/*
 * Read the settings of a user.  Returns 0, or -1 with the reason in error_r,
 * when there is nothing to free.
 */
int roost_flags_settings_get(struct mail_user *user,
			     const struct roost_flags_settings **set_r,
			     const char **error_r);
void roost_flags_settings_free(const struct roost_flags_settings *set);

/*
 * The text of the file that the value of roost_flags_map names.  Returns 0, or
 * -1 with the reason in error_r.  *where_r is what an error about that text is
 * to name: the file's path, or the setting.  All three results live on the data
 * stack or as long as the value.
 */
int roost_flags_settings_map(const char *value, const char **text_r,
			     size_t *len_r, const char **where_r,
			     const char **error_r);

/*
 * Make the rules of the defaults, the settings and then the file.  Returns 0,
 * or -1 with an error that names the setting or the file, line and column, and
 * what was expected there; rules_r must not be used then.
 */
int roost_flags_rules_init(struct roost_flagrules *rules_r,
			   const struct roost_flags_settings *set,
			   const char **error_r);

#endif
