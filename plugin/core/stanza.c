/* SPDX-License-Identifier: MIT */
/*
 * stanza: sealing a data key to an epoch, and opening it.  See
 * roost/stanza.h.
 */
#include "roost/stanza.h"

#include "roost/bytes.h"
#include "roost/derive.h"
#include "roost/hpke.h"
#include "roost/secret.h"

#include <string.h>

#define PSK_ID_LABEL "roost/v1 psk"
#define INFO_LABEL "roost/v1 stanza"

/* What a stanza is bound to.  sizeof(LABEL) counts the NUL that the format puts
   after each label. */
struct stanza_terms {
	uint8_t psk_id[sizeof(PSK_ID_LABEL) + ROOST_ID_SIZE];
	uint8_t info[sizeof(INFO_LABEL) + ROOST_HEADER_FIXED_SIZE];
};

enum roost_err
roost_stanza_key_id(enum roost_stanza_type type,
		    const uint8_t public_key[ROOST_KEY_SIZE],
		    uint8_t key_id_r[ROOST_KEY_ID_SIZE])
{
	uint8_t typed[1 + ROOST_KEY_SIZE];	/* public */
	uint8_t hash[ROOST_SHA256_SIZE];	/* public */
	enum roost_err err;

	typed[0] = (uint8_t)type;
	memcpy(typed + 1, public_key, ROOST_KEY_SIZE);
	err = roost_derive_hash("roost key", typed, sizeof(typed), hash);
	memcpy(key_id_r, hash, ROOST_KEY_ID_SIZE);
	return err;
}

/* Fill in psk_id, info and aad of one stanza (FORMAT.md 4); all of them are
   public. */
static void
stanza_context(const uint8_t fixed[ROOST_HEADER_FIXED_SIZE],
	       const uint8_t *keyring_id, const uint8_t *psk,
	       const uint8_t *head, struct stanza_terms *terms,
	       struct roost_hpke_context *hpke_r)
{
	memcpy(terms->psk_id, PSK_ID_LABEL, sizeof(PSK_ID_LABEL));
	memcpy(terms->psk_id + sizeof(PSK_ID_LABEL), keyring_id,
	       ROOST_ID_SIZE);
	memcpy(terms->info, INFO_LABEL, sizeof(INFO_LABEL));
	memcpy(terms->info + sizeof(INFO_LABEL), fixed,
	       ROOST_HEADER_FIXED_SIZE);
	*hpke_r = (struct roost_hpke_context) {
		.psk = psk,
		.psk_id = terms->psk_id, .psk_id_len = sizeof(terms->psk_id),
		.info = terms->info, .info_len = sizeof(terms->info),
		.aad = head, .aad_len = ROOST_STANZA_HEAD_SIZE,
	};
}

enum roost_err
roost_stanza_seal(const struct roost_seal_key *key,
		  const uint8_t fixed[ROOST_HEADER_FIXED_SIZE],
		  const uint8_t data_key[ROOST_KEY_SIZE],
		  uint8_t stanza_r[ROOST_STANZA_X25519_SIZE])
{
	struct stanza_terms terms;		/* public */
	struct roost_hpke_context hpke;		/* holds a pointer to the psk */
	uint8_t *body = stanza_r + ROOST_STANZA_HEAD_SIZE;

	stanza_r[0] = ROOST_STANZA_X25519;
	stanza_r[1] = ROOST_STANZA_ROLE;
	roost_be16_put(stanza_r + 2, ROOST_STANZA_X25519_BODY_SIZE);
	memcpy(stanza_r + 4, key->key_id, ROOST_KEY_ID_SIZE);
	stanza_context(fixed, key->keyring_id, key->psk, stanza_r,
		       &terms, &hpke);
	return roost_hpke_seal(&hpke, key->public_key, data_key,
			       ROOST_KEY_SIZE, body,
			       body + ROOST_HPKE_ENC_SIZE);
}

/* Find the stanza for the last of the keys that has one, which is that of the
   newest epoch. */
static bool
stanza_find(const struct roost_header *hdr, const struct roost_open_key *keys,
	    size_t key_count, const struct roost_stanza **stanza_r,
	    const struct roost_open_key **key_r)
{
	unsigned int i;

	while (key_count-- > 0) {
		for (i = 0; i < hdr->stanza_count; i++) {
			*stanza_r = &hdr->stanzas[i];
			*key_r = &keys[key_count];
			if ((*stanza_r)->type == ROOST_STANZA_X25519 &&
			    roost_bytes_equal((*stanza_r)->key_id,
					      (*key_r)->key_id,
					      ROOST_KEY_ID_SIZE))
				return true;
		}
	}
	return false;
}

enum roost_err
roost_stanza_open(const struct roost_header *hdr,
		  const uint8_t keyring_id[ROOST_ID_SIZE],
		  const struct roost_open_key *keys, size_t key_count,
		  uint8_t data_key_r[ROOST_KEY_SIZE])
{
	const struct roost_stanza *stanza;
	const struct roost_open_key *key;
	struct stanza_terms terms;		/* public */
	struct roost_hpke_context hpke;		/* holds a pointer to the psk */

	memset(data_key_r, 0, ROOST_KEY_SIZE);
	if (!roost_bytes_equal(hdr->keyring_id, keyring_id, ROOST_ID_SIZE))
		return ROOST_ERR_OTHER_KEYRING;
	if (!stanza_find(hdr, keys, key_count, &stanza, &key))
		return ROOST_ERR_NO_KEY;
	stanza_context(hdr->bytes, keyring_id, key->psk, stanza->head,
		       &terms, &hpke);
	return roost_hpke_open(&hpke, key->public_key, key->private_key,
			       stanza->body,
			       stanza->body + ROOST_HPKE_ENC_SIZE,
			       ROOST_KEY_SIZE + ROOST_TAG_SIZE, data_key_r);
}
