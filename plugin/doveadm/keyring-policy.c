/* SPDX-License-Identifier: MIT */
/*
 * keyring-policy: `doveadm roost policy`: says whether messages that are not
 * sealed are served and how many there are, or changes that.
 *
 * Needs the provider key and no secret of the user.
 */
#include "doveadm/commands.h"

#include "doveadm/count.h"

struct policy_context {
	struct doveadm_mail_cmd_context ctx;
	bool is_change;
	enum roost_policy policy;	/* the new one, if is_change */
	const char *prefix;		/* of a namespace; NULL: the user's */
};

static void
policy_cmd_init(struct doveadm_mail_cmd_context *_ctx)
{
	struct policy_context *ctx =
		container_of(_ctx, struct policy_context, ctx);
	const char *policy;

	if (roost_command_refuse_more(_ctx))
		return;
	ctx->is_change = doveadm_cmd_param_str(_ctx->cctx, "policy", &policy);
	if (ctx->is_change && !roost_command_policy(policy, &ctx->policy)) {
		roost_command_misuse(_ctx, "Write open or sealed, or nothing");
		return;
	}
	(void)doveadm_cmd_param_str(_ctx->cctx, "namespace", &ctx->prefix);

	doveadm_print_header_simple("policy");
	doveadm_print_header("in-force", "in force", 0);
	doveadm_print_header_simple("mailbox");
	doveadm_print_header("messages", "messages",
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
	doveadm_print_header("not-sealed", "not sealed",
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
}
ROOST_CMD_DEFINE_INIT(policy_cmd_init)

/* -- printing -- */

/* The ring is NULL where there is no keyring. */
static void
print_row(const struct roost_ring *ring, const struct roost_count_box *row)
{
	doveadm_print(ring == NULL ? "no keyring" :
		      roost_command_policy_name(roost_ring_doc(ring)->policy));
	doveadm_print(ring == NULL ? "" :
		      roost_command_policy_name(roost_ring_policy(ring)));
	doveadm_print(row->vname);
	doveadm_print_num(row->messages);
	doveadm_print_num(row->unsealed);
}

/* A row for all mail, and one for each mailbox with messages that are not
   sealed. */
static void
policy_print(const struct roost_ring *ring, const struct roost_count *count)
{
	const struct roost_count_box *row;

	print_row(ring, &count->all);
	array_foreach(&count->boxes, row) {
		if (row->unsealed > 0)
			print_row(ring, row);
	}
}

/* -- running -- */

/* Returns the namespace whose keyring is meant; NULL with error_r. */
static struct mail_namespace *
policy_namespace(struct policy_context *ctx, struct mail_user *user,
		 const char **error_r)
{
	return ctx->prefix == NULL ? roost_command_namespace(user) :
		roost_command_namespace_find(user, ctx->prefix, error_r);
}

/* Warns whoever has just changed the policy of what follows from it. */
static void
policy_warn(const struct policy_context *ctx, struct mail_user *user,
	    const struct roost_ring *ring, const struct roost_count *count)
{
	bool is_sealed;

	if (!ctx->is_change)
		return;
	is_sealed = roost_ring_policy(ring) == ROOST_POLICY_SEALED;
	if (is_sealed && ctx->policy == ROOST_POLICY_OPEN)
		e_warning(user->event, "roost: roost_policy of userdb keeps "
			  "the policy sealed");
	if (is_sealed && count->all.unsealed > 0)
		e_warning(user->event, "roost: %u messages are not sealed, "
			  "and are refused from now on: roost_plaintext "
			  "decides about them", count->all.unsealed);
}

static int
policy_user(struct doveadm_mail_cmd_context *_ctx, struct roost_user *ruser,
	    struct mail_user *user, const char **error_r)
{
	struct policy_context *ctx =
		container_of(_ctx, struct policy_context, ctx);
	struct mail_namespace *ns = policy_namespace(ctx, user, error_r);
	struct roost_count count;
	struct roost_ring *ring;
	int ret;

	if (ns == NULL)
		return -1;
	ret = roost_user_ring(ruser, ns, &ring, error_r);
	if (ret > 0) {
		ret = !ctx->is_change ? 0 :
			roost_command_set_policy(ruser, ns, ring, ctx->policy,
						 error_r);
	} else if (ret == 0 && ctx->is_change) {
		*error_r = t_strdup_printf("There is no keyring: make it with "
			"doveadm roost init -u %s", user->username);
		ret = -1;
	}
	if (ret < 0)
		return -1;
	ret = roost_count_mail(&ctx->ctx, ns, ring, &count, error_r);
	policy_print(ring, &count);
	policy_warn(ctx, user, ring, &count);
	roost_count_free(&count);
	return ret;
}

static int
policy_cmd_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	return roost_command_run(ctx, user, policy_user);
}

static struct doveadm_mail_cmd_context *
policy_cmd_alloc(void)
{
	struct policy_context *ctx =
		doveadm_mail_cmd_alloc(struct policy_context);

	roost_command_accept_params(&ctx->ctx);
	ctx->ctx.v.init = ROOST_CMD_INIT(policy_cmd_init);
	ctx->ctx.v.run = policy_cmd_run;
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return &ctx->ctx;
}

struct doveadm_cmd_ver2 roost_cmd_policy_change = {
	.name = "roost policy",
	.mail_cmd = policy_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		"[-n|--namespace <prefix>] [open|sealed]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAM('n', "namespace", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "policy", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
ROOST_COMMAND_MORE_PARAM
DOVEADM_CMD_PARAMS_END
};
