/* SPDX-License-Identifier: MIT */
/*
 * keyring-export: `doveadm roost keyring export` and `import`: a user's keyring
 * written to a file, and put back from one.
 *
 * The document is no secret by itself: all keys in it are wrapped.
 */
#include "doveadm/commands.h"

#include "doveadm/document.h"
#include "session/ring-move.h"

#include "roost/bytes.h"

struct export_context {
	struct doveadm_mail_cmd_context ctx;
	const char *path;		/* NULL: standard input or output */
	bool is_unverified, may_replace;
};

/* Returns FALSE if the command was used wrongly. */
static bool
export_read_params(struct export_context *ctx)
{
	const struct doveadm_cmd_context *cctx = ctx->ctx.cctx;
	const char *misuse = NULL;

	if (roost_command_refuse_more(&ctx->ctx))
		return FALSE;
	/* Dovecot takes a parameter called "file" for a stream of its own. */
	(void)doveadm_cmd_param_str(cctx, "path", &ctx->path);
	(void)doveadm_cmd_param_bool(cctx, "unverified", &ctx->is_unverified);
	if (!ctx->ctx.iterate_single_user)
		misuse = "It takes one user at a time, by -u";
	else if (ctx->path != NULL && *ctx->path != '/')
		misuse = "The file's path must be absolute";
	if (misuse != NULL)
		roost_command_misuse(&ctx->ctx, misuse);
	return misuse == NULL;
}

static void
export_cmd_init(struct doveadm_mail_cmd_context *_ctx)
{
	struct export_context *ctx =
		container_of(_ctx, struct export_context, ctx);

	if (!export_read_params(ctx))
		return;
	doveadm_print_header("keyring", "keyring",
			     DOVEADM_PRINT_HEADER_FLAG_HIDE_TITLE);
}
ROOST_CMD_DEFINE_INIT(export_cmd_init)

static void
import_cmd_init(struct doveadm_mail_cmd_context *_ctx)
{
	struct export_context *ctx =
		container_of(_ctx, struct export_context, ctx);

	if (!export_read_params(ctx))
		return;
	(void)doveadm_cmd_param_bool(_ctx->cctx, "replace",
				     &ctx->may_replace);
	doveadm_print_header("keyring-id", "keyring id", 0);
	doveadm_print_header_simple("keyring");
	doveadm_print_header_simple("state");
}
ROOST_CMD_DEFINE_INIT(import_cmd_init)

/* Is the document to be refused?  0, or -1 with error_r, which says how to have
   it all the same. */
static int
export_prove(const struct export_context *ctx, struct roost_user *ruser,
	     struct mail_user *user, const struct roost_keystore *store,
	     const buffer_t *doc, const char **error_r)
{
	const char *error;

	if (ctx->is_unverified ||
	    roost_ring_prove(store, doc, user->username,
			     roost_user_config(ruser), &error) == 0)
		return 0;
	*error_r = t_strdup_printf("%s; --unverified takes it all the same",
				   error);
	return -1;
}

/* Over the network a keyring is a field of the answer. */
static int
export_write(const struct export_context *ctx, const buffer_t *doc,
	     const char **error_r)
{
	bool is_cli = ctx->ctx.cctx->conn_type == DOVEADM_CONNECTION_TYPE_CLI;

	if (is_cli)
		return roost_document_write(ctx->path, doc, error_r);
	if (ctx->path != NULL) {
		*error_r = "A file is written on the command line only";
		return -1;
	}
	doveadm_print(t_strndup(doc->data, doc->used));
	return 0;
}

static int
export_user(struct doveadm_mail_cmd_context *_ctx, struct roost_user *ruser,
	    struct mail_user *user, const char **error_r)
{
	const struct export_context *ctx =
		container_of(_ctx, struct export_context, ctx);
	struct roost_keystore *store = roost_user_keystore(ruser,
		roost_command_namespace(user), error_r);
	buffer_t *doc = t_buffer_create(4096);
	int ret;

	if (store == NULL)
		return -1;
	ret = roost_keystore_load(store, doc, error_r);
	if (ret == 0) {
		*error_r = t_strdup_printf("There is no keyring %s",
					   roost_keystore_name(store));
		ret = -1;
	}
	if (ret > 0)
		ret = export_prove(ctx, ruser, user, store, doc, error_r);
	roost_keystore_deinit(&store);
	return ret < 0 ? -1 : export_write(ctx, doc, error_r);
}

static int
import_store(const struct export_context *ctx, struct roost_user *ruser,
	     struct mail_user *user, struct roost_keystore *store,
	     const buffer_t *doc, const char **error_r)
{
	const char *name = roost_document_name(ctx->path), *error;
	int ret;

	if (export_prove(ctx, ruser, user, store, doc, &error) < 0) {
		*error_r = t_strdup_printf("Nothing was imported %s: %s",
			ctx->path == NULL ? name :
			t_strconcat("from ", name, NULL), error);
		return -1;
	}
	if (*roost_ring_move_id(doc) == '\0') {
		*error_r = t_strdup_printf("%s is no keyring", name);
		return -1;
	}
	ret = roost_ring_put(store, name, doc, ctx->may_replace, &error);
	if (ret < 0) {
		*error_r = ctx->may_replace ? error :
			t_strdup_printf("Nothing was imported: %s; --replace "
				"takes the place of another keyring or of a "
				"later document", error);
		return -1;
	}
	doveadm_print(roost_ring_move_id(doc));
	doveadm_print(roost_keystore_name(store));
	doveadm_print(ret > 0 ? "imported" : "unchanged");
	return 0;
}

static int
import_user(struct doveadm_mail_cmd_context *_ctx, struct roost_user *ruser,
	    struct mail_user *user, const char **error_r)
{
	const struct export_context *ctx =
		container_of(_ctx, struct export_context, ctx);
	buffer_t *doc = t_buffer_create(4096);
	struct roost_keystore *store;
	int ret;

	if (_ctx->cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI) {
		*error_r = "A keyring is imported on the command line only";
		return -1;
	}
	if (roost_document_read(ctx->path, doc, error_r) < 0)
		return -1;
	store = roost_user_keystore(ruser, roost_command_namespace(user),
				    error_r);
	if (store == NULL)
		return -1;
	ret = import_store(ctx, ruser, user, store, doc, error_r);
	roost_keystore_deinit(&store);
	return ret;
}

static int
export_cmd_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	return roost_command_run(ctx, user, export_user);
}

static int
import_cmd_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	return roost_command_run(ctx, user, import_user);
}

static struct doveadm_mail_cmd_context *
export_cmd_alloc(void)
{
	struct export_context *ctx =
		doveadm_mail_cmd_alloc(struct export_context);

	roost_command_accept_params(&ctx->ctx);
	ctx->ctx.v.init = ROOST_CMD_INIT(export_cmd_init);
	ctx->ctx.v.run = export_cmd_run;
	doveadm_print_init(DOVEADM_PRINT_TYPE_PAGER);
	return &ctx->ctx;
}

static struct doveadm_mail_cmd_context *
import_cmd_alloc(void)
{
	struct export_context *ctx =
		doveadm_mail_cmd_alloc(struct export_context);

	roost_command_accept_params(&ctx->ctx);
	ctx->ctx.v.init = ROOST_CMD_INIT(import_cmd_init);
	ctx->ctx.v.run = import_cmd_run;
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return &ctx->ctx;
}

struct doveadm_cmd_ver2 roost_cmd_keyring_export = {
	.name = "roost keyring export",
	.mail_cmd = export_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX "[-U|--unverified] [<file>]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAM('U', "unverified", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('\0', "path", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
ROOST_COMMAND_MORE_PARAM
DOVEADM_CMD_PARAMS_END
};

struct doveadm_cmd_ver2 roost_cmd_keyring_import = {
	.name = "roost keyring import",
	.mail_cmd = import_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		"[-r|--replace] [-U|--unverified] [<file>]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAM('r', "replace", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('U', "unverified", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('\0', "path", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
ROOST_COMMAND_MORE_PARAM
DOVEADM_CMD_PARAMS_END
};
