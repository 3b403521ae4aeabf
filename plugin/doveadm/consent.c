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
consent_ask(void)
{
	static const char prompt[] = "Go on? Type yes: ";
	char answer[8];
	ssize_t len;
	int fd;

	if (isatty(STDIN_FILENO) == 0)
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

int
roost_consent_get(const struct doveadm_mail_cmd_context *ctx,
		  struct mail_user *user, const char *text,
		  const char **error_r)
{
	bool is_yes = FALSE;
	int ret = -1;

	e_warning(user->event, "roost: %s", text);
	(void)doveadm_cmd_param_bool(ctx->cctx, "yes", &is_yes);
	if (is_yes)
		return 0;
	if (ctx->cctx->conn_type == DOVEADM_CONNECTION_TYPE_CLI)
		ret = consent_ask();
	if (ret == 0)
		return 0;
	*error_r = ret > 0 ? "Nothing was changed" :
		"Nothing was changed: this needs --yes, since there is no "
		"terminal to ask at";
	return -1;
}
