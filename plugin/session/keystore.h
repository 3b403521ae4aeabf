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

/*
 * Open a location, for example "file:~/roost.keyring"; home replaces ~.
 * Does not touch the storage.  NULL with error_r.
 */
struct roost_keystore *
roost_keystore_init(const char *location, const char *home,
		    const char **error_r);
void roost_keystore_deinit(struct roost_keystore **store);

/* How log lines call it. */
const char *roost_keystore_name(const struct roost_keystore *store);

/* The file that holds it: an absolute path. */
const char *roost_keystore_path(const struct roost_keystore *store);

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
void roost_keystore_unlock(struct roost_keystore *store);

/*
 * Where there is no document: is there what one was before its last change?
 * 0, and *hint_r says so if there is; -1 with error_r.
 */
int roost_keystore_has_old(struct roost_keystore *store, const char **hint_r,
			   const char **error_r);

/*
 * While locked: replace the document old (NULL: there was none) by doc.  1 it
 * was stored and read back; 0 what is stored is not old, and stays; -1 with
 * error_r.
 */
int roost_keystore_store(struct roost_keystore *store, const buffer_t *old,
			 const char *doc, size_t len, const char **error_r);

#endif
