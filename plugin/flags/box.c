/* SPDX-License-Identifier: MIT */
/*
 * box: a mailbox under the rules.  See box.h.
 */
#include "flags/box.h"

#include "mail-index-private.h"

#define NAME_LEN_MAX(box) ((box)->storage->set->mail_max_keyword_length)

struct roost_flags_box_module roost_flags_box_module =
	MODULE_CONTEXT_INIT(&mail_storage_module_register);

struct roost_flags_box *
roost_flags_box_get(struct mailbox *box)
{
	struct roost_flags_box *fbox =
		MODULE_CONTEXT(box, roost_flags_box_module);

	return fbox;
}

struct roost_flags_trans *
roost_flags_box_trans_get(struct mailbox_transaction_context *trans)
{
	struct roost_flags_trans *ftrans =
		MODULE_CONTEXT_REQUIRE(trans, roost_flags_box_module);

	return ftrans;
}

bool
roost_flags_box_is_exempt(const struct roost_flags_box *fbox)
{
	return fbox->fuser->user->dsyncing || !fbox->fuser->rules->is_active;
}

const char *const *
roost_flags_box_outcome_names(const struct roost_flag_outcome *outcome)
{
	ARRAY_TYPE(const_string) names;

	t_array_init(&names, outcome->count + 1);
	array_append(&names, outcome->names, outcome->count);
	array_append_zero(&names);
	return array_front(&names);
}

const char *const *
roost_flags_box_names(struct mailbox *box,
		      const struct mail_keywords *keywords)
{
	ARRAY_TYPE(const_string) names;
	struct mailbox_status status;
	unsigned int i;

	t_array_init(&names, 8);
	if (keywords != NULL && keywords->count > 0) {
		mailbox_get_open_status(box, STATUS_KEYWORDS, &status);
		for (i = 0; i < keywords->count; i++) {
			const char *name = array_idx_elem(status.keywords,
							  keywords->idx[i]);

			array_push_back(&names, &name);
		}
	}
	array_append_zero(&names);
	return array_front(&names);
}

unsigned int
roost_flags_box_count(struct mailbox *box)
{
	const struct mail_index_map *map = box->index->map;

	return map == NULL || !array_is_created(&map->keyword_idx_map) ? 0 :
		array_count(&map->keyword_idx_map);
}

bool
roost_flags_box_keeps(struct mailbox *box, const char *name)
{
	const struct mail_index_map *map = box->index->map;
	const unsigned int *kept;
	unsigned int idx;

	if (roost_flags_box_count(box) == 0 ||
	    !mail_index_keyword_lookup(box->index, name, &idx))
		return FALSE;
	array_foreach(&map->keyword_idx_map, kept) {
		if (*kept == idx)
			return TRUE;
	}
	return FALSE;
}

bool
roost_flags_box_may_name(struct roost_flags_box *fbox)
{
	return fbox->is_virtual ||
		roost_flagrule_may_name(fbox->fuser->rules, ROOST_FLAG_CLIENT,
					roost_flags_box_count(fbox->box));
}

/* Does the mailbox have a colour?  The next change of a message may take it
   away, so it has to be looked at. */
static bool
box_has_colors(struct mailbox *box)
{
	return roost_flags_box_keeps(box, "$MailFlagBit0") ||
		roost_flags_box_keeps(box, "$MailFlagBit1") ||
		roost_flags_box_keeps(box, "$MailFlagBit2");
}

/* Is the request about the user's own tags alone, of which no rule speaks?
   That is so common that it must cost nothing. */
static bool
box_is_free(struct roost_flags_box *fbox, enum modify_type type,
	    struct mail_keywords *keywords, unsigned int count)
{
	const struct roost_flagrules *rules = fbox->fuser->rules;
	enum roost_flag_actor actor = roost_flags_user_actor(fbox->fuser);
	const char *const *names = roost_flags_box_names(fbox->box, keywords);
	size_t max = roost_flagrule_message_max(rules);

	/* count is that of all names that the index knows, and neither the
	   mailbox nor a message can have more. */
	if (type == MODIFY_REPLACE || (max != 0 && count > max) ||
	    !roost_flagrule_may_name(rules, actor, count) ||
	    box_has_colors(fbox->box))
		return FALSE;
	for (; *names != NULL; names++) {
		if (!roost_flagrule_is_free(rules, actor, *names))
			return FALSE;
	}
	return TRUE;
}

/* A request that no rule speaks of may become another when the index learns
   names.  One that a rule speaks of is only looked at in vain. */
static bool
is_free_known(const struct roost_flags_trans *ftrans, enum modify_type type,
	      const struct mail_keywords *keywords, unsigned int known,
	      unsigned int kept)
{
	return ftrans->free_keywords == keywords && ftrans->free_type == type &&
		(!ftrans->is_free || (ftrans->free_known == known &&
				      ftrans->free_kept == kept));
}

bool
roost_flags_box_is_free(struct mailbox_transaction_context *trans,
			enum modify_type type, struct mail_keywords *keywords)
{
	struct roost_flags_trans *ftrans = roost_flags_box_trans_get(trans);
	unsigned int known = array_count(&trans->box->index->keywords);
	unsigned int kept = roost_flags_box_count(trans->box);

	if (is_free_known(ftrans, type, keywords, known, kept))
		return ftrans->is_free;
	T_BEGIN {
		ftrans->is_free = box_is_free(roost_flags_box_get(trans->box),
					      type, keywords, known);
	} T_END;
	if (ftrans->free_keywords != NULL)
		mailbox_keywords_unref(&ftrans->free_keywords);
	mailbox_keywords_ref(keywords);
	ftrans->free_keywords = keywords;
	ftrans->free_type = type;
	ftrans->free_known = known;
	ftrans->free_kept = kept;
	return ftrans->is_free;
}

void
roost_flags_box_event(struct roost_flags_box *fbox, uint32_t uid,
		      const char *name, const char *rule)
{
	const struct roost_event said = {
		.name = name, .rule = rule, .uid = uid,
		.mailbox = mailbox_get_vname(fbox->box),
	};

	roost_event_send(&fbox->drafts, fbox->box->event, &said);
}

struct named {
	struct roost_flags_box *fbox;
	const ARRAY_TYPE(const_string) *names;
};

static bool
is_named(void *context, const char *name)
{
	struct named *named = context;
	const char *const *other;

	array_foreach(named->names, other) {
		if (strcasecmp(*other, name) == 0)
			return TRUE;
	}
	return roost_flags_box_keeps(named->fbox->box, name);
}

static void
outcome_events(struct roost_flags_box *fbox, const struct roost_flags_ask *ask,
	       const struct roost_flag_outcome *outcome)
{
	size_t i;

	for (i = 0; i < outcome->denial_count; i++)
		roost_flags_box_event(fbox, ask->uid,
			"roost_flags_denied",
			roost_flagrule_word(outcome->denials[i].rule));
	if (outcome->denial_count == 0 && outcome->has_deviated)
		roost_flags_box_event(fbox, ask->uid,
				      "roost_flags_changed", "policy");
}

static enum mail_error
outcome_error(const struct roost_flag_outcome *outcome, const char **text_r)
{
	*text_r = outcome->denials[outcome->reason].phrase;
	switch (outcome->verdict) {
	case ROOST_FLAG_OK:
		break;
	case ROOST_FLAG_NOPERM:
		return MAIL_ERROR_PERM;
	case ROOST_FLAG_LIMIT:
		return MAIL_ERROR_LIMIT;
	case ROOST_FLAG_CANNOT:
		return MAIL_ERROR_NOTPOSSIBLE;
	}
	return MAIL_ERROR_NONE;
}

static void
trans_fail(struct roost_flags_trans *ftrans,
	   const struct roost_flag_outcome *outcome)
{
	const char *text;
	enum mail_error code = outcome_error(outcome, &text);

	if (ftrans->error_code != MAIL_ERROR_NONE)
		return;
	ftrans->error_code = code;
	ftrans->error = p_strdup_printf(ftrans->pool, "Keyword refused: %s",
					text);
}

/* Names that are new to the mailbox by this outcome count against its limit for
   the next message of the transaction. */
static void
trans_name(struct roost_flags_box *fbox, struct roost_flags_trans *ftrans,
	   const struct roost_flag_outcome *outcome)
{
	struct named named = { fbox, &ftrans->named };
	size_t i;

	for (i = 0; i < outcome->count; i++) {
		const char *name = outcome->names[i];

		if (is_named(&named, name))
			continue;
		name = p_strdup(ftrans->pool, name);
		array_push_back(&ftrans->named, &name);
	}
}

/* May what is asked for be refused?  Copies and deliveries are not: they take
   what they may. */
static bool
ask_may_fail(const struct roost_flags_ask *ask)
{
	switch (ask->change) {
	case ROOST_FLAG_ADD:
	case ROOST_FLAG_REMOVE:
	case ROOST_FLAG_REPLACE:
		return ask->actor == ROOST_FLAG_CLIENT ||
			ask->actor == ROOST_FLAG_ADMIN;
	case ROOST_FLAG_COPY:
	case ROOST_FLAG_COPY_FOREIGN:
		break;
	}
	return FALSE;
}

static bool
box_apply(struct roost_flags_box *fbox, const struct roost_flags_ask *ask,
	  struct roost_flags_trans *ftrans)
{
	struct named named = { fbox, &ftrans->named };
	struct roost_flag_request request = {
		.actor = ask->actor, .change = ask->change,
		.current = ask->current, .names = ask->names,
		.is_flagged = ask->is_flagged,
		.name_len_max = NAME_LEN_MAX(fbox->box),
		.mailbox_count = roost_flags_box_count(fbox->box) +
			array_count(&ftrans->named),
		.has_name = fbox->is_virtual ? NULL : is_named,
		.context = &named,
	};

	if (ask->current != NULL)
		request.current_count = str_array_length(ask->current);
	if (ask->names != NULL)
		request.count = str_array_length(ask->names);
	if (!ask_may_fail(ask))
		request.count = I_MIN(request.count, ROOST_FLAG_NAMES_MAX);
	return roost_flagrule_apply(fbox->fuser->rules, &request,
				    fbox->fuser->outcome) == ROOST_OK;
}

const struct roost_flag_outcome *
roost_flags_box_ask(struct roost_flags_box *fbox,
		    const struct roost_flags_ask *ask)
{
	struct roost_flags_trans *ftrans =
		roost_flags_box_trans_get(ask->trans);
	struct roost_flag_outcome *outcome = fbox->fuser->outcome;

	if (!box_apply(fbox, ask, ftrans)) {
		if (!ask_may_fail(ask))
			return NULL;
		ftrans->error_code = MAIL_ERROR_LIMIT;
		ftrans->error = p_strdup_printf(ftrans->pool,
			"A message may have %u keywords",
			ROOST_FLAG_NAMES_MAX);
		return NULL;
	}
	outcome_events(fbox, ask, outcome);
	if (outcome->verdict != ROOST_FLAG_OK) {
		trans_fail(ftrans, outcome);
		return NULL;
	}
	trans_name(fbox, ftrans, outcome);
	return outcome;
}

static void
answer_events(struct roost_flags_box *fbox, uint32_t uid,
	      const struct roost_flags_answer *answer)
{
	const char *const *rule;

	array_foreach(&answer->denied, rule)
		roost_flags_box_event(fbox, uid, "roost_flags_denied", *rule);
	if (array_count(&answer->denied) == 0 && answer->has_deviated)
		roost_flags_box_event(fbox, uid, "roost_flags_changed",
				      "policy");
}

const struct roost_flags_answer *
roost_flags_box_known(struct mailbox_transaction_context *trans, uint32_t uid,
		      const struct roost_flags_request *request)
{
	const struct roost_flags_answer *answer = roost_flags_kept_find(
		roost_flags_box_trans_get(trans)->kept, request);

	if (answer != NULL)
		answer_events(roost_flags_box_get(trans->box), uid, answer);
	return answer;
}

struct roost_flags_answer *
roost_flags_box_keep(struct mailbox_transaction_context *trans,
		     const struct roost_flags_request *request,
		     const struct roost_flag_outcome *outcome)
{
	struct roost_flags_answer *answer = roost_flags_kept_add(
		&roost_flags_box_trans_get(trans)->kept, request);
	size_t i;

	for (i = 0; i < outcome->denial_count; i++) {
		const char *rule =
			roost_flagrule_word(outcome->denials[i].rule);

		array_push_back(&answer->denied, &rule);
	}
	answer->is_refused = outcome->verdict != ROOST_FLAG_OK;
	answer->has_deviated = outcome->has_deviated;
	return answer;
}
