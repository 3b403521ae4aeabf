/* SPDX-License-Identifier: MIT */
/*
 * cat: `roost cat FILE`: one stored message, opened, to stdout.
 *
 * The file is one of a maildir, of sdbox (u.N) or of mdbox (m.N, where
 * FILE:OFFSET says which message, as verify lists it).
 */
#define _GNU_SOURCE
#include "tool/commands.h"

#include "tool/dbox.h"
#include "tool/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file, and which of its messages is meant. */
struct wanted {
	char *path;		/* owned */
	int fd;
	uint64_t size, offset;
	bool has_offset;
};

static int
stdout_write(void *context, const uint8_t *bytes, size_t len)
{
	ssize_t ret;

	(void)context;
	for (; len > 0; bytes += ret, len -= (size_t)ret) {
		ret = write(STDOUT_FILENO, bytes, len);
		if (ret < 0 && errno == EINTR && !roost_say_is_stopped())
			ret = 0;
		if (ret < 0)
			return -1;
	}
	return 0;
}

/* "FILE:OFFSET", where there is no file of that whole name. */
static bool
offset_split(struct wanted *wanted)
{
	char *colon = strrchr(wanted->path, ':'), *end;

	if (colon == NULL || colon[1] < '0' || colon[1] > '9')
		return false;
	errno = 0;
	wanted->offset = strtoull(colon + 1, &end, 10);
	if (*end != '\0' || errno != 0)
		return false;
	wanted->has_offset = true;
	*colon = '\0';
	return true;
}

static bool
wanted_open(struct wanted *wanted, const char *path)
{
	struct stat st;

	memset(wanted, 0, sizeof(*wanted));
	wanted->path = strdup(path);
	if (wanted->path == NULL) {
		roost_say("There is not enough memory");
		return false;
	}
	wanted->fd = roost_stored_open(AT_FDCWD, wanted->path, &st);
	if (wanted->fd < 0 && errno == ENOENT && offset_split(wanted))
		wanted->fd = roost_stored_open(AT_FDCWD, wanted->path, &st);
	if (wanted->fd < 0) {
		roost_say("Cannot read %s: %s", roost_say_name(wanted->path),
			  errno == ENOTSUP ? "it is no regular file" :
			  strerror(errno));
		free(wanted->path);
		return false;
	}
	wanted->size = (uint64_t)st.st_size;
	return true;
}

static ssize_t
wanted_read(void *context, uint64_t off, void *dst, size_t len)
{
	return roost_stored_read(*(int *)context, off, dst, len);
}

/* The one message of a dbox file that is meant. */
static bool
dbox_choose(const struct wanted *wanted, struct roost_dbox *dbox,
	    struct roost_stored *stored)
{
	const char *name = roost_say_name(wanted->path);
	struct roost_dbox_message first, second;

	if (wanted->has_offset)
		roost_dbox_seek(dbox, wanted->offset);
	if (roost_dbox_next(dbox, &first) != ROOST_DBOX_MESSAGE) {
		roost_say("No whole message stands in %s at offset %llu; "
			  "`roost verify` lists what the file holds", name,
			  (unsigned long long)(wanted->has_offset ?
					       wanted->offset :
					       dbox->first_off));
		return false;
	}
	if (!wanted->has_offset &&
	    roost_dbox_next(dbox, &second) != ROOST_DBOX_END) {
		roost_say("%s holds several messages, the first at %s:%llu "
			  "and the next at %s:%llu: name one in this way",
			  name, name, (unsigned long long)first.header_off,
			  name, (unsigned long long)second.header_off);
		return false;
	}
	stored->off = first.off;
	stored->size = first.size;
	if (first.has_attachments)
		roost_say("Attachments of this message lie in files of their "
			  "own and are missing in it");
	return true;
}

/* Say what compression has left of the message. */
static enum roost_status
packed_say(const struct wanted *wanted, const struct roost_message *message)
{
	const char *name = roost_say_name(wanted->path);
	char why[ROOST_MESSAGE_WHY_SIZE];

	if (!roost_message_is_plain(message, why)) {
		roost_say("%s: %s", name, why);
		return ROOST_STATUS_SOME;
	}
	if (message->packed != ROOST_UNPACK_NONE && !message->is_unpacked)
		roost_say("%s begins as %s data does, and stays as it stands",
			  name, roost_unpack_name(message->packed));
	return ROOST_STATUS_OK;
}

static enum roost_status
stored_cat(const struct roost_keys *keys, const struct wanted *wanted,
	   bool keeps_packed, struct roost_stored *stored)
{
	const struct roost_message_sink sink = { stdout_write, NULL };
	char why[ROOST_MESSAGE_WHY_SIZE];
	struct roost_message message;

	roost_message_open(keys, stored, keeps_packed, &sink, &message);
	if (message.kind == ROOST_MESSAGE_PLAINTEXT)
		roost_say("%s is not sealed", roost_say_name(wanted->path));
	if (message.kind == ROOST_MESSAGE_SEALED ||
	    message.kind == ROOST_MESSAGE_PLAINTEXT)
		return packed_say(wanted, &message);
	if (roost_say_is_stopped())
		return ROOST_STATUS_STOPPED;
	if (message.kind == ROOST_MESSAGE_NO_OUTPUT) {
		roost_say("Cannot write to stdout: %s", strerror(errno));
		return ROOST_STATUS_FAILED;
	}
	roost_message_why(&message, why);
	roost_say("%s cannot be had: %s.  What was written is not the whole "
		  "message; restore the file from another backup",
		  roost_say_name(wanted->path), why);
	return ROOST_STATUS_SOME;
}

static enum roost_status
wanted_cat(const struct roost_keys *keys, struct wanted *wanted,
	   bool keeps_packed)
{
	struct roost_dbox_reader reader = {
		wanted_read, &wanted->fd, wanted->size
	};
	struct roost_stored stored = { .fd = wanted->fd,
		.size = wanted->size };
	static struct roost_dbox dbox;
	int ret = roost_dbox_begin(&dbox, &reader);

	if (ret < 0) {
		roost_say("Cannot read %s: %s", roost_say_name(wanted->path),
			  strerror(errno));
		return ROOST_STATUS_SOME;
	}
	if (ret == 0 && wanted->has_offset) {
		roost_say("%s is no file of sdbox or mdbox, so that it has "
			  "no offsets", roost_say_name(wanted->path));
		return ROOST_STATUS_USAGE;
	}
	if (ret > 0 && !dbox_choose(wanted, &dbox, &stored))
		return ROOST_STATUS_USAGE;
	return stored_cat(keys, wanted, keeps_packed, &stored);
}

enum roost_status
roost_cat_command(const struct roost_options *options)
{
	struct roost_keys keys = { NULL, NULL, NULL, NULL };
	enum roost_status status;
	struct wanted wanted;

	if (options->keyring == NULL) {
		roost_say("Say by --keyring FILE which keyring the message "
			  "is sealed to");
		return ROOST_STATUS_USAGE;
	}
	if (!wanted_open(&wanted, options->args[0]))
		return ROOST_STATUS_FAILED;
	status = roost_keys_load(&keys, options, options->keyring);
	if (status == ROOST_STATUS_OK)
		status = roost_keys_unlock(&keys, options);
	if (status == ROOST_STATUS_OK)
		status = wanted_cat(&keys, &wanted, options->keeps_packed);
	roost_keys_close(&keys);
	(void)close(wanted.fd);
	free(wanted.path);
	return status;
}
