/* SPDX-License-Identifier: MIT */
/*
 * mail-verify: `doveadm roost verify`: tells whether every sealed message is
 * whole, and every message sealed that has to be.
 *
 * This file visits the mailboxes and counts; verify-message.c judges a message.
 * A row is a mailbox, or with --list a message that is bad or plaintext.  In
 * the columns `epochs` and `reasons` each count stands behind its name, with a
 * colon between, so that a script can split them.
 */
#include "doveadm/commands.h"

#include "doveadm/given.h"
#include "doveadm/masks.h"
#include "doveadm/verify-message.h"
#include "doveadm/walk.h"

struct verify_command {
	struct roost_masks_command cmd;
	struct roost_given given;
	bool is_keyless, is_list, has_masks;
};

struct verify_reason {
	const char *name;
	unsigned int count;	/* of messages that are bad for it */
};

/* What a user's messages are verified with, and what was found. */
struct verify_run {
	struct verify_command *cmd;
	struct roost_user *ruser;
	struct mail_user *user;
	/* Of the namespace that is being visited. */
	struct mail_namespace *ns;
	struct roost_ring *ring;	/* NULL: there is no keyring */
	bool is_policy_sealed;
	bool is_bad;			/* a message is not whole */
	unsigned int plaintext;		/* where the policy is sealed */
	/* Of the mailbox that is being visited. */
	struct {
		unsigned int messages, sealed, plaintext, bad;
	} box;
	ARRAY(unsigned int) epochs;	/* sealed to each; [0]: not known */
	ARRAY(struct verify_reason) reasons;
};

static void
verify_count_header(const char *name)
{
	doveadm_print_header(name, name,
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
}

static void
verify_headers(bool is_list)
{
	doveadm_print_header_simple("mailbox");
	if (is_list) {
		verify_count_header("uid");
		doveadm_print_header_simple("state");
		doveadm_print_header_simple("reason");
		return;
	}
	verify_count_header("messages");
	verify_count_header("sealed");
	verify_count_header("plaintext");
	verify_count_header("bad");
	doveadm_print_header_simple("epochs");
	doveadm_print_header_simple("reasons");
}

static void
verify_cmd_init(struct doveadm_mail_cmd_context *ctx)
{
	struct verify_command *cmd =
		container_of(ctx, struct verify_command, cmd.ctx);
	const char *const *masks;

	roost_masks_init(&cmd->cmd);
	roost_given_init(&cmd->given, ctx);
	if (roost_given_refuse_many(&cmd->given, ctx))
		return;
	cmd->has_masks = doveadm_cmd_param_array(ctx->cctx, "mailbox-mask",
						 &masks);
	(void)doveadm_cmd_param_bool(ctx->cctx, "keyless", &cmd->is_keyless);
	(void)doveadm_cmd_param_bool(ctx->cctx, "list", &cmd->is_list);
	if (cmd->is_keyless && roost_given_has_opener(&cmd->given))
		roost_command_misuse(ctx, "--keyless opens nothing, so that "
				     "it takes no secret");
	else
		verify_headers(cmd->is_list);
}
ROOST_CMD_DEFINE_INIT(verify_cmd_init)

/* -- messages -- */

static void
verify_count_reason(struct verify_run *run, const char *name)
{
	struct verify_reason *reason;

	array_foreach_modifiable(&run->reasons, reason) {
		if (strcmp(reason->name, name) == 0) {
			reason->count++;
			return;
		}
	}
	reason = array_append_space(&run->reasons);
	reason->name = name;
	reason->count = 1;
}

static void
verify_list(const struct verify_run *run, const struct mail *mail,
	    const char *state, const char *reason)
{
	if (!run->cmd->is_list)
		return;
	doveadm_print(mailbox_get_vname(mail->box));
	doveadm_print_num(mail->uid);
	doveadm_print(state);
	doveadm_print(reason);
}

static int
verify_message(struct mail *mail, void *context)
{
	struct verify_run *run = context;
	struct roost_verified verified;

	roost_verify_message(mail, run->ring, run->cmd->is_keyless,
			     &verified);
	switch (verified.verdict) {
	case ROOST_VERDICT_SEALED:
		run->box.sealed++;
		*array_idx_get_space(&run->epochs, verified.epoch) += 1;
		break;
	case ROOST_VERDICT_PLAINTEXT:
		run->box.plaintext++;
		verify_list(run, mail, "plaintext", "");
		break;
	case ROOST_VERDICT_BAD:
		run->box.bad++;
		verify_count_reason(run, verified.reason);
		verify_list(run, mail, "bad", verified.reason);
		break;
	case ROOST_VERDICT_GONE:
		return 0;
	}
	run->box.messages++;
	return 0;
}

/* -- a mailbox -- */

/* Returns "1:20 2:4", epochs and how many messages are sealed to each; where
   the epoch is not known, a question mark stands for it. */
static const char *
verify_epochs(const struct verify_run *run)
{
	string_t *str = t_str_new(64);
	const unsigned int *count;
	unsigned int epoch;

	array_foreach(&run->epochs, count) {
		epoch = array_foreach_idx(&run->epochs, count);
		if (*count > 0)
			str_printfa(str, "%s%s:%u",
				    str_len(str) == 0 ? "" : " ",
				    epoch == 0 ? "?" : dec2str(epoch), *count);
	}
	return str_c(str);
}

static const char *
verify_reasons(const struct verify_run *run)
{
	string_t *str = t_str_new(64);
	const struct verify_reason *reason;

	array_foreach(&run->reasons, reason)
		str_printfa(str, "%s%s:%u", str_len(str) == 0 ? "" : " ",
			    reason->name, reason->count);
	return str_c(str);
}

static void
verify_print(struct mailbox *box, struct verify_run *run)
{
	if (run->is_policy_sealed)
		run->plaintext += run->box.plaintext;
	run->is_bad = run->is_bad || run->box.bad > 0;
	if (run->cmd->is_list)
		return;
	doveadm_print(mailbox_get_vname(box));
	doveadm_print_num(run->box.messages);
	doveadm_print_num(run->box.sealed);
	doveadm_print_num(run->box.plaintext);
	doveadm_print_num(run->box.bad);
	doveadm_print(verify_epochs(run));
	doveadm_print(verify_reasons(run));
}

/* Gets the keyring of the namespace, unlocked, or NULL if there is none: 0, or
   less with error_r.  With --keyless it is wanted for its policy only: it stays
   locked, and one that fails is no error. */
static int
verify_ring(struct verify_run *run, const char **error_r)
{
	enum roost_err err;
	int ret;

	run->ring = NULL;
	ret = roost_user_ring(run->ruser, run->ns, &run->ring, error_r);
	if (run->cmd->is_keyless)
		return 0;
	if (ret <= 0)
		return ret;
	if (run->ns->owner == run->user) {
		ret = roost_given_unlock(&run->cmd->given, run->ring,
					 roost_user_config(run->ruser), TRUE,
					 error_r);
		if (ret < 0)
			return ret;
	}
	err = roost_ring_unlock(run->ring);
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

/* Makes the keyring and the policy of a namespace those of the run.  0, or less
   with error_r. */
static int
verify_enter(struct verify_run *run, struct mail_namespace *ns,
	     const char **error_r)
{
	int ret;

	if (run->ns == ns)
		return 0;
	run->ns = ns;
	ret = verify_ring(run, error_r);
	if (ret < 0) {
		run->ns = NULL;
		return ret;
	}
	run->is_policy_sealed = verify_is_sealed(run->ruser, ns, run->ring);
	return 0;
}

static int
verify_mailbox(struct mailbox *box, void *context)
{
	struct verify_run *run = context;
	struct doveadm_mail_cmd_context *ctx = &run->cmd->cmd.ctx;
	struct mail_namespace *ns = mailbox_get_namespace(box);
	const char *error = "It stores no messages of its own; verify the "
		"mailboxes whose messages it shows";
	int ret = roost_walk_is_storing(ns) ? verify_enter(run, ns, &error) :
		-1;

	if (ret < 0)
		return roost_command_fail_as(ctx, ns->user, ret,
			t_strdup_printf("Cannot verify mailbox %s: %s",
					mailbox_get_vname(box), error));
	i_zero(&run->box);
	array_clear(&run->epochs);
	array_clear(&run->reasons);
	ret = roost_walk_messages(ctx, box, verify_message, run);
	if (ret == 0)
		verify_print(box, run);
	return ret;
}

/* -- a user -- */

/* Returns 0, or -1 with error_r where anything is wrong with the messages. */
static int
verify_result(const struct verify_run *run, const char **error_r)
{
	if (run->is_bad)
		*error_r = "There are messages that are not whole; each is "
			"named above";
	else if (run->plaintext > 0)
		*error_r = t_strdup_printf("%u messages are not sealed, "
			"though the policy is sealed: remove them, or see "
			"doveadm roost policy", run->plaintext);
	else
		return 0;
	return -1;
}

/* Visits each mailbox of each namespace: 0, or less with error_r. */
static int
verify_namespaces(struct verify_run *run, struct mail_user *user,
		  const struct roost_walk *walk, const char **error_r)
{
	struct mail_namespace *ns;
	const char *error;
	int ret = 0, failed;

	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (!roost_walk_is_storing(ns))
			continue;
		failed = verify_enter(run, ns, &error);
		if (failed == 0)
			failed = roost_walk_namespace(walk, ns, &error);
		if (failed < 0) {
			*error_r = error;
			ret = failed;
		}
	}
	return ret;
}

static int
verify_user(struct doveadm_mail_cmd_context *ctx, struct roost_user *ruser,
	    struct mail_user *user, const char **error_r)
{
	struct verify_run run = {
		.cmd = container_of(ctx, struct verify_command, cmd.ctx),
		.ruser = ruser, .user = user,
	};
	const struct roost_walk walk = {
		.ctx = ctx, .visit = verify_mailbox, .context = &run,
		.flags = MAILBOX_FLAG_READONLY,
	};
	int ret;

	i_array_init(&run.epochs, 8);
	i_array_init(&run.reasons, 8);
	if (run.cmd->has_masks) {
		/* What was wrong with a mailbox has been logged. */
		(void)roost_walk_masks(&walk, user, &run.cmd->cmd.masks);
		ret = 0;
	} else {
		ret = verify_namespaces(&run, user, &walk, error_r);
	}
	array_free(&run.epochs);
	array_free(&run.reasons);
	return ret < 0 ? ret : verify_result(&run, error_r);
}

static int
verify_cmd_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	return roost_command_run(ctx, user, verify_user);
}

static void
verify_cmd_deinit(struct doveadm_mail_cmd_context *ctx)
{
	struct verify_command *cmd =
		container_of(ctx, struct verify_command, cmd.ctx);

	roost_given_deinit(&cmd->given);
	roost_masks_deinit(ctx);
}

static struct doveadm_mail_cmd_context *
verify_cmd_alloc(void)
{
	struct roost_masks_command *cmd =
		roost_masks_alloc(sizeof(struct verify_command));

	cmd->ctx.v.init = ROOST_CMD_INIT(verify_cmd_init);
	cmd->ctx.v.run = verify_cmd_run;
	cmd->ctx.v.deinit = verify_cmd_deinit;
	return &cmd->ctx;
}

struct doveadm_cmd_ver2 roost_cmd_verify = {
	.name = "roost verify",
	.mail_cmd = verify_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX "[-k|--keyless] [-l|--list] "
		ROOST_GIVEN_USAGE "[<mailbox mask> [...]]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
DOVEADM_CMD_PARAM('k', "keyless", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('l', "list", CMD_PARAM_BOOL, 0)
ROOST_MASKS_POSITIONAL
ROOST_GIVEN_PARAMS
DOVEADM_CMD_PARAMS_END
};
