/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVECOT_LIBRARIES_H
#define ROOST_DOVECOT_LIBRARIES_H

/*
 * libraries: OpenSSL and libsodium, initialized when they are first needed.
 *
 * A module that is only loaded leaves them alone, because others in its process
 * may insist on being the first, as Dovecot's password schemes do of libsodium.
 */

/* To be called before a user's keys are read, and may be called any number of
   times.  Returns 0, or -1 with error_r. */
int roost_libraries_need(const char **error_r);

/* To be called when the module is unloaded. */
void roost_libraries_deinit(void);

#endif
