/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_FLAGS_TALLY_H
#define ROOST_DOVEADM_FLAGS_TALLY_H

/*
 * flags-tally: names of keywords and how many messages have each, which is
 * what the commands of `doveadm roost flags` count.
 *
 * Names are those that the mailbox shows: where the plugin `roost` is loaded
 * for the user the real ones, whatever stands on disk.
 */

#include "doveadm/command.h"

#include "hash.h"

/* A longer name is cut when it is printed. */
#define ROOST_FLAGS_SHOWN_MAX 256

struct roost_flags_name {
	const char *name;	/* as it was spelled when it was added first */
	unsigned int count;	/* of messages */
};

/* Case does not tell two names apart. */
struct roost_flags_tally {
	pool_t pool;
	HASH_TABLE(const char *, struct roost_flags_name *) hash;
	ARRAY(struct roost_flags_name *) names;
};

struct roost_flags_tally *roost_flags_tally_new(void);

/* Sets *tally, which may be NULL, to NULL. */
void roost_flags_tally_free(struct roost_flags_tally **tally);

/* Add that so many more messages have the name, which is copied. */
void roost_flags_tally_add(struct roost_flags_tally *tally, const char *name,
			   unsigned int count);

/* Sort the names without regard to case.  Those that are added later stand
   behind them. */
void roost_flags_tally_sort(struct roost_flags_tally *tally);

/* Add each name that the mailbox knows, with 0 messages. */
void roost_flags_tally_known(struct roost_flags_tally *tally,
			     struct mailbox *box);

/* The same, count the messages that have each name, and sort.  -1 as
   roost_walk_messages(). */
int roost_flags_tally_mailbox(struct doveadm_mail_cmd_context *ctx,
			      struct roost_flags_tally *tally,
			      struct mailbox *box);

/* Print a name or another text that a user may have written: characters that
   would control a terminal are replaced. */
void roost_flags_print(const char *name);

#endif
