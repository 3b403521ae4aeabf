/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_LOADED_H
#define ROOST_DOVEADM_LOADED_H

/*
 * loaded: whether Roost is loaded wherever Dovecot opens mail, as doveconf
 * computes the settings of each protocol, and in the server that runs.
 */

#include "doveadm/finding.h"

/* Add a finding for each protocol and each network without Roost, and one if
   the running server cannot know its settings.  0, or -1 with error_r if that
   cannot be known. */
int roost_loaded_check(struct roost_findings *findings, const char **error_r);

#endif
