/* SPDX-License-Identifier: MIT */
/*
 * openssl-linked: OpenSSL is in this program.  See roost/openssl.h.
 *
 * Nothing else of the core names the table, so that a program with a
 * roost_openssl_find() of its own is linked without OpenSSL.
 */
#include "roost/openssl.h"

const struct roost_openssl *
roost_openssl_find(void)
{
	return roost_openssl.start() == ROOST_OK ? &roost_openssl : NULL;
}
