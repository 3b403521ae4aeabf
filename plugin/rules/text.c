/* SPDX-License-Identifier: MIT */
/*
 * text: parsing the text of rules.  See roost/flagrule.h.
 *
 * What follows the word of a rule is the same in a file and in a setting.
 * Every byte of a line is checked before the line is understood.
 */
#include "rules/line-private.h"

#include <assert.h>
#include <string.h>

#define LINE_MAX_SIZE 1000
#define MESSAGE_MAX 1000
#define MAILBOX_MAX 10000
#define RESERVE_MAX 1000

static const char *const words[] = {
	[ROOST_FLAGRULE_PROTECT] = "protect",
	[ROOST_FLAGRULE_KEEP] = "keep",
	[ROOST_FLAGRULE_DENY] = "deny",
	[ROOST_FLAGRULE_ALLOW] = "allow",
	[ROOST_FLAGRULE_ALIAS] = "alias",
	[ROOST_FLAGRULE_EXCLUSIVE] = "exclusive",
	[ROOST_FLAGRULE_IMPLY] = "imply",
	[ROOST_FLAGRULE_COLORS] = "colors",
	[ROOST_FLAGRULE_MAX_PER_MESSAGE] = "max_per_message",
	[ROOST_FLAGRULE_MAX_PER_MAILBOX] = "max_per_mailbox",
	[ROOST_FLAGRULE_RESERVE] = "reserve",
	[ROOST_FLAGRULE_ON_VIOLATION] = "on_violation",
	[ROOST_FLAGRULE_AT_DELIVERY] = "at_delivery",
	[ROOST_FLAGRULE_HEADER] = "header",
	[ROOST_FLAGRULE_NAME] = "name",
};

static const char default_rules[] =
	"protect $Sealed $HasAttachment $HasNoAttachment $istrusted\n"
	"protect $canunsubscribe $autosent $imported $maskedemail\n"
	"keep $Forwarded $MDNSent\n"
	"alias Junk=$Junk JunkRecorded=$Junk\n"
	"alias NonJunk=$NotJunk NotJunk=$NotJunk\n"
	"alias Forwarded=$Forwarded\n"
	"alias $Label1=$label1 $Label2=$label2 $Label3=$label3\n"
	"alias $Label4=$label4 $Label5=$label5\n"
	"alias LABEL1=$label1 LABEL2=$label2 LABEL3=$label3\n"
	"alias LABEL4=$label4 LABEL5=$label5\n"
	"exclusive $Junk|$NotJunk $HasAttachment|$HasNoAttachment\n"
	/* RFC 9979 treats a message that is both as followed. */
	"exclusive $memo|$hasmemo $muted|($followed)\n"
	"imply $Phishing=$Junk\n"
	"colors yes\n"
	"max_per_message 64\n"
	"max_per_mailbox 256\n"
	"reserve 16\n"
	"on_violation ignore\n"
	"at_delivery $HasAttachment $HasNoAttachment $canunsubscribe\n";

/* -- numbers and words -- */

static bool
parse_number(struct parser *p, size_t min, size_t max, size_t *number_r)
{
	struct word word = roost_flagline_word(p);
	size_t i, number = 0;

	for (i = 0; i < word.len; i++) {
		if (word.text[i] < '0' || word.text[i] > '9')
			return roost_flagline_fail(p, word.text + i,
						   "expected a number");
		if (number <= max)
			number = number * 10 + (size_t)(word.text[i] - '0');
	}
	if (number < min || number > max)
		return roost_flagline_fail(p, word.text,
			"expected a number within its bounds");
	*number_r = number;
	return roost_flagline_end(p);
}

/* Read one of two words; *is_yes_r says which of them it was. */
static bool
parse_choice(struct parser *p, const char *no, const char *yes,
	     const char *phrase, bool *is_yes_r)
{
	struct word word = roost_flagline_word(p);

	*is_yes_r = roost_flagline_is(word, yes);
	if (!*is_yes_r && !roost_flagline_is(word, no))
		return roost_flagline_fail(p, word.text, phrase);
	return roost_flagline_end(p);
}

static bool
parse_colors(struct parser *p)
{
	const char *start = p->next;
	bool is_on;

	return parse_choice(p, "no", "yes", "expected yes or no", &is_on) &&
		roost_flagline_result(p, start,
			     roost_flagrule_set_colors(p->rules, is_on));
}

/* If "none" is all that is left, forget the rules of this kind and return true.
   Else nothing was read, and it is no error. */
static bool
parse_none(struct parser *p, enum roost_flagrule_kind kind)
{
	const char *start = p->next;

	if (roost_flagline_is(roost_flagline_word(p), "none")) {
		roost_flagline_skip(p);
		if (p->next == p->end) {
			roost_flagrule_empty(p->rules, kind);
			return true;
		}
	}
	p->next = start;
	return false;
}

/* -- rules and lines -- */

static bool
parse_limit(struct parser *p, enum roost_flagrule_kind kind)
{
	if (kind == ROOST_FLAGRULE_MAX_PER_MESSAGE)
		return parse_number(p, 1, MESSAGE_MAX, &p->rules->message_max);
	if (kind == ROOST_FLAGRULE_MAX_PER_MAILBOX)
		return parse_number(p, 1, MAILBOX_MAX, &p->rules->mailbox_max);
	return parse_number(p, 0, RESERVE_MAX, &p->rules->reserve);
}

static bool
parse_value(struct parser *p, enum roost_flagrule_kind kind)
{
	switch (kind) {
	case ROOST_FLAGRULE_PROTECT:
	case ROOST_FLAGRULE_KEEP:
	case ROOST_FLAGRULE_DENY:
	case ROOST_FLAGRULE_ALLOW:
		return roost_flaglist_names(p, kind);
	case ROOST_FLAGRULE_ALIAS:
	case ROOST_FLAGRULE_IMPLY:
		return roost_flaglist_pairs(p, kind);
	case ROOST_FLAGRULE_EXCLUSIVE:
		return roost_flaglist_groups(p);
	case ROOST_FLAGRULE_COLORS:
		return parse_colors(p);
	case ROOST_FLAGRULE_MAX_PER_MESSAGE:
	case ROOST_FLAGRULE_MAX_PER_MAILBOX:
	case ROOST_FLAGRULE_RESERVE:
		return parse_limit(p, kind);
	case ROOST_FLAGRULE_ON_VIOLATION:
		return parse_choice(p, "ignore", "reject",
				    "expected ignore or reject",
				    &p->rules->is_rejecting);
	case ROOST_FLAGRULE_AT_DELIVERY:
		return roost_flaglist_delivery(p);
	case ROOST_FLAGRULE_HEADER:
		return roost_flagheader_parse(p);
	case ROOST_FLAGRULE_NAME:
		break;
	}
	assert(false);
	return false;
}

static bool
parse_rule(struct parser *p, enum roost_flagrule_kind kind)
{
	if (kind != ROOST_FLAGRULE_COLORS &&
	    kind != ROOST_FLAGRULE_ON_VIOLATION && parse_none(p, kind))
		return true;
	return parse_value(p, kind);
}

static bool
parse_word(struct parser *p)
{
	struct word word = roost_flagline_word(p);
	size_t kind;

	for (kind = 0; kind < ROOST_FLAGRULE_KINDS; kind++) {
		if (!roost_flagline_is(word, words[kind]))
			continue;
		roost_flagline_skip(p);
		if (p->next == p->end)
			return roost_flagline_fail(p, p->next,
						   "expected a value");
		return parse_rule(p, (enum roost_flagrule_kind)kind);
	}
	return roost_flagline_fail(p, word.text, "expected the word of a rule");
}

static bool
line_check(struct parser *p)
{
	const char *at;

	for (at = p->next; at < p->end; at++) {
		unsigned char c = (unsigned char)*at;

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return roost_flagline_fail(p, at,
						   "expected no control byte");
	}
	return true;
}

static bool
parse_line(struct parser *p)
{
	if (p->end - p->line > LINE_MAX_SIZE)
		return roost_flagline_fail(p, p->line + LINE_MAX_SIZE,
			"expected a line of at most 1000 bytes");
	if (!line_check(p))
		return false;
	roost_flagline_skip(p);
	return p->next == p->end || *p->next == '#' || parse_word(p);
}

static bool
parse_lines(struct parser *p, const char *end)
{
	while (p->line < end) {
		const char *eol = memchr(p->line, '\n',
					 (size_t)(end - p->line));
		const char *next = eol == NULL ? end : eol + 1;

		p->line_number++;
		p->next = p->line;
		p->end = eol == NULL ? end : eol;
		if (eol != NULL && eol > p->line && eol[-1] == '\r')
			p->end--;
		if (!parse_line(p))
			return false;
		p->line = next;
	}
	return true;
}

bool
roost_flagrule_parse(struct roost_flagrules *rules,
		     const char *text, size_t len,
		     struct roost_flagrule_error *error_r)
{
	struct parser p = {
		.rules = rules, .text = text, .line = text, .error = error_r
	};
	bool is_good;

	memset(error_r, 0, sizeof(*error_r));
	is_good = parse_lines(&p, text + len);
	roost_flagrule_settle(rules);
	return is_good;
}

bool
roost_flagrule_add(struct roost_flagrules *rules,
		   enum roost_flagrule_kind kind, const char *text, size_t len,
		   struct roost_flagrule_error *error_r)
{
	struct parser p = {
		.rules = rules, .text = text, .line = text, .next = text,
		.end = text + len, .error = error_r
	};
	bool is_good;

	memset(error_r, 0, sizeof(*error_r));
	is_good = line_check(&p);
	roost_flagline_skip(&p);
	if (is_good && p.next < p.end)
		is_good = parse_rule(&p, kind);
	roost_flagrule_settle(rules);
	return is_good;
}

const char *
roost_flagrule_word(enum roost_flagrule_kind kind)
{
	return words[kind];
}

void
roost_flagrules_off(struct roost_flagrules *rules_r)
{
	memset(rules_r, 0, sizeof(*rules_r));
}

void
roost_flagrules_defaults(struct roost_flagrules *rules_r)
{
	struct roost_flagrule_error error;
	bool is_good;

	roost_flagrules_off(rules_r);
	is_good = roost_flagrule_parse(rules_r, default_rules,
				       sizeof(default_rules) - 1, &error);
	assert(is_good);
	(void)is_good;
}
