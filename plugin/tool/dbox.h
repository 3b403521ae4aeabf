/* SPDX-License-Identifier: MIT */
#ifndef ROOST_TOOL_DBOX_H
#define ROOST_TOOL_DBOX_H

/*
 * dbox: the files of sdbox (u.N, with one message) and mdbox (m.N, with many)
 * as Dovecot writes them, without their indexes.
 *
 * A file begins with a line that says how long the header of each message is.
 * A message is that header, which says how long the stored bytes are, these
 * bytes, and lines of metadata.  Where one makes no sense, the next one is
 * looked for.
 *
 * Promises: nothing outside of the file was read; what is handed out lies
 * within the file; memory does not grow with what it holds; every call ends.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ROOST_DBOX_MAILBOX_MAX 512
#define ROOST_DBOX_RECEIVED_MAX 253402300799	/* the end of the year 9999 */
#define ROOST_DBOX_BLOCK_SIZE 4096

/* Where the bytes come from.  read is roost_stored_read() for a file. */
struct roost_dbox_reader {
	ssize_t (*read)(void *context, uint64_t off, void *dst, size_t len);
	void *context;
	uint64_t size;
};

struct roost_dbox {
	struct roost_dbox_reader reader;
	size_t header_size;	/* of each message */
	uint64_t first_off;	/* of the first message's header */
	uint64_t next_off;
	uint8_t block[ROOST_DBOX_BLOCK_SIZE];
};

struct roost_dbox_message {
	uint64_t header_off;	/* what mdbox's map calls its offset */
	uint64_t off, size;	/* the stored bytes */
	bool has_received, has_attachments;
	int64_t received;	/* Unix seconds */
	/* The mailbox that it was first saved in, or empty. */
	char mailbox[ROOST_DBOX_MAILBOX_MAX + 1];
};

enum roost_dbox_answer {
	ROOST_DBOX_MESSAGE,
	ROOST_DBOX_END,
	ROOST_DBOX_DAMAGED,	/* of msg_r, header_off and size tell which
				   bytes make no sense; one may go on */
	ROOST_DBOX_IO,		/* errno says why */
};

/* Read the first line.  1 it is a dbox file; 0 it is none, or of a version that
   is not known; -1 with errno. */
int roost_dbox_begin(struct roost_dbox *dbox,
		     const struct roost_dbox_reader *reader);

/* Find the next message.  msg_r is zero where the answer has nothing to tell
   by it. */
enum roost_dbox_answer roost_dbox_next(struct roost_dbox *dbox,
				       struct roost_dbox_message *msg_r);

/* Go on with the message whose header stands at an offset. */
void roost_dbox_seek(struct roost_dbox *dbox, uint64_t header_off);

#endif
