/* SPDX-License-Identifier: MIT */
#ifndef ROOST_RULES_RULE_PRIVATE_H
#define ROOST_RULES_RULE_PRIVATE_H

/*
 * rule-private: the tables that the text of rules fills and a change reads.
 * Functions that add something return NULL, or a phrase that says what was
 * expected; then nothing was added.
 */

#include "roost/flagrule.h"

#define ROOST_FLAGRULE_NONE UINT16_MAX
#define ROOST_FLAGRULE_BIT(kind) (1U << (kind))
#define ROOST_FLAGRULE_FULL "too many rules"
/* How many members a group may have. */
#define ROOST_FLAGRULE_MEMBERS_MAX 64

/* Returns the index of the name, or ROOST_FLAGRULE_NONE. */
uint16_t roost_flagrule_find(const struct roost_flagrules *rules,
			     const char *name, uint32_t hash);
/* Returns the index of the name's target, which is added if need be, or
   ROOST_FLAGRULE_NONE if the tables are full. */
uint16_t roost_flagrule_add_name(struct roost_flagrules *rules,
				 const char *text, size_t len);
const char *roost_flagrule_text(const struct roost_flagrules *rules,
				uint16_t name);

const char *roost_flagrule_add_bit(struct roost_flagrules *rules,
				   enum roost_flagrule_kind kind,
				   uint16_t name);
const char *roost_flagrule_add_pattern(struct roost_flagrules *rules,
				       enum roost_flagrule_kind kind,
				       const char *text, size_t len);
/* *is_left_r says which of the two names the phrase is about. */
const char *roost_flagrule_add_alias(struct roost_flagrules *rules,
				     const char *left, size_t left_len,
				     const char *right, size_t right_len,
				     bool *is_left_r);
const char *roost_flagrule_add_imply(struct roost_flagrules *rules,
				     uint16_t left, uint16_t right);
/* winner may be ROOST_FLAGRULE_NONE; *bad_r is the index in names of the one
   that the phrase is about. */
const char *roost_flagrule_add_group(struct roost_flagrules *rules,
				     const uint16_t *names, size_t count,
				     uint16_t winner, size_t *bad_r);
const char *roost_flagrule_add_header(struct roost_flagrules *rules,
				      const char *field, size_t field_len,
				      const char *pattern, size_t pattern_len,
				      uint16_t name);
const char *roost_flagrule_set_colors(struct roost_flagrules *rules,
				      bool is_on);
/* Forget all rules of a kind. */
void roost_flagrule_empty(struct roost_flagrules *rules,
			  enum roost_flagrule_kind kind);
/* Work out what the patterns say of the names.  To be called once everything
   was added. */
void roost_flagrule_settle(struct roost_flagrules *rules);

/* Returns the kinds of rules, as bits, that hold for a target; name_idx is its
   index or ROOST_FLAGRULE_NONE. */
uint32_t roost_flagrule_bits(const struct roost_flagrules *rules,
			     const char *name, uint16_t name_idx);
/* Returns the kinds of rules, as bits, that bind an actor. */
unsigned int roost_flagrule_bound(enum roost_flag_actor actor);
/* True if a name with these bits may not be set by whom these kinds bind;
   *kind_r is the rule that forbids it. */
bool roost_flagrule_forbids(const struct roost_flagrules *rules,
			    unsigned int bound, uint32_t bits,
			    enum roost_flagrule_kind *kind_r);

#endif
