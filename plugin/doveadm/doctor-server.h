/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_DOCTOR_SERVER_H
#define ROOST_DOVEADM_DOCTOR_SERVER_H

/*
 * doctor-server: what of this machine, and of the settings that hold for the
 * whole server, would let a key or words of mail lie on a disk.
 */

#include "doveadm/doveconf.h"
#include "doveadm/finding.h"

/* The settings are those of roost_doctor_config_read(). */
void roost_doctor_server(struct roost_findings *findings,
			 const struct roost_doveconf *global);

#endif
