/* SPDX-License-Identifier: MIT */
/*
 * limit: how many names a message and a mailbox may have.  See
 * change-private.h.
 */
#include "rules/change-private.h"

bool
roost_flaglimit_take(const struct change *c, const char *name,
		     enum roost_flagrule_kind *kind_r)
{
	const struct roost_flag_request *request = c->request;
	size_t count = request->mailbox_count + c->out->fresh_count;

	if (c->rules->mailbox_max == 0 || request->has_name == NULL ||
	    request->has_name(request->context, name))
		return true;
	*kind_r = count < c->rules->mailbox_max ? ROOST_FLAGRULE_RESERVE :
		ROOST_FLAGRULE_MAX_PER_MAILBOX;
	if (!roost_flagrule_may_name(c->rules, request->actor, count))
		return false;
	c->out->fresh_count++;
	return true;
}

bool
roost_flaglimit_may_have(const struct change *c, size_t old_total, size_t total)
{
	return c->rules->message_max == 0 || total <= old_total ||
		total <= c->rules->message_max;
}

/* A name that the message has keeps its old spelling if the mailbox has no
   place for the right one; that is not worth a denial. */
static void
limit_spelling(const struct change *c, struct roost_flag_entry *entry)
{
	enum roost_flagrule_kind kind;

	if (is_state(entry, IS_SET | IS_TOUCHED | WAS_SET) &&
	    !is_state(entry, IS_CURRENT) &&
	    !roost_flaglimit_take(c, roost_flagentry_spelling(c, entry), &kind))
		entry->state &= ~(unsigned int)IS_TOUCHED;
}

static void
limit_new(const struct change *c, struct roost_flag_entry *entry)
{
	size_t total = c->out->total + (is_state(entry, IS_SWAP) ? 0 : 1);
	enum roost_flagrule_kind kind = ROOST_FLAGRULE_MAX_PER_MESSAGE;
	const struct roost_flagrule_group *group = roost_flaggroup_of(c, entry);

	if (roost_flaglimit_may_have(c, c->out->total, total) &&
	    roost_flaglimit_take(c, roost_flagentry_spelling(c, entry),
				 &kind)) {
		c->out->total = total;
		return;
	}
	entry->state &= ~(unsigned int)(IS_SET | IS_WANTED);
	roost_flagentry_deny(c, entry, kind);
	if (group != NULL)
		roost_flaggroup_settle(c, group);
}

/* Names that take another's place come first, because that place is theirs.  If
   they are denied, it is given back. */
void
roost_flaglimit_settle(const struct change *c)
{
	struct roost_flag_outcome *out = c->out;
	size_t i;

	out->total = 0;
	for (i = 0; i < out->entry_count; i++) {
		if (is_state(&out->entries[i], IS_SET | IS_SWAP))
			limit_new(c, &out->entries[i]);
	}
	for (i = 0; i < out->entry_count; i++) {
		limit_spelling(c, &out->entries[i]);
		if (is_state(&out->entries[i], IS_SET | WAS_SET) ||
		    is_state(&out->entries[i], IS_SET | IS_SWAP))
			out->total++;
	}
	for (i = 0; i < out->entry_count; i++) {
		if (is_state(&out->entries[i], IS_SET) &&
		    (out->entries[i].state & (WAS_SET | IS_SWAP)) == 0)
			limit_new(c, &out->entries[i]);
	}
}
