/* SPDX-License-Identifier: MIT */
/*
 * test_keystore_file: a keyring's file under a disk that is full, writes
 * little at a time, cannot sync, or fails in any other way.
 *
 * This program's own write(), fsync() and flock() stand before the library's;
 * other calls are the plugin's own file's, which is a part of this program.
 */
#define _GNU_SOURCE
#include "session/keystore-private.h"

#include "keyfile/keyfile-private.h"

#include "roost/keyring.h"

#include "test-common.h"

#include "kit.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define DOC "any document is one to the store\n"

static struct {
	bool is_on;
	size_t room;		/* bytes until the disk is full */
	size_t at_once;		/* bytes that one write() takes */
	int fails_to_sync;	/* 1 a file, 2 a directory */
	const char *failing;	/* a call that fails, or NULL */
	int error;		/* with which errno */
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
	bool is_in_place = disk.keyring != NULL &&
		stat(disk.keyring, &st) == 0;

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

static bool
is_failing(const char *call)
{
	if (!disk.is_on || disk.failing == NULL ||
	    strcmp(call, disk.failing) != 0)
		return FALSE;
	errno = disk.error;
	return TRUE;
}

__attribute__((visibility("default"))) int
flock(int fd, int operation)
{
	int (*next)(int, int) = (int (*)(int, int))dlsym(RTLD_NEXT, "flock");

	return is_failing("flock") ? -1 : next(fd, operation);
}

#define open(...) (is_failing("open") ? -1 : open(__VA_ARGS__))
#define read(...) (is_failing("read") ? -1 : read(__VA_ARGS__))
#define fstat(...) (is_failing("fstat") ? -1 : fstat(__VA_ARGS__))
#define fchown(...) (is_failing("fchown") ? -1 : fchown(__VA_ARGS__))
#define fchmod(...) (is_failing("fchmod") ? -1 : fchmod(__VA_ARGS__))
#define link(...) (is_failing("link") ? -1 : link(__VA_ARGS__))
#define rename(...) (is_failing("rename") ? -1 : rename(__VA_ARGS__))
#define renameat2(...) (is_failing("rename") ? -1 : renameat2(__VA_ARGS__))
/* A file system tells of a write that failed when the file is closed. */
#define close(fd) (close(fd) < 0 || is_failing("close") ? -1 : 0)

#include "keyfile/keyfile.c"
#include "keyfile/lock.c"
#include "keyfile/store.c"
#include "session/keystore-file.c"

#undef open
#undef read
#undef fstat
#undef close

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

static struct roost_keystore *
store_init(const char *dir)
{
	const char *error;
	static const struct roost_keystore_owner nobody;
	struct roost_keystore *store = roost_keystore_init(
		t_strconcat("file:", dir, "/keyring", NULL), &nobody, &error);

	i_assert(store != NULL);
	return store;
}

/* Stores DOC in a new folder with the disk as it is set up. */
static int
store_new(const char *dir, const char **error_r)
{
	const char *path = t_strconcat(dir, "/keyring", NULL);
	struct roost_keystore *store = store_init(dir);
	int ret;

	i_assert(roost_keystore_lock(store, error_r) == 0);
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
	disk_reset();
	return kit_folder();
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
	const struct roost_keystore_owner owner = { .home = home };
	const char *error = NULL;
	struct roost_keystore *store =
		roost_keystore_init(location, &owner, &error);

	if (store == NULL)
		return error != NULL && strstr(error, word) != NULL;
	roost_keystore_deinit(&store);
	return FALSE;
}

static void
test_locations(void)
{
	const struct roost_keystore_owner owner = { .home = "/home/a" };
	struct roost_keystore *store;
	const char *error;

	test_begin("a location that names no file is refused");
	test_assert(is_refused("file:~/keyring", NULL, "no home"));
	test_assert(is_refused("file:~/keyring", "", "no home"));
	test_assert(is_refused("file:keyring", "/home/a", "absolute"));
	test_assert(is_refused("file:/home/a/", "/home/a", "absolute"));
	test_assert(is_refused("file:", "/home/a", "absolute"));
	test_assert(is_refused("sql:keyrings", "/home/a", "known kind"));
	test_assert(is_refused("dict:", "/home/a", "name of a dict"));
	store = roost_keystore_init("file:~/keyring", &owner, &error);
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
	kit_folder_free(dir);
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
	kit_folder_free(dir);
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
	kit_folder_free(dir);
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
	kit_folder_free(dir);
	test_end();
}

/* Does what is told name the call and say why it failed? */
static bool
names(const char *error, const char *call)
{
	return error != NULL && strstr(error, call) != NULL &&
		strstr(error, strerror(EIO)) != NULL;
}

/* Make a group's keyring, replace it, lock or load it, as action says, while
   one call fails. */
static int
act(const char *dir, char action, const char *call, const char **error_r)
{
	const struct mailbox_permissions group = {
		.file_create_mode = 0660, .file_create_gid = getegid(),
	};
	buffer_t *doc = t_buffer_create(256), *old = t_buffer_create(256);
	struct roost_keystore *store = store_init(dir);
	int ret;

	if (strchr("mr", action) != NULL)
		i_assert(roost_keystore_lock(store, error_r) == 0);
	roost_keystore_share(store, &group);
	buffer_append(old, DOC, strlen(DOC));
	*error_r = NULL;
	disk.is_on = TRUE;
	disk.failing = call;
	if (action == 'k')
		ret = roost_keystore_lock(store, error_r);
	else if (action == 'l')
		ret = roost_keystore_load(store, doc, error_r);
	else
		/* Without what keystore.c reads before and afterwards. */
		ret = store->v->store(store, action == 'm', "new\n", 4,
				      error_r);
	disk.is_on = FALSE;
	roost_keystore_deinit(&store);
	return ret;
}

static void
test_each_failure(void)
{
	static const struct {
		char action;	/* make, replace, lock (k), load */
		const char *call;
	} tests[] = {
		{ 'm', "open" }, { 'm', "fchown" }, { 'm', "fchmod" },
		{ 'm', "close" }, { 'm', "rename" },
		{ 'r', "open" }, { 'r', "fchmod" }, { 'r', "close" },
		{ 'r', "link" }, { 'r', "rename" },
		{ 'k', "open" }, { 'k', "fstat" }, { 'k', "fchown" },
		{ 'k', "fchmod" }, { 'k', "flock" },
		{ 'l', "open" }, { 'l', "fstat" }, { 'l', "read" },
	};
	const char *error, *dir, *path;
	unsigned int i;

	test_begin("whatever call fails, it is told and nothing has changed");
	for (i = 0; i < N_ELEMENTS(tests); i++) {
		dir = folder();
		path = t_strconcat(dir, "/keyring", NULL);
		if (tests[i].action != 'm')
			test_assert(store_new(dir, &error) == 1);
		disk.error = EIO;
		test_assert_idx(act(dir, tests[i].action, tests[i].call,
				    &error) == -1, i);
		test_assert_idx(names(error, tests[i].call), i);
		if (tests[i].action == 'm') {
			test_assert_idx(is_empty(dir), i);
		} else {
			test_assert_strcmp_idx(read_file(path), DOC, i);
			/* The next one finds nothing in its way. */
			disk_reset();
			test_assert_idx(act(dir, tests[i].action, NULL,
					    &error) >= 0, i);
		}
		kit_folder_free(dir);
	}
	test_end();
}

static void
test_large(void)
{
	const char *error, *dir = folder();
	struct roost_keystore *store = store_init(dir);
	char *bytes = t_malloc0(ROOST_KEYRING_DOC_MAX + 1);
	buffer_t *doc = t_buffer_create(256);

	test_begin("what is too large for a keyring is not read");
	i_assert(roost_keystore_lock(store, &error) == 0);
	test_assert(store->v->store(store, TRUE, bytes, ROOST_KEYRING_DOC_MAX,
				    &error) == 0);
	test_assert(roost_keystore_load(store, doc, &error) == 1);
	test_assert(store->v->store(store, FALSE, bytes,
				    ROOST_KEYRING_DOC_MAX + 1, &error) == 0);
	test_assert(roost_keystore_load(store, doc, &error) == -1);
	test_assert(strstr(error,
			   roost_err_phrase(ROOST_ERR_DOC_SIZE)) != NULL);
	test_assert(doc->used == 0);
	roost_keystore_deinit(&store);
	kit_folder_free(dir);
	test_end();
}

static void
test_group_of_others(void)
{
	const char *error, *dir = folder();
	struct stat st;

	test_begin("a keyring that no group may be given is its user's alone");
	disk.error = EPERM;
	test_assert(act(dir, 'm', "fchown", &error) == 0);
	test_assert(stat(t_strconcat(dir, "/keyring", NULL), &st) == 0 &&
		    (st.st_mode & 0777) == 0600);
	kit_folder_free(dir);
	dir = folder();
	test_assert(act(dir, 'm', NULL, &error) == 0);
	test_assert(stat(t_strconcat(dir, "/keyring", NULL), &st) == 0 &&
		    (st.st_mode & 0777) == 0660);
	kit_folder_free(dir);
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
		test_each_failure,
		test_large,
		test_group_of_others,
		NULL
	};

	return test_run(tests);
}
