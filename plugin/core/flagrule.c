/* SPDX-License-Identifier: MIT */
/*
 * flagrule: what the rules make of a change.  See roost/flagrule.h.
 *
 * Every name of the message and of the request has a slot; an alias's slot
 * points to its target's, and all that is decided is decided there.  First it
 * is settled which names stay or come, one by one; then groups, then limits,
 * then pairs.  What a later step denies is given back to the group it was in,
 * so that nothing is cleared for the sake of a name that does not come.
 */
#include "flagrule-private.h"

#include <assert.h>
#include <string.h>

#define BIT(kind) ROOST_FLAGRULE_BIT(ROOST_FLAGRULE_##kind)
#define NONE ROOST_FLAGRULE_NONE

_Static_assert(ROOST_FLAG_SLOTS_MAX < ROOST_FLAG_BUCKETS &&
	       ROOST_FLAG_SLOTS_MAX < NONE, "slots are numbered in 16 bits");

/* States of a slot: of the name itself, then of the target. */
enum {
	IS_CURRENT = 1 << 0,	/* the message has this spelling */
	IS_NAMED = 1 << 1,	/* the request has it */
	IS_RESULT = 1 << 2,	/* the outcome has it */

	WAS_SET = 1 << 3,	/* the message has it in some spelling */
	IS_ASKED = 1 << 4,	/* the request names it */
	IS_WANTED = 1 << 5,	/* stays or comes, for itself */
	IS_EXPLICIT = 1 << 6,	/* wanted because it was asked for */
	IS_TOUCHED = 1 << 7,	/* gets its right spelling */
	IS_DENIED = 1 << 8,
	IS_SET = 1 << 9,	/* stays or comes, after all */
	IS_SWAP = 1 << 10,	/* takes the place of another */
	IS_IMPLIED = 1 << 11,	/* by one that was asked for */
	IS_QUEUED = 1 << 12,
	IS_EMITTED = 1 << 13,
};

struct change {
	const struct roost_flagrules *rules;
	const struct roost_flag_request *request;
	struct roost_flag_outcome *out;
};

/* -- slots -- */

static size_t
slot_bucket(const struct roost_flag_outcome *out, const char *name,
	    uint32_t hash)
{
	size_t bucket = hash & out->bucket_mask;

	for (;; bucket = (bucket + 1) & out->bucket_mask) {
		uint16_t idx = out->buckets[bucket];

		if (idx == NONE || (out->slots[idx].hash == hash &&
				    roost_flagname_equal(out->slots[idx].name,
							 name)))
			return bucket;
	}
}

/* A slot that is there, or NULL. */
static struct roost_flag_slot *
slot_find(const struct change *c, const char *name, uint32_t hash)
{
	uint16_t idx = c->out->buckets[slot_bucket(c->out, name, hash)];

	return idx == NONE ? NULL : &c->out->slots[idx];
}

/* The slot of a name; its target is itself. */
static uint16_t
slot_add(const struct change *c, const char *name, uint32_t hash,
	 uint16_t rule_name)
{
	struct roost_flag_outcome *out = c->out;
	size_t bucket = slot_bucket(out, name, hash);
	struct roost_flag_slot *slot = &out->slots[out->slot_count];
	uint16_t idx = (uint16_t)out->slot_count;

	if (out->buckets[bucket] != NONE)
		return out->buckets[bucket];
	assert(out->slot_count < ROOST_FLAG_SLOTS_MAX);
	slot->name = name;
	slot->hash = hash;
	slot->bits = roost_flagrule_bits(c->rules, name, rule_name);
	slot->state = 0;
	slot->rule_name = rule_name;
	slot->target = idx;
	out->slot_count++;
	out->buckets[bucket] = idx;
	return idx;
}

static uint16_t
slot_add_rule_name(const struct change *c, uint16_t rule_name)
{
	return slot_add(c, roost_flagrule_text(c->rules, rule_name),
			c->rules->names[rule_name].hash, rule_name);
}

/* The slot of a name as it is spelled, and before it that of its target. */
static struct roost_flag_slot *
slot_get(const struct change *c, const char *name, uint32_t hash)
{
	struct roost_flag_slot *slot = slot_find(c, name, hash);
	uint16_t rule_name, target = NONE, idx;

	if (slot != NULL)
		return slot;
	rule_name = roost_flagrule_find(c->rules, name, hash);
	if (rule_name != NONE && c->rules->names[rule_name].target != rule_name)
		target = slot_add_rule_name(c,
			c->rules->names[rule_name].target);
	idx = slot_add(c, name, hash, rule_name);
	slot = &c->out->slots[idx];
	if (target != NONE)
		slot->target = target;
	return slot;
}

static struct roost_flag_slot *
target_of(const struct change *c, const struct roost_flag_slot *slot)
{
	return &c->out->slots[slot->target];
}

/* The slot of a rule's name, if the change has to do with it. */
static struct roost_flag_slot *
slot_of_rule_name(const struct change *c, uint16_t rule_name)
{
	return slot_find(c, roost_flagrule_text(c->rules, rule_name),
			 c->rules->names[rule_name].hash);
}

static bool
is_state(const struct roost_flag_slot *slot, unsigned int state)
{
	return (slot->state & state) == state;
}

/* The actor may not clear it. */
static bool
is_locked(const struct change *c, const struct roost_flag_slot *slot)
{
	return is_state(slot, WAS_SET) &&
		(slot->bits & c->out->bound & (BIT(PROTECT) | BIT(KEEP))) != 0;
}

static const char *
spelling_of(const struct change *c, const struct roost_flag_slot *slot)
{
	return (slot->bits & BIT(ALIAS)) != 0 ?
		roost_flagrule_text(c->rules, slot->rule_name) : slot->name;
}

/* -- denials -- */

static bool
is_copy(const struct change *c)
{
	return c->request->change == ROOST_FLAG_COPY ||
		c->request->change == ROOST_FLAG_COPY_FOREIGN;
}

static enum roost_flag_verdict
verdict_of(const struct change *c, enum roost_flagrule_kind kind)
{
	if (c->request->actor != ROOST_FLAG_CLIENT || is_copy(c))
		return ROOST_FLAG_OK;
	if (kind == ROOST_FLAGRULE_NAME)
		return ROOST_FLAG_CANNOT;
	if (kind == ROOST_FLAGRULE_MAX_PER_MESSAGE ||
	    kind == ROOST_FLAGRULE_MAX_PER_MAILBOX ||
	    kind == ROOST_FLAGRULE_RESERVE)
		return ROOST_FLAG_LIMIT;
	return c->rules->is_rejecting ? ROOST_FLAG_NOPERM : ROOST_FLAG_OK;
}

/* Dropped in silence: no attempt of the actor's. */
static void
note(const struct change *c, const char *name, enum roost_flagrule_kind kind,
     const char *phrase)
{
	struct roost_flag_outcome *out = c->out;
	struct roost_flag_denial *denial = &out->denials[out->denial_count];

	assert(out->denial_count < ROOST_FLAG_RESULT_MAX);
	denial->name = name;
	denial->rule = kind;
	denial->phrase = phrase;
	out->denial_count++;
}

static void
deny_name(const struct change *c, const char *name,
	  enum roost_flagrule_kind kind, const char *phrase)
{
	note(c, name, kind, phrase);
	if (c->out->verdict != ROOST_FLAG_OK)
		return;
	c->out->verdict = verdict_of(c, kind);
	c->out->reason = c->out->denial_count - 1;
}

static void
deny(const struct change *c, struct roost_flag_slot *slot,
     enum roost_flagrule_kind kind, const char *phrase)
{
	slot->state |= IS_DENIED;
	deny_name(c, slot->name, kind, phrase);
}

static void
drop(const struct change *c, struct roost_flag_slot *slot,
     enum roost_flagrule_kind kind, const char *phrase)
{
	if (!is_state(slot, IS_DENIED))
		note(c, slot->name, kind, phrase);
	slot->state |= IS_DENIED;
}

static const char *
phrase_of(enum roost_flagrule_kind kind)
{
	switch (kind) {
	case ROOST_FLAGRULE_PROTECT:
		return "only the server sets or clears it";
	case ROOST_FLAGRULE_KEEP:
		return "it is never cleared";
	case ROOST_FLAGRULE_DENY:
		return "it may not be set";
	case ROOST_FLAGRULE_ALLOW:
		return "it is none of those that may be set";
	case ROOST_FLAGRULE_COLORS:
		return "a color needs \\Flagged";
	case ROOST_FLAGRULE_MAX_PER_MESSAGE:
		return "the message has too many keywords";
	case ROOST_FLAGRULE_MAX_PER_MAILBOX:
		return "the mailbox has too many keywords";
	case ROOST_FLAGRULE_RESERVE:
		return "the last keywords are the server's";
	case ROOST_FLAGRULE_EXCLUSIVE:
		return "it excludes another one";
	case ROOST_FLAGRULE_IMPLY:
		return "another one implies it";
	case ROOST_FLAGRULE_ALIAS:
	case ROOST_FLAGRULE_ON_VIOLATION:
	case ROOST_FLAGRULE_AT_DELIVERY:
	case ROOST_FLAGRULE_HEADER:
	case ROOST_FLAGRULE_NAME:
		break;
	}
	return "it is no keyword, or too long";
}

/* -- the names, one by one -- */

static void
read_current(const struct change *c)
{
	const struct roost_flag_request *request = c->request;
	size_t i;

	for (i = 0; i < request->current_count && !is_copy(c); i++) {
		const char *name = request->current[i];
		struct roost_flag_slot *slot =
			slot_get(c, name, roost_flagname_hash(name));
		struct roost_flag_slot *target = target_of(c, slot);

		c->out->order[i] = (uint16_t)(slot - c->out->slots);
		if (is_state(slot, IS_CURRENT))
			continue;
		slot->state |= IS_CURRENT;
		target->state |= WAS_SET;
		if (request->change != ROOST_FLAG_REPLACE ||
		    is_locked(c, target))
			target->state |= IS_WANTED;
	}
}

static void
ask_to_set(const struct change *c, struct roost_flag_slot *target)
{
	enum roost_flagrule_kind kind;
	bool is_forbidden = roost_flagrule_forbids(c->rules, c->out->bound,
						   target->bits, &kind);

	if (is_locked(c, target) && (target->bits & BIT(PROTECT)) != 0)
		return;
	if (!is_forbidden)
		target->state |= IS_WANTED | IS_EXPLICIT | IS_TOUCHED;
	else if (is_state(target, WAS_SET))
		/* It stays, but it is no news: it could not come again. */
		target->state |= IS_WANTED | IS_TOUCHED;
	else
		deny(c, target, kind, phrase_of(kind));
}

static void
ask_to_clear(const struct change *c, struct roost_flag_slot *target)
{
	enum roost_flagrule_kind kind = (target->bits & BIT(PROTECT)) != 0 ?
		ROOST_FLAGRULE_PROTECT : ROOST_FLAGRULE_KEEP;

	if (is_locked(c, target))
		deny(c, target, kind, phrase_of(kind));
	else
		target->state &= ~(unsigned int)IS_WANTED;
}

static void
read_name(const struct change *c, const char *name)
{
	uint32_t hash = roost_flagname_hash(name);
	struct roost_flag_slot *slot = slot_find(c, name, hash), *target;
	bool is_set = c->request->change != ROOST_FLAG_REMOVE;

	if (is_set && (slot == NULL || !is_state(slot, IS_CURRENT)) &&
	    !roost_flagname_is_valid(name, c->request->name_len_max)) {
		deny_name(c, name, ROOST_FLAGRULE_NAME,
			  phrase_of(ROOST_FLAGRULE_NAME));
		c->out->has_deviated = true;
		return;
	}
	slot = slot_get(c, name, hash);
	slot->state |= IS_NAMED;
	target = target_of(c, slot);
	if (is_state(target, IS_ASKED))
		return;
	target->state |= IS_ASKED;
	if (is_set)
		ask_to_set(c, target);
	else
		ask_to_clear(c, target);
}

static void
check_color(const struct change *c, struct roost_flag_slot *slot)
{
	if ((slot->bits & BIT(COLORS)) == 0 || c->request->is_flagged ||
	    !is_state(slot, IS_WANTED) || is_locked(c, slot))
		return;
	slot->state &= ~(unsigned int)(IS_WANTED | IS_EXPLICIT);
	if (is_state(slot, IS_ASKED))
		drop(c, slot, ROOST_FLAGRULE_COLORS,
		     phrase_of(ROOST_FLAGRULE_COLORS));
}

/* What implies a name that was removed goes, too, and what implies that. */
static void
remove_implying(const struct change *c)
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
			uint16_t left = slot_add_rule_name(c,
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

static void
read_request(const struct change *c)
{
	size_t i;

	for (i = 0; i < c->request->count; i++)
		read_name(c, c->request->names[i]);
	if (c->request->change == ROOST_FLAG_REMOVE &&
	    c->rules->imply_count > 0)
		remove_implying(c);
	for (i = 0; i < c->out->slot_count; i++) {
		struct roost_flag_slot *slot = &c->out->slots[i];

		check_color(c, slot);
		if (is_state(slot, IS_WANTED))
			slot->state |= IS_SET;
	}
}

/* -- groups -- */

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
		const struct roost_flag_slot *slot = slot_of_rule_name(c, name);

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
		deny(c, slot, ROOST_FLAGRULE_EXCLUSIVE,
		     "it excludes one that may not be cleared");
	else if (is_news)
		drop(c, slot, ROOST_FLAGRULE_EXCLUSIVE,
		     phrase_of(ROOST_FLAGRULE_EXCLUSIVE));
}

/* Who of a group stays; asked again when one was denied. */
static void
group_settle(const struct change *c, const struct roost_flagrule_group *group)
{
	struct members m = members_count(c, group);
	const struct roost_flag_slot *chosen = members_choose(c, &m);
	struct roost_flag_slot *slot;
	bool has_swapped = false;
	uint16_t name;

	for (name = group->first; name != NONE;
	     name = c->rules->names[name].next_member) {
		slot = slot_of_rule_name(c, name);
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

static const struct roost_flagrule_group *
group_of(const struct change *c, const struct roost_flag_slot *slot)
{
	uint16_t group = slot->rule_name == NONE ? NONE :
		c->rules->names[slot->rule_name].group;

	return group == NONE ? NULL : &c->rules->groups[group];
}

static void
settle_groups(const struct change *c)
{
	size_t i;

	memset(c->out->groups_done, 0, sizeof(c->out->groups_done));
	for (i = 0; i < c->out->slot_count; i++) {
		const struct roost_flagrule_group *group =
			group_of(c, &c->out->slots[i]);
		size_t idx;

		if (group == NULL || !is_state(&c->out->slots[i], IS_WANTED))
			continue;
		idx = (size_t)(group - c->rules->groups);
		if ((c->out->groups_done[idx / 32] >> idx % 32 & 1) != 0)
			continue;
		c->out->groups_done[idx / 32] |= UINT32_C(1) << idx % 32;
		group_settle(c, group);
	}
}

/* -- limits -- */

/* Take one of the mailbox's slots, unless it has the name. */
static bool
mailbox_take(const struct change *c, const char *name,
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

/* Before the message grows from one total to another. */
static bool
message_may_have(const struct change *c, size_t old_total, size_t total)
{
	return c->rules->message_max == 0 || total <= old_total ||
		total <= c->rules->message_max;
}

/* The right spelling is not worth a denial. */
static void
limit_spelling(const struct change *c, struct roost_flag_slot *slot)
{
	enum roost_flagrule_kind kind;

	if (is_state(slot, IS_SET | IS_TOUCHED | WAS_SET) &&
	    !is_state(slot, IS_CURRENT) &&
	    !mailbox_take(c, spelling_of(c, slot), &kind))
		slot->state &= ~(unsigned int)IS_TOUCHED;
}

static void
limit_new(const struct change *c, struct roost_flag_slot *slot)
{
	size_t total = c->out->total + (is_state(slot, IS_SWAP) ? 0 : 1);
	enum roost_flagrule_kind kind = ROOST_FLAGRULE_MAX_PER_MESSAGE;
	const struct roost_flagrule_group *group = group_of(c, slot);

	if (message_may_have(c, c->out->total, total) &&
	    mailbox_take(c, spelling_of(c, slot), &kind)) {
		c->out->total = total;
		return;
	}
	slot->state &= ~(unsigned int)(IS_SET | IS_WANTED);
	deny(c, slot, kind, phrase_of(kind));
	if (group != NULL)
		group_settle(c, group);
}

/*
 * Those that take another's place come first: the place is theirs, and may
 * yet be given back.
 */
static void
settle_limits(const struct change *c)
{
	struct roost_flag_outcome *out = c->out;
	size_t i;

	out->total = 0;
	for (i = 0; i < out->slot_count; i++) {
		if (is_state(&out->slots[i], IS_SET | IS_SWAP))
			limit_new(c, &out->slots[i]);
	}
	for (i = 0; i < out->slot_count; i++) {
		limit_spelling(c, &out->slots[i]);
		if (is_state(&out->slots[i], IS_SET | WAS_SET) ||
		    is_state(&out->slots[i], IS_SET | IS_SWAP))
			out->total++;
	}
	for (i = 0; i < out->slot_count; i++) {
		if (is_state(&out->slots[i], IS_SET) &&
		    (out->slots[i].state & (WAS_SET | IS_SWAP)) == 0)
			limit_new(c, &out->slots[i]);
	}
}

/* -- pairs -- */

/*
 * What of its group has to go for an implied name: how many names, or
 * SIZE_MAX if one of them stays.
 */
static size_t
rivals_count(const struct change *c, const struct roost_flag_slot *slot,
	     bool is_asked)
{
	const struct roost_flagrule_group *group = group_of(c, slot);
	size_t count = 0;
	uint16_t name = group == NULL ? NONE : group->first;

	for (; name != NONE; name = c->rules->names[name].next_member) {
		const struct roost_flag_slot *rival =
			slot_of_rule_name(c, name);

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
	const struct roost_flagrule_group *group = group_of(c, slot);
	uint16_t name = group == NULL ? NONE : group->first;

	for (; name != NONE; name = c->rules->names[name].next_member) {
		struct roost_flag_slot *rival = slot_of_rule_name(c, name);

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
	if (!message_may_have(c, c->out->total, total) ||
	    (!is_state(slot, IS_CURRENT) &&
	     !mailbox_take(c, spelling_of(c, slot), kind_r)))
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
				drop(c, slot, kind, phrase_of(kind));
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

/* From those set so far, in their order, to all that follows from them. */
static void
imply_from(const struct change *c, bool is_asked)
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
			uint16_t right = slot_add_rule_name(c,
				c->rules->implies[pair].right);

			imply_one(c, &out->slots[right], is_asked);
		}
	}
}

/* -- the outcome -- */

static void
emit(const struct change *c, const char *name)
{
	assert(c->out->count < ROOST_FLAG_RESULT_MAX);
	c->out->names[c->out->count++] = name;
}

/*
 * A name that the message has, in the place where it stands: as it is
 * spelled, unless it has the right spelling, too, or gets it.
 */
static void
emit_current(const struct change *c, size_t idx)
{
	struct roost_flag_slot *slot = &c->out->slots[c->out->order[idx]];
	struct roost_flag_slot *target = target_of(c, slot);
	const char *name = c->request->current[idx];

	if (!is_state(target, IS_SET) || is_state(target, IS_EMITTED))
		return;
	if (is_state(target, IS_TOUCHED) ||
	    (slot != target && is_state(target, IS_CURRENT))) {
		slot = target;
		name = spelling_of(c, target);
	}
	slot->state |= IS_RESULT;
	target->state |= IS_EMITTED;
	emit(c, name);
}

static void
emit_all(const struct change *c)
{
	size_t i;

	for (i = 0; i < c->request->current_count && !is_copy(c); i++)
		emit_current(c, i);
	for (i = 0; i < c->out->slot_count; i++) {
		struct roost_flag_slot *slot = &c->out->slots[i];

		if (!is_state(slot, IS_SET) || is_state(slot, WAS_SET))
			continue;
		slot->state |= IS_RESULT;
		emit(c, spelling_of(c, slot));
	}
}

/* What no policy would have made of a name. */
static bool
is_literal(const struct change *c, const struct roost_flag_slot *slot)
{
	bool is_current = is_state(slot, IS_CURRENT);
	bool is_named = is_state(slot, IS_NAMED);

	if (c->request->change == ROOST_FLAG_ADD)
		return is_current || is_named;
	if (c->request->change == ROOST_FLAG_REMOVE)
		return is_current && !is_named;
	return is_named;
}

static void
compare(const struct change *c)
{
	size_t i;

	for (i = 0; i < c->out->slot_count; i++) {
		const struct roost_flag_slot *slot = &c->out->slots[i];
		bool is_result = is_state(slot, IS_RESULT);

		if (is_result != is_state(slot, IS_CURRENT))
			c->out->has_changed = true;
		if (is_result != is_literal(c, slot))
			c->out->has_deviated = true;
	}
}

/* To remove a name that another one implies which stays. */
static void
deny_implied(const struct change *c)
{
	size_t i;

	for (i = 0; i < c->out->slot_count; i++) {
		struct roost_flag_slot *slot = &c->out->slots[i];

		if (is_state(slot, IS_ASKED | IS_SET | WAS_SET) &&
		    !is_state(slot, IS_DENIED))
			deny(c, slot, ROOST_FLAGRULE_IMPLY,
			     phrase_of(ROOST_FLAGRULE_IMPLY));
	}
}

static void
apply_rules(const struct change *c)
{
	read_current(c);
	read_request(c);
	if (c->rules->group_count > 0)
		settle_groups(c);
	settle_limits(c);
	if (c->rules->imply_count > 0) {
		imply_from(c, true);
		imply_from(c, false);
	}
	if (c->request->change == ROOST_FLAG_REMOVE)
		deny_implied(c);
	emit_all(c);
	compare(c);
}

/* -- no rules -- */

static void
apply_nothing(const struct change *c)
{
	const struct roost_flag_request *request = c->request;
	bool is_add = request->change == ROOST_FLAG_ADD;
	bool is_new = !is_add && request->change != ROOST_FLAG_REMOVE;
	struct roost_flag_slot *slot;
	size_t i;

	read_current(c);
	for (i = 0; i < request->count; i++) {
		slot = slot_get(c, request->names[i],
				roost_flagname_hash(request->names[i]));
		slot->state |= IS_NAMED;
	}
	for (i = 0; i < request->current_count && !is_copy(c); i++) {
		slot = &c->out->slots[c->out->order[i]];
		if (is_new || !is_literal(c, slot))
			continue;
		slot->state |= IS_RESULT;
		emit(c, request->current[i]);
	}
	for (i = 0; i < request->count && (is_new || is_add); i++) {
		slot = slot_find(c, request->names[i],
				 roost_flagname_hash(request->names[i]));
		if (is_add && is_state(slot, IS_RESULT))
			continue;
		slot->state |= IS_RESULT;
		emit(c, request->names[i]);
	}
	compare(c);
}

/* Twice as many buckets as there will be slots, and a power of two. */
static void
outcome_begin(const struct change *c)
{
	struct roost_flag_outcome *out = c->out;
	size_t slots = 2 * (c->request->current_count + c->request->count) +
		2 * c->rules->imply_count, size = 16;

	while (size < 2 * slots && size < ROOST_FLAG_BUCKETS)
		size *= 2;
	memset(out->buckets, 0xff, size * sizeof(out->buckets[0]));
	out->bucket_mask = size - 1;
	out->slot_count = out->fresh_count = out->total = out->queue_count = 0;
	out->bound = roost_flagrule_bound(c->request->actor);
	if (c->request->change == ROOST_FLAG_COPY)
		out->bound &= ~BIT(PROTECT);
}

enum roost_err
roost_flagrule_apply(const struct roost_flagrules *rules,
		     const struct roost_flag_request *request,
		     struct roost_flag_outcome *outcome_r)
{
	struct change c = {
		.rules = rules, .request = request, .out = outcome_r
	};

	outcome_r->count = outcome_r->denial_count = outcome_r->reason = 0;
	outcome_r->has_changed = outcome_r->has_deviated = false;
	outcome_r->verdict = ROOST_FLAG_OK;
	if (request->count > ROOST_FLAG_NAMES_MAX ||
	    request->current_count > ROOST_FLAG_NAMES_MAX)
		return ROOST_ERR_LIMIT;
	outcome_begin(&c);
	if (!rules->is_active || request->actor == ROOST_FLAG_REPLICATION)
		apply_nothing(&c);
	else
		apply_rules(&c);
	return ROOST_OK;
}
