/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_KEYSTORE_H
#define ROOST_SESSION_KEYSTORE_H

/*
 * keystore: where keyring documents live, behind a small interface.
 *
 * Promises: a document is stored whole or not at all; two processes never
 * lose an update; "there is none" is said only when the storage itself says
 * so.  It knows nothing of what a document means.
 */

#include "dovecot/compat.h"

struct roost_keystore;

/* Whose keyring is stored.  A kind of storage asks for what it needs. */
struct roost_keystore_owner {
	const char *name;		/* of the user */
	const char *home;		/* NULL or "": none */
	struct mail_user *user;		/* whose settings hold */
};

/*
 * Open a location, for example "file:~/roost.keyring" or "dict:keys".  Does not
 * touch the storage.  What owner points to is not copied, but for texts.  NULL
 * with error_r.
 */
struct roost_keystore *
roost_keystore_init(const char *location,
		    const struct roost_keystore_owner *owner,
		    const char **error_r);
void roost_keystore_deinit(struct roost_keystore **store);

/* How log lines call it. */
const char *roost_keystore_name(const struct roost_keystore *store);

/* The absolute path of the file that holds it, or beside which a file that
   locks it is made; NULL if there is no file of either kind. */
const char *roost_keystore_path(const struct roost_keystore *store);

/*
 * TRUE if of two hosts that make a first document at the same time one fails.
 * Where it is not so, the later one takes the place of the other, and what was
 * sealed to that one is lost: so none may be made that nobody has asked for.
 */
bool roost_keystore_makes_once(const struct roost_keystore *store);

/*
 * What is made in the store gets the mode and group that Dovecot gives to the
 * files of these mailboxes, but is never open to everybody.  Without this call
 * it is its user's alone.
 */
void roost_keystore_share(struct roost_keystore *store,
			  const struct mailbox_permissions *permissions);

/* Load the document.  1, and doc_r holds it; 0 there is none; -1 with error_r.
   After either doc_r is empty. */
int roost_keystore_load(struct roost_keystore *store, buffer_t *doc_r,
			const char **error_r);

/*
 * Exclude every other writer until unlock.  -1 with error_r, also where another
 * one does not let go for some seconds.
 */
int roost_keystore_lock(struct roost_keystore *store, const char **error_r);
/* The same without waiting, in a store that makes once: 1 it is locked; 0
   another writer has the lock; -1 with error_r. */
int roost_keystore_lock_try(struct roost_keystore *store,
			    const char **error_r);
void roost_keystore_unlock(struct roost_keystore *store);

/* Lock two stores of one user, whose locks may be the same file, for as long as
   both are locked.  -1 with error_r, and neither is. */
int roost_keystore_lock_both(struct roost_keystore *one,
			     struct roost_keystore *other,
			     const char **error_r);

/* TRUE if both are the same place. */
bool roost_keystore_is_same(const struct roost_keystore *one,
			    const struct roost_keystore *other);

/* TRUE if the two cannot be one place that has two names, because they are of
   different kinds. */
bool roost_keystore_is_apart(const struct roost_keystore *one,
			     const struct roost_keystore *other);

/*
 * Where there is no document: is there what one was before its last change?
 * 0, and *hint_r says so if there is; -1 with error_r.
 */
int roost_keystore_has_old(struct roost_keystore *store, const char **hint_r,
			   const char **error_r);

/*
 * The document was loaded and has passed every gate: remove the one before it,
 * which a writer who was killed has left beside it.  Does nothing where another
 * process writes, or where doc is no longer what is stored.
 */
void roost_keystore_tidy(struct roost_keystore *store, const buffer_t *doc);

/*
 * While locked: replace the document old (NULL: there was none) by doc.  1 it
 * was stored and read back; 0 what is stored is not old, and stays; -1 with
 * error_r.
 */
int roost_keystore_store(struct roost_keystore *store, const buffer_t *old,
			 const char *doc, size_t len, const char **error_r);

/* The same for who has read old while it was locked, so that 0 is an error:
   another host, which does not see the lock, has changed it. */
int roost_keystore_replace(struct roost_keystore *store, const buffer_t *old,
			   const char *doc, size_t len, const char **error_r);

/* While locked: remove the document old for good.  1 there is none now; 0 what
   is stored is not old, and stays; -1 with error_r. */
int roost_keystore_remove(struct roost_keystore *store, const buffer_t *old,
			  const char **error_r);

#endif
