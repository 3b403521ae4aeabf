/* SPDX-License-Identifier: MIT */
/*
 * consent: is somebody sure?  See consent.h.
 */
#include "doveadm/consent.h"

#include "write-full.h"

#include <fcntl.h>
#include <unistd.h>

/* Ask on the terminal.  0 if the answer is yes, 1 if it is another one, or -1
   if there is nobody to ask. */
static int
consent_ask(const struct doveadm_mail_cmd_context *ctx, const char *question)
{
	const char *prompt = t_strconcat(question, " Type yes: ", NULL);
	char answer[8];
	ssize_t len;
	int fd;

	if (ctx->cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI ||
	    isatty(STDIN_FILENO) == 0)
		return -1;
	fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -1;
	(void)write_full(fd, prompt, strlen(prompt));
	len = read(fd, answer, sizeof(answer));
	i_close_fd(&fd);
	return len == 4 && memcmp(answer, "yes\n", 4) == 0 ?	/* public */
		0 : 1;
}

static bool
is_yes_given(const struct doveadm_mail_cmd_context *ctx)
{
	bool is_yes = FALSE;

	(void)doveadm_cmd_param_bool(ctx->cctx, "yes", &is_yes);
	return is_yes;
}

bool
roost_consent_offer(const struct doveadm_mail_cmd_context *ctx,
		    const char *question)
{
	return !is_yes_given(ctx) && consent_ask(ctx, question) == 0;
}

int
roost_consent_get(const struct doveadm_mail_cmd_context *ctx,
		  struct mail_user *user, const char *text,
		  const char **error_r)
{
	int ret;

	e_warning(user->event, "roost: %s", text);
	if (is_yes_given(ctx))
		return 0;
	ret = consent_ask(ctx, "Go on?");
	if (ret == 0)
		return 0;
	*error_r = ret > 0 ? "Nothing was changed" :
		"Nothing was changed: this needs --yes, since there is no "
		"terminal to ask at";
	return -1;
}
