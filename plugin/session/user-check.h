/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_USER_CHECK_H
#define ROOST_SESSION_USER_CHECK_H

/*
 * user-check: Dovecot's hooks by which a user gets his state, or is refused
 * because his settings, plugins or storages would leave mail in clear.
 */

#include "dovecot/compat.h"

void roost_user_created(struct mail_user *user);
void roost_user_namespaces_created(struct mail_namespace *namespaces);

/* Why a storage of this kind cannot hold sealed mail, and what to do; NULL if
   it can, or only shows what another storage holds.  On the data stack. */
const char *roost_user_check_storage_kind(const struct mail_storage *storage);

#endif
