/* SPDX-License-Identifier: MIT */
/*
 * dbox-sizes: sizes after a repair.  See dbox-sizes.h.
 *
 * A repair keeps the physical size that was written with the message, and
 * counts the virtual size from the sealed bytes.  These look random, so that
 * count lies within narrow bounds, and only a size between them is counted
 * anew, by reading the message.  While the caller lets nobody look into the
 * file (lookup_abort), its record is not known, which does not mean that there
 * is none.
 */
#include "mail/dbox-sizes.h"

#include "index-mail.h"
#include "mail-cache.h"
#include "dbox-storage.h"
#include "dbox-file.h"
#include "dbox-mail.h"
#include "strnum.h"

#include "session/inspect.h"
#include "session/storage.h"

/* TRUE if the index cache has the size: then core does not ask the file. */
static bool
is_cached(struct mail *mail, const char *field)
{
	unsigned int idx = mail_cache_register_lookup(mail->box->cache, field);

	return idx != UINT_MAX &&
		mail_cache_field_exists(mail->transaction->cache_view,
					mail->seq, idx) > 0;
}

/* Gets a size from the file's metadata; FALSE if there is none. */
static bool
metadata_size(struct mail *mail, enum dbox_metadata_key key, uoff_t *size_r)
{
	struct dbox_file *file;
	const char *value;
	uintmax_t size;

	if (dbox_mail_metadata_read((struct dbox_mail *)mail, &file) < 0)
		return FALSE;
	value = dbox_file_metadata_get(file, key);
	if (value == NULL || str_to_uintmax_hex(value, &size) < 0)
		return FALSE;
	*size_r = size;
	return TRUE;
}

/* TRUE if the file's record counts, the file may be read, and it holds a sealed
   message, of which peek then tells. */
static bool
peek_sealed(struct mail *mail, const char *field, struct roost_peek *peek)
{
	return roost_storage_is_dbox(mail->box->storage) && !mail->saving &&
		mail->lookup_abort == MAIL_LOOKUP_ABORT_NEVER &&
		!is_cached(mail, field) &&
		roost_inspect_peek(mail, peek) > 0 && peek->is_sealed &&
		peek->sealed_size > 0;
}

/* May a repair have counted this from the sealed bytes?  Each line feed without
   a carriage return in front adds one to their number.  About one in 256 random
   bytes is a line feed; a quarter more, and 256, allow for chance and for those
   of the header. */
static bool
is_of_sealed_bytes(const struct roost_peek *peek, uoff_t size)
{
	uoff_t mean = peek->sealed_size / 256;

	return size >= peek->sealed_size &&
		size - peek->sealed_size <= mean + mean / 4 + 256;
}

static bool
virtual_is_believed(struct mail *mail, const struct roost_peek *peek)
{
	uoff_t physical, virtual;

	return metadata_size(mail, DBOX_METADATA_VIRTUAL_SIZE, &virtual) &&
		metadata_size(mail, DBOX_METADATA_PHYSICAL_SIZE, &physical) &&
		virtual >= physical && virtual - physical <= physical &&
		!is_of_sealed_bytes(peek, virtual);
}

bool
roost_dbox_virtual_size(struct mail *mail, uoff_t *size_r)
{
	struct roost_peek peek;
	bool ret = FALSE;

	T_BEGIN {
		if (peek_sealed(mail, "size.virtual", &peek) &&
		    !virtual_is_believed(mail, &peek)) {
			/* This counts by reading, and caches the result.
			   A message that does not open keeps the size on
			   record. */
			mail_storage_last_error_push(mail->box->storage);
			ret = index_mail_get_virtual_size(mail, size_r) == 0;
			mail_storage_last_error_pop(mail->box->storage);
		}
	} T_END;
	return ret;
}

/* Opens the message, which tells core its size.  FALSE if it did not. */
static bool
is_known_when_opened(struct mail *mail)
{
	const struct index_mail *imail = INDEX_MAIL(mail);
	struct istream *input;
	int ret;

	mail_storage_last_error_push(mail->box->storage);
	ret = mail_get_stream_because(mail, NULL, NULL, "roost size", &input);
	mail_storage_last_error_pop(mail->box->storage);
	return ret == 0 && imail->data.physical_size != UOFF_T_MAX;
}

bool
roost_dbox_physical_size(struct mail *mail, uoff_t *size_r)
{
	const struct index_mail *imail = INDEX_MAIL(mail);
	struct roost_peek peek;
	bool ret = FALSE;
	uoff_t size;

	if (imail->data.physical_size != UOFF_T_MAX)
		return FALSE;
	T_BEGIN {
		if (peek_sealed(mail, "size.physical", &peek) &&
		    !metadata_size(mail, DBOX_METADATA_PHYSICAL_SIZE, &size) &&
		    !is_known_when_opened(mail)) {
			/* The best guess: it is right unless the message is
			   compressed. */
			*size_r = peek.plain_size;
			ret = TRUE;
		}
	} T_END;
	return ret;
}
