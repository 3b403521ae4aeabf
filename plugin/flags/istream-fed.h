/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGS_ISTREAM_FED_H
#define ROOST_FLAGS_ISTREAM_FED_H

/*
 * istream-fed: an input stream of data that is given to it piece by piece, so
 * that a message can be parsed while it is written.
 */

#include "dovecot/compat.h"

/* Reading returns 0 while there is nothing to read and the end is not told. */
struct istream *roost_istream_fed_create(void);

/* Give it the next piece.  The data is copied when it is read, so it must stay
   until all of it was, or until the next piece. */
void roost_istream_fed_add(struct istream *fed, const void *data, size_t size);

/* Tell it that no piece follows. */
void roost_istream_fed_end(struct istream *fed);

#endif
