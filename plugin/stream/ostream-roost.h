/* SPDX-License-Identifier: MIT */
#ifndef ROOST_STREAM_OSTREAM_ROOST_H
#define ROOST_STREAM_OSTREAM_ROOST_H

/*
 * ostream-roost: a stream that seals what is written to it.
 *
 * Its offset counts plaintext bytes, because storages take sizes from it.  The
 * final chunk and the digest are written when the stream is finished; one that
 * was never finished leaves an object that no reader opens.
 */

#include "dovecot/compat.h"

#include "stream/istream-roost.h"

#include "roost/writer.h"

/* What a message is sealed with; secret. */
struct roost_sealed {
	uint8_t object_id[ROOST_ID_SIZE];
	struct roost_file_keys keys;
	uint8_t header[ROOST_WRITER_HEADER_SIZE];
};

/*
 * Writes header and prologue to output, and returns the sealing stream, which
 * references output; NULL with error_r.  The caller wipes *sealed_r, which is
 * undefined after an error.
 */
struct ostream *
roost_ostream_create(struct ostream *output, const struct roost_seal_key *key,
		     struct roost_sealed *sealed_r, const char **error_r);

#endif
