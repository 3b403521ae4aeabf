/* SPDX-License-Identifier: MIT */
/*
 * search: search keys that name a keyword.  See search.h.
 */
#include "keywords/search.h"

static struct mail_keywords *
keywords_of(struct mail_index *index, const unsigned int *idx)
{
	ARRAY_TYPE(keyword_indexes) indexes;

	t_array_init(&indexes, 1);
	if (idx != NULL)
		array_push_back(&indexes, idx);
	return mail_index_keywords_create_from_indexes(index, &indexes);
}

/* Replace a key by one for each twin: KEYWORD finds what has any of them,
   UNKEYWORD what has none of them.  Only a single key can be negated, so each
   of the new ones is.  The new keys share value.str, by which was_made_here()
   knows them. */
static void
search_at_each(struct roost_keyword_index *kindex, pool_t pool,
	       struct mail_search_arg *arg, unsigned int first)
{
	struct mail_keywords *asked = arg->initialized.keywords;
	struct mail_search_arg *sub, **next = &arg->value.subargs;
	unsigned int i, count = array_count(roost_keyword_index_names(kindex));

	for (i = 0; i < count; i++) {
		if (roost_keyword_index_first(kindex, i) != first)
			continue;
		sub = p_new(pool, struct mail_search_arg, 1);
		sub->type = SEARCH_KEYWORDS;
		sub->match_not = arg->match_not;
		sub->value.str = arg->value.str;
		sub->initialized.keywords = keywords_of(asked->index, &i);
		*next = sub;
		next = &sub->next;
	}
	arg->type = arg->match_not ? SEARCH_SUB : SEARCH_OR;
	arg->match_not = FALSE;
	arg->initialized.keywords = NULL;
	mail_index_keywords_unref(&asked);
}

static bool
was_made_here(const struct mail_search_arg *arg)
{
	const struct mail_search_arg *sub = arg->value.subargs;

	return sub != NULL && sub->next != NULL &&
		sub->type == SEARCH_KEYWORDS &&
		sub->next->type == SEARCH_KEYWORDS &&
		sub->value.str == sub->next->value.str;
}

/* Undo what search_at_each() made, because its positions may be those of
   another mailbox, for which the same keys were used before. */
static void
search_restore(struct mail_search_arg *arg)
{
	struct mail_search_arg *sub = arg->value.subargs;

	arg->type = SEARCH_KEYWORDS;
	arg->value.str = sub->value.str;
	arg->value.subargs = NULL;
	arg->match_not = sub->match_not != arg->match_not;
	arg->initialized.keywords = sub->initialized.keywords;
	for (sub = sub->next; sub != NULL; sub = sub->next) {
		if (sub->initialized.keywords != NULL)
			mail_index_keywords_unref(&sub->initialized.keywords);
	}
}

static bool
has_twin(const struct roost_keyword_index *kindex, unsigned int idx,
	 unsigned int first)
{
	unsigned int i, count = array_count(roost_keyword_index_names(kindex));

	for (i = 0; i < count; i++) {
		if (i != idx && roost_keyword_index_first(kindex, i) == first)
			return TRUE;
	}
	return FALSE;
}

static void
search_fix_one(struct roost_keyword_index *kindex, pool_t pool,
	       struct mail_search_arg *arg)
{
	struct mail_keywords *asked = arg->initialized.keywords;
	const char *name = arg->value.str;
	unsigned int idx, first;

	if (asked == NULL || asked->count == 0)
		return;
	/* The hash table may have found the name of a token that another user's
	   key had opened, and that has been forgotten since. */
	if (!mail_index_keyword_lookup(asked->index, name, &idx) ||
	    (roost_keyword_index_is_opened(kindex, idx) &&
	     roost_token_is_claimed(name, strlen(name)))) {
		arg->initialized.keywords = keywords_of(asked->index, NULL);
		mail_index_keywords_unref(&asked);
		return;
	}
	first = roost_keyword_index_first(kindex, idx);
	if (asked->idx[0] != idx || has_twin(kindex, idx, first))
		search_at_each(kindex, pool, arg, first);
}

static void
search_fix_list(struct roost_keyword_index *kindex, pool_t pool,
		struct mail_search_arg *arg)
{
	for (; arg != NULL; arg = arg->next) {
		switch ((int)arg->type) {
		case SEARCH_OR:
		case SEARCH_SUB:
			if (was_made_here(arg)) {
				search_restore(arg);
				search_fix_one(kindex, pool, arg);
				break;
			}
			/* fall through */
		case SEARCH_INTHREAD:
			search_fix_list(kindex, pool, arg->value.subargs);
			break;
		case SEARCH_KEYWORDS:
			search_fix_one(kindex, pool, arg);
			break;
		}
	}
}

void
roost_keyword_search_fix(struct roost_keyword_index *kindex,
			 struct mail_search_args *args)
{
	T_BEGIN {
		search_fix_list(kindex, args->pool, args->args);
	} T_END;
}
