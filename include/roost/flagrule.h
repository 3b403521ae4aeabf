/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGRULE_H
#define ROOST_FLAGRULE_H

/*
 * flagrule: the policy of custom flags: its text, and what it makes of a
 * change to a message's keywords.
 *
 * This is where the room rules begins.  Its files text, line, list and header
 * parse the text of rules into the tables of table; apply makes a change with
 * the help of entry, group, limit and pair; ask answers what the rules say of
 * one name, and name is the grammar of names (roost/flagname.h).
 *
 * Promises: what is answered depends on the arguments alone; nothing is
 * allocated; a change that is made twice has the outcome of one; the outcome
 * breaks no exclusive group, no limit and no protection that held before.  It
 * knows nothing of mailboxes but how many names one has, and whether it has a
 * certain one.
 *
 * A text of rules, one a line:
 *
 *	text        lines, ended by LF or CRLF; the last may lack it
 *	line        at most 1000 bytes: nothing, "#" and a comment, or a rule
 *	rule        one of
 *	  protect       NAMES	only the server sets or clears them
 *	  keep          NAMES	may be set, never cleared
 *	  deny          NAMES	may not be set
 *	  allow         NAMES	if there is any: no others may be set
 *	  alias         PAIRS	the left name means the right one
 *	  exclusive     GROUPS	at most one of a group is set
 *	  imply         PAIRS	the left name sets the right one, too
 *	  colors        yes|no	$MailFlagBit0-2 only with \Flagged
 *	  max_per_message  1..1000
 *	  max_per_mailbox  1..10000
 *	  reserve          0..1000  of them for the server
 *	  on_violation  ignore|reject
 *	  at_delivery   of $HasAttachment $HasNoAttachment $canunsubscribe
 *			$Sealed: what the server sets while it saves
 *	  header        FIELD: PATTERN set NAME	while it saves: if any
 *			such header's decoded value matches
 *	NAMES       names; "*" is any bytes and "?" is one
 *	PAIRS       name = name
 *	GROUPS      name | name | (name)	the one in parentheses, if
 *			any, stays where several would go
 *
 * Lists are separated by blanks (SP, TAB); there may be blanks around "=" and
 * "|".  A name is a keyword of at most 255 bytes, and in PAIRS and GROUPS has
 * none of = | * ?.  "#" within a line belongs to a name.  Case counts only in
 * the words of the rules themselves.  Control bytes are refused, and in
 * PATTERN what is not UTF-8.
 *
 * A rule adds to those of its kind that stand before it, but a number or a
 * word replaces the one before.  "none" alone, for all but colors and
 * on_violation, takes away all of that kind that stand before.  The same rule
 * may stand twice.  A rule about an alias is about its target, and patterns
 * match targets.
 */

#include "roost/err.h"
#include "roost/flagname.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum roost_flagrule_kind {
	ROOST_FLAGRULE_PROTECT,
	ROOST_FLAGRULE_KEEP,
	ROOST_FLAGRULE_DENY,
	ROOST_FLAGRULE_ALLOW,
	ROOST_FLAGRULE_ALIAS,
	ROOST_FLAGRULE_EXCLUSIVE,
	ROOST_FLAGRULE_IMPLY,
	ROOST_FLAGRULE_COLORS,
	ROOST_FLAGRULE_MAX_PER_MESSAGE,
	ROOST_FLAGRULE_MAX_PER_MAILBOX,
	ROOST_FLAGRULE_RESERVE,
	ROOST_FLAGRULE_ON_VIOLATION,
	ROOST_FLAGRULE_AT_DELIVERY,
	ROOST_FLAGRULE_HEADER,
	/* This is no rule: it is the reason for denying what is no keyword or
	   too long. */
	ROOST_FLAGRULE_NAME,
};
#define ROOST_FLAGRULE_KINDS ROOST_FLAGRULE_NAME

/* Bits for what the server may set while it saves. */
enum roost_flagrule_delivery {
	ROOST_FLAGRULE_HAS_ATTACHMENT = 1,
	ROOST_FLAGRULE_HAS_NO_ATTACHMENT = 2,
	ROOST_FLAGRULE_CAN_UNSUBSCRIBE = 4,
	ROOST_FLAGRULE_SEALED = 8,
};

#define ROOST_FLAGRULE_TEXT_SIZE 65536
#define ROOST_FLAGRULE_NAMES_MAX 1024
#define ROOST_FLAGRULE_PATTERNS_MAX 256
#define ROOST_FLAGRULE_GROUPS_MAX 256
#define ROOST_FLAGRULE_IMPLIES_MAX 256
#define ROOST_FLAGRULE_HEADERS_MAX 128
#define ROOST_FLAGRULE_BUCKETS (2 * ROOST_FLAGRULE_NAMES_MAX)

/* A name that a rule speaks of. */
struct roost_flagrule_name {
	uint32_t text_off, hash;
	uint32_t rule_bits;		/* kinds of rules that name it */
	uint32_t bits;			/* the same, and those of patterns */
	uint16_t target;		/* itself, unless it is an alias */
	uint16_t group, next_member;
	uint16_t implies, implied_by;	/* lists of pairs */
};

struct roost_flagrule_pattern {
	uint32_t text_off, rule_bits;
	uint16_t len, prefix_len;
	uint16_t parent;
};

struct roost_flagrule_group {
	uint16_t first, winner;
};

struct roost_flagrule_pair {
	uint16_t left, right, next_of_left, next_of_right;
};

struct roost_flagrule_header {
	uint32_t field_off, pattern_off;
	uint16_t name;
};

/*
 * The rules, about 105 KiB.  They belong to the caller, and must live as long
 * as any name that was taken from them is used.  The fields are the module's
 * own.  After an error only roost_flagrules_off() and
 * roost_flagrules_defaults() may use them.
 */
struct roost_flagrules {
	size_t text_len, name_count, pattern_count, group_count;
	size_t imply_count, header_count;
	size_t message_max, mailbox_max, reserve;	/* 0: no limit */
	unsigned int at_delivery;
	bool is_rejecting, has_allowed, is_active;
	uint16_t buckets[ROOST_FLAGRULE_BUCKETS];
	struct roost_flagrule_name names[ROOST_FLAGRULE_NAMES_MAX];
	struct roost_flagrule_pattern patterns[ROOST_FLAGRULE_PATTERNS_MAX];
	struct roost_flagrule_group groups[ROOST_FLAGRULE_GROUPS_MAX];
	struct roost_flagrule_pair implies[ROOST_FLAGRULE_IMPLIES_MAX];
	struct roost_flagrule_header headers[ROOST_FLAGRULE_HEADERS_MAX];
	char text[ROOST_FLAGRULE_TEXT_SIZE];
};

/* Where a text is wrong: the place of the first byte that cannot stand
   there. */
struct roost_flagrule_error {
	unsigned int line;		/* from 1; 0 in a setting */
	unsigned int column;		/* from 1, in bytes */
	const char *phrase;		/* a constant */
	size_t excerpt_off, excerpt_len;	/* in the text; at most 20 */
};

/* Have no rule at all: every change is made as it was asked for. */
void roost_flagrules_off(struct roost_flagrules *rules_r);
/* Have the rules of a server whose administrator says nothing. */
void roost_flagrules_defaults(struct roost_flagrules *rules_r);

/* Add the value of one setting, which is what stands in a rule after its word.
   Blanks alone add nothing.  False if it is wrong; *error_r says where, and is
   zero otherwise. */
bool roost_flagrule_add(struct roost_flagrules *rules,
			enum roost_flagrule_kind kind,
			const char *text, size_t len,
			struct roost_flagrule_error *error_r) ROOST_CHECKED;
/* The same for a text of rules. */
bool roost_flagrule_parse(struct roost_flagrules *rules,
			  const char *text, size_t len,
			  struct roost_flagrule_error *error_r) ROOST_CHECKED;
/* Returns the word of a rule, for example "protect", and "name" for
   ROOST_FLAGRULE_NAME. */
const char *roost_flagrule_word(enum roost_flagrule_kind kind);

/* -- a change -- */

enum roost_flag_actor {
	ROOST_FLAG_CLIENT,
	ROOST_FLAG_DELIVERY,
	ROOST_FLAG_SCRIPT,
	ROOST_FLAG_ADMIN,	/* may do what is protected or kept */
	ROOST_FLAG_REPLICATION,	/* exempt from everything */
	ROOST_FLAG_SERVER,	/* bound by aliases, groups, pairs, limits */
};

enum roost_flag_change {
	ROOST_FLAG_ADD,
	ROOST_FLAG_REMOVE,
	ROOST_FLAG_REPLACE,	/* also for a new message, which had none */
	/* A new message gets the names of another message of the same user:
	   protected names come along, and nothing fails. */
	ROOST_FLAG_COPY,
	/* A new message gets the names of a message from elsewhere: protected
	   names stay behind. */
	ROOST_FLAG_COPY_FOREIGN,
};

/* No message has more names than this, or is asked to have. */
#define ROOST_FLAG_NAMES_MAX 1000
#define ROOST_FLAG_RESULT_MAX \
	(2 * ROOST_FLAG_NAMES_MAX + ROOST_FLAGRULE_IMPLIES_MAX)
/* There may be two for each name, because it may be an alias. */
#define ROOST_FLAG_ENTRIES_MAX \
	(4 * ROOST_FLAG_NAMES_MAX + 2 * ROOST_FLAGRULE_IMPLIES_MAX)
#define ROOST_FLAG_BUCKETS 16384

struct roost_flag_request {
	enum roost_flag_actor actor;
	enum roost_flag_change change;
	const char *const *current;	/* what it has; none for a copy */
	size_t current_count;
	const char *const *names;	/* the names that were asked for */
	size_t count;
	bool is_flagged;	/* if \Flagged is set after the change */
	size_t name_len_max;
	/* How many names the mailbox has, and whether it has this one.  Without
	   has_name the limit of the mailbox is not applied. */
	size_t mailbox_count;
	bool (*has_name)(void *context, const char *name);
	void *context;
};

enum roost_flag_verdict {
	ROOST_FLAG_OK,
	ROOST_FLAG_NOPERM,	/* RFC 5530; only with on_violation reject */
	ROOST_FLAG_LIMIT,
	ROOST_FLAG_CANNOT,
};

struct roost_flag_denial {
	const char *name;	/* the target, if the name is an alias */
	enum roost_flagrule_kind rule;
	const char *phrase;	/* a constant */
};

/* What a change comes to, and what is computed on the way: about 220 KiB.  It
   needs no initialization, and may be used for any number of changes. */
struct roost_flag_outcome {
	/* The message's names: first those that it had, in their order, then
	   new ones.  They point into the request and the rules. */
	const char *names[ROOST_FLAG_RESULT_MAX];
	size_t count;
	bool has_changed;	/* against the message */
	bool has_deviated;	/* against what no rules would make */
	/* What a client is to be told; names hold what is left of the
	   change. */
	enum roost_flag_verdict verdict;
	size_t reason;		/* which denial decided the verdict */
	struct roost_flag_denial denials[ROOST_FLAG_RESULT_MAX];
	size_t denial_count;

	/* The rest is the module's own. */
	size_t entry_count, queue_count, bucket_mask, fresh_count, total;
	unsigned int bound;
	uint16_t buckets[ROOST_FLAG_BUCKETS];
	uint16_t order[ROOST_FLAG_NAMES_MAX];
	uint16_t queue[ROOST_FLAG_ENTRIES_MAX];
	uint32_t groups_done[ROOST_FLAGRULE_GROUPS_MAX / 32];
	struct roost_flag_entry {
		const char *name;
		uint32_t hash, bits;
		unsigned int state;
		uint16_t rule_name, target;
	} entries[ROOST_FLAG_ENTRIES_MAX];
};

/*
 * The outcome of a change.  Who is bound by what:
 *
 *	protect, keep	client, delivery, script; protect binds no copy
 *	deny, allow	the same, and admin
 *	reserve		all but the server
 *	the others	all
 *	nothing		replication; anyone, if there are no rules
 *
 * An alias counts as its target.  A name that the message has in another
 * spelling is asked for, or left out, in all of its spellings; once it was
 * asked for, it is spelled as the target if the limit of the mailbox allows
 * that.  Other names stay as they are spelled; of several spellings one stays.
 *
 * exclusive: a name asked for clears the others of its group.  Several that
 * are asked for at once, or stand on the message, clear each other, but for
 * the one in parentheses.  One that may not be cleared wins against all.  A
 * name that the message has, but could not get again, counts as not asked for.
 *
 * imply: the right name is set where the left one is; it clears others of its
 * group if the left one was asked for and they were not.  It is left out if
 * the actor may not set it, if it was denied, and at a limit.  Removing the
 * right name removes the left one; if that one may not be removed, both stay.
 *
 * limits: a name that the message has stays.  One that takes the place of
 * another of its group does not count against the message.
 *
 * A client's verdict is CANNOT for what is no keyword, and LIMIT for a name
 * beyond a limit.  With on_violation reject it is NOPERM for an attempt to set
 * or remove what the actor may not, if that would change the message.  Leaving
 * out something in a REPLACE is no attempt, and names that are set or cleared
 * on behalf of others never fail.  The first reason is the one that counts.
 *
 * The lists of the request must not be the outcome's own.  ROOST_ERR_LIMIT if
 * one has more than ROOST_FLAG_NAMES_MAX names, and then the outcome is empty.
 */
enum roost_err roost_flagrule_apply(const struct roost_flagrules *rules,
				    const struct roost_flag_request *request,
				    struct roost_flag_outcome *outcome_r)
	ROOST_CHECKED;

/* -- what the rules say of a name -- */

/* Returns the name that this one is an alias of, in its right spelling, or the
   name itself if it is none. */
const char *roost_flagrule_canonical(const struct roost_flagrules *rules,
				     const char *name);
/* True if the actor may set the name, as far as its name decides. */
bool roost_flagrule_may_set(const struct roost_flagrules *rules,
			    enum roost_flag_actor actor, const char *name);
/* True if the actor may clear the name where it is set. */
bool roost_flagrule_may_clear(const struct roost_flagrules *rules,
			      enum roost_flag_actor actor, const char *name);
/* True if no rule is about the name, so that a change to it changes no other
   name.  Limits apply to it all the same. */
bool roost_flagrule_is_free(const struct roost_flagrules *rules,
			    enum roost_flag_actor actor, const char *name);
bool roost_flagrule_is_protected(const struct roost_flagrules *rules,
				 const char *name);
/* Returns one alias of the name at each call, not the name itself; *iter is 0
   at first.  NULL after the last. */
const char *roost_flagrule_next_alias(const struct roost_flagrules *rules,
				      const char *name, size_t *iter);

/* Returns in the same way the names that exclude this one. */
const char *roost_flagrule_next_rival(const struct roost_flagrules *rules,
				      const char *name, size_t *iter);

/* Returns bits of enum roost_flagrule_delivery. */
unsigned int
roost_flagrule_at_delivery(const struct roost_flagrules *rules);
/* Tells the header rules, from 0: the field's name, and the keyword to set.
   False after the last. */
bool roost_flagrule_header(const struct roost_flagrules *rules, size_t idx,
			   const char **field_r, const char **name_r);
/* True if the header rule matches a decoded value. */
bool roost_flagrule_header_match(const struct roost_flagrules *rules,
				 size_t idx, const char *value, size_t len);
/* Returns how many keywords a message may have, 0 for any number.  may_name is
   false once the actor may give the mailbox no further name. */
size_t roost_flagrule_message_max(const struct roost_flagrules *rules);
bool roost_flagrule_may_name(const struct roost_flagrules *rules,
			     enum roost_flag_actor actor,
			     size_t mailbox_count);

#endif
