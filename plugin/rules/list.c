/* SPDX-License-Identifier: MIT */
/*
 * list: parsing lists of names, pairs and groups.  See line-private.h.
 */
#include "rules/line-private.h"

#include <string.h>

bool
roost_flaglist_names(struct parser *p, enum roost_flagrule_kind kind)
{
	for (;;) {
		struct word word = roost_flagline_word(p);
		const char *phrase;

		if (word.len == 0)
			return true;
		if (roost_flagline_is(word, "none"))
			return roost_flagline_fail(p, word.text,
				"expected \"none\" to stand alone");
		if (!roost_flagline_name(p, word, true))
			return false;
		if (memchr(word.text, '*', word.len) != NULL ||
		    memchr(word.text, '?', word.len) != NULL)
			phrase = roost_flagrule_add_pattern(p->rules, kind,
				word.text, word.len);
		else
			phrase = roost_flagrule_add_bit(p->rules, kind,
				roost_flagrule_add_name(p->rules, word.text,
							word.len));
		if (phrase != NULL)
			return roost_flagline_fail(p, word.text, phrase);
	}
}

static bool
parse_alias(struct parser *p, struct word left, struct word right)
{
	bool is_left;
	const char *phrase = roost_flagrule_add_alias(p->rules, left.text,
		left.len, right.text, right.len, &is_left);

	return roost_flagline_result(p, is_left ? left.text : right.text,
				     phrase);
}

static bool
parse_imply(struct parser *p, struct word left, struct word right)
{
	uint16_t left_idx, right_idx;

	left_idx = roost_flagrule_add_name(p->rules, left.text, left.len);
	right_idx = roost_flagrule_add_name(p->rules, right.text, right.len);
	return roost_flagline_result(p, right.text,
		roost_flagrule_add_imply(p->rules, left_idx, right_idx));
}

bool
roost_flaglist_pairs(struct parser *p, enum roost_flagrule_kind kind)
{
	bool is_alias = kind == ROOST_FLAGRULE_ALIAS;
	struct word left, right;

	do {
		if (!roost_flagline_joined(p, &left))
			return false;
		if (!roost_flagline_joint(p, '='))
			return roost_flagline_fail(p, p->next, is_alias ?
				"expected '=' after the alias" :
				"expected '=' after the name");
		if (!roost_flagline_joined(p, &right))
			return false;
		if (!(is_alias ? parse_alias(p, left, right) :
		      parse_imply(p, left, right)))
			return false;
		roost_flagline_skip(p);
	} while (p->next < p->end);
	return true;
}

struct group {
	uint16_t names[ROOST_FLAGRULE_MEMBERS_MAX];
	const char *places[ROOST_FLAGRULE_MEMBERS_MAX];
	size_t count;
	uint16_t winner;
};

static bool
parse_member(struct parser *p, struct group *group)
{
	bool is_winner = roost_flagline_joint(p, '(');
	struct word word;
	uint16_t name;

	if (is_winner && group->winner != NONE)
		return roost_flagline_fail(p, p->next - 1,
					   "expected one name in parentheses");
	if (!roost_flagline_joined(p, &word))
		return false;
	if (is_winner && !roost_flagline_joint(p, ')'))
		return roost_flagline_fail(p, p->next,
					   "expected ')' after the name");
	name = roost_flagrule_add_name(p->rules, word.text, word.len);
	if (name == NONE || group->count == ROOST_FLAGRULE_MEMBERS_MAX)
		return roost_flagline_fail(p, word.text, ROOST_FLAGRULE_FULL);
	if (is_winner)
		group->winner = name;
	group->places[group->count] = word.text;
	group->names[group->count++] = name;
	return true;
}

static bool
parse_group(struct parser *p)
{
	struct group group = { .winner = NONE };
	const char *phrase;
	size_t bad;

	do {
		if (!parse_member(p, &group))
			return false;
	} while (roost_flagline_joint(p, '|'));
	if (group.count < 2)
		return roost_flagline_fail(p, p->next,
					   "expected '|' after the name");
	phrase = roost_flagrule_add_group(p->rules, group.names, group.count,
					  group.winner, &bad);
	return roost_flagline_result(p, group.places[bad], phrase);
}

bool
roost_flaglist_groups(struct parser *p)
{
	do {
		if (!parse_group(p))
			return false;
	} while (p->next < p->end);
	return true;
}

/* Returns the bit of enum roost_flagrule_delivery for a name, 0 for any
   other. */
static unsigned int
delivery_bit(struct word word)
{
	static const char *const names[] = {
		"$HasAttachment", "$HasNoAttachment", "$canunsubscribe",
		"$Sealed",
	};
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (word.len == strlen(names[i]) &&
		    roost_flagname_match(names[i], word.len, word.text,
					 word.len))
			return 1U << i;
	}
	return 0;
}

bool
roost_flaglist_delivery(struct parser *p)
{
	for (;;) {
		struct word word = roost_flagline_word(p);
		unsigned int bit = delivery_bit(word);
		const char *phrase;

		if (word.len == 0)
			return true;
		if (bit == 0)
			return roost_flagline_fail(p, word.text,
				"expected a keyword of the server's");
		p->rules->at_delivery |= bit;
		phrase = roost_flagrule_add_bit(p->rules,
			ROOST_FLAGRULE_AT_DELIVERY,
			roost_flagrule_add_name(p->rules, word.text, word.len));
		if (phrase != NULL)
			return roost_flagline_fail(p, word.text, phrase);
	}
}
