/* SPDX-License-Identifier: MIT */
/*
 * verify-message: one stored message, verified.  See verify-message.h.
 */
#include "doveadm/verify-message.h"

#include "session/inspect.h"
#include "session/named-object.h"
#include "session/ring-open.h"
#include "session/storage.h"
#include "stream/measure.h"

#include "roost/secret.h"

/* The stored bytes of a message being looked at. */
struct verify_stored {
	bool is_keyless;
	struct roost_ring *ring;	/* NULL: there is no keyring */
	bool is_sealed;
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

	vstored->is_sealed = roost_inspect_is_claimed(stored);
	if (!vstored->is_sealed)
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

/* Returns 0, or -1, which is logged, but for a message that is gone. */
static int
verify_sizes(struct mail *mail)
{
	struct roost_measure told, shown;
	const char *error = verify_read(mail, &told, &shown);

	if (mail->expunged)
		return -1;
	if (error != NULL) {
		e_error(mail_event(mail), "roost: the message is whole, but "
			"cannot be read: %s", error);
		return -1;
	}
	/* No client sees the physical size that a dbox file says itself, and
	   opening the message tells core the right one. */
	if (told.virtual == shown.virtual &&
	    (roost_storage_is_dbox(mail->box->storage) ||
	     told.physical == shown.physical))
		return 0;
	e_error(mail_event(mail), "roost: its size on record is %llu (%llu as "
		"clients count it), but it has %llu (%llu) [size]; once it is "
		"read, that is put right: doveadm fetch text mailbox %s uid %u",
		(unsigned long long)told.physical,
		(unsigned long long)told.virtual,
		(unsigned long long)shown.physical,
		(unsigned long long)shown.virtual,
		mailbox_get_vname(mail->box), mail->uid);
	return -1;
}

/* Returns the verdict on a mail whose stored bytes are in order. */
static enum roost_verdict
verify_whole(struct mail *mail, const struct verify_stored *vstored)
{
	if (vstored->is_sealed)
		return vstored->is_keyless || verify_sizes(mail) == 0 ?
			ROOST_VERDICT_SEALED : ROOST_VERDICT_BAD;
	if (!roost_named_object_is_there(mail))
		return ROOST_VERDICT_PLAINTEXT;
	e_error(mail_event(mail), "roost: It is plaintext, but the index cache "
		"knows it as a sealed message: it was put in its place; "
		"restore it from a backup [unsealed]");
	return ROOST_VERDICT_BAD;
}

enum roost_verdict
roost_verify_message(struct mail *mail, struct roost_ring *ring,
		     bool is_keyless)
{
	struct verify_stored vstored = {
		.is_keyless = is_keyless, .ring = ring, .err = ROOST_ERR_IO
	};
	int ret = roost_inspect(mail, stored_inspect, &vstored);
	enum roost_verdict verdict;

	if (ret >= 0 && vstored.err == ROOST_OK) {
		verdict = verify_whole(mail, &vstored);
		return verdict == ROOST_VERDICT_BAD && mail->expunged ?
			ROOST_VERDICT_GONE : verdict;
	}
	if (mail->expunged)
		return ROOST_VERDICT_GONE;
	e_error(mail_event(mail), "roost: %s; restore it from a backup [%s]",
		ret < 0 ? "the message's file cannot be opened" :
		*vstored.detail != '\0' ? vstored.detail :
		roost_err_phrase(vstored.err), roost_err_name(vstored.err));
	return ROOST_VERDICT_BAD;
}
