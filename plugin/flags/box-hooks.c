/* SPDX-License-Identifier: MIT */
/*
 * box-hooks: the functions of a mailbox that are replaced, for transactions and
 * for the keywords that a message is saved or copied with.  See hooks.h.
 *
 * A copy or a delivery never fails because of its keywords: those that the
 * rules refuse are left out.
 */
#include "flags/hooks.h"

#include "flags/box.h"
#include "flags/save.h"
#include "flags/search.h"

#include "roost/token.h"

/* Transactions */

static struct mailbox_transaction_context *
flags_transaction_begin(struct mailbox *box,
			enum mailbox_transaction_flags flags,
			const char *reason)
{
	struct roost_flags_box *fbox = roost_flags_box_get(box);
	struct mailbox_transaction_context *trans =
		fbox->module_ctx.super.transaction_begin(box, flags, reason);
	pool_t pool = pool_alloconly_create("roost flags transaction", 512);
	struct roost_flags_trans *ftrans =
		p_new(pool, struct roost_flags_trans, 1);

	ftrans->pool = pool;
	p_array_init(&ftrans->named, pool, 4);
	MODULE_CONTEXT_SET(trans, roost_flags_box_module, ftrans);
	return trans;
}

static void
trans_free(struct roost_flags_trans *ftrans)
{
	pool_t pool = ftrans->pool;

	roost_flags_save_free(&ftrans->save);
	roost_flags_kept_free(&ftrans->kept);
	if (ftrans->free_keywords != NULL)
		mailbox_keywords_unref(&ftrans->free_keywords);
	pool_unref(&pool);
}

static int
flags_transaction_commit(struct mailbox_transaction_context *trans,
			 struct mail_transaction_commit_changes *changes_r)
{
	struct mailbox *box = trans->box;
	struct roost_flags_box *fbox = roost_flags_box_get(box);
	struct roost_flags_trans *ftrans = roost_flags_box_trans_get(trans);
	enum mail_error code = ftrans->error_code;
	const char *error = t_strdup(ftrans->error);

	trans_free(ftrans);
	if (code == MAIL_ERROR_NONE)
		return fbox->module_ctx.super.transaction_commit(trans,
								 changes_r);
	fbox->module_ctx.super.transaction_rollback(trans);
	mail_storage_set_error(box->storage, code, error);
	return -1;
}

static void
flags_transaction_rollback(struct mailbox_transaction_context *trans)
{
	struct roost_flags_box *fbox = roost_flags_box_get(trans->box);

	trans_free(roost_flags_box_trans_get(trans));
	fbox->module_ctx.super.transaction_rollback(trans);
}

/* Messages that come */

static struct roost_flags_box *
box_of(const struct mail_save_context *ctx)
{
	return roost_flags_box_get(ctx->transaction->box);
}

/* What replication saves has its keywords already, and they went by the rules
   where they were set. */
static bool
is_replication(const struct roost_flags_box *fbox)
{
	return fbox->fuser->user->dsyncing;
}

static void
save_become(struct mail_save_context *ctx,
	    const struct roost_flag_outcome *outcome)
{
	if (ctx->data.keywords != NULL)
		mailbox_keywords_unref(&ctx->data.keywords);
	if (outcome->count > 0)
		ctx->data.keywords = mailbox_keywords_create_valid(
			ctx->transaction->box,
			roost_flags_box_outcome_names(outcome));
}

/* Put what is saved under the rules.  0, or -1 if the transaction will fail:
   the storage's error says why. */
static int
save_ask(struct mail_save_context *ctx, struct roost_flags_ask *ask)
{
	struct roost_flags_box *fbox = box_of(ctx);
	struct roost_flags_trans *ftrans =
		roost_flags_box_trans_get(ctx->transaction);
	const struct roost_flag_outcome *outcome;

	ask->trans = ctx->transaction;
	ask->is_flagged = (ctx->data.flags & MAIL_FLAGGED) != 0;
	outcome = roost_flags_box_ask(fbox, ask);
	if (outcome == NULL && ftrans->error_code == MAIL_ERROR_NONE)
		return 0;
	if (outcome == NULL) {
		mail_storage_set_error(fbox->box->storage, ftrans->error_code,
				       ftrans->error);
		return -1;
	}
	if (outcome->has_deviated)
		save_become(ctx, outcome);
	return 0;
}

static int
save_policy(struct mail_save_context *ctx)
{
	struct roost_flags_ask ask = {
		.actor = roost_flags_user_actor(box_of(ctx)->fuser),
		.change = ROOST_FLAG_REPLACE,
	};
	int ret;

	if (roost_flags_box_is_exempt(box_of(ctx)) ||
	    ctx->data.keywords == NULL || ctx->data.keywords->count == 0)
		return 0;
	T_BEGIN {
		ask.names = roost_flags_box_names(ctx->transaction->box,
						  ctx->data.keywords);
		ret = save_ask(ctx, &ask);
	} T_END;
	return ret;
}

static int
flags_save_begin(struct mail_save_context *ctx, struct istream *input)
{
	struct roost_flags_box *fbox = box_of(ctx);
	bool is_copied = ctx->copying_via_save || fbox->fuser->is_copying;

	/* flags_copy() has dealt with what is copied. */
	if (is_replication(fbox) || (is_copied && !ctx->saving))
		return fbox->module_ctx.super.save_begin(ctx, input);
	if ((!is_copied && save_policy(ctx) < 0) ||
	    fbox->module_ctx.super.save_begin(ctx, input) < 0)
		return -1;
	roost_flags_save_begin(fbox, ctx);
	return 0;
}

static int
flags_save_finish(struct mail_save_context *ctx)
{
	struct roost_flags_box *fbox = box_of(ctx);

	/* Keywords are a part of the file name, which it is given next. */
	roost_flags_save_finish(fbox, ctx);
	return fbox->module_ctx.super.save_finish(ctx);
}

static void
flags_save_cancel(struct mail_save_context *ctx)
{
	struct roost_flags_box *fbox = box_of(ctx);
	struct roost_flags_trans *ftrans =
		roost_flags_box_trans_get(ctx->transaction);

	fbox->module_ctx.super.save_cancel(ctx);
	roost_flags_save_free(&ftrans->save);
}

/* Copies */

/* Is the message from a mailbox of the same user?  Then the server has set the
   protected keywords that it has. */
static bool
is_own(const struct mail *mail, const struct mailbox *dest)
{
	const struct mail_namespace *from = mailbox_get_namespace(mail->box);
	const struct mail_namespace *to = mailbox_get_namespace(dest);

	return from->user == to->user && from->owner != NULL &&
		from->owner == to->owner;
}

/* Each message is counted by an event; the log is told once per command. */
static void
copy_rescued(struct mail_save_context *ctx, struct mail *mail)
{
	struct mailbox *box = ctx->transaction->box;
	struct roost_flags_trans *ftrans =
		roost_flags_box_trans_get(ctx->transaction);

	roost_flags_box_event(roost_flags_box_get(box), mail->uid,
			      "roost_flags_rescued", "copy");
	if (!ftrans->has_rescued)
		e_info(box->event, "roost_flags: Copies keep their keywords, "
		       "but for names that are not valid here "
		       "(first: UID %u)", mail->uid);
	ftrans->has_rescued = TRUE;
}

/*
 * The names that the copy is to have.  Where one of the message's is not valid,
 * Dovecot gives the copy an empty list, and the message is asked instead, so
 * that the valid ones are kept.  Where there is no list at all, none is wanted:
 * access lists forbid it.
 */
static const char *const *
copy_names(struct mail_save_context *ctx, struct mail *mail)
{
	struct mailbox *box = ctx->transaction->box;
	const char *const *names;

	if (ctx->data.keywords == NULL || ctx->data.keywords->count > 0)
		return roost_flags_box_names(box, ctx->data.keywords);
	names = p_strarray_dup(unsafe_data_stack_pool,
			       mail_get_keywords(mail));
	if (*names != NULL)
		copy_rescued(ctx, mail);
	return names;
}

/* Tell tokens from names.  A token that is shown is one of another keyring,
   which goes where its message goes, and no rule can speak of it. */
static void
names_split(const char *const *names, ARRAY_TYPE(const_string) *ruled,
	    ARRAY_TYPE(const_string) *tokens)
{
	for (; *names != NULL; names++) {
		if (strncasecmp(*names, ROOST_TOKEN_PREFIX,
				ROOST_TOKEN_PREFIX_SIZE) == 0)
			array_push_back(tokens, names);
		else
			array_push_back(ruled, names);
	}
	array_append_zero(ruled);
}

static struct mail_keywords *
copy_keywords(struct mailbox *box, const struct roost_flag_outcome *outcome,
	      const ARRAY_TYPE(const_string) *tokens)
{
	ARRAY_TYPE(const_string) names;
	const char *error;
	size_t i;

	t_array_init(&names, outcome->count + 1);
	for (i = 0; i < outcome->count; i++) {
		if (mailbox_keyword_is_valid(box, outcome->names[i], &error))
			array_push_back(&names, &outcome->names[i]);
	}
	array_append_array(&names, tokens);
	array_append_zero(&names);
	return mail_index_keywords_create(box->index, array_front(&names));
}

/* Ask the rules what the copy is to have.  NULL if its names are too many for
   them: then it has what it would have without rules. */
static struct mail_keywords *
copy_ask(struct mail_save_context *ctx, struct mail *mail,
	 const struct roost_flags_request *request)
{
	struct mailbox_transaction_context *trans = ctx->transaction;
	ARRAY_TYPE(const_string) ruled, tokens;
	struct roost_flags_ask ask = {
		.actor = request->actor, .change = request->change,
		.uid = mail->uid, .trans = trans,
		.is_flagged = request->is_flagged,
	};
	const struct roost_flag_outcome *outcome;
	struct mail_keywords *keywords;

	t_array_init(&ruled, 16);
	t_array_init(&tokens, 4);
	names_split(copy_names(ctx, mail), &ruled, &tokens);
	ask.names = array_front(&ruled);
	outcome = roost_flags_box_ask(box_of(ctx), &ask);
	if (outcome == NULL)
		return NULL;
	keywords = copy_keywords(trans->box, outcome, &tokens);
	/* An empty list may be one that Dovecot has made of another. */
	if (array_count(request->current) > 0) {
		roost_flags_box_keep(trans, request, outcome)->added = keywords;
		mailbox_keywords_ref(keywords);
	}
	return keywords;
}

static void
copy_policy(struct mail_save_context *ctx, struct mail *mail)
{
	struct roost_flags_box *fbox = box_of(ctx);
	ARRAY_TYPE(keyword_indexes) current;
	const struct roost_flags_request request = {
		.actor = roost_flags_user_actor(fbox->fuser),
		.change = is_own(mail, fbox->box) ? ROOST_FLAG_COPY :
			ROOST_FLAG_COPY_FOREIGN,
		.is_flagged = (ctx->data.flags & MAIL_FLAGGED) != 0,
		.current = &current,
	};
	const struct roost_flags_answer *answer;
	struct mail_keywords *keywords;

	if (roost_flags_box_is_exempt(fbox) || ctx->data.keywords == NULL)
		return;
	t_array_init(&current, ctx->data.keywords->count + 1);
	array_append(&current, ctx->data.keywords->idx,
		     ctx->data.keywords->count);
	answer = roost_flags_box_known(ctx->transaction, mail->uid, &request);
	keywords = answer != NULL ? answer->added :
		copy_ask(ctx, mail, &request);
	if (keywords == NULL)
		return;
	if (answer != NULL)
		mailbox_keywords_ref(keywords);
	mailbox_keywords_unref(&ctx->data.keywords);
	ctx->data.keywords = keywords;
}

/* A delivery saves a message by copying it, with the keywords that a Sieve
   script has chosen. */
static void
delivery_policy(struct mail_save_context *ctx, struct mail *mail)
{
	struct roost_flags_ask ask = {
		.actor = roost_flags_user_actor(box_of(ctx)->fuser),
		.change = ROOST_FLAG_REPLACE,
		.names = roost_flags_box_names(ctx->transaction->box,
					       ctx->data.keywords),
	};

	if (ask.actor == ROOST_FLAG_CLIENT)
		ask.actor = ROOST_FLAG_SCRIPT;
	if (!roost_flags_box_is_exempt(box_of(ctx)))
		(void)save_ask(ctx, &ask);
	roost_flags_save_copy(box_of(ctx), ctx, mail);
}

static int
flags_copy(struct mail_save_context *ctx, struct mail *mail)
{
	struct roost_flags_box *fbox = box_of(ctx);
	bool was_copying = fbox->fuser->is_copying;
	int ret;

	if (!is_replication(fbox)) T_BEGIN {
		if (ctx->saving)
			delivery_policy(ctx, mail);
		else
			copy_policy(ctx, mail);
	} T_END;
	/* A virtual mailbox saves into another mailbox what is copied to it. */
	fbox->fuser->is_copying = TRUE;
	ret = fbox->module_ctx.super.copy(ctx, mail);
	fbox->fuser->is_copying = was_copying;
	return ret;
}

/* Mailboxes */

static int
flags_get_status(struct mailbox *box, enum mailbox_status_items items,
		 struct mailbox_status *status_r)
{
	struct roost_flags_box *fbox = roost_flags_box_get(box);

	if (fbox->module_ctx.super.get_status(box, items, status_r) < 0)
		return -1;
	/* RFC 9051 7.1: at its limit the mailbox takes no new names. */
	if ((items & STATUS_PERMANENT_FLAGS) != 0 && box->opened &&
	    !roost_flags_box_may_name(fbox))
		status_r->allow_new_keywords = FALSE;
	return 0;
}

static void
flags_close(struct mailbox *box)
{
	struct roost_flags_box *fbox = roost_flags_box_get(box);

	roost_event_free(&fbox->drafts);
	fbox->module_ctx.super.close(box);
}

static struct mail_search_context *
flags_search_init(struct mailbox_transaction_context *trans,
		  struct mail_search_args *args,
		  const enum mail_sort_type *sort_program,
		  enum mail_fetch_field wanted_fields,
		  struct mailbox_header_lookup_ctx *wanted_headers)
{
	struct roost_flags_box *fbox = roost_flags_box_get(trans->box);

	if (!roost_flags_box_is_exempt(fbox))
		roost_flags_search_fix(fbox, args);
	return fbox->module_ctx.super.search_init(trans, args, sort_program,
						  wanted_fields,
						  wanted_headers);
}

/* Does the storage keep no message, so that nobody stores flags in it? */
static bool
is_nowhere(const struct mail_storage *storage)
{
	static const char *const others[] = {
		"shared", "fail", "raw", NULL
	};

	return str_array_find(others, storage->name);
}

static void
flags_hook_keeping(struct mailbox_vfuncs *v)
{
	v->save_begin = flags_save_begin;
	v->save_finish = flags_save_finish;
	v->save_cancel = flags_save_cancel;
}

void
roost_flags_hooks_mailbox_allocated(struct mailbox *box)
{
	struct roost_flags_user *fuser =
		roost_flags_user_get(box->storage->user);
	struct mailbox_vfuncs *v = box->vlast;
	struct roost_flags_box *fbox;

	if (fuser == NULL || is_nowhere(box->storage))
		return;
	fbox = p_new(box->pool, struct roost_flags_box, 1);
	fbox->module_ctx.super = *v;
	box->vlast = &fbox->module_ctx.super;
	fbox->box = box;
	fbox->fuser = fuser;
	fbox->is_virtual = strcmp(box->storage->name, "virtual") == 0;
	v->close = flags_close;
	v->get_status = flags_get_status;
	v->search_init = flags_search_init;
	v->transaction_begin = flags_transaction_begin;
	v->transaction_commit = flags_transaction_commit;
	v->transaction_rollback = flags_transaction_rollback;
	v->copy = flags_copy;
	if (!fbox->is_virtual)
		flags_hook_keeping(v);
	MODULE_CONTEXT_SET(box, roost_flags_box_module, fbox);
}
