/* SPDX-License-Identifier: MIT */
/*
 * fill: look up, else make and store.  See fill.h.
 */
#include "cache/fill.h"

#include "message-part.h"

#include "cache/find.h"
#include "cache/store.h"

/* Is there anything to look up?  Nothing is in the cache yet of a message that
   is being saved. */
static bool
cache_mail_has_blobs(const struct mail *mail,
		     const struct roost_cache_box *cbox)
{
	return cbox->is_sealed && !mail->saving &&
		!seq_range_exists(&cbox->ignored, mail->uid);
}

static void
cache_mail_look_up(struct mail *mail, enum cache_blob blob)
{
	switch (roost_cache_find_blob(mail, blob)) {
	case ROOST_CACHE_STORE:
		roost_cache_store_add(mail);
		break;
	case ROOST_CACHE_DROP:
		roost_cache_store_drop(mail, NULL);
		break;
	case ROOST_CACHE_LEAVE:
		break;
	}
}

bool
roost_cache_fill_from_blob(struct mail *mail, enum cache_blob blob)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	unsigned int bit = CACHE_BLOB_BIT(blob);

	if (((cmail->looked_up | cmail->held) & bit) == 0) {
		cmail->looked_up |= bit;
		cmail->is_used = TRUE;
		if (cache_mail_has_blobs(mail, cmail->cbox))
			cache_mail_look_up(mail, blob);
		else
			roost_cache_mail_forget(cmail);
	}
	return (cmail->held & bit) != 0;
}

int
roost_cache_fill_headers(struct mail *_mail, struct istream *input)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct roost_cache_mail *cmail = roost_cache_mail_of(_mail);
	const struct roost_cache_box *cbox = cmail->cbox;

	if (roost_content_headers(&cmail->content, mail->data_pool, input,
				  cbox->names, cbox->name_count) < 0)
		return -1;
	if (*cbox->extra_names != '\0' &&
	    cmail->content.items[ROOST_BLOB_HEADERS].bytes != NULL)
		roost_content_set(&cmail->content, ROOST_BLOB_EXTRA_NAMES,
				  cbox->extra_names,
				  strlen(cbox->extra_names));
	return 0;
}

/* Read the message and make content from its header, or from all of it. */
static int
cache_mail_read(struct mail *_mail, bool is_body)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct roost_cache_mail *cmail = roost_cache_mail_of(_mail);
	struct istream *input;
	int ret = is_body ?
		mail_get_stream_because(_mail, NULL, NULL, "roost cache",
					&input) :
		mail_get_hdr_stream_because(_mail, NULL, "roost cache",
					    &input);

	if (ret < 0)
		return -1;
	i_zero(&cmail->content);
	cmail->parts = NULL;
	i_stream_seek(input, 0);
	ret = roost_cache_fill_headers(_mail, input);
	if (ret == 0 && is_body)
		ret = roost_content_body(&cmail->content, mail->data_pool,
					 input);
	if (ret < 0)
		return roost_cache_mail_fail_read(_mail, input);
	i_stream_seek(input, 0);
	/* As with Dovecot's own cache, the message's spelling is told the first
	   time, and the other from then on, since it is stored so.  Where
	   nothing is stored, the other is told at once. */
	if (!cmail->cbox->is_sealed)
		roost_content_spell(&cmail->content, mail->data_pool);
	return 0;
}

static int
cache_mail_make(struct mail *mail, bool is_body)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	int ret;

	if (!roost_cache_mail_may_read(mail))
		return -1;
	cmail->is_busy = TRUE;
	ret = cache_mail_read(mail, is_body);
	cmail->is_busy = FALSE;
	if (ret < 0) {
		roost_cache_mail_forget(cmail);
		return -1;
	}
	roost_cache_mail_made(cmail, is_body);
	return 0;
}

static bool
item_is_of_body(enum roost_blob_item item)
{
	return item == ROOST_BLOB_BODYSTRUCTURE ||
		item == ROOST_BLOB_PREVIEW || item == ROOST_BLOB_PARTS;
}

/* Did the caller say that it will ask for items of the body? */
static bool
cache_mail_wants_body(struct mail *mail)
{
	return (((struct mail_private *)mail)->wanted_fields &
		(MAIL_FETCH_IMAP_BODY | MAIL_FETCH_IMAP_BODYSTRUCTURE |
		 MAIL_FETCH_BODY_SNIPPET | MAIL_FETCH_MESSAGE_PARTS |
		 MAIL_FETCH_STREAM_BODY)) != 0;
}

/* Was what is held made from the body, too?  The blobs of preview and facts
   tell. */
static bool
cache_mail_has_body(struct mail *mail)
{
	const struct roost_cache_mail *cmail = roost_cache_mail_of(mail);

	return roost_cache_fill_from_blob(mail, CACHE_BLOB_PREVIEW) &&
		(cmail->has_body ||
		 (roost_cache_fill_from_blob(mail, CACHE_BLOB_FACTS) &&
		  cmail->has_body));
}

/* Make the item, with what else will be asked for or must be in the field that
   is left, and store all of it. */
static int
cache_mail_make_item(struct mail *mail, enum roost_blob_item item)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);
	bool is_body = item_is_of_body(item);

	/* If the item's blob is there and lacks it, the item was too large to
	   be kept: made again it would not be kept either, so Dovecot makes
	   it. */
	if (roost_cache_fill_from_blob(mail, roost_content_blob_of(item)) &&
	    (!is_body || cache_mail_has_body(mail)))
		return 0;
	/* Where the blobs are there only one field is left, and it is written
	   once: it must have everything. */
	if (!is_body)
		is_body = cache_mail_wants_body(mail) ||
			(cmail->cbox->is_sealed &&
			 roost_cache_store_has_own(mail));
	if (cache_mail_make(mail, is_body) < 0)
		return -1;
	roost_cache_store_add(mail);
	return 0;
}

int
roost_cache_fill_item(struct mail *mail, enum roost_blob_item item)
{
	struct roost_cache_mail *cmail = roost_cache_mail_of(mail);

	roost_cache_box_enforce(cmail->cbox);
	if (!cmail->cbox->is_active)
		return 0;
	if (roost_cache_fill_from_blob(mail, roost_content_blob_of(item)) &&
	    cmail->content.items[item].bytes != NULL)
		return 1;
	/* With roost_cache = off the item is made as well, since Dovecot's own
	   fields are not believed. */
	if (!roost_cache_mail_may_answer(mail))
		return 0;
	if (cache_mail_make_item(mail, item) < 0)
		return -1;
	return cmail->content.items[item].bytes != NULL ? 1 : 0;
}

bool
roost_cache_fill_sizes(struct mail *mail, uoff_t *virtual_r,
		       uoff_t *physical_r)
{
	const struct message_part *parts;

	if (roost_cache_mail_get(mail) == NULL ||
	    !roost_cache_fill_from_blob(mail, CACHE_BLOB_FACTS))
		return FALSE;
	parts = roost_cache_mail_parts(mail);
	if (parts == NULL)
		return FALSE;
	*virtual_r = parts->header_size.virtual_size +
		parts->body_size.virtual_size;
	*physical_r = parts->header_size.physical_size +
		parts->body_size.physical_size;
	return TRUE;
}
