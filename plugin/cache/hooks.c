/* SPDX-License-Identifier: MIT */
/*
 * hooks: the functions of a mail that answer from the sealed cache.
 * See hooks.h.
 */
#include "cache/hooks.h"

#include "imap-bodystructure.h"
#include "istream-header-filter.h"
#include "mail-cache.h"
#include "message-part.h"

#include "cache/fill.h"
#include "cache/save.h"

/* Does the blob of headers tell what the message has of this name, be it that
   it has none? */
static bool
name_is_cached(const struct roost_cache_mail *cmail, const char *name)
{
	const struct roost_blob_bytes *items = cmail->content.items;

	if (roost_lines_has_name(&items[ROOST_BLOB_LEFT_OUT], name))
		return FALSE;
	return roost_cache_box_name_is_standard(name) ||
		roost_lines_has_name(&items[ROOST_BLOB_EXTRA_NAMES], name);
}

static int
header_of_message(struct mail *mail, struct istream **input_r)
{
	if (!roost_cache_mail_may_read(mail) ||
	    mail_get_hdr_stream_because(mail, NULL, "roost header",
					input_r) < 0)
		return -1;
	i_stream_seek(*input_r, 0);
	return 0;
}

/* Does a blob say that the header is so large that none of it is kept? */
static bool
header_is_large(struct mail *mail)
{
	const struct message_part *parts =
		roost_cache_fill_from_blob(mail, CACHE_BLOB_FACTS) ?
		roost_cache_mail_parts(mail) : NULL;

	return parts != NULL &&
		parts->header_size.physical_size > ROOST_HEADER_MAX_SIZE;
}

/* Is there a field of Dovecot's own?  It was put there by somebody else, so
   Dovecot, which would answer with it, must not be asked. */
static bool
native_has_field(struct mail *mail, unsigned int field_idx)
{
	return field_idx != UINT_MAX &&
		mail_cache_field_exists(mail->transaction->cache_view,
					mail->seq, field_idx) != 0;
}

static bool
native_has_name(struct mail *mail, const char *name)
{
	bool ret;

	T_BEGIN {
		ret = native_has_field(mail, mail_cache_register_lookup(
				mail->box->cache,
				t_strconcat("hdr.", name, NULL)));
	} T_END;
	return ret;
}

/* Read lines that the cache does not have from the message.  1; 0 its header is
   larger than max; -1 the mail's error is set. */
static int
lines_of_message(struct mail *mail, const char *const *names,
		 unsigned int count, uoff_t max, buffer_t *lines_r)
{
	struct istream *input;
	int ret;

	if (header_of_message(mail, &input) < 0)
		return -1;
	ret = roost_lines_read(input, names, count, max, lines_r);
	if (ret < 0)
		return roost_cache_mail_fail_read(mail, input);
	i_stream_seek(input, 0);
	return ret;
}

/* Read the values from the message.  1; 0 the header is large, and Dovecot must
   be asked, which does not hold all of it in memory; -1 the mail's error is
   set. */
static int
get_values_of_message(struct mail *_mail, const char *name, bool is_decoded,
		      const char *const **values_r)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	bool is_native = native_has_name(_mail, name);
	struct roost_blob_bytes bytes;
	buffer_t *lines;
	int ret;

	if (!is_native && header_is_large(_mail))
		return 0;
	lines = buffer_create_dynamic(default_pool, 256);
	ret = lines_of_message(_mail, &name, 1, is_native ? UOFF_T_MAX :
			       ROOST_HEADER_MAX_SIZE, lines);
	bytes.bytes = lines->data;
	bytes.len = lines->used;
	if (ret > 0)
		*values_r = roost_lines_values(&bytes, name, is_decoded,
					       mail->data_pool);
	buffer_free(&lines);
	return ret;
}

/* The lines of the summary, which are few, if it has all of these headers;
   else NULL. */
static const struct roost_blob_bytes *
summary_with(struct mail *mail, const char *const *names, unsigned int count)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	const struct roost_blob_bytes *summary =
		&cmail->content.items[ROOST_BLOB_SUMMARY];
	unsigned int i;

	roost_cache_box_enforce(cmail->cbox);
	if (!cmail->cbox->is_active)
		return NULL;
	for (i = 0; i < count; i++) {
		if (!roost_content_is_in_summary(names[i]))
			return NULL;
	}
	if (!roost_cache_fill_from_blob(mail, CACHE_BLOB_SUMMARY))
		return NULL;
	return summary->bytes != NULL ? summary : NULL;
}

/* 1 values_r is set; 0 Dovecot must be asked; -1 the mail's error is set. */
static int
get_values(struct mail *_mail, const char *name, bool is_decoded,
	   const char *const **values_r)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct roost_cache_mail *cmail = roost_cache_mail_of(_mail);
	const struct roost_blob_bytes *lines = summary_with(_mail, &name, 1);
	int ret = lines != NULL ? 1 :
		roost_cache_fill_item(_mail, ROOST_BLOB_HEADERS);

	if (ret < 0 || (ret == 0 && !roost_cache_mail_may_answer(_mail)))
		return ret;
	if (ret == 0 || (lines == NULL && !name_is_cached(cmail, name)))
		return get_values_of_message(_mail, name, is_decoded,
					     values_r);
	if (lines == NULL)
		lines = &cmail->content.items[ROOST_BLOB_HEADERS];
	_mail->transaction->stats.cache_hit_count++;
	*values_r = roost_lines_values(lines, name, is_decoded,
				       mail->data_pool);
	return 1;
}

static int
cache_get_headers(struct mail *mail, const char *field, bool is_decoded,
		  const char *const **value_r)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	int ret = get_values(mail, field, is_decoded, value_r);

	if (ret == 0) {
		roost_cache_box_forbid_header(cmail->cbox, field);
		return cmail->module_ctx.super.get_headers(mail, field,
						is_decoded, value_r);
	}
	return ret < 0 ? -1 : **value_r == NULL ? 0 : 1;
}

static int
cache_get_first_header(struct mail *mail, const char *field, bool is_decoded,
		       const char **value_r)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	const char *const *values;
	int ret = get_values(mail, field, is_decoded, &values);

	if (ret == 0) {
		roost_cache_box_forbid_header(cmail->cbox, field);
		return cmail->module_ctx.super.get_first_header(mail, field,
						is_decoded, value_r);
	}
	if (ret < 0)
		return -1;
	*value_r = *values;
	return *values == NULL ? 0 : 1;
}

static bool
names_are_cached(const struct roost_cache_mail *cmail,
		 const struct mailbox_header_lookup_ctx *headers)
{
	const struct roost_blob_bytes *items = cmail->content.items;
	bool is_all = items[ROOST_BLOB_LEFT_OUT].bytes == NULL;
	unsigned int i;

	for (i = 0; i < headers->count; i++) {
		if (is_all && roost_cache_box_field_is_standard(cmail->cbox,
					headers->name[i], headers->idx[i]))
			continue;
		if (!name_is_cached(cmail, headers->name[i]))
			return FALSE;
	}
	return TRUE;
}

/* Hand a stream out that the mail keeps until the next one, or its end. */
static void
set_lines(struct roost_cache_mail *cmail, struct istream *lines,
	  struct istream **stream_r)
{
	i_stream_unref(&cmail->lines);
	cmail->lines = *stream_r = lines;
}

static bool
natives_have_any(struct mail *mail,
		 const struct mailbox_header_lookup_ctx *headers)
{
	unsigned int i;

	for (i = 0; i < headers->count; i++) {
		if (native_has_field(mail, headers->idx[i]))
			return TRUE;
	}
	return FALSE;
}

/* Answer for a large header as Dovecot does, through Dovecot; but only with the
   lines where one is so long that Dovecot takes it in pieces: its parsing of
   those has ended processes. */
static int
large_header_stream(struct mail *mail,
		    struct mailbox_header_lookup_ctx *headers,
		    struct istream **stream_r)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	struct istream *input;

	if (header_of_message(mail, &input) < 0)
		return -1;
	if (!natives_have_any(mail, headers) && roost_lines_are_short(input)) {
		i_stream_seek(input, 0);
		return cmail->module_ctx.super.get_header_stream(mail, headers,
								 stream_r);
	}
	i_stream_seek(input, 0);
	set_lines(cmail, i_stream_create_header_filter(input,
			HEADER_FILTER_INCLUDE | HEADER_FILTER_ADD_MISSING_EOH |
			HEADER_FILTER_HIDE_BODY, headers->name, headers->count,
			*null_header_filter_callback, NULL), stream_r);
	return 0;
}

static int
header_stream_of_message(struct mail *_mail,
			 struct mailbox_header_lookup_ctx *headers,
			 struct istream **stream_r)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	buffer_t *lines;
	int ret = 0;

	if (!header_is_large(_mail)) {
		lines = buffer_create_dynamic(mail->data_pool, 512);
		ret = lines_of_message(_mail, headers->name, headers->count,
				       ROOST_HEADER_MAX_SIZE, lines);
	}
	if (ret < 0)
		return -1;
	if (ret == 0)
		return large_header_stream(_mail, headers, stream_r);
	buffer_append_c(lines, '\n');
	set_lines(roost_cache_mail_of(_mail),
		  i_stream_create_from_data(lines->data, lines->used),
		  stream_r);
	return 0;
}

static int
cache_get_header_stream(struct mail *_mail,
			struct mailbox_header_lookup_ctx *headers,
			struct istream **stream_r)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct roost_cache_mail *cmail = roost_cache_mail_of(_mail);
	const struct roost_blob_bytes *summary =
		summary_with(_mail, headers->name, headers->count);
	int ret = summary != NULL ? 1 :
		roost_cache_fill_item(_mail, ROOST_BLOB_HEADERS);
	buffer_t *lines;

	if (ret < 0)
		return -1;
	if (ret == 0 && !roost_cache_mail_may_answer(_mail))
		return cmail->module_ctx.super.get_header_stream(_mail,
						headers, stream_r);
	if (ret == 0 || (summary == NULL && !names_are_cached(cmail, headers)))
		return header_stream_of_message(_mail, headers, stream_r);
	lines = buffer_create_dynamic(mail->data_pool, 512);
	_mail->transaction->stats.cache_hit_count++;
	roost_lines_filter(summary != NULL ? summary :
			   &cmail->content.items[ROOST_BLOB_HEADERS],
			   headers->name, headers->count, lines);
	buffer_append_c(lines, '\n');
	set_lines(cmail, i_stream_create_from_data(lines->data, lines->used),
		  stream_r);
	return 0;
}

static int
get_body(struct mail *_mail, const char *structure, const char **value_r)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	string_t *body = str_new(mail->data_pool, 128);
	const char *error;

	if (imap_body_parse_from_bodystructure(structure, body, &error) < 0)
		return -1;
	*value_r = str_c(body);
	return 0;
}

static enum roost_blob_item
special_item(enum mail_fetch_field field)
{
	switch ((unsigned int)field) {
	case MAIL_FETCH_IMAP_BODY:
	case MAIL_FETCH_IMAP_BODYSTRUCTURE:
		return ROOST_BLOB_BODYSTRUCTURE;
	case MAIL_FETCH_IMAP_ENVELOPE:
		return ROOST_BLOB_ENVELOPE;
	case MAIL_FETCH_BODY_SNIPPET:
		return ROOST_BLOB_PREVIEW;
	default:
		return ROOST_BLOB_ITEM_COUNT;
	}
}

static int
cache_get_special(struct mail *_mail, enum mail_fetch_field field,
		  const char **value_r)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct roost_cache_mail *cmail = roost_cache_mail_of(_mail);
	enum roost_blob_item item = special_item(field);
	const struct roost_blob_bytes *bytes = &cmail->content.items[item];
	const char *value;
	int ret = item == ROOST_BLOB_ITEM_COUNT ? 0 :
		roost_cache_fill_item(_mail, item);

	if (ret < 0)
		return -1;
	if (ret > 0) {
		value = p_strndup(mail->data_pool, bytes->bytes, bytes->len);
		_mail->transaction->stats.cache_hit_count++;
		if (field != MAIL_FETCH_IMAP_BODY) {
			*value_r = value;
			return 0;
		}
		if (get_body(_mail, value, value_r) == 0)
			return 0;
	}
	return cmail->module_ctx.super.get_special(_mail, field, value_r);
}

static int
cache_get_parts(struct mail *mail, struct message_part **parts_r)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	int ret = roost_cache_fill_item(mail, ROOST_BLOB_PARTS);

	if (ret < 0)
		return -1;
	if (ret > 0) {
		*parts_r = roost_cache_mail_parts(mail);
		cmail->has_told_parts |=
			*parts_r != NULL && !cmail->is_disowned;
		if (*parts_r != NULL)
			return 0;
	}
	return cmail->module_ctx.super.get_parts(mail, parts_r);
}

/*
 * Take sizes from the blob, because Dovecot counts them by reading the message
 * to its end.  It then does not know the virtual size either, for which it must
 * never be asked: see cache_get_virtual_size().
 */
static int
cache_get_stream(struct mail *mail, bool get_body,
		 struct message_size *hdr_size,
		 struct message_size *body_size, struct istream **stream_r)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	const struct message_part *parts = NULL;

	if ((hdr_size != NULL || body_size != NULL) && !cmail->is_busy &&
	    !mail->saving && roost_cache_fill_from_blob(mail, CACHE_BLOB_FACTS))
		parts = roost_cache_mail_parts(mail);
	if (parts == NULL)
		return cmail->module_ctx.super.get_stream(mail, get_body,
					hdr_size, body_size, stream_r);
	if (cmail->module_ctx.super.get_stream(mail, get_body, NULL, NULL,
					       stream_r) < 0)
		return -1;
	/* The file may have turned out to be another message, and the blob was
	   ignored. */
	parts = roost_cache_mail_parts(mail);
	if (parts == NULL)
		return cmail->module_ctx.super.get_stream(mail, get_body,
					hdr_size, body_size, stream_r);
	if (hdr_size != NULL)
		*hdr_size = parts->header_size;
	if (body_size != NULL)
		*body_size = parts->body_size;
	return 0;
}

/* The blob comes before file names, metadata and Dovecot's own fields, since
   anybody could have written those. */
static int
cache_get_virtual_size(struct mail *mail, uoff_t *size_r)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	uoff_t physical;

	if (!mail->saving && roost_cache_fill_sizes(mail, size_r, &physical))
		return 0;
	return cmail->module_ctx.super.get_virtual_size(mail, size_r);
}

static int
cache_get_physical_size(struct mail *mail, uoff_t *size_r)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	uoff_t virtual;

	if (!mail->saving && roost_cache_fill_sizes(mail, &virtual, size_r))
		return 0;
	return cmail->module_ctx.super.get_physical_size(mail, size_r);
}

static int
cache_get_date(struct mail *mail, time_t *date_r, int *timezone_r)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	int ret = roost_cache_fill_item(mail, ROOST_BLOB_SENT_DATE);

	if (ret < 0)
		return -1;
	if (ret > 0 &&
	    roost_content_date(&cmail->content, date_r, timezone_r))
		return 0;
	return cmail->module_ctx.super.get_date(mail, date_r, timezone_r);
}

static int
cache_precache(struct mail *mail)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);

	/* This caches dates, sizes and ids, and must come first, because it
	   does nothing for a mail of which anything is cached. */
	if (cmail->module_ctx.super.precache(mail) < 0)
		return -1;
	return roost_cache_fill_item(mail, ROOST_BLOB_BODYSTRUCTURE) < 0 ?
		-1 : 0;
}

static void
cache_set_seq(struct mail *mail, uint32_t seq, bool saving)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);

	roost_cache_box_enforce(cmail->cbox);
	if (!saving)
		cmail->cbox->is_read = TRUE;
	cmail->module_ctx.super.set_seq(mail, seq, saving);
}

static bool
cache_set_uid(struct mail *mail, uint32_t uid)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);

	cmail->cbox->is_read = TRUE;
	return cmail->module_ctx.super.set_uid(mail, uid);
}

static void
cache_set_cache_corrupted(struct mail *mail, enum mail_fetch_field field,
			  const char *reason)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);

	/* Dovecot drops all that is cached of the message, the blobs too. */
	roost_cache_mail_forget(cmail);
	cmail->module_ctx.super.set_cache_corrupted(mail, field, reason);
}

static void
cache_close(struct mail *mail)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);

	/* It may read from the message's stream, which is closed now. */
	i_stream_unref(&cmail->lines);
	/* The reset comes last, because closing may still ask for an item. */
	cmail->module_ctx.super.close(mail);
	roost_cache_mail_reset(cmail);
}

static void
cache_free(struct mail *mail)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	void (*super_free)(struct mail *) = cmail->module_ctx.super.free;

	roost_cache_mail_free(cmail);
	super_free(mail);
}

/*
 * A record that is added is linked to the one that this process knows of the
 * message, and takes the place of what others have written since.  Where the
 * message was sealed or unsealed in its place, that would be the name of what
 * it is now.  Nobody else has written of messages that are saved just now.
 */
static int
cache_transaction_commit(struct mailbox_transaction_context *t,
			 struct mail_transaction_commit_changes *changes_r)
{
	struct roost_cache_box *cbox = roost_cache_box_get(t->box);

	if (cbox->is_active && cbox->is_read)
		(void)mail_index_refresh(t->box->index);
	return cbox->module_ctx.super.transaction_commit(t, changes_r);
}

void
roost_cache_hooks_mailbox_allocated(struct mailbox *box)
{
	struct mailbox_vfuncs *v = box->vlast;

	if (roost_cache_box_new(box) == NULL)
		return;
	v->transaction_commit = cache_transaction_commit;
	roost_cache_save_allocated(v);
}

void
roost_cache_hooks_mail_allocated(struct mail *_mail)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct roost_cache_box *cbox = roost_cache_box_get(_mail->box);
	struct mail_vfuncs *v = mail->vlast;
	struct roost_cache_mail *cmail;

	if (cbox == NULL)
		return;
	roost_cache_box_begin(cbox);
	cmail = roost_cache_mail_new(_mail, cbox);
	cmail->module_ctx.super = *v;
	mail->vlast = &cmail->module_ctx.super;
	v->close = cache_close;
	v->free = cache_free;
	v->set_seq = cache_set_seq;
	v->set_uid = cache_set_uid;
	v->precache = cache_precache;
	v->get_stream = cache_get_stream;
	v->get_virtual_size = cache_get_virtual_size;
	v->get_physical_size = cache_get_physical_size;
	v->get_parts = cache_get_parts;
	v->get_date = cache_get_date;
	v->get_first_header = cache_get_first_header;
	v->get_headers = cache_get_headers;
	v->get_header_stream = cache_get_header_stream;
	v->get_special = cache_get_special;
	v->set_cache_corrupted = cache_set_cache_corrupted;
}
