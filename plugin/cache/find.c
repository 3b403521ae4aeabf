/* SPDX-License-Identifier: MIT */
/*
 * find: from the records of the index cache to the content of a mail.
 * See find.h.
 */
#include "cache/find.h"

#include "mail-cache-private.h"

#include "dovecot/report.h"

#include "roost/bytes.h"
#include "roost/secret.h"

/* How much of the next message's record is fetched ahead at most, and how much
   a processor fetches at once. */
#define AHEAD_SIZE 1024
#define AHEAD_STEP 64

enum field_state {
	FIELD_EMPTY = 0,	/* not there, or not asked */
	FIELD_OPENED,
	FIELD_REFUSED,
	FIELD_POSTPONED,	/* of form 2, which costs X25519 to open */
};

/* What stands in a field of the message, and what became of it.  There is room
   for one byte more than the largest blob has, so that what was cut to this
   size is still refused for its length. */
struct field {
	size_t len;
	bool is_there;
	enum field_state state;
	enum roost_err err;	/* why it is refused */
	uint8_t bytes[ROOST_BLOB_SIZE_MAX + 1];
};

/* One look-up, of one blob; so large that it is set up member by member, and
   that what is always used stands together in front. */
struct lookup {
	struct roost_cache_mail *cmail;
	enum cache_blob blob;
	bool has_facts;
	/* Which object the blob of facts is of, or why nothing can stand
	   beside it: where there is no such blob, ROOST_ERR_BLOB_AUTH. */
	enum roost_err facts_err;
	uint8_t facts_id[ROOST_ID_SIZE];
	bool is_form_new;	/* only a blob of form 2 was left to open */
	struct field field_new, field_own;
};

/* Add the items of an opened blob to content; bits say which blobs are held by
   that. */
static void
cache_mail_take(struct roost_cache_mail *cmail,
		const struct roost_blob_content *opened, unsigned int bits)
{
	unsigned int item;

	for (item = 0; item < ROOST_BLOB_ITEM_COUNT; item++) {
		if (opened->items[item].bytes != NULL)
			cmail->content.items[item] = opened->items[item];
	}
	cmail->held |= bits;
	if ((bits & CACHE_BLOB_BIT(CACHE_BLOB_FACTS)) != 0)
		cmail->content.data_key = opened->data_key;
	/* Both are made from the body; either may have been too large. */
	if (opened->items[ROOST_BLOB_PREVIEW].bytes != NULL ||
	    opened->items[ROOST_BLOB_PARTS].bytes != NULL)
		cmail->has_body = TRUE;
}

/* Is there a blob of facts, and is this blob, which is that or stands beside
   it, of the object that content is of? */
static enum roost_err
lookup_check_object(const struct lookup *lookup, const struct roost_blob *blob)
{
	const struct roost_cache_mail *cmail = lookup->cmail;
	bool is_of_one;

	if (lookup->facts_err != ROOST_OK)
		return lookup->facts_err;
	is_of_one = cmail->held == 0 ||
		memcmp(cmail->object_id,	/* public */
		       blob->object_id, ROOST_ID_SIZE) == 0;
	return is_of_one ? ROOST_OK : ROOST_ERR_BLOB_AUTH;
}

/* FALSE if a blob has items of another one: moved to this field, it would pass
   for one whose own items were too large to be kept.  The blob of facts may
   have any: an earlier version of Roost put all items there. */
static bool
content_is_of_blob(const struct roost_blob_content *content,
		   enum cache_blob blob)
{
	unsigned int item;

	for (item = 1; item < ROOST_BLOB_ITEM_COUNT; item++) {
		if (content->items[item].bytes != NULL &&
		    roost_content_blob_of(item) != blob)
			return blob == CACHE_BLOB_FACTS;
	}
	return TRUE;
}

/* Open a blob of form 1 or 3 that stands for these bits. */
static enum roost_err
lookup_open_form_own(struct lookup *lookup, const struct roost_blob *blob,
		     struct roost_aead *aead, enum cache_blob room,
		     unsigned int bits)
{
	struct roost_cache_mail *cmail = lookup->cmail;
	struct roost_blob_content opened;
	enum roost_err err = bits == CACHE_BLOBS_ALL ? ROOST_OK :
		lookup_check_object(lookup, blob);

	if (err == ROOST_OK)
		err = roost_blob_open(blob, aead,
				      roost_cache_mail_plain(cmail, room,
							blob->sealed_len),
				      &opened);
	if (err == ROOST_OK && !content_is_of_blob(&opened, room))
		err = ROOST_ERR_BLOB_CONTENT;
	if (err == ROOST_OK)
		cache_mail_take(cmail, &opened, bits);
	return err;
}

/* Open a blob of form 2: its key comes from the message's data key, which a
   stanza in the blob gives. */
static enum roost_err
cache_mail_open_form_new(struct roost_cache_mail *cmail,
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
				      roost_cache_mail_plain(cmail,
							CACHE_BLOB_FACTS,
							blob->sealed_len),
				      &opened);
	if (err == ROOST_OK) {
		cache_mail_take(cmail, &opened, CACHE_BLOBS_ALL);
		roost_cache_mail_set_key(cmail, data_key);
	}
	roost_prim_aead_free(&aead);
	roost_wipe(data_key, sizeof(data_key));
	return err;
}

/* Open a parsed blob that stands for these bits into the room of one. */
static enum roost_err
lookup_open(struct lookup *lookup, const struct roost_blob *blob,
	    enum cache_blob room, unsigned int bits)
{
	struct roost_cache_mail *cmail = lookup->cmail;
	struct roost_ring *ring = cmail->cbox->ring;
	struct roost_aead *aead = roost_ring_cache_aead(ring);
	enum roost_err err;

	if (aead == NULL)
		return ROOST_ERR_LOCKED;
	if (memcmp(blob->keyring_id, roost_ring_doc(ring)->id,	/* public */
		   ROOST_ID_SIZE) != 0)
		return ROOST_ERR_OTHER_KEYRING;
	/* A blob of all items takes the place of what content held. */
	if (bits == CACHE_BLOBS_ALL) {
		i_zero(&cmail->content);
		cmail->parts = NULL;
		cmail->has_body = FALSE;
		cmail->held = 0;
	}
	err = blob->form == ROOST_BLOB_FORM_NEW ?
		cache_mail_open_form_new(cmail, blob) :
		lookup_open_form_own(lookup, blob, aead, room, bits);
	if (err == ROOST_OK)
		memcpy(cmail->object_id, blob->object_id, ROOST_ID_SIZE);
	return err;
}

/* Each of the fields of roost.own has blobs of one form, and others are refused
   there: above all form 2, which everybody can write who can seal. */
static enum roost_err
blob_parse_of_form(const void *bytes, size_t len, enum roost_blob_form form,
		   struct roost_blob *blob_r)
{
	enum roost_err err = roost_blob_parse(bytes, len, blob_r);

	return err == ROOST_OK && blob_r->form != form ?
		ROOST_ERR_BLOB_FORM : err;
}

/* Note the object that the other blobs are sealed for, too.  The name proves
   nothing until one of them is opened, and compared with the file. */
static void
lookup_note_facts(struct lookup *lookup,
		  const struct mail_cache_iterate_field *found)
{
	const struct roost_cache_box *cbox = lookup->cmail->cbox;
	struct roost_blob blob;

	lookup->has_facts = TRUE;
	lookup->facts_err = blob_parse_of_form(found->data, found->size,
					       ROOST_BLOB_FORM_OWN, &blob);
	if (lookup->facts_err != ROOST_OK)
		return;
	memcpy(lookup->facts_id, blob.object_id, ROOST_ID_SIZE);
	if (memcmp(blob.keyring_id,	/* public */
		   roost_ring_doc(cbox->ring)->id, ROOST_ID_SIZE) != 0)
		lookup->facts_err = ROOST_ERR_OTHER_KEYRING;
}

/*
 * In a long mailbox a record is in no processor's cache, and a walk through it
 * waits at each field.  So the record that follows this one in the file, mostly
 * that of the next message, is fetched while this message is worked on, as far
 * as this walk went: records are alike.  The function is always inlined, since
 * gcc drops calls of one that only fetches.
 */
static inline __attribute__((always_inline)) void
cache_fetch_ahead(const struct mail_cache *cache,
		  const struct mail_cache_lookup_iterate_ctx *iter)
{
	size_t pos = (size_t)iter->offset + iter->rec_size, end;
	size_t size = I_MIN(iter->pos, AHEAD_SIZE);

	if (iter->offset == 0 || cache->mmap_base == NULL ||
	    pos >= cache->mmap_length)
		return;
	end = pos + I_MIN(size, cache->mmap_length - pos);
	for (; pos < end; pos += AHEAD_STEP)
		__builtin_prefetch((const char *)cache->mmap_base + pos);
}

static void
field_init(struct field *field)
{
	field->is_there = FALSE;
	field->state = FIELD_EMPTY;
}

/* Another process may write where the bytes lie, so they are copied. */
static void
field_copy(struct field *field, const struct mail_cache_iterate_field *found)
{
	field->len = I_MIN(found->size, sizeof(field->bytes));
	memcpy(field->bytes, found->data, field->len);
	field->is_there = TRUE;
}

/*
 * Walk through the message's records and take the wanted blob and the one of
 * all items; the first of each is the newest.  Unless is_whole the walk ends
 * when it has the wanted blob and that of facts, because a blob of all items
 * that comes later is mostly older.  Where both were written in one
 * transaction, or copied, it may be the newer one: see
 * cache_mail_has_all_of().
 */
static void
lookup_walk(struct lookup *lookup, struct mail *mail, bool is_whole)
{
	const struct roost_cache_box *cbox = lookup->cmail->cbox;
	struct field *field_own = &lookup->field_own;
	struct field *field_new = &lookup->field_new;
	struct mail_cache_lookup_iterate_ctx iter;
	struct mail_cache_iterate_field found;

	mail_cache_lookup_iter_init(mail->transaction->cache_view, mail->seq,
				    &iter);
	while ((is_whole || !field_own->is_there || !lookup->has_facts) &&
	       mail_cache_lookup_iter_next(&iter, &found) > 0) {
		if (found.field_idx == cbox->field_own[lookup->blob] &&
		    !field_own->is_there)
			field_copy(field_own, &found);
		else if (found.field_idx == cbox->field_new &&
			 !field_new->is_there)
			field_copy(field_new, &found);
		if (found.field_idx == cbox->field_own[CACHE_BLOB_FACTS] &&
		    !lookup->has_facts)
			lookup_note_facts(lookup, &found);
	}
	cache_fetch_ahead(mail->box->cache, &iter);
}

/* What stands beside the blob of facts has no ids of its own, and opens only
   with those of the blob that it was written with. */
static enum roost_err
lookup_parse_own(const struct lookup *lookup, struct roost_blob *blob_r)
{
	const struct roost_ring *ring = lookup->cmail->cbox->ring;
	const struct field *field = &lookup->field_own;
	enum roost_err err;

	if (lookup->blob == CACHE_BLOB_FACTS)
		return blob_parse_of_form(field->bytes, field->len,
					  ROOST_BLOB_FORM_OWN, blob_r);
	err = blob_parse_of_form(field->bytes, field->len,
				 ROOST_BLOB_FORM_BESIDE, blob_r);
	if (err == ROOST_OK)
		roost_blob_stands_beside(blob_r, roost_ring_doc(ring)->id,
					 lookup->facts_id);
	return err;
}

static void
lookup_try_own(struct lookup *lookup)
{
	struct field *field = &lookup->field_own;
	struct roost_blob blob;

	field->err = lookup_parse_own(lookup, &blob);
	if (field->err == ROOST_OK)
		field->err = lookup_open(lookup, &blob, lookup->blob,
					 CACHE_BLOB_BIT(lookup->blob));
	field->state = field->err == ROOST_OK ? FIELD_OPENED : FIELD_REFUSED;
}

/* A blob of form 2 is only opened if that is wanted; one of form 3 stands
   beside nothing here. */
static void
lookup_try_new(struct lookup *lookup, bool is_form_new_wanted)
{
	struct field *field = &lookup->field_new;
	struct roost_blob blob;

	field->err = roost_blob_parse(field->bytes, field->len, &blob);
	if (field->err == ROOST_OK && blob.form == ROOST_BLOB_FORM_BESIDE)
		field->err = ROOST_ERR_BLOB_FORM;
	if (field->err == ROOST_OK && blob.form == ROOST_BLOB_FORM_NEW &&
	    !is_form_new_wanted) {
		field->state = FIELD_POSTPONED;
		return;
	}
	if (field->err == ROOST_OK)
		field->err = lookup_open(lookup, &blob, CACHE_BLOB_FACTS,
					 CACHE_BLOBS_ALL);
	field->state = field->err == ROOST_OK ? FIELD_OPENED : FIELD_REFUSED;
	/* It is not tried again for this message: that would forget what the
	   other blobs gave. */
	lookup->cmail->is_field_new_bad = field->err != ROOST_OK;
}

/* Open what counts of what was found.  TRUE: content has it. */
static bool
lookup_open_best(struct lookup *lookup)
{
	struct field *field_own = &lookup->field_own;
	struct field *field_new = &lookup->field_new;
	bool is_new_asked = field_new->is_there &&
		!lookup->cmail->is_field_new_bad;

	/* A blob of form 1 was put there because the other fields were
	   taken, so it is newer than they are. */
	if (is_new_asked)
		lookup_try_new(lookup, FALSE);
	if (field_new->state == FIELD_OPENED)
		return TRUE;
	if (field_own->is_there)
		lookup_try_own(lookup);
	if (field_own->state == FIELD_OPENED)
		return TRUE;
	lookup->is_form_new = field_new->state == FIELD_POSTPONED;
	if (lookup->is_form_new)
		lookup_try_new(lookup, TRUE);
	return field_new->state == FIELD_OPENED;
}

/* Does content have all that a blob of all items could have of this one?
   Where it was made without the body, what comes of that is missing. */
static bool
cache_mail_has_all_of(const struct roost_cache_mail *cmail,
		      enum cache_blob blob)
{
	const struct roost_blob_bytes *items = cmail->content.items;

	if ((cmail->held & CACHE_BLOB_BIT(blob)) == 0)
		return FALSE;
	switch (blob) {
	case CACHE_BLOB_FACTS:
		return items[ROOST_BLOB_PARTS].bytes != NULL;
	case CACHE_BLOB_PREVIEW:
		return items[ROOST_BLOB_PREVIEW].bytes != NULL;
	case CACHE_BLOB_LISTING:
		return items[ROOST_BLOB_BODYSTRUCTURE].bytes != NULL;
	default:
		return TRUE;
	}
}

static void
cache_mail_report(struct mail *mail, enum roost_err err)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);

	/* That a keyring is locked is logged when a message is opened. */
	if (err != ROOST_ERR_LOCKED &&
	    !roost_ring_is_locked(cmail->cbox->ring) &&
	    roost_cache_mail_log_once(mail, "blob"))
		roost_report_blob(mail, err);
}

/* Walk, and open what was found; walk to the end if that does not have
   everything, since a blob of all items may have it. */
static bool
lookup_run(struct lookup *lookup, struct mail *mail)
{
	bool is_found;

	lookup_walk(lookup, mail, FALSE);
	is_found = lookup_open_best(lookup);
	if (lookup->field_own.state == FIELD_EMPTY ||
	    lookup->field_new.is_there ||
	    cache_mail_has_all_of(lookup->cmail, lookup->blob))
		return is_found;
	lookup_walk(lookup, mail, TRUE);
	if (!lookup->field_new.is_there)
		return is_found;
	/* A blob that was refused and has been replaced since is not
	   reported. */
	lookup->field_own.state = FIELD_EMPTY;
	return lookup_open_best(lookup);
}

static enum roost_cache_verdict
lookup_verdict(const struct lookup *lookup, bool is_told, bool is_bad)
{
	const struct roost_ring *ring = lookup->cmail->cbox->ring;

	/* Where the keyring is locked nothing could be made anew. */
	if ((is_bad || lookup->is_form_new) && lookup->has_facts &&
	    lookup->field_new.is_there &&
	    !roost_ring_is_locked(ring))
		return ROOST_CACHE_DROP;
	return is_told && !lookup->has_facts ? ROOST_CACHE_STORE :
		ROOST_CACHE_LEAVE;
}

static enum roost_cache_verdict
lookup_judge(struct lookup *lookup, struct mail *mail)
{
	struct roost_cache_mail *cmail = lookup->cmail;
	const struct field *field_own = &lookup->field_own;
	const struct field *field_new = &lookup->field_new;
	bool is_told = lookup_run(lookup, mail) &&
		roost_cache_mail_may_tell(cmail);
	bool is_bad = field_own->state == FIELD_REFUSED ||
		field_new->state == FIELD_REFUSED;

	if (is_bad)
		cache_mail_report(mail, field_own->state == FIELD_REFUSED ?
				  field_own->err : field_new->err);
	/* A blob that is not there says nothing of those that are held. */
	if (!is_told &&
	    (field_own->state != FIELD_EMPTY ||
	     field_new->state != FIELD_EMPTY || !lookup->has_facts))
		roost_cache_mail_forget(cmail);
	return lookup_verdict(lookup, is_told, is_bad);
}

enum roost_cache_verdict
roost_cache_find_blob(struct mail *mail, enum cache_blob blob)
{
	struct lookup lookup;

	lookup.cmail = roost_cache_mail_of(mail);
	lookup.blob = blob;
	field_init(&lookup.field_own);
	field_init(&lookup.field_new);
	lookup.has_facts = lookup.is_form_new = FALSE;
	lookup.facts_err = ROOST_ERR_BLOB_AUTH;
	return lookup_judge(&lookup, mail);
}
