/* SPDX-License-Identifier: MIT */
/*
 * flagrule-text: the rules' text, parsed.  See roost/flagrule.h.
 *
 * What follows a rule's word is the same in a file and in a setting.  The
 * bytes of a line are looked at before any of them is understood.
 */
#include "flagrule-private.h"

#include <assert.h>
#include <string.h>

#define NONE ROOST_FLAGRULE_NONE
#define LINE_MAX_SIZE 1000
#define EXCERPT_MAX 20
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
	/* RFC 9979: what is both is to be treated as followed. */
	"exclusive $memo|$hasmemo $muted|($followed)\n"
	"imply $Phishing=$Junk\n"
	"colors yes\n"
	"max_per_message 64\n"
	"max_per_mailbox 256\n"
	"reserve 16\n"
	"on_violation ignore\n"
	"at_delivery $HasAttachment $HasNoAttachment $canunsubscribe\n";

struct parser {
	struct roost_flagrules *rules;
	const char *text;		/* all of it */
	const char *line;		/* where the line begins */
	const char *next, *end;		/* what is left of it */
	unsigned int line_number;
	struct roost_flagrule_error *error;
};

struct word {
	const char *text;
	size_t len;
};

static bool
parse_fail(struct parser *p, const char *at, const char *phrase)
{
	size_t left = (size_t)(p->end - at);

	p->error->line = p->line_number;
	p->error->column = (unsigned int)(at - p->line) + 1;
	p->error->phrase = phrase;
	p->error->excerpt_off = (size_t)(at - p->text);
	p->error->excerpt_len = left < EXCERPT_MAX ? left : EXCERPT_MAX;
	return false;
}

/* NULL is no failure. */
static bool
parse_result(struct parser *p, const char *at, const char *phrase)
{
	return phrase == NULL || parse_fail(p, at, phrase);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void
skip_blanks(struct parser *p)
{
	while (p->next < p->end && is_blank(*p->next))
		p->next++;
}

/* The next blanks, then what comes before more blanks; maybe nothing. */
static struct word
next_word(struct parser *p)
{
	struct word word;

	skip_blanks(p);
	word.text = p->next;
	while (p->next < p->end && !is_blank(*p->next))
		p->next++;
	word.len = (size_t)(p->next - word.text);
	return word;
}

static bool
word_is(struct word word, const char *text)
{
	return word.len == strlen(text) &&
		memcmp(word.text, text, word.len) == 0;	/* public */
}

static bool
parse_end(struct parser *p)
{
	skip_blanks(p);
	return p->next == p->end ||
		parse_fail(p, p->next, "expected the end of the rule");
}

/* "none" and nothing else is all there is. */
static bool
parse_none(struct parser *p, enum roost_flagrule_kind kind)
{
	const char *start = p->next;

	if (word_is(next_word(p), "none")) {
		skip_blanks(p);
		if (p->next == p->end) {
			roost_flagrule_empty(p->rules, kind);
			return true;
		}
	}
	p->next = start;
	return false;
}

/* -- names -- */

/* Where names are joined, these join them and are no part of them. */
#define JOINTS "=|()"

static bool
name_check(struct parser *p, struct word word, bool may_match)
{
	size_t i;

	if (word.len == 0)
		return parse_fail(p, word.text, "expected a keyword");
	for (i = 0; i < word.len; i++) {
		bool is_wild = word.text[i] == '*' || word.text[i] == '?';

		if (is_wild && !may_match)
			return parse_fail(p, word.text + i,
					  "expected a name without wildcards");
		if (!is_wild && !roost_flagname_may_have(word.text[i]))
			return parse_fail(p, word.text + i,
					  "expected a keyword's character");
	}
	return word.len <= ROOST_FLAGNAME_MAX ||
		parse_fail(p, word.text + ROOST_FLAGNAME_MAX,
			   "expected a name of at most 255 bytes");
}

static bool
parse_names(struct parser *p, enum roost_flagrule_kind kind)
{
	for (;;) {
		struct word word = next_word(p);
		const char *phrase;

		if (word.len == 0)
			return true;
		if (word_is(word, "none"))
			return parse_fail(p, word.text,
					  "expected \"none\" to stand alone");
		if (!name_check(p, word, true))
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
			return parse_fail(p, word.text, phrase);
	}
}

/* A name that a joint or a blank may end. */
static bool
parse_joined(struct parser *p, struct word *word_r)
{
	skip_blanks(p);
	word_r->text = p->next;
	while (p->next < p->end && !is_blank(*p->next) &&
	       strchr(JOINTS, *p->next) == NULL)
		p->next++;
	word_r->len = (size_t)(p->next - word_r->text);
	return name_check(p, *word_r, false);
}

static bool
parse_joint(struct parser *p, char joint)
{
	skip_blanks(p);
	if (p->next == p->end || *p->next != joint)
		return false;
	p->next++;
	return true;
}

/* -- pairs and groups -- */

static bool
parse_alias(struct parser *p, struct word left, struct word right)
{
	bool is_left;
	const char *phrase = roost_flagrule_add_alias(p->rules, left.text,
		left.len, right.text, right.len, &is_left);

	return parse_result(p, is_left ? left.text : right.text, phrase);
}

static bool
parse_imply(struct parser *p, struct word left, struct word right)
{
	uint16_t left_idx, right_idx;

	left_idx = roost_flagrule_add_name(p->rules, left.text, left.len);
	right_idx = roost_flagrule_add_name(p->rules, right.text, right.len);
	return parse_result(p, right.text,
		roost_flagrule_add_imply(p->rules, left_idx, right_idx));
}

static bool
parse_pairs(struct parser *p, enum roost_flagrule_kind kind)
{
	bool is_alias = kind == ROOST_FLAGRULE_ALIAS;
	struct word left, right;

	do {
		if (!parse_joined(p, &left))
			return false;
		if (!parse_joint(p, '='))
			return parse_fail(p, p->next, is_alias ?
				"expected '=' after the alias" :
				"expected '=' after the name");
		if (!parse_joined(p, &right))
			return false;
		if (!(is_alias ? parse_alias(p, left, right) :
		      parse_imply(p, left, right)))
			return false;
		skip_blanks(p);
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
	bool is_winner = parse_joint(p, '(');
	struct word word;
	uint16_t name;

	if (is_winner && group->winner != NONE)
		return parse_fail(p, p->next - 1,
				  "expected one name in parentheses");
	if (!parse_joined(p, &word))
		return false;
	if (is_winner && !parse_joint(p, ')'))
		return parse_fail(p, p->next, "expected ')' after the name");
	name = roost_flagrule_add_name(p->rules, word.text, word.len);
	if (name == NONE || group->count == ROOST_FLAGRULE_MEMBERS_MAX)
		return parse_fail(p, word.text, ROOST_FLAGRULE_FULL);
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
	} while (parse_joint(p, '|'));
	if (group.count < 2)
		return parse_fail(p, p->next, "expected '|' after the name");
	phrase = roost_flagrule_add_group(p->rules, group.names, group.count,
					  group.winner, &bad);
	return parse_result(p, group.places[bad], phrase);
}

static bool
parse_groups(struct parser *p)
{
	do {
		if (!parse_group(p))
			return false;
	} while (p->next < p->end);
	return true;
}

/* -- numbers and words -- */

static bool
parse_number(struct parser *p, size_t min, size_t max, size_t *number_r)
{
	struct word word = next_word(p);
	size_t i, number = 0;

	for (i = 0; i < word.len; i++) {
		if (word.text[i] < '0' || word.text[i] > '9')
			return parse_fail(p, word.text + i,
					  "expected a number");
		if (number <= max)
			number = number * 10 + (size_t)(word.text[i] - '0');
	}
	if (number < min || number > max)
		return parse_fail(p, word.text,
				  "expected a number within its bounds");
	*number_r = number;
	return parse_end(p);
}

/* The first word or the second. */
static bool
parse_choice(struct parser *p, const char *no, const char *yes,
	     const char *phrase, bool *is_yes_r)
{
	struct word word = next_word(p);

	*is_yes_r = word_is(word, yes);
	if (!*is_yes_r && !word_is(word, no))
		return parse_fail(p, word.text, phrase);
	return parse_end(p);
}

static bool
parse_colors(struct parser *p)
{
	const char *start = p->next;
	bool is_on;

	return parse_choice(p, "no", "yes", "expected yes or no", &is_on) &&
		parse_result(p, start,
			     roost_flagrule_set_colors(p->rules, is_on));
}

/* The bit of enum roost_flagrule_delivery; 0 for any other name. */
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

static bool
parse_delivery(struct parser *p)
{
	for (;;) {
		struct word word = next_word(p);
		unsigned int bit = delivery_bit(word);

		if (word.len == 0)
			return true;
		if (bit == 0)
			return parse_fail(p, word.text,
					  "expected a keyword of the server's");
		p->rules->at_delivery |= bit;
		if (!parse_result(p, word.text, roost_flagrule_add_bit(p->rules,
				ROOST_FLAGRULE_AT_DELIVERY,
				roost_flagrule_add_name(p->rules, word.text,
							word.len))))
			return false;
	}
}

/* -- headers -- */

/* How many bytes follow the first of a character; 4 if it is no first one. */
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

/* Too long a form, a surrogate, or beyond U+10FFFF. */
static bool
utf8_is_excluded(unsigned char first, unsigned char second)
{
	return (first == 0xe0 && second < 0xa0) ||
		(first == 0xed && second > 0x9f) ||
		(first == 0xf0 && second < 0x90) ||
		(first == 0xf4 && second > 0x8f);
}

/* The first character that is not UTF-8, or NULL. */
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
	skip_blanks(p);
	field_r->text = p->next;
	while (p->next < p->end && *p->next > 0x20 && *p->next < 0x7f &&
	       *p->next != ':')
		p->next++;
	field_r->len = (size_t)(p->next - field_r->text);
	if (field_r->len == 0)
		return parse_fail(p, p->next, "expected a header's name");
	return parse_joint(p, ':') ||
		parse_fail(p, p->next, "expected ':' after the header's name");
}

/* Cut the last word off. */
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

/* The pattern may have blanks, and "set" in it: the end is read first. */
static bool
parse_header(struct parser *p)
{
	struct word field, rest, name;
	const char *bad;

	if (!parse_field(p, &field))
		return false;
	skip_blanks(p);
	rest.text = p->next;
	rest.len = (size_t)(p->end - p->next);
	name = cut_word(&rest);
	if (!word_is(cut_word(&rest), "set"))
		return parse_fail(p, p->end, "expected \"set\" and a keyword");
	trim(&rest);
	if (rest.len == 0)
		return parse_fail(p, rest.text, "expected a pattern");
	bad = utf8_find_bad(rest.text, rest.len);
	if (bad != NULL)
		return parse_fail(p, bad, "expected UTF-8");
	if (!name_check(p, name, false))
		return false;
	p->next = p->end;
	return parse_result(p, name.text, roost_flagrule_add_header(p->rules,
		field.text, field.len, rest.text, rest.len,
		roost_flagrule_add_name(p->rules, name.text, name.len)));
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
		return parse_names(p, kind);
	case ROOST_FLAGRULE_ALIAS:
	case ROOST_FLAGRULE_IMPLY:
		return parse_pairs(p, kind);
	case ROOST_FLAGRULE_EXCLUSIVE:
		return parse_groups(p);
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
		return parse_delivery(p);
	case ROOST_FLAGRULE_HEADER:
		return parse_header(p);
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
	struct word word = next_word(p);
	size_t kind;

	for (kind = 0; kind < ROOST_FLAGRULE_KINDS; kind++) {
		if (!word_is(word, words[kind]))
			continue;
		skip_blanks(p);
		if (p->next == p->end)
			return parse_fail(p, p->next, "expected a value");
		return parse_rule(p, (enum roost_flagrule_kind)kind);
	}
	return parse_fail(p, word.text, "expected the word of a rule");
}

static bool
line_check(struct parser *p)
{
	const char *at;

	for (at = p->next; at < p->end; at++) {
		unsigned char c = (unsigned char)*at;

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return parse_fail(p, at, "expected no control byte");
	}
	return true;
}

static bool
parse_line(struct parser *p)
{
	if (p->end - p->line > LINE_MAX_SIZE)
		return parse_fail(p, p->line + LINE_MAX_SIZE,
				  "expected a line of at most 1000 bytes");
	if (!line_check(p))
		return false;
	skip_blanks(p);
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
	skip_blanks(&p);
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
