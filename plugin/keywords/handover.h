/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYWORDS_HANDOVER_H
#define ROOST_KEYWORDS_HANDOVER_H

/*
 * handover: tokens on their way from one index to another.
 *
 * Replication, and a virtual mailbox that is synchronized, set keywords through
 * the functions that clients use, but with tokens in the place of names.  A
 * token is longer than the longest name that the admin allows to clients, so
 * meanwhile the limit is raised.
 */

#include "keywords/box.h"

/* Let keywords of the storage be as long as tokens, until the storage is freed
   or roost_keyword_handover_end(). */
void roost_keyword_handover_raise_limit(struct mail_storage *storage);

/* Is the name a valid keyword of the mailbox, if a token may be longer than
   other names? */
bool roost_keyword_handover_may_store(struct mailbox *box, const char *name);

/* To be called before and after a virtual mailbox is synchronized: meanwhile
   the limit is raised for all storages of the user. */
void roost_keyword_handover_begin(struct roost_keyword_box *kbox);
void roost_keyword_handover_end(struct roost_keyword_box *kbox);

/*
 * A token may have been handed over by a virtual mailbox that is synchronized,
 * from a mailbox with another keyring.  Then this is TRUE, and name_r is the
 * token's name there, or NULL if it does not open there either.  It is FALSE
 * where no virtual mailbox is synchronized, since a token that is foreign to
 * this mailbox may then be made up by a client.
 */
bool roost_keyword_handover_name(struct roost_keyword_box *kbox,
				 const char *stored, const char **name_r);

#endif
