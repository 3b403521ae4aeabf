/* SPDX-License-Identifier: MIT */
/*
 * command: what the commands of `doveadm roost` share.  See command.h.
 */
#include "doveadm/command.h"

#include "session/ring-change.h"

#ifdef ROOST_HAVE_DOVEADM_PARSE_ARG
static bool
cmd_parse_arg(struct doveadm_mail_cmd_context *ctx ATTR_UNUSED,
	      int c ATTR_UNUSED)
{
	return TRUE;	/* the command's init reads parameters by name */
}

void
roost_command_need_params(const struct doveadm_mail_cmd_context *ctx)
{
	if (ctx->cctx == NULL)
		i_fatal_status(EX_USAGE, "The commands of doveadm roost "
			       "cannot be a part of doveadm batch: run each "
			       "by itself");
}

void
roost_command_accept_params(struct doveadm_mail_cmd_context *ctx)
{
	ctx->getopt_args = "";
	ctx->v.parse_arg = cmd_parse_arg;
}
#else
void
roost_command_accept_params(struct doveadm_mail_cmd_context *ctx ATTR_UNUSED)
{
}
#endif

/* In the place of the v.run of a command that was used wrongly. */
static int
misused_run(struct doveadm_mail_cmd_context *ctx,
	    struct mail_user *user ATTR_UNUSED)
{
	doveadm_mail_failed_error(ctx, MAIL_ERROR_PARAMS);
	return -1;
}

void
roost_command_misuse(struct doveadm_mail_cmd_context *ctx,
		     const char *sentence)
{
	const struct doveadm_cmd_context *cctx = ctx->cctx;

	if (cctx->conn_type == DOVEADM_CONNECTION_TYPE_CLI)
		i_fatal_status(EX_USAGE, "%s: %s", cctx->cmd->name, sentence);
	i_error("%s: %s", cctx->cmd->name, sentence);
	ctx->v.prerun = NULL;
	ctx->v.run = misused_run;
}

const char *
roost_command_more_phrase(const struct doveadm_cmd_context *cctx)
{
	const char *const *words;

	if (!doveadm_cmd_param_array(cctx, "more", &words))
		return NULL;
	return t_strdup_printf("There is a word too many; write doveadm %s "
		"%s, and never a secret: what stands in an argument is read "
		"by every user of this host", cctx->cmd->name,
		cctx->cmd->usage);
}

bool
roost_command_refuse_more(struct doveadm_mail_cmd_context *ctx)
{
	const char *phrase = roost_command_more_phrase(ctx->cctx);

	if (phrase != NULL)
		roost_command_misuse(ctx, phrase);
	return phrase != NULL;
}

int
roost_command_fail_as(struct doveadm_mail_cmd_context *ctx,
		      struct mail_user *user, int ret, const char *error)
{
	e_error(user->event, "roost: %s", error);
	doveadm_mail_failed_error(ctx,
		ret == ROOST_COMMAND_DENIED ? MAIL_ERROR_PERM :
		ret == ROOST_COMMAND_MISUSED ? MAIL_ERROR_PARAMS :
		MAIL_ERROR_TEMP);
	return -1;
}

int
roost_command_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user,
		  int (*run)(struct doveadm_mail_cmd_context *ctx,
			     struct roost_user *ruser, struct mail_user *user,
			     const char **error_r))
{
	const char *error;
	struct roost_user *ruser = roost_user_share_take(user, &error);
	int ret;

	if (ruser == NULL)
		return roost_command_fail(ctx, user, error);
	ret = run(ctx, ruser, user, &error);
	roost_user_share_give_back(&ruser);
	return ret >= 0 ? 0 : roost_command_fail_as(ctx, user, ret, error);
}

int
roost_command_fail(struct doveadm_mail_cmd_context *ctx,
		   struct mail_user *user, const char *error)
{
	return roost_command_fail_as(ctx, user, -1, error);
}

int
roost_command_fail_with_rows(const struct doveadm_mail_cmd_context *ctx,
			     const struct mail_user *user, int ret,
			     const char *error)
{
	if (ctx->cctx->conn_type != DOVEADM_CONNECTION_TYPE_HTTP)
		return ret;
	e_error(user->event, "roost: %s", error);
	return 0;
}

bool
roost_command_policy(const char *name, enum roost_policy *policy_r)
{
	*policy_r = strcmp(name, "sealed") == 0 ? ROOST_POLICY_SEALED :
		ROOST_POLICY_OPEN;
	return strcmp(name, roost_command_policy_name(*policy_r)) == 0;
}

const char *
roost_command_policy_name(enum roost_policy policy)
{
	return policy == ROOST_POLICY_SEALED ? "sealed" : "open";
}

int
roost_command_set_policy(struct roost_user *ruser, struct mail_namespace *ns,
			 struct roost_ring *ring, enum roost_policy policy,
			 const char **error_r)
{
	const struct roost_config *config;
	struct roost_keystore *store = roost_user_keystore(ruser, ns, error_r);
	const char *owner;
	int ret;

	if (store == NULL ||
	    roost_user_owner(ruser, ns, &owner, error_r) < 0 ||
	    roost_user_namespace_config(ruser, ns, &config, error_r) < 0)
		ret = -1;
	else
		ret = roost_ring_change_policy(ring, store, owner, config,
					       policy, error_r);
	roost_keystore_deinit(&store);
	if (ret < 0 || roost_user_renew_ring(ruser, ring, error_r) < 0)
		return -1;
	return ret;
}

struct mail_namespace *
roost_command_namespace(struct mail_user *user)
{
	struct mail_namespace *ns;

	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->owner == user)
			return ns;
	}
	return mail_namespace_find_inbox(user->namespaces);
}

struct mail_namespace *
roost_command_namespace_find(struct mail_user *user, const char *prefix,
			     const char **error_r)
{
	struct mail_namespace *ns =
		mail_namespace_find_prefix(user->namespaces, prefix);

	if (ns != NULL && (ns->owner == NULL || ns->owner == user))
		return ns;
	*error_r = t_strdup_printf("There is no namespace of this user, and "
		"no public one, with the prefix \"%s\"", prefix);
	return NULL;
}
