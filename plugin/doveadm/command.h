/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_COMMAND_H
#define ROOST_DOVEADM_COMMAND_H

/*
 * command: what the commands of `doveadm roost` share: how one is defined for
 * both majors of Dovecot, run for a user, and told which keyring is meant.
 */

#include "dovecot/compat.h"

#include "doveadm.h"
#include "doveadm-cmd.h"
#include "doveadm-mail.h"
#include "doveadm-print.h"

#include "session/user-ring.h"
#include "session/user-share.h"

/*
 * A command's v.init is ROOST_CMD_INIT(fn), where fn takes the context alone;
 * ROOST_CMD_DEFINE_INIT(fn) stands behind the definition of fn.  If the
 * command's alloc calls roost_command_accept_params(), fn can read the
 * parameters by name, on both majors.
 */
#ifdef ROOST_HAVE_DOVEADM_PARSE_ARG
# define ROOST_CMD_INIT(fn) fn##_with_args
# define ROOST_CMD_DEFINE_INIT(fn) \
static void \
fn##_with_args(struct doveadm_mail_cmd_context *ctx, \
	       const char *const args[] ATTR_UNUSED) \
{ \
	roost_command_need_params(ctx); \
	fn(ctx); \
}
/* Ends doveadm with an error if the command has no parameters by name, as in
   `doveadm batch`, which hands none on to the commands in it. */
void roost_command_need_params(const struct doveadm_mail_cmd_context *ctx);
#else
# define ROOST_CMD_INIT(fn) fn
# define ROOST_CMD_DEFINE_INIT(fn)
#endif
void roost_command_accept_params(struct doveadm_mail_cmd_context *ctx);

/*
 * For a command's init, which returns then: the command was used wrongly, as
 * the sentence says.  At the command line that ends doveadm.  Over a connection
 * the sentence is logged, and the answer is an error instead of what the
 * command would do: other clients are served by the same process.
 */
void roost_command_misuse(struct doveadm_mail_cmd_context *ctx,
			  const char *sentence);

/*
 * The last parameter of a command that takes a certain number of words, or
 * none: it gets those that are too many.  The command's init returns if they
 * were refused, with a sentence that has none of them in it, because one may be
 * a secret; a command without users asks for the sentence, or NULL.
 */
#define ROOST_COMMAND_MORE_PARAM \
DOVEADM_CMD_PARAM('\0', "more", CMD_PARAM_ARRAY, CMD_PARAM_FLAG_POSITIONAL)
bool roost_command_refuse_more(struct doveadm_mail_cmd_context *ctx);
const char *
roost_command_more_phrase(const struct doveadm_cmd_context *cctx);

/* What the run of a command may answer besides 0 and -1, with error_r: each
   makes doveadm end with another status. */
#define ROOST_COMMAND_DENIED (-2)	/* 77: a secret does not open */
#define ROOST_COMMAND_MISUSED (-3)	/* 64: nonsense was asked for */

/*
 * Run a command for a user, as its v.run does: run gets what a session knows of
 * the user, and answers 0, or less with error_r, which is then logged and makes
 * doveadm fail.  Returns 0 or -1.
 */
int roost_command_run(struct doveadm_mail_cmd_context *ctx,
		      struct mail_user *user,
		      int (*run)(struct doveadm_mail_cmd_context *ctx,
				 struct roost_user *ruser,
				 struct mail_user *user,
				 const char **error_r));

/* Log an error about the user and make doveadm fail, as after a run that has
   answered ret, or -1.  Returns -1. */
int roost_command_fail_as(struct doveadm_mail_cmd_context *ctx,
			  struct mail_user *user, int ret, const char *error);
int roost_command_fail(struct doveadm_mail_cmd_context *ctx,
		       struct mail_user *user, const char *error);

/*
 * For a command that has printed a row which has to arrive although it fails.
 * doveadm's HTTP API hands on no rows with an error, so that the command
 * succeeds there, and the row says what is wrong: the error is logged, and 0
 * returned.  Else ret is, for the error to be told as usual.
 */
int roost_command_fail_with_rows(const struct doveadm_mail_cmd_context *ctx,
				 const struct mail_user *user, int ret,
				 const char *error);

/* The policy of that name, and the name of a policy.  FALSE if no policy has
   that name; *policy_r is of no use then. */
bool roost_command_policy(const char *name, enum roost_policy *policy_r);
const char *roost_command_policy_name(enum roost_policy policy);

/* Give the stored keyring of the namespace, which is ring, another policy.  1
   it was changed; 0 it had that policy; -1 with error_r. */
int roost_command_set_policy(struct roost_user *ruser,
			     struct mail_namespace *ns,
			     struct roost_ring *ring, enum roost_policy policy,
			     const char **error_r);

/* Returns the namespace whose keyring is the user's own. */
struct mail_namespace *roost_command_namespace(struct mail_user *user);

/* Returns the namespace with that prefix, if it is the user's own or a public
   one; else NULL with error_r. */
struct mail_namespace *
roost_command_namespace_find(struct mail_user *user, const char *prefix,
			     const char **error_r);

#endif
