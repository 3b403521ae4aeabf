/* SPDX-License-Identifier: MIT */
#ifndef ROOST_STREAM_MEASURE_H
#define ROOST_STREAM_MEASURE_H

/*
 * measure: is what a stream shows packed by a compressing plugin, and how large
 * is it?
 */

#include "dovecot/compat.h"

/* physical counts the bytes as they are, virtual as a client does: with a
   carriage return before each line feed. */
struct roost_measure {
	uoff_t physical, virtual;
};

/* TRUE if the stream, which must be at its start, begins as a compressing
   plugin's output does.  Its offset stays. */
bool roost_measure_is_packed(struct istream *input);

/* Reads a stream to its end and seeks back to its start.  FALSE if it failed:
   then it is left to fail for whoever reads it next, and *measure_r is as it
   was. */
bool roost_measure_count(struct istream *input,
			 struct roost_measure *measure_r);

#endif
