/* SPDX-License-Identifier: MIT */
/*
 * apply: what the rules make of a change.  See roost/flagrule.h.
 *
 * Every name of the message and of the request has an entry.  The entry of an
 * alias points to that of its target, and everything is decided at the target.
 * The names are settled one by one first; groups, limits and pairs follow.
 * Where a later step denies a name, the group of that name is settled again, so
 * that nothing is cleared for the sake of a name that does not come.
 */
#include "rules/change-private.h"

#include <assert.h>
#include <string.h>

_Static_assert(ROOST_FLAG_ENTRIES_MAX < ROOST_FLAG_BUCKETS &&
	       ROOST_FLAG_ENTRIES_MAX < NONE,
	       "entries are numbered in 16 bits");

/* -- the names, one by one -- */

static void
read_current(const struct change *c)
{
	const struct roost_flag_request *request = c->request;
	size_t i;

	for (i = 0; i < request->current_count && !is_copy(c); i++) {
		const char *name = request->current[i];
		struct roost_flag_entry *entry =
			roost_flagentry_get(c, name, roost_flagname_hash(name));
		struct roost_flag_entry *target = target_of(c, entry);

		c->out->order[i] = (uint16_t)(entry - c->out->entries);
		if (is_state(entry, IS_CURRENT))
			continue;
		entry->state |= IS_CURRENT;
		target->state |= WAS_SET;
		if (request->change != ROOST_FLAG_REPLACE ||
		    is_locked(c, target))
			target->state |= IS_WANTED;
	}
}

static void
ask_to_set(const struct change *c, struct roost_flag_entry *target)
{
	enum roost_flagrule_kind kind;
	bool is_forbidden = roost_flagrule_forbids(c->rules, c->out->bound,
						   target->bits, &kind);

	if (is_locked(c, target) && (target->bits & BIT(PROTECT)) != 0)
		return;
	if (!is_forbidden)
		target->state |= IS_WANTED | IS_EXPLICIT | IS_TOUCHED;
	else if (is_state(target, WAS_SET))
		/* It stays, but it does not count as asked for, because it
		   could not be set again. */
		target->state |= IS_WANTED | IS_TOUCHED;
	else
		roost_flagentry_deny(c, target, kind);
}

static void
ask_to_clear(const struct change *c, struct roost_flag_entry *target)
{
	enum roost_flagrule_kind kind = (target->bits & BIT(PROTECT)) != 0 ?
		ROOST_FLAGRULE_PROTECT : ROOST_FLAGRULE_KEEP;

	if (is_locked(c, target))
		roost_flagentry_deny(c, target, kind);
	else
		target->state &= ~(unsigned int)IS_WANTED;
}

static void
read_name(const struct change *c, const char *name)
{
	uint32_t hash = roost_flagname_hash(name);
	struct roost_flag_entry *entry = roost_flagentry_find(c, name, hash);
	struct roost_flag_entry *target;
	bool is_set = c->request->change != ROOST_FLAG_REMOVE;

	if (is_set && (entry == NULL || !is_state(entry, IS_CURRENT)) &&
	    !roost_flagname_is_valid(name, c->request->name_len_max)) {
		roost_flagentry_deny_name(c, name, ROOST_FLAGRULE_NAME);
		c->out->has_deviated = true;
		return;
	}
	entry = roost_flagentry_get(c, name, hash);
	entry->state |= IS_NAMED;
	target = target_of(c, entry);
	if (is_state(target, IS_ASKED))
		return;
	target->state |= IS_ASKED;
	if (is_set)
		ask_to_set(c, target);
	else
		ask_to_clear(c, target);
}

static void
check_color(const struct change *c, struct roost_flag_entry *entry)
{
	if ((entry->bits & BIT(COLORS)) == 0 || c->request->is_flagged ||
	    !is_state(entry, IS_WANTED) || is_locked(c, entry))
		return;
	entry->state &= ~(unsigned int)(IS_WANTED | IS_EXPLICIT);
	if (is_state(entry, IS_ASKED))
		roost_flagentry_drop(c, entry, ROOST_FLAGRULE_COLORS);
}

static void
read_request(const struct change *c)
{
	size_t i;

	for (i = 0; i < c->request->count; i++)
		read_name(c, c->request->names[i]);
	if (c->request->change == ROOST_FLAG_REMOVE &&
	    c->rules->imply_count > 0)
		roost_flagpair_remove(c);
	for (i = 0; i < c->out->entry_count; i++) {
		struct roost_flag_entry *entry = &c->out->entries[i];

		check_color(c, entry);
		if (is_state(entry, IS_WANTED))
			entry->state |= IS_SET;
	}
}

/* -- the outcome -- */

static void
emit(const struct change *c, const char *name)
{
	assert(c->out->count < ROOST_FLAG_RESULT_MAX);
	c->out->names[c->out->count++] = name;
}

/* Emit a name that the message has, in the place where it stands.  It keeps its
   spelling, unless the message also has the right spelling or is to get it. */
static void
emit_current(const struct change *c, size_t idx)
{
	struct roost_flag_entry *entry = &c->out->entries[c->out->order[idx]];
	struct roost_flag_entry *target = target_of(c, entry);
	const char *name = c->request->current[idx];

	if (!is_state(target, IS_SET) || is_state(target, IS_EMITTED))
		return;
	if (is_state(target, IS_TOUCHED) ||
	    (entry != target && is_state(target, IS_CURRENT))) {
		entry = target;
		name = roost_flagentry_spelling(c, target);
	}
	entry->state |= IS_RESULT;
	target->state |= IS_EMITTED;
	emit(c, name);
}

static void
emit_all(const struct change *c)
{
	size_t i;

	for (i = 0; i < c->request->current_count && !is_copy(c); i++)
		emit_current(c, i);
	for (i = 0; i < c->out->entry_count; i++) {
		struct roost_flag_entry *entry = &c->out->entries[i];

		if (!is_state(entry, IS_SET) || is_state(entry, WAS_SET))
			continue;
		entry->state |= IS_RESULT;
		emit(c, roost_flagentry_spelling(c, entry));
	}
}

/* True if the outcome would have this name if there were no rules. */
static bool
is_literal(const struct change *c, const struct roost_flag_entry *entry)
{
	bool is_current = is_state(entry, IS_CURRENT);
	bool is_named = is_state(entry, IS_NAMED);

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

	for (i = 0; i < c->out->entry_count; i++) {
		const struct roost_flag_entry *entry = &c->out->entries[i];
		bool is_result = is_state(entry, IS_RESULT);

		if (is_result != is_state(entry, IS_CURRENT))
			c->out->has_changed = true;
		if (is_result != is_literal(c, entry))
			c->out->has_deviated = true;
	}
}

static void
apply_rules(const struct change *c)
{
	read_current(c);
	read_request(c);
	if (c->rules->group_count > 0)
		roost_flaggroup_settle_all(c);
	roost_flaglimit_settle(c);
	if (c->rules->imply_count > 0) {
		roost_flagpair_imply(c, true);
		roost_flagpair_imply(c, false);
	}
	if (c->request->change == ROOST_FLAG_REMOVE)
		roost_flagpair_deny(c);
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
	struct roost_flag_entry *entry;
	size_t i;

	read_current(c);
	for (i = 0; i < request->count; i++) {
		entry = roost_flagentry_get(c, request->names[i],
			roost_flagname_hash(request->names[i]));
		entry->state |= IS_NAMED;
	}
	for (i = 0; i < request->current_count && !is_copy(c); i++) {
		entry = &c->out->entries[c->out->order[i]];
		if (is_new || !is_literal(c, entry))
			continue;
		entry->state |= IS_RESULT;
		emit(c, request->current[i]);
	}
	for (i = 0; i < request->count && (is_new || is_add); i++) {
		entry = roost_flagentry_find(c, request->names[i],
			roost_flagname_hash(request->names[i]));
		if (is_add && is_state(entry, IS_RESULT))
			continue;
		entry->state |= IS_RESULT;
		emit(c, request->names[i]);
	}
	compare(c);
}

/* The table gets twice as many buckets as there will be entries, rounded up to
   a power of two. */
static void
outcome_begin(const struct change *c)
{
	struct roost_flag_outcome *out = c->out;
	size_t entries = 2 * (c->request->current_count + c->request->count) +
		2 * c->rules->imply_count, size = 16;

	while (size < 2 * entries && size < ROOST_FLAG_BUCKETS)
		size *= 2;
	memset(out->buckets, 0xff, size * sizeof(out->buckets[0]));
	out->bucket_mask = size - 1;
	out->entry_count = out->fresh_count = out->total = out->queue_count = 0;
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
