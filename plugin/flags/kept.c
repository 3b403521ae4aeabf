/* SPDX-License-Identifier: MIT */
/*
 * kept: what the rules answered to the requests of one transaction.  See
 * kept.h.
 */
#include "flags/kept.h"

/* More sets of keywords than that are rare in one mailbox, and looking through
   so many answers costs little against asking the rules. */
#define KEPT_MAX 32

struct kept_one {
	struct roost_flags_request request;
	ARRAY_TYPE(keyword_indexes) current;
	struct roost_flags_answer answer;
};

struct roost_flags_kept {
	/* The first `count` are in use; the one at `next` is replaced next. */
	struct kept_one ones[KEPT_MAX];
	unsigned int count, next;
};

static bool
is_same(const struct roost_flags_request *one,
	const struct roost_flags_request *other)
{
	/* The keywords are referenced, so no others can have their address. */
	return one->keywords == other->keywords &&
		one->change == other->change && one->actor == other->actor &&
		one->is_flagged == other->is_flagged &&
		array_cmp(one->current, other->current);
}

const struct roost_flags_answer *
roost_flags_kept_find(const struct roost_flags_kept *kept,
		      const struct roost_flags_request *request)
{
	unsigned int i;

	for (i = 0; kept != NULL && i < kept->count; i++) {
		if (is_same(&kept->ones[i].request, request))
			return &kept->ones[i].answer;
	}
	return NULL;
}

static void
one_free(struct kept_one *one)
{
	if (one->request.keywords != NULL)
		mailbox_keywords_unref(&one->request.keywords);
	if (one->answer.removed != NULL)
		mailbox_keywords_unref(&one->answer.removed);
	if (one->answer.added != NULL)
		mailbox_keywords_unref(&one->answer.added);
	array_free(&one->answer.denied);
	array_free(&one->current);
}

struct roost_flags_answer *
roost_flags_kept_add(struct roost_flags_kept **_kept,
		     const struct roost_flags_request *request)
{
	struct roost_flags_kept *kept = *_kept;
	struct kept_one *one;

	if (kept == NULL)
		*_kept = kept = i_new(struct roost_flags_kept, 1);
	one = &kept->ones[kept->next];
	if (kept->count == KEPT_MAX)
		one_free(one);
	else
		kept->count++;
	kept->next = (kept->next + 1) % KEPT_MAX;
	i_zero(one);
	one->request = *request;
	if (request->keywords != NULL)
		mailbox_keywords_ref(request->keywords);
	i_array_init(&one->current, array_count(request->current) + 1);
	array_append_array(&one->current, request->current);
	one->request.current = &one->current;
	i_array_init(&one->answer.denied, 4);
	return &one->answer;
}

void
roost_flags_kept_free(struct roost_flags_kept **_kept)
{
	struct roost_flags_kept *kept = *_kept;
	unsigned int i;

	*_kept = NULL;
	if (kept == NULL)
		return;
	for (i = 0; i < kept->count; i++)
		one_free(&kept->ones[i]);
	i_free(kept);
}
