/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYFILE_KEYFILE_PRIVATE_H
#define ROOST_KEYFILE_KEYFILE_PRIVATE_H

/*
 * keyfile-private: what the files of this room share.
 */

#include "keyfile/keyfile.h"

_Static_assert(sizeof(off_t) == 8, "built with -D_FILE_OFFSET_BITS=64");

struct roost_keyfile {
	char *path;
	const char *name;	/* the last part of path */
	char *dir;		/* what is before it */
	char *lock_path, *old_path;
	char *host;
	char *leftover;		/* see roost_keyfile_store_leftover() */
	mode_t mode;
	gid_t gid;
	int lock_fd;		/* -1: not locked */
	char *error;
};

/* Keep an error's text; always -1. */
int roost_keyfile_fail(struct roost_keyfile *keyfile, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same of a system call that failed just now: "call(path) failed: why". */
int roost_keyfile_fail_call(struct roost_keyfile *keyfile, const char *call,
			    const char *path);

/*
 * Give a new file its mode and group.  A process that may not give it to that
 * group keeps it for itself, as Dovecot does with a mailbox's files.
 */
int roost_keyfile_give(struct roost_keyfile *keyfile, int fd,
		       const char *path, mode_t mode);

/* A text in memory of its own; NULL: out of memory. */
char *roost_keyfile_text(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

#endif
