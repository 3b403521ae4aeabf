/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_USER_H
#define ROOST_SESSION_USER_H

/*
 * user: what a session knows of its user.  This room is about one user of
 * Dovecot while he is served: his settings (this file), his keyrings and how
 * they are made (user-ring, ring, scan), where a keyring is stored (keystore),
 * what a policy asks for, and what else would write mail in clear (leaks).
 *
 * The state hangs on Dovecot's mail_user and goes with it: nothing here is
 * static, because a process serves one user after another.
 */

#include "settings/config.h"
#include "stream/measure.h"

#include "roost/header.h"

struct roost_user;

/*
 * The state of a user; NULL where the plugin is not loaded for him, and for
 * the users that Dovecot makes itself, as the owner of a shared mailbox.
 */
struct roost_user *roost_user_get(struct mail_user *user);

/*
 * Make the state of a user and tie it to him, who must have none; NULL with
 * error_r where his settings are wrong or the libraries of cryptography cannot
 * be used.  Free it with the next, before or while the user goes.
 */
struct roost_user *roost_user_new(struct mail_user *user,
				  const char **error_r);
void roost_user_free(struct roost_user **ruser);

/* The user's own settings.  Borrowed, as is all that the next gives. */
const struct roost_config *roost_user_config(const struct roost_user *ruser);

/*
 * The settings that bind a namespace's keyring and mail: the user's own, those
 * of public namespaces, or for a shared one those of its owner, whom userdb is
 * asked for.  -1 with error_r: then nothing in the namespace may be served.
 */
int roost_user_namespace_config(struct roost_user *ruser,
				struct mail_namespace *ns,
				const struct roost_config **config_r,
				const char **error_r);

/*
 * An admin has asked for a keyring: until the command ends, roost_auto_create
 * does not count.  Where is_new, neither do hints at an earlier life, because
 * the admin says that the account starts anew (scan.h).
 */
void roost_user_ask(struct roost_user *ruser, bool is_new);

/*
 * What is known of the object that was opened last, so that nobody reads it
 * again to find out: that it is not packed, or the sizes of what it unpacks
 * to.  A physical size of 0: neither is known.
 */
struct roost_counted {
	uint8_t object_id[ROOST_ID_SIZE];
	bool is_plain;
	struct roost_measure sizes;
};
struct roost_counted *roost_user_counted(struct roost_user *ruser);

/* TRUE the first time it is called with this key in the session. */
bool roost_user_log_once(struct roost_user *ruser, const char *key);

#endif
