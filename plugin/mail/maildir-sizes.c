/* SPDX-License-Identifier: MIT */
/*
 * maildir-sizes: sizes in the name of a maildir file.  See maildir-sizes.h.
 */
#include "mail/maildir-sizes.h"

#ifdef ROOST_HAVE_MAILDIR_MAIL
#include "maildir-storage.h"
#include "maildir-filename.h"

#include <stdio.h>

static bool
name_is_wrong(const char *name, char key, uoff_t right)
{
	uoff_t size;

	return maildir_filename_get_size(name, key, &size) && size != right;
}

/* Returns the name that core itself would give to the file.  What stands behind
   the sizes, flags and keywords, stays. */
static const char *
right_name(const char *name, const struct roost_sizes *sizes)
{
	static const char ends[] = { MAILDIR_EXTRA_SEP, MAILDIR_INFO_SEP, 0 };
	const char *info = strchr(name, MAILDIR_INFO_SEP);
	string_t *str = t_str_new(128);

	str_append_data(str, name, strcspn(name, ends));
	str_printfa(str, ",%c=%"PRIuUOFF_T, MAILDIR_EXTRA_FILE_SIZE,
		    sizes->physical);
	if (sizes->virtual != UOFF_T_MAX)
		str_printfa(str, ",%c=%"PRIuUOFF_T,
			    MAILDIR_EXTRA_VIRTUAL_SIZE, sizes->virtual);
	if (info != NULL)
		str_append(str, info);
	return str_c(str);
}

/* Returns what maildir_file_do() expects: 1 done, 0 the file has another name
   now, -1 with the mailbox's error set. */
static int
fix_name(struct maildir_mailbox *mbox, const char *path,
	 struct roost_sizes *sizes)
{
	const char *name = strrchr(path, '/') + 1, *right;

	if (!name_is_wrong(name, MAILDIR_EXTRA_FILE_SIZE, sizes->physical) &&
	    !name_is_wrong(name, MAILDIR_EXTRA_VIRTUAL_SIZE, sizes->virtual))
		return 1;
	right = t_strconcat(t_strdup_until(path, name),
			    right_name(name, sizes), NULL);
	if (rename(path, right) == 0) {
		e_warning(mbox->box.event, "roost: The file name told a "
			  "wrong size; renamed it from %s to %s", path, right);
		return 1;
	}
	if (errno == ENOENT)
		return 0;
	mailbox_set_critical(&mbox->box, "roost: rename(%s, %s) failed: %m",
			     path, right);
	return -1;
}

void
roost_maildir_sizes_fix(struct mail *mail, const struct roost_sizes *sizes)
{
	struct roost_sizes right = *sizes;
	struct maildir_mailbox *mbox;

	if (strcmp(mail->box->storage->name, "maildir") != 0 ||
	    sizes->physical == UOFF_T_MAX)
		return;
	mbox = MAILDIR_MAILBOX(mail->box);
	if (!mbox->storage->set->maildir_broken_filename_sizes)
		(void)maildir_file_do(mbox, mail->uid, fix_name, &right);
}
#else
void
roost_maildir_sizes_fix(struct mail *mail ATTR_UNUSED,
			const struct roost_sizes *sizes ATTR_UNUSED)
{
}
#endif
