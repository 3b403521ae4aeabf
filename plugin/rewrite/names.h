/* SPDX-License-Identifier: MIT */
#ifndef ROOST_REWRITE_NAMES_H
#define ROOST_REWRITE_NAMES_H

/*
 * names: names of keywords that stand in a mailbox in clear become tokens.
 *
 * They stand there from a time before Roost.  Each keyword stays at its
 * position, and so on its messages; only its text changes, in the index and in
 * the list of letters of maildir.  What still has the old text is deleted: the
 * index's older log.
 *
 * A session that has the mailbox open goes on with the texts that it has read.
 * It loses nothing, but may write them down again.
 */

#include "dovecot/compat.h"
#include "settings/config.h"

#include "roost/token.h"

/*
 * Make each private name a token.  The mailbox is open and synchronized, and
 * may only be closed afterwards.  Returns how many names there were; -1 with
 * error_r, and then a mailbox has the names that it had.
 */
int roost_rewrite_names(struct mailbox *box,
			const struct roost_token_key *key,
			enum roost_keywords mode, const char **error_r);

#endif
