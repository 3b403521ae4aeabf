/* SPDX-License-Identifier: MIT */
/*
 * cache-mail: the blob of one message.  See cache-mail.h.
 */
#include "cache-mail.h"

#include "mail-cache-private.h"
#include "message-part.h"

#include "report.h"

#include "roost/bytes.h"
#include "roost/secret.h"

/* A line longer than this is looked up in the message. */
#define LINE_MAX_SIZE 4096

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
	cmail->state = CACHE_MAIL_NONE;
	cmail->is_used = TRUE;
}

void
roost_cache_mail_reset(struct roost_cache_mail *cmail)
{
	if (!cmail->is_used)
		return;
	cmail->is_used = FALSE;
	i_stream_unref(&cmail->lines);
	roost_tap_release(&cmail->tap);
	if (cmail->plain_used > 0)
		roost_wipe(cmail->plain, cmail->plain_used);
	cmail->plain_used = 0;
	roost_wipe(cmail->file_data_key, ROOST_KEY_SIZE);
	buffer_free(&cmail->header);
	roost_cache_mail_forget(cmail);
	cmail->is_used = cmail->is_opened = cmail->is_other = FALSE;
	cmail->state = CACHE_MAIL_UNKNOWN;
}

void
roost_cache_mail_free(struct roost_cache_mail *cmail)
{
	roost_cache_mail_reset(cmail);
	i_free(cmail->plain);
	/* What core still asks for while it frees the mail is not looked
	   up. */
	cmail->plain_size = 0;
	cmail->state = CACHE_MAIL_NONE;
}

static uint8_t *
cache_mail_plain(struct roost_cache_mail *cmail, size_t size)
{
	if (cmail->plain_size < size) {
		if (cmail->plain_used > 0)
			roost_wipe(cmail->plain, cmail->plain_used);
		i_free(cmail->plain);
		cmail->plain_size = I_MAX(size, 4096);
		cmail->plain = i_malloc(cmail->plain_size);
	}
	cmail->plain_used = I_MAX(cmail->plain_used, size);
	return cmail->plain;
}

/* For what has none in it: a blob of form 2, or content just made. */
static void
cache_mail_set_key(struct roost_cache_mail *cmail, const uint8_t *data_key)
{
	if (data_key != cmail->file_data_key)
		memcpy(cmail->file_data_key, data_key, ROOST_KEY_SIZE);
	cmail->content.data_key = cmail->file_data_key;
}

/* From a blob's outside to its content. */
static enum roost_err
cache_mail_open(struct roost_cache_mail *cmail, const struct roost_blob *blob)
{
	struct roost_ring *ring = cmail->cbox->ring;
	struct roost_aead *own = roost_ring_cache_aead(ring), *aead = own;
	uint8_t data_key[ROOST_KEY_SIZE];
	enum roost_err err = ROOST_OK;

	if (own == NULL)
		return ROOST_ERR_LOCKED;
	if (memcmp(blob->keyring_id, roost_ring_doc(ring)->id,	/* public */
		   ROOST_ID_SIZE) != 0)
		return ROOST_ERR_OTHER_KEYRING;
	if (blob->form == ROOST_BLOB_NEW) {
		err = roost_ring_data_key(ring, &blob->header, data_key);
		if (err == ROOST_OK)
			err = roost_blob_aead_new(data_key, &aead);
	}
	if (err == ROOST_OK)
		err = roost_blob_open(blob, aead, cache_mail_plain(cmail,
					blob->sealed_len), &cmail->content);
	if (err == ROOST_OK) {
		memcpy(cmail->object_id, blob->object_id, ROOST_ID_SIZE);
		/* The last to be trimmed. */
		cmail->has_body = cmail->content.
			items[ROOST_BLOB_PREVIEW].bytes != NULL;
	}
	if (blob->form == ROOST_BLOB_NEW) {
		if (err == ROOST_OK)
			cache_mail_set_key(cmail, data_key);
		if (aead != own)
			roost_prim_aead_free(&aead);
		roost_wipe(data_key, sizeof(data_key));
	}
	return err;
}

enum slot {
	SLOT_EMPTY,
	SLOT_GOOD,
	SLOT_BAD,
	SLOT_LATER,	/* form 2, and only that was not wanted now */
};

/*
 * Copy both fields in one walk through the message's record: the first of each
 * is the newest.  Copied, since another process may write where they lie.
 */
static void
cache_mail_find(struct mail *mail, struct roost_cache_box *cbox)
{
	struct mail_cache_lookup_iterate_ctx iter;
	struct mail_cache_iterate_field field;

	buffer_set_used_size(cbox->own, 0);
	buffer_set_used_size(cbox->new, 0);
	cbox->has_own = cbox->has_new = FALSE;
	mail_cache_lookup_iter_init(mail->transaction->cache_view, mail->seq,
				    &iter);
	while (mail_cache_lookup_iter_next(&iter, &field) > 0) {
		if (field.field_idx == cbox->own_idx && !cbox->has_own) {
			buffer_append(cbox->own, field.data, field.size);
			cbox->has_own = TRUE;
		} else if (field.field_idx == cbox->new_idx &&
			   !cbox->has_new) {
			buffer_append(cbox->new, field.data, field.size);
			cbox->has_new = TRUE;
		}
	}
}

static enum slot
cache_mail_try(struct roost_cache_mail *cmail, const buffer_t *bytes,
	       bool is_new_wanted, enum roost_err *err_r)
{
	struct roost_blob blob;

	*err_r = roost_blob_parse(bytes->data, bytes->used, &blob);
	if (*err_r == ROOST_OK && blob.form == ROOST_BLOB_NEW &&
	    !is_new_wanted)
		return SLOT_LATER;
	if (*err_r == ROOST_OK)
		*err_r = cache_mail_open(cmail, &blob);
	return *err_r == ROOST_OK ? SLOT_GOOD : SLOT_BAD;
}

/* What was not sealed is not told where it would not be served. */
static bool
cache_mail_may_tell(const struct roost_cache_mail *cmail)
{
	const struct roost_config *config =
		roost_user_config(cmail->cbox->ruser);

	return !roost_bytes_are_zero(cmail->object_id, ROOST_ID_SIZE) ||
		config->plaintext == ROOST_PLAINTEXT_SERVE ||
		roost_ring_policy(cmail->cbox->ring) == ROOST_POLICY_OPEN;
}

/* TRUE: it was not yet said of this message. */
static bool
cache_mail_log_once(struct mail *mail, const char *what)
{
	const char *key = t_strdup_printf("%s/%s/%u", what,
					  mailbox_get_vname(mail->box),
					  mail->uid);

	return roost_user_log_once(roost_cache_mail_of(mail)->cbox->ruser,
				   key);
}

static void
cache_mail_report(struct mail *mail, enum roost_err err)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);

	/* A locked keyring is said when a message is opened. */
	if (err != ROOST_ERR_LOCKED &&
	    !roost_ring_is_locked(cmail->cbox->ring) &&
	    cache_mail_log_once(mail, "blob"))
		roost_report_blob(mail, err);
}

/*
 * Forget all that the index cache holds of the message: the next session makes
 * room for it anew.  A field alone cannot be taken away.
 */
static void
cache_mail_drop(struct mail *mail)
{
	struct roost_cache_box *cbox = roost_cache_mail_of(mail)->cbox;
	struct mail_index_transaction *trans =
		mail_index_transaction_begin(mail->transaction->view,
					MAIL_INDEX_TRANSACTION_FLAG_EXTERNAL);
	uint32_t none = 0;

	mail_index_update_ext(trans, mail->seq, mail->box->cache->ext_id,
			      &none, NULL);
	/* If that fails, the next session tries it again. */
	(void)mail_index_transaction_commit(&trans);
	seq_range_array_add(&cbox->ignored, mail->uid);
}

/* What is found in the slots: held, or not. */
struct found {
	enum slot own, new;
	enum roost_err own_err, new_err;
};

static bool
cache_mail_choose(struct roost_cache_mail *cmail, struct found *found)
{
	struct roost_cache_box *cbox = cmail->cbox;

	/* A blob of form 1 in the second slot came after the first. */
	if (cbox->has_new)
		found->new = cache_mail_try(cmail, cbox->new, FALSE,
					    &found->new_err);
	if (found->new == SLOT_GOOD)
		return TRUE;
	if (cbox->has_own)
		found->own = cache_mail_try(cmail, cbox->own, FALSE,
					    &found->own_err);
	if (found->own == SLOT_GOOD)
		return TRUE;
	if (found->new == SLOT_LATER)
		found->new = cache_mail_try(cmail, cbox->new, TRUE,
					    &found->new_err);
	return found->new == SLOT_GOOD;
}

static bool
cache_mail_lookup(struct mail *mail)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	struct roost_cache_box *cbox = cmail->cbox;
	struct found found = { SLOT_EMPTY, SLOT_EMPTY, ROOST_OK, ROOST_OK };
	bool is_found, is_bad;

	cache_mail_find(mail, cbox);
	is_found = cache_mail_choose(cmail, &found);
	is_bad = found.own == SLOT_BAD || found.new == SLOT_BAD;
	if (is_bad)
		cache_mail_report(mail, found.own == SLOT_BAD ?
				  found.own_err : found.new_err);
	/* With both taken there is no room to make it anew. */
	if (is_bad && cbox->has_own && cbox->has_new &&
	    !roost_ring_is_locked(cbox->ring))
		cache_mail_drop(mail);
	else if (is_found && !cbox->has_own) {
		/* Form 2: from now on it opens without X25519. */
		cmail->state = CACHE_MAIL_HELD;
		roost_cache_mail_store(mail);
	}
	return is_found && cache_mail_may_tell(cmail);
}

bool
roost_cache_mail_load(struct mail *mail)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);

	if (cmail->state == CACHE_MAIL_UNKNOWN) {
		roost_cache_mail_forget(cmail);
		if (cmail->cbox->is_sealed && !mail->saving &&
		    !seq_range_exists(&cmail->cbox->ignored, mail->uid) &&
		    cache_mail_lookup(mail))
			cmail->state = CACHE_MAIL_HELD;
		else
			roost_cache_mail_forget(cmail);
	}
	return cmail->state == CACHE_MAIL_HELD;
}

static bool
cache_mail_has_first(struct mail *mail)
{
	const struct roost_cache_box *cbox =
		roost_cache_mail_of(mail)->cbox;

	return mail_cache_field_exists(mail->transaction->cache_view,
				       mail->seq, cbox->own_idx) != 0;
}

/* Which slot a blob may still go into; core refuses to fill one twice. */
static bool
cache_mail_free_slot(struct mail *mail, unsigned int *field_idx_r)
{
	struct mail_cache_view *view = mail->transaction->cache_view;
	const struct roost_cache_box *cbox =
		roost_cache_mail_of(mail)->cbox;

	*field_idx_r = cbox->own_idx;
	if (!cache_mail_has_first(mail))
		return TRUE;
	*field_idx_r = cbox->new_idx;
	return mail_cache_field_exists(view, mail->seq, cbox->new_idx) == 0;
}

static enum roost_err
cache_mail_seal(struct roost_cache_mail *cmail,
		struct roost_blob_content *content, uint8_t *blob_r,
		size_t *len_r)
{
	struct roost_ring *ring = cmail->cbox->ring;
	struct roost_aead *aead = roost_ring_cache_aead(ring);
	enum roost_err err;

	if (aead != NULL) {
		(void)roost_blob_trim(content, ROOST_BLOB_SIZE_MAX -
				      ROOST_BLOB_OWN_OVERHEAD);
		return roost_blob_seal_own(aead, roost_ring_doc(ring)->id,
					   cmail->object_id, content, blob_r,
					   len_r);
	}
	if (cmail->header == NULL)
		return ROOST_ERR_LOCKED;
	(void)roost_blob_trim(content, ROOST_BLOB_SIZE_MAX -
			      ROOST_BLOB_NEW_OVERHEAD - cmail->header->used);
	err = roost_blob_aead_new(content->data_key, &aead);
	if (err == ROOST_OK)
		err = roost_blob_seal_new(aead, cmail->header->data,
					  cmail->header->used, content,
					  blob_r, len_r);
	roost_prim_aead_free(&aead);
	return err;
}

/* Long lines stay out: a blob has room for a message's ordinary headers. */
static void
content_leave_out(struct roost_blob_content *content, buffer_t *lines,
		  buffer_t *left_out)
{
	const struct roost_blob_bytes *headers =
		&content->items[ROOST_BLOB_HEADERS];

	if (headers->bytes == NULL || headers->len <= LINE_MAX_SIZE ||
	    content->items[ROOST_BLOB_LEFT_OUT].bytes != NULL)
		return;
	buffer_append(lines, headers->bytes, headers->len);
	roost_lines_leave_out(lines, LINE_MAX_SIZE, left_out);
	if (left_out->used == 0)
		return;
	roost_content_set(content, ROOST_BLOB_HEADERS, lines->data,
			  lines->used);
	roost_content_set(content, ROOST_BLOB_LEFT_OUT, left_out->data,
			  left_out->used);
}

static void
cache_mail_add(struct mail *mail, unsigned int field_idx)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	struct roost_blob_content content = cmail->content;
	buffer_t *lines = buffer_create_dynamic(default_pool, 16);
	buffer_t *left_out = buffer_create_dynamic(default_pool, 16);
	uint8_t *blob = i_malloc(ROOST_BLOB_SIZE_MAX);
	enum roost_err err;
	size_t len;

	content_leave_out(&content, lines, left_out);
	err = cache_mail_seal(cmail, &content, blob, &len);
	if (err == ROOST_OK)
		mail_cache_add(mail->transaction->cache_trans, mail->seq,
			       field_idx, blob, len);
	else if (err != ROOST_ERR_LOCKED)
		e_debug(mail_event(mail), "roost: Not cached: %s",
			roost_err_phrase(err));
	i_free(blob);
	buffer_free(&left_out);
	buffer_free(&lines);
}

void
roost_cache_mail_store(struct mail *mail)
{
	const struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	const struct roost_cache_box *cbox = cmail->cbox;
	unsigned int field_idx;

	if (!cbox->is_sealed || cmail->content.data_key == NULL)
		return;
	if (!cache_mail_free_slot(mail, &field_idx))
		return;
	/* The first slot is for who can open the keyring. */
	if (roost_ring_cache_aead(cbox->ring) == NULL)
		field_idx = cbox->new_idx;
	cache_mail_add(mail, field_idx);
}

int
roost_cache_mail_headers(struct mail *_mail, struct istream *input)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct roost_cache_mail *cmail = roost_cache_mail_of(_mail);
	const struct roost_cache_box *cbox = cmail->cbox;

	if (*cbox->extra_names != '\0')
		roost_content_set(&cmail->content, ROOST_BLOB_EXTRA_NAMES,
				  cbox->extra_names,
				  strlen(cbox->extra_names));
	return roost_content_headers(&cmail->content, mail->data_pool, input,
				     cbox->names, cbox->name_count);
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
	return 0;
}

void
roost_cache_mail_made(struct roost_cache_mail *cmail, bool has_body)
{
	cmail->state = CACHE_MAIL_HELD;
	cmail->has_body = has_body;
	memcpy(cmail->object_id, cmail->file_object_id, ROOST_ID_SIZE);
	if (cmail->is_opened)
		cache_mail_set_key(cmail, cmail->file_data_key);
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

/* Make what is missing, and store it if that is more than was stored. */
static int
cache_mail_make_item(struct mail *mail, enum roost_blob_item item)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	bool is_body = item_is_of_body(item);
	/* A blob that is there and lacks it was trimmed: it will not fit. */
	bool is_trimmed = cmail->state == CACHE_MAIL_HELD &&
		(cmail->has_body || !is_body);

	/* The last slot must not go to less than everything. */
	if (!is_trimmed && !is_body)
		is_body = cache_mail_wants_body(mail) ||
			(cmail->cbox->is_sealed && cache_mail_has_first(mail));
	if (cache_mail_build(mail, is_body) < 0)
		return -1;
	if (!is_trimmed)
		roost_cache_mail_store(mail);
	return 0;
}

int
roost_cache_mail_need(struct mail *mail, enum roost_blob_item item)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);

	roost_cache_box_enforce(cmail->cbox);
	/* Also where nothing may be kept, native fields are not believed. */
	if (!cmail->cbox->is_active)
		return 0;
	if (roost_cache_mail_load(mail) &&
	    cmail->content.items[item].bytes != NULL)
		return 1;
	if (cmail->is_busy || mail->saving)
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
	    !roost_cache_mail_load(mail))
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

	if (cache_mail_log_once(mail, "changed"))
		roost_report_changed(mail, cmail->is_file_sealed);
	cmail->is_other = FALSE;
	/* Sizes and dates of the other one are there, too. */
	cache_mail_drop(mail);
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
roost_cache_mail_data_key(struct mail *mail, const struct roost_header *header,
			  uint8_t data_key_r[ROOST_KEY_SIZE])
{
	struct roost_cache_mail *cmail = roost_cache_mail_get(mail);

	/* The gate of the keyring id comes before any key. */
	if (cmail == NULL || !roost_cache_mail_load(mail) ||
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
	memcpy(data_key_r, cmail->content.data_key, ROOST_KEY_SIZE);
	cache_mail_set_nuls(mail);
	return TRUE;
}

/* What a file was opened with: none, for plaintext. */
static void
cache_mail_set_file(struct roost_cache_mail *cmail, const uint8_t *object_id,
		    const uint8_t *data_key)
{
	static const uint8_t none[ROOST_KEY_SIZE];

	cmail->is_used = TRUE;
	cmail->is_file_sealed = object_id != NULL;
	/* A sealed one whose id is zero is not cached: see above. */
	cmail->is_opened = object_id == NULL ||
		!roost_bytes_are_zero(object_id, ROOST_ID_SIZE);
	memcpy(cmail->file_object_id, object_id == NULL ? none : object_id,
	       ROOST_ID_SIZE);
	memcpy(cmail->file_data_key, data_key == NULL ? none : data_key,
	       ROOST_KEY_SIZE);
}

void
roost_cache_mail_opened(struct mail *mail, const uint8_t *object_id,
			const uint8_t *data_key)
{
	struct roost_cache_mail *cmail = roost_cache_mail_get(mail);

	if (cmail == NULL)
		return;
	if (object_id == NULL && roost_cache_mail_load(mail) &&
	    !roost_bytes_are_zero(cmail->object_id, ROOST_ID_SIZE))
		roost_cache_mail_ignore(mail);
	cache_mail_set_file(cmail, object_id, data_key);
	if (cmail->is_other)
		cache_mail_report_changed(mail);
}
