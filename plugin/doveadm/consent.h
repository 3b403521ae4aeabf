/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_CONSENT_H
#define ROOST_DOVEADM_CONSENT_H

/*
 * consent: what a command is about to do is said before it is done, and done
 * only if somebody agrees: at the terminal, or beforehand by --yes.
 */

#include "doveadm/command.h"

/* A parameter of such commands. */
#define ROOST_CONSENT_PARAM \
DOVEADM_CMD_PARAM('y', "yes", CMD_PARAM_BOOL, 0)

/* Says what is going to be done, which is a text of whole sentences.  0 to go
   on; -1 with error_r. */
int roost_consent_get(const struct doveadm_mail_cmd_context *ctx,
		      struct mail_user *user, const char *text,
		      const char **error_r);

/* Offers something at the terminal: TRUE if the answer is yes, FALSE also where
   there is nobody to ask or --yes has answered already. */
bool roost_consent_offer(const struct doveadm_mail_cmd_context *ctx,
			 const char *question);

#endif
