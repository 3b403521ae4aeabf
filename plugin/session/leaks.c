/* SPDX-License-Identifier: MIT */
/*
 * leaks: what would leave words of sealed mail on a disk.  See leaks.h.
 */
#include "session/leaks.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

/* A volume is made of volumes, which are made of volumes, to this depth. */
#define VOLUMES_MAX 8

const char *
roost_leaks_fts_among(const char *const *plugins)
{
	for (; *plugins != NULL; plugins++) {
		if (strcmp(*plugins, "fts") == 0 ||
		    strncmp(*plugins, "fts_", 4) == 0)
			return *plugins;
	}
	return NULL;
}

const char *
roost_leaks_fts_plugin(const struct mail_user *user)
{
	return roost_leaks_fts_among(roost_mail_plugins(user->set));
}

bool
roost_leaks_field_is_telling(const char *name)
{
	static const char *const telling[] = {
		"imap.envelope", "imap.body", "imap.bodystructure",
		"body.snippet", "mime.parts", "binary.parts", "date.sent",
		NULL
	};

	return strncasecmp(name, "hdr.", 4) == 0 ||
		str_array_icase_find(telling, name);
}

/* Does the device mapper say that the volume of this folder of /sys is
   encrypted?  FALSE also where it cannot be asked. */
static bool
volume_is_encrypted(const char *sys)
{
	static const char kind[] = "CRYPT-";
	char uuid[sizeof(kind) - 1] = "";
	const char *path = t_strconcat(sys, "/dm/uuid", NULL);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t ret;

	if (fd < 0)
		return FALSE;
	ret = read(fd, uuid, sizeof(uuid));
	i_close_fd(&fd);
	return ret == (ssize_t)sizeof(uuid) &&
		memcmp(uuid, kind, sizeof(uuid)) == 0;	/* public */
}

/* Is each of the volumes that this one is made of encrypted?  FALSE if it is
   made of none. */
static bool
volume_lies_on_encrypted(const char *sys, unsigned int depth)
{
	const char *slaves = t_strconcat(sys, "/slaves", NULL);
	DIR *dir = depth == 0 ? NULL : opendir(slaves);
	struct dirent *entry;
	bool is_encrypted = TRUE, has_any = FALSE;

	while (dir != NULL && is_encrypted && (entry = readdir(dir)) != NULL) {
		const char *slave;

		if (*entry->d_name == '.')
			continue;
		has_any = TRUE;
		slave = t_strconcat(slaves, "/", entry->d_name, NULL);
		is_encrypted = volume_is_encrypted(slave) ||
			volume_lies_on_encrypted(slave, depth - 1);
	}
	if (dir != NULL)
		(void)closedir(dir);
	return has_any && is_encrypted;
}

bool
roost_leaks_device_is_encrypted(dev_t dev)
{
	const char *sys = t_strdup_printf("/sys/dev/block/%u:%u", major(dev),
					  minor(dev));

	return volume_is_encrypted(sys) ||
		volume_lies_on_encrypted(sys, VOLUMES_MAX);
}

/* Does it lie in memory alone? */
static bool
fs_is_volatile(const struct statfs *fs)
{
	return fs->f_type == TMPFS_MAGIC ||
		(unsigned long)fs->f_type == RAMFS_MAGIC;
}

int
roost_leaks_fd_is_volatile(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return -1;
	return fs_is_volatile(&fs) ? 1 : 0;
}

bool
roost_leaks_dir_keeps(const char *dir)
{
	struct statfs fs;
	struct stat st;

	/* That it is not there is told by whoever needs it. */
	if (statfs(dir, &fs) < 0 || stat(dir, &st) < 0)
		return FALSE;
	return !fs_is_volatile(&fs) &&
		!roost_leaks_device_is_encrypted(st.st_dev);
}

void
roost_leaks_check_temp_dir(struct mail_user *user)
{
	static bool was_checked;	/* one line for the process */
	const char *dir = user->set->mail_temp_dir;

	if (was_checked)
		return;
	was_checked = TRUE;
	if (roost_leaks_dir_keeps(dir))
		e_warning(user->event, "roost: mail_temp_dir %s is on a disk, "
			  "where Dovecot puts large messages in the clear "
			  "while it receives or decodes them: put it on a "
			  "tmpfs", dir);
}
