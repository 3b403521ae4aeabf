/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYWORDS_INDEX_HASH_H
#define ROOST_KEYWORDS_INDEX_HASH_H

/*
 * index-hash: how an index looks up its keywords.
 *
 * Each time a mailbox gets a new keyword, Dovecot looks up all that it has, by
 * a hash of the whole text.  A token is several times as long as a name, and a
 * few of its characters tell it from all others.
 *
 * Promises: what is found is what Dovecot's own hash would find.
 */

#include "dovecot/compat.h"

struct mail_index;

/* From now on the index hashes tokens by their beginning. */
void roost_keyword_index_hash_use(struct mail_index *index);

#endif
