/* SPDX-License-Identifier: MIT */
/*
 * pair: what happens to names that others imply.  See change-private.h.
 */
#include "rules/change-private.h"

void
roost_flagpair_remove(const struct change *c)
{
	struct roost_flag_outcome *out = c->out;
	size_t at, count = 0;
	uint16_t pair, i;

	for (i = 0; i < out->entry_count; i++) {
		if (is_state(&out->entries[i], IS_ASKED) &&
		    !is_locked(c, &out->entries[i])) {
			out->entries[i].state |= IS_QUEUED;
			out->queue[count++] = i;
		}
	}
	for (at = 0; at < count; at++) {
		uint16_t name = out->entries[out->queue[at]].rule_name;

		pair = name == NONE ? NONE : c->rules->names[name].implied_by;
		for (; pair != NONE;
		     pair = c->rules->implies[pair].next_of_right) {
			uint16_t left = roost_flagentry_add(c,
				c->rules->implies[pair].left);
			struct roost_flag_entry *entry = &out->entries[left];

			if (is_state(entry, IS_QUEUED) || is_locked(c, entry))
				continue;
			entry->state &= ~(unsigned int)IS_WANTED;
			entry->state |= IS_QUEUED;
			out->queue[count++] = left;
		}
	}
	for (at = 0; at < count; at++)
		out->entries[out->queue[at]].state &= ~(unsigned int)IS_QUEUED;
}

/* Returns how many members of its group have to go for an implied name, or
   SIZE_MAX if one of them stays. */
static size_t
rivals_count(const struct change *c, const struct roost_flag_entry *entry,
	     bool is_asked)
{
	const struct roost_flagrule_group *group = roost_flaggroup_of(c, entry);
	size_t count = 0;
	uint16_t name = group == NULL ? NONE : group->first;

	for (; name != NONE; name = c->rules->names[name].next_member) {
		const struct roost_flag_entry *rival =
			roost_flagentry_of(c, name);

		if (rival == NULL || rival == entry || !is_state(rival, IS_SET))
			continue;
		if (!is_asked || is_locked(c, rival) ||
		    (rival->state & (IS_ASKED | IS_IMPLIED)) != 0)
			return SIZE_MAX;
		count++;
	}
	return count;
}

static void
rivals_clear(const struct change *c, const struct roost_flag_entry *entry)
{
	const struct roost_flagrule_group *group = roost_flaggroup_of(c, entry);
	uint16_t name = group == NULL ? NONE : group->first;

	for (; name != NONE; name = c->rules->names[name].next_member) {
		struct roost_flag_entry *rival = roost_flagentry_of(c, name);

		if (rival != NULL && rival != entry)
			rival->state &= ~(unsigned int)IS_SET;
	}
}

/* Set an implied name.  False if it cannot be set; *kind_r is the rule that
   says so. */
static bool
imply_set(const struct change *c, struct roost_flag_entry *entry, bool is_asked,
	  enum roost_flagrule_kind *kind_r)
{
	size_t rivals = rivals_count(c, entry, is_asked), total;

	*kind_r = ROOST_FLAGRULE_COLORS;
	if ((entry->bits & BIT(COLORS)) != 0 && !c->request->is_flagged)
		return false;
	if (!is_state(entry, WAS_SET) &&
	    roost_flagrule_forbids(c->rules, c->out->bound, entry->bits,
				   kind_r))
		return false;
	*kind_r = ROOST_FLAGRULE_EXCLUSIVE;
	if (rivals == SIZE_MAX)
		return false;
	total = c->out->total - rivals + 1;
	*kind_r = ROOST_FLAGRULE_MAX_PER_MESSAGE;
	if (!roost_flaglimit_may_have(c, c->out->total, total))
		return false;
	if (!is_state(entry, IS_CURRENT) &&
	    !roost_flaglimit_take(c, roost_flagentry_spelling(c, entry),
				  kind_r))
		return false;
	rivals_clear(c, entry);
	entry->state |= IS_SET | IS_TOUCHED;
	c->out->total = total;
	return true;
}

static void
imply_one(const struct change *c, struct roost_flag_entry *entry, bool is_asked)
{
	enum roost_flagrule_kind kind;

	if (!is_state(entry, IS_SET)) {
		if (is_state(entry, IS_DENIED))
			return;
		if (!imply_set(c, entry, is_asked, &kind)) {
			if (is_asked)
				roost_flagentry_drop(c, entry, kind);
			return;
		}
	}
	if (is_asked)
		entry->state |= IS_IMPLIED;
	if (!is_state(entry, IS_QUEUED))
		c->out->queue[c->out->queue_count++] =
			(uint16_t)(entry - c->out->entries);
	entry->state |= IS_QUEUED;
}

void
roost_flagpair_imply(const struct change *c, bool is_asked)
{
	struct roost_flag_outcome *out = c->out;
	unsigned int which = is_asked ? IS_SET | IS_EXPLICIT : IS_SET;
	size_t at = out->queue_count;
	uint16_t i, pair;

	for (i = 0; i < out->entry_count; i++) {
		if (is_state(&out->entries[i], which))
			imply_one(c, &out->entries[i], is_asked);
	}
	for (; at < out->queue_count; at++) {
		uint16_t name = out->entries[out->queue[at]].rule_name;

		pair = name == NONE ||
			!is_state(&out->entries[out->queue[at]], IS_SET) ?
			NONE : c->rules->names[name].implies;
		for (; pair != NONE;
		     pair = c->rules->implies[pair].next_of_left) {
			uint16_t right = roost_flagentry_add(c,
				c->rules->implies[pair].right);

			imply_one(c, &out->entries[right], is_asked);
		}
	}
}

void
roost_flagpair_deny(const struct change *c)
{
	size_t i;

	for (i = 0; i < c->out->entry_count; i++) {
		struct roost_flag_entry *entry = &c->out->entries[i];

		if (is_state(entry, IS_ASKED | IS_SET | WAS_SET) &&
		    !is_state(entry, IS_DENIED))
			roost_flagentry_deny(c, entry, ROOST_FLAGRULE_IMPLY);
	}
}
