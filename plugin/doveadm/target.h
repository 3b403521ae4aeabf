/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_TARGET_H
#define ROOST_DOVEADM_TARGET_H

/*
 * target: the keyring that a command is about: the user's own, or that of a
 * namespace; and how a command changes it.
 */

#include "doveadm/command.h"
#include "doveadm/given.h"

#include "session/ring-change.h"

/* A parameter of such commands. */
#define ROOST_TARGET_PARAM \
DOVEADM_CMD_PARAM('n', "namespace", CMD_PARAM_STR, 0)
#define ROOST_TARGET_USAGE "[-n|--namespace <prefix>] "

struct roost_target {
	struct roost_user *ruser;
	struct mail_user *user;
	struct mail_namespace *ns;
	const struct roost_config *config;	/* its pins bind the keyring */
	const char *owner;			/* a name */
	struct roost_keystore *store;
	struct roost_ring *ring;		/* the session's; borrowed */
};

/* Find it, and load it as it is stored now.  0, and the caller frees it; -1
   with error_r, also if there is none. */
int roost_target_get(struct roost_target *target_r,
		     const struct doveadm_mail_cmd_context *ctx,
		     struct roost_user *ruser, struct mail_user *user,
		     const char **error_r);
void roost_target_free(struct roost_target *target);

/* Does opening it need a secret, because it has no provider slot? */
bool roost_target_needs_secret(const struct roost_target *target);

/*
 * Change it as ring-change.h says; seen, owner and config are filled in, and
 * what the target's ring shows follows.  Returns as roost_ring_change(), or
 * ROOST_COMMAND_DENIED with error_r if the secret did not open, see
 * roost_given_deny().
 */
int roost_target_change(struct roost_target *target,
			const struct roost_given *given,
			struct roost_ring_change *change,
			const char **error_r);

/* Which slot the secret opens, before anything is changed.  0, or as above. */
int roost_target_find_opened(struct roost_target *target,
			     const struct roost_given *given,
			     const struct roost_ring_secret *secret,
			     uint32_t *number_r, const char **error_r);

#endif
