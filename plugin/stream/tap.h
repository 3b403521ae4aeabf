/* SPDX-License-Identifier: MIT */
#ifndef ROOST_STREAM_TAP_H
#define ROOST_STREAM_TAP_H

/*
 * tap: a stream that passes on what is written to it, and keeps the beginning.
 *
 * What it keeps is plaintext: it is in memory only, and wiped when it is
 * released.
 */

#include "dovecot/compat.h"

/* What was kept.  It lives until both the stream is destroyed and its creator
   has released it. */
struct roost_tap;

/* Returns a stream that references output and keeps at most max bytes.  The
   caller releases *tap_r. */
struct ostream *
roost_tap_create(struct ostream *output, size_t max, struct roost_tap **tap_r);

/* Returns the bytes that were kept, borrowed until the release; *is_all_r tells
   whether nothing more was written. */
const unsigned char *
roost_tap_kept(const struct roost_tap *tap, size_t *size_r, bool *is_all_r);

/* Gives up the caller's share in *tap, which may be NULL, and sets it to
   NULL. */
void roost_tap_release(struct roost_tap **tap);

#endif
