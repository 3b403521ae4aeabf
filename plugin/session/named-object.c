/* SPDX-License-Identifier: MIT */
/*
 * named-object: sealed messages that the index cache names.  See
 * named-object.h.
 */
#include "session/named-object.h"

#include "mail-cache-private.h"

#include "roost/blob.h"
#include "roost/bytes.h"

#define FIELD_PREFIX "roost."

/* The object that a field of Roost names; FALSE if it names none. */
static bool
field_object_id(const struct mail_cache *cache,
		const struct mail_cache_iterate_field *field,
		uint8_t id_r[ROOST_ID_SIZE])
{
	const char *name = cache->fields[field->field_idx].field.name;
	struct roost_blob blob;
	const void *id = NULL;

	if (strcasecmp(name, ROOST_NAMED_OBJECT_FIELD) == 0) {
		if (field->size == ROOST_ID_SIZE)
			id = field->data;
	} else if (strncasecmp(name, FIELD_PREFIX,
			       strlen(FIELD_PREFIX)) == 0) {
		if (roost_blob_parse(field->data, field->size,
				     &blob) == ROOST_OK)
			id = blob.object_id;
	}
	if (id == NULL || roost_bytes_are_zero(id, ROOST_ID_SIZE))
		return FALSE;
	memcpy(id_r, id, ROOST_ID_SIZE);
	return TRUE;
}

/* The object that the index names for a mail.  Dovecot looks into the index as
   it is now, also where the view is older. */
static bool
mail_object_id(struct mail *mail, uint8_t id_r[ROOST_ID_SIZE])
{
	struct mail_cache_lookup_iterate_ctx iter;
	struct mail_cache_iterate_field field;
	bool is_named = FALSE;

	mail_cache_lookup_iter_init(mail->transaction->cache_view, mail->seq,
				    &iter);
	while (!is_named && mail_cache_lookup_iter_next(&iter, &field) > 0)
		is_named = field_object_id(mail->box->cache, &field, id_r);
	return is_named;
}

bool
roost_named_object_is_there(struct mail *mail)
{
	uint8_t id[ROOST_ID_SIZE];

	if (mail->box->cache == NULL || mail->saving || mail->uid == 0)
		return FALSE;
	return mail_object_id(mail, id);
}

/* The view is one of its own, because a mailbox's transaction has its own view
   open already. */
static void
leave_in_view(struct mail_cache *cache, struct mail_index_view *view,
	      uint32_t seq, unsigned int field_idx, const uint8_t *object_id)
{
	struct mail_index_transaction *trans =
		mail_index_transaction_begin(view,
					MAIL_INDEX_TRANSACTION_FLAG_EXTERNAL);
	struct mail_index_view *updated;
	struct mail_cache_view *cache_view;
	uint32_t none = 0;

	/* What was there ends first, because a new record is linked to the one
	   that the transaction finds before it.  The name is added in a view
	   in which that is gone, because no field is added that is there. */
	mail_index_update_ext(trans, seq, cache->ext_id, &none, NULL);
	updated = mail_index_transaction_open_updated_view(trans);
	cache_view = mail_cache_view_open(cache, updated);
	if (object_id != NULL)
		mail_cache_add(mail_cache_get_transaction(cache_view, trans),
			       seq, field_idx, object_id, ROOST_ID_SIZE);
	/* If that fails, the next session tries it again. */
	(void)mail_index_transaction_commit(&trans);
	mail_cache_view_close(&cache_view);
	mail_index_view_close(&updated);
}

void
roost_named_object_leave(struct mail *mail, unsigned int field_idx,
			 const uint8_t *object_id)
{
	struct mail_index *index = mail->box->index;
	struct mail_index_view *view;
	uint8_t id[ROOST_ID_SIZE];
	uint32_t seq;

	if (object_id == NULL && mail_object_id(mail, id))
		object_id = id;
	view = mail_index_view_open(index);
	if (mail_index_lookup_seq(view, mail->uid, &seq))
		leave_in_view(mail->box->cache, view, seq, field_idx,
			      object_id);
	mail_index_view_close(&view);
}
