/* SPDX-License-Identifier: MIT */
/*
 * verify-message: one stored message, verified.  See verify-message.h.
 */
#include "doveadm/verify-message.h"

#include "session/inspect.h"
#include "session/named-object.h"
#include "session/ring-open.h"
#include "session/sealed-to.h"
#include "session/storage.h"
#include "stream/measure.h"

#include "roost/secret.h"

/* The stored bytes of a message being looked at. */
struct verify_stored {
	bool is_keyless;
	struct roost_ring *ring;	/* NULL: there is no keyring */
	struct roost_peek peek;
	uint32_t epoch;
	enum roost_err err;
	char detail[128];	/* outlives the data stack's frame */
};

/* Open the message and read all of it.  detail_r says more of some errors. */
static enum roost_err
stored_open(struct istream *stored, struct roost_ring *ring,
	    char *detail_r, size_t detail_size)
{
	struct roost_file_keys keys = { .has_saved = FALSE };
	struct roost_opening *opening;
	const struct roost_header *header;
	const unsigned char *data;
	struct istream *plain;
	size_t size;
	enum roost_err err;

	err = roost_istream_begin(stored, &opening, &header);
	if (err != ROOST_OK)
		return err;
	/* A remembered key would open a copy whose stanza was changed. */
	(void)roost_ring_forget(ring, header->object_id);
	err = roost_ring_open(ring, &opening, header, &keys, &plain);
	roost_istream_cancel(&opening);
	roost_wipe(&keys, sizeof(keys));
	if (err != ROOST_OK)
		return err;
	while (i_stream_read_more(plain, &data, &size) > 0)
		i_stream_skip(plain, size);
	if (plain->stream_errno != 0) {
		err = ROOST_ERR_CHUNK;
		i_strocpy(detail_r, i_stream_get_error(plain), detail_size);
	}
	i_stream_unref(&plain);
	return err;
}

static void
stored_inspect(void *context, struct istream *stored)
{
	struct verify_stored *vstored = context;

	roost_inspect_read(stored, &vstored->peek);
	if (!vstored->peek.is_sealed)
		vstored->err = ROOST_OK;
	else if (vstored->is_keyless)
		vstored->err = roost_istream_scrub(stored);
	else if (vstored->ring == NULL)
		vstored->err = ROOST_ERR_LOCKED;
	else
		vstored->err = stored_open(stored, vstored->ring,
					   vstored->detail,
					   sizeof(vstored->detail));
}

/*
 * Ask for the sizes as a client does, then read what it is shown.  Returns the
 * error, or NULL.
 */
static const char *
verify_read(struct mail *mail, struct roost_measure *told,
	    struct roost_measure *shown)
{
	struct istream *input;

	/* Opening the message would put wrong sizes right, so they are asked
	   for before. */
	if (mail_get_virtual_size(mail, &told->virtual) < 0 ||
	    mail_get_physical_size(mail, &told->physical) < 0 ||
	    mail_get_stream_because(mail, NULL, NULL, "roost verify",
				    &input) < 0)
		return mailbox_get_last_internal_error(mail->box, NULL);
	/* Where doveadm has no mail plugin, or not the one that unpacks, there
	   is nothing to compare with. */
	*shown = *told;
	if (roost_inspect_is_claimed(input) ||
	    roost_measure_is_packed(input) ||
	    roost_measure_count(input, shown))
		return NULL;
	return i_stream_get_error(input);
}

/* Returns NULL, or the reason why the message is bad, which is logged, but for
   a message that is gone. */
static const char *
verify_sizes(struct mail *mail)
{
	struct roost_measure told, shown;
	const char *error = verify_read(mail, &told, &shown);

	if (mail->expunged)
		return "unreadable";
	if (error != NULL) {
		e_error(mail_event(mail), "roost: the message is whole, but "
			"cannot be read: %s [unreadable]", error);
		return "unreadable";
	}
	/* No client sees the physical size that a dbox file says itself, and
	   opening the message tells core the right one. */
	if (told.virtual == shown.virtual &&
	    (roost_storage_is_dbox(mail->box->storage) ||
	     told.physical == shown.physical))
		return NULL;
	e_error(mail_event(mail), "roost: its size on record is %llu (%llu as "
		"clients count it), but it has %llu (%llu) [size]; once it is "
		"read, that is put right: doveadm fetch text mailbox %s uid %u",
		(unsigned long long)told.physical,
		(unsigned long long)told.virtual,
		(unsigned long long)shown.physical,
		(unsigned long long)shown.virtual,
		mailbox_get_vname(mail->box), mail->uid);
	return "size";
}

/* Finds out the epoch.  Where that fails, the message has no verdict. */
static void
stored_epoch(struct verify_stored *vstored)
{
	if (vstored->ring == NULL || vstored->err != ROOST_OK)
		return;
	vstored->err = roost_sealed_to_epoch(roost_ring_doc(vstored->ring),
					     &vstored->peek, &vstored->epoch);
}

/* Returns NULL, or the reason why a mail whose stored bytes are in order is bad
   all the same, which is logged. */
static const char *
verify_whole(struct mail *mail, const struct verify_stored *vstored)
{
	if (vstored->peek.is_sealed)
		return vstored->is_keyless ? NULL : verify_sizes(mail);
	if (!roost_named_object_forbids_plaintext(mail))
		return NULL;
	e_error(mail_event(mail), "roost: It is plaintext, but the index cache "
		"knows it as a sealed message: it was put in its place; "
		"restore it from a backup [unsealed]");
	return "unsealed";
}

/* Returns the reason why a mail is bad that could not be opened. */
static const char *
verify_failed(struct mail *mail, const struct verify_stored *vstored,
	      bool was_inspected)
{
	if (!mail->expunged)
		e_error(mail_event(mail), "roost: %s; restore it from a "
			"backup [%s]", !was_inspected ?
			"the message's file cannot be opened" :
			*vstored->detail != '\0' ? vstored->detail :
			roost_err_phrase(vstored->err),
			roost_err_name(vstored->err));
	return roost_err_name(vstored->err);
}

void
roost_verify_message(struct mail *mail, struct roost_ring *ring,
		     bool is_keyless, struct roost_verified *verified_r)
{
	struct verify_stored vstored = {
		.is_keyless = is_keyless, .ring = ring, .err = ROOST_ERR_IO
	};
	bool was_inspected = roost_inspect(mail, stored_inspect, &vstored) >= 0;

	i_zero(verified_r);
	if (was_inspected && vstored.peek.is_sealed)
		stored_epoch(&vstored);
	verified_r->reason = was_inspected && vstored.err == ROOST_OK ?
		verify_whole(mail, &vstored) :
		verify_failed(mail, &vstored, was_inspected);
	if (verified_r->reason != NULL)
		verified_r->verdict = mail->expunged ? ROOST_VERDICT_GONE :
			ROOST_VERDICT_BAD;
	else
		verified_r->verdict = vstored.peek.is_sealed ?
			ROOST_VERDICT_SEALED : ROOST_VERDICT_PLAINTEXT;
	verified_r->epoch = vstored.epoch;
}
