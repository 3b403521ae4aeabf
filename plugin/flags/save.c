/* SPDX-License-Identifier: MIT */
/*
 * save: keywords that the server sets while a message is saved.  See save.h.
 */
#include "flags/save.h"

#include "dovecot/ostream-watch.h"
#include "flags/istream-fed.h"
#include "flags/contents.h"

struct roost_flags_save {
	struct roost_flags_contents *contents;
	struct istream *fed;
};

void
roost_flags_save_free(struct roost_flags_save **_save)
{
	struct roost_flags_save *save = *_save;

	*_save = NULL;
	if (save == NULL)
		return;
	roost_flags_contents_free(&save->contents);
	i_stream_unref(&save->fed);
	i_free(save);
}

static void
save_feed(void *context, const void *data, size_t size)
{
	struct roost_flags_save *save = context;

	if (save->contents == NULL)
		return;
	roost_istream_fed_add(save->fed, data, size);
	roost_flags_contents_parse(save->contents, save->fed);
}

void
roost_flags_save_begin(struct roost_flags_box *fbox,
		       struct mail_save_context *ctx)
{
	struct roost_flags_trans *ftrans =
		roost_flags_box_trans_get(ctx->transaction);
	struct ostream *output;

	roost_flags_save_free(&ftrans->save);
	ftrans->save = i_new(struct roost_flags_save, 1);
	/* roost_flags_save_copy() has dealt with what is copied. */
	if (ctx->data.output == NULL || ctx->copying_via_save)
		return;
	ftrans->save->contents = roost_flags_contents_begin(fbox);
	if (ftrans->save->contents == NULL)
		return;
	ftrans->save->fed = roost_istream_fed_create();
	output = roost_ostream_watch_create(ctx->data.output, save_feed, NULL,
					    ftrans->save);
	o_stream_unref(&ctx->data.output);
	ctx->data.output = output;
	o_stream_cork(output);
}

/* Has the plugin `roost` sealed the message?  It says so in the event of the
   mailbox, which both plugins can see. */
static bool
is_sealed(struct mailbox *box)
{
	const char *said = event_find_field_recursive_str(box->event,
							  "roost_save");

	return null_strcmp(said, "sealed") == 0;
}

static const char *const *
server_names(struct roost_flags_box *fbox,
	     struct roost_flags_contents *contents,
	     bool is_saved_sealed)
{
	static const char *const sealed = "$Sealed";
	const char *const *names;
	ARRAY_TYPE(const_string) all;

	t_array_init(&all, 8);
	if (contents != NULL) {
		names = roost_flags_contents_names(contents);
		array_append(&all, names, str_array_length(names));
	}
	if (is_saved_sealed &&
	    (roost_flagrule_at_delivery(fbox->fuser->rules) &
	     ROOST_FLAGRULE_SEALED) != 0)
		array_push_back(&all, &sealed);
	array_append_zero(&all);
	return array_front(&all);
}

/* The names that the message has, with those that the server sets.  NULL if
   nothing changes, or the message cannot take them. */
static const char *const *
server_add(struct roost_flags_box *fbox, struct mail_save_context *ctx,
	   const char *const *current, const char *const *names)
{
	struct roost_flags_ask ask = {
		.trans = ctx->transaction, .actor = ROOST_FLAG_SERVER,
		.change = ROOST_FLAG_ADD, .current = current, .names = names,
		.is_flagged = (ctx->data.flags & MAIL_FLAGGED) != 0,
	};
	const struct roost_flag_outcome *outcome;

	outcome = *names == NULL ? NULL : roost_flags_box_ask(fbox, &ask);
	if (outcome == NULL || !outcome->has_changed)
		return NULL;
	roost_flags_box_event(fbox, 0, "roost_flags_set_at_delivery",
			      "at_delivery");
	return roost_flags_box_outcome_names(outcome);
}

static void
save_set(struct roost_flags_box *fbox, struct mail_save_context *ctx,
	 const char *const *names)
{
	const char *const *current =
		p_strarray_dup(unsafe_data_stack_pool,
			       mail_get_keywords(ctx->dest_mail));
	const char *const *all = server_add(fbox, ctx, current, names);
	struct mail_keywords *keywords;

	if (all == NULL)
		return;
	keywords = mailbox_keywords_create_valid(fbox->box, all);
	mail_update_keywords(ctx->dest_mail, MODIFY_REPLACE, keywords);
	mailbox_keywords_unref(&keywords);
}

void
roost_flags_save_finish(struct roost_flags_box *fbox,
			struct mail_save_context *ctx)
{
	struct roost_flags_trans *ftrans =
		roost_flags_box_trans_get(ctx->transaction);
	struct roost_flags_save *save = ftrans->save;

	if (save == NULL)
		return;
	if (save->contents != NULL) {
		roost_istream_fed_end(save->fed);
		roost_flags_contents_parse(save->contents, save->fed);
	}
	T_BEGIN {
		save_set(fbox, ctx, server_names(fbox, save->contents,
						 is_sealed(fbox->box)));
	} T_END;
	/* The stream that feeds it lives longer, and now feeds nothing. */
	roost_flags_contents_free(&save->contents);
}

/* Parse the message that is copied.  FALSE if it cannot be read. */
static bool
copy_parse(struct roost_flags_contents *contents, struct mail *mail)
{
	struct istream *input;
	bool is_read;

	if (mail_get_stream_because(mail, NULL, NULL, "roost flags",
				    &input) < 0)
		return FALSE;
	i_stream_seek(input, 0);
	roost_flags_contents_parse(contents, input);
	is_read = input->stream_errno == 0;
	i_stream_seek(input, 0);
	return is_read;
}

void
roost_flags_save_copy(struct roost_flags_box *fbox,
		      struct mail_save_context *ctx, struct mail *mail)
{
	struct roost_flags_contents *contents =
		roost_flags_contents_begin(fbox);
	const char *const *current, *const *all;

	if (contents != NULL && !copy_parse(contents, mail))
		roost_flags_contents_free(&contents);
	current = roost_flags_box_names(fbox->box, ctx->data.keywords);
	all = server_add(fbox, ctx, current, server_names(fbox, contents,
							  FALSE));
	if (all != NULL) {
		if (ctx->data.keywords != NULL)
			mailbox_keywords_unref(&ctx->data.keywords);
		ctx->data.keywords =
			mailbox_keywords_create_valid(fbox->box, all);
	}
	roost_flags_contents_free(&contents);
}
