/* SPDX-License-Identifier: MIT */
/*
 * store: a document is on the disk whole, or not at all.  See keyfile.h.
 */
#define _GNU_SOURCE	/* for renameat2() and RENAME_NOREPLACE */
#include "keyfile/keyfile-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Another host's temporary file may be at work where its lock is not seen. */
#define FOREIGN_TEMP_SECS (60 * 60)

/* What follows start in text; NULL where text begins in another way. */
static const char *
text_after(const char *text, const char *start)
{
	size_t len = strlen(start);

	return strncmp(text, start, len) == 0 ? text + len : NULL;
}

/*
 * Is this entry of the directory a temporary file that nobody works on?  While
 * the lock is held, none is but on a host that does not see the lock.
 */
static bool
store_is_stale(const struct roost_keyfile *keyfile, int dir_fd,
	       const char *entry)
{
	const char *rest = text_after(entry, keyfile->name);
	size_t len = strlen(entry);
	struct stat st;

	if (rest == NULL || *rest != '.' || len < 4 ||
	    strcmp(entry + len - 4, ".tmp") != 0)
		return false;
	rest = text_after(rest + 1, keyfile->host);
	return (rest != NULL && *rest == '.') ||
		(fstatat(dir_fd, entry, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		 st.st_mtime < time(NULL) - FOREIGN_TEMP_SECS);
}

/* What was killed while it wrote has left its temporary file.  That it cannot
   be removed is no reason to store nothing. */
static void
store_remove_stale(const struct roost_keyfile *keyfile)
{
	DIR *dir = opendir(keyfile->dir);
	struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		if (store_is_stale(keyfile, dirfd(dir), entry->d_name))
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	(void)closedir(dir);
}

static int
store_sync_dir(struct roost_keyfile *keyfile)
{
	int fd = open(keyfile->dir, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	int ret = fd < 0 ? -1 : fsync(fd);

	if (ret < 0)
		(void)roost_keyfile_fail_call(keyfile, "fsync", keyfile->dir);
	if (fd >= 0)
		(void)close(fd);
	return ret;
}

static int
store_write_all(int fd, const char *doc, size_t len)
{
	ssize_t ret;

	while (len > 0) {
		ret = write(fd, doc, len);
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret == 0)
			errno = ENOSPC;
		if (ret <= 0)
			return -1;
		doc += ret;
		len -= (size_t)ret;
	}
	return 0;
}

static int
store_write_temp(struct roost_keyfile *keyfile, const char *path,
		 const char *doc, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int ret = -1;

	if (fd < 0)
		return roost_keyfile_fail_call(keyfile, "open", path);
	if (roost_keyfile_give(keyfile, fd, path, keyfile->mode) < 0)
		;
	else if (store_write_all(fd, doc, len) < 0)
		(void)roost_keyfile_fail_call(keyfile, "write", path);
	else if (fsync(fd) < 0)
		(void)roost_keyfile_fail_call(keyfile, "fsync", path);
	else
		ret = 0;
	if (close(fd) < 0 && ret == 0)
		ret = roost_keyfile_fail_call(keyfile, "close", path);
	return ret;
}

static int
store_fail_names(struct roost_keyfile *keyfile, const char *call,
		 const char *from, const char *to)
{
	return roost_keyfile_fail(keyfile, "%s(%s, %s) failed: %s", call, from,
				  to, strerror(errno));
}

/*
 * Put a first keyring in place, but never replace one.  It is one step where
 * the system can, because who is killed between link() and unlink() leaves a
 * second name of the keyring.
 */
static int
store_put_new(struct roost_keyfile *keyfile, const char *temp)
{
#ifdef RENAME_NOREPLACE
	if (renameat2(AT_FDCWD, temp, AT_FDCWD, keyfile->path,
		      RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return store_fail_names(keyfile, "rename", temp,
					keyfile->path);
#endif
	return link(temp, keyfile->path) == 0 ? 0 :
		store_fail_names(keyfile, "link", temp, keyfile->path);
}

static int
store_put(struct roost_keyfile *keyfile, const char *temp)
{
	if (roost_keyfile_store_settle(keyfile) < 0)
		return -1;
	if (link(keyfile->path, keyfile->old_path) < 0)
		return store_fail_names(keyfile, "link", keyfile->path,
					keyfile->old_path);
	return rename(temp, keyfile->path) == 0 ? 0 :
		store_fail_names(keyfile, "rename", temp, keyfile->path);
}

/* Where the file system cannot rename without replacing, the temporary name is
   a second one of the keyring until it is removed. */
static void
store_remove_temp(struct roost_keyfile *keyfile, const char *temp)
{
	free(keyfile->leftover);
	keyfile->leftover = NULL;
	if (unlink(temp) < 0 && errno != ENOENT)
		keyfile->leftover = roost_keyfile_text("unlink(%s) failed: %s",
						       temp, strerror(errno));
}

const char *
roost_keyfile_store_leftover(const struct roost_keyfile *keyfile)
{
	return keyfile->leftover;
}

int
roost_keyfile_store(struct roost_keyfile *keyfile, bool is_new,
		    const char *doc, size_t len)
{
	char *temp = roost_keyfile_text("%s.%s.%ld.tmp", keyfile->path,
					keyfile->host, (long)getpid());
	int ret;

	if (temp == NULL)
		return roost_keyfile_fail(keyfile, "out of memory");
	store_remove_stale(keyfile);
	ret = store_write_temp(keyfile, temp, doc, len);
	if (ret == 0)
		ret = is_new ? store_put_new(keyfile, temp) :
			store_put(keyfile, temp);
	if (ret == 0)
		ret = store_sync_dir(keyfile);
	store_remove_temp(keyfile, temp);
	free(temp);
	return ret;
}

int
roost_keyfile_store_settle(struct roost_keyfile *keyfile)
{
	if (unlink(keyfile->old_path) == 0 || errno == ENOENT)
		return 0;
	return roost_keyfile_fail_call(keyfile, "unlink", keyfile->old_path);
}

/* The second name goes first: who finds it without the file takes the keyring
   for a lost one. */
int
roost_keyfile_store_remove(struct roost_keyfile *keyfile)
{
	if (roost_keyfile_store_settle(keyfile) < 0)
		return -1;
	if (unlink(keyfile->path) < 0 && errno != ENOENT)
		return roost_keyfile_fail_call(keyfile, "unlink",
					       keyfile->path);
	return store_sync_dir(keyfile);
}
