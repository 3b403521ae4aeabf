/* SPDX-License-Identifier: MIT */
#ifndef ROOST_STREAM_OSTREAM_ROOST_H
#define ROOST_STREAM_OSTREAM_ROOST_H

/*
 * ostream-roost: seals what is written to it.
 *
 * Its offset counts plaintext bytes, since storages take sizes from it.  The
 * final chunk and the digest are written when it is finished; a stream that
 * was never finished leaves an object that no reader opens.
 */

#include "dovecot/compat.h"

#include "stream/istream-roost.h"

#include "roost/writer.h"

/*
 * Write header and prologue to output and return the sealing stream, which
 * references output.  NULL with error_r.  What it was sealed with is for
 * remembering; the caller wipes it.
 */
struct roost_sealed {
	uint8_t object_id[ROOST_ID_SIZE];
	struct roost_file_keys keys;
	uint8_t header[ROOST_WRITER_HEADER_SIZE];
};
struct ostream *
roost_ostream_create(struct ostream *output, const struct roost_seal_key *key,
		     struct roost_sealed *sealed_r, const char **error_r);

#endif
