/* SPDX-License-Identifier: MIT */
/*
 * provider-rotate: `doveadm roost provider-rotate`: wraps the host keys of
 * keyrings by a new provider key, without their users.  Both keys are
 * configured meanwhile.  Nothing else of a keyring changes, so that sessions
 * and deliveries go on.
 *
 * What is done is noted nowhere: each keyring says which key it names, and the
 * command is run again until none names the old one.
 */
#include "doveadm/commands.h"

#include "session/ring-change.h"

#include "roost/bytes.h"
#include "roost/keyring-edit.h"

struct provider_context {
	struct doveadm_mail_cmd_context ctx;
	bool is_dry_run;
	/* The stores of public namespaces, which all users share. */
	ARRAY_TYPE(const_string) seen;
	unsigned int changed, unchanged, left;
};

static void
provider_cmd_init(struct doveadm_mail_cmd_context *_ctx)
{
	struct provider_context *ctx =
		container_of(_ctx, struct provider_context, ctx);

	p_array_init(&ctx->seen, _ctx->pool, 16);
	(void)doveadm_cmd_param_bool(_ctx->cctx, "dry-run", &ctx->is_dry_run);
	if (roost_command_refuse_more(_ctx))
		return;
	doveadm_print_header_simple("keyring");
	doveadm_print_header("keyring-id", "keyring id", 0);
	doveadm_print_header_simple("state");
}
ROOST_CMD_DEFINE_INIT(provider_cmd_init)

/* -- one keyring -- */

static int
provider_change(struct roost_ring_edit *edit, void *context,
		const char **error_r)
{
	const struct roost_config *config = context;
	const uint8_t *key = config->secrets->provider_keys;
	uint8_t id[ROOST_PROVIDER_ID_SIZE];
	enum roost_err err = roost_provider_id(key, id);

	if (err == ROOST_OK &&
	    roost_bytes_equal(id, edit->kr->provider_id, sizeof(id)))
		return 0;
	if (err == ROOST_OK)
		err = roost_keyring_set_provider(edit->kr, key,
						 edit->host_key);
	return err == ROOST_OK ? 1 : roost_ring_change_fail(err, error_r);
}

/* Is there a keyring that names another key?  1, and the caller frees the ring;
   0 there is none, or it names the new one; -1 with error_r. */
static int
provider_look(struct roost_keystore *store, const char *owner,
	      const struct roost_config *config, struct roost_ring **ring_r,
	      const char **error_r)
{
	uint8_t id[ROOST_PROVIDER_ID_SIZE];
	int ret = roost_ring_load(store, owner, config, ring_r, error_r);

	if (ret <= 0)
		return ret;
	if (roost_provider_id(config->secrets->provider_keys, id) !=
	    ROOST_OK) {
		*error_r = roost_err_phrase(ROOST_ERR_BACKEND);
		roost_ring_free(ring_r);
		return -1;
	}
	return !roost_bytes_equal(id, roost_ring_doc(*ring_r)->provider_id,
				  sizeof(id)) ? 1 : 0;
}

static void
provider_print(const char *name, const struct roost_ring *ring,
	       const char *state)
{
	char id[2 * ROOST_ID_SIZE + 1] = "";

	if (ring != NULL)
		roost_bytes_hex(roost_ring_doc(ring)->id, ROOST_ID_SIZE, id);
	doveadm_print(name);
	doveadm_print(id);
	doveadm_print(state);
}

/* Rewrite what stands in a store, if it has to be, and print a row.  0, or -1
   with error_r. */
static int
provider_store(struct provider_context *ctx, struct roost_keystore *store,
	       const char *owner, const struct roost_config *config,
	       const char **error_r)
{
	union { const void *in; void *out; } context = { .in = config };
	struct roost_ring_change change = {
		.owner = owner, .config = config,
		.change = provider_change, .context = context.out,
	};
	struct roost_ring *ring;
	int ret = provider_look(store, owner, config, &ring, error_r);
	bool is_old = ret > 0;

	if (is_old && !ctx->is_dry_run)
		ret = roost_ring_change(store, &change, error_r);
	if (ret < 0)
		ctx->left++;
	else if (is_old)
		ctx->changed++;
	else if (ring != NULL)
		ctx->unchanged++;
	if (ret < 0 || ring != NULL)
		provider_print(roost_keystore_name(store), ring,
			       ret < 0 ? "left" : !is_old ? "unchanged" :
			       ctx->is_dry_run ? "would be changed" :
			       "changed");
	roost_ring_free(&ring);
	return ret < 0 ? -1 : 0;
}

/* -- a user -- */

/* TRUE the first time the store of a public namespace is met. */
static bool
provider_see(struct provider_context *ctx, const char *name)
{
	const char *seen;

	array_foreach_elem(&ctx->seen, seen) {
		if (strcmp(seen, name) == 0)
			return FALSE;
	}
	name = p_strdup(ctx->ctx.pool, name);
	array_push_back(&ctx->seen, &name);
	return TRUE;
}

static int
provider_namespace(struct provider_context *ctx, struct roost_user *ruser,
		   struct mail_namespace *ns, const char **error_r)
{
	struct roost_keystore *store = roost_user_keystore(ruser, ns, error_r);
	const struct roost_config *config;
	const char *owner;
	int ret = -1;

	if (store == NULL) {
		ctx->left++;
		return -1;
	}
	if (ns->owner == NULL &&
	    !provider_see(ctx, roost_keystore_name(store)))
		ret = 0;
	else if (roost_user_owner(ruser, ns, &owner, error_r) < 0 ||
		 roost_user_namespace_config(ruser, ns, &config, error_r) < 0)
		ctx->left++;
	else
		ret = provider_store(ctx, store, owner, config, error_r);
	roost_keystore_deinit(&store);
	return ret;
}

static int
provider_user(struct doveadm_mail_cmd_context *_ctx, struct roost_user *ruser,
	      struct mail_user *user, const char **error_r)
{
	struct provider_context *ctx =
		container_of(_ctx, struct provider_context, ctx);
	struct mail_namespace *ns;
	const char *error;
	int ret = 0;

	if (roost_user_config(ruser)->provider_key_count == 0) {
		*error_r = "roost_provider_key is not set";
		return -1;
	}
	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		/* All namespaces of the user's own have one keyring. */
		if (ns != roost_command_namespace(user) &&
		    ns->type != MAIL_NAMESPACE_TYPE_PUBLIC)
			continue;
		if (provider_namespace(ctx, ruser, ns, &error) == 0)
			continue;
		/* The others are tried all the same; the first is told last. */
		if (ret < 0)
			(void)roost_command_fail(_ctx, user, error);
		else
			*error_r = t_strdup(error);
		ret = -1;
	}
	return ret;
}

static int
provider_cmd_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	return roost_command_run(ctx, user, provider_user);
}

/* Say how far it is. */
static void
provider_cmd_deinit(struct doveadm_mail_cmd_context *_ctx)
{
	struct provider_context *ctx =
		container_of(_ctx, struct provider_context, ctx);
	struct event *event = event_create(NULL);

	if (ctx->left > 0)
		e_error(event, "roost: %u keyrings are left, and perhaps name "
			"the old key: keep roost_provider_old_key, mend what "
			"was told, and run the command again", ctx->left);
	else if (ctx->changed + ctx->unchanged > 0 && !ctx->is_dry_run)
		e_info(event, "roost: The keyrings of these users name the "
		       "new provider key: %u were changed now, %u before. "
		       "Where that is all users, and no command failed, "
		       "roost_provider_old_key can go", ctx->changed,
		       ctx->unchanged);
	event_unref(&event);
}

static struct doveadm_mail_cmd_context *
provider_cmd_alloc(void)
{
	struct provider_context *ctx =
		doveadm_mail_cmd_alloc(struct provider_context);

	roost_command_accept_params(&ctx->ctx);
	ctx->ctx.v.init = ROOST_CMD_INIT(provider_cmd_init);
	ctx->ctx.v.run = provider_cmd_run;
	ctx->ctx.v.deinit = provider_cmd_deinit;
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return &ctx->ctx;
}

struct doveadm_cmd_ver2 roost_cmd_provider_rotate = {
	.name = "roost provider-rotate",
	.mail_cmd = provider_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX "[-n|--dry-run]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAM('n', "dry-run", CMD_PARAM_BOOL, 0)
ROOST_COMMAND_MORE_PARAM
DOVEADM_CMD_PARAMS_END
};
