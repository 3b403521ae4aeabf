/* SPDX-License-Identifier: MIT */
#ifndef ROOST_HPKE_H
#define ROOST_HPKE_H

/*
 * hpke: RFC 9180 in mode_psk and mode_base, single shot, sequence number 0,
 * with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM (FORMAT.md 4).
 *
 * The composition is ours, the primitives are not (see prim.h).  Outputs are
 * zero unless ROOST_OK is returned.
 */

#include "roost/prim.h"

#define ROOST_HPKE_ENC_SIZE ROOST_KEY_SIZE

/* What both sides agree on; everything is borrowed. */
struct roost_hpke_context {
	/* ROOST_KEY_SIZE bytes; NULL for mode_base, which has no psk_id. */
	const uint8_t *psk;
	const uint8_t *psk_id;
	size_t psk_id_len;
	const uint8_t *info;
	size_t info_len;
	const uint8_t *aad;
	size_t aad_len;
};

/* Seal to a public key; sealed_r holds len + ROOST_TAG_SIZE bytes. */
enum roost_err roost_hpke_seal(const struct roost_hpke_context *hpke,
			       const uint8_t public_key[ROOST_KEY_SIZE],
			       const uint8_t *plain, size_t len,
			       uint8_t enc_r[ROOST_HPKE_ENC_SIZE],
			       uint8_t *sealed_r) ROOST_CHECKED;

/* The same with a given ephemeral key, which only tests with known answers
   need. */
enum roost_err
roost_hpke_seal_ephemeral(const struct roost_hpke_context *hpke,
			  const uint8_t public_key[ROOST_KEY_SIZE],
			  const uint8_t ephemeral[ROOST_KEY_SIZE],
			  const uint8_t *plain, size_t len,
			  uint8_t enc_r[ROOST_HPKE_ENC_SIZE],
			  uint8_t *sealed_r) ROOST_CHECKED;

/* Open what was sealed; len counts the tag.  ROOST_ERR_LOW_ORDER for an enc
   that yields a zero secret, ROOST_ERR_STANZA_AUTH if it does not open. */
enum roost_err roost_hpke_open(const struct roost_hpke_context *hpke,
			       const uint8_t public_key[ROOST_KEY_SIZE],
			       const uint8_t private_key[ROOST_KEY_SIZE],
			       const uint8_t enc[ROOST_HPKE_ENC_SIZE],
			       const uint8_t *sealed, size_t len,
			       uint8_t *plain_r) ROOST_CHECKED;

#endif
