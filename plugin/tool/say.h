/* SPDX-License-Identifier: MIT */
#ifndef ROOST_TOOL_SAY_H
#define ROOST_TOOL_SAY_H

/*
 * say: what the program `roost` tells a person, and the status that it ends
 * with.
 *
 * This is where the room tool begins.  The room is a program that reads sealed
 * mail without Dovecot, for the day on which a backup is all that is left:
 *
 *	main		finds the command; options reads what follows it
 *	keys		opens a keyring by a secret, which ask reads
 *	tree		finds the messages of a backup; dbox, uidlist and
 *			maildir-name know the files that storages write
 *	message		opens one message, whose bytes stored reads, and
 *			unpack decompresses; tally counts and lists what became
 *			of each
 *	output		writes messages into a maildir or into mboxes
 *	cat, extract, verify, check-backup, keyring-show, keygen
 *			the commands
 *
 * It knows nothing of Dovecot but the files that Dovecot leaves.  Whatever it
 * reads may be hostile.
 */

#include <stdbool.h>
#include <stdint.h>

/* The status of the program; roost(1) describes them. */
enum roost_status {
	ROOST_STATUS_OK = 0,	/* all that was asked for */
	ROOST_STATUS_SOME = 1,	/* not all messages; those are listed */
	ROOST_STATUS_USAGE = 2,	/* the command line makes no sense */
	ROOST_STATUS_KEY = 3,	/* the keyring does not open */
	ROOST_STATUS_FAILED = 4,	/* nothing could be done */
	ROOST_STATUS_STOPPED = 5,	/* a signal came; what is done stays */
};

/* Write a sentence for a person to stderr, after "roost: ". */
void roost_say(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/*
 * Returns a name that comes from a backup as it can be shown on a terminal:
 * whatever is not printable ASCII stands as \xNN, and a very long name is cut.
 * The text is kept until four more names were asked for.
 */
const char *roost_say_name(const char *name);

/*
 * Show on a terminal how far long work is, and how long it will take.  At most
 * a few times a second anything is written, and nothing where stderr is no
 * terminal.  With done == total the line goes away.
 */
void roost_say_progress(uint64_t done, uint64_t total);

/* Make SIGINT, SIGTERM and SIGHUP end the program after the message at hand,
   and SIGPIPE an error of writing. */
void roost_say_catch_signals(void);
/* True once one of these signals has come. */
bool roost_say_is_stopped(void);

#endif
