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

#endif
