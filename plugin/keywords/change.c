/* SPDX-License-Identifier: MIT */
/*
 * change: the keywords that somebody wants to give to a message.  See
 * change.h.
 */
#include "keywords/change.h"

#include "keywords/handover.h"

static bool
list_has(const ARRAY_TYPE(keyword_indexes) *list, unsigned int idx)
{
	const unsigned int *other;

	array_foreach(list, other) {
		if (*other == idx)
			return TRUE;
	}
	return FALSE;
}

static void
list_add(ARRAY_TYPE(keyword_indexes) *list, unsigned int idx)
{
	if (!list_has(list, idx))
		array_push_back(list, &idx);
}

void
roost_keyword_change_shown(const struct roost_keyword_box *kbox,
			   const ARRAY_TYPE(keyword_indexes) *indexes,
			   ARRAY_TYPE(keyword_indexes) *shown)
{
	const unsigned int *idx;

	array_foreach(indexes, idx)
		list_add(shown,
			 roost_keyword_index_shown_at(kbox->kindex, *idx));
}

/* Add the positions at which a keyword is changed.  It is set at the first of
   its twins and taken away from all of them.  Replication means one position,
   which it knows by the text that is stored there. */
static void
list_add_twins(ARRAY_TYPE(keyword_indexes) *list,
	       const struct roost_keyword_box *kbox, enum modify_type type,
	       unsigned int idx)
{
	struct roost_keyword_index *kindex = kbox->kindex;
	unsigned int i, first = roost_keyword_index_first(kindex, idx);

	if (roost_keyword_box_is_replicating(kbox)) {
		list_add(list, idx);
		return;
	}
	list_add(list, first);
	if (type != MODIFY_REMOVE || !roost_keyword_index_has_twins(kindex))
		return;
	for (i = 0; i < array_count(roost_keyword_index_names(kindex)); i++) {
		if (roost_keyword_index_first(kindex, i) == first)
			list_add(list, i);
	}
}

/* A virtual mailbox that is synchronized may hand over the token of another
   keyring.  Change idx to the position of the token's name.  FALSE if nobody
   knows its name. */
static bool
handed_over_position(struct roost_keyword_box *kbox, unsigned int *idx)
{
	struct mail_index *index = kbox->box->index;
	const char *stored = array_idx_elem(&index->keywords, *idx), *name;

	if (!roost_keyword_index_is_foreign(kbox->kindex, kbox->box, *idx) ||
	    !roost_keyword_handover_name(kbox, stored, &name))
		return TRUE;
	if (name == NULL)
		return FALSE;
	mail_index_keyword_lookup_or_create(index, name, idx);
	roost_keyword_box_sync(kbox);
	return TRUE;
}

/* Replication may bring a longer name than a token can hold, from a server
   that allows it.  The name is left out, since replication would end if it were
   refused. */
static bool
is_too_long(const struct roost_keyword_box *kbox, unsigned int idx)
{
	const char *stored = array_idx_elem(&kbox->box->index->keywords, idx);
	size_t len = strlen(stored);

	return roost_keyword_box_is_replicating(kbox) &&
	len > ROOST_TOKEN_NAME_MAX &&
		!roost_token_is_claimed(stored, len);
}

/* Can the keywords stay as they are?  Nearly always they can. */
static bool
are_at_first(const struct roost_keyword_box *kbox,
	     const struct mail_keywords *keywords)
{
	unsigned int i;

	if (roost_keyword_index_has_twins(kbox->kindex))
		return FALSE;
	for (i = 0; i < keywords->count; i++) {
		if (roost_keyword_index_is_foreign(kbox->kindex, kbox->box,
						   keywords->idx[i]))
			return FALSE;
	}
	return TRUE;
}

static struct mail_keywords *
keywords_at_first(struct roost_keyword_box *kbox, enum modify_type type,
		  const struct mail_keywords *keywords)
{
	ARRAY_TYPE(keyword_indexes) list;
	unsigned int i, idx;

	if (keywords->count == 0)
		return NULL;
	roost_keyword_box_sync(kbox);
	t_array_init(&list, keywords->count);
	for (i = 0; i < keywords->count; i++) {
		idx = keywords->idx[i];
		if (!is_too_long(kbox, idx) && handed_over_position(kbox, &idx))
			list_add_twins(&list, kbox, type, idx);
	}
	if (array_count(&list) == keywords->count &&
	    memcmp(array_front(&list), keywords->idx,	/* public */
		   keywords->count * sizeof(idx)) == 0)
		return NULL;
	return mail_index_keywords_create_from_indexes(keywords->index, &list);
}

/*
 * Where one server has a name in clear and the other its token, replication
 * makes them equal by adding the one and removing the other.  Here both may
 * have one position: what replication has just added to a message, it does not
 * mean to remove from it.
 */
static struct mail_keywords *
without_added(struct roost_keyword_box *kbox, struct mail_keywords *keywords)
{
	ARRAY_TYPE(keyword_indexes) added, list;
	unsigned int i;

	t_array_init(&added, kbox->added->count + 1);
	array_append(&added, kbox->added->idx, kbox->added->count);
	t_array_init(&list, keywords->count);
	for (i = 0; i < keywords->count; i++) {
		if (!list_has(&added, keywords->idx[i]))
			array_push_back(&list, &keywords->idx[i]);
	}
	return mail_index_keywords_create_from_indexes(keywords->index, &list);
}

static struct mail_keywords *
update_replicating(struct roost_keyword_box *kbox, struct mail *mail,
		   enum modify_type type, struct mail_keywords *keywords)
{
	bool follows = kbox->added != NULL && kbox->added_uid == mail->uid;
	struct mail_keywords *fitting = type == MODIFY_REMOVE && follows ?
		without_added(kbox, keywords) :
		keywords_at_first(kbox, type, keywords);

	if (kbox->added != NULL)
		mail_index_keywords_unref(&kbox->added);
	if (type == MODIFY_ADD) {
		mail_index_keywords_ref(keywords);
		kbox->added = keywords;
		kbox->added_uid = mail->uid;
	}
	return fitting;
}

static struct mail_keywords *
keywords_again(struct mail_keywords *keywords)
{
	if (keywords != NULL)
		mail_index_keywords_ref(keywords);
	return keywords;
}

static void
remember(struct roost_keyword_box *kbox, enum modify_type type,
	 struct mail_keywords *asked, struct mail_keywords *fitting)
{
	struct roost_keyword_change *change =
		&kbox->changes[kbox->next_change];

	kbox->next_change = (kbox->next_change + 1) % ROOST_KEYWORD_CHANGES;
	roost_keyword_box_forget(change);
	change->asked = keywords_again(asked);
	change->fitting = keywords_again(fitting);
	change->type = type;
	change->known_count = array_count(&kbox->box->index->keywords);
}

/* NULL if there is none.  The keywords are referenced, so no others can have
   their address. */
static const struct roost_keyword_change *
remembered(const struct roost_keyword_box *kbox, enum modify_type type,
	   const struct mail_keywords *keywords)
{
	const struct roost_keyword_change *change = kbox->changes;
	unsigned int known = array_count(&kbox->box->index->keywords);

	for (; change < kbox->changes + ROOST_KEYWORD_CHANGES; change++) {
		if (change->asked == keywords && change->type == type &&
		    change->known_count == known)
			return roost_keyword_box_is_replicating(kbox) ?
				NULL : change;
	}
	return NULL;
}

static struct mail_keywords *
update(struct roost_keyword_box *kbox, struct mail *mail, enum modify_type type,
       struct mail_keywords *keywords)
{
	struct mail_keywords *instead;

	if (roost_keyword_box_is_replicating(kbox))
		return update_replicating(kbox, mail, type, keywords);
	instead = are_at_first(kbox, keywords) ? NULL :
		keywords_at_first(kbox, type, keywords);
	remember(kbox, type, keywords, instead);
	return instead;
}

struct mail_keywords *
roost_keyword_change_update(struct roost_keyword_box *kbox, struct mail *mail,
			    enum modify_type type,
			    struct mail_keywords *keywords)
{
	const struct roost_keyword_change *change;
	struct mail_keywords *instead;

	if (kbox->kindex == NULL || keywords->count == 0)
		return NULL;
	change = remembered(kbox, type, keywords);
	if (change != NULL)
		return keywords_again(change->fitting);
	roost_keyword_box_sync(kbox);
	T_BEGIN {
		instead = update(kbox, mail, type, keywords);
	} T_END;
	return instead;
}

static void
save_replace(struct mail_save_context *ctx, struct mail_keywords *keywords)
{
	mail_index_keywords_unref(&ctx->data.keywords);
	ctx->data.keywords = keywords;
}

/* Move the keywords of what is saved to the first of their twins.  used_r are
   their positions, on the data stack. */
static void
save_used(struct roost_keyword_box *kbox, struct mail_save_context *ctx,
	  ARRAY_TYPE(keyword_indexes) *used_r)
{
	struct mail_keywords *first =
		keywords_at_first(kbox, MODIFY_ADD, ctx->data.keywords);

	if (first != NULL)
		save_replace(ctx, first);
	t_array_init(used_r, ctx->data.keywords->count + 1);
	array_append(used_r, ctx->data.keywords->idx,
		     ctx->data.keywords->count);
}

static int
change_save(struct roost_keyword_box *kbox, struct mail_save_context *ctx)
{
	ARRAY_TYPE(keyword_indexes) used;

	if (ctx->data.keywords == NULL || kbox->kindex == NULL)
		return 0;
	save_used(kbox, ctx, &used);
	return roost_keyword_box_check(kbox, &used);
}

int
roost_keyword_change_save(struct roost_keyword_box *kbox,
			  struct mail_save_context *ctx)
{
	int ret;

	T_BEGIN {
		ret = change_save(kbox, ctx);
	} T_END;
	return ret;
}

/* A token that does not open is copied with its message.  One that the message
   does not have was made up, for example by a Sieve script. */
static bool
copy_is_carried(struct roost_keyword_box *kbox, struct mail *mail,
		unsigned int idx)
{
	const char *stored = array_idx_elem(&kbox->box->index->keywords, idx);

	if (!roost_keyword_index_is_foreign(kbox->kindex, kbox->box, idx) ||
	    !str_array_icase_find(mail_get_keywords(mail), stored))
		return FALSE;
	roost_keyword_index_allow(kbox->kindex, idx);
	return TRUE;
}

static void
copy_drop(struct roost_keyword_box *kbox, struct mail_save_context *ctx,
	  struct mail *mail, const ARRAY_TYPE(keyword_indexes) *faulty)
{
	const struct mail_keywords *old = ctx->data.keywords;
	ARRAY_TYPE(keyword_indexes) kept;
	unsigned int i;

	t_array_init(&kept, old->count + 1);
	for (i = 0; i < old->count; i++) {
		if (!list_has(faulty, old->idx[i]) ||
		    copy_is_carried(kbox, mail, old->idx[i]))
			array_push_back(&kept, &old->idx[i]);
	}
	save_replace(ctx, mail_index_keywords_create_from_indexes(
				kbox->box->index, &kept));
}

/*
 * Dovecot gives a copy no keyword at all where one of the message's is not
 * valid.  So it is with a token that does not open, if it is longer than the
 * names of clients may be.  Give the copy all keywords that can be stored.  A
 * delivery chooses keywords of its own, so the message's do not count there.
 */
static void
copy_restore(struct roost_keyword_box *kbox, struct mail_save_context *ctx,
	     struct mail *mail)
{
	const char *const *names, *error;
	ARRAY_TYPE(const_string) kept;
	bool is_any_invalid = FALSE;

	if (ctx->data.keywords->count > 0 || ctx->saving ||
	    roost_keyword_box_is_replicating(kbox))
		return;
	t_array_init(&kept, 8);
	for (names = mail_get_keywords(mail); *names != NULL; names++) {
		if (!mailbox_keyword_is_valid(kbox->box, *names, &error))
			is_any_invalid = TRUE;
		if (roost_keyword_handover_may_store(kbox->box, *names))
			array_push_back(&kept, names);
	}
	array_append_zero(&kept);
	if (is_any_invalid)
		save_replace(ctx, mail_index_keywords_create(kbox->box->index,
						array_front(&kept)));
}

static int
change_copy(struct roost_keyword_box *kbox, struct mail_save_context *ctx,
	    struct mail *mail)
{
	ARRAY_TYPE(keyword_indexes) used;
	const char *error;

	if (ctx->data.keywords == NULL || kbox->kindex == NULL)
		return 0;
	copy_restore(kbox, ctx, mail);
	save_used(kbox, ctx, &used);
	if (roost_keyword_box_prepare(kbox, &used, &error) == ROOST_KEYWORD_OK)
		return 0;
	if (error != NULL)
		return roost_keyword_box_refuse(kbox, error);
	copy_drop(kbox, ctx, mail, &used);
	return 0;
}

int
roost_keyword_change_copy(struct roost_keyword_box *kbox,
			  struct mail_save_context *ctx, struct mail *mail)
{
	int ret;

	T_BEGIN {
		ret = change_copy(kbox, ctx, mail);
	} T_END;
	return ret;
}
