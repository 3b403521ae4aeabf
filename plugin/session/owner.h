/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_OWNER_H
#define ROOST_SESSION_OWNER_H

/*
 * owner: what userdb says of the owner of a shared mailbox.  Dovecot makes a
 * user of the owner with the settings of the visitor, so that userdb is asked.
 */

#include "dovecot/compat.h"

/*
 * Look the owner up, as Dovecot looks up his home directory.  0, and the fields
 * are "name=value" and belong to the pool; -1 with error_r where there is
 * nobody to ask, the question fails, or userdb does not know the owner.
 */
int roost_owner_fields(struct mail_user *owner, pool_t pool,
		       const char *const **fields_r, const char **error_r);

#endif
