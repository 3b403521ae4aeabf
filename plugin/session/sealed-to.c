/* SPDX-License-Identifier: MIT */
/*
 * sealed-to: which epoch of a keyring a message is sealed to.  See sealed-to.h.
 */
#include "session/sealed-to.h"

#include "roost/bytes.h"

static bool
peek_has_key_id(const struct roost_peek *peek,
		const uint8_t key_id[ROOST_KEY_ID_SIZE])
{
	unsigned int i;

	for (i = 0; i < peek->key_id_count; i++) {
		if (roost_bytes_equal(peek->key_ids[i], key_id,
				      ROOST_KEY_ID_SIZE))
			return TRUE;
	}
	return FALSE;
}

enum roost_err
roost_sealed_to_epoch(const struct roost_keyring *doc,
		      const struct roost_peek *peek, uint32_t *epoch_r)
{
	uint8_t key_id[ROOST_KEY_ID_SIZE];
	enum roost_err err = ROOST_OK;
	unsigned int i;

	*epoch_r = 0;
	if (!peek->has_header ||
	    !roost_bytes_equal(peek->keyring_id, doc->id, ROOST_ID_SIZE))
		return ROOST_OK;
	for (i = doc->epoch_count; i > 0 && err == ROOST_OK; i--) {
		const struct roost_epoch *epoch = &doc->epochs[i - 1];

		err = roost_stanza_key_id(ROOST_STANZA_X25519,
					  epoch->public_key, key_id);
		if (err == ROOST_OK && peek_has_key_id(peek, key_id)) {
			*epoch_r = epoch->number;
			break;
		}
	}
	return err;
}
