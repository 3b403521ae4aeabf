/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_DOCTOR_USER_H
#define ROOST_DOVEADM_DOCTOR_USER_H

/*
 * doctor-user: what is wrong with one user's keyring, files and settings.
 */

#include "doveadm/command.h"
#include "doveadm/doveconf.h"
#include "doveadm/finding.h"

struct roost_doctor_user {
	struct doveadm_mail_cmd_context *ctx;
	struct roost_findings *findings;
	const struct roost_doveconf *global;	/* roost_doctor_config_read() */
	/* The device on which a key was found beside mail last, which is told
	   for one user of many; 0: none. */
	dev_t told_dev;
};

/* Look at a user.  0, or -1 with error_r if that was not possible. */
int roost_doctor_user(struct roost_doctor_user *doctor,
		      struct roost_user *ruser, struct mail_user *user,
		      const char **error_r);

/* Add a finding for each of the user's storages that cannot hold sealed
   mail. */
void roost_doctor_user_storages(struct roost_findings *findings,
				struct mail_user *user);

#endif
