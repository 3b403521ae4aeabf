/* SPDX-License-Identifier: MIT */
/*
 * form: from the old stored bytes of a message to the new ones, and back to be
 * sure.  See form.h.
 */
#include "rewrite/form.h"

#include "rewrite/known.h"
#include "session/inspect.h"
#include "session/ring-open.h"
#include "stream/ostream-roost.h"

#include "roost/bytes.h"
#include "roost/prim.h"
#include "roost/secret.h"

_Static_assert(ROOST_REWRITE_DIGEST_SIZE == ROOST_SHA256_SIZE,
	       "the digest is SHA-256");

/* What passed: its size and digest. */
struct passed {
	uint8_t digest[ROOST_REWRITE_DIGEST_SIZE];
	uoff_t size;
};

static int
pass_hashed(struct istream *input, struct ostream *output,
	    struct roost_sha256 *sha, uoff_t *size_r, const char **error_r)
{
	const unsigned char *data;
	size_t size;

	*size_r = 0;
	while (i_stream_read_more(input, &data, &size) > 0) {
		if (roost_prim_sha256_update(sha, data, size) != ROOST_OK) {
			*error_r = "its digest cannot be made";
			return -1;
		}
		*size_r += size;
		if (output != NULL &&
		    o_stream_send(output, data, size) != (ssize_t)size) {
			*error_r = t_strdup_printf("it cannot be written: %s",
				o_stream_get_error(output));
			return -1;
		}
		i_stream_skip(input, size);
	}
	if (input->stream_errno == 0)
		return 0;
	*error_r = t_strdup_printf("it cannot be read whole: %s",
				   i_stream_get_error(input));
	return -1;
}

/* Read the stream to its end, and send what it gives to output, which may be
   NULL.  0, or -1 with error_r. */
static int
pass(struct istream *input, struct ostream *output, struct passed *passed_r,
     const char **error_r)
{
	struct roost_sha256 *sha = roost_prim_sha256_new();
	int ret = -1;

	if (sha == NULL)
		*error_r = "its digest cannot be made";
	else
		ret = pass_hashed(input, output, sha, &passed_r->size, error_r);
	if (ret == 0 &&
	    roost_prim_sha256_final(sha, passed_r->digest) != ROOST_OK) {
		*error_r = "its digest cannot be made";
		ret = -1;
	}
	roost_prim_sha256_free(&sha);
	return ret;
}

/* Open a sealed object with the keyring, and not with a key that is remembered,
   which would open it also if its stanza were wrong. */
static enum roost_err
open_by_stanza(struct roost_ring *ring, struct istream *sealed,
	       const uint8_t *object_id, struct istream **plain_r)
{
	struct roost_file_keys keys = { .has_saved = FALSE };
	struct roost_opening *opening;
	const struct roost_header *header;
	enum roost_err err;

	*plain_r = NULL;
	err = roost_istream_begin(sealed, &opening, &header);
	if (err != ROOST_OK)
		return err;
	if (object_id != NULL &&
	    !roost_bytes_equal(object_id, header->object_id, ROOST_ID_SIZE)) {
		roost_istream_cancel(&opening);
		return ROOST_ERR_COMMITMENT;
	}
	/* A keyring that stays locked, as where new mail comes in without the
	   owner's secret, has only the key that was remembered. */
	if (roost_ring_unlock(ring) == ROOST_OK)
		(void)roost_ring_forget(ring, header->object_id);
	err = roost_ring_open(ring, &opening, header, &keys, plain_r);
	if (err == ROOST_OK)
		roost_ring_remember(ring, header->object_id, keys.data_key);
	roost_istream_cancel(&opening);
	roost_wipe(&keys, sizeof(keys));
	return err;
}

static int
open_fail(enum roost_err err, const struct istream *sealed,
	  const char **error_r)
{
	*error_r = err == ROOST_ERR_IO ?
		t_strdup_printf("it cannot be read: %s",
				strerror(sealed->stream_errno)) :
		t_strdup_printf("%s [%s]", roost_err_phrase(err),
				roost_err_name(err));
	return -1;
}

/* The plaintext of the old form; the caller frees it. */
static int
form_source(const struct roost_rewrite_form *form, struct istream **plain_r,
	    const char **error_r)
{
	enum roost_err err;

	if (form->plan == ROOST_REWRITE_SEAL) {
		i_stream_seek(form->source, 0);
		i_stream_ref(form->source);
		*plain_r = form->source;
		return 0;
	}
	i_stream_seek(form->stored, 0);
	err = open_by_stanza(form->ring, form->stored, NULL, plain_r);
	return err == ROOST_OK ? 0 : open_fail(err, form->stored, error_r);
}

/* Afterwards a reader would not take it for what it is. */
static int
check_source(struct istream *plain, const char **error_r)
{
	if (!roost_inspect_is_claimed(plain))
		return 0;
	*error_r = "what it holds begins as a sealed message does";
	return -1;
}

/* A stream in front of output that seals what is written to it. */
static int
form_seal(struct roost_rewrite_form *form, struct ostream *output,
	  struct ostream **sealing_r, const char **error_r)
{
	struct roost_sealed sealed;

	if (roost_user_renew_ring(form->ruser, form->ring, error_r) < 0)
		return -1;
	*sealing_r = roost_ostream_create(output,
					  roost_ring_seal_key(form->ring),
					  &sealed, error_r);
	if (*sealing_r == NULL)
		return -1;
	memcpy(form->object_id, sealed.object_id, ROOST_ID_SIZE);
	roost_ring_remember(form->ring, sealed.object_id,
			    sealed.keys.data_key);
	roost_wipe(&sealed, sizeof(sealed));
	/* A storage may have more to write behind the message. */
	o_stream_set_finish_also_parent(*sealing_r, FALSE);
	return 0;
}

static int
form_pass(struct roost_rewrite_form *form, struct istream *plain,
	  struct ostream *output, const char **error_r)
{
	struct passed passed;

	if (pass(plain, output, &passed, error_r) < 0)
		return -1;
	form->plain_size = passed.size;
	memcpy(form->digest, passed.digest, sizeof(form->digest));
	return 0;
}

static int
finish(struct ostream *output, const char **error_r)
{
	if (o_stream_finish(output) >= 0)
		return 0;
	*error_r = t_strdup_printf("it cannot be written: %s",
				   o_stream_get_error(output));
	return -1;
}

static int
form_write(struct roost_rewrite_form *form, struct istream *plain,
	   struct ostream *output, const char **error_r)
{
	struct ostream *sealing;
	int ret;

	if (form->plan == ROOST_REWRITE_UNSEAL)
		return form_pass(form, plain, output, error_r);
	if (form_seal(form, output, &sealing, error_r) < 0)
		return -1;
	ret = form_pass(form, plain, sealing, error_r);
	if (ret == 0)
		ret = finish(sealing, error_r);
	else
		o_stream_abort(sealing);
	o_stream_unref(&sealing);
	return ret;
}

int
roost_rewrite_form_write(struct roost_rewrite_form *form,
			 struct ostream *output, const char **error_r)
{
	uoff_t start = output->offset;
	struct istream *plain;
	int ret;

	if (form_source(form, &plain, error_r) < 0)
		return -1;
	ret = check_source(plain, error_r);
	if (ret == 0)
		ret = form_write(form, plain, output, error_r);
	i_stream_unref(&plain);
	if (ret == 0 && o_stream_flush(output) < 0) {
		*error_r = t_strdup_printf("it cannot be written: %s",
					   o_stream_get_error(output));
		ret = -1;
	}
	form->size = ret == 0 ? output->offset - start : 0;
	return ret;
}

/* Compare the plaintext of what was stored with that of the old form. */
static int
check_plain(const struct roost_rewrite_form *form, struct istream *plain,
	    const char **error_r)
{
	struct passed passed;

	if (pass(plain, NULL, &passed, error_r) < 0)
		return -1;
	if (passed.size == form->plain_size &&
	    roost_bytes_equal(passed.digest, form->digest,
			      sizeof(form->digest)))
		return 0;
	*error_r = "what was stored is not what was written";
	return -1;
}

int
roost_rewrite_form_check(struct roost_rewrite_form *form,
			 struct istream *stored, const char **error_r)
{
	uoff_t start = stored->v_offset, size;
	struct istream *plain;
	enum roost_err err;
	int ret;

	if (i_stream_get_size(stored, TRUE, &size) <= 0 ||
	    size - start != form->size) {
		*error_r = "what was stored has another size";
		return -1;
	}
	if (form->plan == ROOST_REWRITE_UNSEAL)
		return check_plain(form, stored, error_r);
	err = open_by_stanza(form->ring, stored, form->object_id, &plain);
	if (err != ROOST_OK)
		return open_fail(err, stored, error_r);
	ret = check_plain(form, plain, error_r);
	i_stream_unref(&plain);
	return ret;
}

int
roost_rewrite_form_forget(struct roost_rewrite_form *form,
			  const char **error_r)
{
	/* What was sealed to a keyring that is gone meanwhile would open
	   nowhere. */
	if (form->plan != ROOST_REWRITE_UNSEAL &&
	    roost_user_renew_ring(form->ruser, form->ring, error_r) < 0)
		return -1;
	return roost_rewrite_known_drop(form->mail->box, form->mail->uid,
					form->plan == ROOST_REWRITE_UNSEAL,
					form->save_date, error_r);
}

void
roost_rewrite_form_placed(struct roost_rewrite_form *form)
{
	/* Zeros say that it is not sealed. */
	roost_rewrite_known_name(form->mail->box, form->mail->uid,
				 form->object_id);
}

void
roost_rewrite_form_get_copy(const struct roost_rewrite_form *form,
			    struct roost_rewrite_copy *copy_r)
{
	copy_r->size = form->size;
	memcpy(copy_r->object_id, form->object_id, ROOST_ID_SIZE);
}

void
roost_rewrite_form_set_copy(struct roost_rewrite_form *form,
			    const struct roost_rewrite_copy *copy)
{
	form->size = copy->size;
	memcpy(form->object_id, copy->object_id, ROOST_ID_SIZE);
}
