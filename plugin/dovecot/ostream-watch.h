/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVECOT_OSTREAM_WATCH_H
#define ROOST_DOVECOT_OSTREAM_WATCH_H

/*
 * ostream-watch: an output stream that passes on what is written to it and
 * shows each byte that was passed on to a function.
 */

#include "dovecot/compat.h"

/* Called with bytes that output has just taken, each once and in order; size
   is never 0.  The bytes are gone after the call. */
typedef void roost_ostream_watch_t(void *context, const void *data,
				   size_t size);

/*
 * The stream references output.  When it is destroyed, it calls release with
 * the context, unless release is NULL.
 */
struct ostream *roost_ostream_watch_create(struct ostream *output,
					   roost_ostream_watch_t *watch,
					   void (*release)(void *context),
					   void *context);

#endif
