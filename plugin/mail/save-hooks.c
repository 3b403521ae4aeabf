/* SPDX-License-Identifier: MIT */
/*
 * save-hooks: sealing what is saved, and what a copy may share.  See
 * save-hooks.h.
 *
 * Without a key nothing is written: the save fails, a delivery is tried
 * again.  A file is only ever shared inside one keyring.
 */
#include "mail/save-hooks.h"

#include "index-mail.h"
#include "mail-copy.h"
#include "dbox-save.h"

#include "session/named-object.h"
#include "cache/save.h"
#include "session/inspect.h"
#include "stream/ostream-roost.h"
#include "mail/read-errors.h"
#include "session/user.h"
#include "session/storage.h"

#include "roost/bytes.h"
#include "roost/secret.h"

struct roost_mailbox {
	union mailbox_module_context module_ctx;
};

static MODULE_CONTEXT_DEFINE_INIT(roost_storage_module,
				  &mail_storage_module_register);
#define ROOST_BOX(box) \
	((struct roost_mailbox *)MODULE_CONTEXT_REQUIRE( \
		box, roost_storage_module))

#define CLIENT_LOOKS_SEALED \
	"A message that looks sealed cannot be saved here"

/* A transaction that has sealed something, or shared a sealed file. */
struct roost_save_trans {
	union mailbox_transaction_module_context module_ctx;
	struct roost_ring *ring;
	unsigned int seal_count;
};

static MODULE_CONTEXT_DEFINE_INIT(roost_save_trans_module,
				  &mail_storage_module_register);

/*
 * The keyring in use may be gone, or another, since it was loaded: what is
 * sealed to it would open nowhere.  Asked once for each transaction.
 */
static int
trans_use_ring(struct mailbox_transaction_context *t, struct roost_ring *ring,
	       const char **error_r)
{
	struct roost_user *ruser = roost_user_get(t->box->storage->user);
	struct roost_save_trans *st = MODULE_CONTEXT(t,
						     roost_save_trans_module);

	if (st != NULL)
		return 0;
	if (roost_user_renew_ring(ruser, ring, error_r) < 0)
		return -1;
	st = i_new(struct roost_save_trans, 1);
	st->ring = ring;
	st->seal_count = roost_ring_seal_count(ring);
	MODULE_CONTEXT_SET(t, roost_save_trans_module, st);
	return 0;
}

/* And once more before anybody is told that it is saved. */
static int
trans_check_ring(struct mailbox_transaction_context *t,
		 const struct roost_save_trans *st)
{
	struct roost_user *ruser = roost_user_get(t->box->storage->user);
	const char *error;

	if (roost_user_renew_ring(ruser, st->ring, &error) == 0) {
		if (roost_ring_seal_count(st->ring) == st->seal_count)
			return 0;
		error = "the keyring has got another public key meanwhile";
	}
	mailbox_set_critical(t->box, "roost: Nothing is saved of what was "
			     "sealed: %s", error);
	return -1;
}

/* Somebody else's mailbox is sealed if it has a keyring, whatever the
   visitor's own roost_enable; one that fails is refused when it is used. */
static bool
box_is_sealing(struct mailbox *box)
{
	struct roost_user *ruser = roost_user_get(box->storage->user);
	struct mail_namespace *ns = mailbox_get_namespace(box);
	struct roost_ring *ring;
	const char *error;

	if (ruser == NULL)
		return FALSE;
	return roost_user_config(ruser)->enable == ROOST_ENABLE_YES ||
		(ns->owner != box->storage->user &&
		 roost_user_ring(ruser, ns, &ring, &error) != 0);
}

/* The ring to seal for; an error is the storage's afterwards. */
static int
trans_seal_ring(struct mailbox_transaction_context *t,
		struct roost_ring **ring_r)
{
	struct mailbox *box = t->box;
	struct roost_user *ruser = roost_user_get(box->storage->user);
	struct mail_namespace *ns = mailbox_get_namespace(box);
	const char *error;

	if (roost_user_seal_ring(ruser, ns, ring_r, &error) == 0 &&
	    trans_use_ring(t, *ring_r, &error) == 0 &&
	    roost_ring_check_seal(*ring_r, &error) == 0)
		return 0;
	mailbox_set_critical(box, "roost: Cannot seal, so nothing is saved: "
			     "%s", error);
	return -1;
}

/* Put the sealing stream between the storage's output and everyone else. */
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
	/* Whoever reads it again before the process ends needs no keyring:
	   delivery to a locked user does. */
	roost_ring_remember(ring, sealed.object_id, sealed.keys.data_key);
	roost_cache_save_sealed(ctx->dest_mail, ring, &sealed);
	roost_wipe(&sealed, sizeof(sealed));
	o_stream_unref(&ctx->data.output);
	ctx->data.output = output;
	o_stream_cork(output);
	return 0;
}

/* The options by which doveadm roost policy finds the mailbox's keyring. */
static const char *
box_whose_policy(struct mailbox *box)
{
	struct mail_namespace *ns = mailbox_get_namespace(box);

	if (ns->owner != NULL)
		return t_strconcat("-u ", ns->owner->username, NULL);
	return t_strdup_printf("-u %s -n \"%s\"", box->storage->user->username,
			       ns->prefix);
}

/* What is not sealed must not be taken in where it would then be refused. */
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
		box_whose_policy(box));
	return -1;
}

static int
roost_save_begin(struct mail_save_context *ctx, struct istream *input)
{
	struct mailbox *box = ctx->transaction->box;
	struct roost_mailbox *rbox = ROOST_BOX(box);
	struct roost_ring *ring = NULL;

	if ((box_is_sealing(box) ?
	     trans_seal_ring(ctx->transaction, &ring) :
	     box_check_plaintext(box)) < 0)
		return -1;
	if (rbox->module_ctx.super.save_begin(ctx, input) < 0)
		return -1;
	/* For whoever sits outside and wants to tell it. */
	event_add_str(box->event, "roost_save",
		      ring == NULL ? "plain" : "sealed");
	return ring == NULL ? 0 : save_seal(ctx, ring);
}

/* Does the message just saved, unsealed, look sealed?  -1 error, else 0/1. */
static int
saved_looks_sealed(struct mail *mail)
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
	struct roost_mailbox *rbox = ROOST_BOX(box);
	bool is_sealing = box_is_sealing(box);
	int ret;

	if (rbox->module_ctx.super.save_finish(ctx) < 0)
		return -1;
	if (is_sealing)
		return 0;
	/* What a client plants here would count as a damaged message. */
	ret = saved_looks_sealed(ctx->dest_mail);
	if (ret > 0)
		mail_storage_set_error(box->storage, MAIL_ERROR_NOTPOSSIBLE,
				       CLIENT_LOOKS_SEALED);
	return ret == 0 ? 0 : -1;
}

/* Whether the file may be shared, told from magic and keyring id alone, so
   that a message that does not open can still be moved: 1, 0, or -1 where the
   keyring is no longer there.  (Not 0: where nothing is sealed, the copy would
   be saved in clear.) */
static int
copy_is_inside_keyring(struct mailbox_transaction_context *t,
		       struct mail *mail, const struct roost_peek *peek)
{
	struct mailbox *box = t->box;
	struct roost_user *ruser = roost_user_get(box->storage->user);
	struct mail_namespace *ns = mailbox_get_namespace(box);
	struct mail_namespace *from = mailbox_get_namespace(mail->box);
	struct roost_ring *ring;
	const char *error;

	if (ruser == NULL || !peek->has_header)
		return 0;
	if (roost_user_config(ruser)->enable == ROOST_ENABLE_NO)
		return ns->owner != NULL && ns->owner == from->owner ? 1 : 0;
	if (roost_user_ring(ruser, ns, &ring, &error) <= 0 ||
	    !roost_bytes_equal(peek->keyring_id, roost_ring_doc(ring)->id,
			       ROOST_ID_SIZE))
		return 0;
	if (trans_use_ring(t, ring, &error) == 0)
		return 1;
	mailbox_set_critical(box, "roost: Nothing is copied: %s", error);
	return -1;
}

static int
roost_copy(struct mail_save_context *ctx, struct mail *mail)
{
	struct mailbox *box = ctx->transaction->box;
	struct roost_mailbox *rbox = ROOST_BOX(box);
	struct roost_peek peek;
	int is_raw, ret;

	ret = roost_inspect_peek(mail, &peek);
	if (ret < 0)	/* reading it says why */
		is_raw = 0;
	else if (peek.is_sealed)
		is_raw = copy_is_inside_keyring(ctx->transaction, mail,
						&peek);
	else	/* reading it refuses what was put in a sealed one's place */
		is_raw = !box_is_sealing(box) &&
			!roost_named_object_is_there(mail);
	if (is_raw == 0 && roost_read_errors_check_whole(mail) < 0) {
		mail_storage_set_internal_error(box->storage);
		is_raw = -1;
	}
	if (is_raw < 0) {
		/* Unlike save_begin, a copy ends the save when it fails. */
		mailbox_save_cancel(&ctx);
		return -1;
	}
	return is_raw > 0 ? rbox->module_ctx.super.copy(ctx, mail) :
		mail_storage_copy(ctx, mail);
}

/*
 * What was given up is off the disk.  Where it was the last one of a
 * transaction that is committed all the same, sdbox would delete the files of
 * those before it, too, which are then the only ones: doveadm has moved them.
 */
static void
roost_save_cancel(struct mail_save_context *ctx)
{
	struct mailbox *box = ctx->transaction->box;
	struct roost_mailbox *rbox = ROOST_BOX(box);
	struct dbox_save_context *dbox_ctx = DBOX_SAVECTX(ctx);

	rbox->module_ctx.super.save_cancel(ctx);
	if (strcmp(box->storage->name, "sdbox") == 0)
		dbox_ctx->failed = FALSE;
}

static int
roost_transaction_commit(struct mailbox_transaction_context *t,
			 struct mail_transaction_commit_changes *changes_r)
{
	struct roost_mailbox *rbox = ROOST_BOX(t->box);
	struct roost_save_trans *st = MODULE_CONTEXT(t,
						     roost_save_trans_module);
	int ret = st == NULL ? 0 : trans_check_ring(t, st);

	i_free(st);
	if (ret == 0)
		return rbox->module_ctx.super.transaction_commit(t, changes_r);
	rbox->module_ctx.super.transaction_rollback(t);
	return -1;
}

static void
roost_transaction_rollback(struct mailbox_transaction_context *t)
{
	struct roost_mailbox *rbox = ROOST_BOX(t->box);
	struct roost_save_trans *st = MODULE_CONTEXT(t,
						     roost_save_trans_module);

	i_free(st);
	rbox->module_ctx.super.transaction_rollback(t);
}

/* The storage of a namespace that could not be checked at the start. */
static int
refuse_save_begin(struct mail_save_context *ctx,
		  struct istream *input ATTR_UNUSED)
{
	struct mailbox *box = ctx->transaction->box;

	if (!box_is_sealing(box))
		return ROOST_BOX(box)->module_ctx.super.save_begin(ctx, input);
	mailbox_set_critical(box, "roost: %s storage cannot hold sealed mail, "
			     "so nothing is saved", box->storage->name);
	return -1;
}

static int
refuse_copy(struct mail_save_context *ctx, struct mail *mail)
{
	struct mailbox *box = ctx->transaction->box;

	if (!box_is_sealing(box))
		return ROOST_BOX(box)->module_ctx.super.copy(ctx, mail);
	return mail_storage_copy(ctx, mail);
}

void
roost_save_box_allocated(struct mailbox *box)
{
	struct mailbox_vfuncs *v = box->vlast;
	struct roost_mailbox *rbox;

	/* The message on its way to delivery, in memory or a spool; and what
	   saves into another mailbox, which has these hooks. */
	if (strcmp(box->storage->name, "raw") == 0 ||
	    strcmp(box->storage->name, "virtual") == 0)
		return;
	rbox = p_new(box->pool, struct roost_mailbox, 1);
	rbox->module_ctx.super = *v;
	box->vlast = &rbox->module_ctx.super;
	MODULE_CONTEXT_SET(box, roost_storage_module, rbox);
	if (roost_storage_can_seal(box->storage)) {
		v->save_begin = roost_save_begin;
		v->save_finish = roost_save_finish;
		v->save_cancel = roost_save_cancel;
		v->copy = roost_copy;
		v->transaction_commit = roost_transaction_commit;
		v->transaction_rollback = roost_transaction_rollback;
	} else if (v->save_begin != NULL) {
		v->save_begin = refuse_save_begin;
		v->copy = refuse_copy;
	}
}
