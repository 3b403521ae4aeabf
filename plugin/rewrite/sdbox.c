/* SPDX-License-Identifier: MIT */
/*
 * sdbox: a message in a file of its own, u.UID, gets a new form.
 *
 * The new file is written beside the old one, in the primary or the alternate
 * storage, and takes its name by rename().  Dovecot removes and moves these
 * files only for what it has done, or is doing, with the index locked.  So they
 * stay as they are while that lock is held and the index has the message.
 *
 * Copies are links to one file.  The new file of the first of them is
 * remembered, and the others get links to it.
 */
#include "rewrite/dbox.h"
#include "rewrite/links.h"

#include "dbox-storage.h"
#include "fdatasync-path.h"
#include "read-full.h"
#include "sdbox-storage.h"
#include "strnum.h"

#include "session/reopen.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

/* Dovecot removes what has this prefix when it is old, and takes it for no
   message.  The suffix says that it is of this file. */
#define TEMP_PREFIX DBOX_TEMP_FILE_PREFIX
#define TEMP_SUFFIX ".roost-rewrite"
#define TEMP_TRIES 10

/* A form that is being put in its place. */
struct sdbox_put {
	struct roost_rewrite_form *form;
	struct roost_rewrite_dbox old;
	const char *dir;		/* of the old file */
	const char *temp;		/* the new one; NULL: there is none */
	int fd;				/* of it, if it is no link */
};

static enum roost_rewrite_placed
put_fail(const char *call, const char *path, const char **error_r)
{
	int error = errno;

	*error_r = t_strdup_printf("%s(%s) failed: %m", call, path);
	return roost_rewrite_dbox_failed(error);
}

static void
temp_free(struct sdbox_put *put)
{
	if (put->temp != NULL)
		i_unlink_if_exists(put->temp);
	put->temp = NULL;
	i_close_fd(&put->fd);
}

static const char *
temp_path(const struct sdbox_put *put)
{
	return t_strdup_printf("%s/%s"TEMP_SUFFIX, put->dir,
			       dbox_generate_tmp_filename());
}

/* Lock a temporary file that was just made, so that another run does not take
   it for one that a killed run has left.  FALSE if one has just done so. */
static bool
temp_lock(struct sdbox_put *put)
{
	struct stat st;

	/* Where there are no such locks, nothing is taken for left behind. */
	(void)flock(put->fd, LOCK_EX | LOCK_NB);
	return fstat(put->fd, &st) == 0 && st.st_nlink > 0;
}

static enum roost_rewrite_placed
temp_create(struct sdbox_put *put, const char **error_r)
{
	const char *path = NULL;
	unsigned int i;

	for (i = 0; i < TEMP_TRIES; i++) {
		path = temp_path(put);
		put->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW |
			       O_CLOEXEC, 0600);
		if (put->fd == -1)
			return put_fail("open", path, error_r);
		put->temp = path;
		if (temp_lock(put))
			return ROOST_REWRITE_PLACED;
		temp_free(put);
	}
	*error_r = t_strdup_printf("%s was removed as soon as it was made",
				   path);
	return ROOST_REWRITE_PLACE_FAILED;
}

/* Give the new file what does not depend on its bytes. */
static enum roost_rewrite_placed
temp_adopt(struct sdbox_put *put, const char **error_r)
{
	const struct stat *old = &put->old.st;
	const struct timespec times[2] = { old->st_atim, old->st_mtim };
	struct stat st;

	if (fstat(put->fd, &st) < 0)
		return put_fail("fstat", put->temp, error_r);
	if ((st.st_uid != old->st_uid || st.st_gid != old->st_gid) &&
	    fchown(put->fd, old->st_uid, old->st_gid) < 0)
		return put_fail("fchown", put->temp, error_r);
	if (fchmod(put->fd, old->st_mode & 07777) < 0)
		return put_fail("fchmod", put->temp, error_r);
	if (futimens(put->fd, times) < 0)
		return put_fail("futimens", put->temp, error_r);
	return ROOST_REWRITE_PLACED;
}

/* The header of the file says what is in it, and when it was made. */
static enum roost_rewrite_placed
temp_write_header(struct sdbox_put *put, struct ostream *output,
		  const char **error_r)
{
	size_t size = put->old.offset;
	void *header = t_malloc_no0(size);

	if (pread_full(put->old.file->fd, header, size, 0) <= 0)
		return put_fail("pread", put->old.file->cur_path, error_r);
	if (o_stream_send(output, header, size) != (ssize_t)size) {
		errno = output->stream_errno;
		return put_fail("write", put->temp, error_r);
	}
	return ROOST_REWRITE_PLACED;
}

static enum roost_rewrite_placed
temp_write(struct sdbox_put *put, const char **error_r)
{
	struct ostream *output = o_stream_create_fd_file(put->fd, 0, FALSE);
	enum roost_rewrite_placed placed;

	o_stream_set_name(output, put->temp);
	o_stream_cork(output);
	placed = temp_write_header(put, output, error_r);
	if (placed == ROOST_REWRITE_PLACED)
		placed = roost_rewrite_dbox_write(&put->old, put->form, output,
						  error_r);
	if (placed != ROOST_REWRITE_PLACED)
		o_stream_abort(output);
	else if (o_stream_finish(output) < 0) {
		errno = output->stream_errno;
		placed = put_fail("write", put->temp, error_r);
	}
	o_stream_unref(&output);
	return placed;
}

/* Make the new file, whole and verified.  It takes the place of mail that is
   safe already, so that it is synced whatever Dovecot does with new mail. */
static enum roost_rewrite_placed
put_write(struct sdbox_put *put, const char **error_r)
{
	enum roost_rewrite_placed placed = temp_create(put, error_r);

	if (placed == ROOST_REWRITE_PLACED)
		placed = temp_write(put, error_r);
	if (placed == ROOST_REWRITE_PLACED)
		placed = temp_adopt(put, error_r);
	if (placed != ROOST_REWRITE_PLACED)
		return placed;
	if (fsync(put->fd) < 0)
		return put_fail("fsync", put->temp, error_r);
	return roost_rewrite_dbox_check(&put->old, put->form, put->fd,
					put->old.offset, error_r) < 0 ?
		ROOST_REWRITE_PLACE_FAILED : ROOST_REWRITE_PLACED;
}

/* Make the new file a link to one that a copy of the message has got already.
   FALSE if there is none, or it cannot be linked: then it is written anew. */
static bool
put_link(struct sdbox_put *put)
{
	const char *path = temp_path(put);
	struct roost_rewrite_copy copy;

	if (!roost_rewrite_links_find(put->form->links, &put->old.st, path,
				      &copy))
		return FALSE;
	put->temp = path;
	roost_rewrite_form_set_copy(put->form, &copy);
	return TRUE;
}

/* Others may become links to the new file that was just put in place. */
static void
put_remember(const struct sdbox_put *put)
{
	struct roost_rewrite_copy copy;

	if (put->fd == -1 || put->old.st.st_nlink < 2)
		return;
	roost_rewrite_form_get_copy(put->form, &copy);
	roost_rewrite_links_add(put->form->links, put->old.file->fd, put->fd,
				&copy);
}

/* Does the index, which is locked, have the message?  1; 0; -1 with error_r. */
static int
box_has_message(struct mailbox *box, uint32_t uid, const char **error_r)
{
	struct mail_index_view *view;
	uint32_t seq;
	bool has;

	if (mail_index_refresh(box->index) < 0) {
		mailbox_set_index_error(box);
		*error_r = mailbox_get_last_internal_error(box, NULL);
		return -1;
	}
	view = mail_index_view_open(box->index);
	has = mail_index_lookup_seq(view, uid, &seq);
	mail_index_view_close(&view);
	return has ? 1 : 0;
}

static enum roost_rewrite_placed
put_switch_locked(struct sdbox_put *put, const char **error_r)
{
	struct roost_rewrite_form *form = put->form;
	int ret;

	ret = box_has_message(form->mail->box, form->mail->uid, error_r);
	if (ret == 0)
		return ROOST_REWRITE_PLACE_GONE;
	if (ret > 0)
		ret = roost_rewrite_dbox_is_there(&put->old, error_r);
	if (ret == 0)
		return ROOST_REWRITE_PLACE_OTHER;
	/* The storage takes the save date from when the inode was changed. */
	form->save_date = put->old.st.st_ctime;
	if (ret < 0 || roost_rewrite_form_forget(form, error_r) < 0)
		return ROOST_REWRITE_PLACE_FAILED;
	if (rename(put->temp, put->old.file->cur_path) < 0)
		return errno == ENOENT ? ROOST_REWRITE_PLACE_OTHER :
			put_fail("rename", put->temp, error_r);
	put->temp = NULL;
	roost_rewrite_form_placed(form);
	return ROOST_REWRITE_PLACED;
}

static enum roost_rewrite_placed
put_switch(struct sdbox_put *put, const char **error_r)
{
	struct mailbox *box = put->form->mail->box;
	enum roost_rewrite_placed placed;

	if (mail_index_lock_sync(box->index, "roost rewrites a message") < 0) {
		mailbox_set_index_error(box);
		*error_r = mailbox_get_last_internal_error(box, NULL);
		return ROOST_REWRITE_PLACE_FULL;
	}
	placed = put_switch_locked(put, error_r);
	mail_index_unlock(box->index, "roost rewrote a message");
	/* What stands there now is whole in any case. */
	if (placed == ROOST_REWRITE_PLACED && fdatasync_path(put->dir) < 0)
		e_error(box->event, "roost: fdatasync_path(%s) failed: %m",
			put->dir);
	return placed;
}

static enum roost_rewrite_placed
put_file(struct sdbox_put *put, const char **error_r)
{
	const struct roost_rewrite_dbox *old = &put->old;
	enum roost_rewrite_placed placed = ROOST_REWRITE_PLACED;

	if (old->offset != old->file->file_header_size ||
	    old->end != (uoff_t)old->st.st_size) {
		*error_r = t_strdup_printf("%s has more in it than one message",
					   old->file->cur_path);
		return ROOST_REWRITE_PLACE_FAILED;
	}
	if (!put_link(put))
		placed = put_write(put, error_r);
	if (placed == ROOST_REWRITE_PLACED)
		placed = put_switch(put, error_r);
	if (placed == ROOST_REWRITE_PLACED)
		put_remember(put);
	return placed;
}

static enum roost_rewrite_placed
sdbox_put(struct roost_rewrite_form *form, void *context ATTR_UNUSED,
	  const char **error_r)
{
	struct sdbox_put put = { .form = form, .fd = -1 };
	enum roost_rewrite_placed placed;
	const char *path;

	if (roost_rewrite_dbox_look(form->mail, &put.old, error_r) < 0)
		return ROOST_REWRITE_PLACE_FAILED;
	path = put.old.file->cur_path;
	put.dir = t_strdup_until(path, strrchr(path, '/'));
	placed = put_file(&put, error_r);
	temp_free(&put);
	if (placed == ROOST_REWRITE_PLACE_OTHER)
		roost_reopen_prepare(form->mail);
	return placed;
}

/* Remove a temporary file, unless the run lives that made it. */
static void
leftover_remove(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		i_unlink_if_exists(path);
	i_close_fd(&fd);
}

static bool
name_is_leftover(const char *name)
{
	size_t len = strlen(name), suffix_len = strlen(TEMP_SUFFIX);

	return strncmp(name, TEMP_PREFIX, strlen(TEMP_PREFIX)) == 0 &&
		len > suffix_len &&
		strcmp(name + len - suffix_len, TEMP_SUFFIX) == 0;
}

/* What a killed run has left in the folder; 0, or -1 with error_r. */
static int
leftovers_remove(const char *path, const char **error_r)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	int ret = 0;

	if (dir == NULL && errno == ENOENT)
		return 0;
	for (errno = 0; dir != NULL && (d = readdir(dir)) != NULL; errno = 0) {
		if (name_is_leftover(d->d_name)) T_BEGIN {
			leftover_remove(t_strdup_printf("%s/%s", path,
							d->d_name));
		} T_END;
	}
	if (errno != 0) {
		(void)put_fail("readdir", path, error_r);
		ret = -1;
	}
	if (dir != NULL)
		(void)closedir(dir);
	return ret;
}

static int
sdbox_begin(struct mailbox *box,
	    struct roost_rewrite_undone *undone ATTR_UNUSED,
	    void **context_r, const char **error_r)
{
	static const enum mailbox_list_path_type types[] = {
		MAILBOX_LIST_PATH_TYPE_MAILBOX,
		MAILBOX_LIST_PATH_TYPE_ALT_MAILBOX
	};
	const char *path;
	unsigned int i;

	*context_r = NULL;
	for (i = 0; i < N_ELEMENTS(types); i++) {
		if (mailbox_get_path_to(box, types[i], &path) > 0 &&
		    leftovers_remove(path, error_r) < 0)
			return -1;
	}
	return 0;
}

/* -- what Dovecot has left -- */

/*
 * Dovecot moves a message between the primary and the alternate storage by a
 * copy, after which it removes the other file.  Where it was killed between
 * them, both are there, and the primary one is read.
 */
struct sdbox_stray {
	struct mailbox *box;
	uint32_t uid;
	const char *path;		/* in the alternate storage */
	const char *read_path;		/* of the file that is read */
	struct stat read;
};

/* 1 there is one; 0; -1 with error_r. */
static int
stray_find(struct sdbox_stray *stray, const char **error_r)
{
	const char *dir, *alt_dir;
	struct stat st;

	if (mailbox_get_path_to(stray->box, MAILBOX_LIST_PATH_TYPE_MAILBOX,
				&dir) <= 0 ||
	    mailbox_get_path_to(stray->box, MAILBOX_LIST_PATH_TYPE_ALT_MAILBOX,
				&alt_dir) <= 0)
		return 0;
	stray->read_path = t_strdup_printf("%s/"SDBOX_MAIL_FILE_FORMAT, dir,
					   stray->uid);
	stray->path = t_strdup_printf("%s/"SDBOX_MAIL_FILE_FORMAT, alt_dir,
				      stray->uid);
	if (stat(stray->read_path, &stray->read) == 0 &&
	    stat(stray->path, &st) == 0)
		return st.st_ino != stray->read.st_ino ||
			!CMP_DEV_T(st.st_dev, stray->read.st_dev) ? 1 : 0;
	if (errno == ENOENT)
		return 0;
	*error_r = t_strdup_printf("stat(%s or %s) failed: %m",
				   stray->read_path, stray->path);
	return -1;
}

/* Is it a file of the same message? */
static bool
stray_is_same(const struct sdbox_stray *stray)
{
	const char *guid = roost_rewrite_dbox_guid(stray->read_path);
	const char *other = roost_rewrite_dbox_guid(stray->path);

	return guid != NULL && other != NULL && strcmp(guid, other) == 0;
}

/* With the index locked nobody moves it.  Is all as it was? */
static int
stray_remove_locked(struct sdbox_stray *stray, const char **error_r)
{
	struct sdbox_stray now = { .box = stray->box, .uid = stray->uid };
	int ret = stray_find(&now, error_r);

	if (ret <= 0)
		return ret;
	if (now.read.st_ino != stray->read.st_ino) {
		*error_r = "it was changed meanwhile; run it again";
		return -1;
	}
	if (unlink(stray->path) == 0 || errno == ENOENT)
		return 0;
	*error_r = t_strdup_printf("unlink(%s) failed: %m", stray->path);
	return -1;
}

static int
sdbox_tidy(struct mailbox *box, uint32_t uid,
	   int (*is_whole)(struct roost_rewrite *run, uint32_t uid,
			   const char **error_r),
	   struct roost_rewrite *run, const char **error_r)
{
	struct sdbox_stray stray = { .box = box, .uid = uid };
	int ret = stray_find(&stray, error_r);

	if (ret <= 0)
		return ret;
	if (!stray_is_same(&stray)) {
		*error_r = t_strdup_printf("%s holds another message",
					   stray.path);
		return -1;
	}
	if (is_whole(run, uid, error_r) < 0)
		return -1;
	if (mail_index_lock_sync(box->index, "roost removes a copy") < 0) {
		*error_r = "the mailbox's index cannot be locked";
		return -1;
	}
	ret = stray_remove_locked(&stray, error_r);
	mail_index_unlock(box->index, "roost removed a copy");
	return ret;
}

/* Is that the name of a file of a message that the index does not have? */
static bool
name_is_spare(struct mail_index_view *view, const char *name)
{
	const size_t len = strlen(SDBOX_MAIL_FILE_PREFIX);
	uint32_t uid, seq;

	if (strncmp(name, TEMP_PREFIX, strlen(TEMP_PREFIX)) == 0)
		return TRUE;
	return strncmp(name, SDBOX_MAIL_FILE_PREFIX, len) == 0 &&
		str_to_uint32(name + len, &uid) == 0 &&
		!mail_index_lookup_seq(view, uid, &seq);
}

static unsigned int
spare_in(struct mailbox *box, const char *path)
{
	struct mail_index_view *view;
	unsigned int count = 0;
	const struct dirent *entry;
	DIR *dir = opendir(path);

	if (dir == NULL)
		return 0;
	(void)mail_index_refresh(box->index);
	view = mail_index_view_open(box->index);
	while ((entry = readdir(dir)) != NULL) {
		if (name_is_spare(view, entry->d_name))
			count++;
	}
	mail_index_view_close(&view);
	(void)closedir(dir);
	return count;
}

static unsigned int
sdbox_count_spare(struct mailbox *box)
{
	unsigned int count = 0;
	const char *path;

	if (mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_MAILBOX,
				&path) > 0)
		count += spare_in(box, path);
	if (mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_ALT_MAILBOX,
				&path) > 0)
		count += spare_in(box, path);
	return count;
}

static int
sdbox_end(struct mailbox *box ATTR_UNUSED, void *context ATTR_UNUSED,
	  const char **error_r ATTR_UNUSED)
{
	return 0;
}

const struct roost_rewrite_place roost_rewrite_sdbox = {
	.storage = "sdbox",
	.begin = sdbox_begin,
	.end = sdbox_end,
	.put = sdbox_put,
	.tidy = sdbox_tidy,
	.count_spare = sdbox_count_spare,
};
