/* SPDX-License-Identifier: MIT */
/*
 * group: who of an exclusive group stays.  See change-private.h.
 */
#include "rules/change-private.h"

#include <string.h>

struct members {
	size_t locked, asked, wanted;
	/* The last of them. */
	const struct roost_flag_slot *one_asked, *one_wanted;
	const struct roost_flag_slot *winner;
};

static bool
is_asked_member(const struct change *c, const struct roost_flag_slot *slot)
{
	return is_state(slot, IS_WANTED | IS_EXPLICIT) && !is_locked(c, slot);
}

static struct members
members_count(const struct change *c, const struct roost_flagrule_group *group)
{
	struct members m = { 0 };
	uint16_t name;

	for (name = group->first; name != NONE;
	     name = c->rules->names[name].next_member) {
		const struct roost_flag_slot *slot =
			roost_flagentry_of(c, name);

		if (slot == NULL || !is_state(slot, IS_WANTED) ||
		    (is_state(slot, IS_DENIED) && !is_locked(c, slot)))
			continue;
		m.wanted++;
		m.one_wanted = slot;
		if (is_locked(c, slot))
			m.locked++;
		if (is_asked_member(c, slot)) {
			m.asked++;
			m.one_asked = slot;
		}
		if (name == group->winner)
			m.winner = slot;
	}
	return m;
}

/* The one member that stays, or NULL; not asked where one is locked. */
static const struct roost_flag_slot *
members_choose(const struct change *c, const struct members *m)
{
	if (m->asked == 1)
		return m->one_asked;
	if (m->asked > 1)
		return m->winner != NULL && is_asked_member(c, m->winner) ?
			m->winner : NULL;
	return m->wanted == 1 ? m->one_wanted : m->winner;
}

static void
member_clear(const struct change *c, struct roost_flag_slot *slot,
	     bool is_locked_out)
{
	bool is_news = is_asked_member(c, slot) && !is_state(slot, IS_DENIED);

	slot->state &= ~(unsigned int)IS_SET;
	if (is_news && is_locked_out)
		roost_flagentry_deny(c, slot, ROOST_FLAGRULE_EXCLUSIVE);
	else if (is_news)
		roost_flagentry_drop(c, slot, ROOST_FLAGRULE_EXCLUSIVE);
}

void
roost_flaggroup_settle(const struct change *c,
		       const struct roost_flagrule_group *group)
{
	struct members m = members_count(c, group);
	const struct roost_flag_slot *chosen = members_choose(c, &m);
	struct roost_flag_slot *slot;
	bool has_swapped = false;
	uint16_t name;

	for (name = group->first; name != NONE;
	     name = c->rules->names[name].next_member) {
		slot = roost_flagentry_of(c, name);
		if (slot == NULL || !is_state(slot, IS_WANTED))
			continue;
		if (m.locked > 0 ? is_locked(c, slot) : slot == chosen) {
			slot->state |= IS_SET;
			continue;
		}
		has_swapped = has_swapped || is_state(slot, WAS_SET);
		member_clear(c, slot, m.locked > 0);
	}
	if (m.locked == 0 && chosen != NULL && has_swapped &&
	    !is_state(chosen, WAS_SET))
		c->out->slots[chosen - c->out->slots].state |= IS_SWAP;
}

const struct roost_flagrule_group *
roost_flaggroup_of(const struct change *c, const struct roost_flag_slot *slot)
{
	uint16_t group = slot->rule_name == NONE ? NONE :
		c->rules->names[slot->rule_name].group;

	return group == NONE ? NULL : &c->rules->groups[group];
}

void
roost_flaggroup_settle_all(const struct change *c)
{
	size_t i;

	memset(c->out->groups_done, 0, sizeof(c->out->groups_done));
	for (i = 0; i < c->out->slot_count; i++) {
		const struct roost_flagrule_group *group =
			roost_flaggroup_of(c, &c->out->slots[i]);
		size_t idx;

		if (group == NULL || !is_state(&c->out->slots[i], IS_WANTED))
			continue;
		idx = (size_t)(group - c->rules->groups);
		if ((c->out->groups_done[idx / 32] >> idx % 32 & 1) != 0)
			continue;
		c->out->groups_done[idx / 32] |= UINT32_C(1) << idx % 32;
		roost_flaggroup_settle(c, group);
	}
}
