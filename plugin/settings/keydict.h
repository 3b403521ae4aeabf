/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SETTINGS_KEYDICT_H
#define ROOST_SETTINGS_KEYDICT_H

/*
 * keydict: opens the dict that roost_keyring names, which is configured in one
 * way on each major of Dovecot.
 */

#include "dovecot/compat.h"

#include "dict.h"

/*
 * Open the dict for a while.  name is what stands behind "dict:" in
 * roost_keyring:
 *
 * - Dovecot 2.3: a name in its dict { } section, which is asked through the
 *   dict server, or, if there is a colon in it, the URI of a dict;
 * - Dovecot 2.4: the name of a roost_dict NAME { } that holds a dict.
 *
 * The user's settings hold.  NULL with error_r, which says what to write.  The
 * caller ends with dict_deinit().
 */
struct dict *roost_keydict_open(const char *name, struct mail_user *user,
				const char **error_r);

#endif
