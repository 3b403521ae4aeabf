/* SPDX-License-Identifier: MIT */
/*
 * dbox: files of sdbox and mdbox.  See dbox.h.
 */
#include "tool/dbox.h"

#include <string.h>

#define VERSION '2'
#define MAGIC_PRE "\001\002"
#define MAGIC_PRE_SIZE 2
#define MAGIC_POST "\n\001\003\n"
#define MAGIC_POST_SIZE 4
/* In the header of a message: magic, type, space, 8 digits, space, then the
   length of the stored bytes in 16 hexadecimal digits. */
#define SIZE_AT 13
#define SIZE_DIGITS 16
#define HEADER_SIZE_MIN (SIZE_AT + SIZE_DIGITS + 1)
#define HEADER_SIZE_MAX 1024
#define LINE_MAX_SIZE 1024
#define METADATA_MAX 65536
/* Dovecot writes a dozen; each costs a read. */
#define METADATA_LINES_MAX 256

static int
digit_value(uint8_t digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* Read len hexadecimal digits, at least one, whose value fits. */
static bool
hex_read(const uint8_t *text, size_t len, uint64_t *value_r)
{
	size_t i;

	*value_r = 0;
	for (i = 0; i < len; i++) {
		if (digit_value(text[i]) < 0 || *value_r >> 59 != 0)
			return false;
		*value_r = *value_r << 4 | (uint64_t)digit_value(text[i]);
	}
	return len > 0;
}

/* Read up to len bytes from off, fewer at the end of the file. */
static ssize_t
dbox_read(struct roost_dbox *dbox, uint64_t off, uint8_t *dst, size_t len)
{
	uint64_t size = dbox->reader.size;

	if (off >= size)
		return 0;
	if (len > size - off)
		len = (size_t)(size - off);
	return dbox->reader.read(dbox->reader.context, off, dst, len);
}

static ssize_t
dbox_read_block(struct roost_dbox *dbox, uint64_t off)
{
	return dbox_read(dbox, off, dbox->block, sizeof(dbox->block));
}

/* Take the length of messages' headers from the words of the first line. */
static bool
dbox_parse_line(struct roost_dbox *dbox, size_t len)
{
	const uint8_t *line = dbox->block;
	size_t at = 2, end;
	uint64_t value;

	if (len < 2 || line[0] != VERSION || line[1] != ' ')
		return false;
	for (; at < len; at = end + 1) {
		for (end = at; end < len && line[end] != ' '; end++)
			;
		if (end > at && line[at] == 'M' &&
		    hex_read(line + at + 1, end - at - 1, &value) &&
		    value >= HEADER_SIZE_MIN && value <= HEADER_SIZE_MAX)
			dbox->header_size = (size_t)value;
	}
	return dbox->header_size != 0;
}

int
roost_dbox_begin(struct roost_dbox *dbox,
		 const struct roost_dbox_reader *reader)
{
	const uint8_t *end = NULL;
	ssize_t ret;

	memset(dbox, 0, sizeof(*dbox));
	dbox->reader = *reader;
	ret = dbox_read(dbox, 0, dbox->block, LINE_MAX_SIZE);
	if (ret < 0)
		return -1;
	if (ret > 0)
		end = memchr(dbox->block, '\n', (size_t)ret);
	if (end == NULL ||
	    !dbox_parse_line(dbox, (size_t)(end - dbox->block)))
		return 0;
	dbox->first_off = (uint64_t)(end - dbox->block) + 1;
	dbox->next_off = dbox->first_off;
	return 1;
}

void
roost_dbox_seek(struct roost_dbox *dbox, uint64_t header_off)
{
	dbox->next_off = header_off;
}

/* Do these bytes begin with a message's header, and how many stored bytes does
   it announce? */
static bool
header_parse(const struct roost_dbox *dbox, const uint8_t *bytes, size_t len,
	     uint64_t *size_r)
{
	return len >= dbox->header_size &&
		memcmp(bytes, MAGIC_PRE,	/* public */
		       MAGIC_PRE_SIZE) == 0 &&
		bytes[dbox->header_size - 1] == '\n' &&
		hex_read(bytes + SIZE_AT, SIZE_DIGITS, size_r);
}

/*
 * Is there a whole message at off: its header, as many bytes as that announces,
 * and the mark behind them?  1 and *size_r; 0; -1 with errno.
 */
static int
message_find(struct roost_dbox *dbox, uint64_t off, uint64_t *size_r)
{
	uint8_t header[HEADER_SIZE_MAX], mark[MAGIC_POST_SIZE];
	uint64_t end = off + dbox->header_size;
	ssize_t ret = dbox_read(dbox, off, header, dbox->header_size);

	if (ret < 0)
		return -1;
	if (!header_parse(dbox, header, (size_t)ret, size_r) ||
	    *size_r > dbox->reader.size - end)
		return 0;
	ret = dbox_read(dbox, end + *size_r, mark, sizeof(mark));
	if (ret < 0)
		return -1;
	return ret == (ssize_t)sizeof(mark) &&
		memcmp(mark, MAGIC_POST, sizeof(mark)) == 0 ?	/* public */
		1 : 0;
}

static void
metadata_take(struct roost_dbox_message *msg, const uint8_t *line, size_t len)
{
	uint64_t value;

	switch (line[0]) {
	case 'R':
		/* A time that no calendar has is none. */
		if (hex_read(line + 1, len - 1, &value) &&
		    value <= ROOST_DBOX_RECEIVED_MAX) {
			msg->has_received = true;
			msg->received = (int64_t)value;
		}
		break;
	case 'X':
		msg->has_attachments = true;
		break;
	case 'B':
		/* A name that cannot be one is as good as none. */
		if (len - 1 <= ROOST_DBOX_MAILBOX_MAX &&
		    memchr(line + 1, '\0', len - 1) == NULL) {
			memcpy(msg->mailbox, line + 1, len - 1);
			msg->mailbox[len - 1] = '\0';
		}
		break;
	default:
		break;
	}
}

/*
 * Read the lines of metadata from off up to the empty one.  A line that is
 * longer than a block is skipped.  1 and *end_r is behind them; 0 they do not
 * end; -1 with errno.
 */
static int
metadata_read(struct roost_dbox *dbox, uint64_t off,
	      struct roost_dbox_message *msg, uint64_t *end_r)
{
	uint64_t last = off + METADATA_MAX;
	unsigned int lines = 0;
	bool is_middle = false;
	const uint8_t *end;
	size_t len;
	ssize_t ret;

	while (off < last && lines++ < METADATA_LINES_MAX) {
		ret = dbox_read_block(dbox, off);
		if (ret <= 0)
			return (int)ret;
		end = memchr(dbox->block, '\n', (size_t)ret);
		len = end == NULL ? (size_t)ret :
			(size_t)(end - dbox->block);
		off += len + (end == NULL ? 0 : 1);
		if (end != NULL && len == 0 && !is_middle) {
			*end_r = off;
			return 1;
		}
		if (end != NULL && !is_middle)
			metadata_take(msg, dbox->block, len);
		is_middle = end == NULL;
	}
	return 0;
}

/*
 * Does a whole message begin in the block, which holds len bytes from off on?
 * Only its beginnings count that have a whole header in the block.  1 and
 * *found_r; 0; -1 with errno.
 */
static int
block_search(struct roost_dbox *dbox, uint64_t off, size_t len,
	     uint64_t *found_r)
{
	uint64_t size;
	size_t at;
	int ret = 0;

	for (at = 0; ret == 0 && at + dbox->header_size <= len; at++) {
		if (!header_parse(dbox, dbox->block + at, len - at, &size))
			continue;
		*found_r = off + at;
		ret = message_find(dbox, *found_r, &size);
	}
	return ret;
}

/* Find where the next whole message begins, from off on; the end of the file if
   there is none.  0, or -1 with errno. */
static int
message_search(struct roost_dbox *dbox, uint64_t off, uint64_t *found_r)
{
	ssize_t len;
	int ret;

	for (;;) {
		len = dbox_read_block(dbox, off);
		if (len < 0)
			return -1;
		if ((size_t)len < dbox->header_size) {
			*found_r = dbox->reader.size;
			return 0;
		}
		ret = block_search(dbox, off, (size_t)len, found_r);
		if (ret != 0)
			return ret < 0 ? -1 : 0;
		/* A header may stand across two blocks. */
		off += (uint64_t)len - dbox->header_size + 1;
	}
}

static enum roost_dbox_answer
dbox_damaged(struct roost_dbox *dbox, struct roost_dbox_message *msg_r)
{
	uint64_t begin = dbox->next_off;

	if (message_search(dbox, begin + 1, &dbox->next_off) < 0)
		return ROOST_DBOX_IO;
	memset(msg_r, 0, sizeof(*msg_r));
	msg_r->header_off = begin;
	msg_r->size = dbox->next_off - begin;
	return ROOST_DBOX_DAMAGED;
}

enum roost_dbox_answer
roost_dbox_next(struct roost_dbox *dbox, struct roost_dbox_message *msg_r)
{
	uint64_t off = dbox->next_off;
	int ret;

	memset(msg_r, 0, sizeof(*msg_r));
	if (off >= dbox->reader.size)
		return ROOST_DBOX_END;
	msg_r->header_off = off;
	ret = message_find(dbox, off, &msg_r->size);
	msg_r->off = off + dbox->header_size;
	if (ret > 0)
		ret = metadata_read(dbox, msg_r->off + msg_r->size +
				    MAGIC_POST_SIZE, msg_r,
				    &dbox->next_off);
	if (ret < 0)
		return ROOST_DBOX_IO;
	return ret > 0 ? ROOST_DBOX_MESSAGE : dbox_damaged(dbox, msg_r);
}
