/* SPDX-License-Identifier: MIT */
/*
 * inspect: looking at stored bytes without opening a message.  See inspect.h.
 *
 * The storage is asked to open the message; the hook sees the stream first
 * and answers that it failed, so that nobody else ever sees it.  A mail that
 * was really opened is not opened again, so that what its stream began with is
 * remembered until the mail is closed.
 */
#include "session/inspect.h"

#include "session/storage.h"

#include "roost/chunk.h"

/* What a file begins with that mail_crypt has written. */
static const uint8_t crypted_magic[] = {
	'C', 'R', 'Y', 'P', 'T', 'E', 'D', 3, 7
};

struct inspect_mail {
	union mail_module_context module_ctx;
	void (*inspect)(void *context, struct istream *stored);
	void *context;
	bool has_peek;
	struct roost_peek peek;
};

static MODULE_CONTEXT_DEFINE_INIT(inspect_mail_module, &mail_module_register);
#define INSPECT_MAIL(mail) \
	((struct inspect_mail *)MODULE_CONTEXT_REQUIRE( \
		(struct mail_private *)(mail), inspect_mail_module))

/* The second hook of a mail. */
struct decrypted_mail {
	union mail_module_context module_ctx;
	void (*inspect)(void *context, struct istream *stored,
			struct istream *decrypted);
	void *context;
	struct istream *stored;		/* as the first hook saw it */
};

static MODULE_CONTEXT_DEFINE_INIT(decrypted_mail_module,
				  &mail_module_register);
#define DECRYPTED_MAIL(mail) \
	((struct decrypted_mail *)MODULE_CONTEXT_REQUIRE( \
		(struct mail_private *)(mail), decrypted_mail_module))

bool
roost_inspect_is_claimed(struct istream *stored)
{
	const unsigned char *data;
	size_t size;

	(void)i_stream_read_bytes(stored, &data, &size, ROOST_MAGIC_SIZE);
	return roost_header_is_claimed(data, size);
}

bool
roost_inspect_is_crypted(struct istream *stored)
{
	const unsigned char *data;
	size_t size;

	return i_stream_read_bytes(stored, &data, &size,
				   sizeof(crypted_magic)) > 0 &&
		memcmp(data, crypted_magic,	/* public */
		       sizeof(crypted_magic)) == 0;
}

/* The fixed header says how long the table is.  A table that does not fit into
   the stream's buffer is that of no message that was sealed here. */
static void
peek_stanzas(struct roost_peek *peek, struct istream *stored,
	     size_t header_len)
{
	const unsigned char *data;
	struct roost_header header;
	unsigned int i;
	size_t size;

	(void)i_stream_read_bytes(stored, &data, &size, header_len);
	if (size < header_len ||
	    roost_header_parse(data, size, &header) != ROOST_OK)
		return;
	for (i = 0; i < header.stanza_count; i++)
		memcpy(peek->key_ids[i], header.stanzas[i].key_id,
		       ROOST_KEY_ID_SIZE);
	peek->key_id_count = header.stanza_count;
}

/* The fixed header fits into every buffer. */
static void
peek_header(struct roost_peek *peek, struct istream *stored)
{
	const unsigned char *data;
	struct roost_body body;
	size_t size, header_len;
	uoff_t total;

	(void)i_stream_read_bytes(stored, &data, &size,
				  ROOST_HEADER_FIXED_SIZE);
	if (roost_header_peek(data, size, &header_len) != ROOST_OK)
		return;
	peek->has_header = TRUE;
	memcpy(peek->keyring_id, data + ROOST_HEADER_KEYRING_ID_OFF,
	       ROOST_ID_SIZE);
	if (i_stream_get_size(stored, TRUE, &total) > 0 &&
	    roost_chunk_geometry(header_len, total, &body) == ROOST_OK) {
		peek->sealed_size = total;
		peek->plain_size = body.plain_size;
	}
	peek_stanzas(peek, stored, header_len);
}

void
roost_inspect_read(struct istream *stored, struct roost_peek *peek_r)
{
	i_zero(peek_r);
	peek_r->is_sealed = roost_inspect_is_claimed(stored);
	if (peek_r->is_sealed)
		peek_header(peek_r, stored);
	else
		peek_r->is_crypted = roost_inspect_is_crypted(stored);
}

static void
peek_inspect(void *context, struct istream *stored)
{
	roost_inspect_read(stored, context);
}

/* Keep the stored bytes for the second hook, if it waits for them. */
static void
decrypted_keep(struct mail *mail, struct istream *stored)
{
	struct decrypted_mail *dmail =
		MODULE_CONTEXT((struct mail_private *)mail,
			       decrypted_mail_module);

	if (dmail == NULL || dmail->inspect == NULL)
		return;
	dmail->stored = stored;
	i_stream_ref(stored);
}

static int
inspect_istream_opened(struct mail *mail, struct istream **stream)
{
	struct inspect_mail *imail = INSPECT_MAIL(mail);
	void (*inspect)(void *, struct istream *) = imail->inspect;

	if (inspect == NULL) {
		peek_inspect(&imail->peek, *stream);
		imail->has_peek = TRUE;
		decrypted_keep(mail, *stream);
		return imail->module_ctx.super.istream_opened(mail, stream);
	}
	imail->inspect = NULL;
	inspect(imail->context, *stream);
	/* Here, because not every storage frees it after an error. */
	i_stream_unref(stream);
	return -1;
}

int
roost_inspect(struct mail *mail,
	      void (*inspect)(void *context, struct istream *stored),
	      void *context)
{
	struct inspect_mail *imail =
		MODULE_CONTEXT((struct mail_private *)mail,
			       inspect_mail_module);
	struct istream *input;
	bool was_inspected;

	if (imail == NULL)
		return 0;
	mail_storage_last_error_push(mail->box->storage);
	imail->inspect = inspect;
	imail->context = context;
	(void)mail_get_stream_because(mail, NULL, NULL, "roost", &input);
	was_inspected = imail->inspect == NULL;
	imail->inspect = NULL;
	mail_storage_last_error_pop(mail->box->storage);
	return was_inspected ? 1 : -1;
}

int
roost_inspect_peek(struct mail *mail, struct roost_peek *peek_r)
{
	struct inspect_mail *imail =
		MODULE_CONTEXT((struct mail_private *)mail,
			       inspect_mail_module);
	int ret = 1;

	i_zero(peek_r);
	if (imail == NULL)
		return 0;
	if (!imail->has_peek)
		ret = roost_inspect(mail, peek_inspect, &imail->peek);
	imail->has_peek = ret > 0;
	if (ret > 0)
		*peek_r = imail->peek;
	return ret;
}

static void
inspect_close(struct mail *mail)
{
	struct inspect_mail *imail = INSPECT_MAIL(mail);

	imail->has_peek = FALSE;
	imail->module_ctx.super.close(mail);
}

void
roost_inspect_allocated(struct mail *_mail)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct mail_vfuncs *v = mail->vlast;
	struct inspect_mail *imail;

	if (!roost_storage_can_seal(_mail->box->storage))
		return;
	imail = p_new(mail->pool, struct inspect_mail, 1);
	imail->module_ctx.super = *v;
	mail->vlast = &imail->module_ctx.super;
	v->istream_opened = inspect_istream_opened;
	v->close = inspect_close;
	MODULE_CONTEXT_SET(mail, inspect_mail_module, imail);
}

static int
decrypted_istream_opened(struct mail *mail, struct istream **stream)
{
	struct decrypted_mail *dmail = DECRYPTED_MAIL(mail);
	void (*inspect)(void *, struct istream *, struct istream *) =
		dmail->inspect;

	if (inspect == NULL || dmail->stored == NULL)
		return dmail->module_ctx.super.istream_opened(mail, stream);
	dmail->inspect = NULL;
	inspect(dmail->context, dmail->stored, *stream);
	i_stream_unref(stream);
	return -1;
}

int
roost_inspect_decrypted(struct mail *mail,
			void (*inspect)(void *context,
					struct istream *stored,
					struct istream *decrypted),
			void *context, const char **error_r)
{
	struct decrypted_mail *dmail =
		MODULE_CONTEXT((struct mail_private *)mail,
			       decrypted_mail_module);
	struct istream *input;
	bool was_inspected;

	if (dmail == NULL)
		return 0;
	mail_storage_last_error_push(mail->box->storage);
	dmail->inspect = inspect;
	dmail->context = context;
	(void)mail_get_stream_because(mail, NULL, NULL, "roost", &input);
	was_inspected = dmail->inspect == NULL;
	dmail->inspect = NULL;
	i_stream_unref(&dmail->stored);
	if (!was_inspected)
		*error_r = t_strdup(mailbox_get_last_internal_error(mail->box,
								    NULL));
	mail_storage_last_error_pop(mail->box->storage);
	return was_inspected ? 1 : -1;
}

void
roost_inspect_decrypted_allocated(struct mail *_mail)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct mail_vfuncs *v = mail->vlast;
	struct decrypted_mail *dmail;

	if (!roost_storage_can_seal(_mail->box->storage))
		return;
	dmail = p_new(mail->pool, struct decrypted_mail, 1);
	dmail->module_ctx.super = *v;
	mail->vlast = &dmail->module_ctx.super;
	v->istream_opened = decrypted_istream_opened;
	MODULE_CONTEXT_SET(mail, decrypted_mail_module, dmail);
}
