/* SPDX-License-Identifier: MIT */
/*
 * keystore-file: a keyring in a file of its own.  See keystore.h.
 *
 * Written to a temporary name, synced, put in place without replacing anything
 * (a first one) or by rename, and the directory synced.  The file it replaces
 * keeps a second name until the new one was read back.
 */
#define _GNU_SOURCE	/* for RENAME_NOREPLACE */
#include "session/keystore-private.h"

#include "file-lock.h"
#include "hostpid.h"
#include "write-full.h"

#include "roost/keyring.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Whoever has the lock writes one small file; a mail server that waits for its
   answer has patience for minutes, but other users wait for this process. */
#define LOCK_TIMEOUT_SECS 5
#define OPEN_RETRY_MSECS 50
/* Another host's temporary file may be at work where its lock is not seen. */
#define FOREIGN_TEMP_SECS (60 * 60)

struct file_keystore {
	struct roost_keystore store;
	char *path, *dir;
	const char *name;		/* the last part of path */
	struct file_lock *lock;
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
	file->name = file->path + (slash + 1 - path);
	file->dir = slash == path ? i_strdup("/") :
		i_strdup_until(path, slash);
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
kf_has_old(struct roost_keystore *store, const char **hint_r,
	   const char **error_r)
{
	struct file_keystore *file =
		container_of(store, struct file_keystore, store);
	const char *path = t_strconcat(file->path, ".old", NULL);
	struct stat st;

	if (lstat(path, &st) == 0) {
		*hint_r = t_strdup_printf("there is %s, a keyring that was "
					  "replaced", path);
		return 0;
	}
	if (errno == ENOENT)
		return 0;
	*error_r = t_strdup_printf("lstat(%s) failed: %m", path);
	return -1;
}

/*
 * Mode and group, the group first: it is not to have what another one is given.
 * A process that may not give a file to that group keeps it for itself, as
 * Dovecot does with the mailbox's files.
 */
static int
kf_give(const struct file_keystore *file, int fd, const char *path,
	mode_t mode, const char **error_r)
{
	gid_t gid = (mode & 0070) == 0 ? (gid_t)-1 : file->store.gid;

	if (gid != (gid_t)-1 && fchown(fd, (uid_t)-1, gid) < 0) {
		if (errno != EPERM) {
			*error_r = t_strdup_printf("fchown(%s) failed: %m",
						   path);
			return -1;
		}
		mode &= 0600;
	}
	if (fchmod(fd, mode) < 0) {
		*error_r = t_strdup_printf("fchmod(%s) failed: %m", path);
		return -1;
	}
	return 0;
}

/* Whoever can open the lock file can hold it: only who may write here. */
static int
kf_lock_check(const struct file_keystore *file, int fd, const char *path,
	      const char **error_r)
{
	mode_t mode = (file->store.mode & 0020) != 0 ? 0660 : 0600;
	struct stat st;

	if (fstat(fd, &st) < 0)
		*error_r = t_strdup_printf("fstat(%s) failed: %m", path);
	else if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		*error_r = t_strdup_printf("%s is not a regular file of its "
			"own: remove it", path);
	else if (st.st_uid == geteuid())
		return (st.st_mode & 07777) == mode ? 0 :
			kf_give(file, fd, path, mode, error_r);
	else if ((st.st_mode & 0777 & ~mode) != 0)
		*error_r = t_strdup_printf("%s belongs to uid %s and mode "
			"0%o, so that others could hold the lock: remove it",
			path, dec2str(st.st_uid),
			(unsigned int)st.st_mode & 07777);
	else
		return 0;
	return -1;
}

/* Someone may have removed the file, and another one locked a new one. */
static int
kf_lock_is_in_place(int fd, const char *path, const char **error_r)
{
	struct stat st, now;

	if (fstat(fd, &st) == 0 && lstat(path, &now) == 0 &&
	    st.st_dev == now.st_dev && st.st_ino == now.st_ino)
		return 0;
	*error_r = t_strdup_printf("%s was replaced while it was waited for: "
				   "try again", path);
	return -1;
}

static int
kf_lock_wait(struct file_keystore *file, int fd, const char *path,
	     const char **error_r)
{
	const struct file_lock_settings set = {
		.lock_method = FILE_LOCK_METHOD_FLOCK,
		.close_on_free = TRUE,
	};
	const char *error;
	int ret = file_wait_lock(fd, path, F_WRLCK, &set, LOCK_TIMEOUT_SECS,
				 &file->lock, &error);

	if (ret < 0)
		*error_r = error;
	else if (ret == 0)
		*error_r = t_strdup_printf("Another process holds the lock of "
			"the keyring %s: %s; end that process if it hangs "
			"(fuser %s)", file->path, error, path);
	return ret > 0 ? 0 : -1;
}

/*
 * The lock file stays: removing it would need a lock of its own.  Another user
 * who has just made it may not have given it to the group yet.
 */
static int
kf_lock_open(const struct file_keystore *file, const char *path)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
		O_NONBLOCK;
	unsigned int left = LOCK_TIMEOUT_SECS * 1000 / OPEN_RETRY_MSECS;
	int fd;

	while ((fd = open(path, flags, 0600)) < 0 && errno == EACCES &&
	       (file->store.mode & 0020) != 0 && left-- > 0)
		usleep(OPEN_RETRY_MSECS * 1000);
	return fd;
}

static int
kf_lock(struct roost_keystore *store, const char **error_r)
{
	struct file_keystore *file =
		container_of(store, struct file_keystore, store);
	const char *path = t_strconcat(file->path, ".lock", NULL);
	int fd = kf_lock_open(file, path);

	if (fd < 0) {
		*error_r = t_strdup_printf("open(%s) failed: %m%s", path,
			errno == ELOOP || errno == EISDIR || errno == ENXIO ?
			": it is not a regular file: remove it" : "");
		return -1;
	}
	if (kf_lock_check(file, fd, path, error_r) < 0 ||
	    kf_lock_wait(file, fd, path, error_r) < 0) {
		i_close_fd(&fd);
		return -1;
	}
	if (kf_lock_is_in_place(fd, path, error_r) == 0)
		return 0;
	file_lock_free(&file->lock);
	return -1;
}

static void
kf_unlock(struct roost_keystore *store)
{
	struct file_keystore *file =
		container_of(store, struct file_keystore, store);

	file_lock_free(&file->lock);
}

static bool
begins_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/*
 * Is this entry of the directory a temporary file that nobody works on?  While
 * the lock is held, none is but on a host that does not see the lock.
 */
static bool
kf_is_stale(const struct file_keystore *file, const char *entry)
{
	const char *start = t_strconcat(file->name, ".", NULL);
	size_t len = strlen(entry);
	struct stat st;

	if (!begins_with(entry, start) || len < 4 ||
	    strcmp(entry + len - 4, ".tmp") != 0)
		return FALSE;
	return begins_with(entry, t_strconcat(start, my_hostname, ".", NULL)) ||
		(lstat(t_strconcat(file->dir, "/", entry, NULL), &st) == 0 &&
		 st.st_mtime < time(NULL) - FOREIGN_TEMP_SECS);
}

/* What was killed while it wrote has left its temporary file.  That it cannot
   be removed is no reason to store nothing. */
static void
kf_remove_stale(const struct file_keystore *file)
{
	DIR *dir = opendir(file->dir);
	struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) T_BEGIN {
		if (kf_is_stale(file, entry->d_name))
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	} T_END;
	(void)closedir(dir);
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
kf_write_temp(const struct file_keystore *file, const char *path,
	      const char *doc, size_t len, const char **error_r)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int ret = -1;

	if (fd < 0)
		*error_r = t_strdup_printf("open(%s) failed: %m", path);
	else if (kf_give(file, fd, path, file->store.mode, error_r) < 0)
		;
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

/*
 * Put a first keyring in place, but never replace one.  In one step where the
 * system can: who is killed between two leaves a second name of the keyring.
 */
static int
kf_put_new(struct file_keystore *file, const char *temp, const char **error_r)
{
#ifdef RENAME_NOREPLACE
	if (renameat2(AT_FDCWD, temp, AT_FDCWD, file->path,
		      RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS) {
		*error_r = t_strdup_printf("rename(%s, %s) failed: %m",
					   temp, file->path);
		return -1;
	}
#endif
	if (link(temp, file->path) == 0)
		return 0;
	*error_r = t_strdup_printf("link(%s, %s) failed: %m", temp,
				   file->path);
	return -1;
}

static int
kf_put(struct file_keystore *file, const char *temp, bool is_new,
	 const char **error_r)
{
	const char *old = t_strconcat(file->path, ".old", NULL);

	if (is_new)
		return kf_put_new(file, temp, error_r);
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

	kf_remove_stale(file);
	ret = kf_write_temp(file, temp, doc, len, error_r);
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
	.has_old = kf_has_old,
	.lock = kf_lock,
	.unlock = kf_unlock,
	.store = kf_store,
	.settle = kf_settle,
};
