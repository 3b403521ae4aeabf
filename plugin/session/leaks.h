/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SILENCE_H
#define ROOST_SILENCE_H

/*
 * silence: what else would leave words of sealed mail on a disk.
 */

#include "ring.h"

/* The full-text plugin that the user has loaded, or NULL. */
const char *roost_silence_fts_plugin(const struct mail_user *user);

/*
 * Warn, once for the process, if Dovecot's spool files would lie on a disk
 * that anybody can read who holds it.
 */
void roost_silence_check_temp_dir(struct mail_user *user);

#endif
