/* SPDX-License-Identifier: MIT */
/*
 * named-object: sealed messages that the index cache names.  See
 * named-object.h.
 */
#include "session/named-object.h"

#include "mail-cache-private.h"

#include "session/old-forms.h"
#include "session/record.h"

#include "roost/blob.h"
#include "roost/bytes.h"

#define FIELD_PREFIX "roost."
#define FIELD_SAVE_DATE "date.save"

/* What the mailbox's index calls the mark. */
#define MARK_NAME "roost-unsealed"

/* The object that a field of Roost names; FALSE if it names none, as does a
   blob that stands beside another. */
static bool
field_object_id(const struct mail_cache *cache,
		const struct mail_cache_iterate_field *field,
		uint8_t id_r[ROOST_ID_SIZE], bool *is_field_object_r)
{
	const char *name = cache->fields[field->field_idx].field.name;
	struct roost_blob blob;
	const void *id = NULL;

	*is_field_object_r = FALSE;
	if (strcasecmp(name, ROOST_NAMED_OBJECT_FIELD) == 0) {
		*is_field_object_r = field->size == ROOST_ID_SIZE;
		id = *is_field_object_r ? field->data : NULL;
	} else if (strncasecmp(name, FIELD_PREFIX,
			       strlen(FIELD_PREFIX)) == 0) {
		if (roost_blob_parse(field->data, field->size,
				     &blob) == ROOST_OK)
			id = blob.object_id;
	}
	if (id == NULL)
		return FALSE;
	memcpy(id_r, id, ROOST_ID_SIZE);
	return *is_field_object_r ||
		!roost_bytes_are_zero(id_r, ROOST_ID_SIZE);
}

/*
 * The object that the index names for a mail, or zeros if that says it is not
 * sealed; FALSE if it says nothing.  Dovecot looks into the index as it is now,
 * also where the view is older.  The field that holds nothing else counts more
 * than the blobs: a session may have added these of what the message was before
 * it was sealed, or unsealed, in its place.
 */
static bool
mail_object_id(struct mail *mail, uint8_t id_r[ROOST_ID_SIZE],
	       bool *is_field_object_r)
{
	struct mail_cache_lookup_iterate_ctx iter;
	struct mail_cache_iterate_field field;
	uint8_t id[ROOST_ID_SIZE];
	bool is_named = FALSE;

	*is_field_object_r = FALSE;
	mail_cache_lookup_iter_init(mail->transaction->cache_view, mail->seq,
				    &iter);
	while (!*is_field_object_r &&
	       mail_cache_lookup_iter_next(&iter, &field) > 0) {
		if (!field_object_id(mail->box->cache, &field, id,
				     is_field_object_r))
			continue;
		memcpy(id_r, id, ROOST_ID_SIZE);
		is_named = TRUE;
	}
	return is_named;
}

static bool
mail_may_be_named(const struct mail *mail)
{
	return mail->box->cache != NULL && !mail->saving && mail->uid != 0;
}

bool
roost_named_object_is_there(struct mail *mail)
{
	uint8_t id[ROOST_ID_SIZE];
	bool is_field_object;

	return mail_may_be_named(mail) &&
		mail_object_id(mail, id, &is_field_object) &&
		!roost_bytes_are_zero(id, ROOST_ID_SIZE);
}

static uint32_t
mark_ext_id(struct mail_index *index)
{
	return mail_index_ext_register(index, MARK_NAME, 0, sizeof(uint8_t),
				       sizeof(uint8_t));
}

/* Dovecot looks into the index as it is now, also where the view is older. */
static bool
is_marked(struct mail_index *index, struct mail_index_view *view, uint32_t seq)
{
	const uint8_t *mark;
	const void *data;

	mail_index_lookup_ext(view, seq, mark_ext_id(index), &data, NULL);
	mark = data;
	return mark != NULL && *mark != 0;
}

bool
roost_named_object_forbids_plaintext(struct mail *mail)
{
	return roost_named_object_is_there(mail) &&
		(mail_index_refresh(mail->box->index) < 0 ||
		 roost_named_object_is_there(mail)) &&
		!is_marked(mail->box->index, mail->transaction->view,
			   mail->seq) &&
		!roost_old_forms_may_be_back(mail);
}

int
roost_named_object_mark(struct mail_index *index, struct mail_index_view *view,
			uint32_t seq, bool is_unsealed)
{
	const uint8_t mark = is_unsealed ? 1 : 0;
	struct mail_index_transaction *trans;

	if (is_marked(index, view, seq) == is_unsealed)
		return 0;
	trans = mail_index_transaction_begin(view,
					MAIL_INDEX_TRANSACTION_FLAG_EXTERNAL);
	mail_index_update_ext(trans, seq, mark_ext_id(index), &mark, NULL);
	return mail_index_transaction_commit(&trans);
}

enum roost_named_object
roost_named_object_compare(struct mail *mail,
			   const uint8_t object_id[ROOST_ID_SIZE])
{
	uint8_t id[ROOST_ID_SIZE];
	bool is_field_object;

	if (!mail_may_be_named(mail) ||
	    !mail_object_id(mail, id, &is_field_object) || !is_field_object)
		return ROOST_NAMED_OBJECT_NONE;
	return roost_bytes_equal(id, object_id, ROOST_ID_SIZE) ?
		ROOST_NAMED_OBJECT_THIS : ROOST_NAMED_OBJECT_OTHER;
}

/* The number of the field of the save date, and its value in that view; FALSE
   if it is not there.  It is the message's, whatever its file holds, and
   nowhere else where the file was written anew. */
static bool
save_date_get(struct mail_cache *cache, struct mail_index_view *view,
	      uint32_t seq, unsigned int *idx_r, buffer_t *value_r)
{
	struct mail_cache_view *cache_view;
	int ret;

	*idx_r = mail_cache_register_lookup(cache, FIELD_SAVE_DATE);
	if (*idx_r == UINT_MAX)
		return FALSE;
	cache_view = mail_cache_view_open(cache, view);
	mail_cache_view_update_cache_decisions(cache_view, FALSE);
	ret = mail_cache_lookup_field(cache_view, value_r, seq, *idx_r);
	mail_cache_view_close(&cache_view);
	return ret > 0;
}

/* The view is one of its own, because a mailbox's transaction has its own view
   open already. */
static void
leave_in_view(struct mail_cache *cache, struct mail_index_view *view,
	      uint32_t seq, unsigned int field_idx, const uint8_t *object_id)
{
	buffer_t *value = t_buffer_create(16);
	ARRAY_TYPE(roost_record_field) fields;
	struct roost_record_field id = {
		.idx = field_idx, .data = object_id, .size = ROOST_ID_SIZE,
	};
	struct roost_record_field date;
	bool has_date = save_date_get(cache, view, seq, &date.idx, value);

	date.data = value->data;
	date.size = value->used;
	t_array_init(&fields, 2);
	if (object_id != NULL)
		array_push_back(&fields, &id);
	if (has_date)
		array_push_back(&fields, &date);
	/* If that fails, the next session tries it again. */
	(void)roost_record_replace(cache, view, seq, &fields);
}

void
roost_named_object_leave(struct mail *mail, unsigned int field_idx,
			 const uint8_t *object_id)
{
	struct mail_index *index = mail->box->index;
	struct mail_index_view *view;
	uint8_t id[ROOST_ID_SIZE];
	bool is_field_object;
	uint32_t seq;

	if (object_id == NULL && mail_object_id(mail, id, &is_field_object))
		object_id = id;
	view = mail_index_view_open(index);
	if (mail_index_lookup_seq(view, mail->uid, &seq))
		leave_in_view(mail->box->cache, view, seq, field_idx,
			      object_id);
	mail_index_view_close(&view);
}
