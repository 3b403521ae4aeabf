/* SPDX-License-Identifier: MIT */
/*
 * keystore-file: a keyring in a file of its own.  See keystore.h.
 *
 * Mode 0600; written to a temporary name, synced, put in place by link (a
 * first one) or rename, and the directory synced.  The file it replaces keeps
 * a second name until the new one was read back.
 */
#include "keystore-private.h"

#include "hostpid.h"
#include "write-full.h"

#include "roost/keyring.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct file_keystore {
	struct roost_keystore store;
	char *path, *dir;
	int lock_fd;
};

static struct roost_keystore *
kf_init(const char *rest, const char *home, const char **error_r)
{
	struct file_keystore *file;
	const char *path = rest, *slash;

	if (strncmp(rest, "~/", 2) == 0) {
		if (home == NULL || *home == '\0') {
			*error_r = "roost_keyring begins with ~/ but the user "
				"has no home directory: give userdb a home, "
				"or write an absolute path";
			return NULL;
		}
		path = t_strconcat(home, rest + 1, NULL);
	}
	slash = strrchr(path, '/');
	if (*path != '/' || slash == NULL || slash[1] == '\0') {
		*error_r = "roost_keyring: file: takes an absolute path of a "
			"file, or one that begins with ~/";
		return NULL;
	}
	file = i_new(struct file_keystore, 1);
	file->store.v = &roost_keystore_file;
	file->store.name = i_strdup(path);
	file->path = i_strdup(path);
	file->dir = slash == path ? i_strdup("/") :
		i_strdup_until(path, slash);
	file->lock_fd = -1;
	return &file->store;
}

static void
kf_deinit(struct roost_keystore *store)
{
	struct file_keystore *file =
		container_of(store, struct file_keystore, store);

	i_free(file->path);
	i_free(file->dir);
	i_free(file);
}

/* "There is none" is only believed when its directory is there. */
static int
kf_is_missing(struct file_keystore *file, const char **error_r)
{
	struct stat st;

	if (stat(file->dir, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	*error_r = t_strdup_printf("%s: its directory %s is not there: %m",
				   file->path, file->dir);
	return -1;
}

static int
kf_check(struct file_keystore *file, int fd, const char **error_r)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		*error_r = t_strdup_printf("fstat(%s) failed: %m", file->path);
	else if (!S_ISREG(st.st_mode))
		*error_r = t_strdup_printf("%s is not a regular file",
					   file->path);
	else if ((st.st_mode & 0007) != 0)
		*error_r = t_strdup_printf("%s is open to everybody: "
					   "chmod 0600 %s", file->path,
					   file->path);
	else if (st.st_size > ROOST_KEYRING_DOC_MAX)
		*error_r = t_strdup_printf("%s: %s", file->path,
			roost_err_phrase(ROOST_ERR_DOC_SIZE));
	else
		return 0;
	return -1;
}

static int
kf_read(struct file_keystore *file, int fd, buffer_t *doc_r,
	  const char **error_r)
{
	char bytes[4096];	/* public: all secrets in it are wrapped */
	ssize_t ret;

	while ((ret = read(fd, bytes, sizeof(bytes))) > 0 &&
	       doc_r->used <= ROOST_KEYRING_DOC_MAX)
		buffer_append(doc_r, bytes, (size_t)ret);
	if (ret >= 0)
		return 1;
	*error_r = t_strdup_printf("read(%s) failed: %m", file->path);
	return -1;
}

static int
kf_load(struct roost_keystore *store, buffer_t *doc_r, const char **error_r)
{
	struct file_keystore *file =
		container_of(store, struct file_keystore, store);
	int ret = -1, fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		if (errno == ENOENT)
			return kf_is_missing(file, error_r);
		*error_r = t_strdup_printf("open(%s) failed: %m", file->path);
		return -1;
	}
	if (kf_check(file, fd, error_r) == 0)
		ret = kf_read(file, fd, doc_r, error_r);
	i_close_fd(&fd);
	return ret;
}

static int
kf_lock(struct roost_keystore *store, const char **error_r)
{
	struct file_keystore *file =
		container_of(store, struct file_keystore, store);
	const char *path = t_strconcat(file->path, ".lock", NULL);

	/* The lock file stays: removing it would need a lock of its own. */
	file->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (file->lock_fd < 0) {
		*error_r = t_strdup_printf("open(%s) failed: %m", path);
		return -1;
	}
	while (flock(file->lock_fd, LOCK_EX) < 0) {
		if (errno == EINTR)
			continue;
		*error_r = t_strdup_printf("flock(%s) failed: %m", path);
		i_close_fd(&file->lock_fd);
		return -1;
	}
	return 0;
}

static void
kf_unlock(struct roost_keystore *store)
{
	struct file_keystore *file =
		container_of(store, struct file_keystore, store);

	i_close_fd(&file->lock_fd);
}

static int
kf_sync_dir(struct file_keystore *file, const char **error_r)
{
	int fd = open(file->dir, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	int ret = fd < 0 ? -1 : fsync(fd);

	if (ret < 0)
		*error_r = t_strdup_printf("fsync(%s) failed: %m", file->dir);
	i_close_fd(&fd);
	return ret;
}

static int
kf_write_temp(const char *path, const char *doc, size_t len,
		const char **error_r)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int ret = -1;

	if (fd < 0)
		*error_r = t_strdup_printf("open(%s) failed: %m", path);
	else if (write_full(fd, doc, len) < 0)
		*error_r = t_strdup_printf("write(%s) failed: %m", path);
	else if (fsync(fd) < 0)
		*error_r = t_strdup_printf("fsync(%s) failed: %m", path);
	else
		ret = 0;
	if (fd >= 0 && close(fd) < 0 && ret == 0) {
		*error_r = t_strdup_printf("close(%s) failed: %m", path);
		ret = -1;
	}
	return ret;
}

/* link() refuses to replace, rename() does it: each where it is right. */
static int
kf_put(struct file_keystore *file, const char *temp, bool is_new,
	 const char **error_r)
{
	const char *old = t_strconcat(file->path, ".old", NULL);

	if (is_new) {
		if (link(temp, file->path) == 0)
			return 0;
		*error_r = t_strdup_printf("link(%s, %s) failed: %m",
					   temp, file->path);
		return -1;
	}
	i_unlink_if_exists(old);
	if (link(file->path, old) < 0) {
		*error_r = t_strdup_printf("link(%s, %s) failed: %m",
					   file->path, old);
		return -1;
	}
	if (rename(temp, file->path) < 0) {
		*error_r = t_strdup_printf("rename(%s, %s) failed: %m",
					   temp, file->path);
		return -1;
	}
	return 0;
}

static int
kf_store(struct roost_keystore *store, bool is_new, const char *doc,
	 size_t len, const char **error_r)
{
	struct file_keystore *file =
		container_of(store, struct file_keystore, store);
	const char *temp = t_strdup_printf("%s.%s.%s.tmp", file->path,
					   my_hostname, my_pid);
	int ret;

	i_unlink_if_exists(temp);	/* of an earlier process of our pid */
	ret = kf_write_temp(temp, doc, len, error_r);
	if (ret == 0)
		ret = kf_put(file, temp, is_new, error_r);
	if (ret == 0)
		ret = kf_sync_dir(file, error_r);
	i_unlink_if_exists(temp);
	return ret;
}

static void
kf_settle(struct roost_keystore *store)
{
	struct file_keystore *file =
		container_of(store, struct file_keystore, store);

	i_unlink_if_exists(t_strconcat(file->path, ".old", NULL));
}

const struct roost_keystore_vfuncs roost_keystore_file = {
	.scheme = "file:",
	.init = kf_init,
	.deinit = kf_deinit,
	.load = kf_load,
	.lock = kf_lock,
	.unlock = kf_unlock,
	.store = kf_store,
	.settle = kf_settle,
};
