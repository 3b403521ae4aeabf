/* SPDX-License-Identifier: MIT */
/*
 * keyring-rebind: `doveadm roost rebind`: binds a keyring to who uses it where
 * it lies now, after a public namespace was moved or a user renamed.
 */
#include "doveadm/commands.h"

#include "session/ring-rebind.h"

#include "roost/bytes.h"

struct rebind_context {
	struct doveadm_mail_cmd_context ctx;
	const char *prefix;	/* NULL: the user's own keyring */
	bool is_dry_run;
};

static void
rebind_cmd_init(struct doveadm_mail_cmd_context *_ctx)
{
	struct rebind_context *ctx =
		container_of(_ctx, struct rebind_context, ctx);
	struct doveadm_cmd_context *cctx = _ctx->cctx;

	if (roost_command_refuse_more(_ctx))
		return;
	(void)doveadm_cmd_param_str(cctx, "prefix", &ctx->prefix);
	(void)doveadm_cmd_param_bool(cctx, "dry-run", &ctx->is_dry_run);
	doveadm_print_header("keyring-id", "keyring id", 0);
	doveadm_print_header_simple("from");
	doveadm_print_header_simple("to");
	doveadm_print_header_simple("state");
}
ROOST_CMD_DEFINE_INIT(rebind_cmd_init)

/* Is that the namespace's prefix, with its separator at the end or without? */
static bool
is_prefix_of(const char *prefix, struct mail_namespace *ns)
{
	size_t len = strlen(prefix);

	return strcmp(ns->prefix, prefix) == 0 ||
		(len > 0 && strncmp(ns->prefix, prefix, len) == 0 &&
		 ns->prefix[len] == mail_namespace_get_sep(ns) &&
		 ns->prefix[len + 1] == '\0');
}

/* Returns the namespace whose keyring is meant; NULL with error_r. */
static struct mail_namespace *
rebind_namespace(const struct rebind_context *ctx, struct mail_user *user,
		 const char **error_r)
{
	struct mail_namespace *ns;

	if (ctx->prefix == NULL)
		return roost_command_namespace(user);
	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->owner == NULL && is_prefix_of(ctx->prefix, ns))
			return ns;
	}
	*error_r = t_strdup_printf("There is no public namespace with the "
				   "prefix \"%s\"", ctx->prefix);
	return NULL;
}

static void
rebind_print(const struct roost_rebind *rebind, const char *state)
{
	char id[2 * ROOST_ID_SIZE + 1];

	roost_bytes_hex(rebind->id, ROOST_ID_SIZE, id);
	doveadm_print(id);
	doveadm_print(rebind->from);
	doveadm_print(rebind->to);
	doveadm_print(state);
}

/* Binds the keyring, if that changes anything, and logs what is going to be
   changed before it is.  Returns 1 if it is changed, or would be; 0 if not; -1
   with error_r. */
static int
rebind_store(const struct rebind_context *ctx, struct mail_user *user,
	     struct roost_keystore *store, const char *owner,
	     const struct roost_config *config, const char **error_r)
{
	struct roost_rebind rebind = { .generation = 0 };
	int ret = roost_ring_rebind(store, owner, config, TRUE, &rebind,
				    error_r);

	if (ret > 0 && !ctx->is_dry_run) {
		e_info(user->event, "roost: Binding the keyring %s, so far of "
		       "%s, to %s", roost_keystore_name(store), rebind.from,
		       rebind.to);
		ret = roost_ring_rebind(store, owner, config, FALSE, &rebind,
					error_r);
	}
	if (ret >= 0)
		rebind_print(&rebind, ret == 0 ? "unchanged" :
			     ctx->is_dry_run ? "would be changed" :
			     "changed");
	return ret;
}

static int
rebind_user(struct doveadm_mail_cmd_context *_ctx, struct roost_user *ruser,
	    struct mail_user *user, const char **error_r)
{
	const struct rebind_context *ctx =
		container_of(_ctx, struct rebind_context, ctx);
	struct mail_namespace *ns = rebind_namespace(ctx, user, error_r);
	const struct roost_config *config;
	struct roost_keystore *store;
	const char *owner;
	int ret;

	if (ns == NULL ||
	    roost_user_namespace_config(ruser, ns, &config, error_r) < 0 ||
	    roost_user_owner(ruser, ns, &owner, error_r) < 0)
		return -1;
	store = roost_user_keystore(ruser, ns, error_r);
	if (store == NULL)
		return -1;
	ret = rebind_store(ctx, user, store, owner, config, error_r);
	roost_keystore_deinit(&store);
	return ret;
}

static int
rebind_cmd_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	return roost_command_run(ctx, user, rebind_user);
}

static struct doveadm_mail_cmd_context *
rebind_cmd_alloc(void)
{
	struct rebind_context *ctx =
		doveadm_mail_cmd_alloc(struct rebind_context);

	roost_command_accept_params(&ctx->ctx);
	ctx->ctx.v.init = ROOST_CMD_INIT(rebind_cmd_init);
	ctx->ctx.v.run = rebind_cmd_run;
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return &ctx->ctx;
}

struct doveadm_cmd_ver2 roost_cmd_rebind = {
	.name = "roost rebind",
	.mail_cmd = rebind_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		"[-n|--dry-run] [<namespace prefix>]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAM('n', "dry-run", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('\0', "prefix", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
ROOST_COMMAND_MORE_PARAM
DOVEADM_CMD_PARAMS_END
};
