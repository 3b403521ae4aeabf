/* SPDX-License-Identifier: MIT */
/*
 * open-hooks: the vfuncs of a mail that is read.  See open-hooks.h.
 *
 * open.c decides about the file of the message, sizes.c about its sizes.
 */
#include "mail/open-hooks.h"

#include "cache/mail.h"
#include "mail/dbox-sizes.h"
#include "mail/maildir-sizes.h"
#include "mail/open.h"
#include "mail/sizes.h"
#include "session/reopen.h"
#include "session/storage.h"

struct open_mail {
	union mail_module_context module_ctx;
	struct roost_user *ruser;
	/* Of the file that was opened last. */
	struct roost_opened opened;
	struct roost_sizes sizes;
	bool is_again;		/* the file is being opened a second time */
};

static MODULE_CONTEXT_DEFINE_INIT(open_mail_module, &mail_module_register);
/* In a hook of this file it is there. */
#define OPEN_MAIL(mail) \
	((struct open_mail *)MODULE_CONTEXT_REQUIRE( \
		(struct mail_private *)(mail), open_mail_module))

/* Hand the plaintext on to the other plugins, and compare the sizes on record
   with what they make of it. */
static int
mail_hand_on(struct mail *mail, struct istream **stream)
{
	struct open_mail *omail = OPEN_MAIL(mail);
	struct roost_counted *counted = roost_user_counted(omail->ruser);
	struct istream *plain = *stream;
	bool was_packed =
		roost_sizes_was_packed(plain, omail->opened.object_id, counted);
	int ret;

	i_stream_ref(plain);
	ret = omail->module_ctx.super.istream_opened(mail, stream);
	if (ret == 0)
		roost_sizes_opened(mail, plain, was_packed, *stream, counted,
				   &omail->sizes);
	i_stream_unref(&plain);
	return ret;
}

static int
open_mail_istream_opened(struct mail *mail, struct istream **stream)
{
	struct open_mail *omail = OPEN_MAIL(mail);

	roost_sizes_reset(&omail->sizes);
	if (roost_open_stream(mail, stream, omail->is_again,
			      &omail->opened) < 0) {
		/* Not every storage frees the stream after an error. */
		i_stream_unref(stream);
		return -1;
	}
	/* A message that is being saved has no sizes on record yet. */
	return omail->opened.is_sealed && !mail->saving ?
		mail_hand_on(mail, stream) :
		omail->module_ctx.super.istream_opened(mail, stream);
}

static int
open_mail_get_stream(struct mail *mail, bool get_body,
		     struct message_size *hdr_size,
		     struct message_size *body_size,
		     struct istream **stream_r)
{
	struct open_mail *omail = OPEN_MAIL(mail);
	int ret = omail->module_ctx.super.get_stream(mail, get_body, hdr_size,
						     body_size, stream_r);

	if (ret < 0 && omail->opened.is_unlike) {
		roost_reopen_prepare(mail);
		omail->is_again = TRUE;
		ret = omail->module_ctx.super.get_stream(mail, get_body,
							 hdr_size, body_size,
							 stream_r);
		omail->is_again = FALSE;
	}
	if (ret < 0)
		return ret;
	if (roost_sizes_are_wrong(&omail->sizes))
		roost_sizes_heal(mail, &omail->sizes);
	else if (!omail->sizes.is_held_back)
		roost_sizes_note(mail, &omail->sizes);
	/* This fails if the caller was told the structure of another message
	   before. */
	return roost_cache_mail_check_told(mail);
}

static void
open_mail_close(struct mail *mail)
{
	struct open_mail *omail = OPEN_MAIL(mail);

	if (omail->sizes.is_held_back)
		roost_sizes_forget(mail);
	if (omail->sizes.was_healed)
		roost_maildir_sizes_fix(mail, &omail->sizes);
	i_zero(&omail->opened);
	roost_sizes_reset(&omail->sizes);
	omail->module_ctx.super.close(mail);
}

bool
roost_open_is_sealed(struct mail *_mail)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct open_mail *omail = MODULE_CONTEXT(mail, open_mail_module);

	return omail != NULL && omail->opened.is_sealed;
}

static int
open_mail_get_virtual_size(struct mail *mail, uoff_t *size_r)
{
	struct open_mail *omail = OPEN_MAIL(mail);
	int ret;

	if (omail->sizes.is_held_back) {
		*size_r = omail->sizes.virtual;
		return 0;
	}
	if (roost_dbox_virtual_size(mail, size_r))
		return 0;
	ret = omail->module_ctx.super.get_virtual_size(mail, size_r);
	return roost_sizes_virtual(mail, &omail->sizes, ret, size_r);
}

static int
open_mail_get_physical_size(struct mail *mail, uoff_t *size_r)
{
	struct open_mail *omail = OPEN_MAIL(mail);
	int ret;

	if (omail->sizes.is_held_back) {
		*size_r = omail->sizes.physical;
		return 0;
	}
	if (roost_dbox_physical_size(mail, size_r))
		return 0;
	ret = omail->module_ctx.super.get_physical_size(mail, size_r);
	return roost_sizes_physical(mail, &omail->sizes, ret, size_r);
}

void
roost_open_mail_allocated(struct mail *_mail)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct mail_vfuncs *v;
	struct roost_user *ruser = roost_user_get(_mail->box->storage->user);
	struct open_mail *omail;

	if (ruser == NULL || !roost_storage_can_seal(_mail->box->storage))
		return;
	v = mail->vlast;
	omail = p_new(mail->pool, struct open_mail, 1);
	omail->ruser = ruser;
	roost_sizes_reset(&omail->sizes);
	omail->module_ctx.super = *v;
	mail->vlast = &omail->module_ctx.super;
	v->istream_opened = open_mail_istream_opened;
	v->get_stream = open_mail_get_stream;
	v->close = open_mail_close;
	v->get_virtual_size = open_mail_get_virtual_size;
	v->get_physical_size = open_mail_get_physical_size;
	MODULE_CONTEXT_SET(mail, open_mail_module, omail);
}
