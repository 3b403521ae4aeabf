/* SPDX-License-Identifier: MIT */
/*
 * save: what Dovecot parsed and what a tap kept, made into content.
 * See save.h.
 *
 * Dovecot parses a message while it is written.  What that does not give, the
 * header lines and the preview, comes from the message's first bytes, which a
 * tap keeps as they pass; only where these do not suffice is the file read
 * again.  The header lines are made before the storage ends the save, because a
 * delivery then asks for some of them.
 */
#include "cache/save.h"

#include "message-part-data.h"

#include "cache/fill.h"
#include "cache/keys.h"
#include "cache/store.h"

/* How many of the first bytes the tap keeps. */
#define TAP_SIZE (32 * 1024)

void
roost_cache_save_sealed(struct mail *mail, struct roost_ring *ring,
			const struct roost_sealed *sealed)
{
	struct roost_cache_mail *cmail = roost_cache_mail_get(mail);

	if (cmail == NULL)
		return;
	/* The keyring may have been made just now. */
	roost_cache_box_activate(cmail->cbox, ring);
	roost_cache_keys_opened(mail, sealed->object_id, &sealed->keys);
	buffer_free(&cmail->header);
	cmail->header = buffer_create_dynamic(default_pool,
					      sizeof(sealed->header));
	buffer_append(cmail->header, sealed->header, sizeof(sealed->header));
}

static int
cache_save_begin(struct mail_save_context *ctx, struct istream *input)
{
	struct roost_cache_box *cbox =
		roost_cache_box_get(ctx->transaction->box);
	struct roost_cache_mail *cmail;
	struct ostream *output;

	roost_cache_box_begin(cbox);
	if (cbox->module_ctx.super.save_begin(ctx, input) < 0)
		return -1;
	cmail = roost_cache_mail_get(ctx->dest_mail);
	if (cmail == NULL || !cbox->is_sealed || !cmail->is_opened)
		return 0;
	roost_tap_release(&cmail->tap);
	output = roost_tap_create(ctx->data.output, TAP_SIZE, &cmail->tap);
	o_stream_unref(&ctx->data.output);
	ctx->data.output = output;
	o_stream_cork(output);
	return 0;
}

/* Make header lines from what the tap kept so far, if that is all of the header
   for certain. */
static void
save_headers_early(struct mail *mail)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	struct istream *input;
	const unsigned char *kept;
	size_t size;
	bool is_all;

	kept = roost_tap_kept(cmail->tap, &size, &is_all);
	if (roost_lines_header_size(kept, size) == 0)
		return;
	roost_cache_mail_forget(cmail);
	input = i_stream_create_from_data(kept, size);
	if (roost_cache_fill_headers(mail, input) == 0)
		roost_cache_mail_made(cmail, FALSE);
	else
		roost_cache_mail_forget(cmail);
	i_stream_unref(&input);
}

/* Make header lines from what the tap kept, or from the file if that is not all
   of the header.  Of a large header nothing is kept. */
static int
save_headers(struct mail *mail, const struct message_part *parts)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	struct istream *input;
	const unsigned char *kept;
	size_t size;
	bool is_all;
	int ret;

	if (parts->header_size.physical_size > ROOST_HEADER_MAX_SIZE) {
		roost_cache_mail_forget(cmail);
		return 0;
	}
	if (cmail->held != 0 &&
	    cmail->content.items[ROOST_BLOB_HEADERS].bytes != NULL)
		return 0;
	roost_cache_mail_forget(cmail);
	kept = roost_tap_kept(cmail->tap, &size, &is_all);
	if (parts->header_size.physical_size > size && !is_all) {
		if (mail_get_hdr_stream_because(mail, NULL, "roost cache",
						&input) < 0)
			return -1;
		i_stream_ref(input);
		i_stream_seek(input, 0);
	} else {
		input = i_stream_create_from_data(kept, size);
	}
	ret = roost_cache_fill_headers(mail, input);
	i_stream_unref(&input);
	return ret;
}

/* Make the preview from what the tap kept, else ask Dovecot, which reads the
   file. */
static int
save_preview(struct mail *_mail, const struct message_part *parts)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct roost_cache_mail *cmail = roost_cache_mail_of(_mail);
	struct istream *input;
	const unsigned char *kept;
	const char *preview;
	size_t size;
	bool is_all;
	int ret = 0;

	kept = roost_tap_kept(cmail->tap, &size, &is_all);
	if (parts->data != NULL) {
		if (roost_content_preview_is_large(parts))
			return 0;
		input = i_stream_create_from_data(kept, size);
		ret = roost_content_preview(&cmail->content, mail->data_pool,
					    input, is_all ? UOFF_T_MAX : size,
					    parts);
		i_stream_unref(&input);
	}
	if (ret > 0)
		return 0;
	if (cmail->module_ctx.super.get_special(_mail,
			MAIL_FETCH_BODY_SNIPPET, &preview) < 0)
		return -1;
	roost_content_set(&cmail->content, ROOST_BLOB_PREVIEW, preview,
			  strlen(preview));
	return 0;
}

/* Dovecot tells the structure without reading, since it has parsed the headers
   of the parts. */
static int
save_structure(struct mail *mail, const struct message_part *parts)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	const char *value;

	if (!roost_content_structure_is_small(parts))
		return 0;
	if (cmail->module_ctx.super.get_special(mail,
			MAIL_FETCH_IMAP_BODYSTRUCTURE, &value) < 0)
		return -1;
	roost_content_set(&cmail->content, ROOST_BLOB_BODYSTRUCTURE, value,
			  strlen(value));
	return 0;
}

static int
save_content(struct mail *_mail)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct roost_cache_mail *cmail = roost_cache_mail_of(_mail);
	struct message_part *parts;

	if (cmail->module_ctx.super.get_parts(_mail, &parts) < 0 ||
	    save_headers(_mail, parts) < 0)
		return -1;
	roost_content_parts(&cmail->content, mail->data_pool, parts);
	return save_structure(_mail, parts) < 0 ? -1 :
		save_preview(_mail, parts);
}

/* Make and store the content of a message that was just written.  An error is
   not the save's, and is dropped. */
static void
cache_save(struct mail *mail)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	int ret;

	/* While it is busy, getters that read the file again do not look into
	   the cache, where nothing is yet. */
	cmail->is_busy = TRUE;
	ret = save_content(mail);
	if (ret == 0) {
		roost_cache_mail_made(cmail, TRUE);
		roost_cache_store_add(mail);
	} else {
		roost_cache_mail_forget(cmail);
	}
	cmail->is_busy = FALSE;
	roost_tap_release(&cmail->tap);
}

static int
cache_save_finish(struct mail_save_context *ctx)
{
	struct roost_cache_box *cbox =
		roost_cache_box_get(ctx->transaction->box);
	struct roost_cache_mail *cmail = roost_cache_mail_get(ctx->dest_mail);

	if (cmail != NULL && cmail->tap != NULL)
		save_headers_early(ctx->dest_mail);
	if (cbox->module_ctx.super.save_finish(ctx) < 0)
		return -1;
	cmail = roost_cache_mail_get(ctx->dest_mail);
	if (cmail != NULL && cmail->tap != NULL)
		cache_save(ctx->dest_mail);
	return 0;
}

void
roost_cache_save_allocated(struct mailbox_vfuncs *v)
{
	v->save_begin = cache_save_begin;
	v->save_finish = cache_save_finish;
}
