/* SPDX-License-Identifier: MIT */
#ifndef ROOST_STREAM_SEALED_SOURCE_H
#define ROOST_STREAM_SEALED_SOURCE_H

/*
 * sealed-source: a Dovecot stream as the source of a sealed object's bytes.
 *
 * What is in the stream's buffer is taken from there.  Of a file, the rest of
 * a body is read straight to where it is wanted: once, and nothing before or
 * behind it.
 */

#include "dovecot/compat.h"

#include "roost/object.h"

struct roost_sealed_source {
	struct istream *stream;
	uint64_t start_off;		/* of the object in the stream */
	const struct roost_body *body;	/* of the object; filled by opening */
	bool is_file;			/* whose descriptor may be read */
};

/*
 * The object begins at the stream's current offset.  Borrows stream and body
 * for the life of the source.  Enlarges the buffer of a stream that is no file
 * to what one read of sealed bytes takes.
 */
void roost_sealed_source_init(struct roost_sealed_source *source,
			      struct istream *stream,
			      const struct roost_body *body);

/* Fills what an object is parsed from, which borrows the source.  Returns
   ROOST_ERR_IO if the stream's size is not known; *object_r is undefined
   then. */
enum roost_err
roost_sealed_source_get(struct roost_sealed_source *source,
			struct roost_source *object_r) ROOST_CHECKED;

#endif
