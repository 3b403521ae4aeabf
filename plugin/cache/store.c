/* SPDX-License-Identifier: MIT */
/*
 * store: from the content of a mail to the fields of the index cache.
 * See store.h.
 */
#include "cache/store.h"

#include "mail-cache-private.h"

#include "session/named-object.h"

/* Of a longer line nothing is kept: it is looked up in the message. */
#define LINE_MAX_SIZE 4096

static bool
cache_mail_has(struct mail *mail, unsigned int field_idx)
{
	return mail_cache_field_exists(mail->transaction->cache_view,
				       mail->seq, field_idx) != 0;
}

/* The blob of facts is written with all others, so it tells for them. */
bool
roost_cache_store_has_own(struct mail *mail)
{
	const struct roost_cache_box *cbox =
		roost_cache_mail_of(mail)->cbox;

	return cache_mail_has(mail, cbox->field_own[CACHE_BLOB_FACTS]);
}

/* Seal all items in form 2, for a delivery that cannot open the keyring: only
   while the message is saved its header H is at hand. */
static enum roost_err
cache_mail_seal_new(const struct roost_cache_mail *cmail,
		    struct roost_blob_content *content, uint8_t *blob_r,
		    size_t *len_r)
{
	struct roost_aead *aead;
	enum roost_err err;

	if (cmail->header == NULL)
		return ROOST_ERR_LOCKED;
	roost_content_set(content, ROOST_BLOB_SAVED_KEYS, NULL, 0);
	(void)roost_blob_trim(content, ROOST_BLOB_SIZE_MAX -
			      ROOST_BLOB_FORM_NEW_OVERHEAD -
			      cmail->header->used);
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

/* The blob of facts names the object; the others stand beside it. */
static enum roost_err
cache_mail_seal_each(const struct roost_cache_mail *cmail,
		     enum cache_blob blob,
		     const struct roost_blob_content *content,
		     uint8_t *sealed_r, size_t *len_r)
{
	struct roost_ring *ring = cmail->cbox->ring;

	if (blob == CACHE_BLOB_FACTS)
		return cache_mail_seal_own(cmail, content, sealed_r, len_r);
	return roost_blob_seal_beside(roost_ring_cache_aead(ring),
				      roost_ring_doc(ring)->id,
				      cmail->object_id, content, sealed_r,
				      len_r);
}

/* Leave long lines out, since a blob only has room for a message's ordinary
   headers.  What changes goes to the two buffers. */
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

/* Add all items in one blob, to roost.new. */
static enum roost_err
cache_mail_add_whole(struct mail *mail, struct roost_blob_content *content,
		     uint8_t *blob)
{
	const struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	bool is_form_own = roost_ring_cache_aead(cmail->cbox->ring) != NULL;
	enum roost_err err;
	size_t len;

	if (is_form_own)
		(void)roost_blob_trim(content, ROOST_BLOB_SIZE_MAX -
				      ROOST_BLOB_FORM_OWN_OVERHEAD);
	err = is_form_own ? cache_mail_seal_own(cmail, content, blob, &len) :
		cache_mail_seal_new(cmail, content, blob, &len);
	if (err == ROOST_OK)
		mail_cache_add(mail->transaction->cache_trans, mail->seq,
			       cmail->cbox->field_new, blob, len);
	return err;
}

/* Add the items in a blob of form 1 and those beside it, which are together no
   larger than one blob of all items. */
static enum roost_err
cache_mail_add_each(struct mail *mail, struct roost_blob_content *content,
		    uint8_t *sealed)
{
	const struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	struct roost_blob_content some;
	unsigned int blob;
	enum roost_err err = ROOST_OK;
	size_t len;

	(void)roost_blob_trim(content, ROOST_BLOB_SHARED_MAX);
	for (blob = 0; err == ROOST_OK && blob < CACHE_BLOB_COUNT; blob++) {
		roost_content_of_blob(content, blob, &some);
		err = cache_mail_seal_each(cmail, blob, &some, sealed, &len);
		if (err == ROOST_OK)
			mail_cache_add(mail->transaction->cache_trans,
				       mail->seq, cmail->cbox->field_own[blob],
				       sealed, len);
	}
	return err;
}

static void
cache_mail_add(struct mail *mail, bool is_whole)
{
	struct roost_blob_content content = roost_cache_mail_of(mail)->content;
	buffer_t *lines = buffer_create_dynamic(default_pool, 16);
	buffer_t *left_out = buffer_create_dynamic(default_pool, 16);
	uint8_t blob[ROOST_BLOB_SIZE_MAX];
	enum roost_err err;

	content_leave_out(&content, lines, left_out);
	roost_content_spell(&content,
			    ((struct mail_private *)mail)->data_pool);
	err = is_whole ? cache_mail_add_whole(mail, &content, blob) :
		cache_mail_add_each(mail, &content, blob);
	if (err != ROOST_OK && err != ROOST_ERR_LOCKED)
		e_debug(mail_event(mail), "roost: Not cached: %s",
			roost_err_phrase(err));
	buffer_free(&left_out);
	buffer_free(&lines);
}

/* Has the message got another form, in its place, since this session opened
   it?  Then the index, as it is now, names that.  One that is being saved is in
   no index yet. */
static bool
cache_mail_is_outdated(struct mail *mail)
{
	if (mail->saving || mail->uid == 0)
		return FALSE;
	(void)mail_index_refresh(mail->box->index);
	return roost_named_object_compare(mail,
			roost_cache_mail_of(mail)->object_id) ==
		ROOST_NAMED_OBJECT_OTHER;
}

void
roost_cache_store_add(struct mail *mail)
{
	const struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	const struct roost_cache_box *cbox = cmail->cbox;
	bool is_whole;

	if (!cbox->is_sealed || cmail->is_held_back ||
	    cmail->content.data_key == NULL ||
	    !roost_cache_mail_may_tell(cmail) || cache_mail_is_outdated(mail))
		return;
	/* Form 1 takes an open keyring.  Dovecot never replaces a field of a
	   message, so what comes later goes to roost.new, once. */
	is_whole = roost_ring_cache_aead(cbox->ring) == NULL ||
		roost_cache_store_has_own(mail);
	if (!is_whole || !cache_mail_has(mail, cbox->field_new))
		cache_mail_add(mail, is_whole);
}

void
roost_cache_store_drop(struct mail *mail, const uint8_t *object_id)
{
	struct roost_cache_box *cbox = roost_cache_mail_of(mail)->cbox;

	roost_named_object_leave(mail, cbox->field_object, object_id);
	/* The view that this session has of the file still shows them. */
	seq_range_array_add(&cbox->ignored, mail->uid);
}
