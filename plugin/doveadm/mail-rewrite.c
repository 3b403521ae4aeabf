/* SPDX-License-Identifier: MIT */
/*
 * mail-rewrite: `doveadm roost seal`, `reseal` and `unseal`: give stored
 * messages another form where they are.
 *
 * This file visits mailboxes, keeps the pace and prints; rewrite/rewrite.h
 * changes a message.
 */
#include "doveadm/commands.h"
#include "doveadm/given.h"
#include "doveadm/masks.h"
#include "doveadm/seal-finish.h"
#include "doveadm/walk.h"

#include "rewrite/rewrite.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* What doveadm exits with after an interrupt.  No other command of doveadm has
   this code. */
#define EXIT_INTERRUPTED 80

#define RATE_MAX 1000000
#define NSECS_PER_SEC 1000000000LL
#define NSECS_PER_MSEC 1000000LL

struct rewrite_counts {
	unsigned int done, already, left;
};

struct rewrite_command {
	struct roost_masks_command cmd;
	struct roost_given given;
	enum roost_rewrite_plan plan;
	unsigned int rate;		/* messages a second; 0: no limit */
	bool is_sure;			/* --yes-plaintext, or so answered */
	bool is_finish;
	bool was_interrupted;

	/* Of the user. */
	struct mail_user *user;
	struct roost_user *ruser;
	struct roost_rewrite *run;
	struct mail_namespace *ns;	/* of the run */
	bool is_stopped;		/* going on is of no use */
	int failed;			/* what beginning a run has answered */
	long long next_nsecs;		/* when the next may be rewritten */
	struct rewrite_counts box, all;
};

static struct rewrite_command *
rewrite_command(struct doveadm_mail_cmd_context *ctx)
{
	return container_of(ctx, struct rewrite_command, cmd.ctx);
}

/* -- beginning -- */

/* Returns FALSE if the command was used wrongly. */
static bool
init_rate(struct rewrite_command *cmd)
{
	const char *rate;

	/* Of a number that is none doveadm would say nothing. */
	if (!doveadm_cmd_param_str(cmd->cmd.ctx.cctx, "rate", &rate) ||
	    (str_to_uint(rate, &cmd->rate) == 0 && cmd->rate >= 1 &&
	     cmd->rate <= RATE_MAX))
		return TRUE;
	roost_command_misuse(&cmd->cmd.ctx, "--rate is a number of messages a "
			     "second, of at least 1");
	return FALSE;
}

static void
init_header(enum roost_rewrite_plan plan)
{
	static const char *const done[] = {
		[ROOST_REWRITE_SEAL] = "sealed",
		[ROOST_REWRITE_RESEAL] = "resealed",
		[ROOST_REWRITE_UNSEAL] = "unsealed",
	};
	const char *const numbers[] = { done[plan], "already", "left" };
	unsigned int i;

	doveadm_print_header_simple("mailbox");
	doveadm_print_header_simple("uid");
	for (i = 0; i < N_ELEMENTS(numbers); i++)
		doveadm_print_header(numbers[i], numbers[i],
				     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
	doveadm_print_header_simple("reason");
}

static void
rewrite_cmd_init(struct doveadm_mail_cmd_context *ctx)
{
	struct rewrite_command *cmd = rewrite_command(ctx);

	roost_masks_init(&cmd->cmd);
	roost_given_init(&cmd->given, ctx);
	if (!roost_given_refuse_many(&cmd->given, ctx) && init_rate(cmd))
		init_header(cmd->plan);
}
ROOST_CMD_DEFINE_INIT(rewrite_cmd_init)

static void
seal_cmd_init(struct doveadm_mail_cmd_context *ctx)
{
	struct rewrite_command *cmd = rewrite_command(ctx);
	const char *const *masks;

	rewrite_cmd_init(ctx);
	(void)doveadm_cmd_param_bool(ctx->cctx, "finish", &cmd->is_finish);
	if (cmd->is_finish &&
	    doveadm_cmd_param_array(ctx->cctx, "mailbox-mask", &masks))
		roost_command_misuse(ctx, "--finish is for all mailboxes of a "
				     "user, so that none can be named");
}
ROOST_CMD_DEFINE_INIT(seal_cmd_init)

/* Does somebody at the terminal say yes? */
static bool
unseal_ask(const struct doveadm_mail_cmd_context *ctx)
{
	char answer[8];

	if (ctx->cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI ||
	    isatty(STDIN_FILENO) != 1)
		return FALSE;
	fprintf(stderr, "Whoever holds the disk can read messages that are "
		"not sealed.\nStore them as plaintext?  Type yes: ");
	return fgets(answer, sizeof(answer), stdin) != NULL &&
		strcmp(answer, "yes\n") == 0;
}

static void
unseal_cmd_init(struct doveadm_mail_cmd_context *ctx)
{
	struct rewrite_command *cmd = rewrite_command(ctx);

	(void)doveadm_cmd_param_bool(ctx->cctx, "yes-plaintext",
				     &cmd->is_sure);
	if (cmd->is_sure || unseal_ask(ctx))
		rewrite_cmd_init(ctx);
	else
		roost_command_misuse(ctx, "Nothing is changed: to store "
				     "messages as plaintext, which whoever "
				     "holds the disk can read, give "
				     "--yes-plaintext");
}
ROOST_CMD_DEFINE_INIT(unseal_cmd_init)

/* -- pace -- */

static long long
now_nsecs(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		i_fatal("clock_gettime() failed: %m");
	return now.tv_sec * NSECS_PER_SEC + now.tv_nsec;
}

/* Wait until the next message may be rewritten, or a signal comes.  0, or -1
   with error_r: then it is of no use to go on. */
static int
pace_wait(struct rewrite_command *cmd, const char **error_r)
{
	long long now, wait;
	struct timespec time;

	if (cmd->rate == 0)
		return 0;
	now = now_nsecs();
	wait = cmd->next_nsecs - now;
	if (wait > 0) {
		if (roost_rewrite_pause(cmd->run, (unsigned int)
					(wait / NSECS_PER_MSEC), error_r) < 0)
			return -1;
		time.tv_sec = (time_t)(wait / NSECS_PER_SEC);
		time.tv_nsec = (long)(wait % NSECS_PER_SEC);
		(void)nanosleep(&time, NULL);
	}
	cmd->next_nsecs = I_MAX(now, cmd->next_nsecs) +
		NSECS_PER_SEC / cmd->rate;
	return 0;
}

/* -- rows -- */

static void
print_left(struct mailbox *box, uint32_t uid, const char *reason)
{
	doveadm_print(mailbox_get_vname(box));
	doveadm_print_num(uid);
	doveadm_print("");
	doveadm_print("");
	doveadm_print("");
	doveadm_print(reason);
}

static void
print_box(struct mailbox *box, const struct rewrite_counts *counts)
{
	doveadm_print(mailbox_get_vname(box));
	doveadm_print("*");
	doveadm_print_num(counts->done);
	doveadm_print_num(counts->already);
	doveadm_print_num(counts->left);
	doveadm_print("");
}

/* -- messages -- */

static int
rewrite_stop(struct rewrite_command *cmd, struct mail *mail,
	     const char *reason)
{
	cmd->is_stopped = TRUE;
	e_error(mail_event(mail), "roost: It ends here, since others would "
		"end like this message: %s", reason);
	doveadm_mail_failed_error(&cmd->cmd.ctx, MAIL_ERROR_TEMP);
	return -1;
}

static int
rewrite_visit(struct mail *mail, void *context)
{
	struct rewrite_command *cmd = context;
	const char *reason;

	switch (roost_rewrite_message(cmd->run, mail, &reason)) {
	case ROOST_REWRITE_DONE:
		cmd->box.done++;
		if (pace_wait(cmd, &reason) < 0)
			return rewrite_stop(cmd, mail, reason);
		break;
	case ROOST_REWRITE_ALREADY:
		cmd->box.already++;
		break;
	case ROOST_REWRITE_GONE:
		break;
	case ROOST_REWRITE_LEFT:
		cmd->box.left++;
		print_left(mail->box, mail->uid, reason);
		break;
	case ROOST_REWRITE_STOP:
		cmd->box.left++;
		print_left(mail->box, mail->uid, reason);
		return rewrite_stop(cmd, mail, reason);
	}
	return 0;
}

/* -- mailboxes -- */

/* Open the user's keyring by a secret.  Reading needs one in password mode;
   sealing does where nothing else shows whose the keyring is.  0, or less with
   error_r. */
static int
rewrite_unlock(struct rewrite_command *cmd, struct mail_namespace *ns,
	       const char **error_r)
{
	struct roost_ring *ring;
	const char *error;
	int ret = ns->owner != cmd->user ? 0 :
		roost_user_ring(cmd->ruser, ns, &ring, error_r);

	/* Without a keyring the run says so. */
	if (ret <= 0)
		return ret;
	return roost_given_unlock(&cmd->given, ring,
				  roost_user_config(cmd->ruser),
				  cmd->plan != ROOST_REWRITE_SEAL ||
				  roost_ring_check_seal(ring, &error) < 0,
				  error_r);
}

/* Plaintext messages would be refused where the policy is sealed, so that it is
   opened first. */
static int
open_policy(struct rewrite_command *cmd, struct mail_namespace *ns,
	    const char **error_r)
{
	struct roost_ring *ring;
	int ret = roost_user_ring(cmd->ruser, ns, &ring, error_r);

	/* Without a keyring the run says so. */
	if (ret <= 0)
		return ret;
	ret = roost_command_set_policy(cmd->ruser, ns, ring,
				       ROOST_POLICY_OPEN, error_r);
	if (ret > 0)
		e_warning(cmd->user->event, "roost: The policy was sealed, "
			  "which refuses plaintext messages; from now on it "
			  "is open");
	if (ret < 0 || roost_ring_policy(ring) == ROOST_POLICY_OPEN)
		return ret;
	*error_r = "roost_policy of userdb keeps the policy sealed, which "
		"refuses plaintext messages: set it to open first";
	return -1;
}

/* A run is for mailboxes of one namespace.  0, or less with error_r. */
static int
rewrite_begin(struct rewrite_command *cmd, struct mail_namespace *ns,
	      const char **error_r)
{
	int ret;

	if (cmd->run != NULL && cmd->ns == ns)
		return 0;
	roost_rewrite_end(&cmd->run);
	ret = rewrite_unlock(cmd, ns, error_r);
	if (ret < 0)
		return ret;
	if (cmd->plan == ROOST_REWRITE_UNSEAL &&
	    open_policy(cmd, ns, error_r) < 0)
		return -1;
	cmd->run = roost_rewrite_begin(cmd->ruser, ns, cmd->plan, error_r);
	cmd->ns = ns;
	return cmd->run == NULL ? -1 : 0;
}

static int
rewrite_fail(struct rewrite_command *cmd, struct mailbox *box, int ret,
	     const char *error)
{
	return roost_command_fail_as(&cmd->cmd.ctx, cmd->user, ret,
		t_strdup_printf("In mailbox %s: %s", mailbox_get_vname(box),
				error));
}

/* What was counted as done, and stays as it was all the same, is listed. */
static void
count_undone(struct rewrite_command *cmd, struct mailbox *box)
{
	const ARRAY_TYPE(seq_range) *uids;
	struct seq_range_iter iter;
	const char *reason;
	unsigned int n = 0;
	uint32_t uid;

	uids = roost_rewrite_undone(cmd->run, &reason);
	seq_range_array_iter_init(&iter, uids);
	while (seq_range_array_iter_nth(&iter, n++, &uid)) {
		print_left(box, uid, reason);
		cmd->box.done--;
		cmd->box.left++;
	}
}

static int
rewrite_mailbox(struct mailbox *box, void *context)
{
	struct rewrite_command *cmd = context;
	const char *error;
	int ret;

	if (cmd->is_stopped)
		return -1;
	ret = rewrite_begin(cmd, mailbox_get_namespace(box), &error);
	if (ret < 0) {
		cmd->is_stopped = TRUE;
		cmd->failed = ret;
		return rewrite_fail(cmd, box, ret, error);
	}
	if (roost_rewrite_open_box(cmd->run, box, &error) < 0)
		return rewrite_fail(cmd, box, -1, error);
	i_zero(&cmd->box);
	ret = roost_walk_messages(&cmd->cmd.ctx, box, rewrite_visit, cmd);
	if (roost_rewrite_close_box(cmd->run, &error) < 0)
		ret = rewrite_fail(cmd, box, -1, error);
	count_undone(cmd, box);
	print_box(box, &cmd->box);
	cmd->all.done += cmd->box.done;
	cmd->all.already += cmd->box.already;
	cmd->all.left += cmd->box.left;
	return ret;
}

/* -- a user -- */

/* What Roost keeps in the index cache is kept by the plugin. */
static int
check_plugin(struct mail_user *user, const char **error_r)
{
	const char *const *plugins = roost_mail_plugins(user->set);

	for (; *plugins != NULL; plugins++) {
		if (strcmp(*plugins, "roost") == 0)
			return 0;
	}
	*error_r = "the plugin roost has to be loaded for doveadm too: put "
		"roost into mail_plugins";
	return -1;
}

static int
rewrite_visit_all(struct rewrite_command *cmd)
{
	const struct roost_walk walk = {
		.ctx = &cmd->cmd.ctx, .visit = rewrite_mailbox, .context = cmd,
	};
	int ret = roost_walk_masks(&walk, cmd->user, &cmd->cmd.masks);

	roost_rewrite_end(&cmd->run);
	return ret;
}

/* Who leaves Roost has to tell it so. */
static void
unseal_warn(const struct rewrite_command *cmd)
{
	if (cmd->plan == ROOST_REWRITE_UNSEAL &&
	    roost_user_config(cmd->ruser)->enable == ROOST_ENABLE_YES)
		e_warning(cmd->user->event, "roost: New mail is still sealed: "
			  "set roost_enable=read-only for this user, and run "
			  "this again");
}

static int
rewrite_user(struct doveadm_mail_cmd_context *ctx, struct roost_user *ruser,
	     struct mail_user *user, const char **error_r)
{
	struct rewrite_command *cmd = rewrite_command(ctx);

	cmd->user = user;
	cmd->ruser = ruser;
	cmd->is_stopped = FALSE;
	cmd->failed = -1;
	i_zero(&cmd->all);
	if (check_plugin(user, error_r) < 0)
		return -1;
	if (rewrite_visit_all(cmd) < 0) {
		*error_r = t_strdup_printf("Not all was done: %u messages "
			"were changed; run it again once what is named above "
			"was cured", cmd->all.done);
		return cmd->failed;
	}
	unseal_warn(cmd);
	if (cmd->all.left > 0) {
		*error_r = t_strdup_printf("%u messages stay as they were; "
			"each is listed with the reason", cmd->all.left);
		return -1;
	}
	if (!cmd->is_finish)
		return 0;
	if (roost_seal_finish(ctx, ruser, user, &cmd->cmd.masks, error_r) < 0)
		return -1;
	e_info(user->event, "roost: What stood in clear before may still be "
	       "found in free blocks of the disk, in snapshots and in "
	       "backups");
	return 0;
}

static int
rewrite_cmd_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	int ret = roost_command_run(ctx, user, rewrite_user);

	if (doveadm_is_killed())
		rewrite_command(ctx)->was_interrupted = TRUE;
	return ret;
}

/* Here, because doveadm has a code of its own for a list of users that was not
   seen to its end. */
static void
rewrite_cmd_deinit(struct doveadm_mail_cmd_context *ctx)
{
	if (rewrite_command(ctx)->was_interrupted)
		ctx->exit_code = EXIT_INTERRUPTED;
	roost_given_deinit(&rewrite_command(ctx)->given);
	roost_masks_deinit(ctx);
}

static struct doveadm_mail_cmd_context *
rewrite_alloc(enum roost_rewrite_plan plan)
{
	struct roost_masks_command *masks =
		roost_masks_alloc(sizeof(struct rewrite_command));
	struct rewrite_command *cmd =
		container_of(masks, struct rewrite_command, cmd);

	cmd->plan = plan;
	cmd->cmd.ctx.v.init = ROOST_CMD_INIT(rewrite_cmd_init);
	cmd->cmd.ctx.v.run = rewrite_cmd_run;
	cmd->cmd.ctx.v.deinit = rewrite_cmd_deinit;
	return &cmd->cmd.ctx;
}

static struct doveadm_mail_cmd_context *
seal_cmd_alloc(void)
{
	struct doveadm_mail_cmd_context *ctx =
		rewrite_alloc(ROOST_REWRITE_SEAL);

	ctx->v.init = ROOST_CMD_INIT(seal_cmd_init);
	return ctx;
}

static struct doveadm_mail_cmd_context *
reseal_cmd_alloc(void)
{
	return rewrite_alloc(ROOST_REWRITE_RESEAL);
}

static struct doveadm_mail_cmd_context *
unseal_cmd_alloc(void)
{
	struct doveadm_mail_cmd_context *ctx =
		rewrite_alloc(ROOST_REWRITE_UNSEAL);

	ctx->v.init = ROOST_CMD_INIT(unseal_cmd_init);
	return ctx;
}

struct doveadm_cmd_ver2 roost_cmd_seal = {
	.name = "roost seal",
	.mail_cmd = seal_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		"[-r|--rate <messages a second>] " ROOST_GIVEN_USAGE
		"[--finish | <mailbox mask> [...]]",
DOVEADM_CMD_PARAMS_START
ROOST_MASKS_COMMON
DOVEADM_CMD_PARAM('e', "finish", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('r', "rate", CMD_PARAM_STR, 0)
ROOST_MASKS_POSITIONAL
ROOST_GIVEN_PARAMS
DOVEADM_CMD_PARAMS_END
};

struct doveadm_cmd_ver2 roost_cmd_reseal = {
	.name = "roost reseal",
	.mail_cmd = reseal_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		"[-r|--rate <messages a second>] " ROOST_GIVEN_USAGE
		"[<mailbox mask> [...]]",
DOVEADM_CMD_PARAMS_START
ROOST_MASKS_COMMON
DOVEADM_CMD_PARAM('r', "rate", CMD_PARAM_STR, 0)
ROOST_MASKS_POSITIONAL
ROOST_GIVEN_PARAMS
DOVEADM_CMD_PARAMS_END
};

struct doveadm_cmd_ver2 roost_cmd_unseal = {
	.name = "roost unseal",
	.mail_cmd = unseal_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		"-y|--yes-plaintext [-r|--rate <messages a second>] "
		ROOST_GIVEN_USAGE "[<mailbox mask> [...]]",
DOVEADM_CMD_PARAMS_START
ROOST_MASKS_COMMON
DOVEADM_CMD_PARAM('y', "yes-plaintext", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('r', "rate", CMD_PARAM_STR, 0)
ROOST_MASKS_POSITIONAL
ROOST_GIVEN_PARAMS
DOVEADM_CMD_PARAMS_END
};
