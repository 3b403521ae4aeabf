/* SPDX-License-Identifier: MIT */
/*
 * maildir: the new form of a message takes its file's name.  See place.h.
 *
 * Sessions of Dovecot rename a file when flags change, and hold two locks while
 * they do: that of dovecot-uidlist, which keeps out those that read the folder,
 * and that of the index.  With both held the name cannot change, and the file
 * can be replaced by one rename.  Other programs take no locks: after the
 * rename it is looked whether the old file lost a name by it.  If it did not,
 * somebody had just renamed it; then the new name is taken away again, because
 * the message would be there twice.
 */
#include "rewrite/place.h"

#include "fdatasync-path.h"
#include "maildir-filename.h"
#include "maildir-storage.h"
#include "maildir-uidlist.h"

#include "rewrite/links.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#define TMP_PREFIX "roost-rewrite."
#define TMP_TRIES 3
/* How often the name is looked up that is to be replaced. */
#define NAME_TRIES 10
#define READ_SIZE (64 * 1024)

/* A message that is being put into its place. */
struct put {
	struct roost_rewrite_form *form;
	struct maildir_mailbox *mbox;
	int old_fd;			/* borrowed from the form */
	struct stat old;
	int tmp_fd;
	const char *tmp_path;		/* NULL: there is no such file now */
	const char *path;		/* of the message, as last seen */
	bool is_full;			/* the error would meet others too */
};

static int
fail_errno(struct put *put, const char *function, const char **error_r)
{
	put->is_full = ENOSPACE(errno) || errno == EROFS;
	*error_r = t_strdup_printf("%s failed: %m", function);
	return -1;
}

/* -- the temporary file -- */

/* While it is in use it is locked, so that another run does not take it for one
   that a killed run has left. */
static bool
tmp_lock(int fd)
{
	struct stat st;

	/* Where there are no such locks, nothing is taken for left behind. */
	(void)flock(fd, LOCK_EX | LOCK_NB);
	return fstat(fd, &st) == 0 && st.st_nlink > 0;
}

static const char *
tmp_path(const struct put *put)
{
	return t_strdup_printf("%s/tmp/"TMP_PREFIX"%s",
			       mailbox_get_path(&put->mbox->box),
			       maildir_filename_generate());
}

static int
tmp_create(struct put *put, const char **error_r)
{
	unsigned int i;

	for (i = 0; i < TMP_TRIES; i++) {
		put->tmp_path = tmp_path(put);
		put->tmp_fd = open(put->tmp_path, O_RDWR | O_CREAT | O_EXCL |
				   O_CLOEXEC, 0600);
		if (put->tmp_fd == -1)
			break;
		if (tmp_lock(put->tmp_fd))
			return 0;
		i_close_fd(&put->tmp_fd);
	}
	put->tmp_path = NULL;
	return fail_errno(put, "creating a file in tmp/", error_r);
}

static void
tmp_free(struct put *put)
{
	if (put->tmp_path != NULL && unlink(put->tmp_path) < 0 &&
	    errno != ENOENT)
		e_error(put->mbox->box.event, "roost: unlink(%s) failed: %m",
			put->tmp_path);
	put->tmp_path = NULL;
	i_close_fd(&put->tmp_fd);
}

/* The received date of a message is its file's mtime. */
static int
tmp_set_attributes(struct put *put, const char **error_r)
{
	const struct timespec times[2] = {
		put->old.st_atim, put->old.st_mtim
	};
	struct stat st;

	if (fstat(put->tmp_fd, &st) < 0)
		return fail_errno(put, "fstat()", error_r);
	if ((st.st_uid != put->old.st_uid || st.st_gid != put->old.st_gid) &&
	    fchown(put->tmp_fd, put->old.st_uid, put->old.st_gid) < 0)
		return fail_errno(put, "keeping the file's owner", error_r);
	if (fchmod(put->tmp_fd, put->old.st_mode & 07777) < 0)
		return fail_errno(put, "keeping the file's mode", error_r);
	if (futimens(put->tmp_fd, times) < 0)
		return fail_errno(put, "keeping the file's times", error_r);
	return 0;
}

static int
tmp_write(struct put *put, const char **error_r)
{
	struct ostream *output = o_stream_create_fd_file(put->tmp_fd, 0,
							 FALSE);
	int ret;

	o_stream_cork(output);
	ret = roost_rewrite_form_write(put->form, output, error_r);
	put->is_full = ENOSPACE(output->stream_errno);
	if (ret < 0)
		o_stream_abort(output);
	else
		ret = o_stream_finish(output) < 0 ? -1 : 0;
	if (ret < 0 && *error_r == NULL)
		*error_r = t_strdup(o_stream_get_error(output));
	o_stream_unref(&output);
	if (ret < 0)
		return -1;
	if (tmp_set_attributes(put, error_r) < 0)
		return -1;
	return fsync(put->tmp_fd) < 0 ?
		fail_errno(put, "fsync()", error_r) : 0;
}

static int
tmp_check(struct put *put, const char **error_r)
{
	struct istream *input;
	int ret;

	if (lseek(put->tmp_fd, 0, SEEK_SET) < 0)
		return fail_errno(put, "lseek()", error_r);
	input = i_stream_create_fd(put->tmp_fd, READ_SIZE);
	ret = roost_rewrite_form_check(put->form, input, error_r);
	i_stream_unref(&input);
	return ret;
}

/* Is the old file one of which another name was rewritten in this run?  Then
   the new one is linked. */
static bool
tmp_link(struct put *put)
{
	struct roost_rewrite_copy copy;

	put->tmp_path = tmp_path(put);
	if (!roost_rewrite_links_find(put->form->links, &put->old,
				      put->tmp_path, &copy)) {
		put->tmp_path = NULL;
		return FALSE;
	}
	roost_rewrite_form_set_copy(put->form, &copy);
	return TRUE;
}

static int
tmp_make(struct put *put, const char **error_r)
{
	*error_r = NULL;
	if (tmp_link(put))
		return 0;
	return tmp_create(put, error_r) < 0 || tmp_write(put, error_r) < 0 ||
		tmp_check(put, error_r) < 0 ? -1 : 0;
}

/* -- the name of the message -- */

static bool
is_same_file(const struct stat *one, const struct stat *other)
{
	return one->st_ino == other->st_ino && one->st_dev == other->st_dev;
}

struct seek_name {
	char *path;
	struct stat st;
};

/* For maildir_file_do(): 1 the file has this name; 0 it has another now. */
static int
seek_name(struct maildir_mailbox *mbox, const char *path,
	  struct seek_name *seek)
{
	if (stat(path, &seek->st) == 0) {
		i_free(seek->path);
		seek->path = i_strdup(path);
		return 1;
	}
	if (errno == ENOENT)
		return 0;
	mailbox_set_critical(&mbox->box, "stat(%s) failed: %m", path);
	return -1;
}

/* Find the name that the message has now. */
static enum roost_rewrite_placed
name_find(struct put *put, const char **error_r)
{
	struct seek_name seek = { .path = NULL };
	int ret = maildir_file_do(put->mbox, put->form->mail->uid, seek_name,
				  &seek);

	put->path = t_strdup(seek.path);
	i_free(seek.path);
	if (ret < 0) {
		*error_r = t_strdup(mailbox_get_last_internal_error(
			&put->mbox->box, NULL));
		return ROOST_REWRITE_PLACE_FAILED;
	}
	if (ret == 0)
		return ROOST_REWRITE_PLACE_GONE;
	return is_same_file(&seek.st, &put->old) ? ROOST_REWRITE_PLACED :
		ROOST_REWRITE_PLACE_OTHER;
}

/* The part of a name that stays when flags and sizes in it change. */
static size_t
name_base_len(const char *name)
{
	static const char ends[] = { MAILDIR_EXTRA_SEP, MAILDIR_INFO_SEP, 0 };

	return strcspn(name, ends);
}

static bool
name_is_of_same_message(const char *name, const char *other)
{
	size_t len = name_base_len(name);

	return len == name_base_len(other) &&
		strncmp(name, other, len) == 0;
}

static bool
old_is_in_folder(const struct put *put, const char *folder)
{
	const char *name = strrchr(put->path, '/') + 1, *path;
	const struct dirent *entry;
	DIR *dir = opendir(folder);
	bool is_there = FALSE;
	struct stat st;

	while (dir != NULL && !is_there && (entry = readdir(dir)) != NULL) {
		if (!name_is_of_same_message(entry->d_name, name))
			continue;
		path = t_strconcat(folder, "/", entry->d_name, NULL);
		is_there = stat(path, &st) == 0 &&
			is_same_file(&st, &put->old);
	}
	if (dir != NULL)
		closedir(dir);
	return is_there;
}

/*
 * Did somebody without locks rename the old file, just before the new one took
 * its name?  Only a name that is there proves it: a file system may be late to
 * tell how many names a file has.
 */
static bool
name_was_changed(const struct put *put, nlink_t old_count)
{
	const char *root = mailbox_get_path(&put->mbox->box);
	struct stat st;

	if (fstat(put->old_fd, &st) < 0 || st.st_nlink < old_count)
		return FALSE;
	return old_is_in_folder(put, t_strconcat(root, "/cur", NULL)) ||
		old_is_in_folder(put, t_strconcat(root, "/new", NULL));
}

/* -- the switch -- */

static int
box_lock(struct maildir_mailbox *mbox, const char **error_r)
{
	if (maildir_uidlist_lock(mbox->uidlist) <= 0) {
		*error_r = t_strdup_printf("the mailbox cannot be locked: %s",
			mailbox_get_last_internal_error(&mbox->box, NULL));
		return -1;
	}
	if (mail_index_lock_sync(mbox->box.index, "roost rewrite") == 0)
		return 0;
	maildir_uidlist_unlock(mbox->uidlist);
	*error_r = "the mailbox's index cannot be locked";
	return -1;
}

static void
box_unlock(struct maildir_mailbox *mbox)
{
	mail_index_unlock(mbox->box.index, "roost rewrite");
	maildir_uidlist_unlock(mbox->uidlist);
}

static enum roost_rewrite_placed
switch_locked(struct put *put, const char **error_r)
{
	struct stat now;

	/* The count of names may have grown by a copy meanwhile. */
	if (fstat(put->old_fd, &put->old) < 0 || stat(put->path, &now) < 0 ||
	    !is_same_file(&now, &put->old))
		return ROOST_REWRITE_PLACE_OTHER;
	if (roost_rewrite_form_forget(put->form, error_r) < 0)
		return ROOST_REWRITE_PLACE_FAILED;
	if (rename(put->tmp_path, put->path) < 0) {
		if (errno == ENOENT)
			return ROOST_REWRITE_PLACE_OTHER;
		(void)fail_errno(put, "rename()", error_r);
		return ROOST_REWRITE_PLACE_FAILED;
	}
	put->tmp_path = NULL;
	if (name_was_changed(put, put->old.st_nlink)) {
		i_unlink(put->path);
		return ROOST_REWRITE_PLACE_OTHER;
	}
	roost_rewrite_form_placed(put->form);
	return ROOST_REWRITE_PLACED;
}

/* OTHER where the name is another one now: the caller looks again. */
static enum roost_rewrite_placed
switch_name(struct put *put, const char **error_r)
{
	enum roost_rewrite_placed placed;

	if (box_lock(put->mbox, error_r) < 0)
		return ROOST_REWRITE_PLACE_FULL;
	placed = switch_locked(put, error_r);
	box_unlock(put->mbox);
	return placed;
}

static enum roost_rewrite_placed
place(struct put *put, const char **error_r)
{
	enum roost_rewrite_placed placed;
	unsigned int i;

	for (i = 0; i < NAME_TRIES; i++) {
		placed = name_find(put, error_r);
		if (placed != ROOST_REWRITE_PLACED)
			return placed;
		placed = switch_name(put, error_r);
		/* Without its temporary file it has to begin anew. */
		if (placed != ROOST_REWRITE_PLACE_OTHER ||
		    put->tmp_path == NULL)
			return placed;
	}
	*error_r = "its file keeps changing its name";
	return ROOST_REWRITE_PLACE_FAILED;
}

/* What stands there now is whole in any case. */
static void
make_durable(const struct put *put)
{
	const char *folder = t_strdup_until(put->path,
					    strrchr(put->path, '/'));

	if (fdatasync_path(folder) < 0)
		e_error(put->mbox->box.event,
			"roost: fdatasync_path(%s) failed: %m", folder);
}

static void
remember_link(struct put *put)
{
	struct roost_rewrite_copy copy;

	if (put->tmp_fd == -1 || put->old.st_nlink < 2)
		return;
	roost_rewrite_form_get_copy(put->form, &copy);
	roost_rewrite_links_add(put->form->links, put->old_fd, put->tmp_fd,
				&copy);
}

static enum roost_rewrite_placed
put_form(struct put *put, const char **error_r)
{
	enum roost_rewrite_placed placed;

	if (fstat(put->old_fd, &put->old) < 0) {
		(void)fail_errno(put, "fstat()", error_r);
		return ROOST_REWRITE_PLACE_FAILED;
	}
	put->form->save_date = put->old.st_ctime;
	if (tmp_make(put, error_r) < 0)
		return put->is_full ? ROOST_REWRITE_PLACE_FULL :
			ROOST_REWRITE_PLACE_FAILED;
	placed = place(put, error_r);
	if (placed == ROOST_REWRITE_PLACED) {
		make_durable(put);
		remember_link(put);
	}
	return placed == ROOST_REWRITE_PLACE_FAILED && put->is_full ?
		ROOST_REWRITE_PLACE_FULL : placed;
}

static enum roost_rewrite_placed
maildir_put(struct roost_rewrite_form *form, void *context ATTR_UNUSED,
	    const char **error_r)
{
	struct put put = {
		.form = form,
		.mbox = MAILDIR_MAILBOX(form->mail->box),
		.old_fd = i_stream_get_fd(form->stored),
		.tmp_fd = -1,
	};
	enum roost_rewrite_placed placed = put_form(&put, error_r);

	tmp_free(&put);
	return placed;
}

/* -- a mailbox -- */

/* Remove a file that a killed run has left: nobody has it locked. */
static void
remove_left(struct mailbox *box, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd == -1)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && unlink(path) < 0 &&
	    errno != ENOENT)
		e_error(box->event, "roost: unlink(%s) failed: %m", path);
	i_close_fd(&fd);
}

static int
maildir_begin(struct mailbox *box,
	      struct roost_rewrite_undone *undone ATTR_UNUSED,
	      void **context_r, const char **error_r)
{
	const char *folder = t_strconcat(mailbox_get_path(box), "/tmp", NULL);
	const struct dirent *entry;
	DIR *dir = opendir(folder);

	*context_r = NULL;
	if (dir == NULL) {
		*error_r = t_strdup_printf("opendir(%s) failed: %m", folder);
		return -1;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, TMP_PREFIX,
			    strlen(TMP_PREFIX)) == 0)
			remove_left(box, t_strconcat(folder, "/",
						     entry->d_name, NULL));
	}
	closedir(dir);
	return 0;
}

/* Dovecot removes them when they are 36 hours old. */
static unsigned int
maildir_count_spare(struct mailbox *box)
{
	DIR *dir = opendir(t_strconcat(mailbox_get_path(box), "/tmp", NULL));
	const struct dirent *entry;
	unsigned int count = 0;

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			count++;
	}
	closedir(dir);
	return count;
}

static int
maildir_end(struct mailbox *box ATTR_UNUSED, void *context ATTR_UNUSED,
	    const char **error_r ATTR_UNUSED)
{
	return 0;
}

const struct roost_rewrite_place roost_rewrite_maildir = {
	.storage = "maildir",
	.begin = maildir_begin,
	.end = maildir_end,
	.put = maildir_put,
	.count_spare = maildir_count_spare,
};
