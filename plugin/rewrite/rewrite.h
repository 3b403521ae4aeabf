/* SPDX-License-Identifier: MIT */
#ifndef ROOST_REWRITE_REWRITE_H
#define ROOST_REWRITE_REWRITE_H

/*
 * rewrite: messages that are stored already get another form: sealed, sealed
 * to the newest epoch, or plaintext.
 *
 * This room changes stored mail, one message after another.  Each file uses
 * those above it alone:
 *
 *	plan		what a run makes of stored messages
 *	known		what the index cache holds of a message: dropped, named
 *	form		the new stored bytes of one message, and whether they
 *			were written right
 *	links		files with several names, and what took their place
 *	place		what a storage does to put them where the old ones are
 *	maildir, ...	how each kind of storage does that
 *	rewrite		one message of a mailbox, from looking to placing
 *	names		apart from these: old names of keywords
 *
 * Promises: at any instant, also after a crash, a message is whole in one of
 * its two forms, and everything that a client sees of it stays: UID, flags,
 * dates, sizes, GUID.  The new form was read back and verified before the old
 * one goes.  No lock is held for longer than one message.  Nothing is noted
 * anywhere: running it again goes on where it was.
 */

#include "session/user-ring.h"
#include "rewrite/plan.h"

#include "seq-range-array.h"

enum roost_rewrite_result {
	ROOST_REWRITE_DONE,	/* it now has the form that was planned */
	ROOST_REWRITE_ALREADY,	/* it had that form */
	ROOST_REWRITE_GONE,	/* somebody expunged it meanwhile */
	ROOST_REWRITE_LEFT,	/* it is as it was; the reason says why */
	/* The same, and others would end like it: a disk is full, a mailbox
	   cannot be locked. */
	ROOST_REWRITE_STOP
};

struct roost_rewrite;

/*
 * Begin a run over mailboxes of one namespace.  NULL with error_r where its
 * keyring cannot do what is planned.  End it with the next.
 */
struct roost_rewrite *
roost_rewrite_begin(struct roost_user *ruser, struct mail_namespace *ns,
		    enum roost_rewrite_plan plan, const char **error_r);
void roost_rewrite_end(struct roost_rewrite **run);

/*
 * Before the first and after the last message of a mailbox, which is open and
 * synchronized.  The first takes away what an earlier run has left behind that
 * was killed.  0, or -1 with error_r: then no message of it may be rewritten;
 * or it was, and the old forms are not all gone.
 */
int roost_rewrite_open_box(struct roost_rewrite *run, struct mailbox *box,
			   const char **error_r);
int roost_rewrite_close_box(struct roost_rewrite *run, const char **error_r);

/*
 * The UIDs of messages of the mailbox that was closed last which stay as they
 * were although they were DONE: where messages are put in place many at once,
 * that may fail later.  All of them have that reason.
 */
const ARRAY_TYPE(seq_range) *
roost_rewrite_undone(const struct roost_rewrite *run, const char **reason_r);

/* How many files of a mailbox are of no message: what processes of Dovecot have
   left that were killed, or are about to finish. */
unsigned int roost_rewrite_count_spare(struct mailbox *box);

/* No message is rewritten for so many milliseconds.  0, or -1 with error_r:
   then messages that were DONE stay as they were. */
int roost_rewrite_pause(struct roost_rewrite *run, unsigned int msecs,
			const char **error_r);

/*
 * Rewrite a message of that mailbox.  *reason_r is a sentence without its full
 * stop, for LEFT and STOP, on the data stack.  The mail may be asked for
 * nothing afterwards until it was set to a message again.
 */
enum roost_rewrite_result
roost_rewrite_message(struct roost_rewrite *run, struct mail *mail,
		      const char **reason_r);

#endif
