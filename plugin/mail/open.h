/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_OPEN_H
#define ROOST_MAIL_OPEN_H

/*
 * open: the file of a message becomes what a reader is shown, or is refused.
 *
 * A refusal is raised where the storage has just opened the file: there it
 * is an error of this one message, not of a stream, so that the session and
 * the other messages stay.
 */

#include "dovecot/compat.h"

#include "roost/header.h"

/* What the file of a mail turned out to be. */
struct roost_opened {
	bool is_sealed;
	uint8_t object_id[ROOST_ID_SIZE];	/* if it is */
};

/*
 * The storage has opened the mail's file as *stream.  If that is a sealed
 * message, *stream becomes its plaintext; if it is plaintext that may be
 * served, *stream stays.  Returns 0, or -1 when the message is refused: it is
 * reported (refuse.h), and *stream and *opened_r are as they were.
 */
int roost_open_stream(struct mail *mail, struct istream **stream,
		      struct roost_opened *opened_r);

#endif
