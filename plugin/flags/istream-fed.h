/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGS_ISTREAM_FED_H
#define ROOST_FLAGS_ISTREAM_FED_H

/*
 * istream-fed: a stream that has what was given to it, and a stream that
 * gives away what is written to it.
 */

#include "dovecot/compat.h"

/* Reading answers 0 until there is more, or the end was told. */
struct istream *roost_istream_fed_create(void);
/* data is copied when it is read; until all of it is, it must stay. */
void roost_istream_fed_add(struct istream *fed, const void *data, size_t size);
void roost_istream_fed_end(struct istream *fed);

#endif
