/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGS_USER_H
#define ROOST_FLAGS_USER_H

/*
 * user: a session's rules of custom flags, and on whose behalf it acts.
 */

#include "settings/flags.h"

struct roost_flags_user {
	union mail_user_module_context module_ctx;
	struct mail_user *user;
	const struct roost_flags_settings *set;
	struct roost_flagrules *rules;
	struct roost_flag_outcome *outcome;	/* of the last change */
	enum roost_flag_actor actor;	/* by the kind of the process */
	bool is_copying;		/* while a message is copied */
	/* The hosts whose Authentication-Results are trusted, with NULL at the
	   end. */
	const char *const *authserv;
};

/* NULL for a user without rules. */
struct roost_flags_user *roost_flags_user_get(struct mail_user *user);

/* Who acts now: a session may begin and end to replicate at any time. */
enum roost_flag_actor
roost_flags_user_actor(const struct roost_flags_user *fuser);

/* To be called for every user of the process, when Dovecot has created it.
   Wrong rules set the user's error, so that the session ends. */
void roost_flags_user_created(struct mail_user *user);

#endif
