/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_COMMAND_H
#define ROOST_DOVEADM_COMMAND_H

/*
 * command: what the commands of `doveadm roost` share.
 */

#include "dovecot/compat.h"

#include "doveadm.h"
#include "doveadm-cmd.h"
#include "doveadm-mail.h"
#include "doveadm-print.h"

#include "session/user.h"

/*
 * A command's v.init is ROOST_CMD_INIT(fn), where fn takes the context alone;
 * ROOST_CMD_DEFINE_INIT(fn) stands behind fn.  In alloc,
 * roost_command_accept_params() lets parameters be read by name there.
 */
#ifdef ROOST_HAVE_DOVEADM_PARSE_ARG
# define ROOST_CMD_INIT(fn) fn##_with_args
# define ROOST_CMD_DEFINE_INIT(fn) \
static void \
fn##_with_args(struct doveadm_mail_cmd_context *ctx, \
	       const char *const args[] ATTR_UNUSED) \
{ \
	fn(ctx); \
}
#else
# define ROOST_CMD_INIT(fn) fn
# define ROOST_CMD_DEFINE_INIT(fn)
#endif
void roost_command_accept_params(struct doveadm_mail_cmd_context *ctx);

/* Log an error about the user and make doveadm fail.  Always -1. */
int roost_command_fail(struct doveadm_mail_cmd_context *ctx,
		       struct mail_user *user, const char *error);

/* The policy of that name, and back.  FALSE: there is none. */
bool roost_command_policy(const char *name, enum roost_policy *policy_r);
const char *roost_command_policy_name(enum roost_policy policy);

/* The private namespace whose keyring is the user's own. */
struct mail_namespace *roost_command_namespace(struct mail_user *user);

/* The user's own or a public namespace with that prefix; NULL with error_r if
   there is none. */
struct mail_namespace *
roost_command_namespace_find(struct mail_user *user, const char *prefix,
			     const char **error_r);

#endif
