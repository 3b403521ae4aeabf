/* SPDX-License-Identifier: MIT */
#ifndef ROOST_OSTREAM_H
#define ROOST_OSTREAM_H

/*
 * ostream-roost: seals what is written to it.
 *
 * Its offset counts plaintext bytes, since storages take sizes from it.  The
 * final chunk and the digest are written when it is finished; a stream that
 * was never finished leaves an object that no reader opens.
 */

#include "dovecot-compat.h"

#include "roost/object.h"

/*
 * Write header and prologue to output and return the sealing stream, which
 * references output.  NULL with error_r.  data_key_r and object_id_r are for
 * remembering; the caller wipes the key.
 */
struct ostream *
roost_ostream_create(struct ostream *output, const struct roost_seal_key *key,
		     uint8_t object_id_r[ROOST_ID_SIZE],
		     uint8_t data_key_r[ROOST_KEY_SIZE],
		     const char **error_r);

#endif
