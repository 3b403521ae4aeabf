/* SPDX-License-Identifier: MIT */
/*
 * secret: guarded memory and wiping, by means of libsodium.  See
 * roost/secret.h.
 */
#include "roost/secret.h"

#include <sodium.h>

void *
roost_secret_new(size_t size)
{
	void *secret = sodium_malloc(size);

	if (secret != NULL)
		sodium_memzero(secret, size);
	return secret;
}

void
roost_secret_free(void **secret)
{
	sodium_free(*secret);
	*secret = NULL;
}

void
roost_wipe(void *bytes, size_t len)
{
	sodium_memzero(bytes, len);
}
