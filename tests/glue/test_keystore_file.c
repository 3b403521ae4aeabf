/* SPDX-License-Identifier: MIT */
/*
 * test_keystore_file: a keyring's file under a disk that is full, writes
 * little at a time, or cannot sync.
 *
 * This program's own write(), fsync() and so on stand before the library's.
 */
#define _GNU_SOURCE
#include "keystore.h"

#include "roost/keyring.h"

#include "test-common.h"
#include "unlink-directory.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DOC "any document is one to the store\n"

static struct {
	bool is_on;
	size_t room;		/* bytes until the disk is full */
	size_t at_once;		/* bytes that one write() takes */
	int fails_to_sync;	/* 1 a file, 2 a directory */
	const char *keyring;
	/* What happened, in order: w write, f and d sync of a file and of a
	   directory, each a capital once the keyring is in place. */
	char events[64];
	unsigned int count;
} disk;

static void
note(char event)
{
	struct stat st;
	bool is_in_place = stat(disk.keyring, &st) == 0;

	if (disk.count + 1 < sizeof(disk.events))
		disk.events[disk.count++] = is_in_place ?
			(char)(event - 'a' + 'A') : event;
}

/* Where the library's own calls find it. */
__attribute__((visibility("default"))) ssize_t
write(int fd, const void *bytes, size_t len)
{
	ssize_t (*next)(int, const void *, size_t) =
		(ssize_t (*)(int, const void *, size_t))
		dlsym(RTLD_NEXT, "write");
	ssize_t ret;

	if (!disk.is_on || fd <= STDERR_FILENO)
		return next(fd, bytes, len);
	if (disk.room == 0) {
		errno = ENOSPC;
		return -1;
	}
	ret = next(fd, bytes, I_MIN(len, I_MIN(disk.room, disk.at_once)));
	if (ret > 0)
		disk.room -= (size_t)ret;
	note('w');
	return ret;
}

int
fsync(int fd)
{
	int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
	struct stat st;
	bool is_dir;

	if (!disk.is_on || fstat(fd, &st) < 0)
		return next(fd);
	is_dir = S_ISDIR(st.st_mode);
	if (disk.fails_to_sync == (is_dir ? 2 : 1)) {
		errno = EIO;
		return -1;
	}
	note(is_dir ? 'd' : 'f');
	return next(fd);
}

static const char *
read_file(const char *path)
{
	char bytes[256];
	ssize_t len;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return NULL;
	len = read(fd, bytes, sizeof(bytes));
	i_close_fd(&fd);
	return len < 0 ? NULL : t_strndup(bytes, (size_t)len);
}

/* Stores DOC in a new folder with the disk as it is set up. */
static int
store_new(const char *dir, const char **error_r)
{
	const char *path = t_strconcat(dir, "/keyring", NULL);
	struct roost_keystore *store =
		roost_keystore_init(t_strconcat("file:", path, NULL), NULL,
				    error_r);
	int ret;

	i_assert(store != NULL && roost_keystore_lock(store, error_r) == 0);
	*error_r = NULL;
	disk.keyring = path;
	disk.is_on = TRUE;
	ret = roost_keystore_store(store, NULL, DOC, strlen(DOC), error_r);
	disk.is_on = FALSE;
	disk.events[disk.count] = '\0';
	roost_keystore_deinit(&store);
	return ret;
}

static void
disk_reset(void)
{
	i_zero(&disk);
	disk.room = disk.at_once = 100000;
}

static const char *
folder(void)
{
	const char *top = getenv("TMPDIR");
	char *path = t_strdup_noconst(t_strconcat(top != NULL ? top : "/tmp",
						  "/roost-keystore.XXXXXX",
						  NULL));

	i_assert(mkdtemp(path) != NULL);
	disk_reset();
	return path;
}

static void
folder_free(const char *dir)
{
	const char *error;

	if (unlink_directory(dir, UNLINK_DIRECTORY_FLAG_RMDIR, &error) < 0)
		i_error("%s", error);
}

/* Nothing but the file of the lock. */
static bool
is_empty(const char *dir)
{
	const char *lock = t_strconcat(dir, "/keyring.lock", NULL);

	i_unlink_if_exists(lock);
	if (rmdir(dir) < 0)
		return FALSE;
	i_assert(mkdir(dir, 0700) == 0);
	return TRUE;
}

/* Is it refused, with a word of what is wrong? */
static bool
is_refused(const char *location, const char *home, const char *word)
{
	const char *error = NULL;
	struct roost_keystore *store =
		roost_keystore_init(location, home, &error);

	if (store == NULL)
		return error != NULL && strstr(error, word) != NULL;
	roost_keystore_deinit(&store);
	return FALSE;
}

static void
test_locations(void)
{
	struct roost_keystore *store;
	const char *error;

	test_begin("a location that names no file is refused");
	test_assert(is_refused("file:~/keyring", NULL, "no home"));
	test_assert(is_refused("file:~/keyring", "", "no home"));
	test_assert(is_refused("file:keyring", "/home/a", "absolute"));
	test_assert(is_refused("file:/home/a/", "/home/a", "absolute"));
	test_assert(is_refused("file:", "/home/a", "absolute"));
	test_assert(is_refused("dict:keyrings", "/home/a", "known kind"));
	store = roost_keystore_init("file:~/keyring", "/home/a", &error);
	test_assert(store != NULL);
	if (store != NULL)
		test_assert_strcmp(roost_keystore_path(store),
				   "/home/a/keyring");
	roost_keystore_deinit(&store);
	test_end();
}

static void
test_synced(void)
{
	const char *error, *dir = folder();

	test_begin("a keyring is on the disk before it is in place");
	test_assert(store_new(dir, &error) == 1);
	/* Written, synced, put there, and the directory synced. */
	test_assert_strcmp(disk.events, "wfD");
	test_assert_strcmp(read_file(t_strconcat(dir, "/keyring", NULL)), DOC);
	folder_free(dir);
	test_end();
}

static void
test_little_at_a_time(void)
{
	const char *error, *dir = folder();

	test_begin("a keyring is written to its end");
	disk.at_once = 7;
	test_assert(store_new(dir, &error) == 1);
	test_assert_strcmp(disk.events, "wwwwwfD");
	test_assert_strcmp(read_file(t_strconcat(dir, "/keyring", NULL)), DOC);
	folder_free(dir);
	test_end();
}

static void
test_full_disk(void)
{
	const char *error, *dir = folder();
	size_t room;

	test_begin("a keyring that does not fit is not there");
	for (room = 0; room < strlen(DOC); room += 8) {
		disk_reset();
		disk.room = room;
		test_assert_idx(store_new(dir, &error) == -1, room);
		test_assert_idx(error != NULL &&
				strstr(error, "write(") != NULL, room);
		test_assert_idx(is_empty(dir), room);
	}
	folder_free(dir);
	test_end();
}

static void
test_no_sync(void)
{
	const char *error, *dir = folder();

	test_begin("a keyring that cannot be synced is not acknowledged");
	disk.fails_to_sync = 1;
	test_assert(store_new(dir, &error) == -1);
	test_assert(error != NULL && strstr(error, "fsync(") != NULL);
	test_assert(is_empty(dir));
	disk_reset();
	disk.fails_to_sync = 2;
	test_assert(store_new(dir, &error) == -1);
	test_assert(error != NULL && strstr(error, "fsync(") != NULL);
	folder_free(dir);
	test_end();
}

int
main(void)
{
	static void (*const tests[])(void) = {
		test_locations,
		test_synced,
		test_little_at_a_time,
		test_full_disk,
		test_no_sync,
		NULL
	};

	return test_run(tests);
}
