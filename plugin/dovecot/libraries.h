/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVECOT_LIBRARIES_H
#define ROOST_DOVECOT_LIBRARIES_H

/*
 * libraries: OpenSSL and libsodium, initialized when they are first needed.
 *
 * A module that is only loaded leaves them alone: others in its process may
 * insist on being the first, as Dovecot's password schemes do of libsodium.
 */

/* Before a user's keys are read; any number of times.  -1 with error_r. */
int roost_libraries_need(const char **error_r);

/* When the module is unloaded. */
void roost_libraries_deinit(void);

#endif
