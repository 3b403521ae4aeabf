/* SPDX-License-Identifier: MIT */
/*
 * leaks: what would leave words of sealed mail on a disk.  See leaks.h.
 */
#include "session/leaks.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

const char *
roost_leaks_fts_plugin(const struct mail_user *user)
{
	const char *const *plugins = roost_mail_plugins(user->set);

	for (; *plugins != NULL; plugins++) {
		if (strcmp(*plugins, "fts") == 0 ||
		    strncmp(*plugins, "fts_", 4) == 0)
			return *plugins;
	}
	return NULL;
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

/* Does the device mapper say that this volume is encrypted?  FALSE also where
   it cannot be asked. */
static bool
device_is_encrypted(dev_t dev)
{
	static const char kind[] = "CRYPT-";
	char uuid[sizeof(kind) - 1] = "";
	const char *path = t_strdup_printf("/sys/dev/block/%u:%u/dm/uuid",
					   major(dev), minor(dev));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t ret;

	if (fd < 0)
		return FALSE;
	ret = read(fd, uuid, sizeof(uuid));
	i_close_fd(&fd);
	return ret == (ssize_t)sizeof(uuid) &&
		memcmp(uuid, kind, sizeof(uuid)) == 0;	/* public */
}

static bool
dir_keeps_nothing(const char *dir)
{
	struct statfs fs;
	struct stat st;

	/* That it is not there is told by whoever needs it. */
	if (statfs(dir, &fs) < 0 || stat(dir, &st) < 0)
		return TRUE;
	return fs.f_type == TMPFS_MAGIC ||
		(unsigned long)fs.f_type == RAMFS_MAGIC ||
		device_is_encrypted(st.st_dev);
}

void
roost_leaks_check_temp_dir(struct mail_user *user)
{
	static bool was_checked;	/* one line for the process */
	const char *dir = user->set->mail_temp_dir;

	if (was_checked)
		return;
	was_checked = TRUE;
	if (!dir_keeps_nothing(dir))
		e_warning(user->event, "roost: mail_temp_dir %s is on a disk, "
			  "where Dovecot puts large messages in the clear "
			  "while it receives or decodes them: put it on a "
			  "tmpfs", dir);
}
