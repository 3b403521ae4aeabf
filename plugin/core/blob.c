/* SPDX-License-Identifier: MIT */
/*
 * blob: sealing and opening what the index cache keeps of a message.  See
 * roost/blob.h.
 */
#include "roost/blob.h"

#include "roost/bytes.h"
#include "roost/cursor.h"
#include "roost/derive.h"
#include "roost/secret.h"

#include <string.h>

#define BLOB_FORM_SIZE 1
#define PAD_STEP_MIN 64
/* A step of padding is at most an eighth of what it pads, unless that is
   short. */
#define PAD_STEPS_MAX 16
/* The form and two ids: in form 1 they stand before the nonce, in form 3 the
   form alone does. */
#define IDS_AD_SIZE (BLOB_FORM_SIZE + ROOST_ID_SIZE + ROOST_ID_SIZE)

const char *const roost_blob_standard_names[] = {
	"Bcc", "Cc", "Content-Description", "Content-Disposition",
	"Content-Language", "Content-Location", "Content-MD5",
	"Content-Transfer-Encoding", "Content-Type", "Date",
	"Disposition-Notification-To", "From", "Importance", "In-Reply-To",
	"Lines", "List-Id", "List-Post", "List-Unsubscribe",
	"Mail-Followup-To", "Mail-Reply-To", "Message-ID", "MIME-Version",
	"Newsgroups", "Priority", "References", "Reply-To", "Sender",
	"Subject", "To", "X-Draft-Info", "X-Label", "X-Mailer",
	"X-Original-To", "X-Priority", "X-Spam-Flag",
	NULL
};

static size_t
item_size(const struct roost_blob_bytes *item)
{
	return item->bytes == NULL ? 0 : ROOST_BLOB_ITEM_HEAD_SIZE + item->len;
}

/* True if an item of this type may hold these bytes (FORMAT.md 12.5).  Saved
   keys are believed, because only who has the cache key can write them. */
static bool
item_is_good(enum roost_blob_form form, unsigned int type,
	     const struct roost_blob_bytes *item)
{
	switch (type) {
	case ROOST_BLOB_ENVELOPE:
	case ROOST_BLOB_BODYSTRUCTURE:
	case ROOST_BLOB_PREVIEW:
		return memchr(item->bytes, '\0', item->len) == NULL;
	case ROOST_BLOB_SENT_DATE:
		return item->len == ROOST_BLOB_SENT_DATE_SIZE;
	case ROOST_BLOB_SAVED_KEYS:
		return item->len == ROOST_SAVED_KEYS_SIZE &&
			form == ROOST_BLOB_FORM_OWN;
	default:
		return true;
	}
}

size_t
roost_blob_items_size(const struct roost_blob_content *content)
{
	unsigned int type;
	size_t size = 0;

	for (type = 1; type < ROOST_BLOB_ITEM_COUNT; type++)
		size += item_size(&content->items[type]);
	return size;
}

/* The names of headers tell what the headers are complete for, so that these
   three items stay or go together. */
static bool
items_go_together(unsigned int lead, unsigned int type)
{
	return type == lead || (lead == ROOST_BLOB_HEADERS &&
				(type == ROOST_BLOB_EXTRA_NAMES ||
				 type == ROOST_BLOB_LEFT_OUT));
}

static bool
item_stays(unsigned int type)
{
	return type == ROOST_BLOB_SENT_DATE || type == ROOST_BLOB_SAVED_KEYS;
}

static size_t
trim_size(const struct roost_blob_content *content, unsigned int lead)
{
	unsigned int type;
	size_t size = 0;

	for (type = 1; type < ROOST_BLOB_ITEM_COUNT; type++) {
		if (items_go_together(lead, type))
			size += item_size(&content->items[type]);
	}
	return size;
}

static unsigned int
trim_take(struct roost_blob_content *content, unsigned int lead)
{
	unsigned int type, count = 0;

	for (type = 1; type < ROOST_BLOB_ITEM_COUNT; type++) {
		if (!items_go_together(lead, type) ||
		    content->items[type].bytes == NULL)
			continue;
		content->items[type] = (struct roost_blob_bytes) { NULL, 0 };
		count++;
	}
	return count;
}

unsigned int
roost_blob_trim(struct roost_blob_content *content, size_t max)
{
	unsigned int lead, largest, count = 0;
	size_t size, largest_size;

	while (roost_blob_items_size(content) > max) {
		largest = 0;
		largest_size = 0;
		for (lead = ROOST_BLOB_HEADERS; lead < ROOST_BLOB_ITEM_COUNT;
		     lead++) {
			size = item_stays(lead) ? 0 :
				trim_size(content, lead);
			if (size > largest_size) {
				largest = lead;
				largest_size = size;
			}
		}
		if (largest == 0)
			break;	/* what is left is never taken away */
		count += trim_take(content, largest);
	}
	return count;
}

static enum roost_err
blob_parse(const uint8_t *bytes, size_t len, struct roost_blob *blob)
{
	struct roost_cursor cur;
	unsigned int form;

	roost_cursor_init(&cur, bytes, len);
	form = roost_cursor_u8(&cur);
	if (form == ROOST_BLOB_FORM_OWN) {
		blob->form = ROOST_BLOB_FORM_OWN;
		blob->keyring_id = roost_cursor_bytes(&cur, ROOST_ID_SIZE);
		blob->object_id = roost_cursor_bytes(&cur, ROOST_ID_SIZE);
	} else if (form == ROOST_BLOB_FORM_NEW) {
		blob->form = ROOST_BLOB_FORM_NEW;
		if (roost_header_parse(cur.next, cur.left, &blob->header) !=
		    ROOST_OK)
			return ROOST_ERR_BLOB_FORM;
		(void)roost_cursor_bytes(&cur, blob->header.len);
		blob->keyring_id = blob->header.keyring_id;
		blob->object_id = blob->header.object_id;
	} else if (form == ROOST_BLOB_FORM_BESIDE) {
		blob->form = ROOST_BLOB_FORM_BESIDE;
		blob->keyring_id = blob->object_id = NULL;
	} else {
		return ROOST_ERR_BLOB_FORM;
	}
	blob->head = bytes;
	blob->head_len = len - cur.left;
	blob->nonce = roost_cursor_bytes(&cur, ROOST_NONCE_SIZE);
	blob->sealed = cur.next;
	blob->sealed_len = cur.left;
	return cur.is_stuck || cur.left < ROOST_TAG_SIZE ?
		ROOST_ERR_BLOB_FORM : ROOST_OK;
}

enum roost_err
roost_blob_parse(const uint8_t *bytes, size_t len, struct roost_blob *blob_r)
{
	enum roost_err err = len <= ROOST_BLOB_SIZE_MAX ?
		blob_parse(bytes, len, blob_r) : ROOST_ERR_BLOB_FORM;

	if (err != ROOST_OK)
		memset(blob_r, 0, sizeof(*blob_r));
	return err;
}

void
roost_blob_stands_beside(struct roost_blob *blob,
			 const uint8_t keyring_id[ROOST_ID_SIZE],
			 const uint8_t object_id[ROOST_ID_SIZE])
{
	blob->keyring_id = keyring_id;
	blob->object_id = object_id;
}

static enum roost_err
blob_aead(const uint8_t key[ROOST_KEY_SIZE], const char *label,
	  struct roost_aead **aead_r)
{
	uint8_t derived[ROOST_KEY_SIZE];
	enum roost_err err;

	*aead_r = NULL;
	err = roost_derive(key, label, NULL, 0, derived, sizeof(derived));
	if (err == ROOST_OK &&
	    (*aead_r = roost_prim_aead_new(derived)) == NULL)
		err = ROOST_ERR_BACKEND;
	roost_wipe(derived, sizeof(derived));
	return err;
}

enum roost_err
roost_blob_aead_own(const uint8_t master[ROOST_KEY_SIZE],
		    struct roost_aead **aead_r)
{
	return blob_aead(master, "cache", aead_r);
}

enum roost_err
roost_blob_aead_new(const uint8_t data_key[ROOST_KEY_SIZE],
		    struct roost_aead **aead_r)
{
	return blob_aead(data_key, "blob", aead_r);
}

/* Returns how many bytes stand for items of this size (FORMAT.md 12.19). */
static size_t
padded_size(size_t size, size_t max)
{
	size_t step = PAD_STEP_MIN, padded;

	while (size >= PAD_STEPS_MAX * step)
		step *= 2;
	padded = size == 0 ? step : (size + step - 1) / step * step;
	return padded < max ? padded : max;
}

/* True if what is left behind the items, of len bytes of plaintext, is the one
   padding that they can have. */
static bool
padding_is_good(const struct roost_cursor *cur, size_t len, size_t max)
{
	return len == padded_size(len - cur->left, max) &&
		roost_bytes_are_zero(cur->next, cur->left);
}

/* Cut the plaintext into items.  Every byte must belong to an item or to the
   padding. */
static bool
content_parse(struct roost_cursor *cur, enum roost_blob_form form, size_t max,
	      struct roost_blob_content *content)
{
	struct roost_blob_bytes *item;
	unsigned int type, last = 0;
	size_t len = cur->left;

	while (cur->left > 0 && cur->next[0] != 0) {
		type = roost_cursor_u8(cur);
		if (type <= last || type >= ROOST_BLOB_ITEM_COUNT)
			return false;
		last = type;
		item = &content->items[type];
		item->len = roost_cursor_u32(cur);
		item->bytes = roost_cursor_bytes(cur, item->len);
		if (item->bytes == NULL || !item_is_good(form, type, item))
			return false;
	}
	return padding_is_good(cur, len, max);
}

/* Returns how many bytes the items and their padding may take in a blob. */
static size_t
items_max(enum roost_blob_form form, size_t head_len)
{
	size_t key_len = form == ROOST_BLOB_FORM_OWN ? ROOST_KEY_SIZE : 0;

	return ROOST_BLOB_SIZE_MAX - head_len - ROOST_NONCE_SIZE -
		ROOST_TAG_SIZE - key_len;
}

static void
ids_write(enum roost_blob_form form, const uint8_t *keyring_id,
	  const uint8_t *object_id, uint8_t ids_r[IDS_AD_SIZE])
{
	ids_r[0] = (uint8_t)form;
	memcpy(ids_r + BLOB_FORM_SIZE, keyring_id, ROOST_ID_SIZE);
	memcpy(ids_r + BLOB_FORM_SIZE + ROOST_ID_SIZE, object_id,
	       ROOST_ID_SIZE);
}

/* Open what is sealed.  The associated data are the bytes before the nonce,
   and in form 3 the ids behind them, which stand in another blob. */
static enum roost_err
blob_decrypt(const struct roost_blob *blob, struct roost_aead *aead,
	     uint8_t *plain_r)
{
	const uint8_t *ad = blob->head;
	size_t ad_len = blob->head_len;
	uint8_t ids[IDS_AD_SIZE];	/* public */
	enum roost_err err;

	if (blob->keyring_id == NULL || blob->object_id == NULL)
		return ROOST_ERR_BLOB_AUTH;
	if (blob->form == ROOST_BLOB_FORM_BESIDE) {
		ids_write(blob->form, blob->keyring_id, blob->object_id, ids);
		ad = ids;
		ad_len = sizeof(ids);
	}
	err = roost_prim_aead_open(aead, blob->nonce, ad, ad_len,
				   blob->sealed, blob->sealed_len, plain_r);
	return err == ROOST_ERR_CHUNK ? ROOST_ERR_BLOB_AUTH : err;
}

enum roost_err
roost_blob_open(const struct roost_blob *blob, struct roost_aead *aead,
		uint8_t *plain_r, struct roost_blob_content *content_r)
{
	struct roost_cursor cur;
	enum roost_err err;

	memset(content_r, 0, sizeof(*content_r));
	err = blob_decrypt(blob, aead, plain_r);
	if (err == ROOST_OK) {
		roost_cursor_init(&cur, plain_r,
				  blob->sealed_len - ROOST_TAG_SIZE);
		if (blob->form == ROOST_BLOB_FORM_OWN)
			content_r->data_key = roost_cursor_bytes(&cur,
							ROOST_KEY_SIZE);
		if (cur.is_stuck ||
		    !content_parse(&cur, blob->form,
				   items_max(blob->form, blob->head_len),
				   content_r))
			err = ROOST_ERR_BLOB_CONTENT;
	}
	if (err != ROOST_OK) {
		roost_wipe(plain_r, blob->sealed_len);
		memset(content_r, 0, sizeof(*content_r));
	}
	return err;
}

/* Check that what is to be sealed would open again. */
static enum roost_err
content_check(const struct roost_blob_content *content,
	      enum roost_blob_form form, size_t head_len)
{
	const struct roost_blob_bytes *item;
	unsigned int type;

	for (type = 1; type < ROOST_BLOB_ITEM_COUNT; type++) {
		item = &content->items[type];
		if (item->bytes == NULL)
			continue;
		if (item->len > ROOST_BLOB_SIZE_MAX)
			return ROOST_ERR_LIMIT;	/* so the sum cannot overflow */
		if (!item_is_good(form, type, item))
			return ROOST_ERR_BLOB_CONTENT;
	}
	return roost_blob_items_size(content) > items_max(form, head_len) ?
		ROOST_ERR_LIMIT : ROOST_OK;
}

/* Write the items and the padding; returns where the padding ends. */
static uint8_t *
content_write(const struct roost_blob_content *content, size_t max,
	      uint8_t *dst)
{
	size_t size = roost_blob_items_size(content);
	size_t padded = padded_size(size, max);
	const struct roost_blob_bytes *item;
	unsigned int type;

	for (type = 1; type < ROOST_BLOB_ITEM_COUNT; type++) {
		item = &content->items[type];
		if (item->bytes == NULL)
			continue;
		dst[0] = (uint8_t)type;
		roost_be32_put(dst + 1, (uint32_t)item->len);
		memcpy(dst + ROOST_BLOB_ITEM_HEAD_SIZE, item->bytes,
		       item->len);
		dst += ROOST_BLOB_ITEM_HEAD_SIZE + item->len;
	}
	memset(dst, 0, padded - size);
	return dst + (padded - size);
}

/* Seal a blob whose bytes before the nonce, head_len of them, stand in blob_r
   already. */
static enum roost_err
blob_seal(struct roost_aead *aead, enum roost_blob_form form, size_t head_len,
	  const uint8_t *ad, size_t ad_len,
	  const struct roost_blob_content *content,
	  uint8_t *blob_r, size_t *len_r)
{
	uint8_t *nonce = blob_r + head_len;
	uint8_t *plain = nonce + ROOST_NONCE_SIZE, *end = plain;
	enum roost_err err;

	if (form == ROOST_BLOB_FORM_OWN) {
		memcpy(plain, content->data_key, ROOST_KEY_SIZE);
		end += ROOST_KEY_SIZE;
	}
	end = content_write(content, items_max(form, head_len), end);
	err = roost_prim_random(nonce, ROOST_NONCE_SIZE);
	if (err == ROOST_OK)
		err = roost_prim_aead_seal(aead, nonce, ad, ad_len, plain,
					   (size_t)(end - plain), plain);
	end += ROOST_TAG_SIZE;
	if (err == ROOST_OK)
		*len_r = (size_t)(end - blob_r);
	else
		roost_wipe(blob_r, (size_t)(end - blob_r));
	return err;
}

enum roost_err
roost_blob_seal_own(struct roost_aead *aead,
		    const uint8_t keyring_id[ROOST_ID_SIZE],
		    const uint8_t object_id[ROOST_ID_SIZE],
		    const struct roost_blob_content *content,
		    uint8_t *blob_r, size_t *len_r)
{
	enum roost_err err;

	*len_r = 0;
	if (content->data_key == NULL)
		return ROOST_ERR_BLOB_CONTENT;
	err = content_check(content, ROOST_BLOB_FORM_OWN, IDS_AD_SIZE);
	if (err != ROOST_OK)
		return err;
	ids_write(ROOST_BLOB_FORM_OWN, keyring_id, object_id, blob_r);
	return blob_seal(aead, ROOST_BLOB_FORM_OWN, IDS_AD_SIZE,
			 blob_r, IDS_AD_SIZE, content, blob_r, len_r);
}

enum roost_err
roost_blob_seal_beside(struct roost_aead *aead,
		       const uint8_t keyring_id[ROOST_ID_SIZE],
		       const uint8_t object_id[ROOST_ID_SIZE],
		       const struct roost_blob_content *content,
		       uint8_t *blob_r, size_t *len_r)
{
	uint8_t ids[IDS_AD_SIZE];	/* public */
	enum roost_err err;

	*len_r = 0;
	err = content_check(content, ROOST_BLOB_FORM_BESIDE, BLOB_FORM_SIZE);
	if (err != ROOST_OK)
		return err;
	blob_r[0] = ROOST_BLOB_FORM_BESIDE;
	ids_write(ROOST_BLOB_FORM_BESIDE, keyring_id, object_id, ids);
	return blob_seal(aead, ROOST_BLOB_FORM_BESIDE, BLOB_FORM_SIZE,
			 ids, sizeof(ids), content, blob_r, len_r);
}

enum roost_err
roost_blob_seal_new(struct roost_aead *aead,
		    const uint8_t *header, size_t header_len,
		    const struct roost_blob_content *content,
		    uint8_t *blob_r, size_t *len_r)
{
	const size_t head_len = BLOB_FORM_SIZE + header_len;
	struct roost_header hdr;
	enum roost_err err;

	*len_r = 0;
	if (roost_header_parse(header, header_len, &hdr) != ROOST_OK ||
	    hdr.len != header_len)
		return ROOST_ERR_BLOB_FORM;
	err = content_check(content, ROOST_BLOB_FORM_NEW, head_len);
	if (err != ROOST_OK)
		return err;
	blob_r[0] = ROOST_BLOB_FORM_NEW;
	memcpy(blob_r + BLOB_FORM_SIZE, header, header_len);
	return blob_seal(aead, ROOST_BLOB_FORM_NEW, head_len,
			 blob_r, head_len, content, blob_r, len_r);
}
