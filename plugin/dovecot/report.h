/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVECOT_REPORT_H
#define ROOST_DOVECOT_REPORT_H

/*
 * report: the one place that knows both the gates of the format and Dovecot's
 * errors.
 *
 * A client learns that a message cannot be opened, and no more: every gate
 * looks the same to it.  The log tells the gate in words, with the mailbox and
 * the UID, and what to do.
 */

#include "dovecot/compat.h"

#include "roost/err.h"

/* The category of all events. */
extern struct event_category roost_report_category;

/* What a client is told of a refused message, with the error INVALIDDATA. */
#define ROOST_CLIENT_REFUSED "This sealed message cannot be opened"
/* What it is told of a plaintext message that is refused. */
#define ROOST_CLIENT_PLAINTEXT "This message is not sealed"

/* Returns the stream_errno of a stream that fails at this gate. */
int roost_report_errno(enum roost_err err);

/*
 * Refuse a message: set the storage's error and log one line, which is_quiet
 * leaves out.  detail adds to the gate's phrase, and may be NULL.
 */
void roost_report_refused(struct mail *mail, enum roost_err err,
			  const char *detail, bool is_quiet);

/* Refuse a message in the same way because of its keyring; error says how that
   fails. */
void roost_report_keyring(struct mail *mail, const char *gate,
			  const char *error, bool is_quiet);

/* Refuse a plaintext message in the same way because the policy is sealed.  If
   it is served all the same, only the line is logged. */
void roost_report_plaintext(struct mail *mail, bool is_served,
			    bool is_quiet);

/* Refuse a plaintext message in the same way because the index cache names it
   as a sealed one. */
void roost_report_unsealed(struct mail *mail, bool is_quiet);

/* Log that the sealed file under a UID is not the one that the index cache
   describes; it is served. */
void roost_report_changed(struct mail *mail);

/*
 * Send an event about a keyring, which is no error, so that the log has it
 * where debugging asks for it.  Parent may be NULL: nobody is told.
 */
void roost_report_made(struct event *parent);
void roost_report_rotated(struct event *parent);
/* There is none where mail needs it; the error is told by who needs it. */
void roost_report_missing(struct event *parent);

/*
 * The same about unlocking one, which begins and ends with these calls; by is
 * what has opened it, a constant, or NULL where err kept it locked.
 */
struct event *roost_report_unlocking(struct event *parent);
void roost_report_unlocked(struct event **event, enum roost_err err,
			   const char *by);

/* Log that a blob of the index cache was refused at this gate; it is made anew
   from the message. */
void roost_report_blob(struct mail *mail, enum roost_err err);

#endif
