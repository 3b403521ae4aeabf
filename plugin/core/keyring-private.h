/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CORE_KEYRING_PRIVATE_H
#define ROOST_CORE_KEYRING_PRIVATE_H

/*
 * keyring-private: what the files of a keyring share.  keyring-text.c knows the
 * lines of the document, keyring-terms.c the keys and texts of its
 * cryptography; keyring.c opens it, and keyring-edit.c makes and changes it.
 */

#include "roost/hpke.h"
#include "roost/keyring.h"

/* Text that is being built in the caller's memory; it never exceeds size. */
struct roost_text {
	char *bytes;
	size_t size, len;
	bool is_full;
};

/* Which lines roost_keyring_text_lines() writes. */
enum roost_keyring_lines {
	ROOST_LINES_ALL,			/* the whole document */
	ROOST_LINES_BEFORE_PROVIDER_MAC,
	ROOST_LINES_OWNER_SIG,		/* what the owner signs */
};

/* Write these lines of a document.  If they did not fit, text->is_full is
   set. */
void roost_keyring_text_lines(struct roost_text *text,
			      const struct roost_keyring *kr,
			      enum roost_keyring_lines which);

/* Write the associated data of the host wrap, and the beginning of a slot's
   line, which ends before its wrap. */
void roost_keyring_text_host_ad(struct roost_text *text,
				const struct roost_keyring *kr);
void roost_keyring_text_slot(struct roost_text *text,
			     const struct roost_slot *slot);

/*
 * -- keyring-terms.c --
 *
 * The terms of a wrap are the key that it is made with and its associated
 * data.  Opening and making need the same ones.
 */

/* The lines of id and owner, then the beginning of the host line. */
#define ROOST_TERMS_HOST_SIZE (ROOST_KEYRING_OWNER_MAX + 128)
/* The id, then the beginning of a slot's line, which has a word or two,
   numbers, and a salt or a public key at most. */
#define ROOST_TERMS_SLOT_SIZE (ROOST_ID_SIZE + 128)
/* A label with its NUL, then the id. */
#define ROOST_TERMS_SECRETS_SIZE (17 + ROOST_ID_SIZE)
/* A label with its NUL, then lines, and the NUL of formatting. */
#define ROOST_TERMS_OWNER_SIZE (19 + ROOST_KEYRING_DOC_MAX + 1)

/* The terms of the host wrap (FORMAT.md 8.3).  The caller wipes kek_r. */
enum roost_err roost_terms_host(const struct roost_keyring *kr,
				const uint8_t *provider_key,
				char ad_r[ROOST_TERMS_HOST_SIZE],
				size_t *ad_len_r,
				uint8_t kek_r[ROOST_KEY_SIZE]) ROOST_CHECKED;

/*
 * The associated data of a slot's wrap (FORMAT.md 8.4); its length is
 * returned.  The key depends on the kind of slot (8.7): a provider slot needs
 * the host key alone, app and recovery slots need the secret alone; an escrow
 * slot has no such key, and is ROOST_ERR_NO_SLOT.  The caller wipes kek_r.
 */
struct roost_slot_secret {
	const uint8_t *host_key;
	const uint8_t *secret;
	const struct roost_argon2_limits *limits;
};
size_t roost_terms_slot_ad(const struct roost_keyring *kr,
			   const struct roost_slot *slot,
			   char ad_r[ROOST_TERMS_SLOT_SIZE]);
enum roost_err roost_terms_slot_kek(const struct roost_slot *slot,
				    const struct roost_slot_secret *from,
				    uint8_t kek_r[ROOST_KEY_SIZE])
	ROOST_CHECKED;

/* The terms of an escrow slot, which has no such key: HPKE's info holds what is
   associated data with the others (FORMAT.md 8.14).  hpke_r borrows info_r. */
#define ROOST_TERMS_ESCROW_SIZE (16 + ROOST_TERMS_SLOT_SIZE)
void roost_terms_escrow(const struct roost_keyring *kr,
			const struct roost_slot *slot,
			uint8_t info_r[ROOST_TERMS_ESCROW_SIZE],
			struct roost_hpke_context *hpke_r);

/* The terms of the record `secrets` (FORMAT.md 8.5).  The caller wipes
   key_r. */
enum roost_err roost_terms_secrets(const struct roost_keyring *kr,
				   const uint8_t *master,
				   uint8_t ad_r[ROOST_TERMS_SECRETS_SIZE],
				   uint8_t key_r[ROOST_KEY_SIZE])
	ROOST_CHECKED;

/* The pre-shared key of an epoch (FORMAT.md 8.6).  The caller wipes psk_r. */
enum roost_err roost_terms_psk(const uint8_t *host_key, uint32_t number,
			       uint8_t psk_r[ROOST_KEY_SIZE]) ROOST_CHECKED;

/* What the owner signs (FORMAT.md 8.9), all of which is public; text holds
   ROOST_TERMS_OWNER_SIZE bytes.  ROOST_ERR_LIMIT where it is too long. */
enum roost_err roost_terms_owner(const struct roost_keyring *kr,
				 struct roost_text *text) ROOST_CHECKED;

/* The provider's mac as it has to be (FORMAT.md 8.10).  The caller wipes
   mac_r unless it goes into a document. */
enum roost_err roost_terms_mac(const struct roost_keyring *kr,
			       const uint8_t *host_key,
			       uint8_t mac_r[ROOST_KEYRING_MAC_SIZE])
	ROOST_CHECKED;

/* The id that a keyring with this identity has (FORMAT.md 8.12). */
enum roost_err roost_terms_id(const uint8_t identity[ROOST_KEY_SIZE],
			      uint8_t id_r[ROOST_ID_SIZE]) ROOST_CHECKED;

/* -- keyring.c -- */

/* Open the record `secrets` into guarded memory, which the caller frees;
   *secrets_r is NULL after an error.  The seed of the identity comes first,
   the epochs follow. */
enum roost_err roost_keyring_open_secrets(const struct roost_keyring *kr,
					  const uint8_t *master,
					  void **secrets_r) ROOST_CHECKED;

/* ROOST_ERR_IDENTITY_KEY unless this seed is the one of the identity. */
enum roost_err roost_keyring_check_identity(const struct roost_keyring *kr,
					    const uint8_t *seed) ROOST_CHECKED;

#endif
