/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_SEAL_FINISH_H
#define ROOST_DOVEADM_SEAL_FINISH_H

/*
 * seal-finish: the end of `doveadm roost seal --finish`: when every message of
 * a user is sealed, what still stands in clear beside them is taken away.
 */

#include "doveadm/walk.h"

/*
 * Set the policy to sealed, make old names of keywords private, and have the
 * index caches written anew without what Dovecot kept there in clear.  0, or
 * -1 with error_r: then it is to be run again.
 */
int roost_seal_finish(struct doveadm_mail_cmd_context *ctx,
		      struct roost_user *ruser, struct mail_user *user,
		      const struct roost_masks *masks, const char **error_r);

#endif
