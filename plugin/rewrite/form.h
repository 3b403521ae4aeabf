/* SPDX-License-Identifier: MIT */
#ifndef ROOST_REWRITE_FORM_H
#define ROOST_REWRITE_FORM_H

/*
 * form: the new stored bytes of one message, made from the old ones as they are
 * read.
 *
 * Promises: nothing of a message is kept but a digest of it; the new bytes are
 * believed only once they were read back, opened as a reader would open them,
 * and found to hold what the old ones held.
 */

#include "session/user-ring.h"
#include "rewrite/plan.h"

#include "roost/header.h"

#define ROOST_REWRITE_DIGEST_SIZE 32

struct roost_rewrite_form {
	/* The message.  A storage may ask for its box, transaction, seq and
	   uid, and nothing else: its file is just being opened. */
	struct mail *mail;
	/* The bytes that the storage has now, at their start: its own stream of
	   the message, before any plugin.  Whoever puts the form in its place
	   may look at this stream's file, but not read it. */
	struct istream *stored;
	/* How many bytes will be stored; 0 until they were written. */
	uoff_t size;
	/* To be set by a storage that takes the save date of a message from
	   times of its file: the date of the old one.  Else 0. */
	time_t save_date;

	/* For this room; a storage leaves it alone. */
	enum roost_rewrite_plan plan;
	struct roost_user *ruser;
	struct roost_ring *ring;
	struct roost_rewrite_links *links;	/* of this run */
	struct istream *source;		/* what is sealed; else stored */
	uoff_t plain_size;
	uint8_t digest[ROOST_REWRITE_DIGEST_SIZE];	/* of the plaintext */
	uint8_t object_id[ROOST_ID_SIZE];	/* if the new form is sealed */
};

/*
 * Write the new stored bytes to output, and flush it; it is neither finished
 * nor freed.  It may be called again with another output, once the first was
 * thrown away.  0; -1 with error_r: the old form does not verify, or output
 * failed, which its stream_errno tells.
 */
int roost_rewrite_form_write(struct roost_rewrite_form *form,
			     struct ostream *output, const char **error_r);

/*
 * Read what was stored: form->size bytes from the stream's current offset on,
 * where the stream ends.  0 these are what was written, and what a reader will
 * be shown is what the old form held; -1 with error_r.
 */
int roost_rewrite_form_check(struct roost_rewrite_form *form,
			     struct istream *stored, const char **error_r);

/*
 * Both are called with the mailbox's index locked against other processes
 * (mail_index_lock_sync(), or within mail_index_sync_begin()): the first before
 * the new form takes the place of the old, the second after it.  In between
 * the index cache knows nothing of the message, so that a reader who comes in
 * between believes the file, whichever it is.
 *
 * The first answers 0, or -1 with error_r: then nothing may be replaced, for
 * example since the keyring was replaced meanwhile.  What the second cannot
 * write is no error, because readers make it anew.
 */
int roost_rewrite_form_forget(struct roost_rewrite_form *form,
			      const char **error_r);
void roost_rewrite_form_placed(struct roost_rewrite_form *form);

/* A storage has not written the form, but has a link to a file in which the
   same old form was put into this new one. */
struct roost_rewrite_copy {
	uoff_t size;
	uint8_t object_id[ROOST_ID_SIZE];
};
void roost_rewrite_form_get_copy(const struct roost_rewrite_form *form,
				 struct roost_rewrite_copy *copy_r);
void roost_rewrite_form_set_copy(struct roost_rewrite_form *form,
				 const struct roost_rewrite_copy *copy);

#endif
