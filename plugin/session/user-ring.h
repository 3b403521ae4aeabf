/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_USER_RING_H
#define ROOST_SESSION_USER_RING_H

/*
 * user-ring: the keyrings of a session: one for each owner of mailboxes that
 * the user opens, loaded at first use and checked against what binds it.
 */

#include "session/ring.h"
#include "session/user.h"

/*
 * The keyring of a namespace's owner.  1, and *ring_r is borrowed until the
 * user goes; 0 there is none; -1 with error_r.
 */
int roost_user_ring(struct roost_user *ruser, struct mail_namespace *ns,
		    struct roost_ring **ring_r, const char **error_r);

/*
 * The same for sealing: where there is none, one is made if that is allowed.
 * 0, or -1 with error_r.
 */
int roost_user_seal_ring(struct roost_user *ruser, struct mail_namespace *ns,
			 struct roost_ring **ring_r, const char **error_r);

/*
 * roost_ring_renew() of a ring that one of these gave.  Asked before what a
 * transaction saved is acknowledged, and by whoever has just changed what is
 * stored.
 */
int roost_user_renew_ring(struct roost_user *ruser, struct roost_ring *ring,
			  const char **error_r);

/*
 * The same before the first seal of a transaction, which is compared once more
 * before it is acknowledged: a ring that was loaded in this moment and for
 * this, as by a delivery, is not compared twice.
 */
int roost_user_recent_ring(struct roost_user *ruser, struct roost_ring *ring,
			   const char **error_r);

/*
 * What becomes of a plaintext message in the namespace, by the policy in
 * force, for which the keyring is read again.  -1 with error_r: the keyring
 * fails, and nothing may be served.
 */
int roost_user_plaintext(struct roost_user *ruser, struct mail_namespace *ns,
			 enum roost_plaintext *plaintext_r,
			 const char **error_r);

/* Whose the namespace's keyring must be, as a name (FORMAT.md 7.1).  0, or -1
   with error_r. */
int roost_user_owner(struct roost_user *ruser, struct mail_namespace *ns,
		     const char **owner_r, const char **error_r);

/* Where that keyring is stored; NULL with error_r.  The caller frees it. */
struct roost_keystore *
roost_user_keystore(struct roost_user *ruser, struct mail_namespace *ns,
		    const char **error_r);

/* The same of the user's own keyring at another location than his setting's,
   or under another user's name; NULL stands for his own. */
struct roost_keystore *
roost_user_keystore_at(struct roost_user *ruser, struct mail_namespace *ns,
		       const char *location, const char *name,
		       const char **error_r);

#endif
