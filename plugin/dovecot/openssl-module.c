/* SPDX-License-Identifier: MIT */
/*
 * openssl-module: libroost_openssl.so is this and core/prim-openssl.c.  See
 * openssl-module.h.
 */
#include "dovecot/openssl-module.h"

#include "roost-build.h"

extern __attribute__((visibility("default")))
const struct roost_openssl_module roost_openssl_module;

const struct roost_openssl_module roost_openssl_module = {
	.build = ROOST_BUILD,
	.openssl = &roost_openssl,
};
