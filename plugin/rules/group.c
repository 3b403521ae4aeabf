/* SPDX-License-Identifier: MIT */
/*
 * group: which members of an exclusive group stay.  See change-private.h.
 */
#include "rules/change-private.h"

#include <string.h>

struct members {
	size_t locked, asked, wanted;
	/* The last that was counted as asked for, and as wanted. */
	const struct roost_flag_entry *one_asked, *one_wanted;
	const struct roost_flag_entry *winner;
};

static bool
is_asked_member(const struct change *c, const struct roost_flag_entry *entry)
{
	return is_state(entry, IS_WANTED | IS_EXPLICIT) && !is_locked(c, entry);
}

static struct members
members_count(const struct change *c, const struct roost_flagrule_group *group)
{
	struct members m = { 0 };
	uint16_t name;

	for (name = group->first; name != NONE;
	     name = c->rules->names[name].next_member) {
		const struct roost_flag_entry *entry =
			roost_flagentry_of(c, name);

		if (entry == NULL || !is_state(entry, IS_WANTED) ||
		    (is_state(entry, IS_DENIED) && !is_locked(c, entry)))
			continue;
		m.wanted++;
		m.one_wanted = entry;
		if (is_locked(c, entry))
			m.locked++;
		if (is_asked_member(c, entry)) {
			m.asked++;
			m.one_asked = entry;
		}
		if (name == group->winner)
			m.winner = entry;
	}
	return m;
}

/* Returns the one member that stays, or NULL for none.  It does not matter
   where a member is locked, because then the locked ones stay. */
static const struct roost_flag_entry *
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
member_clear(const struct change *c, struct roost_flag_entry *entry,
	     bool is_locked_out)
{
	bool is_news = is_asked_member(c, entry) && !is_state(entry, IS_DENIED);

	entry->state &= ~(unsigned int)IS_SET;
	if (is_news && is_locked_out)
		roost_flagentry_deny(c, entry, ROOST_FLAGRULE_EXCLUSIVE);
	else if (is_news)
		roost_flagentry_drop(c, entry, ROOST_FLAGRULE_EXCLUSIVE);
}

void
roost_flaggroup_settle(const struct change *c,
		       const struct roost_flagrule_group *group)
{
	struct members m = members_count(c, group);
	const struct roost_flag_entry *chosen = members_choose(c, &m);
	struct roost_flag_entry *entry;
	bool has_swapped = false;
	uint16_t name;

	for (name = group->first; name != NONE;
	     name = c->rules->names[name].next_member) {
		entry = roost_flagentry_of(c, name);
		if (entry == NULL || !is_state(entry, IS_WANTED))
			continue;
		if (m.locked > 0 ? is_locked(c, entry) : entry == chosen) {
			entry->state |= IS_SET;
			continue;
		}
		has_swapped = has_swapped || is_state(entry, WAS_SET);
		member_clear(c, entry, m.locked > 0);
	}
	if (m.locked == 0 && chosen != NULL && has_swapped &&
	    !is_state(chosen, WAS_SET))
		c->out->entries[chosen - c->out->entries].state |= IS_SWAP;
}

const struct roost_flagrule_group *
roost_flaggroup_of(const struct change *c, const struct roost_flag_entry *entry)
{
	uint16_t group = entry->rule_name == NONE ? NONE :
		c->rules->names[entry->rule_name].group;

	return group == NONE ? NULL : &c->rules->groups[group];
}

void
roost_flaggroup_settle_all(const struct change *c)
{
	size_t i;

	memset(c->out->groups_done, 0, sizeof(c->out->groups_done));
	for (i = 0; i < c->out->entry_count; i++) {
		const struct roost_flagrule_group *group =
			roost_flaggroup_of(c, &c->out->entries[i]);
		size_t idx;

		if (group == NULL || !is_state(&c->out->entries[i], IS_WANTED))
			continue;
		idx = (size_t)(group - c->rules->groups);
		if ((c->out->groups_done[idx / 32] >> idx % 32 & 1) != 0)
			continue;
		c->out->groups_done[idx / 32] |= UINT32_C(1) << idx % 32;
		roost_flaggroup_settle(c, group);
	}
}
