/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVECOT_REPORT_H
#define ROOST_DOVECOT_REPORT_H

/*
 * report: the one place that knows both our gates and Dovecot's errors.
 *
 * A client learns that a message cannot be opened, and no more: every gate
 * looks the same.  The log learns the gate, in words, with the mailbox and
 * the UID, and what to do.
 */

#include "dovecot/compat.h"

#include "roost/err.h"

extern struct event_category roost_report_category;

/* What a client is told of a refused message, by code INVALIDDATA. */
#define ROOST_CLIENT_REFUSED "This sealed message cannot be opened"
/* Of a plaintext message where the policy is sealed. */
#define ROOST_CLIENT_PLAINTEXT "This message is not sealed"

/* The stream_errno of a stream that fails at this gate. */
int roost_report_errno(enum roost_err err);

/*
 * Refuse a message: sets the storage's error, logs one line.  detail adds to
 * the gate's phrase, may be NULL.  is_quiet leaves the log out.
 */
void roost_report_refused(struct mail *mail, enum roost_err err,
			  const char *detail, bool is_quiet);

/* The same where the keyring is what fails; error says how. */
void roost_report_keyring(struct mail *mail, const char *gate,
			  const char *error, bool is_quiet);

/* The same for a plaintext message under policy sealed. */
void roost_report_plaintext(struct mail *mail, bool is_served,
			    bool is_quiet);

/* The sealed file under a UID is not the one that the index cache
   describes. */
void roost_report_changed(struct mail *mail);

/* As roost_report_refused(): the file under a UID is plaintext, though the
   index cache names it as a sealed one. */
void roost_report_unsealed(struct mail *mail, bool is_quiet);

/* A blob of the index cache was refused, and is made anew. */
void roost_report_blob(struct mail *mail, enum roost_err err);

#endif
