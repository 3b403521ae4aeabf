/* SPDX-License-Identifier: MIT */
/*
 * sizes: sizes on record and true ones.  See sizes.h.
 *
 * The sizes of a packed message are found by reading what it unpacks to.  The
 * unpacking plugins read all of that in any case, before the mail is closed.
 */
#include "mail/sizes.h"

#include "index-mail.h"
#include "mail-cache.h"

#include "cache/fill.h"

#include "roost/bytes.h"

static bool
is_same_object(const struct roost_counted *counted, const uint8_t *object_id)
{
	return !roost_bytes_are_zero(object_id, ROOST_ID_SIZE) &&
		memcmp(counted->object_id, object_id,	/* public */
		       ROOST_ID_SIZE) == 0;
}

bool
roost_sizes_was_packed(struct istream *plain, const uint8_t *object_id,
		       struct roost_counted *counted)
{
	if (is_same_object(counted, object_id))
		return !counted->is_plain && roost_measure_is_packed(plain);
	memcpy(counted->object_id, object_id, ROOST_ID_SIZE);
	counted->sizes.physical = 0;
	counted->is_plain = !roost_measure_is_packed(plain) &&
		plain->stream_errno == 0;
	return !counted->is_plain && plain->stream_errno == 0;
}

/* Counts what packed bytes unpack to, unless the session knows it.  FALSE if
   that cannot be read. */
static bool
sizes_of_packed(struct istream *shown, struct roost_counted *counted,
		struct roost_sizes *sizes_r)
{
	if (counted->sizes.physical == 0 &&
	    !roost_measure_count(shown, &counted->sizes))
		return FALSE;
	sizes_r->physical = counted->sizes.physical;
	sizes_r->virtual = counted->sizes.virtual;
	return TRUE;
}

static bool
differs(uoff_t on_record, uoff_t size)
{
	return on_record != UOFF_T_MAX && size != UOFF_T_MAX &&
		on_record != size;
}

/* Compares with what the index says, or a file's name.  So the sizes that core
   has in memory are forgotten before, and the message is not read. */
static void
sizes_compare(struct mail *mail, struct roost_sizes *sizes)
{
	struct index_mail *imail = INDEX_MAIL(mail);
	enum mail_fetch_field fields = imail->data.cache_fetch_fields;
	enum mail_lookup_abort old_abort = mail->lookup_abort;
	uoff_t size;

	imail->data.physical_size = imail->data.virtual_size = UOFF_T_MAX;
	mail_storage_last_error_push(mail->box->storage);
	mail->lookup_abort = MAIL_LOOKUP_ABORT_NOT_IN_CACHE;
	if (mail_get_physical_size(mail, &size) == 0)
		sizes->is_physical_wrong = differs(size, sizes->physical);
	if (sizes->virtual != UOFF_T_MAX &&
	    mail_get_virtual_size(mail, &size) == 0)
		sizes->is_virtual_wrong = differs(size, sizes->virtual);
	mail->lookup_abort = old_abort;
	mail_storage_last_error_pop(mail->box->storage);
	imail->data.cache_fetch_fields = fields;
}

/* Tells core the sizes, which it believes before any other record but the name
   of a maildir file. */
static void
sizes_set(struct mail *mail, const struct roost_sizes *sizes)
{
	struct index_mail *imail = INDEX_MAIL(mail);
	struct index_mail_data *data = &imail->data;

	data->physical_size = sizes->physical;
	data->virtual_size = sizes->virtual;
	if (roost_sizes_are_wrong(sizes))
		data->dont_cache_fetch_fields |= MAIL_FETCH_PHYSICAL_SIZE |
			MAIL_FETCH_VIRTUAL_SIZE;
}

/* TRUE if what the cache has of the message was made from just these bytes.
   Then they only look packed: a message may begin with anything. */
static bool
is_kept_as_shown(struct mail *mail, const struct roost_measure *shown)
{
	uoff_t virtual, physical;

	return roost_cache_fill_sizes(mail, &virtual, &physical) &&
		virtual == shown->virtual && physical == shown->physical;
}

/* Holds the sizes of packed bytes back; FALSE if they are the message. */
static bool
sizes_hold_back(struct mail *mail, struct istream *shown,
		struct roost_sizes *sizes_r)
{
	struct roost_measure counted;
	bool is_counted = roost_measure_count(shown, &counted);

	if (is_counted && is_kept_as_shown(mail, &counted))
		return FALSE;
	((struct mail_private *)mail)->v.set_uid_cache_updates(mail, TRUE);
	roost_cache_mail_hold_back(mail);
	if (!is_counted)
		return TRUE;
	sizes_r->physical = counted.physical;
	sizes_r->virtual = counted.virtual;
	sizes_r->is_held_back = TRUE;
	return TRUE;
}

void
roost_sizes_opened(struct mail *mail, struct istream *plain, bool was_packed,
		   struct istream *shown, struct roost_counted *counted,
		   struct roost_sizes *sizes_r)
{
	struct roost_sizes sizes;

	/* The hooks that are asked for the record would answer from these. */
	roost_sizes_reset(sizes_r);
	roost_sizes_reset(&sizes);
	if (was_packed && roost_measure_is_packed(shown) &&
	    sizes_hold_back(mail, shown, sizes_r))
		return;
	if (was_packed ?
	    !sizes_of_packed(shown, counted, &sizes) :
	    plain != shown ||
	    i_stream_get_size(shown, TRUE, &sizes.physical) <= 0)
		return;
	sizes_compare(mail, &sizes);
	if (roost_sizes_are_wrong(&sizes))
		roost_cache_mail_disown(mail);
	sizes_set(mail, &sizes);
	*sizes_r = sizes;
}

/* Answers known in *size_r and tells core: 0; or ret if it is not known. */
static int
size_settle(uoff_t known, int ret, uoff_t *told, uoff_t *size_r)
{
	if (known == UOFF_T_MAX)
		return ret;
	*told = *size_r = known;
	return 0;
}

int
roost_sizes_physical(struct mail *mail, const struct roost_sizes *sizes,
		     int ret, uoff_t *size_r)
{
	struct index_mail *imail = INDEX_MAIL(mail);

	return size_settle(sizes->physical, ret, &imail->data.physical_size,
			   size_r);
}

int
roost_sizes_virtual(struct mail *mail, const struct roost_sizes *sizes,
		    int ret, uoff_t *size_r)
{
	struct index_mail *imail = INDEX_MAIL(mail);

	return size_settle(sizes->virtual, ret, &imail->data.virtual_size,
			   size_r);
}

void
roost_sizes_forget(struct mail *mail)
{
	struct index_mail *imail = INDEX_MAIL(mail);

	imail->data.physical_size = imail->data.virtual_size = UOFF_T_MAX;
}

/* Adds a size to the index cache, where it has no such field of the message. */
static void
size_note(struct mail *mail, const char *field, uoff_t size)
{
	unsigned int idx = mail_cache_register_lookup(mail->box->cache, field);

	if (idx != UINT_MAX &&
	    mail_cache_field_exists(mail->transaction->cache_view, mail->seq,
				    idx) == 0)
		mail_cache_add(mail->transaction->cache_trans, mail->seq, idx,
			       &size, sizeof(size));
}

void
roost_sizes_note(struct mail *mail, const struct roost_sizes *sizes)
{
	if (sizes->is_held_back || sizes->virtual == UOFF_T_MAX)
		return;
	size_note(mail, "size.physical", sizes->physical);
	size_note(mail, "size.virtual", sizes->virtual);
}

void
roost_sizes_heal(struct mail *mail, struct roost_sizes *sizes)
{
	struct roost_sizes healed = *sizes;

	sizes->is_physical_wrong = sizes->is_virtual_wrong = FALSE;
	sizes->was_healed = TRUE;
	mail_storage_last_error_push(mail->box->storage);
	mail_set_cache_corrupted(mail, healed.is_physical_wrong ?
		MAIL_FETCH_PHYSICAL_SIZE : MAIL_FETCH_VIRTUAL_SIZE,
		"roost: the size on record is not that of the message, which "
		"was looked at without the plugin that unpacks it; it is "
		"made anew");
	mail_storage_last_error_pop(mail->box->storage);
	sizes_set(mail, &healed);
}
