/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYWORDS_COMMIT_H
#define ROOST_KEYWORDS_COMMIT_H

/*
 * commit: the last check before an index transaction writes keywords.
 *
 * Promises: no private name gets into an index in clear, however it came into
 * the transaction.
 */

#include "keywords/box.h"
#include "mail-index-transaction-private.h"

/* The positions of the keywords that the transaction adds to or takes from
   messages; used_r is on the data stack. */
void roost_keyword_commit_used(struct mail_index_transaction *t,
			       ARRAY_TYPE(keyword_indexes) *used_r);

/* The hook for every index transaction that begins. */
void roost_keyword_commit_created(struct mail_index_transaction *t);

#endif
