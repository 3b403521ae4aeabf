/* SPDX-License-Identifier: MIT */
/*
 * mail: the blob of one message.  See mail.h.
 */
#include "cache/mail-private.h"

#include "message-part.h"

#include "session/named-object.h"
#include "dovecot/report.h"

#include "roost/bytes.h"
#include "roost/secret.h"

static MODULE_CONTEXT_DEFINE_INIT(roost_cache_mail_module,
				  &mail_module_register);

struct roost_cache_mail *
roost_cache_mail_get(struct mail *_mail)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct roost_cache_mail *cmail =
		MODULE_CONTEXT(mail, roost_cache_mail_module);

	return cmail;
}

struct roost_cache_mail *
roost_cache_mail_of(struct mail *_mail)
{
	struct mail_private *mail = (struct mail_private *)_mail;

	return MODULE_CONTEXT_REQUIRE(mail, roost_cache_mail_module);
}

struct roost_cache_mail *
roost_cache_mail_new(struct mail *_mail, struct roost_cache_box *cbox)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct roost_cache_mail *cmail =
		p_new(mail->pool, struct roost_cache_mail, 1);

	cmail->cbox = cbox;
	MODULE_CONTEXT_SET(mail, roost_cache_mail_module, cmail);
	return cmail;
}

void
roost_cache_mail_forget(struct roost_cache_mail *cmail)
{
	i_zero(&cmail->content);
	cmail->parts = NULL;
	cmail->has_body = FALSE;
	cmail->looked = CACHE_PARTS_ALL;
	cmail->held = 0;
	cmail->is_used = TRUE;
}

void
roost_cache_plain_wipe(struct cache_plain *plain)
{
	if (plain->used > 0)
		roost_wipe(plain->bytes, plain->used);
	plain->used = 0;
}

void
roost_cache_mail_reset(struct roost_cache_mail *cmail)
{
	unsigned int part;

	if (!cmail->is_used)
		return;
	i_stream_unref(&cmail->lines);
	roost_tap_release(&cmail->tap);
	for (part = 0; part < CACHE_PART_COUNT; part++)
		roost_cache_plain_wipe(&cmail->plain[part]);
	roost_wipe(&cmail->file_keys, sizeof(cmail->file_keys));
	buffer_free(&cmail->header);
	roost_cache_mail_forget(cmail);
	cmail->is_used = cmail->is_opened = cmail->is_other = FALSE;
	cmail->is_new_bad = FALSE;
	cmail->is_held_back = cmail->has_told_parts = FALSE;
	cmail->is_disowned = FALSE;
	cmail->looked = 0;
}

void
roost_cache_mail_free(struct roost_cache_mail *cmail)
{
	unsigned int part;

	roost_cache_mail_reset(cmail);
	for (part = 0; part < CACHE_PART_COUNT; part++) {
		i_free(cmail->plain[part].bytes);
		cmail->plain[part].size = 0;
	}
	/* What core still asks for while it frees the mail is not looked
	   up. */
	cmail->looked = CACHE_PARTS_ALL;
}

void
roost_cache_mail_set_key(struct roost_cache_mail *cmail,
			 const uint8_t *data_key)
{
	if (data_key != cmail->file_keys.data_key)
		memcpy(cmail->file_keys.data_key, data_key, ROOST_KEY_SIZE);
	cmail->content.data_key = cmail->file_keys.data_key;
}

bool
roost_cache_mail_log_once(struct mail *mail, const char *what)
{
	const char *key = t_strdup_printf("%s/%s/%u", what,
					  mailbox_get_vname(mail->box),
					  mail->uid);

	return roost_user_log_once(roost_cache_mail_of(mail)->cbox->ruser,
				   key);
}

void
roost_cache_mail_drop(struct mail *mail, const uint8_t *object_id)
{
	struct roost_cache_box *cbox = roost_cache_mail_of(mail)->cbox;

	roost_named_object_leave(mail, cbox->object_idx, object_id);
	seq_range_array_add(&cbox->ignored, mail->uid);
}

int
roost_cache_mail_headers(struct mail *_mail, struct istream *input)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct roost_cache_mail *cmail = roost_cache_mail_of(_mail);
	const struct roost_cache_box *cbox = cmail->cbox;

	if (roost_content_headers(&cmail->content, mail->data_pool, input,
				  cbox->names, cbox->name_count) < 0)
		return -1;
	if (*cbox->extra_names != '\0' &&
	    cmail->content.items[ROOST_BLOB_HEADERS].bytes != NULL)
		roost_content_set(&cmail->content, ROOST_BLOB_EXTRA_NAMES,
				  cbox->extra_names,
				  strlen(cbox->extra_names));
	return 0;
}

bool
roost_cache_mail_may_read(struct mail *mail)
{
	if (mail->lookup_abort < MAIL_LOOKUP_ABORT_READ_MAIL)
		return TRUE;
	mail_set_aborted(mail);
	return FALSE;
}

int
roost_cache_mail_fail_read(struct mail *mail, struct istream *input)
{
	mail_set_critical(mail, "read(%s) failed: %s",
			  i_stream_get_name(input),
			  i_stream_get_error(input));
	return -1;
}

static int
cache_mail_make(struct mail *_mail, bool is_body)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct roost_cache_mail *cmail = roost_cache_mail_of(_mail);
	struct istream *input;
	int ret = is_body ?
		mail_get_stream_because(_mail, NULL, NULL, "roost cache",
					&input) :
		mail_get_hdr_stream_because(_mail, NULL, "roost cache",
					    &input);

	if (ret < 0)
		return -1;
	i_zero(&cmail->content);
	cmail->parts = NULL;
	i_stream_seek(input, 0);
	ret = roost_cache_mail_headers(_mail, input);
	if (ret == 0 && is_body)
		ret = roost_content_body(&cmail->content, mail->data_pool,
					 input);
	if (ret < 0)
		return roost_cache_mail_fail_read(_mail, input);
	i_stream_seek(input, 0);
	/* What is kept is told so from the next time on. */
	if (!cmail->cbox->is_sealed)
		roost_content_spell(&cmail->content, mail->data_pool);
	return 0;
}

void
roost_cache_mail_made(struct roost_cache_mail *cmail, bool has_body)
{
	cmail->looked = cmail->held = CACHE_PARTS_ALL;
	cmail->has_body = has_body;
	memcpy(cmail->object_id, cmail->file_object_id, ROOST_ID_SIZE);
	if (cmail->is_opened)
		roost_cache_mail_set_key(cmail, cmail->file_keys.data_key);
	if (cmail->is_opened && cmail->file_keys.has_saved)
		roost_content_set(&cmail->content, ROOST_BLOB_SAVED_KEYS,
				  cmail->file_keys.saved,
				  ROOST_SAVED_KEYS_SIZE);
}

/* Make content from the message. */
static int
cache_mail_build(struct mail *mail, bool is_body)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	int ret;

	if (!roost_cache_mail_may_read(mail))
		return -1;
	cmail->is_busy = TRUE;
	ret = cache_mail_make(mail, is_body);
	cmail->is_busy = FALSE;
	if (ret < 0) {
		roost_cache_mail_forget(cmail);
		return -1;
	}
	roost_cache_mail_made(cmail, is_body);
	return 0;
}

static bool
item_is_of_body(enum roost_blob_item item)
{
	return item == ROOST_BLOB_BODYSTRUCTURE ||
		item == ROOST_BLOB_PREVIEW || item == ROOST_BLOB_PARTS;
}

/* Will somebody ask for the body's items next? */
static bool
cache_mail_wants_body(struct mail *mail)
{
	return (((struct mail_private *)mail)->wanted_fields &
		(MAIL_FETCH_IMAP_BODY | MAIL_FETCH_IMAP_BODYSTRUCTURE |
		 MAIL_FETCH_BODY_SNIPPET | MAIL_FETCH_MESSAGE_PARTS |
		 MAIL_FETCH_STREAM_BODY)) != 0;
}

/* Were the body's items made, when what is held was? */
static bool
cache_mail_has_body(struct mail *mail)
{
	const struct roost_cache_mail *cmail = roost_cache_mail_of(mail);

	return roost_cache_mail_load(mail, CACHE_PREVIEW) &&
		(cmail->has_body ||
		 (roost_cache_mail_load(mail, CACHE_FACTS) &&
		  cmail->has_body));
}

/* Make what is missing, and store it: that is more than was stored. */
static int
cache_mail_make_item(struct mail *mail, enum roost_blob_item item)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	bool is_body = item_is_of_body(item);

	/* A blob that is there and lacks it was trimmed: it will not fit, and
	   core makes it as well. */
	if (roost_cache_mail_load(mail, roost_content_part_of(item)) &&
	    (!is_body || cache_mail_has_body(mail)))
		return 0;
	/* The last slot must not go to less than everything. */
	if (!is_body)
		is_body = cache_mail_wants_body(mail) ||
			(cmail->cbox->is_sealed &&
			 roost_cache_mail_has_own(mail));
	if (cache_mail_build(mail, is_body) < 0)
		return -1;
	roost_cache_mail_store(mail);
	return 0;
}

bool
roost_cache_mail_may_answer(struct mail *mail)
{
	const struct roost_cache_mail *cmail = roost_cache_mail_of(mail);

	return cmail->cbox->is_active && !cmail->is_busy && !mail->saving;
}

int
roost_cache_mail_need(struct mail *mail, enum roost_blob_item item)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);

	roost_cache_box_enforce(cmail->cbox);
	/* Also where nothing may be kept, native fields are not believed. */
	if (!cmail->cbox->is_active)
		return 0;
	if (roost_cache_mail_load(mail, roost_content_part_of(item)) &&
	    cmail->content.items[item].bytes != NULL)
		return 1;
	if (!roost_cache_mail_may_answer(mail))
		return 0;
	if (cache_mail_make_item(mail, item) < 0)
		return -1;
	return cmail->content.items[item].bytes != NULL ? 1 : 0;
}

struct message_part *
roost_cache_mail_parts(struct mail *_mail)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct roost_cache_mail *cmail = roost_cache_mail_of(_mail);

	if (cmail->parts == NULL)
		cmail->parts = roost_content_get_parts(&cmail->content,
						       mail->data_pool);
	return cmail->parts;
}

bool
roost_cache_mail_sizes(struct mail *mail, uoff_t *virtual_r,
		       uoff_t *physical_r)
{
	const struct message_part *parts;

	if (roost_cache_mail_get(mail) == NULL ||
	    !roost_cache_mail_load(mail, CACHE_FACTS))
		return FALSE;
	parts = roost_cache_mail_parts(mail);
	if (parts == NULL)
		return FALSE;
	*virtual_r = parts->header_size.virtual_size +
		parts->body_size.virtual_size;
	*physical_r = parts->header_size.physical_size +
		parts->body_size.physical_size;
	return TRUE;
}

void
roost_cache_mail_hold_back(struct mail *mail)
{
	struct roost_cache_mail *cmail = roost_cache_mail_get(mail);

	if (cmail == NULL)
		return;
	roost_cache_mail_forget(cmail);
	cmail->is_held_back = cmail->is_disowned = TRUE;
}

void
roost_cache_mail_disown(struct mail *mail)
{
	struct roost_cache_mail *cmail = roost_cache_mail_get(mail);

	if (cmail == NULL)
		return;
	roost_cache_mail_forget(cmail);
	cmail->is_disowned = TRUE;
	/* The view of this session still has them. */
	seq_range_array_add(&cmail->cbox->ignored, mail->uid);
}

int
roost_cache_mail_check_told(struct mail *mail)
{
	struct roost_cache_mail *cmail = roost_cache_mail_get(mail);

	if (cmail == NULL || !cmail->is_disowned || !cmail->has_told_parts)
		return 0;
	cmail->has_told_parts = FALSE;
	mail_storage_set_error(mail->box->storage, MAIL_ERROR_INVALIDDATA,
		cmail->is_held_back ? "This message is compressed, and the "
		"server does not unpack it now" :
		"What was cached of this message was wrong and is dropped; "
		"ask again");
	return -1;
}

void
roost_cache_mail_ignore(struct mail *mail)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);

	roost_cache_mail_forget(cmail);
	cmail->is_other = TRUE;
}

/* Said once it opened: of a message that is refused, that is what counts. */
static void
cache_mail_report_changed(struct mail *mail)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);

	if (roost_cache_mail_log_once(mail, "changed"))
		roost_report_changed(mail);
	cmail->is_other = FALSE;
	/* Sizes and dates of the other one are there, too. */
	roost_cache_mail_drop(mail, cmail->is_opened ?
			      cmail->file_object_id : NULL);
}

void
roost_cache_mail_activate(struct mail *mail, struct roost_ring *ring)
{
	struct roost_cache_mail *cmail = roost_cache_mail_get(mail);

	if (cmail != NULL)
		roost_cache_box_activate(cmail->cbox, ring);
}

/* With it known, core hands a message out without looking for NULs. */
static void
cache_mail_set_nuls(struct mail *mail)
{
	const struct message_part *parts;

	if (mail->has_nuls || mail->has_no_nuls)
		return;
	parts = roost_cache_mail_parts(mail);
	if (parts == NULL)
		return;
	mail->has_nuls = roost_content_parts_have_nuls(parts);
	mail->has_no_nuls = !mail->has_nuls;
}

bool
roost_cache_mail_file_keys(struct mail *mail,
			   const struct roost_header *header,
			   struct roost_file_keys *keys_r)
{
	struct roost_cache_mail *cmail = roost_cache_mail_get(mail);
	const struct roost_blob_bytes *saved;

	/* The gate of the keyring id comes before any key. */
	if (cmail == NULL || !roost_cache_mail_load(mail, CACHE_FACTS) ||
	    cmail->content.data_key == NULL ||
	    !roost_bytes_equal(header->keyring_id,
			       roost_ring_doc(cmail->cbox->ring)->id,
			       ROOST_ID_SIZE))
		return FALSE;
	/* Zero is no object: what was not sealed when it was cached. */
	if (roost_bytes_are_zero(cmail->object_id, ROOST_ID_SIZE) ||
	    memcmp(cmail->object_id, header->object_id,	/* public */
		   ROOST_ID_SIZE) != 0) {
		roost_cache_mail_ignore(mail);
		return FALSE;
	}
	memcpy(keys_r->data_key, cmail->content.data_key, ROOST_KEY_SIZE);
	saved = &cmail->content.items[ROOST_BLOB_SAVED_KEYS];
	keys_r->has_saved = saved->bytes != NULL;
	if (keys_r->has_saved)
		memcpy(keys_r->saved, saved->bytes, ROOST_SAVED_KEYS_SIZE);
	cache_mail_set_nuls(mail);
	return TRUE;
}

/* What a file was opened with: none, for plaintext. */
static void
cache_mail_set_file(struct roost_cache_mail *cmail, const uint8_t *object_id,
		    const struct roost_file_keys *keys)
{
	static const uint8_t none[ROOST_ID_SIZE];

	cmail->is_used = TRUE;
	/* A sealed one whose id is zero is not cached: see above. */
	cmail->is_opened = object_id == NULL ||
		!roost_bytes_are_zero(object_id, ROOST_ID_SIZE);
	memcpy(cmail->file_object_id, object_id == NULL ? none : object_id,
	       ROOST_ID_SIZE);
	if (keys != NULL)
		cmail->file_keys = *keys;
	else
		i_zero(&cmail->file_keys);
}

void
roost_cache_mail_opened(struct mail *mail, const uint8_t *object_id,
			const struct roost_file_keys *keys)
{
	struct roost_cache_mail *cmail = roost_cache_mail_get(mail);

	if (cmail == NULL)
		return;
	cache_mail_set_file(cmail, object_id, keys);
	if (cmail->is_other)
		cache_mail_report_changed(mail);
}
