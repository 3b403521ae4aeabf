/* SPDX-License-Identifier: MIT */
/*
 * keyfile: a keyring's file under a disk that fails, and among several writers;
 * without Dovecot.
 *
 * Contains the room's files, whose calls of the system this program answers
 * where a test says so.  Its clock goes on only while something is waited for.
 */
#define _GNU_SOURCE
#include "kit.h"

#include "keyfile/keyfile-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define DOC "a document"
#define NEXT "the one that follows it"

static struct {
	const char *failing;	/* the call that fails, or NULL */
	int error;		/* with which errno */
	size_t room;		/* bytes until the disk is full */
	size_t at_once;		/* bytes that one write() takes */
	bool takes_nothing;	/* write() says so, and names no error */
	time_t secs;		/* what the clock shows */
	void (*when_waiting)(void);
} sys;

static bool
is_failing(const char *call)
{
	if (sys.failing == NULL || strcmp(call, sys.failing) != 0)
		return false;
	errno = sys.error;
	return true;
}

static ssize_t
write_some(int fd, const char *bytes, size_t len)
{
	if (is_failing("write"))
		return -1;
	if (sys.takes_nothing) {
		errno = 0;
		return 0;
	}
	if (sys.room == 0) {
		errno = ENOSPC;
		return -1;
	}
	if (len > sys.at_once)
		len = sys.at_once;
	if (len > sys.room)
		len = sys.room;
	sys.room -= len;
	return write(fd, bytes, len);
}

static int
tell_time(clockid_t id, struct timespec *now_r)
{
	(void)id;
	now_r->tv_sec = sys.secs;
	now_r->tv_nsec = 0;
	return 0;
}

/* Each time something is waited for, a second goes by. */
static int
let_time_pass(const struct timespec *pause, struct timespec *left)
{
	(void)left;
	assert_true(pause->tv_sec == 0 && pause->tv_nsec > 0);
	sys.secs++;
	if (sys.when_waiting != NULL)
		sys.when_waiting();
	return 0;
}

#define open(...) (is_failing("open") ? -1 : open(__VA_ARGS__))
#define read(...) (is_failing("read") ? -1 : read(__VA_ARGS__))
#define write(fd, bytes, len) write_some(fd, bytes, len)
#define fsync(fd) (is_failing("fsync") ? -1 : fsync(fd))
#define fstat(...) (is_failing("fstat") ? -1 : fstat(__VA_ARGS__))
#define lstat(...) (is_failing("lstat") ? -1 : lstat(__VA_ARGS__))
#define fchmod(...) (is_failing("fchmod") ? -1 : fchmod(__VA_ARGS__))
#define flock(...) (is_failing("flock") ? -1 : flock(__VA_ARGS__))
#define link(...) (is_failing("link") ? -1 : link(__VA_ARGS__))
#define rename(...) (is_failing("rename") ? -1 : rename(__VA_ARGS__))
#define renameat2(...) \
	(is_failing("renameat2") || is_failing("link") || \
	 is_failing("rename") ? -1 : renameat2(__VA_ARGS__))
#define unlink(...) (is_failing("unlink") ? -1 : unlink(__VA_ARGS__))
#define close(fd) (close(fd) < 0 || is_failing("close") ? -1 : 0)
#define clock_gettime tell_time
#define nanosleep let_time_pass

#include "keyfile/keyfile.c"
#include "keyfile/lock.c"
#include "keyfile/store.c"

#undef open
#undef read
#undef write
#undef fstat
#undef lstat
#undef flock
#undef unlink
#undef close

/* A folder of a test's own, and a keyring in it. */
static char folder[64], path[128];
static struct roost_keyfile *keyfile;

static int
setup(void **state)
{
	(void)state;
	memset(&sys, 0, sizeof(sys));
	sys.room = sys.at_once = 1000;
	(void)snprintf(folder, sizeof(folder), "/tmp/roost-keyfile.XXXXXX");
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/keyring", folder);
	keyfile = roost_keyfile_new(path, "here");
	assert_non_null(keyfile);
	return 0;
}

/* Removes the folder's files; how many there were besides the lock. */
static unsigned int
clear(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned int count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (*entry->d_name == '.')
			continue;
		if (strcmp(entry->d_name, "keyring.lock") != 0)
			count++;
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	(void)closedir(dir);
	return count;
}

static int
teardown(void **state)
{
	(void)state;
	roost_keyfile_free(&keyfile);
	assert_null(keyfile);
	(void)clear();
	return rmdir(folder);
}

static void
assert_holds(const char *text)
{
	char doc[64];
	size_t len;

	assert_int_equal(roost_keyfile_load(keyfile, doc, sizeof(doc), &len),
			 1);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(doc, text, len);
}

static void
assert_none(void)
{
	char doc[64];
	size_t len = 7;

	assert_int_equal(roost_keyfile_load(keyfile, doc, sizeof(doc), &len),
			 0);
	assert_int_equal(len, 0);
}

static int
store(const char *text, bool is_new)
{
	return roost_keyfile_store(keyfile, is_new, text, strlen(text));
}

static void
assert_told(const char *what, int error)
{
	assert_non_null(strstr(roost_keyfile_error(keyfile), what));
	if (error != 0)
		assert_non_null(strstr(roost_keyfile_error(keyfile),
				       strerror(error)));
}

static void
test_stored_and_replaced(void **state)
{
	(void)state;
	assert_none();
	assert_int_equal(roost_keyfile_lock(keyfile), 0);
	assert_int_equal(store(DOC, true), 0);
	assert_holds(DOC);
	assert_int_equal(roost_keyfile_has_old(keyfile), 0);
	assert_int_equal(store(NEXT, false), 0);
	assert_holds(NEXT);
	assert_int_equal(roost_keyfile_has_old(keyfile), 1);
	assert_int_equal(roost_keyfile_store_settle(keyfile), 0);
	assert_int_equal(roost_keyfile_has_old(keyfile), 0);
	/* A first one replaces nothing. */
	assert_int_equal(store(DOC, true), -1);
	assert_told("rename(", EEXIST);
	assert_holds(NEXT);
	roost_keyfile_unlock(keyfile);
	assert_int_equal(clear(), 1);
}

/* Also where the system cannot rename without replacing. */
static void
test_no_renameat2(void **state)
{
	(void)state;
	sys.failing = "renameat2";
	sys.error = ENOSYS;
	assert_int_equal(store(DOC, true), 0);
	assert_holds(DOC);
	assert_int_equal(store(NEXT, true), -1);
	assert_told("link(", EEXIST);
	assert_holds(DOC);
	assert_int_equal(clear(), 1);
}

static void
test_short_writes(void **state)
{
	(void)state;
	for (sys.at_once = 1; sys.at_once <= sizeof(DOC); sys.at_once++) {
		sys.room = 1000;
		assert_int_equal(store(DOC, true), 0);
		assert_holds(DOC);
		(void)clear();
	}
}

static void
test_write_that_takes_nothing(void **state)
{
	(void)state;
	sys.takes_nothing = true;
	assert_int_equal(store(DOC, true), -1);
	assert_told("write(", ENOSPC);
	sys.takes_nothing = false;
	assert_none();
}

/* It would be a second name of the keyring, which somebody must hear of. */
static void
test_temporary_name_that_stays(void **state)
{
	(void)state;
	sys.failing = "renameat2";
	sys.error = ENOSYS;
	assert_int_equal(store(DOC, true), 0);
	assert_null(roost_keyfile_store_leftover(keyfile));
	(void)clear();
	sys.failing = "unlink";
	sys.error = EIO;
	assert_int_equal(store(DOC, true), 0);
	/* It was renamed, and unlink() is tried all the same. */
	assert_non_null(strstr(roost_keyfile_store_leftover(keyfile),
			       "unlink("));
	sys.failing = NULL;
	(void)clear();
	assert_int_equal(store(DOC, true), 0);
	assert_null(roost_keyfile_store_leftover(keyfile));
}

/* A host knows its own by the name that it goes by, and leaves those of others
   alone while they may be at work. */
static void
test_temporary_files_of_hosts(void **state)
{
	static const char *const names[] = {
		"keyring.here.99.tmp", "keyring.there.99.tmp"
	};
	char name[128];
	unsigned int i;
	int fd;

	(void)state;
	for (i = 0; i < KIT_COUNT(names); i++) {
		(void)snprintf(name, sizeof(name), "%s/%s", folder, names[i]);
		fd = open(name, O_WRONLY | O_CREAT, 0600);
		assert_true(fd >= 0);
		(void)close(fd);
	}
	assert_int_equal(store(DOC, true), 0);
	(void)snprintf(name, sizeof(name), "%s/%s", folder, names[0]);
	assert_int_equal(access(name, F_OK), -1);
	(void)snprintf(name, sizeof(name), "%s/%s", folder, names[1]);
	assert_int_equal(access(name, F_OK), 0);
}

static void
test_full_disk(void **state)
{
	size_t room;

	(void)state;
	for (room = 0; room < strlen(NEXT); room++) {
		sys.room = 1000;
		assert_int_equal(store(DOC, true), 0);
		sys.room = room;
		assert_int_equal(store(NEXT, false), -1);
		assert_told("write(", ENOSPC);
		assert_holds(DOC);
		assert_int_equal(clear(), 1);
	}
}

static void
test_each_call_fails(void **state)
{
	static const char *const first[] = {
		"open", "fchmod", "write", "fsync", "close", "rename",
	};
	static const char *const next[] = {
		"open", "fchmod", "write", "fsync", "close", "unlink", "link",
		"rename",
	};
	unsigned int i;

	(void)state;
	sys.error = EIO;
	for (i = 0; i < KIT_COUNT(first); i++) {
		sys.failing = first[i];
		assert_int_equal(store(DOC, true), -1);
		assert_told(first[i], EIO);
		sys.failing = NULL;
		assert_none();
		assert_int_equal(clear(), 0);
	}
	for (i = 0; i < KIT_COUNT(next); i++) {
		assert_int_equal(store(DOC, true), 0);
		sys.failing = next[i];
		assert_int_equal(store(NEXT, false), -1);
		assert_told(next[i], EIO);
		sys.failing = NULL;
		assert_holds(DOC);
		/* What was left behind is in nobody's way. */
		assert_int_equal(store(NEXT, false), 0);
		assert_int_equal(roost_keyfile_store_settle(keyfile), 0);
		assert_int_equal(clear(), 1);
	}
}

static void
test_reading_fails(void **state)
{
	static const char *const calls[] = { "open", "fstat", "read" };
	char doc[64];
	size_t len;
	unsigned int i;

	(void)state;
	assert_int_equal(store(DOC, true), 0);
	sys.error = EIO;
	for (i = 0; i < KIT_COUNT(calls); i++) {
		sys.failing = calls[i];
		assert_int_equal(roost_keyfile_load(keyfile, doc, sizeof(doc),
						    &len), -1);
		assert_told(calls[i], EIO);
	}
	sys.failing = "lstat";
	assert_int_equal(roost_keyfile_has_old(keyfile), -1);
	assert_told("lstat", EIO);
	sys.failing = "unlink";
	assert_int_equal(roost_keyfile_store_settle(keyfile), -1);
	assert_told("unlink", EIO);
}

static void
test_what_is_no_keyring(void **state)
{
	char doc[sizeof(DOC)];
	struct roost_keyfile *elsewhere;
	size_t len;

	(void)state;
	assert_int_equal(store(DOC, true), 0);
	assert_int_equal(roost_keyfile_load(keyfile, doc, strlen(DOC), &len),
			 1);
	assert_int_equal(roost_keyfile_load(keyfile, doc, strlen(DOC) - 1,
					    &len), -2);
	assert_int_equal(chmod(path, 0604), 0);
	assert_int_equal(roost_keyfile_load(keyfile, doc, sizeof(doc), &len),
			 -1);
	assert_told("is open to everybody: chmod 0600", 0);
	(void)clear();
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(roost_keyfile_load(keyfile, doc, sizeof(doc), &len),
			 -1);
	assert_told("is not a regular file", 0);
	assert_int_equal(rmdir(path), 0);
	/* Where the folder is not there, nobody knows that there is none. */
	(void)snprintf(path, sizeof(path), "%s/gone/keyring", folder);
	elsewhere = roost_keyfile_new(path, "here");
	assert_int_equal(roost_keyfile_load(elsewhere, doc, sizeof(doc),
					    &len), -1);
	assert_non_null(strstr(roost_keyfile_error(elsewhere),
			       "is not there"));
	roost_keyfile_free(&elsewhere);
}

/* A second writer, and what he does while the first waits. */
static struct roost_keyfile *other;
static unsigned int waits;

static void
let_go_later(void)
{
	if (++waits == 3)
		roost_keyfile_unlock(other);
}

static void
test_lock_is_waited_for(void **state)
{
	(void)state;
	waits = 0;
	other = roost_keyfile_new(path, "here");
	assert_int_equal(roost_keyfile_lock(other), 0);
	sys.when_waiting = let_go_later;
	assert_int_equal(roost_keyfile_lock(keyfile), 0);
	assert_int_equal(waits, 3);
	sys.when_waiting = NULL;
	assert_int_equal(roost_keyfile_lock(other), -1);
	roost_keyfile_unlock(keyfile);
	assert_int_equal(roost_keyfile_lock(other), 0);
	roost_keyfile_free(&other);
	/* Who frees it has let go of it. */
	assert_int_equal(roost_keyfile_lock(keyfile), 0);
}

static void
test_lock_is_tried(void **state)
{
	(void)state;
	other = roost_keyfile_new(path, "here");
	assert_int_equal(roost_keyfile_lock(other), 0);
	assert_int_equal(roost_keyfile_lock_try(keyfile), 0);
	assert_int_equal(sys.secs, 0);
	roost_keyfile_unlock(other);
	assert_int_equal(roost_keyfile_lock_try(keyfile), 1);
	assert_int_equal(roost_keyfile_lock_try(other), 0);
	roost_keyfile_unlock(keyfile);
	roost_keyfile_free(&other);
}

static void
test_lock_is_not_waited_for_without_end(void **state)
{
	char by[64];

	(void)state;
	other = roost_keyfile_new(path, "here");
	assert_int_equal(roost_keyfile_lock(other), 0);
	assert_int_equal(roost_keyfile_lock(keyfile), -1);
	assert_int_equal(sys.secs, LOCK_TIMEOUT_SECS);
	assert_told("Another process holds the lock of the keyring", 0);
	assert_told("Timed out after 5 seconds", 0);
	(void)snprintf(by, sizeof(by), "held by pid %ld)", (long)getpid());
	assert_told(by, 0);
	assert_told("end that process if it hangs (fuser ", 0);
	roost_keyfile_free(&other);
}

static void
replace_lock(void)
{
	assert_int_equal(rename(keyfile->lock_path, keyfile->old_path), 0);
	roost_keyfile_unlock(other);
	assert_int_equal(roost_keyfile_lock(other), 0);
	sys.when_waiting = NULL;
}

/* Who waited for a file that is gone holds the lock of nothing. */
static void
test_lock_is_replaced(void **state)
{
	(void)state;
	other = roost_keyfile_new(path, "here");
	assert_int_equal(roost_keyfile_lock(other), 0);
	sys.when_waiting = replace_lock;
	assert_int_equal(roost_keyfile_lock(keyfile), -1);
	assert_told("was replaced while it was waited for: try again", 0);
	roost_keyfile_free(&other);
}

static void
test_lock_fails(void **state)
{
	static const char *const calls[] = { "open", "fstat", "flock" };
	unsigned int i;

	(void)state;
	sys.error = EIO;
	for (i = 0; i < KIT_COUNT(calls); i++) {
		sys.failing = calls[i];
		assert_int_equal(roost_keyfile_lock(keyfile), -1);
		assert_told(calls[i], EIO);
	}
	sys.failing = NULL;
	(void)clear();
	assert_int_equal(symlink(path, keyfile->lock_path), 0);
	assert_int_equal(roost_keyfile_lock(keyfile), -1);
	assert_told("it is not a regular file: remove it", ELOOP);
	(void)clear();
	assert_int_equal(store(DOC, true), 0);
	assert_int_equal((link)(path, keyfile->lock_path), 0);
	assert_int_equal(roost_keyfile_lock(keyfile), -1);
	assert_told("is not a regular file of its own: remove it", 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_stored_and_replaced),
		TEST(test_no_renameat2),
		TEST(test_short_writes),
		TEST(test_write_that_takes_nothing),
		TEST(test_temporary_name_that_stays),
		TEST(test_temporary_files_of_hosts),
		TEST(test_full_disk),
		TEST(test_each_call_fails),
		TEST(test_reading_fails),
		TEST(test_what_is_no_keyring),
		TEST(test_lock_is_waited_for),
		TEST(test_lock_is_tried),
		TEST(test_lock_is_not_waited_for_without_end),
		TEST(test_lock_is_replaced),
		TEST(test_lock_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
