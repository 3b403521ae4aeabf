/* SPDX-License-Identifier: MIT */
/*
 * lock: one writer of a keyring's file at a time.  See keyfile.h.
 */
#define _GNU_SOURCE	/* for flock(), major() and minor() */
#include "keyfile/keyfile-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

/*
 * Whoever has the lock writes one small file.  The mail server that waits for
 * an answer has patience for minutes, but other users wait for this process.
 */
#define LOCK_TIMEOUT_SECS 5
#define LOCK_RETRY_MSECS 20

/* Wait a little, until the time is over; false once it is. */
static bool
lock_wait_more(const struct timespec *start)
{
	const struct timespec pause = {
		.tv_nsec = LOCK_RETRY_MSECS * 1000000L
	};
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0 ||
	    now.tv_sec - start->tv_sec > LOCK_TIMEOUT_SECS ||
	    (now.tv_sec - start->tv_sec == LOCK_TIMEOUT_SECS &&
	     now.tv_nsec >= start->tv_nsec))
		return false;
	(void)nanosleep(&pause, NULL);
	return true;
}

/* Another user who has just made the file may not have given it to the group
   yet: then it is tried again. */
static int
lock_open(const struct roost_keyfile *keyfile, const struct timespec *start)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
		O_NONBLOCK;
	int fd;

	while ((fd = open(keyfile->lock_path, flags, 0600)) < 0 &&
	       errno == EACCES && (keyfile->mode & 0020) != 0) {
		if (start == NULL || !lock_wait_more(start)) {
			errno = EACCES;
			return -1;
		}
	}
	return fd;
}

/* Whoever can open the lock file can hold it, so that only those who may write
   here are to be able to. */
static int
lock_check(struct roost_keyfile *keyfile, int fd)
{
	mode_t mode = (keyfile->mode & 0020) != 0 ? 0660 : 0600;
	const char *path = keyfile->lock_path;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return roost_keyfile_fail_call(keyfile, "fstat", path);
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return roost_keyfile_fail(keyfile, "%s is not a regular file "
			"of its own: remove it", path);
	if (st.st_uid == geteuid())
		return (st.st_mode & 07777) == mode ? 0 :
			roost_keyfile_give(keyfile, fd, path, mode);
	if ((st.st_mode & 0777 & ~mode) != 0)
		return roost_keyfile_fail(keyfile, "%s belongs to uid %lu and "
			"mode 0%o, so that others could hold the lock: remove "
			"it", path, (unsigned long)st.st_uid,
			(unsigned int)st.st_mode & 07777);
	return 0;
}

/* The process that holds the lock of the file, or 0 where /proc tells none. */
static long
lock_holder(int fd)
{
	FILE *locks = fopen("/proc/locks", "re");
	char line[256], place[64];
	struct stat st;
	long pid = 0, found;

	if (locks == NULL)
		return 0;
	if (fstat(fd, &st) == 0) {
		(void)snprintf(place, sizeof(place), " %02x:%02x:%llu ",
			       major(st.st_dev), minor(st.st_dev),
			       (unsigned long long)st.st_ino);
		while (pid == 0 && fgets(line, sizeof(line), locks) != NULL) {
			if (strstr(line, place) != NULL &&
			    sscanf(line, "%*d: FLOCK ADVISORY WRITE %ld",
				   &found) == 1)
				pid = found;
		}
	}
	(void)fclose(locks);
	return pid;
}

static int
lock_is_held(struct roost_keyfile *keyfile, int fd)
{
	long pid = lock_holder(fd);
	char by[64] = "";

	if (pid != 0)
		(void)snprintf(by, sizeof(by), " (WRITE lock held by pid %ld)",
			       pid);
	return roost_keyfile_fail(keyfile, "Another process holds the lock of "
		"the keyring %s: flock(%s, write-lock) failed: Timed out "
		"after %d seconds%s; end that process if it hangs (fuser %s)",
		keyfile->path, keyfile->lock_path, LOCK_TIMEOUT_SECS, by,
		keyfile->lock_path);
}

/* 0 it is locked; -1; or, where start is NULL and nothing is waited for, 1:
   another process has the lock. */
static int
lock_wait(struct roost_keyfile *keyfile, int fd, const struct timespec *start)
{
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return roost_keyfile_fail(keyfile,
				"flock(%s, write-lock) failed: %s",
				keyfile->lock_path, strerror(errno));
		if (start == NULL)
			return 1;
		if (!lock_wait_more(start))
			return lock_is_held(keyfile, fd);
	}
	return 0;
}

/* Someone may have removed the file while this process waited, and another one
   may have locked a new file in its place. */
static int
lock_is_in_place(struct roost_keyfile *keyfile, int fd)
{
	struct stat st, now;

	if (fstat(fd, &st) == 0 && lstat(keyfile->lock_path, &now) == 0 &&
	    st.st_dev == now.st_dev && st.st_ino == now.st_ino)
		return 0;
	return roost_keyfile_fail(keyfile, "%s was replaced while it was "
		"waited for: try again", keyfile->lock_path);
}

/* 0, 1 or -1, as lock_wait(). */
static int
lock_get(struct roost_keyfile *keyfile, bool may_wait)
{
	struct timespec start = { .tv_sec = 0 };
	int fd, ret;

	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	fd = lock_open(keyfile, may_wait ? &start : NULL);
	if (fd < 0)
		return roost_keyfile_fail(keyfile, "open(%s) failed: %s%s",
			keyfile->lock_path, strerror(errno),
			errno == ELOOP || errno == EISDIR || errno == ENXIO ?
			": it is not a regular file: remove it" : "");
	/* Waiting for the file is one thing, and for the lock another. */
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	ret = lock_check(keyfile, fd);
	if (ret == 0)
		ret = lock_wait(keyfile, fd, may_wait ? &start : NULL);
	if (ret == 0)
		ret = lock_is_in_place(keyfile, fd);
	if (ret == 0)
		keyfile->lock_fd = fd;
	else
		(void)close(fd);
	return ret;
}

int
roost_keyfile_lock(struct roost_keyfile *keyfile)
{
	return lock_get(keyfile, true);
}

int
roost_keyfile_lock_try(struct roost_keyfile *keyfile)
{
	int ret = lock_get(keyfile, false);

	return ret < 0 ? -1 : ret == 0 ? 1 : 0;
}

void
roost_keyfile_unlock(struct roost_keyfile *keyfile)
{
	if (keyfile->lock_fd >= 0)
		(void)close(keyfile->lock_fd);
	keyfile->lock_fd = -1;
}
