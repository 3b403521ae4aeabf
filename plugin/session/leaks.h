/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_LEAKS_H
#define ROOST_SESSION_LEAKS_H

/*
 * leaks: what beside the mail would leave words of it on a disk.
 */

#include "dovecot/compat.h"

/* The full-text plugin that the user has loaded, or NULL. */
const char *roost_leaks_fts_plugin(const struct mail_user *user);

/* Does a field of Dovecot's own in an index cache, of this name, tell what a
   message says? */
bool roost_leaks_field_is_telling(const char *name);

/* Warn, once for the process, if Dovecot's spool files would lie on a disk,
   where they can be read by whoever holds it. */
void roost_leaks_check_temp_dir(struct mail_user *user);

#endif
