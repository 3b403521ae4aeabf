/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CODE_H
#define ROOST_CODE_H

/*
 * code: the recovery code, a random secret that a person writes down and
 * types again (FORMAT.md 10).
 *
 * Promises: a mistyped digit and two exchanged ones are found before the code
 * is tried on a keyring.
 */

#include "roost/err.h"

#include <stddef.h>
#include <stdint.h>

#define ROOST_CODE_SIZE 20
#define ROOST_CODE_TEXT_SIZE 45	/* 9 groups of 4, 8 dashes, NUL */

/* Write the code as "XXXX-XXXX-...", 9 groups.  The caller wipes text_r; it
   is empty after an error. */
enum roost_err roost_code_write(const uint8_t code[ROOST_CODE_SIZE],
				char text_r[ROOST_CODE_TEXT_SIZE])
	ROOST_CHECKED;

/* Read a code as people write it: case, dashes and blanks do not matter, and O,
   I and L stand for 0 and 1.  ROOST_ERR_CODE_TYPO for anything that is not a
   whole code.  The caller wipes code_r; it is zero after an error. */
enum roost_err roost_code_parse(const char *text, size_t len,
				uint8_t code_r[ROOST_CODE_SIZE])
	ROOST_CHECKED;

#endif
