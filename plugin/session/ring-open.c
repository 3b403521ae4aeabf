/* SPDX-License-Identifier: MIT */
/*
 * ring-open: a stored message, opened with its keyring.  See ring-open.h.
 */
#include "session/ring-open.h"

enum roost_err
roost_ring_open(struct roost_ring *ring, struct roost_opening **opening,
		const struct roost_header *header,
		struct roost_file_keys *keys, struct istream **plain_r)
{
	enum roost_err err;

	*plain_r = NULL;
	keys->has_saved = FALSE;
	err = roost_ring_data_key(ring, header, keys->data_key);
	return err != ROOST_OK ? err :
		roost_istream_finish(opening, keys, plain_r);
}
