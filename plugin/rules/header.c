/* SPDX-License-Identifier: MIT */
/*
 * header: parsing the rules about headers.  See line-private.h.
 */
#include "rules/line-private.h"

/* Returns how many bytes follow the first byte of a character, or 4 if no
   character begins with it. */
static size_t
utf8_more(unsigned char c)
{
	if (c < 0x80)
		return 0;
	if (c >= 0xc2 && c <= 0xdf)
		return 1;
	if (c >= 0xe0 && c <= 0xef)
		return 2;
	return c >= 0xf0 && c <= 0xf4 ? 3 : 4;
}

/* True if the first two bytes begin a form that is too long, a surrogate, or a
   character beyond U+10FFFF. */
static bool
utf8_is_excluded(unsigned char first, unsigned char second)
{
	return (first == 0xe0 && second < 0xa0) ||
		(first == 0xed && second > 0x9f) ||
		(first == 0xf0 && second < 0x90) ||
		(first == 0xf4 && second > 0x8f);
}

/* Returns the first place that is not UTF-8, or NULL. */
static const char *
utf8_find_bad(const char *text, size_t len)
{
	size_t i = 0, j;

	while (i < len) {
		size_t more = utf8_more((unsigned char)text[i]);

		if (more == 4 || more >= len - i)
			return text + i;
		for (j = 1; j <= more; j++) {
			if (((unsigned char)text[i + j] & 0xc0) != 0x80)
				return text + i;
		}
		if (more > 0 && utf8_is_excluded((unsigned char)text[i],
						 (unsigned char)text[i + 1]))
			return text + i;
		i += 1 + more;
	}
	return NULL;
}

static bool
parse_field(struct parser *p, struct word *field_r)
{
	roost_flagline_skip(p);
	field_r->text = p->next;
	while (p->next < p->end && *p->next > 0x20 && *p->next < 0x7f &&
	       *p->next != ':')
		p->next++;
	field_r->len = (size_t)(p->next - field_r->text);
	if (field_r->len == 0)
		return roost_flagline_fail(p, p->next,
					   "expected a header's name");
	return roost_flagline_joint(p, ':') ||
		roost_flagline_fail(p, p->next,
				    "expected ':' after the header's name");
}

/* Cut the last word off the rest and return it. */
static struct word
cut_word(struct word *rest)
{
	struct word word = { .text = rest->text + rest->len };

	while (rest->len > 0 && is_blank(rest->text[rest->len - 1]))
		rest->len--;
	word.text = rest->text + rest->len;
	while (rest->len > 0 && !is_blank(rest->text[rest->len - 1])) {
		rest->len--;
		word.text--;
		word.len++;
	}
	return word;
}

static void
trim(struct word *rest)
{
	while (rest->len > 0 && is_blank(rest->text[rest->len - 1]))
		rest->len--;
}

/* The end of the rule is read first, because the pattern may have blanks and
   the word "set" in it. */
bool
roost_flagheader_parse(struct parser *p)
{
	struct word field, rest, name;
	const char *bad, *phrase;

	if (!parse_field(p, &field))
		return false;
	roost_flagline_skip(p);
	rest.text = p->next;
	rest.len = (size_t)(p->end - p->next);
	name = cut_word(&rest);
	if (!roost_flagline_is(cut_word(&rest), "set"))
		return roost_flagline_fail(p, p->end,
					   "expected \"set\" and a keyword");
	trim(&rest);
	if (rest.len == 0)
		return roost_flagline_fail(p, rest.text, "expected a pattern");
	bad = utf8_find_bad(rest.text, rest.len);
	if (bad != NULL)
		return roost_flagline_fail(p, bad, "expected UTF-8");
	if (!roost_flagline_name(p, name, false))
		return false;
	p->next = p->end;
	phrase = roost_flagrule_add_header(p->rules, field.text, field.len,
		rest.text, rest.len,
		roost_flagrule_add_name(p->rules, name.text, name.len));
	return roost_flagline_result(p, name.text, phrase);
}
