/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CORE_VERIFIED_PRIVATE_H
#define ROOST_CORE_VERIFIED_PRIVATE_H

/*
 * verified: the signatures that this process has found good.  They are
 * remembered because a process that delivers to many users loads the same
 * keyring again and again, and an Ed25519 check costs more than all the rest of
 * loading it.
 *
 * What is remembered is the SHA-256 of public key, signature and text together,
 * for the last ROOST_VERIFIED_MAX good signatures; a bad one is never
 * remembered.  All of it is public.
 */

#include "roost/prim.h"

#define ROOST_VERIFIED_MAX 256

/* Check a signature, or answer the same from memory.  After an error, which is
   OpenSSL's, *is_good_r is false. */
enum roost_err
roost_verified_check(const uint8_t public_key[ROOST_KEY_SIZE],
		     const void *bytes, size_t len,
		     const uint8_t signature[ROOST_SIGNATURE_SIZE],
		     bool *is_good_r) ROOST_CHECKED;

#endif
