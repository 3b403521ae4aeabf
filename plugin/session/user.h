/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_USER_H
#define ROOST_SESSION_USER_H

/*
 * user: what a mail session knows of Roost: settings, keyrings in use, and
 * what was logged already.
 *
 * Nothing here is static: a process serves one user after another.
 */

#include "session/ring.h"
#include "stream/measure.h"

struct roost_user;

/* NULL where Roost is not loaded for the user, and for helper users that
   Dovecot makes itself. */
struct roost_user *roost_user_get(struct mail_user *user);

const struct roost_config *roost_user_config(const struct roost_user *ruser);

/*
 * What binds a namespace's keyring and mail: the user's own settings, those of
 * public namespaces, or for a shared one those of its owner, whom userdb is
 * asked for.  -1 with error_r: then nothing in it may be served.
 */
int roost_user_namespace_config(struct roost_user *ruser,
				struct mail_namespace *ns,
				const struct roost_config **config_r,
				const char **error_r);

/*
 * Make what a session knows and tie it to the user; NULL with error_r.  For
 * who needs it outside the hook below; freed with the next.
 */
struct roost_user *roost_user_new(struct mail_user *user,
				  const char **error_r);
void roost_user_free(struct roost_user **ruser);

/* Hooks. */
void roost_user_created(struct mail_user *user);
void roost_user_namespaces_created(struct mail_namespace *namespaces);

/*
 * The keyring of a namespace's owner: one per session, loaded at first use.
 * 1; 0 there is none; -1 with error_r.  Borrowed until the user goes.
 */
int roost_user_ring(struct roost_user *ruser, struct mail_namespace *ns,
		    struct roost_ring **ring_r, const char **error_r);

/*
 * What becomes of a plaintext message there, by the policy in force, which is
 * read again.  -1 with error_r: the keyring fails, and nothing may be served.
 */
int roost_user_plaintext(struct roost_user *ruser, struct mail_namespace *ns,
			 enum roost_plaintext *plaintext_r,
			 const char **error_r);

/* Whose that keyring must be, as a name (FORMAT.md 7.1); -1 with error_r. */
int roost_user_owner(struct roost_user *ruser, struct mail_namespace *ns,
		     const char **owner_r, const char **error_r);

/* Where that keyring lies; NULL with error_r.  The caller frees it. */
struct roost_keystore *
roost_user_keystore(struct roost_user *ruser, struct mail_namespace *ns,
		    const char **error_r);

/* The same for sealing: makes one where that is allowed; 0 or -1. */
int roost_user_seal_ring(struct roost_user *ruser, struct mail_namespace *ns,
			 struct roost_ring **ring_r, const char **error_r);

/*
 * roost_ring_renew() of a ring that one of these gave: before the first seal
 * of a transaction, and before what it saved is acknowledged.
 */
int roost_user_renew_ring(struct roost_user *ruser, struct roost_ring *ring,
			  const char **error_r);

/*
 * An admin asks for keyrings: from now on roost_auto_create does not count.
 * Nor do hints at an earlier life, if all that has none starts anew (scan.h).
 */
void roost_user_ask(struct roost_user *ruser, bool is_new);

/* Of the object that was opened last, so that nobody looks and counts again:
   it is not packed, or these are the sizes of what it unpacks to; physical 0:
   neither is known. */
struct roost_counted {
	uint8_t object_id[ROOST_ID_SIZE];
	bool is_plain;
	struct roost_measure sizes;
};
struct roost_counted *roost_user_counted(struct roost_user *ruser);

/* True the first time it is called with this key in the session. */
bool roost_user_log_once(struct roost_user *ruser, const char *key);

#endif
