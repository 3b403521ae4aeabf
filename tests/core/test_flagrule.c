/* SPDX-License-Identifier: MIT */
/*
 * flagrule: what rules make of a change, actor by actor; and that whatever
 * is done, groups, limits and protections hold.
 */
#include "kit.h"

#include "roost/flagrule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 1200

/* The names of a text, and whether \Flagged is one of them. */
struct words {
	char text[16384];
	const char *names[WORDS_MAX];
	size_t count;
	bool is_flagged;
};

static struct roost_flagrules rules;
static struct roost_flag_outcome outcome;

static struct words *
words_of(const char *text)
{
	static struct words all[8];
	static unsigned int next;
	struct words *words = &all[next++ % 8];
	char *word;

	assert_true(strlen(text) < sizeof(words->text));
	memcpy(words->text, text, strlen(text) + 1);
	words->count = 0;
	words->is_flagged = false;
	for (word = strtok(words->text, " "); word != NULL;
	     word = strtok(NULL, " ")) {
		if (strcmp(word, "\\Flagged") == 0)
			words->is_flagged = true;
		else
			words->names[words->count++] = word;
	}
	return words;
}

static bool
has_word(void *context, const char *name)
{
	const struct words *words = context;
	size_t i;

	for (i = 0; i < words->count; i++) {
		if (roost_flagname_equal(words->names[i], name))
			return true;
	}
	return false;
}

static void
rules_read(const char *text)
{
	struct roost_flagrule_error error;

	roost_flagrules_off(&rules);
	if (strncmp(text, "defaults", 8) == 0) {
		roost_flagrules_defaults(&rules);
		text += text[8] == '\n' ? 9 : 8;
	}
	if (!roost_flagrule_parse(&rules, text, strlen(text), &error))
		fail_msg("%u:%u %s", error.line, error.column, error.phrase);
}

static bool
is_flagged_then(enum roost_flag_change change, const struct words *current,
		const struct words *asked)
{
	if (change == ROOST_FLAG_ADD)
		return current->is_flagged || asked->is_flagged;
	if (change == ROOST_FLAG_REMOVE)
		return current->is_flagged && !asked->is_flagged;
	return asked->is_flagged;
}

static void
apply(enum roost_flag_actor actor, enum roost_flag_change change,
      struct words *current, struct words *asked, struct words *mailbox)
{
	struct roost_flag_request request = {
		.actor = actor, .change = change,
		.current = current->names, .current_count = current->count,
		.names = asked->names, .count = asked->count,
		.is_flagged = is_flagged_then(change, current, asked),
		.name_len_max = 50,
	};

	if (mailbox != NULL) {
		request.has_name = has_word;
		request.mailbox_count = mailbox->count;
		request.context = mailbox;
	}
	assert_good(roost_flagrule_apply(&rules, &request, &outcome));
}

static const char *
result_text(void)
{
	static char text[65536];
	size_t i, len = 0;

	text[0] = '\0';
	for (i = 0; i < outcome.count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
					i == 0 ? "" : " ", outcome.names[i]);
	return text;
}

static const char *
denials_text(void)
{
	static char text[65536];
	size_t i, len = 0;

	text[0] = '\0';
	for (i = 0; i < outcome.denial_count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"%s%s:%s", i == 0 ? "" : " ", outcome.denials[i].name,
			roost_flagrule_word(outcome.denials[i].rule));
	return text;
}

#define C ROOST_FLAG_CLIENT
#define D ROOST_FLAG_DELIVERY
#define S ROOST_FLAG_SCRIPT
#define A ROOST_FLAG_ADMIN
#define R ROOST_FLAG_REPLICATION
#define X ROOST_FLAG_SERVER
#define ADD ROOST_FLAG_ADD
#define DEL ROOST_FLAG_REMOVE
#define SET ROOST_FLAG_REPLACE
#define COPY ROOST_FLAG_COPY
#define FROM ROOST_FLAG_COPY_FOREIGN
#define OK ROOST_FLAG_OK
#define NOPERM ROOST_FLAG_NOPERM
#define LIMIT ROOST_FLAG_LIMIT
#define CANNOT ROOST_FLAG_CANNOT

#define P "protect $p\n"
#define PR "protect $p\non_violation reject\n"
#define K "keep $k\n"
#define KR "keep $k\non_violation reject\n"
#define N "deny n*\n"
#define NR "deny n*\non_violation reject\n"
#define ALLOW "allow a* x\n"
#define ALLOWR "allow a* x\non_violation reject\n"
#define AL "alias Junk=$Junk NonJunk=$NotJunk $Label1=$label1 L1=$label1 " \
	"JunkMail=$Junk\n"
#define E "exclusive $Junk|$NotJunk m|(f) 1|2|3\n"
#define ER "exclusive $Junk|$NotJunk m|(f)\non_violation reject\n"
#define I "imply $Phish=$Junk\n"
#define CO "colors yes\n"
#define B0 "$MailFlagBit0"
#define M2 "max_per_message 2\n"

/* A row without rules goes on with those of the row before. */
static const struct row {
	const char *rules;
	enum roost_flag_actor actor;
	const char *current;
	enum roost_flag_change change;
	const char *asked, *result, *denials;
	enum roost_flag_verdict verdict;
	/* What the mailbox has; NULL if that does not matter. */
	const char *mailbox;
} rows[] = {
	/* protect */
	{ P, C, "a", ADD, "$p b", "a b", "$p:protect", OK, NULL },
	{ NULL, C, "a", ADD, "$P", "a", "$P:protect", OK, NULL },
	{ NULL, D, "a", ADD, "$p b", "a b", "$p:protect", OK, NULL },
	{ NULL, S, "a", ADD, "$p b", "a b", "$p:protect", OK, NULL },
	{ NULL, A, "a", ADD, "$p b", "a $p b", "", OK, NULL },
	{ NULL, R, "a", ADD, "$p b", "a $p b", "", OK, NULL },
	{ NULL, X, "a", ADD, "$p b", "a $p b", "", OK, NULL },
	{ NULL, C, "$p a", DEL, "$p a", "$p", "$p:protect", OK, NULL },
	{ NULL, D, "$p a", DEL, "$p a", "$p", "$p:protect", OK, NULL },
	{ NULL, S, "$p a", DEL, "$p a", "$p", "$p:protect", OK, NULL },
	{ NULL, A, "$p a", DEL, "$p a", "", "", OK, NULL },
	{ NULL, R, "$p a", DEL, "$p a", "", "", OK, NULL },
	{ NULL, X, "$p a", DEL, "$p a", "", "", OK, NULL },
	{ NULL, C, "$p a", SET, "b", "$p b", "", OK, NULL },
	{ NULL, S, "$p a", SET, "b", "$p b", "", OK, NULL },
	{ NULL, D, "$p a", SET, "b", "$p b", "", OK, NULL },
	{ NULL, A, "$p a", SET, "b", "b", "", OK, NULL },
	{ NULL, R, "$p a", SET, "b", "b", "", OK, NULL },
	{ NULL, X, "$p a", SET, "b", "b", "", OK, NULL },
	{ NULL, C, "", SET, "b $p", "b", "$p:protect", OK, NULL },
	{ NULL, C, "$p a", SET, "", "$p", "", OK, NULL },
	{ NULL, C, "$p", ADD, "$p", "$p", "", OK, NULL },
	{ NULL, C, "", DEL, "$p", "", "", OK, NULL },
	{ NULL, C, "", COPY, "$p b", "$p b", "", OK, NULL },
	{ NULL, C, "", FROM, "$p b", "b", "$p:protect", OK, NULL },
	{ "protect $p*", C, "$p1", DEL, "$p1", "$p1", "$p1:protect", OK, NULL },
	{ PR, C, "a", ADD, "$p b", "a b", "$p:protect", NOPERM, NULL },
	{ NULL, C, "$p", ADD, "$p b", "$p b", "", OK, NULL },
	{ NULL, C, "a $p", DEL, "a $p", "$p", "$p:protect", NOPERM, NULL },
	{ NULL, C, "a", DEL, "a $p", "", "", OK, NULL },
	{ NULL, C, "$p a", SET, "b", "$p b", "", OK, NULL },
	{ NULL, C, "a", SET, "b $p", "b", "$p:protect", NOPERM, NULL },
	{ NULL, D, "a", ADD, "$p b", "a b", "$p:protect", OK, NULL },
	{ NULL, S, "a", ADD, "$p b", "a b", "$p:protect", OK, NULL },
	{ NULL, S, "$p", DEL, "$p", "$p", "$p:protect", OK, NULL },
	{ NULL, C, "", FROM, "$p b", "b", "$p:protect", OK, NULL },

	/* keep */
	{ K, C, "", ADD, "$k", "$k", "", OK, NULL },
	{ NULL, D, "", ADD, "$k", "$k", "", OK, NULL },
	{ NULL, C, "$k a", DEL, "$k a", "$k", "$k:keep", OK, NULL },
	{ NULL, D, "$k a", DEL, "$k a", "$k", "$k:keep", OK, NULL },
	{ NULL, S, "$k a", DEL, "$k a", "$k", "$k:keep", OK, NULL },
	{ NULL, A, "$k a", DEL, "$k a", "", "", OK, NULL },
	{ NULL, R, "$k a", DEL, "$k a", "", "", OK, NULL },
	{ NULL, X, "$k a", DEL, "$k a", "", "", OK, NULL },
	{ NULL, C, "$k a", SET, "b", "$k b", "", OK, NULL },
	{ NULL, A, "$k a", SET, "b", "b", "", OK, NULL },
	{ NULL, C, "", COPY, "$k b", "$k b", "", OK, NULL },
	{ NULL, C, "", FROM, "$k b", "$k b", "", OK, NULL },
	{ KR, C, "$k a", DEL, "$k", "$k a", "$k:keep", NOPERM, NULL },
	{ NULL, C, "a", DEL, "$k", "a", "", OK, NULL },
	{ NULL, C, "$k a", SET, "b", "$k b", "", OK, NULL },
	{ NULL, S, "$k a", DEL, "$k", "$k a", "$k:keep", OK, NULL },

	/* deny */
	{ N, C, "a", ADD, "n1 N b", "a b", "n1:deny N:deny", OK, NULL },
	{ NULL, D, "a", ADD, "n1 b", "a b", "n1:deny", OK, NULL },
	{ NULL, S, "a", ADD, "n1 b", "a b", "n1:deny", OK, NULL },
	{ NULL, A, "a", ADD, "n1 b", "a b", "n1:deny", OK, NULL },
	{ NULL, X, "a", ADD, "n1 b", "a n1 b", "", OK, NULL },
	{ NULL, R, "a", ADD, "n1 b", "a n1 b", "", OK, NULL },
	{ NULL, C, "n1 a", DEL, "n1", "a", "", OK, NULL },
	{ NULL, C, "n1 a", SET, "n1 b", "n1 b", "", OK, NULL },
	{ NULL, C, "n1 a", SET, "b", "b", "", OK, NULL },
	{ NULL, C, "", COPY, "n1 b", "b", "n1:deny", OK, NULL },
	{ NULL, C, "", FROM, "n1 b", "b", "n1:deny", OK, NULL },
	{ NR, C, "a", ADD, "n1", "a", "n1:deny", NOPERM, NULL },
	{ NULL, C, "n1", ADD, "n1", "n1", "", OK, NULL },
	{ NULL, C, "", SET, "n1 a", "a", "n1:deny", NOPERM, NULL },
	{ NULL, C, "", COPY, "n1 b", "b", "n1:deny", OK, NULL },
	{ NULL, A, "", ADD, "n1 b", "b", "n1:deny", OK, NULL },
	{ NULL, D, "", ADD, "n1 b", "b", "n1:deny", OK, NULL },

	/* allow */
	{ ALLOW, C, "", ADD, "abc x y", "abc x", "y:allow", OK, NULL },
	{ NULL, S, "", ADD, "abc x y", "abc x", "y:allow", OK, NULL },
	{ NULL, D, "", ADD, "abc x y", "abc x", "y:allow", OK, NULL },
	{ NULL, A, "", ADD, "abc x y", "abc x", "y:allow", OK, NULL },
	{ NULL, X, "", ADD, "abc x y", "abc x y", "", OK, NULL },
	{ NULL, R, "", ADD, "abc x y", "abc x y", "", OK, NULL },
	{ NULL, C, "y", SET, "y z", "y", "z:allow", OK, NULL },
	{ NULL, C, "y", DEL, "y", "", "", OK, NULL },
	{ NULL, C, "", COPY, "y x", "x", "y:allow", OK, NULL },
	{ ALLOW"deny ab*", C, "", ADD, "abc ax", "ax", "abc:deny", OK, NULL },
	{ ALLOW"at_delivery $Sealed", C, "", ADD, "$Sealed y", "$Sealed",
	  "y:allow", OK, NULL },
	{ ALLOWR, C, "", ADD, "y", "", "y:allow", NOPERM, NULL },

	/* alias */
	{ AL, C, "", ADD, "Junk", "$Junk", "", OK, NULL },
	{ NULL, C, "", ADD, "junk $JUNK Junk", "$Junk", "", OK, NULL },
	{ NULL, C, "a $Junk b", DEL, "Junk", "a b", "", OK, NULL },
	{ NULL, C, "a Junk b", DEL, "$Junk", "a b", "", OK, NULL },
	{ NULL, C, "Junk $Junk b", DEL, "JUNK", "b", "", OK, NULL },
	{ NULL, C, "a Junk b", ADD, "c", "a Junk b c", "", OK, NULL },
	{ NULL, C, "a Junk b", ADD, "Junk", "a $Junk b", "", OK, NULL },
	{ NULL, C, "a Junk b", ADD, "$Junk", "a $Junk b", "", OK, NULL },
	{ NULL, C, "Junk a $Junk", ADD, "Junk", "$Junk a", "", OK, NULL },
	{ NULL, C, "Junk a $Junk", ADD, "b", "$Junk a b", "", OK, NULL },
	{ NULL, C, "a Junk JUNKMAIL", ADD, "b", "a Junk b", "", OK, NULL },
	{ NULL, C, "a Junk", DEL, "a", "Junk", "", OK, NULL },
	{ NULL, C, "$JUNK a", ADD, "b", "$JUNK a b", "", OK, NULL },
	{ NULL, C, "a Junk", SET, "b Junk", "$Junk b", "", OK, NULL },
	{ NULL, C, "", SET, "$LABEL1", "$label1", "", OK, NULL },
	{ NULL, C, "$Label1", ADD, "$Label1", "$label1", "", OK, NULL },
	{ NULL, C, "$Label1", ADD, "b", "$Label1 b", "", OK, NULL },
	{ NULL, C, "l1", DEL, "$Label1", "", "", OK, NULL },
	{ NULL, X, "", ADD, "Junk", "$Junk", "", OK, NULL },
	{ NULL, A, "", ADD, "Junk", "$Junk", "", OK, NULL },
	{ NULL, D, "", ADD, "Junk", "$Junk", "", OK, NULL },
	{ NULL, S, "", ADD, "Junk", "$Junk", "", OK, NULL },
	{ NULL, R, "a", ADD, "Junk $JUNK", "a Junk $JUNK", "", OK, NULL },
	{ NULL, R, "Junk", DEL, "$Junk", "Junk", "", OK, NULL },
	{ NULL, C, "", COPY, "Junk b", "$Junk b", "", OK, NULL },
	{ AL"protect Junk", C, "", ADD, "$Junk", "", "$Junk:protect", OK,
	  NULL },
	{ NULL, C, "Junk", ADD, "$Junk", "Junk", "", OK, NULL },
	{ NULL, C, "Junk", DEL, "$Junk", "Junk", "$Junk:protect", OK, NULL },
	{ "protect Junk\n"AL, C, "", ADD, "$Junk", "", "$Junk:protect", OK,
	  NULL },

	/* exclusive */
	{ E, C, "$NotJunk a", ADD, "$Junk", "a $Junk", "", OK, NULL },
	{ NULL, D, "$NotJunk a", ADD, "$Junk", "a $Junk", "", OK, NULL },
	{ NULL, S, "$NotJunk a", ADD, "$Junk", "a $Junk", "", OK, NULL },
	{ NULL, A, "$NotJunk a", ADD, "$Junk", "a $Junk", "", OK, NULL },
	{ NULL, X, "$NotJunk a", ADD, "$Junk", "a $Junk", "", OK, NULL },
	{ NULL, R, "$NotJunk a", ADD, "$Junk", "$NotJunk a $Junk", "", OK,
	  NULL },
	{ NULL, C, "a", ADD, "$Junk $NotJunk b", "a b",
	  "$Junk:exclusive $NotJunk:exclusive", OK, NULL },
	{ NULL, C, "$Junk", ADD, "$Junk $NotJunk", "",
	  "$Junk:exclusive $NotJunk:exclusive", OK, NULL },
	{ NULL, C, "$Junk", SET, "$NotJunk $Junk", "",
	  "$Junk:exclusive $NotJunk:exclusive", OK, NULL },
	{ NULL, C, "", COPY, "$NotJunk $Junk a", "a",
	  "$Junk:exclusive $NotJunk:exclusive", OK, NULL },
	{ NULL, R, "", SET, "$NotJunk $Junk", "$NotJunk $Junk", "", OK, NULL },
	{ NULL, C, "$Junk $NotJunk", ADD, "a", "a", "", OK, NULL },
	{ NULL, C, "$Junk $NotJunk", DEL, "$Junk", "$NotJunk", "", OK, NULL },
	{ NULL, C, "$Junk $NotJunk", ADD, "$Junk", "$Junk", "", OK, NULL },
	{ NULL, C, "$Junk", SET, "$NotJunk", "$NotJunk", "", OK, NULL },
	{ NULL, C, "", ADD, "m f", "f", "m:exclusive", OK, NULL },
	{ NULL, C, "f", ADD, "m", "m", "", OK, NULL },
	{ NULL, C, "m", ADD, "f", "f", "", OK, NULL },
	{ NULL, C, "m f", ADD, "a", "f a", "", OK, NULL },
	{ NULL, C, "f", ADD, "m f", "f", "m:exclusive", OK, NULL },
	{ NULL, C, "1", ADD, "2 3", "", "2:exclusive 3:exclusive", OK, NULL },
	{ NULL, C, "1 2", ADD, "3", "3", "", OK, NULL },
	{ NULL, C, "3", ADD, "2", "2", "", OK, NULL },
	{ ER, C, "$NotJunk a", ADD, "$Junk", "a $Junk", "", OK, NULL },
	{ NULL, C, "a", ADD, "$Junk $NotJunk", "a",
	  "$Junk:exclusive $NotJunk:exclusive", OK, NULL },
	{ E"protect $Junk", C, "$Junk", ADD, "$NotJunk a", "$Junk a",
	  "$NotJunk:exclusive", OK, NULL },
	{ NULL, C, "$NotJunk", ADD, "$Junk", "$NotJunk", "$Junk:protect", OK,
	  NULL },
	{ NULL, C, "$NotJunk $Junk", ADD, "a", "$Junk a", "", OK, NULL },
	{ NULL, C, "$Junk", SET, "$NotJunk", "$Junk", "$NotJunk:exclusive", OK,
	  NULL },
	{ NULL, C, "$Junk", DEL, "$Junk", "$Junk", "$Junk:protect", OK, NULL },
	{ NULL, A, "$Junk", ADD, "$NotJunk", "$NotJunk", "", OK, NULL },
	{ NULL, X, "$Junk", ADD, "$NotJunk", "$NotJunk", "", OK, NULL },
	{ E"keep $Junk\non_violation reject", C, "$Junk", ADD, "$NotJunk",
	  "$Junk", "$NotJunk:exclusive", NOPERM, NULL },
	{ AL E, C, "NonJunk", ADD, "Junk", "$Junk", "", OK, NULL },
	{ NULL, C, "", ADD, "NonJunk $NotJunk", "$NotJunk", "", OK, NULL },

	/* imply */
	{ I, C, "", ADD, "$Phish", "$Phish $Junk", "", OK, NULL },
	{ NULL, D, "", ADD, "$Phish", "$Phish $Junk", "", OK, NULL },
	{ NULL, S, "", ADD, "$Phish", "$Phish $Junk", "", OK, NULL },
	{ NULL, A, "", ADD, "$Phish", "$Phish $Junk", "", OK, NULL },
	{ NULL, X, "", ADD, "$Phish", "$Phish $Junk", "", OK, NULL },
	{ NULL, R, "", ADD, "$Phish", "$Phish", "", OK, NULL },
	{ NULL, C, "", SET, "$Phish", "$Phish $Junk", "", OK, NULL },
	{ NULL, C, "", COPY, "$Phish", "$Phish $Junk", "", OK, NULL },
	{ NULL, C, "$Phish", ADD, "a", "$Phish a $Junk", "", OK, NULL },
	{ NULL, C, "$Phish $Junk a", DEL, "$Junk", "a", "", OK, NULL },
	{ NULL, C, "$Phish a", DEL, "$Junk", "a", "", OK, NULL },
	{ NULL, C, "$Phish $Junk", DEL, "$Phish", "$Junk", "", OK, NULL },
	{ NULL, C, "$Phish $Junk", SET, "$Phish", "$Phish $Junk", "", OK,
	  NULL },
	{ "imply a=b b=c c=d", C, "", ADD, "a", "a b c d", "", OK, NULL },
	{ NULL, C, "a b c d x", DEL, "d", "x", "", OK, NULL },
	{ NULL, C, "a b c d x", DEL, "b", "c d x", "", OK, NULL },
	{ I"protect $Junk", C, "", ADD, "$Phish", "$Phish", "$Junk:protect",
	  OK, NULL },
	{ I"deny $Junk", C, "", ADD, "$Phish", "$Phish", "$Junk:deny", OK,
	  NULL },
	{ I"deny $Junk\non_violation reject", C, "", ADD, "$Phish", "$Phish",
	  "$Junk:deny", OK, NULL },
	{ I"protect $Phish", C, "$Phish $Junk", DEL, "$Junk", "$Phish $Junk",
	  "$Junk:imply", OK, NULL },
	{ I"protect $Phish\non_violation reject", C, "$Phish $Junk", DEL,
	  "$Junk", "$Phish $Junk", "$Junk:imply", NOPERM, NULL },
	{ E I, C, "$NotJunk", ADD, "$Phish", "$Phish $Junk", "", OK, NULL },
	{ NULL, C, "", ADD, "$Phish $NotJunk", "$Phish $NotJunk",
	  "$Junk:exclusive", OK, NULL },
	{ NULL, C, "$Phish $NotJunk", ADD, "a", "$Phish $NotJunk a", "", OK,
	  NULL },
	{ NULL, C, "$Phish $Junk", ADD, "$NotJunk", "$Phish $NotJunk", "", OK,
	  NULL },
	{ NULL, C, "", ADD, "$Junk $NotJunk $Phish", "$Phish",
	  "$Junk:exclusive $NotJunk:exclusive", OK, NULL },
	{ E I"keep $NotJunk", C, "$NotJunk", ADD, "$Phish",
	  "$NotJunk $Phish", "$Junk:exclusive", OK, NULL },
	/* What could not be set again is asked for in vain, but stays. */
	{ "exclusive 1|2|3\nallow 2", C, "1", ADD, "1 2", "2", "", OK, NULL },
	{ NULL, C, "1", ADD, "1", "1", "", OK, NULL },
	{ E I"allow $Phish $Junk", C, "$NotJunk", ADD, "$Phish $NotJunk",
	  "$NotJunk $Phish", "$Junk:exclusive", OK, NULL },
	{ "exclusive x|y\nimply a=x b=y", C, "", ADD, "a b", "a b x",
	  "y:exclusive", OK, NULL },

	/* colors */
	{ CO, C, "", ADD, B0, "", B0":colors", OK, NULL },
	{ NULL, C, "\\Flagged", ADD, B0, B0, "", OK, NULL },
	{ NULL, C, "", ADD, "\\Flagged "B0, B0, "", OK, NULL },
	{ NULL, C, "\\Flagged a "B0, DEL, "\\Flagged", "a", "", OK, NULL },
	{ NULL, C, "\\Flagged a "B0, SET, B0, "", B0":colors", OK, NULL },
	{ NULL, C, "\\Flagged a "B0, SET, "\\Flagged "B0, B0, "", OK, NULL },
	{ NULL, C, "a "B0, ADD, "b", "a b", "", OK, NULL },
	{ NULL, D, "", SET, B0, "", B0":colors", OK, NULL },
	{ NULL, S, "", SET, B0, "", B0":colors", OK, NULL },
	{ NULL, A, "", SET, B0, "", B0":colors", OK, NULL },
	{ NULL, X, "", SET, B0, "", B0":colors", OK, NULL },
	{ NULL, R, "", SET, B0, B0, "", OK, NULL },
	{ NULL, C, "", COPY, B0" a", "a", B0":colors", OK, NULL },
	{ NULL, C, "", ADD, "$mailflagbit1 $MailFlagBit2 $MailFlagBit3",
	  "$MailFlagBit3", "$mailflagbit1:colors $MailFlagBit2:colors", OK,
	  NULL },
	{ CO"on_violation reject", C, "", ADD, B0, "", B0":colors", OK, NULL },
	{ CO"imply x="B0, C, "", ADD, "x", "x", B0":colors", OK, NULL },
	{ CO"imply x="B0, C, "\\Flagged", ADD, "x", "x "B0, "", OK, NULL },
	{ CO"protect "B0, C, B0, DEL, "\\Flagged", B0, "", OK, NULL },
	{ "colors yes\ncolors no\nkeep z", C, "", ADD, B0, B0, "", OK, NULL },

	/* max_per_message */
	{ M2, C, "a", ADD, "b c d", "a b",
	  "c:max_per_message d:max_per_message", LIMIT, NULL },
	{ NULL, C, "a b", ADD, "a b", "a b", "", OK, NULL },
	{ NULL, C, "a b c", ADD, "d", "a b c", "d:max_per_message", LIMIT,
	  NULL },
	{ NULL, C, "a b c", DEL, "a", "b c", "", OK, NULL },
	{ NULL, C, "a b", SET, "c b d", "b c", "d:max_per_message", LIMIT,
	  NULL },
	{ NULL, D, "", SET, "a b c", "a b", "c:max_per_message", OK, NULL },
	{ NULL, S, "", SET, "a b c", "a b", "c:max_per_message", OK, NULL },
	{ NULL, A, "", SET, "a b c", "a b", "c:max_per_message", OK, NULL },
	{ NULL, X, "", SET, "a b c", "a b", "c:max_per_message", OK, NULL },
	{ NULL, R, "", SET, "a b c", "a b c", "", OK, NULL },
	{ NULL, C, "", COPY, "a b c", "a b", "c:max_per_message", OK, NULL },
	{ M2 E, C, "$Junk a", ADD, "$NotJunk", "a $NotJunk", "", OK, NULL },
	{ NULL, C, "$Junk a", ADD, "b $NotJunk", "a $NotJunk",
	  "b:max_per_message", LIMIT, NULL },
	{ M2 I, C, "a", ADD, "$Phish", "a $Phish", "$Junk:max_per_message", OK,
	  NULL },
	{ M2 AL, C, "Junk $Junk", ADD, "a", "$Junk a", "", OK, NULL },

	/* max_per_mailbox, reserve */
	{ "max_per_mailbox 3", C, "", ADD, "c d e", "c d",
	  "e:max_per_mailbox", LIMIT, "c y" },
	{ NULL, C, "e", ADD, "e c", "e c", "", OK, "a b c" },
	{ NULL, D, "", SET, "c d e", "c d", "e:max_per_mailbox", OK, "c y" },
	{ NULL, S, "", SET, "c d e", "c d", "e:max_per_mailbox", OK, "c y" },
	{ NULL, A, "", SET, "c d e", "c d", "e:max_per_mailbox", OK, "c y" },
	{ NULL, X, "", SET, "c d e", "c d", "e:max_per_mailbox", OK, "c y" },
	{ NULL, R, "", SET, "c d e", "c d e", "", OK, "c y" },
	{ NULL, C, "", COPY, "c d e", "c d", "e:max_per_mailbox", OK, "c y" },
	{ NULL, C, "", ADD, "c d e f g h", "c d e f g h", "", OK, NULL },
	{ "max_per_mailbox 3\nreserve 2", C, "", ADD, "a b", "a",
	  "b:reserve", LIMIT, "" },
	{ NULL, D, "", ADD, "a b", "a", "b:reserve", OK, "" },
	{ NULL, S, "", ADD, "a b", "a", "b:reserve", OK, "" },
	{ NULL, A, "", ADD, "a b", "a", "b:reserve", OK, "" },
	{ NULL, X, "", ADD, "a b c d", "a b c", "d:max_per_mailbox", OK, "" },
	{ "max_per_mailbox 3\nreserve 9", C, "", ADD, "a", "", "a:reserve",
	  LIMIT, "" },
	{ "max_per_mailbox 3\n"E, C, "$Junk", ADD, "$NotJunk", "$Junk",
	  "$NotJunk:max_per_mailbox", LIMIT, "$Junk a b" },
	{ NULL, C, "$Junk", ADD, "$NotJunk", "$NotJunk", "", OK,
	  "$Junk a $NotJunk" },
	{ "max_per_mailbox 3\n"I, C, "", ADD, "$Phish", "$Phish",
	  "$Junk:max_per_mailbox", OK, "$Phish a b" },
	{ "max_per_mailbox 1\n"AL, C, "Junk", ADD, "Junk", "Junk", "", OK,
	  "Junk" },

	/* names */
	{ "keep z", C, "", ADD, "a(b a", "a", "a(b:name", CANNOT, NULL },
	{ NULL, C, "a(b", ADD, "a(b a", "a(b a", "", OK, NULL },
	{ NULL, C, "a(b a", DEL, "a(b", "a", "", OK, NULL },
	{ NULL, C, "", SET, "a\xc3\xa9", "", "a\xc3\xa9:name", CANNOT, NULL },
	{ NULL, C, "", SET, "\\x", "", "\\x:name", CANNOT, NULL },
	{ NULL, D, "", SET, "a] b", "b", "a]:name", OK, NULL },
	{ NULL, S, "", SET, "a] b", "b", "a]:name", OK, NULL },
	{ NULL, A, "", SET, "a] b", "b", "a]:name", OK, NULL },
	{ NULL, X, "", SET, "a] b", "b", "a]:name", OK, NULL },
	{ NULL, R, "", SET, "a] b", "a] b", "", OK, NULL },
	{ NULL, C, "", COPY, "a] b", "b", "a]:name", OK, NULL },
	{ NULL, C, "", ADD,
	  "x2345678901234567890123456789012345678901234567890 "
	  "x23456789012345678901234567890123456789012345678901",
	  "x2345678901234567890123456789012345678901234567890",
	  "x23456789012345678901234567890123456789012345678901:name", CANNOT,
	  NULL },

	/* several at once; the first reason counts */
	{ "deny n\nmax_per_message 1\non_violation reject", C, "", ADD,
	  "a b n", "a", "n:deny b:max_per_message", NOPERM, NULL },
	{ NULL, C, "", ADD, "a b ] n", "a",
	  "]:name n:deny b:max_per_message", CANNOT, NULL },

	/* the defaults */
	{ "defaults", C, "", SET, "Junk $Sealed $label2 Work",
	  "$Junk $label2 Work", "$Sealed:protect", OK, NULL },
	{ NULL, C, "$Sealed $Forwarded Work", SET, "", "$Sealed $Forwarded",
	  "", OK, NULL },
	{ NULL, X, "$HasNoAttachment", ADD, "$hasattachment",
	  "$hasattachment", "", OK, NULL },
	{ NULL, C, "", ADD, "$istrusted $autosent $imported $maskedemail", "",
	  "$istrusted:protect $autosent:protect $imported:protect "
	  "$maskedemail:protect", OK, NULL },
	{ NULL, C, "", ADD, "$canunsubscribe $HasAttachment $hasnoattachment",
	  "", "$canunsubscribe:protect $HasAttachment:protect "
	  "$hasnoattachment:protect", OK, NULL },
	{ NULL, C, "$MDNSent Forwarded", DEL, "$MDNSent $Forwarded",
	  "$MDNSent Forwarded", "$MDNSent:keep $Forwarded:keep", OK, NULL },
	{ NULL, C, "$muted", ADD, "$followed", "$followed", "", OK, NULL },
	{ NULL, C, "", ADD, "$muted $followed", "$followed",
	  "$muted:exclusive", OK, NULL },
	{ NULL, C, "$memo", ADD, "$hasmemo", "$hasmemo", "", OK, NULL },
	{ NULL, C, "NonJunk", ADD, "$Phishing", "$Phishing $Junk", "", OK,
	  NULL },
	{ NULL, C, "", ADD, "JunkRecorded", "$Junk", "", OK, NULL },
	{ NULL, C, "", ADD, "NotJunk NonJunk $NotJunk", "$NotJunk", "", OK,
	  NULL },
	{ NULL, C, "", ADD, "LABEL1 $LABEL2 $Label3 label4 LABEL5",
	  "$label1 $label2 $label3 $label4 $label5", "", OK, NULL },
	{ NULL, C, "", ADD, B0, "", B0":colors", OK, NULL },
	{ "defaults\nprotect none\nalias none\n", C, "Junk", ADD,
	  "$Sealed $Junk", "Junk $Sealed $Junk", "", OK, NULL },
	{ "defaults\nkeep none\nexclusive none\nimply none\n", C,
	  "$Forwarded $NotJunk", SET, "$NotJunk $Junk $Phishing",
	  "$NotJunk $Junk $Phishing", "", OK, NULL },
	{ "deny x\nallow y\ndeny none\nallow none\nkeep z", C, "", ADD,
	  "x y z", "x y z", "", OK, NULL },
	{ "max_per_message 1\nmax_per_message none\nmax_per_mailbox 1\n"
	  "max_per_mailbox none\nkeep z", C, "", ADD, "x y", "x y", "", OK,
	  "" },
	{ "max_per_mailbox 1\nreserve 1\nreserve none", C, "", ADD, "x", "x",
	  "", OK, "" },
};

static bool
row_check(size_t idx)
{
	const struct row *row = &rows[idx];

	if (row->rules != NULL)
		rules_read(row->rules);
	apply(row->actor, row->change, words_of(row->current),
	      words_of(row->asked),
	      row->mailbox == NULL ? NULL : words_of(row->mailbox));
	if (strcmp(result_text(), row->result) == 0 &&
	    strcmp(denials_text(), row->denials) == 0 &&
	    outcome.verdict == row->verdict)
		return true;
	print_error("row %zu (%s + %s): is %s; %s; %d, should be %s; %s; %d\n",
		    idx, row->current, row->asked, result_text(),
		    denials_text(), (int)outcome.verdict, row->result,
		    row->denials, (int)row->verdict);
	return false;
}

static void
test_every_rule_binds_whom_it_binds(void **state)
{
	size_t i, bad = 0;

	(void)state;
	for (i = 0; i < KIT_COUNT(rows); i++)
		bad += row_check(i) ? 0 : 1;
	assert_int_equal(bad, 0);
}

/* -- off -- */

/* Names of any kind: good, bad, twice, in several spellings. */
static const char *const any_names[] = {
	"a", "A", "b", "c", "d", "e", "f", "$p", "$P", "$q", "$k", "$K", "n1",
	"n2", "Junk", "$Junk", "$JUNK", "JunkRecorded", "$NotJunk", "NonJunk",
	"m", "fo", "x1", "x2", "X2", "x3", "i1", "i2", "i3", "i4", "p4", "c3",
	"$MailFlagBit0", "$mailflagbit1", "$MailFlagBit2", "o1", "o2", "o3",
	"o4", "o5", "o6", "O6", "o7", "o8", "o9", "bad]", "", "b\xc3\xa9",
	"none", "$Label1", "$label1", "LABEL1", "$MailFlagBit1", "$muted",
	"$followed",
};

static struct words *
any_words(size_t max)
{
	static struct words all[8];
	static unsigned int next;
	struct words *words = &all[next++ % 8];
	size_t count = kit_below(max + 1);

	words->is_flagged = kit_below(2) == 0;
	for (words->count = 0; words->count < count; words->count++)
		words->names[words->count] =
			any_names[kit_below(KIT_COUNT(any_names))];
	return words;
}

static enum roost_flag_actor
any_actor(void)
{
	static const enum roost_flag_actor actors[] = { C, D, S, A, R, X };

	return actors[kit_below(KIT_COUNT(actors))];
}

static enum roost_flag_change
any_change(void)
{
	static const enum roost_flag_change changes[] = {
		ADD, DEL, SET, ADD, DEL, SET, COPY, FROM,
	};

	return changes[kit_below(KIT_COUNT(changes))];
}

static void
assert_names(const struct words *should)
{
	size_t i;

	assert_int_equal(outcome.count, should->count);
	for (i = 0; i < should->count; i++)
		assert_ptr_equal(outcome.names[i], should->names[i]);
}

/* Returns what a server without rules makes of it, with the names as they
   came. */
static struct words *
literal_words(enum roost_flag_change change, const struct words *current,
	      struct words *asked)
{
	static struct words result;
	size_t i;

	result.count = 0;
	for (i = 0; (change == ADD || change == DEL) && i < current->count;
	     i++) {
		if (change == ADD || !has_word(asked, current->names[i]))
			result.names[result.count++] = current->names[i];
	}
	for (i = 0; change != DEL && i < asked->count; i++) {
		if (change != ADD || !has_word(&result, asked->names[i]))
			result.names[result.count++] = asked->names[i];
	}
	return &result;
}

static bool
is_one_set(struct words *a, struct words *b)
{
	size_t i;

	for (i = 0; i < a->count; i++) {
		if (!has_word(b, a->names[i]))
			return false;
	}
	for (i = 0; i < b->count; i++) {
		if (!has_word(a, b->names[i]))
			return false;
	}
	return true;
}

static struct words *
outcome_words(void)
{
	static struct words result;
	size_t i;

	for (i = 0; i < outcome.count; i++)
		result.names[i] = outcome.names[i];
	result.count = outcome.count;
	return &result;
}

static void
test_without_rules_the_request_is_the_result(void **state)
{
	static const char *const nothing[] = {
		"", "# nothing\n", "on_violation reject\nreserve 100\n",
		"at_delivery $Sealed\nheader X: * set b\n", "colors no",
	};
	struct words *current, *asked, none = { .count = 0 };
	enum roost_flag_change change;
	int round, rounds = kit_is_quick() ? 500 : 20000;

	(void)state;
	for (round = 0; round < rounds; round++) {
		rules_read(nothing[round % (int)KIT_COUNT(nothing)]);
		current = any_words(6);
		asked = any_words(6);
		change = any_change();
		apply(any_actor(), change, current, asked,
		      kit_below(2) == 0 ? NULL : &none);
		assert_names(literal_words(change, current, asked));
		assert_false(outcome.has_deviated);
		assert_int_equal(outcome.denial_count, 0);
		assert_int_equal(outcome.verdict, OK);
	}
}

static void
test_replication_is_not_asked(void **state)
{
	struct words *current, *asked, none = { .count = 0 };
	enum roost_flag_change change;
	int round, rounds = kit_is_quick() ? 500 : 20000;

	(void)state;
	rules_read("defaults\nmax_per_message 1\nmax_per_mailbox 1\ndeny *\n");
	for (round = 0; round < rounds; round++) {
		current = any_words(6);
		asked = any_words(6);
		change = any_change();
		apply(R, change, current, asked, &none);
		assert_names(literal_words(change, current, asked));
		assert_false(outcome.has_deviated);
		assert_int_equal(outcome.denial_count, 0);
	}
}

/* -- any sequence of changes -- */

/* A world has few names, and every rule meets every other one. */
static const char *const worlds[] = {
	"protect $p p4\nkeep $k\ndeny n*\n"
	"alias Junk=$Junk JunkRecorded=$Junk NonJunk=$NotJunk\n"
	"alias $Label1=$label1 LABEL1=$label1\n"
	"exclusive $Junk|$NotJunk m|(fo) x1|x2|x3|$q p4|c3\n"
	"imply i1=$Junk i2=$NotJunk i3=i4 i4=x1 $p=$Junk o1=$MailFlagBit0\n"
	"colors yes\nmax_per_message 5\nmax_per_mailbox 20\nreserve 4\n",

	"protect Junk $MailFlagBit1 x2\nkeep x3 i4\nallow x* i* o* Junk m\n"
	"alias Junk=$Junk JunkRecorded=$Junk NonJunk=$NotJunk\n"
	"exclusive $Junk|$NotJunk|a m|(fo) (x1)|x2|x3|$q\n"
	"imply x1=i1 i1=i2 i2=i3 i3=m a=b b=c c=d\n"
	"colors yes\nmax_per_message 4\non_violation reject\n",

	"defaults\nmax_per_message 6\nmax_per_mailbox 12\nreserve 2\n"
	"protect $p x1\nimply o1=$p o2=x1 o3=$muted\nkeep o4\n",

	"exclusive a|b|c|d|e|f o1|o2|(o3)\nimply o4=a o5=b o6=c a=o1 b=o2\n"
	"keep d\nprotect o2\nmax_per_message 3\nmax_per_mailbox 9\n",
};

/* The groups that an outcome must keep, apart from the text of the rules. */
static const char *const groups[][5] = {
	{ "$Junk $NotJunk", "m fo", "x1 x2 x3 $q", "p4 c3", NULL },
	{ "$Junk $NotJunk a", "m fo", "x1 x2 x3 $q", NULL },
	{ "$Junk $NotJunk", "$muted $followed", NULL },
	{ "a b c d e f", "o1 o2 o3", NULL },
};
static const struct {
	size_t message, mailbox, reserve;
} limits[] = {
	{ 5, 20, 4 }, { 4, 0, 0 }, { 6, 12, 2 }, { 3, 9, 0 },
};
static const char *const locks[][2] = {
	{ "$p p4", "$k" }, { "$Junk $MailFlagBit1 x2", "x3 i4" },
	{ "$p x1", "o4" }, { "o2", "d" },
};

/* True if the set has the name in any spelling. */
static bool
has_meaning(const struct words *set, const char *name)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		if (roost_flagname_equal(name, roost_flagrule_canonical(&rules,
					 set->names[i])))
			return true;
	}
	return false;
}

static bool
is_bound(enum roost_flag_actor actor)
{
	return actor == C || actor == D || actor == S;
}

static bool
is_fixed(size_t world, enum roost_flag_actor actor, const char *name)
{
	return is_bound(actor) && (has_word(words_of(locks[world][0]), name) ||
				   has_word(words_of(locks[world][1]), name));
}

struct world {
	size_t idx;
	struct words message, mailbox;
	struct words before;
};

static void
assert_groups_hold(const struct world *w, enum roost_flag_actor actor,
		   const struct words *after)
{
	size_t g, i;

	for (g = 0; groups[w->idx][g] != NULL; g++) {
		struct words *group = words_of(groups[w->idx][g]);
		size_t loose = 0, fixed = 0;

		for (i = 0; i < group->count; i++) {
			if (!has_meaning(after, group->names[i]))
				continue;
			/* Two that may not be cleared stay as they were. */
			if (is_fixed(w->idx, actor, group->names[i]) &&
			    has_meaning(&w->before, group->names[i]))
				fixed++;
			else
				loose++;
		}
		if (loose > 1 || (loose == 1 && fixed > 0))
			fail_msg("group %s: %s", groups[w->idx][g],
				 result_text());
	}
}

static void
assert_limits_hold(const struct world *w, enum roost_flag_actor actor,
		   struct words *after)
{
	size_t i, news = 0, max = limits[w->idx].mailbox;

	if (after->count > limits[w->idx].message &&
	    after->count > w->before.count)
		fail_msg("too many: %s", result_text());
	for (i = 0; i < after->count; i++) {
		struct words mailbox = w->mailbox;

		if (!has_word(&mailbox, after->names[i]))
			news++;
	}
	if (actor != X)
		max -= max == 0 ? 0 : limits[w->idx].reserve;
	if (news > 0 && max != 0 && w->mailbox.count + news > max)
		fail_msg("too many for the mailbox: %s", result_text());
}

static void
assert_protection_holds(const struct world *w, enum roost_flag_actor actor,
			enum roost_flag_change change,
			const struct words *after)
{
	struct words *protected = words_of(locks[w->idx][0]);
	struct words *kept = words_of(locks[w->idx][1]);
	size_t i;

	if (!is_bound(actor))
		return;
	for (i = 0; i < protected->count && change != COPY; i++) {
		if (has_meaning(after, protected->names[i]) !=
		    has_meaning(&w->before, protected->names[i]))
			fail_msg("protected %s: actor %d, change %d: %s",
				 protected->names[i], (int)actor, (int)change,
				 result_text());
	}
	for (i = 0; i < kept->count; i++) {
		if (has_meaning(&w->before, kept->names[i]) &&
		    !has_meaning(after, kept->names[i]))
			fail_msg("kept %s: %s", kept->names[i],
				 result_text());
	}
}

static void
assert_flags_are_right(const struct world *w, enum roost_flag_change change,
		       struct words *asked, struct words *after)
{
	struct words before = w->before;

	if (outcome.has_changed == is_one_set(&before, after))
		fail_msg("changed: %d", outcome.has_changed);
	if (outcome.has_deviated ==
	    is_one_set(literal_words(change, &before, asked), after))
		fail_msg("deviated: %d", outcome.has_deviated);
}

static void
print_words(const char *title, const struct words *words)
{
	size_t i;

	print_error("%s:", title);
	for (i = 0; i < words->count; i++)
		print_error(" %s", words->names[i]);
	print_error("%s\n", words->is_flagged ? " \\Flagged" : "");
}

/* The message now has what came of it, and the mailbox knows these names. */
static void
world_become(struct world *w, const struct words *after)
{
	size_t i;

	w->message = *after;
	for (i = 0; i < after->count; i++) {
		if (!has_word(&w->mailbox, after->names[i]))
			w->mailbox.names[w->mailbox.count++] = after->names[i];
	}
}

/* Spell the names of the set as they were first mentioned here. */
static void
world_own(struct words *set)
{
	size_t i, j;

	for (i = 0; i < set->count; i++) {
		for (j = 0; j < KIT_COUNT(any_names); j++) {
			if (strcmp(any_names[j], set->names[i]) == 0)
				set->names[i] = any_names[j];
		}
	}
}

static void
world_change(struct world *w, enum roost_flag_actor actor)
{
	enum roost_flag_change change = any_change();
	struct words *asked = any_words(5), *after, once;
	size_t i;

	if (change == COPY || change == FROM)
		w->message.count = 0;
	w->before = w->message;
	w->before.is_flagged = w->message.is_flagged = kit_below(2) == 0;
	apply(actor, change, &w->message, asked, &w->mailbox);
	after = outcome_words();
	assert_flags_are_right(w, change, asked, after);
	if (actor != R) {
		assert_groups_hold(w, actor, after);
		assert_limits_hold(w, actor, after);
		assert_protection_holds(w, actor, change, after);
	}
	once = *after;
	world_own(&once);
	world_become(w, &once);
	w->message.is_flagged = is_flagged_then(change, &w->before, asked);
	if (change == COPY || change == FROM)
		return;
	apply(actor, change, &w->message, asked, &w->mailbox);
	if (outcome.has_changed) {
		print_words("before", &w->before);
		print_words("asked", asked);
		print_words("then", &once);
		fail_msg("world %zu, again: actor %d, change %d: %s",
			 w->idx, (int)actor, (int)change, result_text());
	}
	for (i = 0; i < once.count; i++)
		assert_string_equal(outcome.names[i], once.names[i]);
	assert_int_equal(outcome.count, once.count);
}

static void
test_whatever_is_done_the_rules_hold(void **state)
{
	static struct world w;
	int round, rounds = kit_is_quick() ? 5000 : 150000;

	(void)state;
	for (round = 0; round < rounds; round++) {
		if (round % 50 == 0) {
			w.idx = kit_below(KIT_COUNT(worlds));
			rules_read(worlds[w.idx]);
			w.message.count = w.mailbox.count = 0;
		}
		world_change(&w, any_actor());
	}
}

/* However long they try, what the server set stays, and nothing else comes. */
static void
test_no_sequence_changes_what_is_protected(void **state)
{
	static const enum roost_flag_actor actors[] = { C, D, S };
	static struct world w;
	struct words *protected;
	size_t i, set;
	int round, rounds = kit_is_quick() ? 50 : 4000;

	(void)state;
	for (round = 0; round < rounds; round++) {
		w.idx = kit_below(KIT_COUNT(worlds));
		rules_read(worlds[w.idx]);
		protected = words_of(locks[w.idx][0]);
		set = kit_below(protected->count + 1);
		w.message.count = w.mailbox.count = 0;
		if (set < protected->count)
			w.message.names[w.message.count++] =
				protected->names[set];
		world_own(&w.message);
		for (i = 0; i < 30; i++) {
			struct words *asked = any_words(5), after;

			apply(actors[kit_below(3)],
			      any_change() == ADD ? ADD : i % 2 ? DEL : SET,
			      &w.message, asked, &w.mailbox);
			after = *outcome_words();
			world_own(&after);
			world_become(&w, &after);
		}
		protected = words_of(locks[w.idx][0]);
		for (i = 0; i < protected->count; i++)
			assert_int_equal(has_meaning(&w.message,
						     protected->names[i]),
					 i == set);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_rule_binds_whom_it_binds),
		cmocka_unit_test(test_without_rules_the_request_is_the_result),
		cmocka_unit_test(test_replication_is_not_asked),
		cmocka_unit_test(test_whatever_is_done_the_rules_hold),
		cmocka_unit_test(test_no_sequence_changes_what_is_protected),
	};

	return cmocka_run_group_tests_name("flagrule", tests, kit_setup,
					   kit_teardown);
}
