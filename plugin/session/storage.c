/* SPDX-License-Identifier: MIT */
/*
 * storage: kinds of storages.  See storage.h.
 */
#include "session/storage.h"

bool
roost_storage_can_seal(const struct mail_storage *storage)
{
	return (storage->class_flags &
		MAIL_STORAGE_CLASS_FLAG_BINARY_DATA) != 0 &&
		strcmp(storage->name, "raw") != 0;
}

bool
roost_storage_is_dbox(const struct mail_storage *storage)
{
	return strcmp(storage->name, "sdbox") == 0 ||
		strcmp(storage->name, "mdbox") == 0;
}
