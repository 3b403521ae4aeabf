/* SPDX-License-Identifier: MIT */
/*
 * keyring-init: `doveadm roost init`: makes a user's keyring, or that of a
 * public namespace.
 *
 * A password comes from where given.h says, and never from an argument; the
 * recovery code is printed once and stored nowhere.
 */
#include "doveadm/commands.h"

#include "doveadm/given.h"
#include "doveadm/home.h"
#include "session/ring-create.h"
#include "session/scan.h"

#include "roost/bytes.h"
#include "roost/secret.h"

struct init_context {
	struct doveadm_mail_cmd_context ctx;
	bool is_password_mode, has_recovery, is_new;
	bool has_policy;	/* else the mail that is there decides */
	const char *prefix;		/* of a namespace; NULL: the user's */
	enum roost_policy policy;
	struct roost_given given;
};

/* Read the parameters.  Returns what is wrong with them, or NULL. */
static const char *
init_read_params(struct init_context *ctx)
{
	const struct doveadm_cmd_context *cctx = ctx->ctx.cctx;
	const char *mode = "provider", *policy;

	(void)doveadm_cmd_param_str(cctx, "mode", &mode);
	ctx->has_policy = doveadm_cmd_param_str(cctx, "policy", &policy);
	(void)doveadm_cmd_param_bool(cctx, "recovery", &ctx->has_recovery);
	(void)doveadm_cmd_param_bool(cctx, "new", &ctx->is_new);
	(void)doveadm_cmd_param_str(cctx, "namespace", &ctx->prefix);
	if (strcmp(mode, "password") == 0)
		ctx->is_password_mode = ctx->has_recovery = TRUE;
	else if (strcmp(mode, "provider") != 0)
		return "--mode takes provider or password";
	if (ctx->has_policy && !roost_command_policy(policy, &ctx->policy))
		return "--policy takes open or sealed";
	if (ctx->is_password_mode && !ctx->ctx.iterate_single_user)
		return "--mode password takes one user at a time, by -u";
	if (!ctx->is_password_mode && roost_given_has_password(&ctx->given))
		return "A secret is for --mode password";
	return NULL;
}

static void
init_cmd_init(struct doveadm_mail_cmd_context *_ctx)
{
	struct init_context *ctx =
		container_of(_ctx, struct init_context, ctx);
	const char *misuse;

	roost_given_init_new(&ctx->given, _ctx);
	if (roost_command_refuse_more(_ctx))
		return;
	misuse = init_read_params(ctx);
	if (misuse != NULL) {
		roost_command_misuse(_ctx, misuse);
		return;
	}
	if (ctx->is_password_mode)
		roost_given_verify(&ctx->given);
	doveadm_print_header("keyring-id", "keyring id", 0);
	doveadm_print_header_simple("state");
	doveadm_print_header_simple("mode");
	doveadm_print_header("recovery-code", "recovery code", 0);
}
ROOST_CMD_DEFINE_INIT(init_cmd_init)

/* The secret that is to open a keyring in password mode.  NULL in provider
   mode.  0, or -1 with error_r. */
static int
init_get_secret(struct init_context *ctx, const uint8_t **secret_r,
		const char **error_r)
{
	const struct roost_ring_secret *secret;

	*secret_r = NULL;
	if (!ctx->is_password_mode)
		return 0;
	if (roost_given_get_password(&ctx->given, &secret, error_r) < 0)
		return -1;
	*secret_r = secret->hash;
	return 0;
}

/* May a keyring be made?  Returns 0, or -1 with error_r.  The mail is scanned
   only where there is no keyring yet; else scan_r is zero. */
static int
init_may_create(const struct init_context *ctx, struct roost_keystore *store,
		struct mail_namespace *ns,
		struct roost_scan *scan_r, const char **error_r)
{
	int ret = roost_keystore_load(store, t_buffer_create(4096), error_r);

	i_zero(scan_r);
	if (ret != 0)
		return ret < 0 ? -1 : 0;
	if (roost_scan_mail(ns, scan_r, error_r) < 0)
		return -1;
	return ctx->is_new ? roost_scan_check_sealed(scan_r, store, error_r) :
		roost_scan_check(scan_r, store, error_r);
}

static void
init_print(struct roost_ring *ring, bool was_made, const char *code)
{
	const struct roost_keyring *doc = roost_ring_doc(ring);
	char id[2 * ROOST_ID_SIZE + 1];

	roost_bytes_hex(doc->id, ROOST_ID_SIZE, id);
	doveadm_print(id);
	doveadm_print(was_made ? "created" : "exists");
	doveadm_print(roost_keyring_has_slot(doc, ROOST_SLOT_PROVIDER) ?
		      "provider" : "password");
	doveadm_print(was_made ? code : "");
}

/* The keyring may be stored though it could not be read back, and its recovery
   code with it, which nobody would see otherwise. */
static void
init_print_perhaps(const struct init_context *ctx, const char *code)
{
	doveadm_print("");
	doveadm_print("perhaps created");
	doveadm_print(ctx->is_password_mode ? "password" : "provider");
	doveadm_print(code);
}

/* In password mode: is there a keyring already?  Nobody is asked for a password
   then.  Returns 0, or -1 with error_r. */
static int
init_refuse_existing(const struct init_context *ctx, struct roost_user *ruser,
		     const struct mail_user *user, struct mail_namespace *ns,
		     const char **error_r)
{
	const char *is = "password", *to = "change the password";
	const char *command = "slot replace";
	struct roost_ring *ring;
	int ret = !ctx->is_password_mode ? 0 :
		roost_user_ring(ruser, ns, &ring, error_r);

	if (ret <= 0)
		return ret;
	if (roost_keyring_has_slot(roost_ring_doc(ring), ROOST_SLOT_PROVIDER))
		is = "provider", to = "have a password open it",
			command = "mode";
	init_print(ring, FALSE, "");
	*error_r = t_strdup_printf("There is a keyring already, in %s mode; it "
		"was not changed.  To %s: doveadm roost %s -u %s password",
		is, to, command, user->username);
	return -1;
}

/* Is there a place for it?  Returns 0, or -1 with error_r. */
static int
init_check_home(struct roost_user *ruser, struct mail_user *user,
		const char **error_r)
{
	const char *mend, *fault =
		roost_home_fault(user, roost_user_config(ruser), &mend);

	if (fault == NULL)
		return 0;
	*error_r = t_strdup_printf("%s: %s", fault, mend);
	return -1;
}

/* Makes the user's own keyring, or prints the one that is there. */
static int
init_create(struct init_context *ctx, struct roost_user *ruser,
	    struct mail_user *user, const char **error_r)
{
	struct mail_namespace *ns = roost_command_namespace(user);
	uint8_t code[ROOST_CODE_SIZE];
	char text[ROOST_CODE_TEXT_SIZE] = "";
	struct roost_ring_create create = {
		.owner = user->username, .config = roost_user_config(ruser),
		.recovery = ctx->has_recovery ? code : NULL,
		.event = user->event,
	};
	struct roost_keystore *store;
	struct roost_scan scan;
	struct roost_ring *ring;
	bool was_made = FALSE;
	int ret = -1;

	if (init_check_home(ruser, user, error_r) < 0 ||
	    init_refuse_existing(ctx, ruser, user, ns, error_r) < 0 ||
	    init_get_secret(ctx, &create.secret, error_r) < 0)
		return -1;
	store = roost_user_keystore(ruser, ns, error_r);
	if (store == NULL)
		return -1;
	if (roost_prim_random(code, sizeof(code)) != ROOST_OK ||
	    (ctx->has_recovery &&
	     roost_code_write(code, text) != ROOST_OK))
		*error_r = roost_err_phrase(ROOST_ERR_BACKEND);
	else if (init_may_create(ctx, store, ns, &scan, error_r) == 0) {
		create.policy = ctx->has_policy ? ctx->policy :
			roost_scan_policy(&scan);
		ret = roost_ring_create(store, &create, &ring, &was_made,
					error_r);
	}
	if (ret > 0) {
		init_print(ring, was_made, text);
		if (!was_made && ctx->is_password_mode) {
			*error_r = "There is a keyring already, made in this "
				"moment by somebody else; it was not changed";
			ret = -1;
		}
		roost_ring_free(&ring);
	} else if (was_made && *text != '\0') {
		init_print_perhaps(ctx, text);
		ret = roost_command_fail_with_rows(&ctx->ctx, user, ret,
						   *error_r);
	}
	roost_wipe(code, sizeof(code));
	roost_wipe(text, sizeof(text));
	roost_keystore_deinit(&store);
	return ret < 0 ? -1 : 0;
}

/* Makes the keyring of a public namespace as the first message would that is
   saved there, or prints the one that is there. */
static int
init_public(struct init_context *ctx, struct roost_user *ruser,
	    struct mail_namespace *ns, const char **error_r)
{
	struct roost_ring *ring;
	int ret;

	if (ctx->is_password_mode || ctx->has_recovery || ctx->has_policy) {
		*error_r = "A public namespace's keyring is in provider mode, "
			"has no recovery code, and gets its policy by what "
			"mail there is";
		return -1;
	}
	ret = roost_user_ring(ruser, ns, &ring, error_r);
	if (ret < 0)
		return -1;
	roost_user_ask(ruser, ctx->is_new);
	if (ret == 0 &&
	    roost_user_seal_ring(ruser, ns, &ring, error_r) < 0)
		return -1;
	init_print(ring, ret == 0, "");
	return 0;
}

static int
init_user(struct doveadm_mail_cmd_context *_ctx, struct roost_user *ruser,
	  struct mail_user *user, const char **error_r)
{
	struct init_context *ctx =
		container_of(_ctx, struct init_context, ctx);
	struct mail_namespace *ns = NULL;

	if (roost_user_config(ruser)->provider_key_count == 0) {
		*error_r = "roost_provider_key is not set";
		return -1;
	}
	if (ctx->prefix != NULL) {
		ns = roost_command_namespace_find(user, ctx->prefix, error_r);
		if (ns == NULL)
			return -1;
	}
	if (ns != NULL && ns->owner == NULL)
		return init_public(ctx, ruser, ns, error_r);
	return init_create(ctx, ruser, user, error_r);
}

static int
init_cmd_run(struct doveadm_mail_cmd_context *_ctx, struct mail_user *user)
{
	return roost_command_run(_ctx, user, init_user);
}

static void
init_cmd_deinit(struct doveadm_mail_cmd_context *_ctx)
{
	struct init_context *ctx =
		container_of(_ctx, struct init_context, ctx);

	roost_given_deinit(&ctx->given);
}

static struct doveadm_mail_cmd_context *
init_cmd_alloc(void)
{
	struct init_context *ctx = doveadm_mail_cmd_alloc(struct init_context);

	roost_command_accept_params(&ctx->ctx);
	ctx->ctx.v.init = ROOST_CMD_INIT(init_cmd_init);
	ctx->ctx.v.run = init_cmd_run;
	ctx->ctx.v.deinit = init_cmd_deinit;
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return &ctx->ctx;
}

struct doveadm_cmd_ver2 roost_cmd_init = {
	.name = "roost init",
	.mail_cmd = init_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		"[-m|--mode provider|password] [-p|--policy open|sealed] "
		"[--secret-file <file>|--secret-fd <fd>] [-r|--recovery] "
		"[-N|--new] "
		"[-n|--namespace <prefix>]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
ROOST_COMMAND_MORE_PARAM
ROOST_GIVEN_SECRET_PARAMS
DOVEADM_CMD_PARAM('m', "mode", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('p', "policy", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('r', "recovery", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('N', "new", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('n', "namespace", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAMS_END
};
