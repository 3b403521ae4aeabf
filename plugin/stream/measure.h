/* SPDX-License-Identifier: MIT */
#ifndef ROOST_STREAM_MEASURE_H
#define ROOST_STREAM_MEASURE_H

/*
 * measure: what a stream of a message holds: is it packed, and how large is
 * it?
 */

#include "dovecot/compat.h"

/* The bytes as they are, and as a client counts them: with a carriage return
   before each line feed. */
struct roost_measure {
	uoff_t physical, virtual;
};

/* Does a stream, at its start, show what a compressing plugin wrote? */
bool roost_measure_is_packed(struct istream *input);

/* Read a stream to its end and go back.  FALSE: it failed, and is left to fail
   for whoever reads it next; *measure_r is as it was. */
bool roost_measure_count(struct istream *input,
			 struct roost_measure *measure_r);

#endif
