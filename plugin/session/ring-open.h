/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_RING_OPEN_H
#define ROOST_SESSION_RING_OPEN_H

/*
 * ring-open: a stored message, opened with the keyring that it was sealed for.
 */

#include "session/ring.h"
#include "stream/istream-roost.h"

/*
 * Opens a message whose header roost_istream_begin() has read.  With ROOST_OK
 * *plain_r is the stream of its plaintext, which the caller frees.
 *
 * If the keyring has no data key for it, the error is what
 * roost_ring_data_key() answers, and *opening stays, so that the caller can
 * read the header once more and cancels it.  After anything else *opening is
 * NULL.  *plain_r is NULL after an error.
 *
 * keys gets the data key and what the opening saves for the next one.  It is
 * secret, and the caller wipes it, also after an error.
 */
enum roost_err roost_ring_open(struct roost_ring *ring,
			       struct roost_opening **opening,
			       const struct roost_header *header,
			       struct roost_file_keys *keys,
			       struct istream **plain_r) ROOST_CHECKED;

#endif
