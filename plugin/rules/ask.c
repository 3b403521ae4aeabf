/* SPDX-License-Identifier: MIT */
/*
 * ask: what the rules say of one name.  See roost/flagrule.h.
 */
#include "rules/rule-private.h"

#include <assert.h>
#include <string.h>

#define BIT(kind) ROOST_FLAGRULE_BIT(ROOST_FLAGRULE_##kind)
#define NONE ROOST_FLAGRULE_NONE

unsigned int
roost_flagrule_bound(enum roost_flag_actor actor)
{
	switch (actor) {
	case ROOST_FLAG_CLIENT:
	case ROOST_FLAG_DELIVERY:
	case ROOST_FLAG_SCRIPT:
		return BIT(PROTECT) | BIT(KEEP) | BIT(DENY) | BIT(ALLOW) |
			BIT(RESERVE);
	case ROOST_FLAG_ADMIN:
		return BIT(DENY) | BIT(ALLOW) | BIT(RESERVE);
	case ROOST_FLAG_REPLICATION:
	case ROOST_FLAG_SERVER:
		break;
	}
	return 0;
}

bool
roost_flagrule_forbids(const struct roost_flagrules *rules, unsigned int bound,
		       uint32_t bits, enum roost_flagrule_kind *kind_r)
{
	*kind_r = ROOST_FLAGRULE_PROTECT;
	if ((bits & bound & BIT(PROTECT)) != 0)
		return true;
	*kind_r = ROOST_FLAGRULE_DENY;
	if ((bits & bound & BIT(DENY)) != 0)
		return true;
	/* What the server sets by a rule is allowed by that rule. */
	*kind_r = ROOST_FLAGRULE_ALLOW;
	return rules->has_allowed && (bound & BIT(ALLOW)) != 0 &&
		(bits & (BIT(ALLOW) | BIT(AT_DELIVERY) | BIT(HEADER))) == 0;
}

/* Returns the index of the name's target, or NONE. */
static uint16_t
target_find(const struct roost_flagrules *rules, const char *name)
{
	uint16_t idx = roost_flagrule_find(rules, name,
					   roost_flagname_hash(name));

	return idx == NONE ? NONE : rules->names[idx].target;
}

const char *
roost_flagrule_canonical(const struct roost_flagrules *rules, const char *name)
{
	uint16_t idx = target_find(rules, name);

	return idx == NONE ||
		(rules->names[idx].rule_bits & BIT(ALIAS)) == 0 ? name :
		roost_flagrule_text(rules, idx);
}

bool
roost_flagrule_may_set(const struct roost_flagrules *rules,
		       enum roost_flag_actor actor, const char *name)
{
	enum roost_flagrule_kind kind;
	uint32_t bits = roost_flagrule_bits(rules, name,
					    target_find(rules, name));

	return !roost_flagrule_forbids(rules, roost_flagrule_bound(actor),
				       bits, &kind);
}

bool
roost_flagrule_may_clear(const struct roost_flagrules *rules,
			 enum roost_flag_actor actor, const char *name)
{
	return (roost_flagrule_bits(rules, name, target_find(rules, name)) &
		roost_flagrule_bound(actor) & (BIT(PROTECT) | BIT(KEEP))) == 0;
}

bool
roost_flagrule_is_protected(const struct roost_flagrules *rules,
			    const char *name)
{
	return (roost_flagrule_bits(rules, name, target_find(rules, name)) &
		BIT(PROTECT)) != 0;
}

const char *
roost_flagrule_next_alias(const struct roost_flagrules *rules,
			  const char *name, size_t *iter)
{
	uint16_t target = target_find(rules, name);

	while (target != NONE && *iter < rules->name_count) {
		uint16_t idx = (uint16_t)(*iter)++;

		if (idx != target && rules->names[idx].target == target)
			return roost_flagrule_text(rules, idx);
	}
	return NULL;
}

const char *
roost_flagrule_next_rival(const struct roost_flagrules *rules,
			  const char *name, size_t *iter)
{
	uint16_t target = target_find(rules, name);

	if (target == NONE || rules->names[target].group == NONE)
		return NULL;
	while (*iter < rules->name_count) {
		uint16_t idx = (uint16_t)(*iter)++;

		if (idx != target && rules->names[idx].target == idx &&
		    rules->names[idx].group == rules->names[target].group)
			return roost_flagrule_text(rules, idx);
	}
	return NULL;
}

unsigned int
roost_flagrule_at_delivery(const struct roost_flagrules *rules)
{
	return rules->at_delivery;
}

bool
roost_flagrule_header(const struct roost_flagrules *rules, size_t idx,
		      const char **field_r, const char **name_r)
{
	const struct roost_flagrule_header *header;

	*field_r = *name_r = NULL;
	if (idx >= rules->header_count)
		return false;
	header = &rules->headers[idx];
	*field_r = rules->text + header->field_off;
	*name_r = roost_flagrule_text(rules, header->name);
	*name_r = roost_flagrule_canonical(rules, *name_r);
	return true;
}

bool
roost_flagrule_header_match(const struct roost_flagrules *rules, size_t idx,
			    const char *value, size_t len)
{
	const char *pattern;

	assert(idx < rules->header_count);
	pattern = rules->text + rules->headers[idx].pattern_off;
	return roost_flagname_match(pattern, strlen(pattern), value, len);
}

size_t
roost_flagrule_message_max(const struct roost_flagrules *rules)
{
	return rules->message_max;
}

bool
roost_flagrule_may_name(const struct roost_flagrules *rules,
			enum roost_flag_actor actor, size_t mailbox_count)
{
	bool is_reserved =
		(roost_flagrule_bound(actor) & BIT(RESERVE)) != 0;
	size_t reserve = is_reserved ? rules->reserve : 0;

	return rules->mailbox_max == 0 ||
		(mailbox_count < rules->mailbox_max &&
		 rules->mailbox_max - mailbox_count > reserve);
}

bool
roost_flagrule_is_free(const struct roost_flagrules *rules,
		       enum roost_flag_actor actor, const char *name)
{
	return target_find(rules, name) == NONE &&
		(roost_flagrule_bits(rules, name, NONE) &
		 ~(uint32_t)BIT(ALLOW)) == 0 &&
		roost_flagrule_may_set(rules, actor, name);
}
