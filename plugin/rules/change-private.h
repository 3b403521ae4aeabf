/* SPDX-License-Identifier: MIT */
#ifndef ROOST_RULES_CHANGE_PRIVATE_H
#define ROOST_RULES_CHANGE_PRIVATE_H

/*
 * change-private: a change on its way, as the steps of
 * roost_flagrule_apply() share it.  See apply.c for their order.
 */

#include "rules/rule-private.h"

#define BIT(kind) ROOST_FLAGRULE_BIT(ROOST_FLAGRULE_##kind)
#define NONE ROOST_FLAGRULE_NONE

/* States of a slot: of the name itself, then of the target. */
enum {
	IS_CURRENT = 1 << 0,	/* the message has this spelling */
	IS_NAMED = 1 << 1,	/* the request has it */
	IS_RESULT = 1 << 2,	/* the outcome has it */

	WAS_SET = 1 << 3,	/* the message has it in some spelling */
	IS_ASKED = 1 << 4,	/* the request names it */
	IS_WANTED = 1 << 5,	/* stays or comes, for itself */
	IS_EXPLICIT = 1 << 6,	/* wanted because it was asked for */
	IS_TOUCHED = 1 << 7,	/* gets its right spelling */
	IS_DENIED = 1 << 8,
	IS_SET = 1 << 9,	/* stays or comes, after all */
	IS_SWAP = 1 << 10,	/* takes the place of another */
	IS_IMPLIED = 1 << 11,	/* by one that was asked for */
	IS_QUEUED = 1 << 12,
	IS_EMITTED = 1 << 13,
};

struct change {
	const struct roost_flagrules *rules;
	const struct roost_flag_request *request;
	struct roost_flag_outcome *out;
};

static inline bool
is_state(const struct roost_flag_slot *slot, unsigned int state)
{
	return (slot->state & state) == state;
}

static inline struct roost_flag_slot *
target_of(const struct change *c, const struct roost_flag_slot *slot)
{
	return &c->out->slots[slot->target];
}

/* The actor may not clear it. */
static inline bool
is_locked(const struct change *c, const struct roost_flag_slot *slot)
{
	return is_state(slot, WAS_SET) &&
		(slot->bits & c->out->bound & (BIT(PROTECT) | BIT(KEEP))) != 0;
}

static inline bool
is_copy(const struct change *c)
{
	return c->request->change == ROOST_FLAG_COPY ||
		c->request->change == ROOST_FLAG_COPY_FOREIGN;
}

/* flagslot: a slot for each name.  Names are borrowed. */

/* A slot that is there, or NULL. */
struct roost_flag_slot *roost_flagentry_find(const struct change *c,
					    const char *name, uint32_t hash);
/* The slot of a name as it is spelled; that of its target is there, too. */
struct roost_flag_slot *roost_flagentry_get(const struct change *c,
					   const char *name, uint32_t hash);
/* The place of the slot of a rule's name. */
uint16_t roost_flagentry_add(const struct change *c, uint16_t rule_name);
/* The slot of a rule's name, if the change has to do with it. */
struct roost_flag_slot *roost_flagentry_of(const struct change *c,
					  uint16_t rule_name);
/* The right spelling of a target. */
const char *roost_flagentry_spelling(const struct change *c,
				    const struct roost_flag_slot *slot);
/* What the actor asked for, and may be told. */
void roost_flagentry_deny_name(const struct change *c, const char *name,
			      enum roost_flagrule_kind kind);
void roost_flagentry_deny(const struct change *c, struct roost_flag_slot *slot,
			 enum roost_flagrule_kind kind);
/* What is left out, and no error. */
void roost_flagentry_drop(const struct change *c, struct roost_flag_slot *slot,
			 enum roost_flagrule_kind kind);

/* flaggroup: who of a group stays. */
const struct roost_flagrule_group *
roost_flaggroup_of(const struct change *c, const struct roost_flag_slot *slot);
/* It is asked again when one of the group was denied. */
void roost_flaggroup_settle(const struct change *c,
			    const struct roost_flagrule_group *group);
void roost_flaggroup_settle_all(const struct change *c);

/* flaglimit: how many names there may be. */

/* Take one of the mailbox's slots, unless it has the name. */
bool roost_flaglimit_take(const struct change *c, const char *name,
			  enum roost_flagrule_kind *kind_r);
/* Before the message grows from one total to another. */
bool roost_flaglimit_may_have(const struct change *c, size_t old_total,
			      size_t total);
void roost_flaglimit_settle(const struct change *c);

/* flagpair: what implies what. */

/* What implies a name that was removed goes, too, and what implies that. */
void roost_flagpair_remove(const struct change *c);
/*
 * From those set so far, in their order, to all that follows from them: from
 * those that were asked for, then from all.
 */
void roost_flagpair_imply(const struct change *c, bool is_asked);
/* To remove a name that another one implies which stays. */
void roost_flagpair_deny(const struct change *c);

#endif
