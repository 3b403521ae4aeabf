/* SPDX-License-Identifier: MIT */
#ifndef ROOST_STREAM_TAP_H
#define ROOST_STREAM_TAP_H

/*
 * tap: passes on what is written to it, and keeps the beginning.
 *
 * What is kept is plaintext: in memory only, and wiped when it is released.
 */

#include "dovecot/compat.h"

/* What was kept; lives as long as the stream or whoever created it. */
struct roost_tap;

/* References output.  Keeps at most max bytes; *tap_r is the caller's to
   release. */
struct ostream *
roost_tap_create(struct ostream *output, size_t max,
			 struct roost_tap **tap_r);

/* The bytes, until release; *is_all_r: nothing more was written. */
const unsigned char *
roost_tap_kept(const struct roost_tap *tap, size_t *size_r, bool *is_all_r);

/* Sets *tap, which may be NULL, to NULL. */
void roost_tap_release(struct roost_tap **tap);

#endif
