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
	/* It is not what the index says, so that it may just have been
	   rewritten: the file is to be opened once more. */
	bool is_unlike;
};

/*
 * The storage has opened the mail's file as *stream.  If that is a sealed
 * message, *stream becomes its plaintext; if it is plaintext that may be
 * served, *stream stays.  Returns 0, or -1 when the message is refused: it is
 * reported (refuse.h), and *stream is as it was.
 *
 * Between the storage opening the file and this call a command may have sealed
 * the message anew, or stored it as plaintext, and told the index.  So the
 * first time that file and index differ, it is -1 with opened_r->is_unlike,
 * and nothing is reported; is_again says that this is the second time.
 */
int roost_open_stream(struct mail *mail, struct istream **stream,
		      bool is_again, struct roost_opened *opened_r);

#endif
