/* SPDX-License-Identifier: MIT */
/*
 * doctor: `doveadm roost doctor`: what would leave mail readable on a disk, or
 * lose it, and the line that mends it.  Nothing is written.
 *
 * Without a user it looks at the configuration and the machine
 * (doctor-config.c, doctor-server.c), with -u, -A or -F at users
 * (doctor-user.c), and with --expect at nothing but what is expected
 * (expect.c).  The exit code is 2 if anything worse than a notice was found.
 */
#include "doveadm/commands.h"

#include "doveadm/doctor-config.h"
#include "doveadm/doctor-server.h"
#include "doveadm/doctor-user.h"
#include "doveadm/expect.h"
#include "doveadm/loaded.h"

#define DOCTOR_EXIT_FOUND 2

struct doctor_command {
	struct doveadm_mail_cmd_context ctx;
	struct roost_findings findings;
	struct roost_findings of_server;	/* which are logged */
	struct roost_expect expect;
	struct roost_doctor_user doctor;
	struct roost_doveconf *global;
};

/* -- users -- */

/* A row would be one about a user. */
static void
doctor_expect_server(struct doctor_command *cmd)
{
	const char *error;

	cmd->of_server.is_logged = TRUE;
	if (roost_loaded_check(&cmd->of_server, &error) < 0)
		i_fatal_status(EX_TEMPFAIL, "roost: %s", error);
}

static void
doctor_cmd_init(struct doveadm_mail_cmd_context *ctx)
{
	struct doctor_command *cmd = container_of(ctx, struct doctor_command,
						  ctx);
	const char *error;

	/* What is wrong with them was told before. */
	(void)roost_expect_read(&cmd->expect, ctx->cctx, TRUE);
	if (cmd->expect.is_loaded)
		doctor_expect_server(cmd);
	cmd->global = roost_doctor_config_read(&error);
	if (cmd->global == NULL)
		i_fatal_status(EX_TEMPFAIL, "roost: %s", error);
	cmd->doctor.ctx = ctx;
	cmd->doctor.findings = &cmd->findings;
	cmd->doctor.global = cmd->global;
	roost_finding_headers();
}
ROOST_CMD_DEFINE_INIT(doctor_cmd_init)

static int
doctor_user(struct doveadm_mail_cmd_context *ctx, struct roost_user *ruser,
	    struct mail_user *user, const char **error_r)
{
	struct doctor_command *cmd = container_of(ctx, struct doctor_command,
						  ctx);

	return cmd->expect.is_loaded ?
		roost_expect_user(&cmd->expect, &cmd->findings, ctx, ruser,
				  user, error_r) :
		roost_doctor_user(&cmd->doctor, ruser, user, error_r);
}

static int
doctor_cmd_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	return roost_command_run(ctx, user, doctor_user);
}

/* A finding sets the exit code last, so that it hides no failure. */
static void
doctor_cmd_deinit(struct doveadm_mail_cmd_context *ctx)
{
	struct doctor_command *cmd = container_of(ctx, struct doctor_command,
						  ctx);

	if (cmd->expect.is_sealed && cmd->expect.user_count == 0 &&
	    ctx->exit_code == 0) {
		i_error("roost: No user's mail was looked at, because "
			"roost_enable is yes for none, so that nobody's new "
			"mail is sealed: set it to yes, for all or in userdb");
		cmd->of_server.is_bad = TRUE;
	}
	if ((cmd->findings.is_bad || cmd->of_server.is_bad) &&
	    ctx->exit_code == 0)
		ctx->exit_code = DOCTOR_EXIT_FOUND;
	roost_doveconf_free(&cmd->global);
}

static struct doveadm_mail_cmd_context *
doctor_cmd_alloc(void)
{
	struct doctor_command *cmd =
		doveadm_mail_cmd_alloc(struct doctor_command);

	roost_command_accept_params(&cmd->ctx);
	cmd->ctx.v.init = ROOST_CMD_INIT(doctor_cmd_init);
	cmd->ctx.v.run = doctor_cmd_run;
	cmd->ctx.v.deinit = doctor_cmd_deinit;
	return &cmd->ctx;
}

/* -- the server -- */

static void
doctor_server(bool is_expecting)
{
	struct roost_findings findings = { .is_bad = FALSE };
	struct roost_doveconf *global;
	const char *error = NULL;

	roost_finding_headers();
	global = roost_doctor_config_read(&error);
	if (is_expecting) {
		(void)roost_loaded_check(&findings, &error);
	} else if (global != NULL) {
		roost_doctor_server(&findings, global);
		if (roost_loaded_check(&findings, &error) == 0)
			(void)roost_doctor_config(&findings, global, &error);
	}
	roost_doveconf_free(&global);
	if (findings.is_bad)
		doveadm_exit_code = DOCTOR_EXIT_FOUND;
	if (error != NULL) {
		i_error("roost: %s", error);
		doveadm_exit_code = EX_TEMPFAIL;
	}
}

/* -- the command -- */

static bool
doctor_has_users(const struct doveadm_cmd_context *cctx)
{
	static const char *const names[] = {
		"user", "all-users", "user-file", NULL
	};
	int i;

	for (i = 0; i < cctx->argc; i++) {
		if (cctx->argv[i].value_set &&
		    str_array_find(names, cctx->argv[i].name))
			return TRUE;
	}
	return FALSE;
}

/* Dovecot runs a command either for users or without any; this one is both, and
   hands itself on in its other form. */
static struct doveadm_cmd_ver2 doctor_users = {
	.name = "roost doctor",
	.mail_cmd = doctor_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX,
};

static void
doctor_cmd(struct doveadm_cmd_context *cctx)
{
	bool has_users = doctor_has_users(cctx);
	struct roost_expect expect;
	const char *misuse;

	/* It looks at files of this machine, and asks a program. */
	if (cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI) {
		i_error("roost doctor can be run from the command line of the "
			"mail host only");
		doveadm_exit_code = EX_USAGE;
		return;
	}
	misuse = roost_command_more_phrase(cctx);
	if (misuse == NULL)
		misuse = roost_expect_read(&expect, cctx, has_users);
	if (misuse != NULL)
		i_fatal_status(EX_USAGE, "roost doctor: %s", misuse);
	doveadm_print_init(DOVEADM_PRINT_TYPE_PAGER);
	if (!has_users) {
		doctor_server(expect.is_loaded);
		return;
	}
	doctor_users.parameters = cctx->cmd->parameters;
	cctx->cmd = &doctor_users;
	doveadm_cmd_ver2_to_mail_cmd_wrapper(cctx);
}

struct doveadm_cmd_ver2 roost_cmd_doctor = {
	.name = "roost doctor",
	.cmd = doctor_cmd,
	.usage = "[-u <user>|-A] "ROOST_EXPECT_USAGE,
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_MAIL_COMMON
ROOST_EXPECT_PARAMS
ROOST_COMMAND_MORE_PARAM
DOVEADM_CMD_PARAMS_END
};
