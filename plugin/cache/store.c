/* SPDX-License-Identifier: MIT */
/*
 * store: what is kept of a message, sealed and added to the index cache.
 * See mail.h.
 */
#include "cache/mail-private.h"

#include "mail-cache-private.h"

/* A line longer than this is looked up in the message. */
#define LINE_MAX_SIZE 4096

static bool
cache_mail_has(struct mail *mail, unsigned int field_idx)
{
	return mail_cache_field_exists(mail->transaction->cache_view,
				       mail->seq, field_idx) != 0;
}

/* The first of them is always written. */
bool
roost_cache_mail_has_own(struct mail *mail)
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
	roost_content_set(content, ROOST_BLOB_SAVED_KEYS, NULL, 0);
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

	(void)roost_blob_trim(content, ROOST_BLOB_SHARED_ROOM);
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
	roost_content_spell(&content,
			    ((struct mail_private *)mail)->data_pool);
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

	if (!cbox->is_sealed || cmail->is_held_back ||
	    cmail->content.data_key == NULL ||
	    !roost_cache_mail_may_tell(cmail))
		return;
	/* The first slots are for who can open the keyring.  Core refuses to
	   fill one twice. */
	is_whole = roost_ring_cache_aead(cbox->ring) == NULL ||
		roost_cache_mail_has_own(mail);
	if (!is_whole || !cache_mail_has(mail, cbox->new_idx))
		cache_mail_add(mail, is_whole);
}
