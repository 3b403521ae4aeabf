/* SPDX-License-Identifier: MIT */
/*
 * known: records of the index cache, dropped and begun anew.  See known.h.
 */
#include "rewrite/known.h"

#include "ioloop.h"
#include "mail-cache-private.h"

#include "session/leaks.h"
#include "session/named-object.h"
#include "session/record.h"

#include <sys/stat.h>

#define FIELD_PREFIX "roost."
#define FIELD_SAVE_DATE "date.save"

/* One message in the index as it is now.  A mailbox's own view is older, and
   has a transaction open. */
struct known {
	struct mail_cache *cache;
	struct mail_index_view *view;
	struct mail_cache_view *cache_view;
	uint32_t seq;
};

/*
 * Another session may have written the cache's file anew before the index was
 * locked.  While it is locked Dovecot does not look for that, but takes the new
 * file for a broken one, and removes it.
 */
static void
cache_follow(struct mail_cache *cache)
{
	struct stat st, now;

	if (cache->fd != -1 && fstat(cache->fd, &st) == 0 &&
	    stat(cache->filepath, &now) == 0 &&
	    (st.st_ino != now.st_ino || !CMP_DEV_T(st.st_dev, now.st_dev)))
		(void)mail_cache_reopen(cache);
}

/* FALSE if there is no index cache, or the index no longer has the message. */
static bool
known_open(struct known *known_r, struct mailbox *box, uint32_t uid)
{
	i_zero(known_r);
	known_r->cache = box->cache;
	if (box->cache == NULL)
		return FALSE;
	cache_follow(box->cache);
	known_r->view = mail_index_view_open(box->index);
	if (!mail_index_lookup_seq(known_r->view, uid, &known_r->seq)) {
		mail_index_view_close(&known_r->view);
		return FALSE;
	}
	known_r->cache_view = mail_cache_view_open(box->cache, known_r->view);
	/* To look here is no sign that a client wants a field cached. */
	mail_cache_view_update_cache_decisions(known_r->cache_view, FALSE);
	return TRUE;
}

static void
known_close(struct known *known)
{
	mail_cache_view_close(&known->cache_view);
	mail_index_view_close(&known->view);
}

static bool
is_save_date(const struct mail_cache_field *field)
{
	return strcmp(field->name, FIELD_SAVE_DATE) == 0;
}

/* What Dovecot would no longer cache goes, unless it cannot make it again. */
static bool
field_stays(const struct mail_cache_field *field)
{
	return ((field->decision & ~MAIL_CACHE_DECISION_FORCED) !=
		MAIL_CACHE_DECISION_NO || is_save_date(field)) &&
		strncasecmp(field->name, FIELD_PREFIX,
			    strlen(FIELD_PREFIX)) != 0 &&
		!roost_leaks_field_is_telling(field->name);
}

/* Have a field added again. */
static void
keep(ARRAY_TYPE(roost_record_field) *kept, unsigned int idx,
     const buffer_t *value)
{
	const struct roost_record_field field = {
		.idx = idx, .data = value->data, .size = value->used,
	};

	array_push_back(kept, &field);
}

static void
known_keep(const struct known *known, ARRAY_TYPE(roost_record_field) *kept)
{
	buffer_t *value;
	unsigned int i;

	for (i = 0; i < known->cache->fields_count; i++) {
		if (!field_stays(&known->cache->fields[i].field))
			continue;
		value = t_buffer_create(64);
		if (mail_cache_lookup_field(known->cache_view, value,
					    known->seq, i) > 0)
			keep(kept, i, value);
	}
}

/* Have the save date kept when the cache is purged, unless a setting says
   never. */
static void
save_date_decide(struct mail_cache *cache, unsigned int idx)
{
	struct mail_cache_field field =
		*mail_cache_register_get_field(cache, idx);

	if ((field.decision & MAIL_CACHE_DECISION_FORCED) != 0 ||
	    field.decision == MAIL_CACHE_DECISION_YES)
		return;
	field.decision = MAIL_CACHE_DECISION_YES;
	/* One that seems not to have been used for long is dropped. */
	field.last_used = ioloop_time;
	roost_cache_register(cache, &field, 1);
}

/* The storage takes the save date from its file's times, which begin anew. */
static void
known_keep_save_date(const struct known *known, time_t save_date,
		     ARRAY_TYPE(roost_record_field) *kept)
{
	uint32_t date = (uint32_t)save_date;
	unsigned int idx = mail_cache_register_lookup(known->cache,
						      FIELD_SAVE_DATE);
	buffer_t *value = t_buffer_create(sizeof(date));
	const struct roost_record_field *other;

	if (save_date == 0 || idx == UINT_MAX)
		return;
	save_date_decide(known->cache, idx);
	array_foreach(kept, other) {
		if (other->idx == idx)
			return;
	}
	buffer_append(value, &date, sizeof(date));
	keep(kept, idx, value);
}

int
roost_rewrite_known_drop(struct mailbox *box, uint32_t uid, bool is_unsealed,
			 time_t save_date, const char **error_r)
{
	ARRAY_TYPE(roost_record_field) kept;
	struct known known;
	int ret;

	if (mail_index_refresh(box->index) < 0) {
		*error_r = "the index cannot be read";
		return -1;
	}
	if (!known_open(&known, box, uid))
		return 0;
	t_array_init(&kept, 16);
	known_keep(&known, &kept);
	known_keep_save_date(&known, save_date, &kept);
	ret = roost_record_replace(known.cache, known.view, known.seq, &kept);
	if (ret == 0)
		ret = roost_named_object_mark(box->index, known.view,
					      known.seq, is_unsealed);
	known_close(&known);
	if (ret < 0)
		*error_r = "the index cannot be written";
	return ret;
}

void
roost_rewrite_known_name(struct mailbox *box, uint32_t uid,
			 const uint8_t object_id[ROOST_ID_SIZE])
{
	unsigned int idx = box->cache == NULL ? UINT_MAX :
		mail_cache_register_lookup(box->cache,
					   ROOST_NAMED_OBJECT_FIELD);
	struct mail_index_transaction *trans;
	struct known known;

	/* Without the field nothing is cached of sealed messages here. */
	if (idx == UINT_MAX || mail_index_refresh(box->index) < 0 ||
	    !known_open(&known, box, uid))
		return;
	trans = mail_index_transaction_begin(known.view,
					MAIL_INDEX_TRANSACTION_FLAG_EXTERNAL);
	mail_cache_add(mail_cache_get_transaction(known.cache_view, trans),
		       known.seq, idx, object_id, ROOST_ID_SIZE);
	(void)mail_index_transaction_commit(&trans);
	known_close(&known);
}
