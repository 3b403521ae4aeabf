/* SPDX-License-Identifier: MIT */
/*
 * mail: the state of one message, and nothing that looks up or stores.
 * See mail.h.
 */
#include "cache/mail.h"

#include "message-part.h"

#include "roost/bytes.h"
#include "roost/secret.h"

/* What is first allocated for an opened blob: most have less. */
#define PLAIN_SIZE 2048

static MODULE_CONTEXT_DEFINE_INIT(roost_cache_mail_module,
				  &mail_module_register);

struct roost_cache_mail *
roost_cache_mail_get(struct mail *_mail)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct roost_cache_mail *cmail =
		MODULE_CONTEXT(mail, roost_cache_mail_module);

	return cmail;
}

struct roost_cache_mail *
roost_cache_mail_of(struct mail *_mail)
{
	struct mail_private *mail = (struct mail_private *)_mail;

	return MODULE_CONTEXT_REQUIRE(mail, roost_cache_mail_module);
}

struct roost_cache_mail *
roost_cache_mail_new(struct mail *_mail, struct roost_cache_box *cbox)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct roost_cache_mail *cmail =
		p_new(mail->pool, struct roost_cache_mail, 1);

	cmail->cbox = cbox;
	MODULE_CONTEXT_SET(mail, roost_cache_mail_module, cmail);
	return cmail;
}

void
roost_cache_mail_forget(struct roost_cache_mail *cmail)
{
	i_zero(&cmail->content);
	cmail->parts = NULL;
	cmail->has_body = FALSE;
	cmail->looked_up = CACHE_BLOBS_ALL;
	cmail->held = 0;
	cmail->is_used = TRUE;
}

void
roost_cache_mail_look_again(struct roost_cache_mail *cmail)
{
	roost_cache_mail_forget(cmail);
	cmail->looked_up = 0;
}

static void
plain_wipe(struct cache_plain *plain)
{
	if (plain->used > 0)
		roost_wipe(plain->bytes, plain->used);
	plain->used = 0;
}

uint8_t *
roost_cache_mail_plain(struct roost_cache_mail *cmail, enum cache_blob blob,
		       size_t size)
{
	struct cache_plain *plain = &cmail->plain[blob];

	if (plain->size < size) {
		plain_wipe(plain);
		i_free(plain->bytes);
		plain->size = I_MAX(size, PLAIN_SIZE);
		plain->bytes = i_malloc(plain->size);
	}
	plain->used = I_MAX(plain->used, size);
	return plain->bytes;
}

void
roost_cache_mail_reset(struct roost_cache_mail *cmail)
{
	unsigned int blob;

	if (!cmail->is_used)
		return;
	i_stream_unref(&cmail->lines);
	roost_tap_release(&cmail->tap);
	for (blob = 0; blob < CACHE_BLOB_COUNT; blob++)
		plain_wipe(&cmail->plain[blob]);
	roost_wipe(&cmail->file_keys, sizeof(cmail->file_keys));
	buffer_free(&cmail->header);
	roost_cache_mail_forget(cmail);
	cmail->is_used = cmail->is_opened = cmail->is_other = FALSE;
	cmail->was_named_other = cmail->is_field_new_bad = FALSE;
	cmail->is_held_back = cmail->has_told_parts = FALSE;
	cmail->is_disowned = FALSE;
	cmail->looked_up = 0;
}

void
roost_cache_mail_free(struct roost_cache_mail *cmail)
{
	unsigned int blob;

	roost_cache_mail_reset(cmail);
	for (blob = 0; blob < CACHE_BLOB_COUNT; blob++) {
		i_free(cmail->plain[blob].bytes);
		cmail->plain[blob].size = 0;
	}
	/* Dovecot still asks for some items while it frees the mail. */
	cmail->looked_up = CACHE_BLOBS_ALL;
}

void
roost_cache_mail_set_key(struct roost_cache_mail *cmail,
			 const uint8_t *data_key)
{
	if (data_key != cmail->file_keys.data_key)
		memcpy(cmail->file_keys.data_key, data_key, ROOST_KEY_SIZE);
	cmail->content.data_key = cmail->file_keys.data_key;
}

void
roost_cache_mail_made(struct roost_cache_mail *cmail, bool has_body)
{
	cmail->looked_up = cmail->held = CACHE_BLOBS_ALL;
	cmail->has_body = has_body;
	memcpy(cmail->object_id, cmail->file_object_id, ROOST_ID_SIZE);
	if (cmail->is_opened)
		roost_cache_mail_set_key(cmail, cmail->file_keys.data_key);
	if (cmail->is_opened && cmail->file_keys.has_saved)
		roost_content_set(&cmail->content, ROOST_BLOB_SAVED_KEYS,
				  cmail->file_keys.saved,
				  ROOST_SAVED_KEYS_SIZE);
}

struct message_part *
roost_cache_mail_parts(struct mail *_mail)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct roost_cache_mail *cmail = roost_cache_mail_of(_mail);

	if (cmail->parts == NULL)
		cmail->parts = roost_content_get_parts(&cmail->content,
						       mail->data_pool);
	return cmail->parts;
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

bool
roost_cache_mail_may_answer(struct mail *mail)
{
	const struct roost_cache_mail *cmail = roost_cache_mail_of(mail);

	return cmail->cbox->is_active && !cmail->is_busy && !mail->saving;
}

bool
roost_cache_mail_may_read(struct mail *mail)
{
	if (mail->lookup_abort < MAIL_LOOKUP_ABORT_READ_MAIL)
		return TRUE;
	mail_set_aborted(mail);
	return FALSE;
}

int
roost_cache_mail_fail_read(struct mail *mail, struct istream *input)
{
	mail_set_critical(mail, "read(%s) failed: %s",
			  i_stream_get_name(input),
			  i_stream_get_error(input));
	return -1;
}

bool
roost_cache_mail_log_once(struct mail *mail, const char *what)
{
	const char *key = t_strdup_printf("%s/%s/%u", what,
					  mailbox_get_vname(mail->box),
					  mail->uid);

	return roost_user_log_once(roost_cache_mail_of(mail)->cbox->ruser,
				   key);
}

void
roost_cache_mail_hold_back(struct mail *mail)
{
	struct roost_cache_mail *cmail = roost_cache_mail_get(mail);

	if (cmail == NULL)
		return;
	roost_cache_mail_forget(cmail);
	cmail->is_held_back = cmail->is_disowned = TRUE;
}

void
roost_cache_mail_disown(struct mail *mail)
{
	struct roost_cache_mail *cmail = roost_cache_mail_get(mail);

	if (cmail == NULL)
		return;
	roost_cache_mail_forget(cmail);
	cmail->is_disowned = TRUE;
	/* When they are dropped, the view that this session has of the index
	   cache still shows them. */
	seq_range_array_add(&cmail->cbox->ignored, mail->uid);
}

int
roost_cache_mail_check_told(struct mail *mail)
{
	struct roost_cache_mail *cmail = roost_cache_mail_get(mail);

	if (cmail == NULL || !cmail->is_disowned || !cmail->has_told_parts)
		return 0;
	cmail->has_told_parts = FALSE;
	mail_storage_set_error(mail->box->storage, MAIL_ERROR_INVALIDDATA,
		cmail->is_held_back ? "This message is compressed, and the "
		"server does not unpack it now" :
		"What was cached of this message was wrong and is dropped; "
		"ask again");
	return -1;
}

void
roost_cache_mail_activate(struct mail *mail, struct roost_ring *ring)
{
	struct roost_cache_mail *cmail = roost_cache_mail_get(mail);

	if (cmail != NULL)
		roost_cache_box_activate(cmail->cbox, ring);
}
