/* SPDX-License-Identifier: MIT */
/*
 * search: see search.h.
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

/* KEYWORD x of several positions: any of them; UNKEYWORD x: none, since only
   a single key may be negated.  value.str is shared by what is made here,
   which is how it is told again. */
static void
search_at_each(struct roost_keyword_index *ki, pool_t pool,
	       struct mail_search_arg *arg, unsigned int first)
{
	struct mail_keywords *asked = arg->initialized.keywords;
	struct mail_search_arg *sub, **next = &arg->value.subargs;
	unsigned int i, count = array_count(roost_keyword_index_names(ki));

	for (i = 0; i < count; i++) {
		if (roost_keyword_index_first(ki, i) != first)
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

/* What search_at_each() made, as it was asked for: its positions may be those
   of another mailbox, for which the same keys were initialized before. */
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
has_twin(const struct roost_keyword_index *ki, unsigned int idx,
	 unsigned int first)
{
	unsigned int i, count = array_count(roost_keyword_index_names(ki));

	for (i = 0; i < count; i++) {
		if (i != idx && roost_keyword_index_first(ki, i) == first)
			return TRUE;
	}
	return FALSE;
}

static void
search_fix_one(struct roost_keyword_index *ki, pool_t pool,
	       struct mail_search_arg *arg)
{
	struct mail_keywords *asked = arg->initialized.keywords;
	const char *name = arg->value.str;
	unsigned int idx, first;

	if (asked == NULL || asked->count == 0)
		return;
	/* The name may have been found by what another user's key opened. */
	if (!mail_index_keyword_lookup(asked->index, name, &idx) ||
	    (roost_keyword_index_is_opened(ki, idx) &&
	     roost_token_is_claimed(name, strlen(name)))) {
		arg->initialized.keywords = keywords_of(asked->index, NULL);
		mail_index_keywords_unref(&asked);
		return;
	}
	first = roost_keyword_index_first(ki, idx);
	if (asked->idx[0] != idx || has_twin(ki, idx, first))
		search_at_each(ki, pool, arg, first);
}

static void
search_fix_list(struct roost_keyword_index *ki, pool_t pool,
		struct mail_search_arg *arg)
{
	for (; arg != NULL; arg = arg->next) {
		switch ((int)arg->type) {
		case SEARCH_OR:
		case SEARCH_SUB:
			if (was_made_here(arg)) {
				search_restore(arg);
				search_fix_one(ki, pool, arg);
				break;
			}
			/* fall through */
		case SEARCH_INTHREAD:
			search_fix_list(ki, pool, arg->value.subargs);
			break;
		case SEARCH_KEYWORDS:
			search_fix_one(ki, pool, arg);
			break;
		}
	}
}

void
roost_keyword_search_fix(struct roost_keyword_index *ki,
			 struct mail_search_args *args)
{
	T_BEGIN {
		search_fix_list(ki, args->pool, args->args);
	} T_END;
}
