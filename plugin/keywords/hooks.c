/* SPDX-License-Identifier: MIT */
/*
 * hooks: replaced functions of mailboxes and mails.  See hooks.h.
 *
 * Each first takes in what is new in the index.  Most then need no more: a name
 * and its token have one position, so Dovecot's own functions do what is right
 * with either.
 */
#include "keywords/hooks.h"

#include "keywords/search.h"
#include "keywords/change.h"
#include "keywords/commit.h"
#include "keywords/handover.h"

struct roost_keyword_mail {
	union mail_module_context module_ctx;
	struct roost_keyword_box *kbox;
};

static MODULE_CONTEXT_DEFINE_INIT(roost_keyword_mail_module,
				  &mail_module_register);
#define KEYWORD_MAIL(mail) \
	((struct roost_keyword_mail *)MODULE_CONTEXT_REQUIRE( \
		(struct mail_private *)(mail), roost_keyword_mail_module))

/* Mails */

static bool
names_have(const ARRAY_TYPE(const_string) *names, const char *name)
{
	const char *const *other;

	array_foreach(names, other) {
		if (strcasecmp(*other, name) == 0)
			return TRUE;
	}
	return FALSE;
}

/* The names of the texts that the index holds, each name once; the array is
   taken from the pool. */
static const char *const *
names_of(struct roost_keyword_box *kbox, pool_t pool, const char *const *stored)
{
	ARRAY_TYPE(const_string) names;
	const char *name;

	p_array_init(&names, pool, str_array_length(stored) + 1);
	for (; *stored != NULL; stored++) {
		name = roost_keyword_index_name(kbox->kindex, *stored);
		if (!names_have(&names, name))
			array_push_back(&names, &name);
	}
	array_append_zero(&names);
	return array_front(&names);
}

static const char *const *
keyword_mail_get_keywords(struct mail *_mail)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct roost_keyword_mail *kmail = KEYWORD_MAIL(mail);
	const char *const *stored = kmail->module_ctx.super.get_keywords(_mail);

	if (*stored == NULL || kmail->kbox->kindex == NULL ||
	    roost_keyword_box_is_replicating(kmail->kbox))
		return stored;
	roost_keyword_box_sync(kmail->kbox);
	return names_of(kmail->kbox, mail->data_pool, stored);
}

/* The places of a mail's names in the array that keyword_get_status() gives to
   a client at SELECT. */
static const ARRAY_TYPE(keyword_indexes) *
keyword_mail_get_keyword_indexes(struct mail *_mail)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct roost_keyword_mail *kmail = KEYWORD_MAIL(mail);
	const ARRAY_TYPE(keyword_indexes) *indexes =
		kmail->module_ctx.super.get_keyword_indexes(_mail);
	ARRAY_TYPE(keyword_indexes) *shown;

	if (kmail->kbox->kindex == NULL ||
	    roost_keyword_box_is_replicating(kmail->kbox))
		return indexes;
	roost_keyword_box_sync(kmail->kbox);
	if (!roost_keyword_index_has_twins(kmail->kbox->kindex))
		return indexes;
	shown = p_new(mail->data_pool, ARRAY_TYPE(keyword_indexes), 1);
	p_array_init(shown, mail->data_pool, array_count(indexes) + 1);
	roost_keyword_change_shown(kmail->kbox, indexes, shown);
	return shown;
}

static void
keyword_mail_update_keywords(struct mail *mail, enum modify_type type,
			     struct mail_keywords *keywords)
{
	struct roost_keyword_mail *kmail = KEYWORD_MAIL(mail);
	struct mail_keywords *firsts =
		roost_keyword_change_update(kmail->kbox, mail, type,
					    keywords);

	kmail->module_ctx.super.update_keywords(mail, type, firsts == NULL ?
						keywords : firsts);
	if (firsts != NULL)
		mail_index_keywords_unref(&firsts);
}

void
roost_keyword_hooks_mail_allocated(struct mail *_mail)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct mail_vfuncs *v = mail->vlast;
	struct roost_keyword_box *kbox = roost_keyword_box_get(_mail->box);
	struct roost_keyword_mail *kmail;

	if (kbox == NULL || kbox->ruser == NULL)
		return;
	kmail = p_new(mail->pool, struct roost_keyword_mail, 1);
	kmail->kbox = kbox;
	kmail->module_ctx.super = *v;
	mail->vlast = &kmail->module_ctx.super;
	v->get_keywords = keyword_mail_get_keywords;
	v->get_keyword_indexes = keyword_mail_get_keyword_indexes;
	v->update_keywords = keyword_mail_update_keywords;
	MODULE_CONTEXT_SET(mail, roost_keyword_mail_module, kmail);
}

/* Mailboxes */

static int
keyword_open(struct mailbox *box)
{
	struct roost_keyword_box *kbox = roost_keyword_box_get(box);

	if (kbox->module_ctx.super.open(box) < 0)
		return -1;
	if (roost_keyword_box_is_replicating(kbox))
		roost_keyword_handover_raise_limit(box->storage);
	roost_keyword_box_opened(kbox);
	return 0;
}

static void
keyword_close(struct mailbox *box)
{
	struct roost_keyword_box *kbox = roost_keyword_box_get(box);

	roost_keyword_box_closing(kbox);
	kbox->module_ctx.super.close(box);
}

/* A client, which asks for other items as well, is told each name once.  A
   caller that asks for nothing but the names looks them up by position, and is
   given all. */
static int
keyword_get_status(struct mailbox *box, enum mailbox_status_items items,
		   struct mailbox_status *status_r)
{
	struct roost_keyword_box *kbox = roost_keyword_box_get(box);

	if (kbox->module_ctx.super.get_status(box, items, status_r) < 0)
		return -1;
	if ((items & STATUS_KEYWORDS) == 0 || kbox->kindex == NULL ||
	    roost_keyword_box_is_replicating(kbox))
		return 0;
	roost_keyword_box_sync(kbox);
	status_r->keywords = items == STATUS_KEYWORDS ?
		roost_keyword_index_names(kbox->kindex) :
		roost_keyword_index_shown(kbox->kindex);
	return 0;
}

static struct mailbox_sync_context *
keyword_handover_sync_init(struct mailbox *box, enum mailbox_sync_flags flags)
{
	struct roost_keyword_box *kbox = roost_keyword_box_get(box);
	struct mailbox_sync_context *ctx;

	roost_keyword_handover_begin(kbox);
	ctx = kbox->module_ctx.super.sync_init(box, flags);
	roost_keyword_handover_end(kbox);
	return ctx;
}

static int
keyword_sync_deinit(struct mailbox_sync_context *ctx,
		    struct mailbox_sync_status *status_r)
{
	struct roost_keyword_box *kbox = roost_keyword_box_get(ctx->box);
	int ret = kbox->module_ctx.super.sync_deinit(ctx, status_r);

	roost_keyword_box_sync(kbox);
	return ret;
}

static struct mailbox_transaction_context *
keyword_transaction_begin(struct mailbox *box,
			  enum mailbox_transaction_flags flags,
			  const char *reason)
{
	struct roost_keyword_box *kbox = roost_keyword_box_get(box);
	struct mailbox_transaction_context *t =
		kbox->module_ctx.super.transaction_begin(box, flags, reason);

	roost_keyword_box_sync(kbox);
	return t;
}

/* Refuse here, with an error for the client, what must not be stored.  What is
   written without a mailbox transaction meets the check of commit.h. */
static int
keyword_transaction_commit(struct mailbox_transaction_context *t,
			   struct mail_transaction_commit_changes *changes_r)
{
	struct roost_keyword_box *kbox = roost_keyword_box_get(t->box);
	ARRAY_TYPE(keyword_indexes) used, faulty;
	int ret = 0;

	if (kbox->kindex != NULL) T_BEGIN {
		roost_keyword_commit_used(t->itrans, &used);
		t_array_init(&faulty, array_count(&used) + 1);
		array_append_array(&faulty, &used);
		if (array_count(&used) > 0)
			ret = roost_keyword_box_check(kbox, &faulty);
		if (ret == 0)
			ret = roost_keyword_box_check_ring(kbox, &used);
	} T_END;
	if (ret == 0)
		return kbox->module_ctx.super.transaction_commit(t, changes_r);
	kbox->module_ctx.super.transaction_rollback(t);
	return -1;
}

static struct mail_search_context *
keyword_search_init(struct mailbox_transaction_context *t,
		    struct mail_search_args *args,
		    const enum mail_sort_type *sort_program,
		    enum mail_fetch_field wanted_fields,
		    struct mailbox_header_lookup_ctx *wanted_headers)
{
	struct roost_keyword_box *kbox = roost_keyword_box_get(t->box);

	if (kbox->kindex != NULL && !roost_keyword_box_is_replicating(kbox)) {
		roost_keyword_box_sync(kbox);
		roost_keyword_search_fix(kbox->kindex, args);
	}
	return kbox->module_ctx.super.search_init(t, args, sort_program,
						  wanted_fields,
						  wanted_headers);
}

static int
keyword_save_begin(struct mail_save_context *ctx, struct istream *input)
{
	struct roost_keyword_box *kbox =
		roost_keyword_box_get(ctx->transaction->box);

	if (roost_keyword_change_save(kbox, ctx) < 0)
		return -1;
	return kbox->module_ctx.super.save_begin(ctx, input);
}

static int
keyword_copy(struct mail_save_context *ctx, struct mail *mail)
{
	struct roost_keyword_box *kbox =
		roost_keyword_box_get(ctx->transaction->box);

	if (roost_keyword_change_copy(kbox, ctx, mail) < 0) {
		/* Unlike save_begin, a copy that fails must end the save. */
		mailbox_save_cancel(&ctx);
		return -1;
	}
	return kbox->module_ctx.super.copy(ctx, mail);
}

static void
keyword_set_vfuncs(struct mailbox_vfuncs *v, bool is_virtual)
{
	v->close = keyword_close;
	v->get_status = keyword_get_status;
	v->sync_deinit = keyword_sync_deinit;
	v->transaction_begin = keyword_transaction_begin;
	v->transaction_commit = keyword_transaction_commit;
	v->search_init = keyword_search_init;
	v->save_begin = keyword_save_begin;
	v->copy = keyword_copy;
	if (is_virtual)
		v->sync_init = keyword_handover_sync_init;
}

void
roost_keyword_hooks_mailbox_allocated(struct mailbox *box)
{
	struct mailbox_vfuncs *v = box->vlast;
	struct roost_keyword_box *kbox = roost_keyword_box_new(box);

	if (kbox == NULL)
		return;
	kbox->module_ctx.super = *v;
	box->vlast = &kbox->module_ctx.super;
	v->open = keyword_open;
	/* A user without Roost sees what is on disk. */
	if (kbox->ruser != NULL)
		keyword_set_vfuncs(v, strcmp(box->storage->name,
					     "virtual") == 0);
}

void
roost_keyword_hooks_init(void)
{
	mail_index_transaction_hook_register(roost_keyword_commit_created);
}

void
roost_keyword_hooks_deinit(void)
{
	mail_index_transaction_hook_unregister(roost_keyword_commit_created);
}
