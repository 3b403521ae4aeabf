/* SPDX-License-Identifier: MIT */
/*
 * unlock-cache: what a login leaves for the next.  See unlock-cache.h.
 *
 * A file is named by the user's secret, and lies beside a lock of its name,
 * which its maker holds while it computes.  The files turn-0, turn-1 and so on
 * are locked by who computes, whoever's connection it is.  A file's time of
 * change is when it expires, so that nobody has to open it to remove it.
 */
#include "session/unlock-cache.h"

#include "file-create-locked.h"
#include "safe-mkstemp.h"
#include "sleep.h"
#include "write-full.h"

#include "session/leaks.h"

#include "roost/secret.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* How long one waits for another connection of the same user, and for a turn,
   in seconds.  Who has waited so long computes all the same. */
#define LOCK_WAIT_SECS 10
#define TURN_WAIT_MSECS 60000
#define TURN_STEP_MSECS 5

struct roost_unlock_turn {
	struct file_lock *lock;		/* of the user; NULL: not to be had */
	int turn_fd;			/* -1: there is none to wait for */
	char *path;			/* NULL: nothing is left there */
};

/* -- the folder -- */

/*
 * Returns what is wrong with the folder, or NULL.  Only volatile memory will
 * do.  Nobody else may exchange what lies there; and who has no mail processes
 * may not even reach it, because he could hold the locks of the turns, and with
 * them everybody's logins.
 */
static const char *
folder_error(const char *path)
{
	struct stat st;
	bool is_mine, is_shared;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int is_volatile;

	if (fd < 0)
		return t_strdup_printf("open() failed: %m");
	is_volatile = roost_leaks_fd_is_volatile(fd);
	if (is_volatile < 0 || fstat(fd, &st) < 0) {
		i_close_fd(&fd);
		return t_strdup_printf("fstat() failed: %m");
	}
	i_close_fd(&fd);
	if (is_volatile == 0)
		return "it does not lie on tmpfs: keys would reach a disk";
	is_mine = st.st_uid == geteuid() && (st.st_mode & 0077) == 0;
	is_shared = st.st_uid == 0 && (st.st_mode & S_ISVTX) != 0 &&
		(st.st_mode & S_IRWXO) == 0;
	if (!is_mine && !is_shared)
		return "it must belong to the mail's user with mode 0700, or "
			"to root with mode 1770 and a group that all mail "
			"processes have (mail_access_groups)";
	return NULL;
}

/* Returns the path of the user's file, or NULL if the cache is off. */
static char *
file_path(const struct roost_config_unlock *config,
	  const struct roost_unlock *unlock)
{
	char name[ROOST_UNLOCK_NAME_SIZE];
	const char *error;

	if (config->folder == NULL)
		return NULL;
	error = folder_error(config->folder);
	if (error != NULL) {
		i_error("roost: roost_unlock_cache %s is not used: %s",
			config->folder, error);
		return NULL;
	}
	if (roost_unlock_name(unlock, name) != ROOST_OK)
		return NULL;
	return i_strconcat(config->folder, "/", name, NULL);
}

/* -- one file -- */

/* Returns the length of what the file holds, if it is this process's own. */
static size_t
file_read(const char *path, uint8_t *bytes_r, size_t size)
{
	struct stat st;
	ssize_t ret = -1;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_uid == geteuid())
		ret = read(fd, bytes_r, size);
	i_close_fd(&fd);
	return ret < 0 ? 0 : (size_t)ret;
}

/* Put a file in place, whole; its time of change is when it expires. */
static void
file_write(const char *path, const uint8_t *bytes, size_t len,
	   uint64_t expires)
{
	struct timespec times[2] = {
		{ .tv_sec = (time_t)expires }, { .tv_sec = (time_t)expires }
	};
	string_t *temp = t_str_new(256);
	int fd;

	str_append(temp, path);
	fd = safe_mkstemp(temp, 0600, (uid_t)-1, (gid_t)-1);
	if (fd < 0) {
		i_error("roost: roost_unlock_cache: safe_mkstemp(%s) "
			"failed: %m", str_c(temp));
		return;
	}
	if (write_full(fd, bytes, len) < 0 || futimens(fd, times) < 0 ||
	    rename(str_c(temp), path) < 0) {
		i_error("roost: roost_unlock_cache: cannot write %s: %m",
			path);
		i_unlink_if_exists(str_c(temp));
	}
	i_close_fd(&fd);
}

static void
file_leave(const struct roost_config_unlock *config, const char *path,
	   const struct roost_unlock *unlock,
	   const struct roost_unlock_times *times, const uint8_t *master)
{
	uint8_t file[ROOST_UNLOCK_FILE_SIZE];	/* sealed */
	struct roost_unlock_times until = *times;
	uint64_t last = times->created + ROOST_UNLOCK_LIFE_MAX;

	until.expires = I_MIN((uint64_t)time(NULL) + config->ttl, last);
	if (until.expires > times->expires &&
	    roost_unlock_seal(unlock, &until, master, file) == ROOST_OK)
		file_write(path, file, sizeof(file), until.expires);
}

/* Take what lies there; when half of its time is over, it gets more.  What was
   left for longer than is configured now is not taken. */
static bool
file_take(const struct roost_config_unlock *config, const char *path,
	  const struct roost_unlock *unlock, uint8_t *master_r)
{
	uint8_t file[ROOST_UNLOCK_FILE_SIZE + 1];	/* sealed */
	struct roost_unlock_times times;
	uint64_t now = (uint64_t)time(NULL);
	size_t len = file_read(path, file, sizeof(file));

	if (roost_unlock_open(unlock, file, len, now, &times, master_r) !=
	    ROOST_OK)
		return FALSE;
	if (times.expires - now > config->ttl) {
		roost_wipe(master_r, ROOST_KEY_SIZE);
		return FALSE;
	}
	if (times.expires - now < config->ttl / 2)
		file_leave(config, path, unlock, &times, master_r);
	return TRUE;
}

/* -- cleaning -- */

/* Is that the name of a file, of a temporary one or of a lock? */
static bool
is_file_name(const char *name)
{
	return strspn(name, "0123456789abcdef") >= ROOST_UNLOCK_NAME_SIZE - 1;
}

static void
sweep_entry(const char *folder, const char *name, time_t now)
{
	const char *path = t_strconcat(folder, "/", name, NULL);
	struct stat st;

	/* A temporary file or a lock was left by who died over it. */
	if (is_file_name(name) && lstat(path, &st) == 0 &&
	    st.st_uid == geteuid() && st.st_mtime < now -
	    (strlen(name) == ROOST_UNLOCK_NAME_SIZE - 1 ? 0 :
	     2 * LOCK_WAIT_SECS))
		i_unlink_if_exists(path);
}

/* Remove what has expired, once in a ttl. */
static void
sweep(const struct roost_config_unlock *config)
{
	const char *stamp = t_strconcat(config->folder, "/swept-",
					dec2str(geteuid()), NULL);
	time_t now = time(NULL);
	struct dirent *entry;
	struct stat st;
	DIR *dir;
	int fd;

	if (lstat(stamp, &st) == 0 && st.st_mtime <= now &&
	    st.st_mtime + (time_t)config->ttl > now)
		return;
	/* Somebody may have put a FIFO there, and nobody reads it. */
	fd = open(stamp, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC |
		  O_NONBLOCK, 0600);
	dir = fd < 0 || futimens(fd, NULL) < 0 ? NULL :
		opendir(config->folder);
	i_close_fd(&fd);
	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) T_BEGIN {
		sweep_entry(config->folder, entry->d_name, now);
	} T_END;
	(void)closedir(dir);
}

/* -- turns -- */

/* Open one of the files that are locked by turns.  Whoever reaches the folder
   may open it; where that is sticky, the kernel may refuse O_CREAT of one that
   another user made. */
static int
turn_open(const char *path)
{
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd >= 0)
		(void)fchmod(fd, 0666);
	return fd;
}

/* Returns the descriptor of a turn, from that number on, that is free now; -1:
   all are taken; -2: they cannot be used. */
static int
turn_try(const struct roost_config_unlock *config, unsigned int first)
{
	unsigned int i;
	int ret = -2;

	for (i = first; i < config->parallel; i++) {
		const char *path = t_strdup_printf("%s/turn-%u",
						   config->folder, i);
		int fd = turn_open(path);

		if (fd < 0)
			continue;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		i_close_fd(&fd);
		ret = -1;
	}
	return ret;
}

static int
turn_wait(const struct roost_config_unlock *config)
{
	unsigned int waited = 0;
	int fd;

	for (;;) {
		T_BEGIN {
			fd = turn_try(config, 0);
		} T_END;
		if (fd != -1)
			return fd < 0 ? -1 : fd;
		if (waited >= TURN_WAIT_MSECS) {
			i_error("roost: Other logins have computed for %u "
				  "seconds: this one waits no longer",
				  TURN_WAIT_MSECS / 1000);
			return -1;
		}
		i_sleep_msecs(TURN_STEP_MSECS);
		waited += TURN_STEP_MSECS;
	}
}

/* -- taking and leaving -- */

/* Wait for another connection of the user that computes already. */
static void
turn_lock_user(struct roost_unlock_turn *turn)
{
	const struct file_create_settings set = {
		.lock_timeout_secs = LOCK_WAIT_SECS,
		.lock_settings = {
			.lock_method = FILE_LOCK_METHOD_FLOCK,
			.close_on_free = TRUE, .unlink_on_free = TRUE,
		},
		.mode = 0600,
	};
	const char *error;
	bool was_created;

	if (file_create_locked(t_strconcat(turn->path, ".lock", NULL), &set,
			       &turn->lock, &was_created, &error) < 0)
		turn->lock = NULL;	/* it computes beside the other */
}

static struct roost_unlock_turn *
turn_new(const struct roost_config_unlock *config,
	 const struct roost_unlock *unlock)
{
	struct roost_unlock_turn *turn = i_new(struct roost_unlock_turn, 1);

	turn->turn_fd = -1;
	turn->path = file_path(config, unlock);
	return turn;
}

struct roost_unlock_turn *
roost_unlock_cache_refuse(const struct roost_config_unlock *config,
			  const struct roost_unlock *unlock)
{
	struct roost_unlock_turn *turn = turn_new(config, unlock);

	if (turn->path == NULL)
		return turn;
	turn_lock_user(turn);
	i_unlink_if_exists(turn->path);
	turn->turn_fd = turn_wait(config);
	return turn;
}

struct roost_unlock_turn *
roost_unlock_cache_turn(const struct roost_config_unlock *config,
			const struct roost_unlock *unlock)
{
	struct roost_unlock_turn *turn = turn_new(config, unlock);

	if (turn->path != NULL) {
		turn->turn_fd = turn_try(config, config->parallel - 1);
		if (turn->turn_fd == -1)
			roost_unlock_cache_leave(config, unlock, NULL, &turn);
	}
	return turn;
}

void
roost_unlock_cache_computed(struct roost_unlock_turn *turn)
{
	if (turn->turn_fd >= 0)
		i_close_fd(&turn->turn_fd);	/* the kernel unlocks it */
}

bool
roost_unlock_cache_take(const struct roost_config_unlock *config,
			const struct roost_unlock *unlock,
			uint8_t master_r[ROOST_KEY_SIZE],
			struct roost_unlock_turn **turn_r)
{
	struct roost_unlock_turn *turn = turn_new(config, unlock);

	*turn_r = turn;
	memset(master_r, 0, ROOST_KEY_SIZE);
	if (turn->path == NULL)
		return FALSE;
	if (!file_take(config, turn->path, unlock, master_r)) {
		turn_lock_user(turn);
		if (!file_take(config, turn->path, unlock, master_r)) {
			turn->turn_fd = turn_wait(config);
			return FALSE;
		}
	}
	i_free_and_null(turn->path);
	roost_unlock_cache_leave(config, unlock, NULL, turn_r);
	return TRUE;
}

void
roost_unlock_cache_leave(const struct roost_config_unlock *config,
			 const struct roost_unlock *unlock,
			 const uint8_t *master,
			 struct roost_unlock_turn **_turn)
{
	struct roost_unlock_turn *turn = *_turn;
	struct roost_unlock_times times = {
		.created = (uint64_t)time(NULL)
	};

	*_turn = NULL;
	roost_unlock_cache_computed(turn);
	if (turn->path != NULL && master != NULL) T_BEGIN {
		file_leave(config, turn->path, unlock, &times, master);
		sweep(config);
	} T_END;
	if (turn->lock != NULL)
		file_lock_free(&turn->lock);
	i_free(turn->path);
	i_free(turn);
}
