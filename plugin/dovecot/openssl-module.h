/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVECOT_OPENSSL_MODULE_H
#define ROOST_DOVECOT_OPENSSL_MODULE_H

/*
 * openssl-module: what libroost_openssl.so exports.
 *
 * The library may be replaced while a process runs that has not mapped it yet,
 * so it says of which build it is.  The table behind that is read only if that
 * is the build of whoever maps it.
 */

#include "roost/openssl.h"

#define ROOST_OPENSSL_MODULE_NAME "libroost_openssl.so"
#define ROOST_OPENSSL_MODULE_SYMBOL "roost_openssl_module"

struct roost_openssl_module {
	const char *build;
	const struct roost_openssl *openssl;
};

#endif
