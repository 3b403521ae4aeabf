/* SPDX-License-Identifier: MIT */
/*
 * mail-hooks: the functions of a mail that are replaced, for changes to the
 * keywords of a stored message.  See hooks.h.
 *
 * Only keywords that become different are changed, so that a message whose
 * keywords stay the same gets no new MODSEQ.
 */
#include "flags/hooks.h"

#include "flags/box.h"

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
	/* While a message is saved, the server alone calls this: the client's
	   keywords came with the request to save. */
	return mail->saving || roost_flags_box_is_exempt(fbox);
}

static bool
are_of_server(const char *const *names)
{
	if (*names == NULL)
		return FALSE;
	for (; *names != NULL; names++) {
		if (strcasecmp(*names, MAIL_KEYWORD_HAS_ATTACHMENT) != 0 &&
		    strcasecmp(*names, MAIL_KEYWORD_HAS_NO_ATTACHMENT) != 0)
			return FALSE;
	}
	return TRUE;
}

/*
 * Does Dovecot itself set these, as it does when a message is first read?  Only
 * then are look-ups of the mail restricted to the cache.
 */
static bool
is_by_server(const struct mail *mail, struct mail_keywords *keywords)
{
	bool ret;

	if (mail->lookup_abort != MAIL_LOOKUP_ABORT_NOT_IN_CACHE)
		return FALSE;
	T_BEGIN {
		ret = are_of_server(roost_flags_box_names(mail->box,
							  keywords));
	} T_END;
	return ret;
}

/* The names of list that other lacks. */
static const char *const *
names_without(const char *const *list, const char *const *other)
{
	ARRAY_TYPE(const_string) names;

	t_array_init(&names, 8);
	for (; *list != NULL; list++) {
		if (!str_array_icase_find(other, *list))
			array_push_back(&names, list);
	}
	array_append_zero(&names);
	return array_front(&names);
}

/* The keywords of these names, referenced; NULL if there are none. */
static struct mail_keywords *
keywords_of(struct mailbox *box, const char *const *names)
{
	return *names == NULL ? NULL :
		mailbox_keywords_create_valid(box, names);
}

/*
 * May the request be handed on as it is?  Somebody else may just have set a
 * keyword on the message that is not seen yet, and that may be protected.  So a
 * request that clears is harmless only if it may clear each of its names, and
 * one that replaces is not, because it clears all that it does not name.
 */
static bool
is_harmless(const struct roost_flagrules *rules,
	    const struct roost_flags_ask *ask)
{
	const char *const *name;

	if (ask->change == ROOST_FLAG_REPLACE)
		return ask->actor == ROOST_FLAG_ADMIN ||
			ask->actor == ROOST_FLAG_SERVER;
	if (ask->change != ROOST_FLAG_REMOVE)
		return TRUE;
	for (name = ask->names; *name != NULL; name++) {
		if (!roost_flagrule_may_clear(rules, ask->actor, *name))
			return FALSE;
	}
	return TRUE;
}

/* The names that the change starts from, each once: Dovecot loses names of a
   list in which one stands twice. */
static const char *const *
names_old(const struct roost_flagrules *rules,
	  const struct roost_flags_ask *ask, const char *const *all)
{
	ARRAY_TYPE(const_string) names;
	const char *const *name;

	if (ask->change == ROOST_FLAG_REPLACE)
		return all;
	t_array_init(&names, 16);
	array_append(&names, ask->current, str_array_length(ask->current));
	if (ask->change == ROOST_FLAG_REMOVE) {
		for (name = ask->names; *name != NULL; name++) {
			if (!str_array_icase_find(ask->current, *name) &&
			    roost_flagrule_may_clear(rules, ask->actor, *name))
				array_push_back(&names, name);
		}
	}
	array_append_zero(&names);
	return array_front(&names);
}

/* What has to be removed and added so that the message, which has all, gets the
   names of the outcome. */
static void
answer_set_change(struct roost_flags_answer *answer, struct mail *mail,
		  const struct roost_flags_ask *ask, const char *const *all,
		  const struct roost_flag_outcome *outcome)
{
	const char *const *old =
		names_old(FLAGS_MAIL(mail)->fbox->fuser->rules, ask, all);
	const char *const *names = roost_flags_box_outcome_names(outcome);

	answer->removed = keywords_of(mail->box, names_without(old, names));
	answer->added = keywords_of(mail->box,
				    names_without(names, ask->current));
}

/* At most as many names as the rules can look at.  If there are more, those
   that rules speak of are taken first; the others stay as they are. */
static const char *const *
names_few(struct roost_flags_box *fbox, enum roost_flag_actor actor,
	  const char *const *all)
{
	ARRAY_TYPE(const_string) names;
	unsigned int pass;
	const char *const *name;

	if (str_array_length(all) <= ROOST_FLAG_NAMES_MAX)
		return all;
	t_array_init(&names, ROOST_FLAG_NAMES_MAX + 1);
	for (pass = 0; pass < 2; pass++) {
		for (name = all; *name != NULL &&
		     array_count(&names) < ROOST_FLAG_NAMES_MAX; name++) {
			if (roost_flagrule_is_free(fbox->fuser->rules, actor,
						   *name) == (pass == 1))
				array_push_back(&names, name);
		}
	}
	array_append_zero(&names);
	return array_front(&names);
}

/* Change the mail.  Where it gets other keywords than were asked for, STORE has
   to tell them to the client even if it is silent. */
static void
answer_apply(const struct roost_flags_answer *answer, struct mail *mail,
	     enum modify_type type, struct mail_keywords *keywords)
{
	struct mail_vfuncs *super = &FLAGS_MAIL(mail)->module_ctx.super;

	if (answer->is_refused)
		return;
	if (answer->is_literal) {
		if (keywords != NULL)
			super->update_keywords(mail, type, keywords);
		return;
	}
	if (answer->removed != NULL)
		super->update_keywords(mail, MODIFY_REMOVE, answer->removed);
	if (answer->added != NULL)
		super->update_keywords(mail, MODIFY_ADD, answer->added);
	if (answer->has_deviated &&
	    (answer->removed != NULL || answer->added != NULL))
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

/* Keep the outcome for messages that have the same keywords as this one. */
static const struct roost_flags_answer *
answer_new(struct mail *mail, const struct roost_flags_request *request,
	   const struct roost_flags_ask *ask, const char *const *all,
	   const struct roost_flag_outcome *outcome)
{
	struct roost_flags_answer *answer =
		roost_flags_box_keep(mail->transaction, request, outcome);

	answer->is_literal = !outcome->has_deviated &&
		is_harmless(FLAGS_MAIL(mail)->fbox->fuser->rules, ask);
	if (!answer->is_refused && !answer->is_literal)
		answer_set_change(answer, mail, ask, all, outcome);
	return answer;
}

/* Ask the rules.  NULL where there are more names than they can look at, which
   has made the transaction fail if it has to. */
static const struct roost_flags_answer *
mail_ask(struct mail *mail, const struct roost_flags_request *request)
{
	struct roost_flags_box *fbox = FLAGS_MAIL(mail)->fbox;
	const char *const *all = p_strarray_dup(unsafe_data_stack_pool,
						mail_get_keywords(mail));
	const struct roost_flags_ask ask = {
		.trans = mail->transaction, .actor = request->actor,
		.change = request->change,
		.current = names_few(fbox, request->actor, all),
		.names = roost_flags_box_names(mail->box, request->keywords),
		.is_flagged = request->is_flagged, .uid = mail->uid,
	};
	const struct roost_flag_outcome *outcome = fbox->fuser->outcome;

	if (roost_flags_box_ask(fbox, &ask) == NULL &&
	    outcome->verdict == ROOST_FLAG_OK)
		return NULL;
	return answer_new(mail, request, &ask, all, outcome);
}

static void
mail_apply(struct mail *mail, enum modify_type type,
	   struct mail_keywords *keywords)
{
	const struct roost_flags_request request = {
		.keywords = keywords, .change = change_of(type),
		.actor = is_by_server(mail, keywords) ? ROOST_FLAG_SERVER :
			roost_flags_user_actor(FLAGS_MAIL(mail)->fbox->fuser),
		.is_flagged = (mail_get_flags(mail) & MAIL_FLAGGED) != 0,
		.current = mail_get_keyword_indexes(mail),
	};
	const struct roost_flags_answer *answer =
		roost_flags_box_known(mail->transaction, mail->uid, &request);

	if (answer == NULL) T_BEGIN {
		answer = mail_ask(mail, &request);
	} T_END;
	if (answer != NULL)
		answer_apply(answer, mail, type, keywords);
}

static void
flags_update_keywords(struct mail *mail, enum modify_type type,
		      struct mail_keywords *keywords)
{
	struct flags_mail *fmail = FLAGS_MAIL(mail);

	if (is_exempt(mail, fmail->fbox) ||
	    roost_flags_box_is_free(mail->transaction, type, keywords)) {
		fmail->module_ctx.super.update_keywords(mail, type, keywords);
		return;
	}
	mail_apply(mail, type, keywords);
}

/* Where \Flagged is cleared, the rules may clear the colours with it. */
static void
flags_update_flags(struct mail *mail, enum modify_type type,
		   enum mail_flags flags)
{
	struct flags_mail *fmail = FLAGS_MAIL(mail);
	bool is_cleared = type == MODIFY_REMOVE ?
		(flags & MAIL_FLAGGED) != 0 :
		type == MODIFY_REPLACE && (flags & MAIL_FLAGGED) == 0;

	fmail->module_ctx.super.update_flags(mail, type, flags);
	if (is_cleared && !is_exempt(mail, fmail->fbox) &&
	    array_count(mail_get_keyword_indexes(mail)) > 0)
		mail_apply(mail, MODIFY_ADD, NULL);
}

void
roost_flags_hooks_mail_allocated(struct mail *_mail)
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
