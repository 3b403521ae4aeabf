/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYFILE_KEYFILE_H
#define ROOST_KEYFILE_KEYFILE_H

/*
 * keyfile: a keyring document in a file: read it, lock it, replace it.  The
 * room knows nothing of Dovecot, nor of what a document means.
 *
 * A document is written to a temporary name, synced, put in place without
 * replacing anything (a first one) or by rename, and the directory synced.  The
 * file it replaces keeps a second name, PATH.old, until the caller has read the
 * new one back.  Writers exclude each other by a lock on PATH.lock, which
 * stays, because removing it would need a lock of its own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct roost_keyfile;

/* NULL: out of memory.  path is absolute.  host is what this host is called in
   names of temporary files: each host that uses the file has another one.  Both
   are copied. */
struct roost_keyfile *roost_keyfile_new(const char *path, const char *host);
void roost_keyfile_free(struct roost_keyfile **keyfile);

/* Of what is made from now on; without this call 0600 and the group that a new
   file gets.  gid may be (gid_t)-1 for that group. */
void roost_keyfile_share(struct roost_keyfile *keyfile, mode_t mode,
			 gid_t gid);

const char *roost_keyfile_path(const struct roost_keyfile *keyfile);

/* What failed last, for a log line: a sentence without its full stop.  It is
   kept until the next call that fails. */
const char *roost_keyfile_error(const struct roost_keyfile *keyfile);

/*
 * Read the file into doc, which has room for max bytes.  1, and *len_r says how
 * many there are; 0 there is no file in a directory that is there; -1 it
 * failed, is open to everybody, or is no regular file; -2 it has more than max
 * bytes, of which the caller is to tell.
 */
int roost_keyfile_load(struct roost_keyfile *keyfile, char *doc, size_t max,
		       size_t *len_r);

/* Is there a PATH.old?  1, 0, or -1. */
int roost_keyfile_has_old(struct roost_keyfile *keyfile);

/*
 * Exclude every other writer until unlock, which may be called at any time.
 * 0, or -1: also where another process does not let go for some seconds.
 */
int roost_keyfile_lock(struct roost_keyfile *keyfile);
/* The same without waiting for another process: 1 it is locked; 0 another one
   has the lock; -1. */
int roost_keyfile_lock_try(struct roost_keyfile *keyfile);
void roost_keyfile_unlock(struct roost_keyfile *keyfile);

/*
 * While locked: put a document in place.  is_new: there is none, and none is
 * replaced.  0 it is on the disk; -1 it is not known to be.
 */
int roost_keyfile_store(struct roost_keyfile *keyfile, bool is_new,
			const char *doc, size_t len);

/* Why the temporary name of what was stored last could not be removed, for a
   log line; NULL if it was.  The next one that stores tries it again. */
const char *roost_keyfile_store_leftover(const struct roost_keyfile *keyfile);

/* What was stored has been read back: remove PATH.old.  0, or -1. */
int roost_keyfile_store_settle(struct roost_keyfile *keyfile);

/* While locked: remove the file and PATH.old for good.  0 they are gone from
   the disk; -1 they are not known to be. */
int roost_keyfile_store_remove(struct roost_keyfile *keyfile);

#endif
