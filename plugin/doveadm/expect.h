/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_EXPECT_H
#define ROOST_DOVEADM_EXPECT_H

/*
 * expect: the state that `doveadm roost doctor --expect` holds a server and its
 * users to, so that what watches a server has an exit code to go by.
 *
 *	loaded	Roost is loaded for each protocol and network, and in the
 *		running server
 *	sealed	the same; and of each user whose roost_enable is yes, every
 *		message that was saved lately is sealed
 *
 * No key is needed, so that it is the same in password mode: the first bytes of
 * a message tell.
 */

#include "doveadm/command.h"
#include "doveadm/finding.h"

struct roost_expect {
	bool is_loaded;			/* or more */
	bool is_sealed;
	time_t since;			/* what is older is not looked at */
	unsigned int user_count;	/* whose mail was looked at */
};

/* The parameters of the command, and what it says of them in its usage. */
#define ROOST_EXPECT_PARAMS \
DOVEADM_CMD_PARAM('e', "expect", CMD_PARAM_STR, 0) \
DOVEADM_CMD_PARAM('s', "since", CMD_PARAM_STR, 0)
#define ROOST_EXPECT_USAGE \
	"[-e|--expect loaded|sealed] [-s|--since <period, by default 1 day>]"

/* Read the parameters.  Returns what is wrong with them, or NULL. */
const char *roost_expect_read(struct roost_expect *expect_r,
			      const struct doveadm_cmd_context *cctx,
			      bool has_users);

/* Look at a user, and add what is not as expected.  0, or -1 with error_r if
   not everything could be looked at. */
int roost_expect_user(struct roost_expect *expect,
		      struct roost_findings *findings,
		      struct doveadm_mail_cmd_context *ctx,
		      struct roost_user *ruser, struct mail_user *user,
		      const char **error_r);

#endif
