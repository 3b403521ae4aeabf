/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_DBOX_SIZES_H
#define ROOST_MAIL_DBOX_SIZES_H

/*
 * dbox-sizes: the sizes of sealed messages in dbox files that core repaired.
 *
 * Repairing a file counts the stored bytes, which are not the message's.
 * Such a size is recognised and set right, without a key where that is
 * possible.
 */

#include "dovecot/compat.h"

/*
 * TRUE with the right size if the file's own record of it cannot be believed;
 * FALSE to ask the storage as usual.
 */
bool roost_dbox_virtual_size(struct mail *mail, uoff_t *size_r);
bool roost_dbox_physical_size(struct mail *mail, uoff_t *size_r);

#endif
