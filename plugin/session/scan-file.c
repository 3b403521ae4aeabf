/* SPDX-License-Identifier: MIT */
/*
 * scan-file: message files without Dovecot.  See scan-file.h.
 *
 * A dbox file names the length of each of its messages, so that their bytes
 * need not be read.  Where it makes no sense, all that is left of it is
 * searched, because to take a message for a sealed one by mistake costs an
 * admin's look, and to miss one costs the mail.
 */
#include "session/scan-file.h"

#include "dovecot/compat.h"

#include "dbox-file.h"
#include "hex-dec.h"

#include "roost/header.h"

#include <fcntl.h>
#include <unistd.h>

#define BLOCK_SIZE 4096

struct scan_file {
	int fd;
	uoff_t pos;
	size_t len;			/* of what block has, from pos on */
	unsigned char block[BLOCK_SIZE];
};

/* Fill the block from pos on, less at the file's end.  0, or -1 with errno. */
static int
file_read(struct scan_file *file, uoff_t pos)
{
	ssize_t ret;

	file->pos = pos;
	file->len = 0;
	while (file->len < sizeof(file->block)) {
		ret = pread(file->fd, file->block + file->len,
			    sizeof(file->block) - file->len,
			    (off_t)(pos + file->len));
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0)
			return -1;
		if (ret == 0)
			break;
		file->len += (size_t)ret;
	}
	return 0;
}

static bool
block_has_magic(const struct scan_file *file)
{
	size_t i;

	for (i = 0; i + ROOST_MAGIC_SIZE <= file->len; i++) {
		if (roost_header_is_claimed(file->block + i, file->len - i))
			return TRUE;
	}
	return FALSE;
}

/* Does the mark of a sealed message stand anywhere from pos on?  1; 0; -1 with
   errno. */
static int
file_search(struct scan_file *file, uoff_t pos)
{
	do {
		if (file_read(file, pos) < 0)
			return -1;
		if (block_has_magic(file))
			return 1;
		/* The next block begins where a mark may have begun. */
		pos += sizeof(file->block) - ROOST_MAGIC_SIZE + 1;
	} while (file->len == sizeof(file->block));
	return 0;
}

/* The length of each message's header, as the file's first line tells it; 0 if
   this is no dbox file. */
static size_t
dbox_header_size(struct scan_file *file, size_t *line_len_r)
{
	const unsigned char *end = memchr(file->block, '\n', file->len);
	const char *const *words;
	size_t size = 0;

	if (end == NULL || file->block[0] != '0' + DBOX_VERSION)
		return 0;
	*line_len_r = (size_t)(end - file->block) + 1;
	words = t_strsplit(t_strndup(file->block, *line_len_r - 1), " ");
	for (; *words != NULL; words++) {
		if (**words == DBOX_HEADER_MSG_HEADER_SIZE)
			size = hex2dec((const void *)(*words + 1),
				       strlen(*words + 1));
	}
	return size < sizeof(struct dbox_message_header) ||
		size > BLOCK_SIZE / 2 ? 0 : size;
}

/* Find the empty line that ends the metadata behind a message.  1, and *pos_r
   is behind it; 0 there is none; -1 with errno. */
static int
dbox_skip_metadata(struct scan_file *file, uoff_t pos, uoff_t *pos_r)
{
	size_t i;

	do {
		if (file_read(file, pos) < 0)
			return -1;
		for (i = 0; i + 1 < file->len; i++) {
			if (file->block[i] == '\n' &&
			    file->block[i + 1] == '\n') {
				*pos_r = pos + i + 2;
				return 1;
			}
		}
		pos += sizeof(file->block) - 1;
	} while (file->len == sizeof(file->block));
	return 0;
}

/*
 * Look at the message at pos: its header, its bytes, its metadata.  1 it is
 * sealed; 0 the file ends here; -1 with errno; 2 it is not sealed, and the next
 * one begins at *pos_r; 3 what stands there makes no sense.
 */
static int
dbox_message(struct scan_file *file, uoff_t pos, size_t header_size,
	     uoff_t *pos_r)
{
	const struct dbox_message_header *header =
		(const void *)file->block;
	uoff_t size;
	int ret;

	if (file_read(file, pos) < 0)
		return -1;
	if (file->len == 0)
		return 0;
	if (file->len < header_size ||
	    memcmp(header->magic_pre, DBOX_MAGIC_PRE,	/* public */
		   sizeof(header->magic_pre)) != 0)
		return 3;
	if (roost_header_is_claimed(file->block + header_size,
				    file->len - header_size))
		return 1;
	size = hex2dec(header->message_size_hex,
		       sizeof(header->message_size_hex));
	if (size > (uoff_t)SSIZE_T_MAX / 2)
		return 3;
	/* The mark in front of the metadata ends in one line feed. */
	ret = dbox_skip_metadata(file, pos + header_size + size +
				 sizeof(struct dbox_metadata_header) - 1,
				 pos_r);
	return ret < 0 ? -1 : ret > 0 ? 2 : 3;
}

static int
file_is_sealed(struct scan_file *file)
{
	if (file_read(file, 0) < 0)
		return -1;
	return roost_header_is_claimed(file->block, file->len) ? 1 : 0;
}

static int
file_has_sealed(struct scan_file *file)
{
	size_t header_size, line_len;
	uoff_t pos, next;
	int ret;

	if (file_read(file, 0) < 0)
		return -1;
	header_size = dbox_header_size(file, &line_len);
	if (header_size == 0)
		return file_search(file, 0);
	pos = line_len;
	while ((ret = dbox_message(file, pos, header_size, &next)) == 2)
		pos = next;
	return ret == 3 ? file_search(file, pos) : ret;
}

static int
with_file(const char *path, int (*ask)(struct scan_file *file))
{
	struct scan_file file;
	int ret, old_errno;

	file.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file.fd < 0)
		return -1;
	T_BEGIN {
		ret = ask(&file);
	} T_END;
	old_errno = errno;
	i_close_fd(&file.fd);
	errno = old_errno;
	return ret;
}

int
roost_scan_file_is_sealed(const char *path)
{
	return with_file(path, file_is_sealed);
}

int
roost_scan_file_has_sealed(const char *path)
{
	return with_file(path, file_has_sealed);
}
