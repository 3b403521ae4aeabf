/* SPDX-License-Identifier: MIT */
/*
 * open: every message that is read passes here: open_sealed() opens what is
 * sealed, with a key of its owner's keyring, and check_plaintext() decides
 * whether anything else is served.  See open.h.
 */
#include "mail/open.h"

#include "cache/keys.h"
#include "mail/refuse.h"
#include "mail/watch.h"
#include "session/inspect.h"
#include "session/named-object.h"
#include "session/reopen.h"
#include "session/ring-open.h"

#include "roost/secret.h"

/* Returns the keyring of the mail's owner: 0, or -1, which is reported. */
static int
get_ring(struct mail *mail, struct roost_ring **ring_r)
{
	struct roost_user *ruser = roost_user_get(mail->box->storage->user);
	const char *error;
	int ret;

	if (roost_user_config(ruser)->enable == ROOST_ENABLE_NO)
		return roost_refuse_keyring(mail, "off", "it is sealed, and "
			"roost_enable is no for this user");
	ret = roost_user_ring(ruser, mailbox_get_namespace(mail->box), ring_r,
			      &error);
	if (ret <= 0)
		return ret == 0 ? roost_refuse_missing(mail) :
			roost_refuse_keyring(mail, "keyring", error);
	/* The keyring may have been made after the mailbox was opened. */
	roost_cache_mail_activate(mail, *ring_r);
	return 0;
}

/* One attempt at a sealed message. */
struct attempt {
	enum roost_err err;
	bool is_key;		/* err is of the data key, not the object */
	bool is_cached;		/* the key was in the index cache */
	const char *detail;	/* for the log, or NULL */
	uint8_t object_id[ROOST_ID_SIZE];
	struct istream *plain;
};

/* Go on from the header to the plaintext stream; frees the opening. */
static void
attempt_open(struct attempt *attempt, struct mail *mail,
	     struct roost_ring *ring, struct roost_opening *opening,
	     const struct roost_header *header)
{
	struct roost_file_keys keys = { .has_saved = FALSE };

	memcpy(attempt->object_id, header->object_id, ROOST_ID_SIZE);
	attempt->is_cached = roost_cache_keys_get(mail, header, &keys);
	attempt->err = attempt->is_cached ?
		roost_istream_finish(&opening, &keys, &attempt->plain) :
		roost_ring_open(ring, &opening, header, &keys,
				&attempt->plain);
	attempt->is_key = opening != NULL;
	if (attempt->is_key)
		attempt->detail = roost_refuse_detail(attempt->err, header);
	roost_istream_cancel(&opening);
	/* The next FETCH of the message in this session needs no X25519. */
	if (attempt->err == ROOST_OK && !attempt->is_cached)
		roost_ring_remember(ring, attempt->object_id, keys.data_key);
	if (attempt->err == ROOST_OK)
		roost_cache_keys_opened(mail, attempt->object_id, &keys);
	roost_wipe(&keys, sizeof(keys));
}

/*
 * The key was a remembered one and failed, since the file was changed.  A
 * second attempt takes the key from the file's stanza, if the keyring can open
 * that, and so finds the gate at which the file fails.
 */
static void
attempt_again(struct attempt *attempt, struct mail *mail,
	      struct roost_ring *ring, struct istream *stored, uoff_t start)
{
	struct attempt again = { .err = ROOST_OK };
	struct roost_opening *opening;
	const struct roost_header *header;

	i_stream_seek(stored, start);
	if (roost_ring_unlock(ring) != ROOST_OK ||
	    roost_istream_begin(stored, &opening, &header) != ROOST_OK)
		return;
	attempt_open(&again, mail, ring, opening, header);
	*attempt = again;
}

static int
attempt_refuse(const struct attempt *attempt, struct mail *mail,
	       struct roost_ring *ring, struct istream *stored)
{
	if (attempt->err == ROOST_ERR_IO)
		return roost_refuse_unreadable(mail, stored);
	if (attempt->is_key && attempt->err == ROOST_ERR_LOCKED &&
	    roost_ring_is_outdated(ring))
		return roost_refuse_outdated(mail);
	if (attempt->is_key && attempt->err != ROOST_ERR_OTHER_KEYRING &&
	    roost_ring_is_locked(ring))
		return roost_refuse_locked(mail, attempt->err);
	return roost_refuse_message(mail, attempt->err, attempt->detail);
}

/* The file is to be opened again.  The error is for a caller that does not do
   so. */
static int
open_again(struct mail *mail, struct roost_opened *opened_r)
{
	opened_r->is_unlike = TRUE;
	mail_storage_set_error(mail->box->storage, MAIL_ERROR_TEMP,
			       "This message was just stored anew; ask again");
	return -1;
}

/* Is the message another one now than that of the file, whose header this is?
   Where the index names none, it must not learn the name of one that is no
   longer there. */
static bool
is_elsewhere(struct mail *mail, const struct roost_header *header)
{
	return roost_cache_keys_are_other(mail, header) ||
		(!roost_named_object_is_there(mail) &&
		 roost_reopen_is_needed(mail));
}

/* The same as roost_open_stream(), once the header has been read, which began
   at the offset start; frees the opening. */
static int
open_sealed(struct mail *mail, struct roost_opening *opening,
	    const struct roost_header *header, uoff_t start,
	    struct istream **stream, bool is_again,
	    struct roost_opened *opened_r)
{
	struct attempt attempt = { .err = ROOST_OK };
	struct roost_ring *ring;
	int ret = get_ring(mail, &ring);

	if (ret == 0 && !is_again && is_elsewhere(mail, header))
		ret = open_again(mail, opened_r);
	if (ret < 0) {
		roost_istream_cancel(&opening);
		return -1;
	}
	attempt_open(&attempt, mail, ring, opening, header);
	if (attempt.is_cached && attempt.err == ROOST_ERR_COMMITMENT)
		roost_cache_keys_ignore(mail);
	if (attempt.err != ROOST_OK && attempt.err != ROOST_ERR_IO &&
	    (roost_ring_forget(ring, attempt.object_id) || attempt.is_cached))
		attempt_again(&attempt, mail, ring, *stream, start);
	if (attempt.err != ROOST_OK)
		return attempt_refuse(&attempt, mail, ring, *stream);
	i_stream_set_name(attempt.plain, i_stream_get_name(*stream));
	i_stream_unref(stream);
	*stream = attempt.plain;
	opened_r->is_sealed = TRUE;
	memcpy(opened_r->object_id, attempt.object_id, ROOST_ID_SIZE);
	/* What is being saved is read by whoever saves it. */
	if (!mail->saving)
		roost_watch_opened(mail);
	return 0;
}

/* May a message be served that does not claim to be sealed?  Returns 0, or -1,
   which is reported. */
static int
check_plaintext(struct mail *mail, bool is_again,
		struct roost_opened *opened_r)
{
	struct roost_user *ruser = roost_user_get(mail->box->storage->user);
	struct mail_namespace *ns = mailbox_get_namespace(mail->box);
	const struct roost_config *config = roost_user_config(ruser);
	enum roost_plaintext plaintext;
	const char *error;

	/* A visitor's roost_enable = no is for his own mail only: another
	   user's mailbox is bound by what binds its owner. */
	if (mail->saving || (config->enable == ROOST_ENABLE_NO &&
			     ns->owner == mail->box->storage->user))
		return 0;
	/* No policy lets this be served.  What was cached of the sealed
	   message is kept, because it still is what the message was. */
	if (roost_named_object_forbids_plaintext(mail))
		return is_again ? roost_refuse_unsealed(mail) :
			open_again(mail, opened_r);
	if (roost_user_plaintext(ruser, ns, &plaintext, &error) < 0)
		return roost_refuse_keyring(mail, "keyring", error);
	return plaintext == ROOST_PLAINTEXT_SERVE ? 0 :
		roost_refuse_plaintext(mail, plaintext);
}

int
roost_open_stream(struct mail *mail, struct istream **stream, bool is_again,
		  struct roost_opened *opened_r)
{
	uoff_t start = (*stream)->v_offset;
	struct roost_opening *opening;
	const struct roost_header *header;
	enum roost_err err;

	i_zero(opened_r);
	if (!roost_inspect_is_claimed(*stream)) {
		if (check_plaintext(mail, is_again, opened_r) < 0)
			return -1;
		roost_cache_keys_opened(mail, NULL, NULL);
		return 0;
	}
	err = roost_istream_begin(*stream, &opening, &header);
	if (err == ROOST_ERR_IO)
		return roost_refuse_unreadable(mail, *stream);
	if (err != ROOST_OK)
		return roost_refuse_message(mail, err, NULL);
	return open_sealed(mail, opening, header, start, stream, is_again,
			   opened_r);
}
