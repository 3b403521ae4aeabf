/* SPDX-License-Identifier: MIT */
/*
 * keyring-terms: the keys and texts of a keyring's cryptography, which opening
 * and making need alike.  See keyring-private.h.
 */
#include "core/keyring-private.h"

#include "roost/bytes.h"
#include "roost/derive.h"
#include "roost/secret.h"

#include <string.h>

#define SECRETS_LABEL "roost/v1 secrets"
#define OWNER_SIG_LABEL "roost/v1 owner-sig"
#define ESCROW_LABEL "roost/v1 escrow"

_Static_assert(sizeof(SECRETS_LABEL) + ROOST_ID_SIZE ==
	       ROOST_TERMS_SECRETS_SIZE &&
	       sizeof(OWNER_SIG_LABEL) + ROOST_KEYRING_DOC_MAX <
	       ROOST_TERMS_OWNER_SIZE &&
	       sizeof(ESCROW_LABEL) + ROOST_TERMS_SLOT_SIZE ==
	       ROOST_TERMS_ESCROW_SIZE,
	       "What the header gives room for is what is written here");

enum roost_err
roost_terms_host(const struct roost_keyring *kr, const uint8_t *provider_key,
		 char ad_r[ROOST_TERMS_HOST_SIZE], size_t *ad_len_r,
		 uint8_t kek_r[ROOST_KEY_SIZE])
{
	struct roost_text text = {
		.bytes = ad_r, .size = ROOST_TERMS_HOST_SIZE
	};

	roost_keyring_text_host_ad(&text, kr);
	*ad_len_r = text.len;
	return roost_derive(provider_key, "host", NULL, 0,
			    kek_r, ROOST_KEY_SIZE);
}

enum roost_err
roost_terms_mac(const struct roost_keyring *kr, const uint8_t *host_key,
		uint8_t mac_r[ROOST_KEYRING_MAC_SIZE])
{
	char doc[ROOST_KEYRING_DOC_MAX + 1];	/* public */
	struct roost_text text = { .bytes = doc, .size = sizeof(doc) };
	uint8_t mac_key[ROOST_KEY_SIZE], mac[ROOST_SHA512_SIZE];
	enum roost_err err;

	memset(mac, 0, sizeof(mac));
	roost_keyring_text_lines(&text, kr, ROOST_LINES_BEFORE_PROVIDER_MAC);
	err = text.is_full ? ROOST_ERR_LIMIT : ROOST_OK;
	if (err == ROOST_OK)
		err = roost_derive(host_key, "provider mac", NULL, 0,
				   mac_key, sizeof(mac_key));
	if (err == ROOST_OK)
		err = roost_prim_hmac_sha512(mac_key, sizeof(mac_key),
					     doc, text.len, mac);
	memcpy(mac_r, mac, ROOST_KEYRING_MAC_SIZE);
	roost_wipe(mac_key, sizeof(mac_key));
	roost_wipe(mac, sizeof(mac));
	return err;
}

enum roost_err
roost_terms_id(const uint8_t identity[ROOST_KEY_SIZE],
	       uint8_t id_r[ROOST_ID_SIZE])
{
	uint8_t hash[ROOST_SHA256_SIZE];	/* public */
	enum roost_err err = roost_derive_hash("roost keyring", identity,
					       ROOST_KEY_SIZE, hash);

	memcpy(id_r, hash, ROOST_ID_SIZE);
	return err;
}

enum roost_err
roost_terms_owner(const struct roost_keyring *kr, struct roost_text *text)
{
	memcpy(text->bytes, OWNER_SIG_LABEL, sizeof(OWNER_SIG_LABEL));
	text->len = sizeof(OWNER_SIG_LABEL);
	roost_keyring_text_lines(text, kr, ROOST_LINES_OWNER_SIG);
	return text->is_full ? ROOST_ERR_LIMIT : ROOST_OK;
}

size_t
roost_terms_slot_ad(const struct roost_keyring *kr,
		    const struct roost_slot *slot,
		    char ad_r[ROOST_TERMS_SLOT_SIZE])
{
	struct roost_text text = {
		.bytes = ad_r, .size = ROOST_TERMS_SLOT_SIZE,
		.len = ROOST_ID_SIZE,
	};

	memcpy(ad_r, kr->id, ROOST_ID_SIZE);
	roost_keyring_text_slot(&text, slot);
	return text.len;
}

enum roost_err
roost_terms_slot_kek(const struct roost_slot *slot,
		     const struct roost_slot_secret *from,
		     uint8_t kek_r[ROOST_KEY_SIZE])
{
	switch (slot->type) {
	case ROOST_SLOT_PROVIDER:
		return roost_slot_kek_provider(from->host_key, kek_r);
	case ROOST_SLOT_PASSWORD:
		return roost_slot_kek_password(from->host_key, from->secret,
					       slot->salt, slot->t,
					       slot->m_kib, from->limits,
					       kek_r);
	case ROOST_SLOT_APP:
		return roost_slot_kek_random(from->secret, ROOST_KEY_SIZE,
					     slot->salt, kek_r);
	case ROOST_SLOT_RECOVERY:
		return roost_slot_kek_random(from->secret, ROOST_CODE_SIZE,
					     slot->salt, kek_r);
	case ROOST_SLOT_ESCROW:
		break;
	}
	return ROOST_ERR_NO_SLOT;
}

void
roost_terms_escrow(const struct roost_keyring *kr,
		   const struct roost_slot *slot,
		   uint8_t info_r[ROOST_TERMS_ESCROW_SIZE],
		   struct roost_hpke_context *hpke_r)
{
	char line[ROOST_TERMS_SLOT_SIZE];	/* public */
	size_t len = roost_terms_slot_ad(kr, slot, line);

	memcpy(info_r, ESCROW_LABEL, sizeof(ESCROW_LABEL));
	memcpy(info_r + sizeof(ESCROW_LABEL), line, len);
	*hpke_r = (struct roost_hpke_context) {
		.info = info_r, .info_len = sizeof(ESCROW_LABEL) + len,
	};
}

enum roost_err
roost_terms_secrets(const struct roost_keyring *kr, const uint8_t *master,
		    uint8_t ad_r[ROOST_TERMS_SECRETS_SIZE],
		    uint8_t key_r[ROOST_KEY_SIZE])
{
	memcpy(ad_r, SECRETS_LABEL, sizeof(SECRETS_LABEL));
	memcpy(ad_r + sizeof(SECRETS_LABEL), kr->id, ROOST_ID_SIZE);
	return roost_derive(master, "secrets", NULL, 0,
			    key_r, ROOST_KEY_SIZE);
}

enum roost_err
roost_terms_psk(const uint8_t *host_key, uint32_t number,
		uint8_t psk_r[ROOST_KEY_SIZE])
{
	uint8_t number_be[4];

	roost_be32_put(number_be, number);
	return roost_derive(host_key, "psk", number_be,
			    sizeof(number_be), psk_r, ROOST_KEY_SIZE);
}
