/* SPDX-License-Identifier: MIT */
/*
 * record: one message in the index cache.  See record.h.
 */
#include "session/record.h"

#include "mail-cache-private.h"

static bool
record_is_there(struct mail_cache *cache, struct mail_index_view *view,
		uint32_t seq)
{
	static const uint32_t none;
	const void *offset;

	mail_index_lookup_ext(view, seq, cache->ext_id, &offset, NULL);
	return offset != NULL &&
		memcmp(offset, &none, sizeof(none)) != 0;	/* public */
}

/*
 * The old record ends first, because a new one is linked to that which the
 * transaction finds before it.  The fields are added in a view in which it is
 * gone, because no field is added that the view has.
 */
int
roost_record_replace(struct mail_cache *cache, struct mail_index_view *view,
		     uint32_t seq,
		     const ARRAY_TYPE(roost_record_field) *fields)
{
	struct mail_index_transaction *trans =
		mail_index_transaction_begin(view,
					MAIL_INDEX_TRANSACTION_FLAG_EXTERNAL);
	const struct roost_record_field *field;
	struct mail_index_view *updated;
	struct mail_cache_view *cache_view;
	uint32_t none = 0;
	int ret;

	if (record_is_there(cache, view, seq))
		mail_index_update_ext(trans, seq, cache->ext_id, &none, NULL);
	updated = mail_index_transaction_open_updated_view(trans);
	cache_view = mail_cache_view_open(cache, updated);
	/* To look here is no sign that a client wants a field cached. */
	mail_cache_view_update_cache_decisions(cache_view, FALSE);
	array_foreach(fields, field)
		mail_cache_add(mail_cache_get_transaction(cache_view, trans),
			       seq, field->idx, field->data, field->size);
	ret = mail_index_transaction_commit(&trans);
	mail_cache_view_close(&cache_view);
	mail_index_view_close(&updated);
	return ret;
}
