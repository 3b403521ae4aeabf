/* SPDX-License-Identifier: MIT */
/*
 * save-hooks: every message that is saved passes here: roost_save_begin() finds
 * the keyring, and save_seal() seals the message by putting a sealing stream
 * between the storage's output and everyone else.  See save-hooks.h.
 *
 * Without a key nothing is written: the save fails, and a delivery is tried
 * again.  save-ring.c knows the keyring of a transaction, copy-share.c whether
 * a copy may share the file of the original.
 */
#include "mail/save-hooks.h"

#include "index-mail.h"
#include "mail-copy.h"
#include "dbox-save.h"

#include "cache/save.h"
#include "mail/copy-share.h"
#include "mail/read-errors.h"
#include "mail/save-ring.h"
#include "mail/unfit.h"
#include "mail/watch.h"
#include "session/inspect.h"
#include "session/storage.h"
#include "stream/ostream-roost.h"

#include "roost/secret.h"

struct save_box {
	union mailbox_module_context module_ctx;
};

static MODULE_CONTEXT_DEFINE_INIT(save_box_module,
				  &mail_storage_module_register);
#define SAVE_BOX(box) \
	((struct save_box *)MODULE_CONTEXT_REQUIRE(box, save_box_module))

#define CLIENT_CLAIMS_SEALED \
	"A message that looks sealed cannot be saved here"

/* Put the sealing stream between the storage's output and everyone else.
   Returns 0, or -1 with the storage's error set. */
static int
save_seal(struct mail_save_context *ctx, struct roost_ring *ring)
{
	struct roost_sealed sealed;
	struct ostream *output;
	const char *error;

	output = roost_ostream_create(ctx->data.output,
				      roost_ring_seal_key(ring), &sealed,
				      &error);
	if (output == NULL) {
		mailbox_set_critical(ctx->transaction->box,
				     "roost: Cannot seal, so nothing is "
				     "saved: %s", error);
		return -1;
	}
	/* A delivery to a user whose keyring is locked reads the message once
	   more, which this process can by the key that it remembers. */
	roost_ring_remember(ring, sealed.object_id, sealed.keys.data_key);
	roost_cache_save_sealed(ctx->dest_mail, ring, &sealed);
	roost_wipe(&sealed, sizeof(sealed));
	o_stream_unref(&ctx->data.output);
	ctx->data.output = output;
	o_stream_cork(output);
	return 0;
}

/* Returns the options by which doveadm roost policy finds the mailbox's
   keyring. */
static const char *
box_policy_options(struct mailbox *box)
{
	struct mail_namespace *ns = mailbox_get_namespace(box);

	if (ns->owner != NULL)
		return t_strconcat("-u ", ns->owner->username, NULL);
	return t_strdup_printf("-u %s -n \"%s\"", box->storage->user->username,
			       ns->prefix);
}

/* A message that is saved unsealed must not be taken in where it would then be
   refused.  Returns 0, or -1 with the storage's error set. */
static int
box_check_plaintext(struct mailbox *box)
{
	struct roost_user *ruser = roost_user_get(box->storage->user);
	enum roost_plaintext plaintext;
	const char *error;

	if (ruser == NULL ||
	    roost_user_config(ruser)->enable == ROOST_ENABLE_NO)
		return 0;
	if (roost_user_plaintext(ruser, mailbox_get_namespace(box),
				 &plaintext, &error) < 0) {
		mailbox_set_critical(box, "roost: Cannot tell the policy, so "
				     "nothing is saved: %s", error);
		return -1;
	}
	if (plaintext != ROOST_PLAINTEXT_REFUSE)
		return 0;
	mailbox_set_critical(box, "roost: The policy is sealed, and "
		"roost_enable=read-only seals nothing, so nothing is saved: "
		"set the policy to open with doveadm roost policy %s open",
		box_policy_options(box));
	return -1;
}

static int
roost_save_begin(struct mail_save_context *ctx, struct istream *input)
{
	struct mailbox *box = ctx->transaction->box;
	struct save_box *sbox = SAVE_BOX(box);
	struct roost_ring *ring = NULL;

	if ((roost_save_ring_is_needed(box) ?
	     roost_save_ring_get(ctx->transaction, &ring) :
	     box_check_plaintext(box)) < 0)
		return -1;
	if (sbox->module_ctx.super.save_begin(ctx, input) < 0)
		return -1;
	/* The plugin roost_flags reads this to set $Sealed: the two share no
	   symbol. */
	event_add_str(box->event, "roost_save",
		      ring == NULL ? "plain" : "sealed");
	return ring == NULL ? 0 : save_seal(ctx, ring);
}

/* Does the message that was just saved unsealed claim to be sealed?  Returns 1,
   0, or -1 with the storage's error set. */
static int
saved_claims_sealed(struct mail *mail)
{
	struct roost_peek peek;
	struct istream *input;

	if (roost_inspect_peek(mail, &peek) > 0)
		return peek.is_sealed ? 1 : 0;
	if (mail_get_stream_because(mail, NULL, NULL, "roost save check",
				    &input) < 0)
		return -1;
	return roost_inspect_is_claimed(input) ? 1 : 0;
}

static int
roost_save_finish(struct mail_save_context *ctx)
{
	struct mailbox *box = ctx->transaction->box;
	struct save_box *sbox = SAVE_BOX(box);
	bool is_sealing = roost_save_ring_is_needed(box);
	int ret;

	if (sbox->module_ctx.super.save_finish(ctx) < 0)
		return -1;
	if (is_sealing) {
		roost_watch_sealed(box);
		return 0;
	}
	/* A client could plant it, and it would count as a damaged message. */
	ret = saved_claims_sealed(ctx->dest_mail);
	if (ret > 0)
		mail_storage_set_error(box->storage, MAIL_ERROR_NOTPOSSIBLE,
				       CLIENT_CLAIMS_SEALED);
	return ret == 0 ? 0 : -1;
}

static int
roost_copy(struct mail_save_context *ctx, struct mail *mail)
{
	struct mailbox *box = ctx->transaction->box;
	struct save_box *sbox = SAVE_BOX(box);
	int ret = roost_copy_may_share(ctx->transaction, mail);

	if (ret == 0 && roost_read_errors_check_whole(mail) < 0) {
		mail_storage_set_internal_error(box->storage);
		ret = -1;
	}
	if (ret < 0) {
		/* Unlike save_begin, a copy ends the save when it fails. */
		mailbox_save_cancel(&ctx);
		return -1;
	}
	return ret > 0 ? sbox->module_ctx.super.copy(ctx, mail) :
		mail_storage_copy(ctx, mail);
}

/*
 * The storage has removed the file of the message that was given up.  If that
 * was the last message of a transaction that is committed all the same, sdbox
 * would also delete the files of the messages before it.  After doveadm has
 * moved these they are the only copies, so sdbox is told that nothing failed.
 */
static void
roost_save_cancel(struct mail_save_context *ctx)
{
	struct mailbox *box = ctx->transaction->box;
	struct save_box *sbox = SAVE_BOX(box);
	struct dbox_save_context *dbox_ctx = DBOX_SAVECTX(ctx);

	sbox->module_ctx.super.save_cancel(ctx);
	if (strcmp(box->storage->name, "sdbox") == 0)
		dbox_ctx->failed = FALSE;
}

static int
roost_transaction_commit(struct mailbox_transaction_context *t,
			 struct mail_transaction_commit_changes *changes_r)
{
	struct save_box *sbox = SAVE_BOX(t->box);

	if (roost_save_ring_finish(t) == 0)
		return sbox->module_ctx.super.transaction_commit(t, changes_r);
	sbox->module_ctx.super.transaction_rollback(t);
	return -1;
}

static void
roost_transaction_rollback(struct mailbox_transaction_context *t)
{
	roost_save_ring_release(t);
	SAVE_BOX(t->box)->module_ctx.super.transaction_rollback(t);
}

void
roost_save_box_allocated(struct mailbox *box)
{
	struct mailbox_vfuncs *v = box->vlast;
	struct save_box *sbox;

	/* In raw storage a message is on its way to delivery, in memory or in
	   a spool; a virtual mailbox saves into another one, which has these
	   hooks. */
	if (strcmp(box->storage->name, "raw") == 0 ||
	    strcmp(box->storage->name, "virtual") == 0)
		return;
	if (!roost_storage_can_seal(box->storage)) {
		roost_unfit_box_allocated(box);
		return;
	}
	sbox = p_new(box->pool, struct save_box, 1);
	sbox->module_ctx.super = *v;
	box->vlast = &sbox->module_ctx.super;
	MODULE_CONTEXT_SET(box, save_box_module, sbox);
	v->save_begin = roost_save_begin;
	v->save_finish = roost_save_finish;
	v->save_cancel = roost_save_cancel;
	v->copy = roost_copy;
	v->transaction_commit = roost_transaction_commit;
	v->transaction_rollback = roost_transaction_rollback;
}
