/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CORE_SECRET_PRIVATE_H
#define ROOST_CORE_SECRET_PRIVATE_H

/*
 * secret-private: the spare pieces of guarded memory.
 */

/* How many freed pieces a process keeps for the next who asks for one of the
   same size, because making one takes ten system calls.  A session uses about
   five. */
#define ROOST_SECRET_SPARES_MAX 8

/* Give all of them back to the system. */
void roost_secret_drop_spares(void);

#endif
