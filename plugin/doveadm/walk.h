/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_WALK_H
#define ROOST_DOVEADM_WALK_H

/*
 * walk: every message of a namespace, mailbox by mailbox, read only.
 *
 * A mailbox that is only the parent of others, or was removed meanwhile, is
 * no error and is not visited; one that cannot be read is named in the log,
 * and the others are visited all the same.
 */

#include "doveadm/command.h"

struct roost_walk {
	struct doveadm_mail_cmd_context *ctx;
	const char *reason;	/* of the transactions */
	void *context;
	void (*begin)(struct mailbox *box, void *context);
	void (*message)(struct mail *mail, void *context);
	void (*end)(struct mailbox *box, void *context);
};

/* Does the namespace store messages of its own? */
bool roost_walk_is_storing(const struct mail_namespace *ns);

/* 0, or -1 with error_r if not everything was visited. */
int roost_walk_namespace(const struct roost_walk *walk,
			 struct mail_namespace *ns, const char **error_r);

#endif
