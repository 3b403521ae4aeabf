/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_DBOX_SIZES_H
#define ROOST_MAIL_DBOX_SIZES_H

/*
 * dbox-sizes: sizes of sealed messages in dbox files that core has repaired.
 *
 * A repair counts the stored bytes, and so records sizes that are not the
 * message's.  Such a size is recognised and put right, without a key where that
 * is possible.
 */

#include "dovecot/compat.h"

/* TRUE if the file's own record of the size cannot be believed: *size_r is the
   right one.  FALSE if the storage is to be asked as usual. */
bool roost_dbox_virtual_size(struct mail *mail, uoff_t *size_r);
bool roost_dbox_physical_size(struct mail *mail, uoff_t *size_r);

#endif
