/* SPDX-License-Identifier: MIT */
#ifndef ROOST_ESCROW_H
#define ROOST_ESCROW_H

/*
 * escrow: the key pair of escrow slots and its two files (FORMAT.md 10.4).
 *
 * An escrow slot seals the master key to the public key.  Who holds the private
 * one, which is to be kept away from the servers, opens every keyring that has
 * such a slot.
 */

#include "roost/prim.h"

enum roost_escrow_kind {
	ROOST_ESCROW_PUBLIC,
	ROOST_ESCROW_PRIVATE,
};

/* The longest text of such a file, with a NUL. */
#define ROOST_ESCROW_TEXT_SIZE \
	(sizeof("roost-escrow-private x25519\n") + \
	 ROOST_BASE64_LEN(ROOST_KEY_SIZE) + sizeof("\n") - 1)

/* Make a key pair.  The caller wipes private_r; both are zero after an
   error. */
enum roost_err roost_escrow_make(uint8_t private_r[ROOST_KEY_SIZE],
				 uint8_t public_r[ROOST_KEY_SIZE])
	ROOST_CHECKED;

/* Write the contents of a key's file, which ends in LF.  The caller wipes
   text_r if the key is private. */
void roost_escrow_write(enum roost_escrow_kind kind,
			const uint8_t key[ROOST_KEY_SIZE],
			char text_r[ROOST_ESCROW_TEXT_SIZE]);

/* Read the contents of a key's file.  ROOST_ERR_ESCROW_FILE for anything else
   than a key of this kind.  The caller wipes key_r if it is private; it is zero
   after an error. */
enum roost_err roost_escrow_parse(enum roost_escrow_kind kind,
				  const char *text, size_t len,
				  uint8_t key_r[ROOST_KEY_SIZE])
	ROOST_CHECKED;

#endif
