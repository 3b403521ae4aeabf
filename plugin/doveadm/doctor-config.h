/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_DOCTOR_CONFIG_H
#define ROOST_DOVEADM_DOCTOR_CONFIG_H

/*
 * doctor-config: what of Dovecot's configuration would leave mail unsealed, or
 * words of it on a disk.
 */

#include "doveadm/doveconf.h"
#include "doveadm/finding.h"

/* The settings that hold for the whole server and that these checks and those
   of doctor-host.h and doctor-user.h go by.  NULL with error_r. */
struct roost_doveconf *roost_doctor_config_read(const char **error_r);

/* Look at the configuration of each protocol.  0, or -1 with error_r if it
   cannot be known. */
int roost_doctor_config(struct roost_findings *findings,
			const struct roost_doveconf *global,
			const char **error_r);

/* The path of the file with the provider key; NULL if there is none. */
const char *roost_doctor_config_key_path(const struct roost_doveconf *global,
					 const char *setting);

/* The memory, in KiB, that the configuration asks of a password slot. */
uint32_t
roost_doctor_config_argon2_memory(const struct roost_doveconf *global);

/* How many bytes of address space a service's processes may have; 0 if there is
   no limit. */
uint64_t roost_doctor_config_vsz_limit(const struct roost_doveconf *global,
				       const char *service);

#endif
