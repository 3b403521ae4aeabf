/* SPDX-License-Identifier: MIT */
/*
 * flags: makes rules of the settings.  The contract is in flags.h.
 */
#include "settings/flags.h"

struct rule_setting {
	const char *name;
	size_t off;
	enum roost_flagrule_kind kind;
};

#define RULE(name, kind) \
	{ #name, offsetof(struct roost_flags_settings, name), \
	  ROOST_FLAGRULE_##kind }

static const struct rule_setting rule_settings[] = {
	RULE(roost_flags_protect, PROTECT),
	RULE(roost_flags_keep, KEEP),
	RULE(roost_flags_deny, DENY),
	RULE(roost_flags_allow, ALLOW),
	RULE(roost_flags_alias, ALIAS),
	RULE(roost_flags_exclusive, EXCLUSIVE),
	RULE(roost_flags_imply, IMPLY),
	RULE(roost_flags_colors, COLORS),
	RULE(roost_flags_max_per_message, MAX_PER_MESSAGE),
	RULE(roost_flags_max_per_mailbox, MAX_PER_MAILBOX),
	RULE(roost_flags_reserve, RESERVE),
	RULE(roost_flags_on_violation, ON_VIOLATION),
	RULE(roost_flags_at_delivery, AT_DELIVERY),
};

/* Is the rule a list?  A setting takes the place of the whole default list,
   and does not add to it. */
static bool
rule_is_list(enum roost_flagrule_kind kind)
{
	switch (kind) {
	case ROOST_FLAGRULE_COLORS:
	case ROOST_FLAGRULE_MAX_PER_MESSAGE:
	case ROOST_FLAGRULE_MAX_PER_MAILBOX:
	case ROOST_FLAGRULE_RESERVE:
	case ROOST_FLAGRULE_ON_VIOLATION:
		return FALSE;
	default:
		return TRUE;
	}
}

static bool
rule_add(struct roost_flagrules *rules, enum roost_flagrule_kind kind,
	 const char *value, struct roost_flagrule_error *wrong_r)
{
	if (rule_is_list(kind) &&
	    !roost_flagrule_add(rules, kind, "none", 4, wrong_r))
		return FALSE;
	return roost_flagrule_add(rules, kind, value, strlen(value), wrong_r);
}

static int
rules_of_settings(struct roost_flagrules *rules,
		  const struct roost_flags_settings *set,
		  const char **error_r)
{
	struct roost_flagrule_error wrong;
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(rule_settings); i++) {
		const struct rule_setting *rule = &rule_settings[i];
		const char *const *value = CONST_PTR_OFFSET(set, rule->off);

		if (**value == '\0' ||
		    rule_add(rules, rule->kind, *value, &wrong))
			continue;
		*error_r = t_strdup_printf("%s, column %u: %s", rule->name,
					   wrong.column, wrong.phrase);
		return -1;
	}
	return 0;
}

int
roost_flags_rules_init(struct roost_flagrules *rules_r,
		       const struct roost_flags_settings *set,
		       const char **error_r)
{
	struct roost_flagrule_error wrong;
	const char *text, *where;
	size_t len;

	roost_flagrules_defaults(rules_r);
	if (rules_of_settings(rules_r, set, error_r) < 0 ||
	    roost_flags_settings_map(set->roost_flags_map, &text, &len,
				     &where, error_r) < 0)
		return -1;
	if (roost_flagrule_parse(rules_r, text, len, &wrong))
		return 0;
	*error_r = t_strdup_printf("%s, line %u, column %u: %s", where,
				   wrong.line, wrong.column, wrong.phrase);
	return -1;
}
