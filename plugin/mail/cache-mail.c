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
	cmail->looked = CACHE_PARTS_ALL;
	cmail->held = 0;
	cmail->is_used = TRUE;
}

static void
plain_wipe(struct cache_plain *plain)
{
	if (plain->used > 0)
		roost_wipe(plain->bytes, plain->used);
	plain->used = 0;
}

/* Room for so much. */
static uint8_t *
plain_use(struct cache_plain *plain, size_t size)
{
	if (plain->size < size) {
		plain_wipe(plain);
		i_free(plain->bytes);
		plain->size = I_MAX(size, 2048);
		plain->bytes = i_malloc(plain->size);
	}
	plain->used = I_MAX(plain->used, size);
	return plain->bytes;
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
		plain_wipe(&cmail->plain[part]);
	roost_wipe(&cmail->file_keys, sizeof(cmail->file_keys));
	buffer_free(&cmail->header);
	roost_cache_mail_forget(cmail);
	cmail->is_used = cmail->is_opened = cmail->is_other = FALSE;
	cmail->is_new_bad = FALSE;
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

/* For what has none in it: a blob of form 2, or content just made. */
static void
cache_mail_set_key(struct roost_cache_mail *cmail, const uint8_t *data_key)
{
	if (data_key != cmail->file_keys.data_key)
		memcpy(cmail->file_keys.data_key, data_key, ROOST_KEY_SIZE);
	cmail->content.data_key = cmail->file_keys.data_key;
}

/* What a blob had of a part, or all. */
static void
cache_mail_take(struct roost_cache_mail *cmail,
		const struct roost_blob_content *opened, unsigned int parts)
{
	unsigned int item;

	for (item = 0; item < ROOST_BLOB_ITEM_COUNT; item++) {
		if (opened->items[item].bytes != NULL)
			cmail->content.items[item] = opened->items[item];
	}
	cmail->held |= parts;
	if ((parts & CACHE_PART_BIT(CACHE_FACTS)) == 0)
		return;
	cmail->content.data_key = opened->data_key;
	/* The last to be trimmed. */
	cmail->has_body = opened->items[ROOST_BLOB_PREVIEW].bytes != NULL;
}

/* All that is believed of a message is of one object. */
static bool
cache_mail_is_of_one(const struct roost_cache_mail *cmail,
		     const struct roost_blob *blob)
{
	return roost_bytes_equal(cmail->cbox->facts_id, blob->object_id,
				 ROOST_ID_SIZE) &&
		(cmail->held == 0 ||
		 roost_bytes_equal(cmail->object_id, blob->object_id,
				   ROOST_ID_SIZE));
}

static enum roost_err
cache_mail_open_own(struct roost_cache_mail *cmail,
		    const struct roost_blob *blob, enum cache_part part,
		    unsigned int parts)
{
	struct roost_aead *aead = roost_ring_cache_aead(cmail->cbox->ring);
	struct roost_blob_content opened;
	enum roost_err err;

	if (parts != CACHE_PARTS_ALL && !cache_mail_is_of_one(cmail, blob))
		return ROOST_ERR_BLOB_AUTH;
	err = roost_blob_open(blob, aead, plain_use(&cmail->plain[part],
						    blob->sealed_len),
			      &opened);
	if (err == ROOST_OK)
		cache_mail_take(cmail, &opened, parts);
	return err;
}

/* Its key is that of the message. */
static enum roost_err
cache_mail_open_new(struct roost_cache_mail *cmail,
		    const struct roost_blob *blob)
{
	struct roost_blob_content opened;
	struct roost_aead *aead = NULL;
	uint8_t data_key[ROOST_KEY_SIZE];
	enum roost_err err;

	err = roost_ring_data_key(cmail->cbox->ring, &blob->header, data_key);
	if (err == ROOST_OK)
		err = roost_blob_aead_new(data_key, &aead);
	if (err == ROOST_OK)
		err = roost_blob_open(blob, aead, plain_use(&cmail->plain[0],
					blob->sealed_len), &opened);
	if (err == ROOST_OK) {
		cache_mail_take(cmail, &opened, CACHE_PARTS_ALL);
		cache_mail_set_key(cmail, data_key);
	}
	roost_prim_aead_free(&aead);
	roost_wipe(data_key, sizeof(data_key));
	return err;
}

/* From a blob's outside to its content; parts: what it is the blob of. */
static enum roost_err
cache_mail_open(struct roost_cache_mail *cmail, const struct roost_blob *blob,
		enum cache_part part, unsigned int parts)
{
	struct roost_ring *ring = cmail->cbox->ring;
	enum roost_err err;

	if (roost_ring_cache_aead(ring) == NULL)
		return ROOST_ERR_LOCKED;
	if (memcmp(blob->keyring_id, roost_ring_doc(ring)->id,	/* public */
		   ROOST_ID_SIZE) != 0)
		return ROOST_ERR_OTHER_KEYRING;
	/* A blob of all takes the place of what was held. */
	if (parts == CACHE_PARTS_ALL) {
		i_zero(&cmail->content);
		cmail->parts = NULL;
		cmail->held = 0;
	}
	err = blob->form == ROOST_BLOB_NEW ? cache_mail_open_new(cmail, blob) :
		cache_mail_open_own(cmail, blob, part, parts);
	if (err == ROOST_OK)
		memcpy(cmail->object_id, blob->object_id, ROOST_ID_SIZE);
	return err;
}

enum slot {
	SLOT_EMPTY,
	SLOT_GOOD,
	SLOT_BAD,
	SLOT_LATER,	/* form 2, and only that was not wanted now */
};

/* What the other parts must be of, too.  Nothing is proved by it yet: that the
   first part is of the file is, when the file is opened. */
static void
cache_box_set_facts_id(struct roost_cache_box *cbox,
		       const struct mail_cache_iterate_field *field)
{
	struct roost_blob blob;

	if (!cbox->has_facts &&
	    roost_blob_parse(field->data, field->size, &blob) == ROOST_OK)
		memcpy(cbox->facts_id, blob.object_id, ROOST_ID_SIZE);
	cbox->has_facts = TRUE;
}

/*
 * Copy the blob of a part, and the one of all, in one walk through the
 * message's record: the first of each is the newest.  Copied, since another
 * process may write where they lie.
 */
static void
cache_mail_find(struct mail *mail, struct roost_cache_box *cbox,
		enum cache_part part)
{
	struct mail_cache_lookup_iterate_ctx iter;
	struct mail_cache_iterate_field field;

	buffer_set_used_size(cbox->own, 0);
	buffer_set_used_size(cbox->new, 0);
	cbox->has_own = cbox->has_new = cbox->has_facts = FALSE;
	memset(cbox->facts_id, 0, ROOST_ID_SIZE);
	mail_cache_lookup_iter_init(mail->transaction->cache_view, mail->seq,
				    &iter);
	while (mail_cache_lookup_iter_next(&iter, &field) > 0) {
		if (field.field_idx == cbox->own_idx[part] &&
		    !cbox->has_own) {
			buffer_append(cbox->own, field.data, field.size);
			cbox->has_own = TRUE;
		} else if (field.field_idx == cbox->new_idx &&
			   !cbox->has_new) {
			buffer_append(cbox->new, field.data, field.size);
			cbox->has_new = TRUE;
		}
		if (field.field_idx == cbox->own_idx[CACHE_FACTS])
			cache_box_set_facts_id(cbox, &field);
	}
}

static enum slot
cache_mail_try_own(struct roost_cache_mail *cmail, enum cache_part part,
		   enum roost_err *err_r)
{
	const buffer_t *bytes = cmail->cbox->own;
	struct roost_blob blob;

	*err_r = roost_blob_parse(bytes->data, bytes->used, &blob);
	if (*err_r == ROOST_OK)
		*err_r = cache_mail_open(cmail, &blob, part,
					 CACHE_PART_BIT(part));
	return *err_r == ROOST_OK ? SLOT_GOOD : SLOT_BAD;
}

static enum slot
cache_mail_try_new(struct roost_cache_mail *cmail, bool is_form_2_wanted,
		   enum roost_err *err_r)
{
	const buffer_t *bytes = cmail->cbox->new;
	struct roost_blob blob;

	*err_r = roost_blob_parse(bytes->data, bytes->used, &blob);
	if (*err_r == ROOST_OK && blob.form == ROOST_BLOB_NEW &&
	    !is_form_2_wanted)
		return SLOT_LATER;
	if (*err_r == ROOST_OK)
		*err_r = cache_mail_open(cmail, &blob, 0, CACHE_PARTS_ALL);
	/* Once is enough: it would take the place of what is held. */
	cmail->is_new_bad = *err_r != ROOST_OK;
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
cache_mail_choose(struct roost_cache_mail *cmail, enum cache_part part,
		  struct found *found)
{
	struct roost_cache_box *cbox = cmail->cbox;
	bool is_new_asked = cbox->has_new && !cmail->is_new_bad;

	/* A blob of form 1 in the last slot came after the first ones. */
	if (is_new_asked)
		found->new = cache_mail_try_new(cmail, FALSE,
						&found->new_err);
	if (found->new == SLOT_GOOD)
		return TRUE;
	if (cbox->has_own)
		found->own = cache_mail_try_own(cmail, part, &found->own_err);
	if (found->own == SLOT_GOOD)
		return TRUE;
	if (found->new == SLOT_LATER)
		found->new = cache_mail_try_new(cmail, TRUE, &found->new_err);
	return found->new == SLOT_GOOD;
}

static bool
cache_mail_lookup(struct mail *mail, enum cache_part part)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	struct roost_cache_box *cbox = cmail->cbox;
	struct found found = { SLOT_EMPTY, SLOT_EMPTY, ROOST_OK, ROOST_OK };
	bool is_found, is_bad;

	cache_mail_find(mail, cbox, part);
	is_found = cache_mail_choose(cmail, part, &found);
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
		roost_cache_mail_store(mail);
	}
	return is_found && cache_mail_may_tell(cmail);
}

bool
roost_cache_mail_load(struct mail *mail, enum cache_part part)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	unsigned int bit = CACHE_PART_BIT(part);

	if (((cmail->looked | cmail->held) & bit) == 0) {
		cmail->looked |= bit;
		cmail->is_used = TRUE;
		if (!cmail->cbox->is_sealed || mail->saving ||
		    seq_range_exists(&cmail->cbox->ignored, mail->uid) ||
		    !cache_mail_lookup(mail, part))
			roost_cache_mail_forget(cmail);
	}
	return (cmail->held & bit) != 0;
}

static bool
cache_mail_has(struct mail *mail, unsigned int field_idx)
{
	return mail_cache_field_exists(mail->transaction->cache_view,
				       mail->seq, field_idx) != 0;
}

/* The first of them is always written. */
static bool
cache_mail_has_own(struct mail *mail)
{
	const struct roost_cache_box *cbox =
		roost_cache_mail_of(mail)->cbox;

	return cache_mail_has(mail, cbox->own_idx[CACHE_FACTS]);
}

/* By who cannot open the keyring. */
static enum roost_err
cache_mail_seal_new(const struct roost_cache_mail *cmail,
		    struct roost_blob_content *content, uint8_t *blob_r,
		    size_t *len_r)
{
	struct roost_aead *aead;
	enum roost_err err;

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

static enum roost_err
cache_mail_seal_own(const struct roost_cache_mail *cmail,
		    const struct roost_blob_content *content, uint8_t *blob_r,
		    size_t *len_r)
{
	struct roost_ring *ring = cmail->cbox->ring;

	return roost_blob_seal_own(roost_ring_cache_aead(ring),
				   roost_ring_doc(ring)->id, cmail->object_id,
				   content, blob_r, len_r);
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

/* All in one blob, for the last slot. */
static enum roost_err
cache_mail_add_whole(struct mail *mail, struct roost_blob_content *content,
		     uint8_t *blob)
{
	const struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	bool is_own = roost_ring_cache_aead(cmail->cbox->ring) != NULL;
	enum roost_err err;
	size_t len;

	if (is_own)
		(void)roost_blob_trim(content, ROOST_BLOB_SIZE_MAX -
				      ROOST_BLOB_OWN_OVERHEAD);
	err = is_own ? cache_mail_seal_own(cmail, content, blob, &len) :
		cache_mail_seal_new(cmail, content, blob, &len);
	if (err == ROOST_OK)
		mail_cache_add(mail->transaction->cache_trans, mail->seq,
			       cmail->cbox->new_idx, blob, len);
	return err;
}

/* A blob of each part; together they are no larger than one of all. */
static enum roost_err
cache_mail_add_parts(struct mail *mail, struct roost_blob_content *content,
		     uint8_t *blob)
{
	const struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	struct roost_blob_content some;
	unsigned int part;
	enum roost_err err = ROOST_OK;
	size_t len;

	(void)roost_blob_trim(content, ROOST_BLOB_SIZE_MAX -
			      CACHE_PART_COUNT * ROOST_BLOB_OWN_OVERHEAD);
	for (part = 0; err == ROOST_OK && part < CACHE_PART_COUNT; part++) {
		roost_content_part(content, part, &some);
		err = cache_mail_seal_own(cmail, &some, blob, &len);
		if (err == ROOST_OK)
			mail_cache_add(mail->transaction->cache_trans,
				       mail->seq, cmail->cbox->own_idx[part],
				       blob, len);
	}
	return err;
}

static void
cache_mail_add(struct mail *mail, bool is_whole)
{
	struct roost_blob_content content = roost_cache_mail_of(mail)->content;
	buffer_t *lines = buffer_create_dynamic(default_pool, 16);
	buffer_t *left_out = buffer_create_dynamic(default_pool, 16);
	uint8_t *blob = i_malloc(ROOST_BLOB_SIZE_MAX);
	enum roost_err err;

	content_leave_out(&content, lines, left_out);
	err = is_whole ? cache_mail_add_whole(mail, &content, blob) :
		cache_mail_add_parts(mail, &content, blob);
	if (err != ROOST_OK && err != ROOST_ERR_LOCKED)
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
	bool is_whole;

	if (!cbox->is_sealed || cmail->content.data_key == NULL)
		return;
	/* The first slots are for who can open the keyring.  Core refuses to
	   fill one twice. */
	is_whole = roost_ring_cache_aead(cbox->ring) == NULL ||
		cache_mail_has_own(mail);
	if (!is_whole || !cache_mail_has(mail, cbox->new_idx))
		cache_mail_add(mail, is_whole);
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
	cmail->looked = cmail->held = CACHE_PARTS_ALL;
	cmail->has_body = has_body;
	memcpy(cmail->object_id, cmail->file_object_id, ROOST_ID_SIZE);
	if (cmail->is_opened)
		cache_mail_set_key(cmail, cmail->file_keys.data_key);
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
	return roost_cache_mail_load(mail, CACHE_FACTS) &&
		roost_cache_mail_of(mail)->has_body;
}

/* Make what is missing, and store it if that is more than was stored. */
static int
cache_mail_make_item(struct mail *mail, enum roost_blob_item item)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	bool is_body = item_is_of_body(item);
	/* A blob that is there and lacks it was trimmed: it will not fit. */
	bool is_trimmed = roost_cache_mail_load(mail,
						roost_content_part_of(item)) &&
		(!is_body || cache_mail_has_body(mail));

	/* The last slot must not go to less than everything. */
	if (!is_trimmed && !is_body)
		is_body = cache_mail_wants_body(mail) ||
			(cmail->cbox->is_sealed && cache_mail_has_own(mail));
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
	if (roost_cache_mail_load(mail, roost_content_part_of(item)) &&
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
	cmail->is_file_sealed = object_id != NULL;
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
	if (object_id == NULL && roost_cache_mail_load(mail, CACHE_FACTS) &&
	    !roost_bytes_are_zero(cmail->object_id, ROOST_ID_SIZE))
		roost_cache_mail_ignore(mail);
	cache_mail_set_file(cmail, object_id, keys);
	if (cmail->is_other)
		cache_mail_report_changed(mail);
}
