/* SPDX-License-Identifier: MIT */
/*
 * keyring-rename: `doveadm roost keyring rename`: gives a user who has another
 * name now the keyring that he had by the old one.  Needs the provider key.
 */
#include "doveadm/commands.h"

#include "session/ring-move.h"

#include "roost/bytes.h"

struct rename_context {
	struct doveadm_mail_cmd_context ctx;
	const char *old_name;
};

static void
rename_cmd_init(struct doveadm_mail_cmd_context *_ctx)
{
	struct rename_context *ctx =
		container_of(_ctx, struct rename_context, ctx);

	if (roost_command_refuse_more(_ctx))
		return;
	if (!doveadm_cmd_param_str(_ctx->cctx, "old-name", &ctx->old_name) ||
	    *ctx->old_name == '\0' || !_ctx->iterate_single_user) {
		roost_command_misuse(_ctx, "Write the user's name of today "
				     "behind -u, and the old one at the end");
		return;
	}
	doveadm_print_header("keyring-id", "keyring id", 0);
	doveadm_print_header_simple("keyring");
	doveadm_print_header_simple("from");
	doveadm_print_header_simple("to");
	doveadm_print_header_simple("state");
}
ROOST_CMD_DEFINE_INIT(rename_cmd_init)

static int
rename_stores(const struct rename_context *ctx, struct roost_user *ruser,
	      struct mail_user *user, struct roost_keystore *from,
	      struct roost_keystore *to, const char **error_r)
{
	struct roost_rebind rebind;
	char id[2 * ROOST_ID_SIZE + 1];
	int ret = roost_ring_rename(from, to, ctx->old_name, user->username,
				    roost_user_config(ruser), &rebind,
				    error_r);

	if (ret < 0)
		return -1;
	roost_bytes_hex(rebind.id, ROOST_ID_SIZE, id);
	doveadm_print(id);
	doveadm_print(roost_keystore_name(to));
	doveadm_print(rebind.from);
	doveadm_print(rebind.to);
	doveadm_print(ret > 0 ? "renamed" : "unchanged");
	return 0;
}

static int
rename_user(struct doveadm_mail_cmd_context *_ctx, struct roost_user *ruser,
	    struct mail_user *user, const char **error_r)
{
	const struct rename_context *ctx =
		container_of(_ctx, struct rename_context, ctx);
	struct mail_namespace *ns = roost_command_namespace(user);
	struct roost_keystore *from, *to;
	int ret;

	from = roost_user_keystore_at(ruser, ns, NULL, ctx->old_name,
				      error_r);
	if (from == NULL)
		return -1;
	to = roost_user_keystore(ruser, ns, error_r);
	ret = to == NULL ? -1 :
		rename_stores(ctx, ruser, user, from, to, error_r);
	roost_keystore_deinit(&from);
	roost_keystore_deinit(&to);
	return ret;
}

static int
rename_cmd_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	return roost_command_run(ctx, user, rename_user);
}

static struct doveadm_mail_cmd_context *
rename_cmd_alloc(void)
{
	struct rename_context *ctx =
		doveadm_mail_cmd_alloc(struct rename_context);

	roost_command_accept_params(&ctx->ctx);
	ctx->ctx.v.init = ROOST_CMD_INIT(rename_cmd_init);
	ctx->ctx.v.run = rename_cmd_run;
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return &ctx->ctx;
}

struct doveadm_cmd_ver2 roost_cmd_keyring_rename = {
	.name = "roost keyring rename",
	.mail_cmd = rename_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX "<old user name>",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAM('\0', "old-name", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
ROOST_COMMAND_MORE_PARAM
DOVEADM_CMD_PARAMS_END
};
