/* SPDX-License-Identifier: MIT */
/*
 * index-hash: a quicker hash for the keywords of an index.  See index-hash.h.
 *
 * Names are hashed whole, as Dovecot does it, because a client chooses them
 * and could give many names one beginning, so that all had one hash.
 */
#include "keywords/index-hash.h"

#include "hash.h"
#include "mail-index-private.h"

#include "roost/token.h"

#define PREFIX_LEN (sizeof(ROOST_TOKEN_PREFIX) - 1)
/* 16 characters are 80 bits of the token's tag.  Nobody without the key can
   make two tokens that share them. */
#define HASHED_LEN (PREFIX_LEN + 16)
#define FOLD 0x20		/* the bit that makes a capital small */

static unsigned int
keyword_hash(const char *name)
{
	unsigned int hash = 0;
	size_t i;

	if (strncasecmp(name, ROOST_TOKEN_PREFIX, PREFIX_LEN) != 0)
		return strcase_hash(name);
	for (i = PREFIX_LEN; i < HASHED_LEN && name[i] != '\0'; i++)
		hash = hash * 33 + ((unsigned char)name[i] | FOLD);
	return hash;
}

void
roost_keyword_index_hash_use(struct mail_index *index)
{
	HASH_TABLE(char *, void *) ours;
	struct hash_iterate_context *iter;
	char *name;
	void *idx;

	hash_table_create(&ours, index->keywords_pool,
			  hash_table_count(index->keywords_hash),
			  keyword_hash, strcasecmp);
	iter = hash_table_iterate_init(index->keywords_hash);
	while (hash_table_iterate(iter, index->keywords_hash, &name, &idx))
		hash_table_insert(ours, name, idx);
	hash_table_iterate_deinit(&iter);
	hash_table_destroy(&index->keywords_hash);
	index->keywords_hash._table = ours._table;
}
