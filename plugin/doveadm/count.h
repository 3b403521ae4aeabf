/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_COUNT_H
#define ROOST_DOVEADM_COUNT_H

/*
 * count: how many messages a keyring is for, and how many of them are not
 * sealed, or sealed to an epoch that is not the newest.
 *
 * Of each message the first bytes are read, and no key is needed.
 */

#include "doveadm/command.h"

struct roost_count_box {
	const char *vname;
	unsigned int messages, unsealed, old_epoch;
	unsigned int crypted;	/* of the unsealed, by Dovecot's mail_crypt */
};

struct roost_count {
	pool_t pool;
	ARRAY(struct roost_count_box) boxes;	/* that were read whole */
	struct roost_count_box all;		/* the sum; its name is "*" */
};

/*
 * Count all mail that the keyring of this namespace is for, by mailbox.  ring
 * is NULL where there is none; then old_epoch stays 0.  0, or -1 with error_r
 * if not every message could be looked at: what could not be has been logged,
 * and count_r holds the rest.  The caller frees count_r after both.
 */
int roost_count_mail(struct doveadm_mail_cmd_context *ctx,
		     struct mail_namespace *ns, const struct roost_ring *ring,
		     struct roost_count *count_r, const char **error_r);
/* Is the mail of the namespace other also for the keyring of ns? */
bool roost_count_takes(const struct mail_namespace *ns,
		       const struct mail_namespace *other);

/* Also for one that is all zero. */
void roost_count_free(struct roost_count *count);

#endif
