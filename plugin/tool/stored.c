/* SPDX-License-Identifier: MIT */
/*
 * stored: reading files of a backup.  See stored.h.
 */
#define _GNU_SOURCE
#include "tool/stored.h"

#include "roost/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

ssize_t
roost_stored_read(int fd, uint64_t off, void *dst, size_t len)
{
	char *bytes = dst;
	size_t done = 0;
	ssize_t ret;

	if (off > INT64_MAX - len) {
		errno = EOVERFLOW;
		return -1;
	}
	while (done < len) {
		ret = pread(fd, bytes + done, len - done,
			    (off_t)(off + done));
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0)
			return -1;
		if (ret == 0)
			break;
		done += (size_t)ret;
	}
	return (ssize_t)done;
}

static enum roost_err
stored_fill(void *context, uint64_t off, uint8_t *dst, size_t len)
{
	struct roost_stored *stored = context;
	ssize_t ret = roost_stored_read(stored->fd, stored->off + off, dst,
					len);

	if (ret == (ssize_t)len)
		return ROOST_OK;
	/* A file that became shorter while it is read. */
	stored->error = ret < 0 ? errno : ENODATA;
	return ROOST_ERR_IO;
}

struct roost_source
roost_stored_source(struct roost_stored *stored)
{
	struct roost_source source = {
		.read = stored_fill, .context = stored, .size = stored->size
	};

	return source;
}

int
roost_stored_open(int dir_fd, const char *name, struct stat *st_r)
{
	struct stat st;
	/* A FIFO must not make the program wait. */
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK |
			O_NOCTTY | (dir_fd == AT_FDCWD ? 0 : O_NOFOLLOW));
	int error = 0;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		error = errno;
	else if (!S_ISREG(st.st_mode))
		error = ENOTSUP;
	if (error != 0) {
		(void)close(fd);
		errno = error;
		return -1;
	}
	if (st_r != NULL)
		*st_r = st;
	return fd;
}

int
roost_stored_load(int dir_fd, const char *name, size_t max, char **text_r,
		  size_t *len_r)
{
	struct stat st;
	int error = 0, fd = roost_stored_open(dir_fd, name, &st);
	ssize_t ret = -1;

	*text_r = NULL;
	*len_r = 0;
	if (fd < 0)
		return -1;
	if ((uint64_t)st.st_size < max)
		max = (size_t)st.st_size;
	/* One byte more shows that there are too many, or that somebody
	   writes. */
	*text_r = malloc(max + 1);
	if (*text_r == NULL)
		error = ENOMEM;
	else if ((ret = roost_stored_read(fd, 0, *text_r, max + 1)) < 0)
		error = errno;
	else if ((size_t)ret > max)
		error = EFBIG;
	(void)close(fd);
	if (error != 0) {
		if (*text_r != NULL)
			roost_wipe(*text_r, ret > 0 ? (size_t)ret : 0);
		free(*text_r);
		*text_r = NULL;
		errno = error;
		return -1;
	}
	*len_r = (size_t)ret;
	(*text_r)[*len_r] = '\0';
	return 0;
}
