/* SPDX-License-Identifier: MIT */
#ifndef ROOST_RULES_LINE_PRIVATE_H
#define ROOST_RULES_LINE_PRIVATE_H

/*
 * line-private: the rules' text while it is parsed.  What returns bool
 * is false after an error that *p->error tells of, unless it says otherwise.
 */

#include "rules/rule-private.h"

#define NONE ROOST_FLAGRULE_NONE

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

static inline bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* flagtext: always false, and tells of the byte that cannot stand there. */
bool roost_flagline_fail(struct parser *p, const char *at, const char *phrase);
/* The same, unless the phrase is NULL. */
bool roost_flagline_result(struct parser *p, const char *at,
			   const char *phrase);
void roost_flagline_skip(struct parser *p);
/* The next blanks, then what comes before more blanks; maybe nothing. */
struct word roost_flagline_word(struct parser *p);
bool roost_flagline_is(struct word word, const char *text);
bool roost_flagline_end(struct parser *p);
bool roost_flagline_name(struct parser *p, struct word word, bool may_match);
/* A name that a joint or a blank may end. */
bool roost_flagline_joined(struct parser *p, struct word *word_r);
/* False, and no error, if the next byte is another one. */
bool roost_flagline_joint(struct parser *p, char joint);

/* flaglist: what follows the word of such a rule. */
bool roost_flaglist_names(struct parser *p, enum roost_flagrule_kind kind);
bool roost_flaglist_pairs(struct parser *p, enum roost_flagrule_kind kind);
bool roost_flaglist_groups(struct parser *p);
bool roost_flaglist_delivery(struct parser *p);

bool roost_flagheader_parse(struct parser *p);

#endif
