/* SPDX-License-Identifier: MIT */
#ifndef ROOST_RULES_CHANGE_PRIVATE_H
#define ROOST_RULES_CHANGE_PRIVATE_H

/*
 * change-private: a change while it is being worked out, as the steps of
 * roost_flagrule_apply() share it.  apply.c says in which order they come.
 */

#include "rules/rule-private.h"

#define BIT(kind) ROOST_FLAGRULE_BIT(ROOST_FLAGRULE_##kind)
#define NONE ROOST_FLAGRULE_NONE

/* The states of an entry.  The first three are of the name as it is spelled,
   the others are of the target. */
enum {
	IS_CURRENT = 1 << 0,	/* the message has this spelling */
	IS_NAMED = 1 << 1,	/* the request has it */
	IS_RESULT = 1 << 2,	/* the outcome has it */

	WAS_SET = 1 << 3,	/* the message has it in some spelling */
	IS_ASKED = 1 << 4,	/* the request names it */
	IS_WANTED = 1 << 5,	/* it stays or comes if nothing forbids it */
	IS_EXPLICIT = 1 << 6,	/* it is wanted because it was asked for */
	IS_TOUCHED = 1 << 7,	/* it gets its right spelling */
	IS_DENIED = 1 << 8,
	IS_SET = 1 << 9,	/* it stays or comes in the outcome */
	IS_SWAP = 1 << 10,	/* it takes the place of another name */
	IS_IMPLIED = 1 << 11,	/* a name that was asked for implies it */
	IS_QUEUED = 1 << 12,
	IS_EMITTED = 1 << 13,
};

struct change {
	const struct roost_flagrules *rules;
	const struct roost_flag_request *request;
	struct roost_flag_outcome *out;
};

static inline bool
is_state(const struct roost_flag_entry *entry, unsigned int state)
{
	return (entry->state & state) == state;
}

static inline struct roost_flag_entry *
target_of(const struct change *c, const struct roost_flag_entry *entry)
{
	return &c->out->entries[entry->target];
}

/* True if the message has the name and the actor may not clear it. */
static inline bool
is_locked(const struct change *c, const struct roost_flag_entry *entry)
{
	return is_state(entry, WAS_SET) &&
		(entry->bits & c->out->bound & (BIT(PROTECT) | BIT(KEEP))) != 0;
}

static inline bool
is_copy(const struct change *c)
{
	return c->request->change == ROOST_FLAG_COPY ||
		c->request->change == ROOST_FLAG_COPY_FOREIGN;
}

/* -- entry.c: one entry for each name; the names are borrowed -- */

/* Returns the entry of a name, or NULL if there is none. */
struct roost_flag_entry *roost_flagentry_find(const struct change *c,
					      const char *name, uint32_t hash);
/* Returns the entry of a name as it is spelled; it is added if need be, and
   that of its target with it. */
struct roost_flag_entry *roost_flagentry_get(const struct change *c,
					     const char *name, uint32_t hash);
/* Returns the index of the entry of a rule's name, which is added if need
   be. */
uint16_t roost_flagentry_add(const struct change *c, uint16_t rule_name);
/* Returns the entry of a rule's name, or NULL if the change has no such
   name. */
struct roost_flag_entry *roost_flagentry_of(const struct change *c,
					    uint16_t rule_name);
/* Returns the right spelling of a target. */
const char *roost_flagentry_spelling(const struct change *c,
				     const struct roost_flag_entry *entry);
/* Deny what the actor asked for: it is noted, and it may decide the verdict. */
void roost_flagentry_deny_name(const struct change *c, const char *name,
			       enum roost_flagrule_kind kind);
void roost_flagentry_deny(const struct change *c,
			  struct roost_flag_entry *entry,
			  enum roost_flagrule_kind kind);
/* Leave a name out: it is noted once, and it is no error. */
void roost_flagentry_drop(const struct change *c,
			  struct roost_flag_entry *entry,
			  enum roost_flagrule_kind kind);

/*
 * -- group.c: which members of a group stay --
 *
 * Returns the group of a target, or NULL if it is in none.
 */
const struct roost_flagrule_group *
roost_flaggroup_of(const struct change *c,
		   const struct roost_flag_entry *entry);
/* Settle which members stay; this is done again whenever one is denied. */
void roost_flaggroup_settle(const struct change *c,
			    const struct roost_flagrule_group *group);
void roost_flaggroup_settle_all(const struct change *c);

/* -- limit.c: how many names there may be -- */

/* Count a name against the limit of the mailbox, unless the mailbox has it.
   False if the limit is reached; *kind_r is the rule that says so. */
bool roost_flaglimit_take(const struct change *c, const char *name,
			  enum roost_flagrule_kind *kind_r);
/* True if the message may grow from old_total names to total. */
bool roost_flaglimit_may_have(const struct change *c, size_t old_total,
			      size_t total);
void roost_flaglimit_settle(const struct change *c);

/* -- pair.c: what implies what -- */

/* Remove also whatever implies a name that was removed, directly or through
   others. */
void roost_flagpair_remove(const struct change *c);
/* Set all that is implied by the names that are set so far, in their order:
   with is_asked by those that were asked for, else by all. */
void roost_flagpair_imply(const struct change *c, bool is_asked);
/* Deny the removal of each name that is implied by one which stays. */
void roost_flagpair_deny(const struct change *c);

#endif
