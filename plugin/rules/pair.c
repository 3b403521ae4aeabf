/* SPDX-License-Identifier: MIT */
/*
 * pair: what implies what.  See change-private.h.
 */
#include "rules/change-private.h"

void
roost_flagpair_remove(const struct change *c)
{
	struct roost_flag_outcome *out = c->out;
	size_t at, count = 0;
	uint16_t pair, i;

	for (i = 0; i < out->slot_count; i++) {
		if (is_state(&out->slots[i], IS_ASKED) &&
		    !is_locked(c, &out->slots[i])) {
			out->slots[i].state |= IS_QUEUED;
			out->queue[count++] = i;
		}
	}
	for (at = 0; at < count; at++) {
		uint16_t name = out->slots[out->queue[at]].rule_name;

		pair = name == NONE ? NONE : c->rules->names[name].implied_by;
		for (; pair != NONE;
		     pair = c->rules->implies[pair].next_of_right) {
			uint16_t left = roost_flagentry_add(c,
				c->rules->implies[pair].left);
			struct roost_flag_slot *slot = &out->slots[left];

			if (is_state(slot, IS_QUEUED) || is_locked(c, slot))
				continue;
			slot->state &= ~(unsigned int)IS_WANTED;
			slot->state |= IS_QUEUED;
			out->queue[count++] = left;
		}
	}
	for (at = 0; at < count; at++)
		out->slots[out->queue[at]].state &= ~(unsigned int)IS_QUEUED;
}

/*
 * What of its group has to go for an implied name: how many names, or
 * SIZE_MAX if one of them stays.
 */
static size_t
rivals_count(const struct change *c, const struct roost_flag_slot *slot,
	     bool is_asked)
{
	const struct roost_flagrule_group *group = roost_flaggroup_of(c, slot);
	size_t count = 0;
	uint16_t name = group == NULL ? NONE : group->first;

	for (; name != NONE; name = c->rules->names[name].next_member) {
		const struct roost_flag_slot *rival =
			roost_flagentry_of(c, name);

		if (rival == NULL || rival == slot || !is_state(rival, IS_SET))
			continue;
		if (!is_asked || is_locked(c, rival) ||
		    (rival->state & (IS_ASKED | IS_IMPLIED)) != 0)
			return SIZE_MAX;
		count++;
	}
	return count;
}

static void
rivals_clear(const struct change *c, const struct roost_flag_slot *slot)
{
	const struct roost_flagrule_group *group = roost_flaggroup_of(c, slot);
	uint16_t name = group == NULL ? NONE : group->first;

	for (; name != NONE; name = c->rules->names[name].next_member) {
		struct roost_flag_slot *rival = roost_flagentry_of(c, name);

		if (rival != NULL && rival != slot)
			rival->state &= ~(unsigned int)IS_SET;
	}
}

/* Set a right name; false, and why not. */
static bool
imply_set(const struct change *c, struct roost_flag_slot *slot, bool is_asked,
	  enum roost_flagrule_kind *kind_r)
{
	size_t rivals = rivals_count(c, slot, is_asked), total;

	*kind_r = ROOST_FLAGRULE_COLORS;
	if ((slot->bits & BIT(COLORS)) != 0 && !c->request->is_flagged)
		return false;
	if (!is_state(slot, WAS_SET) &&
	    roost_flagrule_forbids(c->rules, c->out->bound, slot->bits, kind_r))
		return false;
	*kind_r = ROOST_FLAGRULE_EXCLUSIVE;
	if (rivals == SIZE_MAX)
		return false;
	total = c->out->total - rivals + 1;
	*kind_r = ROOST_FLAGRULE_MAX_PER_MESSAGE;
	if (!roost_flaglimit_may_have(c, c->out->total, total))
		return false;
	if (!is_state(slot, IS_CURRENT) &&
	    !roost_flaglimit_take(c, roost_flagentry_spelling(c, slot), kind_r))
		return false;
	rivals_clear(c, slot);
	slot->state |= IS_SET | IS_TOUCHED;
	c->out->total = total;
	return true;
}

static void
imply_one(const struct change *c, struct roost_flag_slot *slot, bool is_asked)
{
	enum roost_flagrule_kind kind;

	if (!is_state(slot, IS_SET)) {
		if (is_state(slot, IS_DENIED))
			return;
		if (!imply_set(c, slot, is_asked, &kind)) {
			if (is_asked)
				roost_flagentry_drop(c, slot, kind);
			return;
		}
	}
	if (is_asked)
		slot->state |= IS_IMPLIED;
	if (!is_state(slot, IS_QUEUED))
		c->out->queue[c->out->queue_count++] =
			(uint16_t)(slot - c->out->slots);
	slot->state |= IS_QUEUED;
}

void
roost_flagpair_imply(const struct change *c, bool is_asked)
{
	struct roost_flag_outcome *out = c->out;
	unsigned int which = is_asked ? IS_SET | IS_EXPLICIT : IS_SET;
	size_t at = out->queue_count;
	uint16_t i, pair;

	for (i = 0; i < out->slot_count; i++) {
		if (is_state(&out->slots[i], which))
			imply_one(c, &out->slots[i], is_asked);
	}
	for (; at < out->queue_count; at++) {
		uint16_t name = out->slots[out->queue[at]].rule_name;

		pair = name == NONE ||
			!is_state(&out->slots[out->queue[at]], IS_SET) ?
			NONE : c->rules->names[name].implies;
		for (; pair != NONE;
		     pair = c->rules->implies[pair].next_of_left) {
			uint16_t right = roost_flagentry_add(c,
				c->rules->implies[pair].right);

			imply_one(c, &out->slots[right], is_asked);
		}
	}
}

void
roost_flagpair_deny(const struct change *c)
{
	size_t i;

	for (i = 0; i < c->out->slot_count; i++) {
		struct roost_flag_slot *slot = &c->out->slots[i];

		if (is_state(slot, IS_ASKED | IS_SET | WAS_SET) &&
		    !is_state(slot, IS_DENIED))
			roost_flagentry_deny(c, slot, ROOST_FLAGRULE_IMPLY);
	}
}
