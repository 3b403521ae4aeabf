/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CORE_PRIM_PRIVATE_H
#define ROOST_CORE_PRIM_PRIVATE_H

/*
 * prim-private: what prim-openssl.c needs of prim-sodium.c.
 */

#include "roost/err.h"

/* Make libsodium ready.  It may be called again. */
enum roost_err roost_prim_sodium_init(void) ROOST_CHECKED;

#endif
