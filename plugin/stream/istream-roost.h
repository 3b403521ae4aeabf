/* SPDX-License-Identifier: MIT */
#ifndef ROOST_STREAM_ISTREAM_ROOST_H
#define ROOST_STREAM_ISTREAM_ROOST_H

/*
 * istream-roost: a sealed message as a stream of its plaintext.
 *
 * This folder has the streams that open and seal messages while their bytes
 * pass.  They know nothing of users and mails, nor of where a key comes from.
 *
 * This one is seekable without a temporary file.  It releases no byte before
 * the byte's chunk verified, and none at all before the final chunk did.
 */

#include "dovecot/compat.h"

#include "roost/object.h"

/* The keys that open an object; secret. */
struct roost_file_keys {
	uint8_t data_key[ROOST_KEY_SIZE];
	/* saved is what an earlier opening of it left here. */
	bool has_saved;
	uint8_t saved[ROOST_SAVED_KEYS_SIZE];
};

/*
 * A message being opened.  roost_istream_begin() reads the header from the
 * current offset of the sealed stream on, and references that stream.  Then
 * either roost_istream_finish() opens the object with these keys and makes the
 * plaintext stream of it, or roost_istream_cancel() frees all.  Both set
 * *opening to NULL, finish also after an error.  After an error of begin or
 * finish nothing is to be freed, and the pointers are NULL.  *header_r is
 * borrowed from the opening.
 *
 * ROOST_ERR_IO means that the sealed stream fails, whose stream_errno says why;
 * ROOST_ERR_AGAIN that it does not block and has too few bytes yet.  Any other
 * error is the gate at which the message fails.
 *
 * finish leaves saved keys in keys, which the caller wipes, also after an
 * error.  cancel takes NULL in *opening.
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

/* How often such a stream of this process has failed at a gate.  If that number
   has grown while something was asked for, the answer failed for that. */
unsigned int roost_istream_failures(void);

/* Reads the sealed stream from its current offset to its end and compares the
   digest, which needs no key.  Errors are those of roost_istream_begin() and
   of roost_object_scrub(). */
enum roost_err roost_istream_scrub(struct istream *sealed) ROOST_CHECKED;

#endif
