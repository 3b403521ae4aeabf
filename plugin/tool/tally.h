/* SPDX-License-Identifier: MIT */
#ifndef ROOST_TOOL_TALLY_H
#define ROOST_TOOL_TALLY_H

/*
 * tally: how many messages were sealed, plaintext or not to be had, and for
 * what reason; and the list of those that were not.
 *
 * Each of these is one line on stdout that a script can read: path, UID (or 0),
 * reason and sentence, with tabs between them.
 */

#include "tool/message.h"
#include "tool/tree.h"

struct roost_tally {
	uint64_t sealed, plaintext, bad;
	/* Of these, packed before they were sealed: unpacked, left as they
	   stand, or not to be unpacked. */
	uint64_t unpacked, kept, stuck;
	uint64_t troubles;	/* parts of the backup that mail may be in */
	uint64_t errs[ROOST_ERR_COUNT];		/* of those in bad */
	uint64_t others;	/* in bad for other reasons */
	/* By epoch, 0 for one that is not known. */
	uint64_t epochs[ROOST_KEYRING_EPOCHS_MAX + 1];
	bool takes_plaintext;	/* else a plaintext one is bad */
};

/* Count a message that was looked at, and list it if it is bad.  True if it is
   good. */
bool roost_tally_count(struct roost_tally *tally,
		       const struct roost_tree_message *msg,
		       const struct roost_message *message);

/* Count a message as bad for another reason. */
void roost_tally_bad(struct roost_tally *tally,
		     const struct roost_tree_message *msg, const char *reason,
		     const char *sentence);

/* For struct roost_tree_visitor, with the tally as context. */
void roost_tally_trouble(void *tally, const char *path, const char *what,
			 bool is_lost);

/* Say the sums to a person. */
void roost_tally_say(const struct roost_tally *tally, const char *done);

enum roost_status roost_tally_status(const struct roost_tally *tally);

#endif
