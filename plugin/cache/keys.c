/* SPDX-License-Identifier: MIT */
/*
 * keys: what blob and file tell each other.  See keys.h.
 */
#include "cache/keys.h"

#include "dovecot/report.h"
#include "cache/fill.h"
#include "cache/store.h"
#include "session/named-object.h"
#include "session/old-forms.h"

#include "roost/bytes.h"

void
roost_cache_keys_ignore(struct mail *mail)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);

	roost_cache_mail_forget(cmail);
	cmail->is_other = TRUE;
}

/* Tell Dovecot whether the message has NULs, for which it then need not
   look. */
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

/* An object id of zeros says that the message was not sealed when it was
   cached, so a sealed file is another one, whatever its id. */
static bool
cache_mail_is_other(const struct roost_cache_mail *cmail,
		    const struct roost_header *header)
{
	return roost_bytes_are_zero(cmail->object_id, ROOST_ID_SIZE) ||
		memcmp(cmail->object_id, header->object_id,	/* public */
		       ROOST_ID_SIZE) != 0;
}

static bool
is_named_other(struct mail *mail, const uint8_t *object_id)
{
	return roost_named_object_compare(mail, object_id) ==
		ROOST_NAMED_OBJECT_OTHER;
}

/* Does the index, as it is now, name another object?  Who rewrites a message in
   its place names it once it is there; so a file that is found anew after this
   is another one.  What a repair of mdbox has brought back is expected. */
static bool
cache_mail_is_named_other(struct mail *mail, const uint8_t *object_id)
{
	if (!is_named_other(mail, object_id))
		return FALSE;
	(void)mail_index_refresh(mail->box->index);
	return is_named_other(mail, object_id) &&
		!roost_old_forms_may_be_back(mail);
}

bool
roost_cache_keys_are_other(struct mail *mail,
			   const struct roost_header *header)
{
	struct roost_cache_mail *cmail = roost_cache_mail_get(mail);

	if (cmail == NULL || mail->saving)
		return FALSE;
	if (cache_mail_is_named_other(mail, header->object_id)) {
		cmail->is_used = cmail->was_named_other = TRUE;
		return TRUE;
	}
	if (!roost_cache_fill_from_blob(mail, CACHE_BLOB_FACTS) ||
	    !cache_mail_is_other(cmail, header))
		return FALSE;
	(void)mail_index_refresh(mail->box->index);
	roost_cache_mail_look_again(cmail);
	return roost_cache_fill_from_blob(mail, CACHE_BLOB_FACTS) &&
		cache_mail_is_other(cmail, header);
}

bool
roost_cache_keys_get(struct mail *mail, const struct roost_header *header,
		     struct roost_file_keys *keys_r)
{
	struct roost_cache_mail *cmail = roost_cache_mail_get(mail);
	const struct roost_blob_bytes *saved;

	/* A message of another keyring is refused, whatever a blob says, so
	   its keyring id is compared before any key is used. */
	if (cmail == NULL ||
	    !roost_cache_fill_from_blob(mail, CACHE_BLOB_FACTS) ||
	    cmail->content.data_key == NULL ||
	    !roost_bytes_equal(header->keyring_id,
			       roost_ring_doc(cmail->cbox->ring)->id,
			       ROOST_ID_SIZE))
		return FALSE;
	if (cache_mail_is_other(cmail, header)) {
		roost_cache_keys_ignore(mail);
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

static void
cache_mail_set_file(struct roost_cache_mail *cmail, const uint8_t *object_id,
		    const struct roost_file_keys *keys)
{
	static const uint8_t none[ROOST_ID_SIZE];

	cmail->is_used = TRUE;
	/* A sealed file whose object id is zero is not cached, because the
	   blob would say that it is not sealed. */
	cmail->is_opened = object_id == NULL ||
		!roost_bytes_are_zero(object_id, ROOST_ID_SIZE);
	memcpy(cmail->file_object_id, object_id == NULL ? none : object_id,
	       ROOST_ID_SIZE);
	if (keys != NULL)
		cmail->file_keys = *keys;
	else
		i_zero(&cmail->file_keys);
}

/* This waits until the file has opened: of one that is refused, only the
   refusal counts. */
static void
cache_mail_report_changed(struct mail *mail)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	/* A session may have added blobs of what the message was before it was
	   sealed in its place. */
	bool is_expected = cmail->is_opened &&
		roost_named_object_compare(mail, cmail->file_object_id) ==
		ROOST_NAMED_OBJECT_THIS;

	if (!is_expected && roost_cache_mail_log_once(mail, "changed"))
		roost_report_changed(mail);
	cmail->is_other = FALSE;
	/* With the blob go Dovecot's own fields, such as sizes and dates,
	   which are of the other message, too. */
	roost_cache_store_drop(mail, cmail->is_opened ?
			       cmail->file_object_id : NULL);
}

void
roost_cache_keys_opened(struct mail *mail, const uint8_t *object_id,
			const struct roost_file_keys *keys)
{
	struct roost_cache_mail *cmail = roost_cache_mail_get(mail);

	if (cmail == NULL)
		return;
	cache_mail_set_file(cmail, object_id, keys);
	/* The file was found anew since then. */
	if (cmail->was_named_other && object_id != NULL &&
	    cache_mail_is_named_other(mail, object_id))
		cmail->is_other = TRUE;
	cmail->was_named_other = FALSE;
	if (cmail->is_other)
		cache_mail_report_changed(mail);
}
