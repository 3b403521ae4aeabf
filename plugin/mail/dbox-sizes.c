/* SPDX-License-Identifier: MIT */
/*
 * dbox-sizes: sizes after a repair.  See dbox-sizes.h.
 *
 * A repaired file's record of the virtual size is that of the sealed bytes,
 * so at least their number; that of a message is below it unless it has some
 * hundred lines.  Only such a size is counted anew, by reading the message.
 */
#include "dbox-sizes.h"

#include "index-mail.h"
#include "mail-cache.h"
#include "dbox-storage.h"
#include "dbox-file.h"
#include "dbox-mail.h"
#include "strnum.h"

#include "inspect.h"

bool
roost_dbox_is(const struct mailbox *box)
{
	return strcmp(box->storage->name, "sdbox") == 0 ||
		strcmp(box->storage->name, "mdbox") == 0;
}

/* True if the index knows it: then nobody looks into the file. */
static bool
is_cached(struct mail *mail, const char *field)
{
	unsigned int idx = mail_cache_register_lookup(mail->box->cache, field);

	return idx != UINT_MAX &&
		mail_cache_field_exists(mail->transaction->cache_view,
					mail->seq, idx) > 0;
}

/* A size in the file's metadata; FALSE if there is none. */
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

static bool
peek_sealed(struct mail *mail, const char *field, struct roost_peek *peek)
{
	return !mail->saving && !is_cached(mail, field) &&
		roost_inspect_peek(mail, peek) > 0 && peek->is_sealed &&
		peek->sealed_size > 0;
}

bool
roost_dbox_virtual_size(struct mail *mail, uoff_t *size_r)
{
	struct roost_peek peek;
	bool ret = FALSE;
	uoff_t size;

	T_BEGIN {
		if (peek_sealed(mail, "size.virtual", &peek) &&
		    (!metadata_size(mail, DBOX_METADATA_VIRTUAL_SIZE,
				    &size) ||
		     size >= peek.sealed_size || size < peek.plain_size)) {
			/* Counts by reading, and caches.  A message that
			   cannot be opened keeps the size on record. */
			mail_storage_last_error_push(mail->box->storage);
			ret = index_mail_get_virtual_size(mail, size_r) == 0;
			mail_storage_last_error_pop(mail->box->storage);
		}
	} T_END;
	return ret;
}

bool
roost_dbox_physical_size(struct mail *mail, uoff_t *size_r)
{
	struct roost_peek peek;
	bool ret = FALSE;
	uoff_t size;

	T_BEGIN {
		if (peek_sealed(mail, "size.physical", &peek) &&
		    !metadata_size(mail, DBOX_METADATA_PHYSICAL_SIZE, &size)) {
			*size_r = peek.plain_size;
			ret = TRUE;
		}
	} T_END;
	return ret;
}
