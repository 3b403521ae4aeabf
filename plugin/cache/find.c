/* SPDX-License-Identifier: MIT */
/*
 * find: the blobs of a message, looked up and opened.  See mail.h.
 */
#include "cache/mail-private.h"

#include "mail-cache-private.h"

#include "dovecot/report.h"

#include "roost/bytes.h"
#include "roost/secret.h"

/* Of a record, the parts that are asked for most; and a line of memory. */
#define AHEAD_SIZE 1024
#define AHEAD_STEP 64

/* Room for so much. */
static uint8_t *
plain_use(struct cache_plain *plain, size_t size)
{
	if (plain->size < size) {
		roost_cache_plain_wipe(plain);
		i_free(plain->bytes);
		plain->size = I_MAX(size, 2048);
		plain->bytes = i_malloc(plain->size);
	}
	plain->used = I_MAX(plain->used, size);
	return plain->bytes;
}

/* What a blob had of a part, or all. */
static void
cache_mail_take(struct roost_cache_mail *cmail,
		const struct roost_blob_content *opened, unsigned int parts)
{
	unsigned int item;

	for (item = 0; item < ROOST_BLOB_ITEM_COUNT; item++) {
		if (opened->items[item].bytes != NULL)
			cmail->content.items[item] = opened->items[item];
	}
	cmail->held |= parts;
	if ((parts & CACHE_PART_BIT(CACHE_FACTS)) != 0)
		cmail->content.data_key = opened->data_key;
	/* Both come with the body, and each may have been too large. */
	if (opened->items[ROOST_BLOB_PREVIEW].bytes != NULL ||
	    opened->items[ROOST_BLOB_PARTS].bytes != NULL)
		cmail->has_body = TRUE;
}

/* All that is believed of a message is of one object. */
static enum roost_err
cache_mail_check_object(const struct roost_cache_mail *cmail,
			const struct roost_blob *blob)
{
	const struct roost_cache_box *cbox = cmail->cbox;
	bool is_of_one;

	if (cbox->facts_err != ROOST_OK)
		return cbox->facts_err;
	is_of_one = memcmp(cbox->facts_id,	/* public */
			   blob->object_id, ROOST_ID_SIZE) == 0 &&
		(cmail->held == 0 ||
		 memcmp(cmail->object_id,	/* public */
			blob->object_id, ROOST_ID_SIZE) == 0);
	return is_of_one ? ROOST_OK : ROOST_ERR_BLOB_AUTH;
}

/* A blob of another part, put here, would count as one that was trimmed.  The
   first may have any: an earlier build put all there. */
static bool
content_is_of_part(const struct roost_blob_content *content,
		   enum cache_part part)
{
	unsigned int item;

	for (item = 1; item < ROOST_BLOB_ITEM_COUNT; item++) {
		if (content->items[item].bytes != NULL &&
		    roost_content_part_of(item) != part)
			return part == CACHE_FACTS;
	}
	return TRUE;
}

static enum roost_err
cache_mail_open_own(struct roost_cache_mail *cmail,
		    const struct roost_blob *blob, enum cache_part part,
		    unsigned int parts)
{
	struct roost_aead *aead = roost_ring_cache_aead(cmail->cbox->ring);
	struct roost_blob_content opened;
	enum roost_err err = parts == CACHE_PARTS_ALL ? ROOST_OK :
		cache_mail_check_object(cmail, blob);

	if (err == ROOST_OK)
		err = roost_blob_open(blob, aead,
				      plain_use(&cmail->plain[part],
						blob->sealed_len), &opened);
	if (err == ROOST_OK && !content_is_of_part(&opened, part))
		err = ROOST_ERR_BLOB_CONTENT;
	if (err == ROOST_OK)
		cache_mail_take(cmail, &opened, parts);
	return err;
}

/* Its key is that of the message. */
static enum roost_err
cache_mail_open_new(struct roost_cache_mail *cmail,
		    const struct roost_blob *blob)
{
	struct roost_blob_content opened;
	struct roost_aead *aead = NULL;
	uint8_t data_key[ROOST_KEY_SIZE];
	enum roost_err err;

	err = roost_ring_data_key(cmail->cbox->ring, &blob->header, data_key);
	if (err == ROOST_OK)
		err = roost_blob_aead_new(data_key, &aead);
	if (err == ROOST_OK)
		err = roost_blob_open(blob, aead,
				      plain_use(&cmail->plain[CACHE_FACTS],
						blob->sealed_len), &opened);
	if (err == ROOST_OK) {
		cache_mail_take(cmail, &opened, CACHE_PARTS_ALL);
		roost_cache_mail_set_key(cmail, data_key);
	}
	roost_prim_aead_free(&aead);
	roost_wipe(data_key, sizeof(data_key));
	return err;
}

/* From a blob's outside to its content; parts: what it is the blob of; part:
   whose room it takes, the first one's for all. */
static enum roost_err
cache_mail_open(struct roost_cache_mail *cmail, const struct roost_blob *blob,
		enum cache_part part, unsigned int parts)
{
	struct roost_ring *ring = cmail->cbox->ring;
	enum roost_err err;

	if (roost_ring_cache_aead(ring) == NULL)
		return ROOST_ERR_LOCKED;
	if (memcmp(blob->keyring_id, roost_ring_doc(ring)->id,	/* public */
		   ROOST_ID_SIZE) != 0)
		return ROOST_ERR_OTHER_KEYRING;
	/* A blob of all takes the place of what was held. */
	if (parts == CACHE_PARTS_ALL) {
		i_zero(&cmail->content);
		cmail->parts = NULL;
		cmail->has_body = FALSE;
		cmail->held = 0;
	}
	err = blob->form == ROOST_BLOB_NEW ? cache_mail_open_new(cmail, blob) :
		cache_mail_open_own(cmail, blob, part, parts);
	if (err == ROOST_OK)
		memcpy(cmail->object_id, blob->object_id, ROOST_ID_SIZE);
	return err;
}

enum slot {
	SLOT_EMPTY = 0,
	SLOT_GOOD,
	SLOT_BAD,
	SLOT_LATER,	/* form 2, and only that was not wanted now */
};

/* Form 2, which anybody can write who can seal, has its own field. */
static enum roost_err
blob_parse_own(const void *bytes, size_t len, struct roost_blob *blob_r)
{
	enum roost_err err = roost_blob_parse(bytes, len, blob_r);

	return err == ROOST_OK && blob_r->form != ROOST_BLOB_OWN ?
		ROOST_ERR_BLOB_FORM : err;
}

/* What the other parts must be of, too.  Nothing is proved by it yet: that the
   first part is of the file is, when the file is opened. */
static void
cache_box_set_facts_id(struct roost_cache_box *cbox,
		       const struct mail_cache_iterate_field *field)
{
	struct roost_blob blob;

	cbox->has_facts = TRUE;
	cbox->facts_err = blob_parse_own(field->data, field->size, &blob);
	if (cbox->facts_err != ROOST_OK)
		return;
	memcpy(cbox->facts_id, blob.object_id, ROOST_ID_SIZE);
	if (memcmp(blob.keyring_id,	/* public */
		   roost_ring_doc(cbox->ring)->id, ROOST_ID_SIZE) != 0)
		cbox->facts_err = ROOST_ERR_OTHER_KEYRING;
}

/*
 * What a record holds is in no processor's cache where a mailbox is long, and a
 * walk waits for it at each field.  So ask for the next message's, which mostly
 * stands behind this one's, while there is work to do on this one.  Always
 * inline: to gcc, a function that does nothing else does nothing.
 */
static inline __attribute__((always_inline)) void
cache_fetch_ahead(const struct mail_cache *cache,
		  const struct mail_cache_lookup_iterate_ctx *iter)
{
	size_t pos = (size_t)iter->offset + iter->rec_size, end;

	if (iter->offset == 0 || cache->mmap_base == NULL ||
	    pos >= cache->mmap_length)
		return;
	end = pos + I_MIN(AHEAD_SIZE, cache->mmap_length - pos);
	for (; pos < end; pos += AHEAD_STEP)
		__builtin_prefetch((const char *)cache->mmap_base + pos);
}

/*
 * Copy the blob of a part, and the one of all, in one walk through the
 * message's records: the first of each is the newest.  Unless is_whole it ends
 * when it has the part: a blob of all that comes later is mostly older.  Where
 * both came in one transaction, or by a copy, it may be the newer one: see
 * cache_mail_is_enough().  Copied, since another process may write where they
 * lie.
 */
static void
cache_mail_find(struct mail *mail, struct roost_cache_box *cbox,
		enum cache_part part, bool is_whole)
{
	struct mail_cache_lookup_iterate_ctx iter;
	struct mail_cache_iterate_field field;

	buffer_set_used_size(cbox->own, 0);
	buffer_set_used_size(cbox->new, 0);
	cbox->has_own = cbox->has_new = cbox->has_facts = FALSE;
	cbox->facts_err = ROOST_ERR_BLOB_AUTH;
	mail_cache_lookup_iter_init(mail->transaction->cache_view, mail->seq,
				    &iter);
	while ((is_whole || !cbox->has_own || !cbox->has_facts) &&
	       mail_cache_lookup_iter_next(&iter, &field) > 0) {
		if (field.field_idx == cbox->own_idx[part] &&
		    !cbox->has_own) {
			buffer_append(cbox->own, field.data, field.size);
			cbox->has_own = TRUE;
		} else if (field.field_idx == cbox->new_idx &&
			   !cbox->has_new) {
			buffer_append(cbox->new, field.data, field.size);
			cbox->has_new = TRUE;
		}
		if (field.field_idx == cbox->own_idx[CACHE_FACTS] &&
		    !cbox->has_facts)
			cache_box_set_facts_id(cbox, &field);
	}
	cache_fetch_ahead(mail->box->cache, &iter);
}

static enum slot
cache_mail_try_own(struct roost_cache_mail *cmail, enum cache_part part,
		   enum roost_err *err_r)
{
	const buffer_t *bytes = cmail->cbox->own;
	struct roost_blob blob;

	*err_r = blob_parse_own(bytes->data, bytes->used, &blob);
	if (*err_r == ROOST_OK)
		*err_r = cache_mail_open(cmail, &blob, part,
					 CACHE_PART_BIT(part));
	return *err_r == ROOST_OK ? SLOT_GOOD : SLOT_BAD;
}

static enum slot
cache_mail_try_new(struct roost_cache_mail *cmail, bool is_form_2_wanted,
		   enum roost_err *err_r)
{
	const buffer_t *bytes = cmail->cbox->new;
	struct roost_blob blob;

	*err_r = roost_blob_parse(bytes->data, bytes->used, &blob);
	if (*err_r == ROOST_OK && blob.form == ROOST_BLOB_NEW &&
	    !is_form_2_wanted)
		return SLOT_LATER;
	if (*err_r == ROOST_OK)
		*err_r = cache_mail_open(cmail, &blob, CACHE_FACTS,
					 CACHE_PARTS_ALL);
	/* Once is enough: it would take the place of what is held. */
	cmail->is_new_bad = *err_r != ROOST_OK;
	return *err_r == ROOST_OK ? SLOT_GOOD : SLOT_BAD;
}

bool
roost_cache_mail_may_tell(const struct roost_cache_mail *cmail)
{
	const struct roost_config *config =
		roost_user_config(cmail->cbox->ruser);

	return !roost_bytes_are_zero(cmail->object_id, ROOST_ID_SIZE) ||
		config->plaintext == ROOST_PLAINTEXT_SERVE ||
		roost_ring_policy(cmail->cbox->ring) == ROOST_POLICY_OPEN;
}

static void
cache_mail_report(struct mail *mail, enum roost_err err)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);

	/* A locked keyring is said when a message is opened. */
	if (err != ROOST_ERR_LOCKED &&
	    !roost_ring_is_locked(cmail->cbox->ring) &&
	    roost_cache_mail_log_once(mail, "blob"))
		roost_report_blob(mail, err);
}

/* What is found in the slots: held, or not. */
struct found {
	enum slot own, new;
	enum roost_err own_err, new_err;
	bool is_form_2;
};

static bool
cache_mail_choose(struct roost_cache_mail *cmail, enum cache_part part,
		  struct found *found)
{
	struct roost_cache_box *cbox = cmail->cbox;
	bool is_new_asked = cbox->has_new && !cmail->is_new_bad;

	/* A blob of form 1 in the last slot came after the first ones. */
	if (is_new_asked)
		found->new = cache_mail_try_new(cmail, FALSE,
						&found->new_err);
	if (found->new == SLOT_GOOD)
		return TRUE;
	if (cbox->has_own)
		found->own = cache_mail_try_own(cmail, part, &found->own_err);
	if (found->own == SLOT_GOOD)
		return TRUE;
	found->is_form_2 = found->new == SLOT_LATER;
	if (found->is_form_2)
		found->new = cache_mail_try_new(cmail, TRUE, &found->new_err);
	return found->new == SLOT_GOOD;
}

/* Does the part have all that a blob of all could have of it?  One that was
   made without the body lacks what comes of that. */
static bool
cache_mail_is_enough(const struct roost_cache_mail *cmail,
		     enum cache_part part)
{
	const struct roost_blob_bytes *items = cmail->content.items;

	if ((cmail->held & CACHE_PART_BIT(part)) == 0)
		return FALSE;
	switch (part) {
	case CACHE_FACTS:
		return items[ROOST_BLOB_PARTS].bytes != NULL;
	case CACHE_PREVIEW:
		return items[ROOST_BLOB_PREVIEW].bytes != NULL;
	case CACHE_LISTING:
		return items[ROOST_BLOB_BODYSTRUCTURE].bytes != NULL;
	default:
		return TRUE;
	}
}

static void
cache_mail_lookup(struct mail *mail, enum cache_part part)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	struct roost_cache_box *cbox = cmail->cbox;
	struct found found = { .own = SLOT_EMPTY };
	bool is_found, is_bad;

	cache_mail_find(mail, cbox, part, FALSE);
	is_found = cache_mail_choose(cmail, part, &found);
	if (found.own != SLOT_EMPTY && !cbox->has_new &&
	    !cache_mail_is_enough(cmail, part)) {
		cache_mail_find(mail, cbox, part, TRUE);
		if (cbox->has_new) {
			i_zero(&found);	/* what was replaced is no news */
			is_found = cache_mail_choose(cmail, part, &found);
		}
	}
	is_bad = found.own == SLOT_BAD || found.new == SLOT_BAD;
	if (is_bad)
		cache_mail_report(mail, found.own == SLOT_BAD ?
				  found.own_err : found.new_err);
	/* With both taken there is no room to make anew what is bad, nor what
	   only X25519 opens. */
	if ((is_bad || found.is_form_2) && cbox->has_facts && cbox->has_new &&
	    !roost_ring_is_locked(cbox->ring))
		roost_cache_mail_drop(mail, NULL);
	else if (is_found && !cbox->has_facts) {
		/* Form 2: from now on it opens without X25519. */
		roost_cache_mail_store(mail);
	}
	if (is_found && roost_cache_mail_may_tell(cmail))
		return;
	/* A part that is not there says nothing of the others. */
	if (found.own != SLOT_EMPTY || found.new != SLOT_EMPTY ||
	    !cbox->has_facts)
		roost_cache_mail_forget(cmail);
}

bool
roost_cache_mail_load(struct mail *mail, enum cache_part part)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	unsigned int bit = CACHE_PART_BIT(part);

	if (((cmail->looked | cmail->held) & bit) == 0) {
		cmail->looked |= bit;
		cmail->is_used = TRUE;
		if (!cmail->cbox->is_sealed || mail->saving ||
		    seq_range_exists(&cmail->cbox->ignored, mail->uid))
			roost_cache_mail_forget(cmail);
		else
			cache_mail_lookup(mail, part);
	}
	return (cmail->held & bit) != 0;
}
