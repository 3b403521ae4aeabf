/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_WALK_H
#define ROOST_DOVEADM_WALK_H

/*
 * walk: visits mailboxes, one after another, and the messages in them.
 *
 * Every command that looks at more than one mailbox walks here, so that each
 * of them treats alike:
 *
 * - a mailbox that is only the parent of others, or that was removed after it
 *   had been listed: it is not visited, and that is no error; it is one where
 *   the admin named each mailbox;
 * - a mailbox that cannot be opened or read: the log names it, the others are
 *   visited all the same, and the walk fails;
 * - an interrupt: it ends the walk, which fails.
 */

#include "doveadm/command.h"
#include "doveadm/masks.h"

struct roost_walk {
	struct doveadm_mail_cmd_context *ctx;
	enum mailbox_flags flags;	/* that mailboxes are opened with */
	/* The mailbox is open and synchronized.  -1 if it could not be done;
	   that has been logged, and the exit code is set. */
	int (*visit)(struct mailbox *box, void *context);
	void *context;
};

/* True if the namespace stores messages of its own that can be sealed. */
bool roost_walk_is_storing(const struct mail_namespace *ns);

/*
 * Visit each mailbox of the namespace.  -1 if not all of them were visited, or
 * a visit answered -1: error_r says so in a sentence, for the caller to log,
 * and what was wrong with a mailbox has been logged.
 */
int roost_walk_namespace(const struct roost_walk *walk,
			 struct mail_namespace *ns, const char **error_r);

/* Visit each mailbox that the masks name.  -1 if not all of them were visited,
   or a visit answered -1: it has been logged, and the exit code is set. */
int roost_walk_masks(const struct roost_walk *walk, struct mail_user *user,
		     const struct roost_masks *masks);

/*
 * Visit each message of the mailbox, or of the transaction's, until visit
 * answers -1.  On a terminal, doveadm says how far it is.  -1 if not all were
 * visited: that is logged and the exit code set, unless visit answered -1,
 * which has to do so itself.  In the first, messages are only read.
 */
int roost_walk_messages(struct doveadm_mail_cmd_context *ctx,
			struct mailbox *box,
			int (*visit)(struct mail *mail, void *context),
			void *context);
int roost_walk_transaction(struct doveadm_mail_cmd_context *ctx,
			   struct mailbox_transaction_context *trans,
			   int (*visit)(struct mail *mail, void *context),
			   void *context);

/* Log that what, a verb with its object but for the mailbox, cannot be done,
   with the last error of the mailbox; set the exit code.  Always -1. */
int roost_walk_fail(struct doveadm_mail_cmd_context *ctx, struct mailbox *box,
		    const char *what);

#endif
