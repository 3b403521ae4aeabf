/* SPDX-License-Identifier: MIT */
/*
 * keyring-copy: `doveadm roost keyring copy` and `delete`: keyrings copied into
 * another key store, and removed from one.
 *
 * A copy is not in use before the setting names it, and the old one stays until
 * a command removes it.
 */
#include "doveadm/commands.h"

#include "doveadm/consent.h"
#include "session/ring-move.h"

struct copy_context {
	struct doveadm_mail_cmd_context ctx;
	const char *location;	/* NULL: where the setting says */
};

static void
copy_cmd_init(struct doveadm_mail_cmd_context *_ctx)
{
	struct copy_context *ctx =
		container_of(_ctx, struct copy_context, ctx);

	if (roost_command_refuse_more(_ctx))
		return;
	if (!doveadm_cmd_param_str(_ctx->cctx, "location", &ctx->location)) {
		roost_command_misuse(_ctx, "It takes the location to copy to, "
				     "for example dict:keys");
		return;
	}
	doveadm_print_header("keyring-id", "keyring id", 0);
	doveadm_print_header_simple("from");
	doveadm_print_header_simple("to");
	doveadm_print_header_simple("state");
	doveadm_print_header_simple("next");
}
ROOST_CMD_DEFINE_INIT(copy_cmd_init)

static void
delete_cmd_init(struct doveadm_mail_cmd_context *_ctx)
{
	struct copy_context *ctx =
		container_of(_ctx, struct copy_context, ctx);

	if (roost_command_refuse_more(_ctx))
		return;
	(void)doveadm_cmd_param_str(_ctx->cctx, "location", &ctx->location);
	doveadm_print_header_simple("keyring");
	doveadm_print_header_simple("state");
}
ROOST_CMD_DEFINE_INIT(delete_cmd_init)

/* The two stores of the user: the one in use, and the one that the command
   names.  -1 with error_r, and none is open. */
static int
copy_stores(const struct copy_context *ctx, struct roost_user *ruser,
	    struct mail_user *user, struct roost_keystore **used_r,
	    struct roost_keystore **named_r, const char **error_r)
{
	struct mail_namespace *ns = roost_command_namespace(user);

	*used_r = roost_user_keystore(ruser, ns, error_r);
	*named_r = *used_r == NULL ? NULL :
		roost_user_keystore_at(ruser, ns, ctx->location, NULL,
				       error_r);
	if (*named_r != NULL)
		return 0;
	roost_keystore_deinit(used_r);
	return -1;
}

static int
copy_store(const struct copy_context *ctx, struct roost_user *ruser,
	   struct mail_user *user, struct roost_keystore *from,
	   struct roost_keystore *to, const char **error_r)
{
	buffer_t *doc = t_buffer_create(4096);
	int ret;

	if (roost_keystore_is_same(from, to)) {
		*error_r = t_strdup_printf("The keyring in use lies at %s "
			"already", roost_keystore_name(from));
		return -1;
	}
	ret = roost_ring_copy(from, to, user->username,
			      roost_user_config(ruser), doc, error_r);
	if (ret < 0)
		return -1;
	doveadm_print(roost_ring_move_id(doc));
	doveadm_print(roost_keystore_name(from));
	doveadm_print(roost_keystore_name(to));
	doveadm_print(ret > 0 ? "copied" : doc->used == 0 ? "no keyring" :
		      "unchanged");
	doveadm_print(doc->used == 0 ? "" :
		      t_strconcat("roost_keyring = ", ctx->location, NULL));
	return 0;
}

static int
copy_user(struct doveadm_mail_cmd_context *_ctx, struct roost_user *ruser,
	  struct mail_user *user, const char **error_r)
{
	const struct copy_context *ctx =
		container_of(_ctx, struct copy_context, ctx);
	struct roost_keystore *from, *to;
	int ret;

	if (copy_stores(ctx, ruser, user, &from, &to, error_r) < 0)
		return -1;
	ret = copy_store(ctx, ruser, user, from, to, error_r);
	roost_keystore_deinit(&from);
	roost_keystore_deinit(&to);
	return ret;
}

/* May the keyring be removed?  One that is the same as the one in use, or an
   earlier document of it, is only a copy. */
static int
delete_check(const struct copy_context *ctx, struct roost_user *ruser,
	     struct mail_user *user, struct roost_keystore *used,
	     struct roost_keystore *store, const char **error_r)
{
	const char *why = roost_keystore_is_same(used, store) ?
		"it is the one in use" :
		"it may be the one in use, by another name of its place";

	if (roost_keystore_is_apart(used, store) &&
	    roost_ring_is_spare(store, used, user->username,
				roost_user_config(ruser), &why) > 0)
		return 0;
	return roost_consent_get(&ctx->ctx, user, t_strdup_printf("The "
		"keyring %s is going to be destroyed (%s): mail that is "
		"sealed to it can then be read by nobody, unless the keyring "
		"is in a backup.", roost_keystore_name(store), why), error_r);
}

static int
delete_store(const struct copy_context *ctx, struct roost_user *ruser,
	     struct mail_user *user, struct roost_keystore *used,
	     struct roost_keystore *store, const char **error_r)
{
	int ret = roost_keystore_load(store, t_buffer_create(4096), error_r);

	if (ret > 0 && delete_check(ctx, ruser, user, used, store,
				    error_r) < 0)
		return -1;
	if (ret > 0)
		ret = roost_ring_remove(store, error_r);
	if (ret < 0)
		return -1;
	doveadm_print(roost_keystore_name(store));
	doveadm_print(ret > 0 ? "deleted" : "no keyring");
	return 0;
}

static int
delete_user(struct doveadm_mail_cmd_context *_ctx, struct roost_user *ruser,
	    struct mail_user *user, const char **error_r)
{
	const struct copy_context *ctx =
		container_of(_ctx, struct copy_context, ctx);
	struct roost_keystore *used, *store;
	int ret;

	if (copy_stores(ctx, ruser, user, &used, &store, error_r) < 0)
		return -1;
	ret = delete_store(ctx, ruser, user, used, store, error_r);
	roost_keystore_deinit(&used);
	roost_keystore_deinit(&store);
	return ret;
}

static int
copy_cmd_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	return roost_command_run(ctx, user, copy_user);
}

static int
delete_cmd_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	return roost_command_run(ctx, user, delete_user);
}

static struct doveadm_mail_cmd_context *
copy_cmd_alloc(void)
{
	struct copy_context *ctx = doveadm_mail_cmd_alloc(struct copy_context);

	roost_command_accept_params(&ctx->ctx);
	ctx->ctx.v.init = ROOST_CMD_INIT(copy_cmd_init);
	ctx->ctx.v.run = copy_cmd_run;
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return &ctx->ctx;
}

static struct doveadm_mail_cmd_context *
delete_cmd_alloc(void)
{
	struct copy_context *ctx = doveadm_mail_cmd_alloc(struct copy_context);

	roost_command_accept_params(&ctx->ctx);
	ctx->ctx.v.init = ROOST_CMD_INIT(delete_cmd_init);
	ctx->ctx.v.run = delete_cmd_run;
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return &ctx->ctx;
}

struct doveadm_cmd_ver2 roost_cmd_keyring_copy = {
	.name = "roost keyring copy",
	.mail_cmd = copy_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX "<location>",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAM('\0', "location", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
ROOST_COMMAND_MORE_PARAM
DOVEADM_CMD_PARAMS_END
};

struct doveadm_cmd_ver2 roost_cmd_keyring_delete = {
	.name = "roost keyring delete",
	.mail_cmd = delete_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX "[-y|--yes] [<location>]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
ROOST_CONSENT_PARAM
DOVEADM_CMD_PARAM('\0', "location", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
ROOST_COMMAND_MORE_PARAM
DOVEADM_CMD_PARAMS_END
};
