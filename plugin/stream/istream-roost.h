/* SPDX-License-Identifier: MIT */
#ifndef ROOST_STREAM_ISTREAM_ROOST_H
#define ROOST_STREAM_ISTREAM_ROOST_H

/*
 * istream-roost: a sealed message as a stream of its plaintext.
 *
 * Seekable without a temporary file.  No byte is released before its chunk
 * verified, none at all before the final chunk did.  It knows nothing of
 * users, mails, or of where the data key comes from.
 */

#include "dovecot/compat.h"

#include "roost/object.h"

/* What opens an object; secret. */
struct roost_file_keys {
	uint8_t data_key[ROOST_KEY_SIZE];
	/* What an earlier opening of it saved, if that is at hand. */
	bool has_saved;
	uint8_t saved[ROOST_SAVED_KEYS_SIZE];
};

/*
 * A message being opened: begin reads the header of the sealed stream, from
 * its current offset on; then finish yields the plaintext stream, which takes
 * over, or cancel frees all.  The sealed stream is referenced, not taken.
 * ROOST_ERR_IO: its stream_errno says why.  finish leaves saved keys in keys,
 * which the caller wipes, also after an error.
 */
struct roost_opening;
enum roost_err roost_istream_begin(struct istream *sealed,
				   struct roost_opening **opening_r,
				   const struct roost_header **header_r)
	ROOST_CHECKED;
enum roost_err roost_istream_finish(struct roost_opening **opening,
				    struct roost_file_keys *keys,
				    struct istream **plain_r) ROOST_CHECKED;
void roost_istream_cancel(struct roost_opening **opening);

/* How often such a stream of this process has failed at a gate: if that changed
   while something was asked for, the answer failed for that. */
unsigned int roost_istream_failures(void);

/* Read the whole sealed stream and compare its digest; needs no key. */
enum roost_err roost_istream_scrub(struct istream *sealed) ROOST_CHECKED;

#endif
