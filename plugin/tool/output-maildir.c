/* SPDX-License-Identifier: MIT */
/*
 * output-maildir: messages as files of a maildir with its folders (Maildir++),
 * with their flags, keywords and UIDs.  See output-private.h.
 */
#define _GNU_SOURCE
#include "tool/output-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BASE_MAX 150

static int
sub_make(int fd, const char *name)
{
	return mkdirat(fd, name, 0700) < 0 && errno != EEXIST ? -1 : 0;
}

static int
maildir_open(struct roost_output *output)
{
	char name[ROOST_TREE_NAME_SIZE + 1];

	(void)snprintf(name, sizeof(name), ".%s", output->box->name);
	/* Nothing but dots would lead out of the folder. */
	if (output->box->name[0] != '\0' && strspn(name, ".") == strlen(name)) {
		errno = EINVAL;
		return -1;
	}
	if (output->box->name[0] != '\0' && sub_make(output->fd, name) < 0)
		return -1;
	output->box_fd = openat(output->fd, name, O_RDONLY | O_DIRECTORY |
				O_NOFOLLOW | O_CLOEXEC);
	if (output->box_fd < 0)
		return -1;
	if (sub_make(output->box_fd, "cur") == 0 &&
	    sub_make(output->box_fd, "new") == 0 &&
	    sub_make(output->box_fd, "tmp") == 0)
		return 0;
	(void)close(output->box_fd);
	output->box_fd = -1;
	return -1;
}

static int
maildir_leave(struct roost_output *output)
{
	FILE *uidlist = output->uidlist;

	output->uidlist = NULL;
	(void)close(output->box_fd);
	output->box_fd = -1;
	return uidlist == NULL ? 0 : fclose(uidlist);
}

/* NULL with errno: it is there already, or cannot be made. */
static FILE *
file_make(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL |
			O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (file == NULL && fd >= 0)
		(void)close(fd);
	return file;
}

static int
keywords_write(struct roost_output *output)
{
	FILE *file = NULL;
	unsigned int i;

	for (i = 0; i < ROOST_MAILDIR_LETTERS; i++) {
		if (output->box->keywords[i] == NULL)
			continue;
		if (file == NULL)
			file = file_make(output->box_fd, "dovecot-keywords");
		if (file == NULL)
			return -1;
		(void)fprintf(file, "%u %s\n", i,
			      output->box->keywords[i]);
	}
	return file == NULL || fclose(file) == 0 ? 0 : -1;
}

static int
maildir_note(struct roost_output *output,
	     const struct roost_tree_folder *folder)
{
	/* Of a second mailbox of one name they are not used. */
	if (keywords_write(output) < 0 && errno != EEXIST)
		return -1;
	if (folder->uidlist == NULL)
		return 0;
	output->uidlist = file_make(output->box_fd, "dovecot-uidlist");
	if (output->uidlist == NULL)
		return errno == EEXIST ? 0 : -1;
	output->last_uid = 0;
	(void)fprintf(output->uidlist, "3 V%u N%u\n",
		      folder->uidlist->uid_validity,
		      folder->uidlist->next_uid);
	return 0;
}

static int
maildir_begin(struct roost_output *output,
	      const struct roost_tree_message *msg)
{
	(void)msg;
	(void)snprintf(output->temp, sizeof(output->temp), "tmp/%u.roost",
		       output->number);
	output->message_fd = openat(output->box_fd, output->temp,
				    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
				    O_CLOEXEC, 0600);
	return output->message_fd < 0 ? -1 : 0;
}

static int
maildir_add(struct roost_output *output, const uint8_t *bytes, size_t len)
{
	ssize_t ret;

	for (; len > 0; bytes += ret, len -= (size_t)ret) {
		ret = write(output->message_fd, bytes, len);
		if (ret < 0 && errno == EINTR)
			ret = 0;
		if (ret < 0)
			return -1;
	}
	return 0;
}

static void
maildir_cancel(struct roost_output *output)
{
	(void)close(output->message_fd);
	output->message_fd = -1;
	(void)unlinkat(output->box_fd, output->temp, 0);
}

/* The name of a message without its flags: the old one of a maildir, up to what
   it says of sizes, which others could have changed.  again: that is taken. */
static void
base_make(const struct roost_output *output,
	  const struct roost_tree_message *msg, bool again,
	  char base_r[BASE_MAX + 64])
{
	size_t len = 0, max = strcspn(msg->file, ",:");

	if (msg->format != ROOST_TREE_MAILDIR) {
		len = (size_t)snprintf(base_r, BASE_MAX, "%lld.%u.roost",
				       (long long)msg->received,
				       output->number);
	} else {
		for (; len < max && len < BASE_MAX; len++)
			base_r[len] = (unsigned char)msg->file[len] <= ' ' ||
				msg->file[len] == 0x7f ? '_' : msg->file[len];
	}
	if (again || len == 0)
		len += (size_t)snprintf(base_r + len, 16, "_%u",
					output->number);
	(void)snprintf(base_r + len, 32, ",S=%llu",
		       (unsigned long long)output->size);
}

/* Move the message to its name, which must be free. */
static int
message_place(struct roost_output *output, const char *name)
{
	if (renameat2(output->box_fd, output->temp, output->box_fd, name,
		      RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(output->box_fd, output->temp, output->box_fd, name, 0) < 0)
		return -1;
	return unlinkat(output->box_fd, output->temp, 0);
}

/* Note the UID of a message.  Two files may have one, and then it stays with
   the first: Dovecot refuses a whole list in which UIDs do not ascend. */
static void
uid_note(struct roost_output *output, uint32_t uid, const char *base)
{
	if (output->uidlist == NULL || uid <= output->last_uid)
		return;
	(void)fprintf(output->uidlist, "%u :%s\n", uid, base);
	output->last_uid = uid;
}

static int
message_name(struct roost_output *output,
	     const struct roost_tree_message *msg)
{
	struct roost_maildir_flags flags =
		roost_output_flags(output, &msg->flags);
	char base[BASE_MAX + 64], info[ROOST_MAILDIR_INFO_SIZE];
	char name[sizeof(base) + sizeof(info) + 4];
	int ret = -1, again;

	roost_maildir_name_info(&flags, info);
	for (again = 0; ret < 0 && again < 2; again++) {
		base_make(output, msg, again == 1, base);
		(void)snprintf(name, sizeof(name), "cur/%s%s", base, info);
		ret = message_place(output, name);
		if (ret < 0 && errno != EEXIST)
			return -1;
	}
	if (ret == 0)
		uid_note(output, msg->uid, base);
	return ret;
}

static int
maildir_finish(struct roost_output *output,
	       const struct roost_tree_message *msg)
{
	struct timespec times[2] = {
		{ .tv_sec = msg->received }, { .tv_sec = msg->received }
	};
	int error, ret = futimens(output->message_fd, times);

	if (ret == 0)
		ret = message_name(output, msg);
	if (ret == 0) {
		ret = close(output->message_fd);
		output->message_fd = -1;
		return ret;
	}
	error = errno;
	maildir_cancel(output);
	errno = error;
	return -1;
}

const struct roost_output_form roost_output_maildir = {
	.open = maildir_open, .leave = maildir_leave, .note = maildir_note,
	.begin = maildir_begin, .add = maildir_add, .finish = maildir_finish,
	.cancel = maildir_cancel
};
