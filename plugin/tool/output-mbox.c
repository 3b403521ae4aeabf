/* SPDX-License-Identifier: MIT */
/*
 * output-mbox: messages in one file for each mailbox, in the format "mboxrd":
 * a line that begins with "From ", or with brackets and "From ", gets one
 * bracket more, which a reader takes away.  See output-private.h.
 */
#define _GNU_SOURCE
#include "tool/output-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char from[] = "From ";

static int
mbox_open(struct roost_output *output)
{
	char name[ROOST_TREE_NAME_SIZE + 8];
	int fd;

	(void)snprintf(name, sizeof(name), "%s.mbox",
		       output->box->name[0] == '\0' ? "INBOX" :
		       output->box->name);
	fd = openat(output->fd, name, O_WRONLY | O_CREAT | O_APPEND |
		    O_NOFOLLOW | O_CLOEXEC, 0600);
	output->file = fd < 0 ? NULL : fdopen(fd, "a");
	if (output->file == NULL && fd >= 0)
		(void)close(fd);
	return output->file == NULL ? -1 : 0;
}

static int
mbox_leave(struct roost_output *output)
{
	FILE *file = output->file;

	output->file = NULL;
	return fclose(file);
}

static int
mbox_note(struct roost_output *output, const struct roost_tree_folder *folder)
{
	(void)output;
	(void)folder;
	return 0;
}

/* Write the flags as Dovecot and mutt read them. */
static void
flags_write(struct roost_output *output,
	    const struct roost_tree_message *msg)
{
	struct roost_maildir_flags flags =
		roost_output_flags(output, &msg->flags);
	unsigned int i;

	(void)fprintf(output->file, "Status: %sO\nX-Status: %s%s%s%s\n",
		      flags.flags & ROOST_MAILDIR_SEEN ? "R" : "",
		      flags.flags & ROOST_MAILDIR_ANSWERED ? "A" : "",
		      flags.flags & ROOST_MAILDIR_FLAGGED ? "F" : "",
		      flags.flags & ROOST_MAILDIR_DRAFT ? "T" : "",
		      flags.flags & ROOST_MAILDIR_DELETED ? "D" : "");
	if (flags.letters == 0)
		return;
	(void)fputs("X-Keywords:", output->file);
	for (i = 0; i < ROOST_MAILDIR_LETTERS; i++) {
		if ((flags.letters & (uint32_t)1 << i) != 0)
			(void)fprintf(output->file, " %s",
				      output->box->keywords[i]);
	}
	(void)fputc('\n', output->file);
}

static int
mbox_begin(struct roost_output *output, const struct roost_tree_message *msg)
{
	char date[64];
	struct tm time;

	if (fseeko(output->file, 0, SEEK_END) < 0)
		return -1;
	output->begin = ftello(output->file);
	output->is_line_begin = true;
	output->matched = 0;
	output->last = '\n';
	if (output->begin < 0 || gmtime_r(&msg->received, &time) == NULL ||
	    strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y", &time) == 0)
		return -1;
	(void)fprintf(output->file, "From MAILER-DAEMON %s\n", date);
	if (msg->has_flags)
		flags_write(output, msg);
	return ferror(output->file) != 0 ? -1 : 0;
}

static void
byte_put(struct roost_output *output, char byte)
{
	if (output->is_line_begin && byte == from[output->matched]) {
		output->matched++;
		if (from[output->matched] != '\0')
			return;
		/* A whole one. */
		(void)fputc('>', output->file);
		output->is_line_begin = false;
		(void)fwrite(from, 1, output->matched, output->file);
		output->matched = 0;
		return;
	}
	if (output->matched > 0) {
		(void)fwrite(from, 1, output->matched, output->file);
		output->matched = 0;
		output->is_line_begin = false;
	}
	(void)fputc(byte, output->file);
	output->is_line_begin = byte == '\n' ||
		(output->is_line_begin && byte == '>');
}

static int
mbox_add(struct roost_output *output, const uint8_t *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		byte_put(output, (char)bytes[i]);
	if (len > 0)
		output->last = (char)bytes[len - 1];
	return ferror(output->file) != 0 ? -1 : 0;
}

/* Take away what the message has written. */
static void
mbox_cancel(struct roost_output *output)
{
	(void)fflush(output->file);
	clearerr(output->file);
	if (ftruncate(fileno(output->file), output->begin) < 0)
		roost_say("Cannot take half a message away from the end of "
			  "%s in %s: %s",
			  roost_say_name(output->box->name),
			  roost_say_name(output->path), strerror(errno));
	(void)fseeko(output->file, 0, SEEK_END);
}

static int
mbox_finish(struct roost_output *output, const struct roost_tree_message *msg)
{
	int error;

	(void)msg;
	if (output->matched > 0)
		(void)fwrite(from, 1, output->matched, output->file);
	if (output->last != '\n')
		(void)fputc('\n', output->file);
	(void)fputc('\n', output->file);
	if (fflush(output->file) == 0 && ferror(output->file) == 0)
		return 0;
	error = errno;
	mbox_cancel(output);
	errno = error;
	return -1;
}

const struct roost_output_form roost_output_mbox = {
	.open = mbox_open, .leave = mbox_leave, .note = mbox_note,
	.begin = mbox_begin, .add = mbox_add, .finish = mbox_finish,
	.cancel = mbox_cancel
};
