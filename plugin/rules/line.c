/* SPDX-License-Identifier: MIT */
/*
 * line: the words and names in the text of a rule.  See line-private.h.
 */
#include "rules/line-private.h"

#include <string.h>

#define EXCERPT_MAX 20

bool
roost_flagline_fail(struct parser *p, const char *at, const char *phrase)
{
	size_t left = (size_t)(p->end - at);

	p->error->line = p->line_number;
	p->error->column = (unsigned int)(at - p->line) + 1;
	p->error->phrase = phrase;
	p->error->excerpt_off = (size_t)(at - p->text);
	p->error->excerpt_len = left < EXCERPT_MAX ? left : EXCERPT_MAX;
	return false;
}

bool
roost_flagline_result(struct parser *p, const char *at, const char *phrase)
{
	return phrase == NULL || roost_flagline_fail(p, at, phrase);
}

void
roost_flagline_skip(struct parser *p)
{
	while (p->next < p->end && is_blank(*p->next))
		p->next++;
}

struct word
roost_flagline_word(struct parser *p)
{
	struct word word;

	roost_flagline_skip(p);
	word.text = p->next;
	while (p->next < p->end && !is_blank(*p->next))
		p->next++;
	word.len = (size_t)(p->next - word.text);
	return word;
}

bool
roost_flagline_is(struct word word, const char *text)
{
	return word.len == strlen(text) &&
		memcmp(word.text, text, word.len) == 0;	/* public */
}

bool
roost_flagline_end(struct parser *p)
{
	roost_flagline_skip(p);
	return p->next == p->end ||
		roost_flagline_fail(p, p->next, "expected the end of the rule");
}

/* In pairs and groups these bytes join names, so no name has them. */
#define JOINTS "=|()"

bool
roost_flagline_name(struct parser *p, struct word word, bool may_match)
{
	size_t i;

	if (word.len == 0)
		return roost_flagline_fail(p, word.text, "expected a keyword");
	for (i = 0; i < word.len; i++) {
		bool is_wild = word.text[i] == '*' || word.text[i] == '?';

		if (is_wild && !may_match)
			return roost_flagline_fail(p, word.text + i,
				"expected a name without wildcards");
		if (!is_wild && !roost_flagname_may_have(word.text[i]))
			return roost_flagline_fail(p, word.text + i,
				"expected a keyword's character");
	}
	return word.len <= ROOST_FLAGNAME_MAX ||
		roost_flagline_fail(p, word.text + ROOST_FLAGNAME_MAX,
				    "expected a name of at most 255 bytes");
}

bool
roost_flagline_joined(struct parser *p, struct word *word_r)
{
	roost_flagline_skip(p);
	word_r->text = p->next;
	while (p->next < p->end && !is_blank(*p->next) &&
	       strchr(JOINTS, *p->next) == NULL)
		p->next++;
	word_r->len = (size_t)(p->next - word_r->text);
	return roost_flagline_name(p, *word_r, false);
}

bool
roost_flagline_joint(struct parser *p, char joint)
{
	roost_flagline_skip(p);
	if (p->next == p->end || *p->next != joint)
		return false;
	p->next++;
	return true;
}
