/* SPDX-License-Identifier: MIT */
#ifndef ROOST_BLOB_H
#define ROOST_BLOB_H

/*
 * blob: what the index cache keeps of a message, sealed (FORMAT.md 12).
 *
 * Promises: nothing of a blob is handed out before all of it verified; what was
 * opened is well formed.  It knows nothing of mailboxes, nor of what the items
 * mean to a mail client.
 */

#include "roost/chunk.h"
#include "roost/header.h"

#define ROOST_BLOB_SIZE_MAX 30720
/* Around the items of form 1: form, keyring id, object id, nonce, data key,
   tag. */
#define ROOST_BLOB_FORM_OWN_OVERHEAD (1 + ROOST_ID_SIZE + ROOST_ID_SIZE + \
	ROOST_NONCE_SIZE + ROOST_KEY_SIZE + ROOST_TAG_SIZE)
/* Around the items of form 2, besides H: form, nonce, tag. */
#define ROOST_BLOB_FORM_NEW_OVERHEAD (1 + ROOST_NONCE_SIZE + ROOST_TAG_SIZE)
/* Around the items of form 3: form, nonce, tag. */
#define ROOST_BLOB_FORM_BESIDE_OVERHEAD \
	(1 + ROOST_NONCE_SIZE + ROOST_TAG_SIZE)
#define ROOST_BLOB_ITEM_HEAD_SIZE 5
/* What the items of a blob of form 1 and of those beside it may take.  Padded,
   it and four of form 3 take no more than one blob (FORMAT.md 12.7). */
#define ROOST_BLOB_SHARED_MAX 26836
#define ROOST_BLOB_SENT_DATE_SIZE 12

enum roost_blob_form {
	ROOST_BLOB_FORM_OWN = 1,	/* made by who can open the keyring */
	ROOST_BLOB_FORM_NEW = 2,	/* made by a delivery that cannot */
	ROOST_BLOB_FORM_BESIDE = 3,	/* stands beside one of form 1, whose
					   ids it is sealed with */
};

/* The numbers stand on disk; each item comes at most once, in this order. */
enum roost_blob_item {
	ROOST_BLOB_EXTRA_NAMES = 1,	/* besides the standard headers */
	ROOST_BLOB_LEFT_OUT,		/* headers that were left out */
	ROOST_BLOB_HEADERS,		/* header lines, ended by LF */
	ROOST_BLOB_ENVELOPE,
	ROOST_BLOB_BODYSTRUCTURE,
	ROOST_BLOB_PREVIEW,
	ROOST_BLOB_PARTS,		/* Dovecot's serialized parts */
	ROOST_BLOB_SENT_DATE,		/* seconds (8), zone minutes (4), both
					   big-endian two's complement */
	ROOST_BLOB_SAVED_KEYS,		/* in form 1 only; secret; made by
					   roost_object_save_keys() */
	ROOST_BLOB_SUMMARY,		/* From and Subject again, lines */

	ROOST_BLOB_ITEM_COUNT
};

/* Borrowed bytes.  NULL means that the item is not there, which is not the same
   as an empty one. */
struct roost_blob_bytes {
	const uint8_t *bytes;
	size_t len;
};

struct roost_blob_content {
	const uint8_t *data_key;	/* secret; 32 bytes; in form 1, else
					   NULL */
	struct roost_blob_bytes items[ROOST_BLOB_ITEM_COUNT];
};

/* The headers that are always looked for (FORMAT.md 12.6), sorted without
   regard to case; the last is NULL. */
extern const char *const roost_blob_standard_names[];

/* Returns how many bytes the items take without padding. */
size_t roost_blob_items_size(const struct roost_blob_content *content);

/*
 * Take items away until the rest fits into max bytes: always the largest of
 * headers (with extra names and left-out), envelope, body structure, preview,
 * parts and summary; of equals, the first.  Sent date and saved keys stay.
 * Returns how many items were taken away.
 */
unsigned int roost_blob_trim(struct roost_blob_content *content, size_t max);

/* A blob that was parsed and not opened yet; everything points into its
   bytes. */
struct roost_blob {
	enum roost_blob_form form;
	/* ROOST_ID_SIZE bytes each.  The second is the message's; in form 1 it
	   is zero for a message that is not sealed.  Form 3 has neither: see
	   roost_blob_stands_beside(). */
	const uint8_t *keyring_id, *object_id;
	struct roost_header header;	/* set in form 2 alone */
	const uint8_t *head;		/* all before the nonce */
	size_t head_len;
	const uint8_t *nonce;
	const uint8_t *sealed;
	size_t sealed_len;
};

/* Parse a blob, for which no key is needed.  ROOST_ERR_BLOB_FORM, with blob_r
   zero, for anything that cannot be one. */
enum roost_err roost_blob_parse(const uint8_t *bytes, size_t len,
				struct roost_blob *blob_r) ROOST_CHECKED;

/*
 * Say what a blob of form 3 stands beside: the ids, of ROOST_ID_SIZE bytes, of
 * the blob of form 1 of the same message.  They are borrowed and need not be
 * proven, since opening proves them.  For a blob of form 3 alone.
 */
void roost_blob_stands_beside(struct roost_blob *blob,
			      const uint8_t keyring_id[ROOST_ID_SIZE],
			      const uint8_t object_id[ROOST_ID_SIZE]);

/* Make the AEAD of forms 1 and 3, from D(master key, "cache"), or of form 2,
   from D(data key, "blob").  The caller frees it; it is NULL after an
   error. */
enum roost_err roost_blob_aead_own(const uint8_t master[ROOST_KEY_SIZE],
				   struct roost_aead **aead_r) ROOST_CHECKED;
enum roost_err roost_blob_aead_new(const uint8_t data_key[ROOST_KEY_SIZE],
				   struct roost_aead **aead_r) ROOST_CHECKED;

/*
 * Open into plain_r, which holds blob->sealed_len bytes and is secret; the
 * items of content_r point into it.  ROOST_ERR_BLOB_AUTH if it is not genuine,
 * or of form 3 and nobody said what it stands beside, ROOST_ERR_BLOB_CONTENT if
 * it is genuine but not of this version; plain_r and content_r are zero after
 * an error.
 */
enum roost_err roost_blob_open(const struct roost_blob *blob,
			       struct roost_aead *aead, uint8_t *plain_r,
			       struct roost_blob_content *content_r)
	ROOST_CHECKED;

/*
 * Seal into blob_r, which holds ROOST_BLOB_SIZE_MAX bytes.  ROOST_ERR_LIMIT if
 * the blob would be longer, ROOST_ERR_BLOB_CONTENT if an item or the data key
 * would not be accepted by opening, ROOST_ERR_BLOB_FORM if H would not.  *len_r
 * is zero after an error, and nothing is left in blob_r.  For a message that is
 * not sealed the object id and the data key are zeros.
 */
enum roost_err
roost_blob_seal_own(struct roost_aead *aead,
		    const uint8_t keyring_id[ROOST_ID_SIZE],
		    const uint8_t object_id[ROOST_ID_SIZE],
		    const struct roost_blob_content *content,
		    uint8_t *blob_r, size_t *len_r) ROOST_CHECKED;
/* The same in form 3, beside a blob of form 1 that has these ids;
   content->data_key is not used. */
enum roost_err
roost_blob_seal_beside(struct roost_aead *aead,
		       const uint8_t keyring_id[ROOST_ID_SIZE],
		       const uint8_t object_id[ROOST_ID_SIZE],
		       const struct roost_blob_content *content,
		       uint8_t *blob_r, size_t *len_r) ROOST_CHECKED;
/* The same in form 2, where header is H of the message, of header_len bytes;
   content->data_key is not used. */
enum roost_err
roost_blob_seal_new(struct roost_aead *aead,
		    const uint8_t *header, size_t header_len,
		    const struct roost_blob_content *content,
		    uint8_t *blob_r, size_t *len_r) ROOST_CHECKED;

#endif
