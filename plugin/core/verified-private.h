/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CORE_VERIFIED_PRIVATE_H
#define ROOST_CORE_VERIFIED_PRIVATE_H

/*
 * verified: signatures that this process has found good.  A process that
 * delivers to many users loads one keyring again and again, and an Ed25519
 * check costs more than all else that is done to load it.
 *
 * Remembered is the SHA-256 of public key, signature and text together, of the
 * last ROOST_VERIFIED_MAX good ones; a bad one never is.  All of it is public.
 */

#include "roost/prim.h"

#define ROOST_VERIFIED_MAX 256

/* roost_prim_sign_check(), or the same answer from memory.  An error is
   OpenSSL's; *is_good_r is false then. */
enum roost_err
roost_verified_check(const uint8_t public_key[ROOST_KEY_SIZE],
		     const void *bytes, size_t len,
		     const uint8_t signature[ROOST_SIGNATURE_SIZE],
		     bool *is_good_r) ROOST_CHECKED;

#endif
