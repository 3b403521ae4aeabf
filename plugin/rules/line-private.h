/* SPDX-License-Identifier: MIT */
#ifndef ROOST_RULES_LINE_PRIVATE_H
#define ROOST_RULES_LINE_PRIVATE_H

/*
 * line-private: what the files that parse the text of rules share.  Functions
 * that return bool return false after an error, which *p->error tells; where it
 * is different, their comments say so.
 */

#include "rules/rule-private.h"

#define NONE ROOST_FLAGRULE_NONE

struct parser {
	struct roost_flagrules *rules;
	const char *text;		/* the whole text */
	const char *line;		/* where the current line begins */
	const char *next, *end;		/* what is left of the line */
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

/*
 * -- line.c: words and names --
 *
 * Tell that the byte at this place cannot stand there.  Always returns false.
 */
bool roost_flagline_fail(struct parser *p, const char *at, const char *phrase);
/* The same, but true if the phrase is NULL. */
bool roost_flagline_result(struct parser *p, const char *at,
			   const char *phrase);
void roost_flagline_skip(struct parser *p);
/* Skip blanks and return what stands before the next ones, which may be
   nothing. */
struct word roost_flagline_word(struct parser *p);
bool roost_flagline_is(struct word word, const char *text);
bool roost_flagline_end(struct parser *p);
bool roost_flagline_name(struct parser *p, struct word word, bool may_match);
/* Read a name that ends at a blank or at a byte that joins names. */
bool roost_flagline_joined(struct parser *p, struct word *word_r);
/* Skip blanks and this byte.  False, without an error, if another one comes. */
bool roost_flagline_joint(struct parser *p, char joint);

/* -- list.c: what follows the word of a rule -- */
bool roost_flaglist_names(struct parser *p, enum roost_flagrule_kind kind);
bool roost_flaglist_pairs(struct parser *p, enum roost_flagrule_kind kind);
bool roost_flaglist_groups(struct parser *p);
bool roost_flaglist_delivery(struct parser *p);

bool roost_flagheader_parse(struct parser *p);

#endif
