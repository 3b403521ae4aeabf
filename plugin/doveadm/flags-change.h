/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_FLAGS_CHANGE_H
#define ROOST_DOVEADM_FLAGS_CHANGE_H

/*
 * flags-change: gives messages one keyword in the place of others.
 *
 * Promises: a mailbox is changed in one transaction or not at all; a message
 * without any of the old keywords is not touched; none loses an old keyword
 * without having the new one.
 */

#include "doveadm/command.h"

struct roost_flags_change {
	struct doveadm_mail_cmd_context *ctx;
	const char *target;
	const char *const *sources;	/* NULL is the last */
	bool is_dry_run;		/* only count the messages */
};

/* Change the messages of a mailbox, which is open for writing unless this is a
   dry run.  0, and how many messages that is; -1 if nothing was changed, which
   has been logged, and the exit code is set. */
int roost_flags_change_mailbox(const struct roost_flags_change *change,
			       struct mailbox *box, unsigned int *changed_r);

#endif
