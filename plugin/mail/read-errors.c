/* SPDX-License-Identifier: MIT */
/*
 * read-errors: a message that fails while it is read.  See read-errors.h.
 *
 * A hook here returns what it was answered; it only sets another error where
 * that is a failure.  The failure itself was logged where it was met, with its
 * gate.
 */
#include "mail/read-errors.h"

#include "stream/istream-roost.h"
#include "mail/open-hooks.h"
#include "dovecot/report.h"
#include "session/user.h"

struct errors_mail {
	union mail_module_context module_ctx;
	/* Its stream has failed: it keeps the error and does not fail anew. */
	bool has_failed;
	/* It was read to its end since it was opened. */
	bool is_whole;
};

struct errors_box {
	union mailbox_module_context module_ctx;
};

struct errors_search {
	union mail_search_module_context module_ctx;
	unsigned int failures;	/* of the process, when the search began */
};

static MODULE_CONTEXT_DEFINE_INIT(errors_mail_module, &mail_module_register);
/* One for mailboxes and for their searches. */
static MODULE_CONTEXT_DEFINE_INIT(errors_box_module,
				  &mail_storage_module_register);
#define ERRORS_MAIL(mail) \
	((struct errors_mail *)MODULE_CONTEXT_REQUIRE( \
		(struct mail_private *)(mail), errors_mail_module))
#define ERRORS_BOX(box) \
	((struct errors_box *)MODULE_CONTEXT_REQUIRE(box, errors_box_module))

/* Sets the error for a vfunc that has returned ret, if a stream has failed;
   failures is how many had before.  Returns ret. */
static int
errors_answer(struct mail *mail, unsigned int failures, int ret)
{
	struct errors_mail *email = ERRORS_MAIL(mail);

	if (failures != roost_istream_failures())
		email->has_failed = TRUE;
	/* A look-up that may not read the message fails also where nothing is
	   cached, which is another error. */
	if (ret < 0 && email->has_failed && !mail->expunged &&
	    (failures != roost_istream_failures() ||
	     mail->lookup_abort == MAIL_LOOKUP_ABORT_NEVER))
		mail_storage_set_error(mail->box->storage,
				       MAIL_ERROR_INVALIDDATA,
				       ROOST_CLIENT_REFUSED);
	return ret;
}

/* Defines the hook of a vfunc that needs no more than that. */
#define ERRORS_HOOK(vfunc, params, args) \
static int \
errors_##vfunc params \
{ \
	struct errors_mail *email = ERRORS_MAIL(mail); \
	unsigned int failures = roost_istream_failures(); \
\
	return errors_answer(mail, failures, \
			     email->module_ctx.super.vfunc args); \
}

ERRORS_HOOK(precache, (struct mail *mail), (mail))
ERRORS_HOOK(get_parts, (struct mail *mail, struct message_part **parts_r),
	    (mail, parts_r))
ERRORS_HOOK(get_date, (struct mail *mail, time_t *date_r, int *timezone_r),
	    (mail, date_r, timezone_r))
ERRORS_HOOK(get_virtual_size, (struct mail *mail, uoff_t *size_r),
	    (mail, size_r))
ERRORS_HOOK(get_physical_size, (struct mail *mail, uoff_t *size_r),
	    (mail, size_r))
ERRORS_HOOK(get_first_header,
	    (struct mail *mail, const char *field, bool is_decoded,
	     const char **value_r),
	    (mail, field, is_decoded, value_r))
ERRORS_HOOK(get_headers,
	    (struct mail *mail, const char *field, bool is_decoded,
	     const char *const **value_r),
	    (mail, field, is_decoded, value_r))
ERRORS_HOOK(get_header_stream,
	    (struct mail *mail, struct mailbox_header_lookup_ctx *headers,
	     struct istream **stream_r),
	    (mail, headers, stream_r))
ERRORS_HOOK(get_binary_stream,
	    (struct mail *mail, const struct message_part *part,
	     bool has_header, ROOST_BINARY_PARAMS, struct istream **stream_r),
	    (mail, part, has_header, ROOST_BINARY_ARGS, stream_r))
ERRORS_HOOK(get_special,
	    (struct mail *mail, enum mail_fetch_field field,
	     const char **value_r),
	    (mail, field, value_r))

/*
 * Must the message be whole before any of it is handed out?  Three readers go
 * on as if one that breaks off were whole.  pop3 does not look at a stream's
 * error, and its client would delete the message.  CATENATE frees the stream
 * while the new message still refers to it.  dsync lets the other side begin to
 * save the message, and commit what it has of it.
 */
static bool
errors_must_be_whole(const struct mail *mail)
{
	return strcmp(mail->box->storage->user->service, "pop3") == 0 ||
		(mail->transaction->flags &
		 MAILBOX_TRANSACTION_FLAG_SYNC) != 0 ||
		strcmp(mail->transaction->reason,
		       "imap_msgpart_url_open_mail") == 0;
}

/* Reads the stream to its end and seeks back: 0, or -1, which is logged. */
static int
errors_read_all(struct mail *mail, struct istream *input)
{
	struct errors_mail *email = ERRORS_MAIL(mail);
	const unsigned char *data;
	size_t size;

	if (email->is_whole)
		return 0;
	while (i_stream_read_more(input, &data, &size) > 0)
		i_stream_skip(input, size);
	if (input->stream_errno != 0) {
		mail_set_critical(mail, "roost: read(%s) failed: %s",
				  i_stream_get_name(input),
				  i_stream_get_error(input));
		return -1;
	}
	i_stream_seek(input, 0);
	email->is_whole = TRUE;
	return 0;
}

static int
errors_get_stream(struct mail *mail, bool get_body,
		  struct message_size *hdr_size,
		  struct message_size *body_size, struct istream **stream_r)
{
	struct errors_mail *email = ERRORS_MAIL(mail);
	unsigned int failures = roost_istream_failures();
	int ret = email->module_ctx.super.get_stream(mail, get_body, hdr_size,
						     body_size, stream_r);

	if (ret == 0 && get_body && !mail->saving &&
	    roost_open_is_sealed(mail) && errors_must_be_whole(mail))
		ret = errors_read_all(mail, *stream_r);
	return errors_answer(mail, failures, ret);
}

static void
errors_close(struct mail *mail)
{
	struct errors_mail *email = ERRORS_MAIL(mail);

	email->has_failed = FALSE;
	email->is_whole = FALSE;
	email->module_ctx.super.close(mail);
}

int
roost_read_errors_check_whole(struct mail *mail)
{
	struct istream *input;

	/* If it does not open, the save that reads it says why. */
	if (mail_get_stream_because(mail, NULL, NULL, "roost copy",
				    &input) < 0 ||
	    !roost_open_is_sealed(mail))
		return 0;
	return errors_read_all(mail, input);
}

void
roost_read_errors_mail_allocated(struct mail *_mail)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct mail_vfuncs *v = mail->vlast;
	struct errors_mail *email;

	if (roost_user_get(_mail->box->storage->user) == NULL)
		return;
	email = p_new(mail->pool, struct errors_mail, 1);
	email->module_ctx.super = *v;
	mail->vlast = &email->module_ctx.super;
	v->close = errors_close;
	v->precache = errors_precache;
	v->get_parts = errors_get_parts;
	v->get_date = errors_get_date;
	v->get_virtual_size = errors_get_virtual_size;
	v->get_physical_size = errors_get_physical_size;
	v->get_first_header = errors_get_first_header;
	v->get_headers = errors_get_headers;
	v->get_header_stream = errors_get_header_stream;
	v->get_stream = errors_get_stream;
	v->get_binary_stream = errors_get_binary_stream;
	v->get_special = errors_get_special;
	MODULE_CONTEXT_SET(mail, errors_mail_module, email);
}

/* A search reads the streams of messages itself, so a failure of one is looked
   for when the search ends. */
static struct mail_search_context *
errors_search_init(struct mailbox_transaction_context *t,
		   struct mail_search_args *args,
		   const enum mail_sort_type *sort_program,
		   enum mail_fetch_field wanted_fields,
		   struct mailbox_header_lookup_ctx *wanted_headers)
{
	struct mail_search_context *ctx =
		ERRORS_BOX(t->box)->module_ctx.super.search_init(t, args,
			sort_program, wanted_fields, wanted_headers);
	struct errors_search *esearch = i_new(struct errors_search, 1);

	esearch->failures = roost_istream_failures();
	MODULE_CONTEXT_SET(ctx, errors_box_module, esearch);
	return ctx;
}

static int
errors_search_deinit(struct mail_search_context *ctx)
{
	struct errors_search *esearch =
		MODULE_CONTEXT(ctx, errors_box_module);
	struct mailbox *box = ctx->transaction->box;
	bool has_failed = esearch != NULL &&
		esearch->failures != roost_istream_failures();
	int ret;

	i_free(esearch);
	ret = ERRORS_BOX(box)->module_ctx.super.search_deinit(ctx);
	if (ret < 0 && has_failed)
		mail_storage_set_error(box->storage, MAIL_ERROR_INVALIDDATA,
				       ROOST_CLIENT_REFUSED);
	return ret;
}

/* A copy that is saved anew reads the message's stream itself, too. */
static int
errors_copy(struct mail_save_context *ctx, struct mail *mail)
{
	struct mailbox *box = ctx->transaction->box;
	unsigned int failures = roost_istream_failures();
	int ret = ERRORS_BOX(box)->module_ctx.super.copy(ctx, mail);

	if (ret < 0 && failures != roost_istream_failures())
		mail_storage_set_error(box->storage, MAIL_ERROR_INVALIDDATA,
				       ROOST_CLIENT_REFUSED);
	return ret;
}

void
roost_read_errors_mailbox_allocated(struct mailbox *box)
{
	struct mailbox_vfuncs *v = box->vlast;
	struct errors_box *ebox;

	if (roost_user_get(box->storage->user) == NULL)
		return;
	ebox = p_new(box->pool, struct errors_box, 1);
	ebox->module_ctx.super = *v;
	box->vlast = &ebox->module_ctx.super;
	v->search_init = errors_search_init;
	v->search_deinit = errors_search_deinit;
	v->copy = errors_copy;
	MODULE_CONTEXT_SET(box, errors_box_module, ebox);
}
