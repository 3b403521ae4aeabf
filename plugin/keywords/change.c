/* SPDX-License-Identifier: MIT */
/*
 * change: see change.h.
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
roost_keyword_change_shown(const struct roost_keyword_box *kb,
			  const ARRAY_TYPE(keyword_indexes) *indexes,
			  ARRAY_TYPE(keyword_indexes) *shown)
{
	const unsigned int *idx;

	array_foreach(indexes, idx)
		list_add(shown, roost_keyword_index_shown_at(kb->ki, *idx));
}

/* Where a keyword is changed: at its first position; gone from all.  For
   replication, which knows each position by what it holds, there alone. */
static void
list_add_twins(ARRAY_TYPE(keyword_indexes) *list,
	       const struct roost_keyword_box *kb, enum modify_type type,
	       unsigned int idx)
{
	struct roost_keyword_index *ki = kb->ki;
	unsigned int i, first = roost_keyword_index_first(ki, idx);

	if (roost_keyword_box_is_raw(kb)) {
		list_add(list, idx);
		return;
	}
	list_add(list, first);
	if (type != MODIFY_REMOVE || !roost_keyword_index_has_twins(ki))
		return;
	for (i = 0; i < array_count(roost_keyword_index_names(ki)); i++) {
		if (roost_keyword_index_first(ki, i) == first)
			list_add(list, i);
	}
}

/* A token that a virtual mailbox hands on may be another keyring's: false if
   nobody knows its name. */
static bool
virtual_position(struct roost_keyword_box *kb, unsigned int *idx)
{
	struct mail_index *index = kb->box->index;
	const char *stored = array_idx_elem(&index->keywords, *idx), *name;

	if (!roost_keyword_index_is_strange(kb->ki, kb->box, *idx) ||
	    !roost_keyword_handover_name(kb, stored, &name))
		return TRUE;
	if (name == NULL)
		return FALSE;
	mail_index_keyword_lookup_or_create(index, name, idx);
	roost_keyword_box_sync(kb);
	return TRUE;
}

/* What replication brings from where longer names are allowed cannot be kept,
   and is no reason to end it. */
static bool
is_too_long(const struct roost_keyword_box *kb, unsigned int idx)
{
	const char *stored = array_idx_elem(&kb->box->index->keywords, idx);
	size_t len = strlen(stored);

	return roost_keyword_box_is_raw(kb) && len > ROOST_TOKEN_NAME_MAX &&
		!roost_token_is_claimed(stored, len);
}

/* As nearly always: nothing has to be looked for one by one. */
static bool
are_at_first(const struct roost_keyword_box *kb,
	     const struct mail_keywords *keywords)
{
	unsigned int i;

	if (roost_keyword_index_has_twins(kb->ki))
		return FALSE;
	for (i = 0; i < keywords->count; i++) {
		if (roost_keyword_index_is_strange(kb->ki, kb->box,
						   keywords->idx[i]))
			return FALSE;
	}
	return TRUE;
}

static void
remember_fitting(struct roost_keyword_box *kb, struct mail_keywords *keywords)
{
	if (kb->fitting != NULL)
		mail_index_keywords_unref(&kb->fitting);
	mail_index_keywords_ref(keywords);
	kb->fitting = keywords;
	kb->fitting_count = array_count(&kb->box->index->keywords);
}

static struct mail_keywords *
keywords_at_first(struct roost_keyword_box *kb, enum modify_type type,
		  const struct mail_keywords *keywords)
{
	ARRAY_TYPE(keyword_indexes) list;
	unsigned int i, idx;

	if (keywords->count == 0)
		return NULL;
	roost_keyword_box_sync(kb);
	t_array_init(&list, keywords->count);
	for (i = 0; i < keywords->count; i++) {
		idx = keywords->idx[i];
		if (!is_too_long(kb, idx) && virtual_position(kb, &idx))
			list_add_twins(&list, kb, type, idx);
	}
	if (array_count(&list) == keywords->count &&
	    memcmp(array_front(&list), keywords->idx,	/* public */
		   keywords->count * sizeof(idx)) == 0)
		return NULL;
	return mail_index_keywords_create_from_indexes(keywords->index, &list);
}

/*
 * Where one side has a name and the other its token, replication makes them
 * the same by adding the one and removing the other.  Both may be one position
 * here: what it has just added to the message, it does not mean to remove.
 */
static struct mail_keywords *
without_added(struct roost_keyword_box *kb, struct mail_keywords *keywords)
{
	ARRAY_TYPE(keyword_indexes) added, list;
	unsigned int i;

	t_array_init(&added, kb->added->count + 1);
	array_append(&added, kb->added->idx, kb->added->count);
	t_array_init(&list, keywords->count);
	for (i = 0; i < keywords->count; i++) {
		if (!list_has(&added, keywords->idx[i]))
			array_push_back(&list, &keywords->idx[i]);
	}
	return mail_index_keywords_create_from_indexes(keywords->index, &list);
}

static struct mail_keywords *
update_raw(struct roost_keyword_box *kb, struct mail *mail,
	   enum modify_type type, struct mail_keywords *keywords)
{
	bool follows = kb->added != NULL && kb->added_uid == mail->uid;
	struct mail_keywords *fitting = type == MODIFY_REMOVE && follows ?
		without_added(kb, keywords) :
		keywords_at_first(kb, type, keywords);

	if (kb->added != NULL)
		mail_index_keywords_unref(&kb->added);
	if (type == MODIFY_ADD) {
		mail_index_keywords_ref(keywords);
		kb->added = keywords;
		kb->added_uid = mail->uid;
	}
	return fitting;
}

static struct mail_keywords *
update(struct roost_keyword_box *kb, struct mail *mail, enum modify_type type,
       struct mail_keywords *keywords)
{
	if (roost_keyword_box_is_raw(kb))
		return update_raw(kb, mail, type, keywords);
	if (are_at_first(kb, keywords)) {
		remember_fitting(kb, keywords);
		return NULL;
	}
	return keywords_at_first(kb, type, keywords);
}

struct mail_keywords *
roost_keyword_change_update(struct roost_keyword_box *kb, struct mail *mail,
			   enum modify_type type,
			   struct mail_keywords *keywords)
{
	struct mail_keywords *instead;

	if (kb->ki == NULL || keywords->count == 0)
		return NULL;
	if (kb->fitting == keywords &&
	    kb->fitting_count == array_count(&kb->box->index->keywords))
		return NULL;
	roost_keyword_box_sync(kb);
	T_BEGIN {
		instead = update(kb, mail, type, keywords);
	} T_END;
	return instead;
}

static void
save_replace(struct mail_save_context *ctx, struct mail_keywords *keywords)
{
	mail_index_keywords_unref(&ctx->data.keywords);
	ctx->data.keywords = keywords;
}

/* What is saved, now at the first positions. */
static void
save_used(struct roost_keyword_box *kb, struct mail_save_context *ctx,
	  ARRAY_TYPE(keyword_indexes) *used_r)
{
	struct mail_keywords *first =
		keywords_at_first(kb, MODIFY_ADD, ctx->data.keywords);

	if (first != NULL)
		save_replace(ctx, first);
	t_array_init(used_r, ctx->data.keywords->count + 1);
	array_append(used_r, ctx->data.keywords->idx,
		     ctx->data.keywords->count);
}

static int
store_save(struct roost_keyword_box *kb, struct mail_save_context *ctx)
{
	ARRAY_TYPE(keyword_indexes) used;

	if (ctx->data.keywords == NULL || kb->ki == NULL)
		return 0;
	save_used(kb, ctx, &used);
	return roost_keyword_box_check(kb, &used);
}

int
roost_keyword_change_save(struct roost_keyword_box *kb,
			 struct mail_save_context *ctx)
{
	int ret;

	T_BEGIN {
		ret = store_save(kb, ctx);
	} T_END;
	return ret;
}

/* A token that does not open goes along with its message; one that the
   message does not have was made up, by a Sieve script say. */
static bool
copy_is_carried(struct roost_keyword_box *kb, struct mail *mail,
		unsigned int idx)
{
	const char *stored = array_idx_elem(&kb->box->index->keywords, idx);

	if (!roost_keyword_index_is_strange(kb->ki, kb->box, idx) ||
	    !str_array_icase_find(mail_get_keywords(mail), stored))
		return FALSE;
	roost_keyword_index_let_pass(kb->ki, idx);
	return TRUE;
}

static void
copy_drop(struct roost_keyword_box *kb, struct mail_save_context *ctx,
	  struct mail *mail, const ARRAY_TYPE(keyword_indexes) *faulty)
{
	const struct mail_keywords *old = ctx->data.keywords;
	ARRAY_TYPE(keyword_indexes) kept;
	unsigned int i;

	t_array_init(&kept, old->count + 1);
	for (i = 0; i < old->count; i++) {
		if (!list_has(faulty, old->idx[i]) ||
		    copy_is_carried(kb, mail, old->idx[i]))
			array_push_back(&kept, &old->idx[i]);
	}
	save_replace(ctx, mail_index_keywords_create_from_indexes(
				kb->box->index, &kept));
}

/*
 * Dovecot gives a copy no keyword at all where one is not valid, as a token is
 * that does not open and is longer than a client's names may be.  Give it all
 * that can be kept.  What a delivery brings is not the mail's.
 */
static void
copy_restore(struct roost_keyword_box *kb, struct mail_save_context *ctx,
	     struct mail *mail)
{
	const char *const *names, *error;
	ARRAY_TYPE(const_string) kept;
	bool is_any_invalid = FALSE;

	if (ctx->data.keywords->count > 0 || ctx->saving ||
	    roost_keyword_box_is_raw(kb))
		return;
	t_array_init(&kept, 8);
	for (names = mail_get_keywords(mail); *names != NULL; names++) {
		if (!mailbox_keyword_is_valid(kb->box, *names, &error))
			is_any_invalid = TRUE;
		if (roost_keyword_limit_allows(kb->box, *names))
			array_push_back(&kept, names);
	}
	array_append_zero(&kept);
	if (is_any_invalid)
		save_replace(ctx, mail_index_keywords_create(kb->box->index,
						array_front(&kept)));
}

static int
store_copy(struct roost_keyword_box *kb, struct mail_save_context *ctx,
	   struct mail *mail)
{
	ARRAY_TYPE(keyword_indexes) used;
	const char *error;

	if (ctx->data.keywords == NULL || kb->ki == NULL)
		return 0;
	copy_restore(kb, ctx, mail);
	save_used(kb, ctx, &used);
	if (roost_keyword_box_prepare(kb, &used, &error) == ROOST_KEYWORD_OK)
		return 0;
	if (error != NULL)
		return roost_keyword_box_refuse(kb, error);
	copy_drop(kb, ctx, mail, &used);
	return 0;
}

int
roost_keyword_change_copy(struct roost_keyword_box *kb,
			 struct mail_save_context *ctx, struct mail *mail)
{
	int ret;

	T_BEGIN {
		ret = store_copy(kb, ctx, mail);
	} T_END;
	return ret;
}
