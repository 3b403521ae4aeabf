/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYWORDS_COMMIT_H
#define ROOST_KEYWORDS_COMMIT_H

/*
 * commit: what an index transaction is about to write of keywords.
 *
 * The last gate: whatever way a private name took, it does not pass here.
 */

#include "keywords/box.h"
#include "mail-index-transaction-private.h"

/* The positions that a transaction names; used_r is on the data stack. */
void roost_keyword_commit_used(struct mail_index_transaction *t,
			      ARRAY_TYPE(keyword_indexes) *used_r);

/* Hook. */
void roost_keyword_commit_created(struct mail_index_transaction *t);

#endif
