/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYWORDS_INDEX_HASH_H
#define ROOST_KEYWORDS_INDEX_HASH_H

/*
 * index-hash: a quicker hash for the keywords of an index.
 *
 * Each time a mailbox gets a new keyword, Dovecot looks up all keywords that it
 * has, by a hash of the whole text.  A token is several times as long as a
 * name, but its first characters tell it from every other token.
 *
 * Promises: each look-up finds what it would find with Dovecot's own hash.
 */

#include "dovecot/compat.h"

struct mail_index;

/* Make the index hash tokens by their first characters, from now on until it
   is freed.  What is in its hash table stays there. */
void roost_keyword_index_hash_use(struct mail_index *index);

#endif
