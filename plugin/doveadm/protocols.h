/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_PROTOCOLS_H
#define ROOST_DOVEADM_PROTOCOLS_H

/*
 * protocols: for which protocols Dovecot opens mail.
 */

#include "doveadm/doveconf.h"

/*
 * Append every protocol that mail is opened for: those of Dovecot's own
 * programs, those that are served, and those that the configuration has a block
 * for.  global has the setting "protocols".  What is appended lives in the
 * pool.  0, or -1 with error_r.
 */
int roost_protocols_get(const struct roost_doveconf *global, pool_t pool,
			ARRAY_TYPE(const_string) *protocols,
			const char **error_r);

#endif
