/* SPDX-License-Identifier: MIT */
/*
 * unfit: mailboxes of a storage that cannot hold sealed mail.  See unfit.h.
 */
#include "mail/unfit.h"

#include "mail-copy.h"
#include "mail-index-private.h"

#include "keywords/name.h"
#include "mail/save-ring.h"
#include "session/user.h"

struct unfit_box {
	union mailbox_module_context module_ctx;
};

/* Of a transaction that would write a private name of a keyword, which is not
   committed then. */
struct unfit_trans {
	union mailbox_transaction_module_context module_ctx;
};

static MODULE_CONTEXT_DEFINE_INIT(unfit_box_module,
				  &mail_storage_module_register);
static MODULE_CONTEXT_DEFINE_INIT(unfit_trans_module,
				  &mail_storage_module_register);
static MODULE_CONTEXT_DEFINE_INIT(unfit_mail_module,
				  &mail_module_register);
#define UNFIT_BOX(box) \
	((struct unfit_box *)MODULE_CONTEXT(box, unfit_box_module))
#define UNFIT_MAIL(mail) \
	((union mail_module_context *)MODULE_CONTEXT_REQUIRE(mail, \
							     unfit_mail_module))

/* -- messages -- */

static int
unfit_save_begin(struct mail_save_context *ctx, struct istream *input)
{
	struct mailbox *box = ctx->transaction->box;

	if (!roost_save_ring_is_needed(box))
		return UNFIT_BOX(box)->module_ctx.super.save_begin(ctx, input);
	mailbox_set_critical(box, "roost: %s storage cannot hold sealed mail, "
		"so nothing is saved there: move the mail into maildir, sdbox "
		"or mdbox, with doveadm backup", box->storage->name);
	return -1;
}

static int
unfit_copy(struct mail_save_context *ctx, struct mail *mail)
{
	struct mailbox *box = ctx->transaction->box;

	if (!roost_save_ring_is_needed(box))
		return UNFIT_BOX(box)->module_ctx.super.copy(ctx, mail);
	return mail_storage_copy(ctx, mail);
}

/* -- names of keywords -- */

/* The first name among these of which a token would stand elsewhere, or
   NULL. */
static const char *
find_private(const struct mailbox *box, const struct mail_keywords *keywords)
{
	struct roost_user *ruser = roost_user_get(box->storage->user);
	const char *name;
	unsigned int i;

	for (i = 0; i < keywords->count; i++) {
		name = array_idx_elem(&box->index->keywords, keywords->idx[i]);
		if (roost_keyword_name_is_private(name,
				roost_user_config(ruser)->keywords))
			return name;
	}
	return NULL;
}

static void
refuse(struct mailbox_transaction_context *t)
{
	struct unfit_trans *utrans = MODULE_CONTEXT(t, unfit_trans_module);

	if (utrans == NULL) {
		utrans = i_new(struct unfit_trans, 1);
		MODULE_CONTEXT_SET(t, unfit_trans_module, utrans);
	}
}

/* Was it?  The transaction ends. */
static bool
take_refused(struct mailbox_transaction_context *t)
{
	struct unfit_trans *utrans = MODULE_CONTEXT(t, unfit_trans_module);
	bool is_refused = utrans != NULL;

	i_free(utrans);
	return is_refused;
}

static void
unfit_update_keywords(struct mail *mail, enum modify_type modify_type,
		      struct mail_keywords *keywords)
{
	union mail_module_context *mctx = UNFIT_MAIL((struct mail_private *)
						     mail);
	const char *name = modify_type == MODIFY_REMOVE ||
		!roost_save_ring_is_needed(mail->box) ? NULL :
		find_private(mail->box, keywords);

	if (name == NULL)
		mctx->super.update_keywords(mail, modify_type, keywords);
	else
		refuse(mail->transaction);
}

static int
unfit_transaction_commit(struct mailbox_transaction_context *t,
			 struct mail_transaction_commit_changes *changes_r)
{
	struct unfit_box *ubox = UNFIT_BOX(t->box);

	if (!take_refused(t))
		return ubox->module_ctx.super.transaction_commit(t, changes_r);
	mailbox_set_critical(t->box, "roost: %s storage would hold a private "
		"name of a keyword in clear, so nothing is changed there: "
		"doveadm backup reads only, doveadm sync writes back",
		t->box->storage->name);
	ubox->module_ctx.super.transaction_rollback(t);
	return -1;
}

static void
unfit_transaction_rollback(struct mailbox_transaction_context *t)
{
	(void)take_refused(t);
	UNFIT_BOX(t->box)->module_ctx.super.transaction_rollback(t);
}

/* -- hooks -- */

void
roost_unfit_box_allocated(struct mailbox *box)
{
	struct mailbox_vfuncs *v = box->vlast;
	struct unfit_box *ubox;

	if (v->save_begin == NULL)
		return;
	ubox = p_new(box->pool, struct unfit_box, 1);
	ubox->module_ctx.super = *v;
	box->vlast = &ubox->module_ctx.super;
	MODULE_CONTEXT_SET(box, unfit_box_module, ubox);
	v->save_begin = unfit_save_begin;
	v->copy = unfit_copy;
	v->transaction_commit = unfit_transaction_commit;
	v->transaction_rollback = unfit_transaction_rollback;
}

void
roost_unfit_mail_allocated(struct mail *_mail)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct mail_vfuncs *v = mail->vlast;
	union mail_module_context *mctx;

	if (UNFIT_BOX(_mail->box) == NULL ||
	    roost_user_get(_mail->box->storage->user) == NULL)
		return;
	mctx = p_new(mail->pool, union mail_module_context, 1);
	mctx->super = *v;
	mail->vlast = &mctx->super;
	MODULE_CONTEXT_SET_SELF(mail, unfit_mail_module, mctx);
	v->update_keywords = unfit_update_keywords;
}
