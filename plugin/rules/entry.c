/* SPDX-License-Identifier: MIT */
/*
 * entry: one entry for every name of the message and of the request, and what
 * is denied of them.  See change-private.h.
 */
#include "rules/change-private.h"

#include <assert.h>

static size_t
entry_bucket(const struct roost_flag_outcome *out, const char *name,
	     uint32_t hash)
{
	size_t bucket = hash & out->bucket_mask;

	for (;; bucket = (bucket + 1) & out->bucket_mask) {
		uint16_t idx = out->buckets[bucket];

		if (idx == NONE || (out->entries[idx].hash == hash &&
				    roost_flagname_equal(out->entries[idx].name,
							 name)))
			return bucket;
	}
}

struct roost_flag_entry *
roost_flagentry_find(const struct change *c, const char *name, uint32_t hash)
{
	uint16_t idx = c->out->buckets[entry_bucket(c->out, name, hash)];

	return idx == NONE ? NULL : &c->out->entries[idx];
}

/* Returns the index of a name's entry; its target is itself at first. */
static uint16_t
entry_add(const struct change *c, const char *name, uint32_t hash,
	  uint16_t rule_name)
{
	struct roost_flag_outcome *out = c->out;
	size_t bucket = entry_bucket(out, name, hash);
	struct roost_flag_entry *entry = &out->entries[out->entry_count];
	uint16_t idx = (uint16_t)out->entry_count;

	if (out->buckets[bucket] != NONE)
		return out->buckets[bucket];
	assert(out->entry_count < ROOST_FLAG_ENTRIES_MAX);
	entry->name = name;
	entry->hash = hash;
	entry->bits = roost_flagrule_bits(c->rules, name, rule_name);
	entry->state = 0;
	entry->rule_name = rule_name;
	entry->target = idx;
	out->entry_count++;
	out->buckets[bucket] = idx;
	return idx;
}

uint16_t
roost_flagentry_add(const struct change *c, uint16_t rule_name)
{
	return entry_add(c, roost_flagrule_text(c->rules, rule_name),
			 c->rules->names[rule_name].hash, rule_name);
}

/* Returns the entry of a name as it is spelled.  The entry of its target is
   added before it. */
struct roost_flag_entry *
roost_flagentry_get(const struct change *c, const char *name, uint32_t hash)
{
	struct roost_flag_entry *entry = roost_flagentry_find(c, name, hash);
	uint16_t rule_name, target = NONE, idx;

	if (entry != NULL)
		return entry;
	rule_name = roost_flagrule_find(c->rules, name, hash);
	if (rule_name != NONE && c->rules->names[rule_name].target != rule_name)
		target = roost_flagentry_add(c,
			c->rules->names[rule_name].target);
	idx = entry_add(c, name, hash, rule_name);
	entry = &c->out->entries[idx];
	if (target != NONE)
		entry->target = target;
	return entry;
}

struct roost_flag_entry *
roost_flagentry_of(const struct change *c, uint16_t rule_name)
{
	return roost_flagentry_find(c, roost_flagrule_text(c->rules, rule_name),
				    c->rules->names[rule_name].hash);
}

const char *
roost_flagentry_spelling(const struct change *c,
			const struct roost_flag_entry *entry)
{
	return (entry->bits & BIT(ALIAS)) != 0 ?
		roost_flagrule_text(c->rules, entry->rule_name) : entry->name;
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

static void
note(const struct change *c, const char *name, enum roost_flagrule_kind kind)
{
	struct roost_flag_outcome *out = c->out;
	struct roost_flag_denial *denial = &out->denials[out->denial_count];

	assert(out->denial_count < ROOST_FLAG_RESULT_MAX);
	denial->name = name;
	denial->rule = kind;
	denial->phrase = phrase_of(kind);
	out->denial_count++;
}

void
roost_flagentry_deny_name(const struct change *c, const char *name,
			  enum roost_flagrule_kind kind)
{
	note(c, name, kind);
	if (c->out->verdict != ROOST_FLAG_OK)
		return;
	c->out->verdict = verdict_of(c, kind);
	c->out->reason = c->out->denial_count - 1;
}

void
roost_flagentry_deny(const struct change *c, struct roost_flag_entry *entry,
		     enum roost_flagrule_kind kind)
{
	entry->state |= IS_DENIED;
	roost_flagentry_deny_name(c, entry->name, kind);
}

void
roost_flagentry_drop(const struct change *c, struct roost_flag_entry *entry,
		     enum roost_flagrule_kind kind)
{
	if (!is_state(entry, IS_DENIED))
		note(c, entry->name, kind);
	entry->state |= IS_DENIED;
}
