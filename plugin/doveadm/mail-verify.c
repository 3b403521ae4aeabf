/* SPDX-License-Identifier: MIT */
/*
 * mail-verify: `doveadm roost verify`: tells whether every sealed message is
 * whole, and every message sealed that has to be.
 *
 * This file visits the mailboxes and counts; verify-message.c judges a message.
 */
#include "doveadm/commands.h"

#include "doveadm/verify-message.h"
#include "doveadm/walk.h"

struct verify_context {
	struct doveadm_mail_cmd_context ctx;
	bool is_keyless;
};

/* What the messages of a namespace are verified with. */
struct verify_run {
	struct doveadm_mail_cmd_context *ctx;
	bool is_keyless;
	struct roost_ring *ring;	/* NULL: there is no keyring */
	bool is_bad;			/* a message is not whole */
	unsigned int plaintext;		/* in all mailboxes */
	/* Of the mailbox that is being visited. */
	struct {
		unsigned int messages, sealed, plaintext, bad;
	} box;
};

static void
verify_cmd_init(struct doveadm_mail_cmd_context *_ctx)
{
	struct verify_context *ctx =
		container_of(_ctx, struct verify_context, ctx);

	(void)doveadm_cmd_param_bool(_ctx->cctx, "keyless", &ctx->is_keyless);
	doveadm_print_header_simple("mailbox");
	doveadm_print_header("messages", "messages",
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
	doveadm_print_header("sealed", "sealed",
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
	doveadm_print_header("plaintext", "plaintext",
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
	doveadm_print_header("bad", "bad",
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
}
ROOST_CMD_DEFINE_INIT(verify_cmd_init)

static int
verify_message(struct mail *mail, void *context)
{
	struct verify_run *run = context;

	switch (roost_verify_message(mail, run->ring, run->is_keyless)) {
	case ROOST_VERDICT_SEALED:
		run->box.sealed++;
		break;
	case ROOST_VERDICT_PLAINTEXT:
		run->box.plaintext++;
		break;
	case ROOST_VERDICT_BAD:
		run->box.bad++;
		break;
	case ROOST_VERDICT_GONE:
		return 0;
	}
	run->box.messages++;
	return 0;
}

static void
verify_print(struct mailbox *box, struct verify_run *run)
{
	doveadm_print(mailbox_get_vname(box));
	doveadm_print_num(run->box.messages);
	doveadm_print_num(run->box.sealed);
	doveadm_print_num(run->box.plaintext);
	doveadm_print_num(run->box.bad);
	run->plaintext += run->box.plaintext;
	run->is_bad = run->is_bad || run->box.bad > 0;
}

static int
verify_mailbox(struct mailbox *box, void *context)
{
	struct verify_run *run = context;

	i_zero(&run->box);
	if (roost_walk_messages(run->ctx, box, verify_message, run) < 0)
		return -1;
	verify_print(box, run);
	return 0;
}

/* Gets the keyring of the namespace, unlocked, or NULL if there is none: 0, or
   -1 with error_r.  With --keyless it is wanted for its policy only: it stays
   locked, and one that fails is no error. */
static int
verify_ring(struct verify_context *ctx, struct roost_user *ruser,
	    struct mail_namespace *ns, struct roost_ring **ring_r,
	    const char **error_r)
{
	enum roost_err err;
	int ret;

	*ring_r = NULL;
	ret = roost_user_ring(ruser, ns, ring_r, error_r);
	if (ctx->is_keyless)
		return 0;
	if (ret <= 0)
		return ret;
	err = roost_ring_unlock(*ring_r);
	if (err == ROOST_OK)
		return 0;
	*error_r = t_strdup_printf("Cannot verify with keys: %s [%s]; "
				   "--keyless compares the digests",
				   roost_err_phrase(err), roost_err_name(err));
	return -1;
}

/* Must every message of the namespace be sealed? */
static bool
verify_is_sealed(struct roost_user *ruser, struct mail_namespace *ns,
		 const struct roost_ring *ring)
{
	const struct roost_config *config;
	const char *error;

	if (ring != NULL)
		return roost_ring_policy(ring) == ROOST_POLICY_SEALED;
	return roost_user_namespace_config(ruser, ns, &config, &error) == 0 &&
		config->has_policy && config->policy == ROOST_POLICY_SEALED;
}

/* Returns 0, or -1 with error_r where anything is wrong with the namespace. */
static int
verify_result(struct roost_user *ruser, struct mail_namespace *ns,
	      const struct verify_run *run, const char **error_r)
{
	if (run->is_bad)
		*error_r = "There are messages that are not whole; each is "
			"named above";
	else if (run->plaintext > 0 &&
		 verify_is_sealed(ruser, ns, run->ring))
		*error_r = t_strdup_printf("%u messages are not sealed, "
			"though the policy is sealed: remove them, or see "
			"doveadm roost policy", run->plaintext);
	else
		return 0;
	return -1;
}

static int
verify_namespace(struct verify_context *ctx, struct roost_user *ruser,
		 struct mail_namespace *ns, const char **error_r)
{
	struct verify_run run = {
		.ctx = &ctx->ctx, .is_keyless = ctx->is_keyless
	};
	const struct roost_walk walk = {
		.ctx = &ctx->ctx, .visit = verify_mailbox, .context = &run,
		.flags = MAILBOX_FLAG_READONLY,
	};

	if (verify_ring(ctx, ruser, ns, &run.ring, error_r) < 0 ||
	    roost_walk_namespace(&walk, ns, error_r) < 0)
		return -1;
	return verify_result(ruser, ns, &run, error_r);
}

static int
verify_user(struct doveadm_mail_cmd_context *_ctx, struct roost_user *ruser,
	    struct mail_user *user, const char **error_r)
{
	struct verify_context *ctx =
		container_of(_ctx, struct verify_context, ctx);
	struct mail_namespace *ns;
	const char *error;
	int ret = 0;

	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (!roost_walk_is_storing(ns))
			continue;
		if (verify_namespace(ctx, ruser, ns, &error) < 0) {
			*error_r = error;
			ret = -1;
		}
	}
	return ret;
}

static int
verify_cmd_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	return roost_command_run(ctx, user, verify_user);
}

static struct doveadm_mail_cmd_context *
verify_cmd_alloc(void)
{
	struct verify_context *ctx =
		doveadm_mail_cmd_alloc(struct verify_context);

	roost_command_accept_params(&ctx->ctx);
	ctx->ctx.v.init = ROOST_CMD_INIT(verify_cmd_init);
	ctx->ctx.v.run = verify_cmd_run;
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return &ctx->ctx;
}

struct doveadm_cmd_ver2 roost_cmd_verify = {
	.name = "roost verify",
	.mail_cmd = verify_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX "[-k|--keyless]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAM('k', "keyless", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAMS_END
};
