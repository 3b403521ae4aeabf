/* SPDX-License-Identifier: MIT */
#ifndef ROOST_TOOL_STORED_H
#define ROOST_TOOL_STORED_H

/*
 * stored: files of a backup: opening them without following a link, reading
 * small ones whole, and the bytes of one stored message.
 */

#include "roost/object.h"

#include <sys/stat.h>
#include <sys/types.h>

/* One stored message: some bytes of an open file, which is borrowed. */
struct roost_stored {
	int fd;
	uint64_t off, size;
	int error;		/* errno of the read that failed last */
};

/* Returns a source of these bytes, which borrows stored. */
struct roost_source roost_stored_source(struct roost_stored *stored);

/* Read up to len bytes from off of a file.  Returns how many, fewer only at the
   file's end, or -1 with errno. */
ssize_t roost_stored_read(int fd, uint64_t off, void *dst, size_t len);

/*
 * Open a regular file for reading.  In a folder of a backup it may not be a
 * symbolic link; with AT_FDCWD it is a path that a person has given, whose
 * links are followed.  Returns the descriptor, or -1 with errno, which is ELOOP
 * for a link and ENOTSUP for what is no regular file.  st_r may be NULL.
 */
int roost_stored_open(int dir_fd, const char *name, struct stat *st_r);

/*
 * Read a whole file of at most max bytes into new memory with a NUL behind
 * them.  0, or -1 with errno, which is EFBIG for a larger one, and then *text_r
 * is NULL.  The caller frees it, and wipes it before where it is secret.
 */
int roost_stored_load(int dir_fd, const char *name, size_t max, char **text_r,
		      size_t *len_r);

#endif
