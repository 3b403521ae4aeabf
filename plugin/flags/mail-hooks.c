/* SPDX-License-Identifier: MIT */
/*
 * mail-hooks: changes to the keywords of a message that is there.  See
 * flags-hooks.h.
 *
 * Only what is different is changed: a message whose keywords stay what they
 * were gets no MODSEQ.
 */
#include "flags-hooks.h"

#include "flags-box.h"

#include "mail-index-transaction-private.h"

struct flags_mail {
	union mail_module_context module_ctx;
	struct roost_flags_box *fbox;
};

static MODULE_CONTEXT_DEFINE_INIT(roost_flags_mail_module,
				  &mail_module_register);
#define FLAGS_MAIL(mail) \
	((struct flags_mail *)MODULE_CONTEXT_REQUIRE( \
		(struct mail_private *)(mail), roost_flags_mail_module))

static bool
is_exempt(const struct mail *mail, const struct roost_flags_box *fbox)
{
	/* What is set while a message is saved is set by the server: what the
	   client asked for came with the request to save. */
	return mail->saving || fbox->fuser->user->dsyncing ||
		!fbox->fuser->rules->is_active;
}

/*
 * Core itself sets these when a message is read first.  It does so while
 * something else is asked for.
 */
static bool
is_by_server(const struct mail *mail, const char *const *names)
{
	const char *reason = mail->transaction->reason;

	if (*names == NULL || reason == NULL || strstr(reason, "STORE") != NULL)
		return FALSE;
	for (; *names != NULL; names++) {
		if (strcasecmp(*names, MAIL_KEYWORD_HAS_ATTACHMENT) != 0 &&
		    strcasecmp(*names, MAIL_KEYWORD_HAS_NO_ATTACHMENT) != 0)
			return FALSE;
	}
	return TRUE;
}

/* The names of list that other lacks. */
static const char *const *
names_without(const char *const *list, size_t count, const char *const *other)
{
	ARRAY_TYPE(const_string) names;
	size_t i;

	t_array_init(&names, 8);
	for (i = 0; i < count; i++) {
		if (!roost_flags_has(other, list[i]))
			array_push_back(&names, &list[i]);
	}
	array_append_zero(&names);
	return array_front(&names);
}

static void
mail_change(struct mail *mail, enum modify_type type, const char *const *names)
{
	struct flags_mail *fmail = FLAGS_MAIL(mail);
	struct mail_keywords *keywords;

	if (*names == NULL)
		return;
	keywords = mailbox_keywords_create_valid(mail->box, names);
	fmail->module_ctx.super.update_keywords(mail, type, keywords);
	mailbox_keywords_unref(&keywords);
}

/* From what the message has to what it is to have. */
static void
mail_become(struct mail *mail, const char *const *current,
	    const struct roost_flag_outcome *outcome)
{
	ARRAY_TYPE(const_string) names;

	t_array_init(&names, outcome->count + 1);
	array_append(&names, outcome->names, outcome->count);
	array_append_zero(&names);
	mail_change(mail, MODIFY_REMOVE,
		    names_without(current, str_array_length(current),
				  array_front(&names)));
	mail_change(mail, MODIFY_ADD,
		    names_without(outcome->names, outcome->count, current));
	/* Nobody has asked for this: STORE.SILENT must tell it. */
	mail->transaction->itrans->flags &=
		ENUM_NEGATE(MAIL_INDEX_TRANSACTION_FLAG_HIDE);
}

static enum roost_flag_change
change_of(enum modify_type type)
{
	return type == MODIFY_ADD ? ROOST_FLAG_ADD :
		type == MODIFY_REMOVE ? ROOST_FLAG_REMOVE :
		ROOST_FLAG_REPLACE;
}

/* TRUE: it was done, or refused. */
static bool
mail_apply(struct mail *mail, enum modify_type type, const char *const *names)
{
	struct roost_flags_box *fbox = FLAGS_MAIL(mail)->fbox;
	const char *const *current =
		p_strarray_dup(unsafe_data_stack_pool,
			       mail_get_keywords(mail));
	struct roost_flags_ask ask = {
		.trans = mail->transaction, .change = change_of(type),
		.actor = is_by_server(mail, names) ? ROOST_FLAG_SERVER :
			roost_flags_user_actor(fbox->fuser),
		.current = current, .names = names,
		.is_flagged = (mail_get_flags(mail) & MAIL_FLAGGED) != 0,
		.uid = mail->uid,
	};
	const struct roost_flag_outcome *outcome =
		roost_flags_box_ask(fbox, &ask);

	if (outcome == NULL)
		return TRUE;
	if (!outcome->has_deviated)
		return FALSE;
	if (outcome->has_changed)
		mail_become(mail, current, outcome);
	return TRUE;
}

static void
flags_update_keywords(struct mail *mail, enum modify_type type,
		      struct mail_keywords *keywords)
{
	struct flags_mail *fmail = FLAGS_MAIL(mail);
	bool is_done = FALSE;

	if (!is_exempt(mail, fmail->fbox) &&
	    !roost_flags_box_is_free(fmail->fbox, type, keywords)) T_BEGIN {
		is_done = mail_apply(mail, type,
			roost_flags_box_names(mail->box, keywords));
	} T_END;
	if (!is_done)
		fmail->module_ctx.super.update_keywords(mail, type, keywords);
}

/* Colours go with \Flagged. */
static void
flags_update_flags(struct mail *mail, enum modify_type type,
		   enum mail_flags flags)
{
	static const char *const nothing[] = { NULL };
	struct flags_mail *fmail = FLAGS_MAIL(mail);
	bool is_cleared = type == MODIFY_REMOVE ?
		(flags & MAIL_FLAGGED) != 0 :
		type == MODIFY_REPLACE && (flags & MAIL_FLAGGED) == 0;

	fmail->module_ctx.super.update_flags(mail, type, flags);
	if (!is_cleared || is_exempt(mail, fmail->fbox))
		return;
	T_BEGIN {
		if (*mail_get_keywords(mail) != NULL)
			(void)mail_apply(mail, MODIFY_ADD, nothing);
	} T_END;
}

void
roost_flags_mail_allocated(struct mail *_mail)
{
	struct mail_private *mail = (struct mail_private *)_mail;
	struct mail_vfuncs *v = mail->vlast;
	struct roost_flags_box *fbox = roost_flags_box_get(_mail->box);
	struct flags_mail *fmail;

	if (fbox == NULL)
		return;
	fmail = p_new(mail->pool, struct flags_mail, 1);
	fmail->fbox = fbox;
	fmail->module_ctx.super = *v;
	mail->vlast = &fmail->module_ctx.super;
	v->update_flags = flags_update_flags;
	v->update_keywords = flags_update_keywords;
	MODULE_CONTEXT_SET(mail, roost_flags_mail_module, fmail);
}
