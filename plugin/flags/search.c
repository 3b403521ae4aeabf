/* SPDX-License-Identifier: MIT */
/*
 * search: a keyword is searched for by all of its aliases.  See search.h.
 *
 * KEYWORD of a name that has aliases becomes "any of them", UNKEYWORD "none of
 * them".  The new search keys name every alias, whether the mailbox has it or
 * not, so that they stay right when they are used for another mailbox.
 */
#include "flags/search.h"

/* The keyword of this name, or none where the mailbox does not have it: a
   search must not add a name to the index. */
static struct mail_keywords *
keywords_of(struct mail_index *index, const char *name)
{
	ARRAY_TYPE(keyword_indexes) indexes;
	unsigned int idx;

	t_array_init(&indexes, 1);
	if (mail_index_keyword_lookup(index, name, &idx))
		array_push_back(&indexes, &idx);
	return mail_index_keywords_create_from_indexes(index, &indexes);
}

static struct mail_search_arg *
search_sub(struct roost_flags_box *fbox, pool_t pool,
	   const struct mail_search_arg *arg, const char *name)
{
	struct mail_search_arg *sub = p_new(pool, struct mail_search_arg, 1);

	sub->type = SEARCH_KEYWORDS;
	sub->match_not = arg->match_not;
	sub->value.str = p_strdup(pool, name);
	sub->initialized.keywords = keywords_of(fbox->box->index, name);
	return sub;
}

static void
search_each(struct roost_flags_box *fbox, pool_t pool,
	    struct mail_search_arg *arg, const char *canonical)
{
	const struct roost_flagrules *rules = fbox->fuser->rules;
	struct mail_search_arg **next = &arg->value.subargs;
	const char *alias;
	size_t iter = 0;

	mail_index_keywords_unref(&arg->initialized.keywords);
	*next = search_sub(fbox, pool, arg, canonical);
	while ((alias = roost_flagrule_next_alias(rules, canonical,
						  &iter)) != NULL) {
		next = &(*next)->next;
		*next = search_sub(fbox, pool, arg, alias);
	}
	arg->type = arg->match_not ? SEARCH_SUB : SEARCH_OR;
	arg->match_not = FALSE;
}

static void
search_fix_one(struct roost_flags_box *fbox, pool_t pool,
	       struct mail_search_arg *arg)
{
	const struct roost_flagrules *rules = fbox->fuser->rules;
	const char *canonical =
		roost_flagrule_canonical(rules, arg->value.str);
	size_t iter = 0;

	if (arg->initialized.keywords != NULL &&
	    roost_flagrule_next_alias(rules, canonical, &iter) != NULL)
		search_each(fbox, pool, arg, canonical);
}

/* Did search_each() make this, or a client ask for the same? */
static bool
is_each(const struct roost_flagrules *rules, const struct mail_search_arg *arg)
{
	const struct mail_search_arg *sub = arg->value.subargs;
	size_t iter = 0;

	for (; sub != NULL; sub = sub->next) {
		if (sub->type != SEARCH_KEYWORDS ||
		    (sub != arg->value.subargs &&
		     null_strcmp(sub->value.str, roost_flagrule_next_alias(
				rules, arg->value.subargs->value.str,
				&iter)) != 0))
			return FALSE;
	}
	return iter > 0;
}

static void
search_fix_list(struct roost_flags_box *fbox, pool_t pool,
		struct mail_search_arg *arg)
{
	for (; arg != NULL; arg = arg->next) {
		switch ((int)arg->type) {
		case SEARCH_OR:
		case SEARCH_SUB:
			if (is_each(fbox->fuser->rules, arg))
				break;
			/* fall through */
		case SEARCH_INTHREAD:
			search_fix_list(fbox, pool, arg->value.subargs);
			break;
		case SEARCH_KEYWORDS:
			search_fix_one(fbox, pool, arg);
			break;
		}
	}
}

void
roost_flags_search_fix(struct roost_flags_box *fbox,
		       struct mail_search_args *args)
{
	T_BEGIN {
		search_fix_list(fbox, args->pool, args->args);
	} T_END;
}
