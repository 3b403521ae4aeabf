/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGS_USER_H
#define ROOST_FLAGS_USER_H

/*
 * user: a session's rules of custom flags, and who acts in it.
 */

#include "settings/flags.h"

struct roost_flags_user {
	union mail_user_module_context module_ctx;
	struct mail_user *user;
	const struct roost_flags_settings *set;
	struct roost_flagrules *rules;
	struct roost_flag_outcome *outcome;	/* of the last change */
	enum roost_flag_actor actor;		/* whose process this is */
	bool is_copying;			/* within a copy */
	/* Hosts whose Authentication-Results count; NULL at the end. */
	const char *const *authserv;
};

/* NULL for a user without rules. */
struct roost_flags_user *roost_flags_user_get(struct mail_user *user);

/* Who acts now: replication may begin and end within a session. */
enum roost_flag_actor
roost_flags_user_actor(const struct roost_flags_user *fuser);

/* The hook. */
void roost_flags_user_created(struct mail_user *user);

#endif
