/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_USER_SHARE_H
#define ROOST_SESSION_USER_SHARE_H

/*
 * user-share: one state of a user in a process, though two modules have this
 * code.  The plugin `roost` and the module of doveadm's commands are linked
 * from the same rooms, and each copy would give a user a state of its own: a
 * keyring that a command changed would stay as it was in the other.  So the
 * plugin shows its states by a table, and a command takes the state from there
 * if the user has one.
 */

#include "session/user.h"

/*
 * The plugin exports the address of its own as ROOST_USER_SHARE_SYMBOL.  The
 * other module works on the same structs by its own copy of the code, which is
 * right only if both are of one build.
 */
struct roost_user_share {
	const char *build;	/* first, in every build */
	size_t user_size, config_size, settings_size;
	struct roost_user *(*get)(struct mail_user *user);
};
#define ROOST_USER_SHARE_MODULE "roost_plugin"
#define ROOST_USER_SHARE_SYMBOL "roost_plugin_share"
extern const struct roost_user_share roost_user_share;

/*
 * The state of a user for a command: the plugin's, or one that is made now if
 * the plugin has none, as where it is not loaded for this user.  NULL with
 * error_r: also if the plugin that is loaded is of another build.  Give it
 * back before the command ends; *ruser is NULL then.
 */
struct roost_user *roost_user_share_take(struct mail_user *user,
					 const char **error_r);
void roost_user_share_give_back(struct roost_user **ruser);

#endif
