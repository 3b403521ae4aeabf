/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_HOME_H
#define ROOST_DOVEADM_HOME_H

/*
 * home: whether a user has the home directory in which his keyring lies.
 */

#include "doveadm/command.h"

/* What is wrong with it, and in mend_r what to do about that, on the data
   stack.  NULL if it is there, or if the keyring does not lie in it. */
const char *roost_home_fault(struct mail_user *user,
			     const struct roost_config *config,
			     const char **mend_r);

#endif
