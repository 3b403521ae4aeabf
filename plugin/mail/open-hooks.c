/* SPDX-License-Identifier: MIT */
/*
 * open-hooks: reading messages.  See open-hooks.h.
 *
 * A refusal is raised where the storage has just opened the file: there it
 * is an error of this one message, not of a stream, so that the session and
 * the other messages stay.
 */
#include "mail/open-hooks.h"

#include "cache/mail.h"
#include "session/named-object.h"
#include "mail/dbox-sizes.h"
#include "session/inspect.h"
#include "stream/istream-roost.h"
#include "mail/maildir-sizes.h"
#include "dovecot/report.h"
#include "mail/sizes.h"
#include "session/storage.h"

#include "roost/bytes.h"
#include "roost/secret.h"

struct roost_mail {
	union mail_module_context module_ctx;
	struct roost_user *ruser;
	/* Of the file that was opened last. */
	bool is_sealed;
	uint8_t object_id[ROOST_ID_SIZE];
	struct roost_sizes sizes;
};

static MODULE_CONTEXT_DEFINE_INIT(roost_mail_module, &mail_module_register);
/* In a hook of ours it is there. */
#define ROOST_MAIL(mail) \
	((struct roost_mail *)MODULE_CONTEXT_REQUIRE( \
		(struct mail_private *)(mail), roost_mail_module))

/* Key ids that the message names and the keyring does not have. */
static const char *
detail_key_ids(const struct roost_header *header)
{
	string_t *str = t_str_new(128);
	char hex[2 * ROOST_KEY_ID_SIZE + 1];
	unsigned int i;

	str_append(str, "wanted key ids");
	for (i = 0; i < header->stanza_count; i++) {
		roost_bytes_hex(header->stanzas[i].key_id, ROOST_KEY_ID_SIZE,
				hex);
		str_printfa(str, " %s", hex);
	}
	return str_c(str);
}

static const char *
detail_keyring_id(const struct roost_header *header)
{
	char hex[2 * ROOST_ID_SIZE + 1];

	roost_bytes_hex(header->keyring_id, ROOST_ID_SIZE, hex);
	return t_strdup_printf("keyring id %s", hex);
}

static const char *
detail_get(enum roost_err err, const struct roost_header *header)
{
	switch (err) {
	case ROOST_ERR_NO_KEY:
		return detail_key_ids(header);
	case ROOST_ERR_OTHER_KEYRING:
		return detail_keyring_id(header);
	default:
		return NULL;
	}
}

/* True the first time that something is to be logged of the message. */
static bool
mail_log_once(struct mail *mail)
{
	return roost_user_log_once(ROOST_MAIL(mail)->ruser,
		t_strdup_printf("%s/%u", mailbox_get_vname(mail->box),
				mail->uid));
}

/* One line for each message and session; -1 always. */
static int
mail_refuse(struct mail *mail, enum roost_err err, const char *detail)
{
	roost_report_refused(mail, err, detail, !mail_log_once(mail));
	return -1;
}

/* A keyring that fails is one fact, not one for each message. */
static int
mail_refuse_keyring(struct mail *mail, const char *gate, const char *error)
{
	struct roost_mail *rmail = ROOST_MAIL(mail);

	roost_report_keyring(mail, gate, error,
			     !roost_user_log_once(rmail->ruser, error));
	return -1;
}

/* What unlocking answered; -1 always. */
static int
mail_refuse_locked(struct mail *mail, enum roost_err err)
{
	const char *advice = err == ROOST_ERR_LOCKED ?
		"no usable roost_secret_key came with this login" :
		err == ROOST_ERR_SLOT_AUTH ?
		"the login password is not the one of the password slot" :
		"restore the keyring from a backup";

	return mail_refuse_keyring(mail, roost_err_name(err),
		t_strdup_printf("%s [%s]; %s; see doveadm roost status",
				roost_err_phrase(err), roost_err_name(err),
				advice));
}

/* The file itself cannot be read: an error as of any other mail. */
static int
mail_fail_read(struct mail *mail, struct istream *input)
{
	mail_set_critical(mail, "roost: read(%s) failed: %s",
			  i_stream_get_name(input),
			  input->stream_errno == 0 ? "its size is not known" :
			  i_stream_get_error(input));
	return -1;
}

static int
mail_ring(struct mail *mail, struct roost_ring **ring_r)
{
	struct roost_mail *rmail = ROOST_MAIL(mail);
	const char *error = "there is no keyring, but a sealed message: put "
		"the keyring back from a backup";

	if (roost_user_config(rmail->ruser)->enable == ROOST_ENABLE_NO)
		return mail_refuse_keyring(mail, "off", "it is sealed, and "
			"roost_enable is no for this user");
	if (roost_user_ring(rmail->ruser, mailbox_get_namespace(mail->box),
			    ring_r, &error) <= 0)
		return mail_refuse_keyring(mail, "keyring", error);
	/* It may have been made since the mailbox was opened. */
	roost_cache_mail_activate(mail, *ring_r);
	return 0;
}

/* One attempt at a sealed message. */
struct attempt {
	enum roost_err err;
	bool is_key;		/* the error is the data key's */
	bool is_cached;		/* the key is the index cache's */
	const char *detail;
	uint8_t object_id[ROOST_ID_SIZE];
	struct istream *plain;
};

/* From header to plaintext stream; takes the opening. */
static void
attempt_open(struct attempt *attempt, struct mail *mail,
	     struct roost_ring *ring, struct roost_opening *opening,
	     const struct roost_header *header)
{
	struct roost_file_keys keys = { .has_saved = FALSE };

	memcpy(attempt->object_id, header->object_id, ROOST_ID_SIZE);
	attempt->is_cached = roost_cache_mail_file_keys(mail, header, &keys);
	attempt->err = attempt->is_cached ? ROOST_OK :
		roost_ring_data_key(ring, header, keys.data_key);
	attempt->is_key = attempt->err != ROOST_OK;
	if (attempt->is_key) {
		attempt->detail = detail_get(attempt->err, header);
		roost_istream_cancel(&opening);
		return;
	}
	attempt->err = roost_istream_finish(&opening, &keys, &attempt->plain);
	/* The next FETCH of it in this session needs no X25519. */
	if (attempt->err == ROOST_OK && !attempt->is_cached)
		roost_ring_remember(ring, attempt->object_id, keys.data_key);
	if (attempt->err == ROOST_OK)
		roost_cache_mail_opened(mail, attempt->object_id, &keys);
	roost_wipe(&keys, sizeof(keys));
}

/*
 * A remembered key that fails: the file was changed since.  The stanza says
 * at which gate it dies, if the keyring can open it.
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
mail_refuse_attempt(struct mail *mail, const struct attempt *attempt,
		    struct roost_ring *ring, struct istream *stored)
{
	if (attempt->err == ROOST_ERR_IO)
		return mail_fail_read(mail, stored);
	if (attempt->is_key && attempt->err != ROOST_ERR_OTHER_KEYRING &&
	    roost_ring_is_locked(ring))
		return mail_refuse_locked(mail, attempt->err);
	return mail_refuse(mail, attempt->err, attempt->detail);
}

static int
mail_open_sealed(struct mail *mail, struct roost_opening *opening,
		 const struct roost_header *header, uoff_t start,
		 struct istream **stream)
{
	struct attempt attempt = { .err = ROOST_OK };
	struct roost_ring *ring;

	if (mail_ring(mail, &ring) < 0) {
		roost_istream_cancel(&opening);
		return -1;
	}
	attempt_open(&attempt, mail, ring, opening, header);
	if (attempt.is_cached && attempt.err == ROOST_ERR_COMMITMENT)
		roost_cache_mail_ignore(mail);
	if (attempt.err != ROOST_OK && attempt.err != ROOST_ERR_IO &&
	    (roost_ring_forget(ring, attempt.object_id) || attempt.is_cached))
		attempt_again(&attempt, mail, ring, *stream, start);
	if (attempt.err != ROOST_OK)
		return mail_refuse_attempt(mail, &attempt, ring, *stream);
	i_stream_set_name(attempt.plain, i_stream_get_name(*stream));
	i_stream_unref(stream);
	*stream = attempt.plain;
	ROOST_MAIL(mail)->is_sealed = TRUE;
	memcpy(ROOST_MAIL(mail)->object_id, attempt.object_id, ROOST_ID_SIZE);
	return 0;
}

/* A message that does not claim to be sealed: may it be served? */
static int
mail_check_plaintext(struct mail *mail)
{
	struct roost_mail *rmail = ROOST_MAIL(mail);
	struct mail_namespace *ns = mailbox_get_namespace(mail->box);
	const struct roost_config *config = roost_user_config(rmail->ruser);
	enum roost_plaintext plaintext;
	const char *error;
	bool is_served;

	/* Somebody else's mailbox is bound by what binds its owner. */
	if (mail->saving || (config->enable == ROOST_ENABLE_NO &&
			     ns->owner == mail->box->storage->user))
		return 0;
	/* Whatever the policy is.  What was cached of it stays: it is what the
	   message was. */
	if (roost_named_object_is_there(mail)) {
		roost_report_unsealed(mail, !mail_log_once(mail));
		return -1;
	}
	if (roost_user_plaintext(rmail->ruser, ns, &plaintext, &error) < 0)
		return mail_refuse_keyring(mail, "keyring", error);
	if (plaintext == ROOST_PLAINTEXT_SERVE)
		return 0;
	is_served = plaintext == ROOST_PLAINTEXT_FLAG;
	roost_report_plaintext(mail, is_served, !mail_log_once(mail));
	return is_served ? 0 : -1;
}

static int
mail_stream_opened(struct mail *mail, struct istream **stream)
{
	uoff_t start = (*stream)->v_offset;
	struct roost_opening *opening;
	const struct roost_header *header;
	enum roost_err err;

	if (!roost_inspect_is_claimed(*stream)) {
		if (mail_check_plaintext(mail) < 0)
			return -1;
		roost_cache_mail_opened(mail, NULL, NULL);
		return 0;
	}
	err = roost_istream_begin(*stream, &opening, &header);
	if (err == ROOST_ERR_IO)
		return mail_fail_read(mail, *stream);
	if (err != ROOST_OK)
		return mail_refuse(mail, err, NULL);
	return mail_open_sealed(mail, opening, header, start, stream);
}

/* Hand the plaintext on to the other plugins, and see what they make of it. */
static int
mail_hand_on(struct mail *mail, struct istream **stream)
{
	struct roost_mail *rmail = ROOST_MAIL(mail);
	struct roost_counted *counted = roost_user_counted(rmail->ruser);
	struct istream *plain = *stream;
	bool was_packed = roost_sizes_was_packed(plain, rmail->object_id,
						 counted);
	int ret;

	i_stream_ref(plain);
	ret = rmail->module_ctx.super.istream_opened(mail, stream);
	if (ret == 0)
		roost_sizes_opened(mail, plain, was_packed, *stream, counted,
				   &rmail->sizes);
	i_stream_unref(&plain);
	return ret;
}

static int
roost_mail_istream_opened(struct mail *mail, struct istream **stream)
{
	struct roost_mail *rmail = ROOST_MAIL(mail);

	rmail->is_sealed = FALSE;
	roost_sizes_reset(&rmail->sizes);
	if (mail_stream_opened(mail, stream) < 0) {
		/* Not every storage frees it after an error. */
		i_stream_unref(stream);
		return -1;
	}
	/* What is being saved has no record yet. */
	return rmail->is_sealed && !mail->saving ? mail_hand_on(mail, stream) :
		rmail->module_ctx.super.istream_opened(mail, stream);
}

static int
roost_mail_get_stream(struct mail *mail, bool get_body,
		      struct message_size *hdr_size,
		      struct message_size *body_size,
		      struct istream **stream_r)
{
	struct roost_mail *rmail = ROOST_MAIL(mail);
	int ret = rmail->module_ctx.super.get_stream(mail, get_body, hdr_size,
						     body_size, stream_r);

	if (ret < 0)
		return ret;
	if (roost_sizes_are_wrong(&rmail->sizes))
		roost_sizes_heal(mail, &rmail->sizes);
	else if (!rmail->sizes.is_held_back)
		roost_sizes_note(mail, &rmail->sizes);
	/* The caller may have the structure of another message. */
	return roost_cache_mail_check_told(mail);
}

static void
roost_mail_close(struct mail *mail)
{
	struct roost_mail *rmail = ROOST_MAIL(mail);

	if (rmail->sizes.is_held_back)
		roost_sizes_forget(mail);
	if (rmail->sizes.was_healed)
		roost_maildir_sizes_fix(mail, &rmail->sizes);
	rmail->is_sealed = FALSE;
	roost_sizes_reset(&rmail->sizes);
	rmail->module_ctx.super.close(mail);
}

bool
roost_open_is_sealed(struct mail *_mail)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct roost_mail *rmail = MODULE_CONTEXT(mail, roost_mail_module);

	return rmail != NULL && rmail->is_sealed;
}

static int
roost_mail_get_virtual_size(struct mail *mail, uoff_t *size_r)
{
	struct roost_mail *rmail = ROOST_MAIL(mail);
	int ret;

	if (rmail->sizes.is_held_back) {
		*size_r = rmail->sizes.virtual;
		return 0;
	}
	if (roost_dbox_virtual_size(mail, size_r))
		return 0;
	ret = rmail->module_ctx.super.get_virtual_size(mail, size_r);
	return roost_sizes_virtual(mail, &rmail->sizes, ret, size_r);
}

static int
roost_mail_get_physical_size(struct mail *mail, uoff_t *size_r)
{
	struct roost_mail *rmail = ROOST_MAIL(mail);
	int ret;

	if (rmail->sizes.is_held_back) {
		*size_r = rmail->sizes.physical;
		return 0;
	}
	if (roost_dbox_physical_size(mail, size_r))
		return 0;
	ret = rmail->module_ctx.super.get_physical_size(mail, size_r);
	return roost_sizes_physical(mail, &rmail->sizes, ret, size_r);
}

void
roost_open_mail_allocated(struct mail *_mail)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct mail_vfuncs *v;
	struct roost_user *ruser = roost_user_get(_mail->box->storage->user);
	struct roost_mail *rmail;

	if (ruser == NULL || !roost_storage_can_seal(_mail->box->storage))
		return;
	v = mail->vlast;
	rmail = p_new(mail->pool, struct roost_mail, 1);
	rmail->ruser = ruser;
	roost_sizes_reset(&rmail->sizes);
	rmail->module_ctx.super = *v;
	mail->vlast = &rmail->module_ctx.super;
	v->istream_opened = roost_mail_istream_opened;
	v->get_stream = roost_mail_get_stream;
	v->close = roost_mail_close;
	v->get_virtual_size = roost_mail_get_virtual_size;
	v->get_physical_size = roost_mail_get_physical_size;
	MODULE_CONTEXT_SET(mail, roost_mail_module, rmail);
}
