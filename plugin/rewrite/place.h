/* SPDX-License-Identifier: MIT */
#ifndef ROOST_REWRITE_PLACE_H
#define ROOST_REWRITE_PLACE_H

/*
 * place: what a storage does to put the new form of a message where the old one
 * is.  Each kind of storage has one struct of these functions.
 */

#include "rewrite/form.h"

#include "seq-range-array.h"

enum roost_rewrite_placed {
	/* The new form stands in the message's place, and is on disk. */
	ROOST_REWRITE_PLACED,
	/* Nothing was changed, because the old form that form->stored reads is
	   no longer the message's: another process has rewritten it.  The
	   caller looks at the message again. */
	ROOST_REWRITE_PLACE_OTHER,
	/* Nothing was changed, because the message was expunged. */
	ROOST_REWRITE_PLACE_GONE,
	/* Nothing was changed; error_r says why.  FULL where others would fail
	   for the same reason: no space, no lock, no permission. */
	ROOST_REWRITE_PLACE_FAILED,
	ROOST_REWRITE_PLACE_FULL
};

/* Messages of which put() said that they are in their places, and which stay as
   they were all the same, and why. */
struct roost_rewrite_undone {
	ARRAY_TYPE(seq_range) uids;
	char *reason;
};

struct roost_rewrite;

struct roost_rewrite_place {
	const char *storage;	/* its name in Dovecot: "maildir" */
	/* What put() has written takes its place in a later put(), in rest() or
	   in end().  Where that fails, that one fails, and the messages are
	   noted as undone. */
	bool is_late;

	/*
	 * Begin with a mailbox, which is open and synchronized: remove what a
	 * killed run has left in it, but nothing that another run uses now.
	 * undone is there until after end().  *context_r is for the other
	 * functions; end() frees it, and does what is to be done once for a
	 * mailbox (mdbox: give free the old forms).  Each returns 0, or -1 with
	 * error_r; end() always frees.
	 */
	int (*begin)(struct mailbox *box, struct roost_rewrite_undone *undone,
		     void **context_r, const char **error_r);
	int (*end)(struct mailbox *box, void *context, const char **error_r);

	/*
	 * Put the form in the place of its message.  In this order:
	 *
	 * 1. Write it under a name that no reader finds, with
	 *    roost_rewrite_form_write(), and fsync it.  Its owner, mode and
	 *    times are those of the old file.
	 * 2. Read it back, with roost_rewrite_form_check().
	 * 3. Take the locks of the mailbox that keep its file from being
	 *    renamed, expunged or replaced, and its index's (see form.h).
	 * 4. Look whether form->stored still is the message's file (device and
	 *    inode, or what the storage has instead).
	 * 5. roost_rewrite_form_forget(); switch in one step, after which the
	 *    message is the new form; roost_rewrite_form_placed().
	 * 6. Let the locks go, and make the switch durable.
	 *
	 * It is called while Dovecot opens the message's file, which stays open
	 * meanwhile.  Whatever it returns, no temporary file is left.
	 */
	enum roost_rewrite_placed (*put)(struct roost_rewrite_form *form,
					 void *context,
					 const char **error_r);

	/*
	 * Nothing is put for so many milliseconds, or another message is looked
	 * at: put in place what would be held too long.  NULL where nothing is
	 * held.  0, or -1 with error_r.
	 */
	int (*rest)(void *context, unsigned int msecs, const char **error_r);

	/*
	 * The message has the form that was planned.  Remove another file of it
	 * that nobody reads, which a process of Dovecot has left that was
	 * killed or failed while it moved the message; but only if is_whole(),
	 * which reads the message to its end, answers 0.  NULL where there are
	 * none.
	 * 0, or -1 with error_r, and the other file stays.
	 */
	int (*tidy)(struct mailbox *box, uint32_t uid,
		    int (*is_whole)(struct roost_rewrite *run, uint32_t uid,
				    const char **error_r),
		    struct roost_rewrite *run, const char **error_r);

	/* How many files of the mailbox are of no message of it: temporary ones
	   of processes that were killed, or are at work, and others. */
	unsigned int (*count_spare)(struct mailbox *box);
};

extern const struct roost_rewrite_place roost_rewrite_maildir;
extern const struct roost_rewrite_place roost_rewrite_sdbox;
extern const struct roost_rewrite_place roost_rewrite_mdbox;

#endif
