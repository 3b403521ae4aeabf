/* SPDX-License-Identifier: MIT */
/*
 * keyfile: reading, and what the files of this room share.  See keyfile.h.
 */
#define _GNU_SOURCE	/* for what -std=c11 leaves out of POSIX */
#include "keyfile/keyfile-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *
text_format(const char *format, va_list args)
	__attribute__((format(printf, 1, 0)));

static char *
text_format(const char *format, va_list args)
{
	va_list again;
	char *text;
	int len;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, again);
	va_end(again);
	text = len < 0 ? NULL : malloc((size_t)len + 1);
	if (text != NULL)
		(void)vsnprintf(text, (size_t)len + 1, format, args);
	return text;
}

char *
roost_keyfile_text(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = text_format(format, args);
	va_end(args);
	return text;
}

int
roost_keyfile_fail(struct roost_keyfile *keyfile, const char *format, ...)
{
	va_list args;

	free(keyfile->error);
	va_start(args, format);
	keyfile->error = text_format(format, args);
	va_end(args);
	return -1;
}

int
roost_keyfile_fail_call(struct roost_keyfile *keyfile, const char *call,
			const char *path)
{
	return roost_keyfile_fail(keyfile, "%s(%s) failed: %s", call, path,
				  strerror(errno));
}

const char *
roost_keyfile_error(const struct roost_keyfile *keyfile)
{
	return keyfile->error == NULL ? "out of memory" : keyfile->error;
}

struct roost_keyfile *
roost_keyfile_new(const char *path, const char *host)
{
	const char *slash = strrchr(path, '/');
	size_t dir_len = slash == NULL || slash == path ? 1 :
		(size_t)(slash - path);
	struct roost_keyfile *keyfile = calloc(1, sizeof(*keyfile));

	if (keyfile == NULL)
		return NULL;
	keyfile->path = roost_keyfile_text("%s", path);
	keyfile->dir = roost_keyfile_text("%.*s", (int)dir_len,
					  slash == NULL ? "." : path);
	keyfile->lock_path = roost_keyfile_text("%s.lock", path);
	keyfile->old_path = roost_keyfile_text("%s.old", path);
	/* It becomes a part of a file's name. */
	keyfile->host = roost_keyfile_text("%s", *host == '\0' ||
		strchr(host, '/') != NULL ? "localhost" : host);
	keyfile->mode = 0600;
	keyfile->gid = (gid_t)-1;
	keyfile->lock_fd = -1;
	if (keyfile->path == NULL || keyfile->dir == NULL ||
	    keyfile->lock_path == NULL || keyfile->old_path == NULL ||
	    keyfile->host == NULL) {
		roost_keyfile_free(&keyfile);
		return NULL;
	}
	keyfile->name = slash == NULL ? keyfile->path :
		keyfile->path + (slash + 1 - path);
	return keyfile;
}

void
roost_keyfile_free(struct roost_keyfile **_keyfile)
{
	struct roost_keyfile *keyfile = *_keyfile;

	*_keyfile = NULL;
	if (keyfile == NULL)
		return;
	if (keyfile->lock_fd >= 0)
		(void)close(keyfile->lock_fd);
	free(keyfile->path);
	free(keyfile->dir);
	free(keyfile->lock_path);
	free(keyfile->old_path);
	free(keyfile->host);
	free(keyfile->leftover);
	free(keyfile->error);
	free(keyfile);
}

void
roost_keyfile_share(struct roost_keyfile *keyfile, mode_t mode, gid_t gid)
{
	keyfile->mode = mode;
	keyfile->gid = gid;
}

const char *
roost_keyfile_path(const struct roost_keyfile *keyfile)
{
	return keyfile->path;
}

/* The group comes before the mode, which is meant for that group and for no
   other one. */
int
roost_keyfile_give(struct roost_keyfile *keyfile, int fd, const char *path,
		   mode_t mode)
{
	gid_t gid = (mode & 0070) == 0 ? (gid_t)-1 : keyfile->gid;

	if (gid != (gid_t)-1 && fchown(fd, (uid_t)-1, gid) < 0) {
		if (errno != EPERM)
			return roost_keyfile_fail_call(keyfile, "fchown",
						       path);
		mode &= 0600;
	}
	return fchmod(fd, mode) == 0 ? 0 :
		roost_keyfile_fail_call(keyfile, "fchmod", path);
}

/* That there is no file is believed only where its directory is there. */
static int
load_is_missing(struct roost_keyfile *keyfile)
{
	struct stat st;

	if (stat(keyfile->dir, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	return roost_keyfile_fail(keyfile,
		"%s: its directory %s is not there: %s", keyfile->path,
		keyfile->dir, strerror(errno));
}

static int
load_check(struct roost_keyfile *keyfile, int fd, off_t *size_r)
{
	struct stat st;

	*size_r = 0;
	if (fstat(fd, &st) < 0)
		return roost_keyfile_fail_call(keyfile, "fstat",
					       keyfile->path);
	if (!S_ISREG(st.st_mode))
		return roost_keyfile_fail(keyfile, "%s is not a regular file",
					  keyfile->path);
	if ((st.st_mode & 0007) != 0)
		return roost_keyfile_fail(keyfile,
			"%s is open to everybody: chmod 0600 %s",
			keyfile->path, keyfile->path);
	*size_r = st.st_size;
	return 0;
}

/* Read up to the size that the file has, which spares asking for its end, or
   one byte more than there is room for, to tell what is too large. */
static int
load_read(struct roost_keyfile *keyfile, int fd, off_t size, char *doc,
	  size_t max, size_t *len_r)
{
	ssize_t ret = 1;
	char more;

	*len_r = 0;
	while (*len_r < max &&
	       ((ret = read(fd, doc + *len_r, max - *len_r)) > 0 ||
		(ret < 0 && errno == EINTR))) {
		*len_r += ret < 0 ? 0 : (size_t)ret;
		if (ret > 0 && (off_t)*len_r == size)
			return 1;
	}
	if (ret > 0)
		ret = read(fd, &more, 1);
	if (ret < 0)
		return roost_keyfile_fail_call(keyfile, "read",
					       keyfile->path);
	return ret > 0 ? -2 : 1;
}

int
roost_keyfile_load(struct roost_keyfile *keyfile, char *doc, size_t max,
		   size_t *len_r)
{
	int fd = open(keyfile->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	off_t size;
	int ret;

	*len_r = 0;
	if (fd < 0)
		return errno == ENOENT ? load_is_missing(keyfile) :
			roost_keyfile_fail_call(keyfile, "open",
						keyfile->path);
	ret = load_check(keyfile, fd, &size);
	if (ret == 0)
		ret = load_read(keyfile, fd, size, doc, max, len_r);
	(void)close(fd);
	return ret;
}

int
roost_keyfile_has_old(struct roost_keyfile *keyfile)
{
	struct stat st;

	if (lstat(keyfile->old_path, &st) == 0)
		return 1;
	return errno == ENOENT ? 0 :
		roost_keyfile_fail_call(keyfile, "lstat", keyfile->old_path);
}
