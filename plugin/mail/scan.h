/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SCAN_H
#define ROOST_SCAN_H

/*
 * scan: look for sealed messages without opening any.
 */

#include "dovecot-compat.h"

/*
 * 1 if a mailbox of the namespace, or of another one of its owner's, holds a
 * sealed message; 0 none does; -1 with error_r.  Stops at the first.
 */
int roost_scan_has_sealed(struct mail_namespace *ns, const char **error_r);

#endif
