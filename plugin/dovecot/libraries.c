/* SPDX-License-Identifier: MIT */
/*
 * libraries: OpenSSL and libsodium.  See libraries.h.
 */
#include "dovecot/libraries.h"

#include "dovecot/compat.h"

#include "roost/prim.h"

static bool are_initialized;

int
roost_libraries_need(const char **error_r)
{
	if (!are_initialized && roost_prim_init() != ROOST_OK) {
		*error_r = "OpenSSL or libsodium cannot be used: "
			"AES-256-GCM, HKDF, HMAC and SHA-2 are needed. Where "
			"libsodium has no AES for the processor, OpenSSL must "
			"be there, and mail_chroot cannot be set";
		return -1;
	}
	are_initialized = TRUE;
	return 0;
}

void
roost_libraries_deinit(void)
{
	if (are_initialized)
		roost_prim_deinit();
	are_initialized = FALSE;
}
