/* SPDX-License-Identifier: MIT */
/*
 * table: what the rules say, in tables.  See rule-private.h.
 *
 * Names are found by their hash.  Patterns are sorted by their prefix, which is
 * what stands before their first wildcard.  Each pattern knows the last one
 * before it whose prefix its own begins with, so that a name is compared only
 * with patterns whose prefix it has.
 */
#include "rules/rule-private.h"

#include <assert.h>
#include <string.h>

#define BIT(kind) ROOST_FLAGRULE_BIT(ROOST_FLAGRULE_##kind)
#define NONE ROOST_FLAGRULE_NONE

static const char *const color_names[] = {
	"$MailFlagBit0", "$MailFlagBit1", "$MailFlagBit2",
};
#define COLORS (sizeof(color_names) / sizeof(color_names[0]))

/* -- names -- */

static bool
text_fits(const struct roost_flagrules *rules, size_t len)
{
	return len < sizeof(rules->text) - rules->text_len;
}

static uint32_t
text_add(struct roost_flagrules *rules, const char *text, size_t len)
{
	size_t off = rules->text_len;

	assert(text_fits(rules, len));
	memcpy(rules->text + off, text, len);
	rules->text[off + len] = '\0';
	rules->text_len += len + 1;
	return (uint32_t)off;
}

const char *
roost_flagrule_text(const struct roost_flagrules *rules, uint16_t name)
{
	return rules->text + rules->names[name].text_off;
}

/* Returns the bucket where the name is, or where it would have to be. */
static size_t
bucket_of(const struct roost_flagrules *rules, const char *name, uint32_t hash)
{
	size_t bucket = hash % ROOST_FLAGRULE_BUCKETS;

	for (;; bucket = (bucket + 1) % ROOST_FLAGRULE_BUCKETS) {
		uint16_t idx = rules->buckets[bucket];

		if (idx == 0 || (rules->names[idx - 1].hash == hash &&
				 roost_flagname_equal(name,
					roost_flagrule_text(rules,
						(uint16_t)(idx - 1)))))
			return bucket;
	}
}

uint16_t
roost_flagrule_find(const struct roost_flagrules *rules, const char *name,
		    uint32_t hash)
{
	uint16_t idx = rules->buckets[bucket_of(rules, name, hash)];

	return idx == 0 ? NONE : (uint16_t)(idx - 1);
}

/* Returns the index of the name itself, also if it is an alias. */
static uint16_t
name_add(struct roost_flagrules *rules, const char *text, size_t len)
{
	struct roost_flagrule_name *name;
	char copy[ROOST_FLAGNAME_MAX + 1];
	uint16_t idx = (uint16_t)rules->name_count;
	size_t bucket;
	uint32_t hash;

	assert(len <= ROOST_FLAGNAME_MAX);
	memcpy(copy, text, len);
	copy[len] = '\0';
	hash = roost_flagname_hash(copy);
	bucket = bucket_of(rules, copy, hash);
	if (rules->buckets[bucket] != 0)
		return (uint16_t)(rules->buckets[bucket] - 1);
	if (idx == ROOST_FLAGRULE_NAMES_MAX || !text_fits(rules, len))
		return NONE;
	name = &rules->names[rules->name_count++];
	memset(name, 0, sizeof(*name));
	name->text_off = text_add(rules, text, len);
	name->hash = hash;
	name->target = idx;
	name->group = name->next_member = NONE;
	name->implies = name->implied_by = NONE;
	rules->buckets[bucket] = (uint16_t)(idx + 1);
	return idx;
}

uint16_t
roost_flagrule_add_name(struct roost_flagrules *rules, const char *text,
			size_t len)
{
	uint16_t idx = name_add(rules, text, len);

	return idx == NONE ? NONE : rules->names[idx].target;
}

const char *
roost_flagrule_add_bit(struct roost_flagrules *rules,
		       enum roost_flagrule_kind kind, uint16_t name)
{
	if (name == NONE)
		return ROOST_FLAGRULE_FULL;
	rules->names[name].rule_bits |= ROOST_FLAGRULE_BIT(kind);
	return NULL;
}

/* -- patterns -- */

static size_t
prefix_len(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && text[i] != '*' && text[i] != '?')
		i++;
	return i;
}

/* Compare the beginning of a name with a pattern's prefix, in the order in
   which patterns are sorted. */
static int
prefix_compare(const struct roost_flagrules *rules,
	       const struct roost_flagrule_pattern *pattern, const char *name,
	       size_t len)
{
	const char *prefix = rules->text + pattern->text_off;
	size_t i;

	for (i = 0; i < pattern->prefix_len && i < len; i++) {
		unsigned char a = (unsigned char)roost_flagname_fold(name[i]);
		unsigned char b = (unsigned char)roost_flagname_fold(prefix[i]);

		if (a != b)
			return a < b ? -1 : 1;
	}
	return i < len ? 1 : i < pattern->prefix_len ? -1 : 0;
}

static bool
prefix_fits(const struct roost_flagrules *rules, size_t idx, const char *name,
	    size_t len)
{
	const struct roost_flagrule_pattern *pattern = &rules->patterns[idx];

	return len >= pattern->prefix_len &&
		prefix_compare(rules, pattern, name, pattern->prefix_len) == 0;
}

/* Returns how many patterns have a prefix that does not sort after the name. */
static size_t
pattern_place(const struct roost_flagrules *rules, const char *name, size_t len)
{
	size_t low = 0, high = rules->pattern_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (prefix_compare(rules, &rules->patterns[middle],
				   name, len) >= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const char *
roost_flagrule_add_pattern(struct roost_flagrules *rules,
			   enum roost_flagrule_kind kind,
			   const char *text, size_t len)
{
	size_t place = pattern_place(rules, text, prefix_len(text, len));
	struct roost_flagrule_pattern *pattern = &rules->patterns[place];

	if (rules->pattern_count == ROOST_FLAGRULE_PATTERNS_MAX ||
	    !text_fits(rules, len))
		return ROOST_FLAGRULE_FULL;
	memmove(pattern + 1, pattern,
		(rules->pattern_count - place) * sizeof(*pattern));
	rules->pattern_count++;
	pattern->text_off = text_add(rules, text, len);
	pattern->rule_bits = ROOST_FLAGRULE_BIT(kind);
	pattern->len = (uint16_t)len;
	pattern->prefix_len = (uint16_t)prefix_len(text, len);
	return NULL;
}

static uint16_t
pattern_parent(const struct roost_flagrules *rules, size_t idx)
{
	const struct roost_flagrule_pattern *pattern = &rules->patterns[idx];
	size_t parent = idx == 0 ? NONE : idx - 1;

	while (parent != NONE &&
	       !prefix_fits(rules, parent, rules->text + pattern->text_off,
			    pattern->prefix_len))
		parent = rules->patterns[parent].parent;
	return (uint16_t)parent;
}

static uint32_t
pattern_bits(const struct roost_flagrules *rules, const char *name)
{
	size_t len, idx;
	uint32_t bits = 0;

	if (rules->pattern_count == 0)
		return 0;
	len = strlen(name);
	idx = pattern_place(rules, name, len);
	for (idx = idx == 0 ? NONE : idx - 1; idx != NONE;
	     idx = rules->patterns[idx].parent) {
		const struct roost_flagrule_pattern *pattern =
			&rules->patterns[idx];

		if (prefix_fits(rules, idx, name, len) &&
		    roost_flagname_match(rules->text + pattern->text_off,
					 pattern->len, name, len))
			bits |= pattern->rule_bits;
	}
	return bits;
}

/* -- pairs and groups -- */

static const char *
alias_check(const struct roost_flagrules *rules, uint16_t left_idx,
	    uint16_t right_idx, bool *is_left_r)
{
	const struct roost_flagrule_name *left = &rules->names[left_idx];
	const struct roost_flagrule_name *right = &rules->names[right_idx];

	*is_left_r = left->target != left_idx && left->target != right_idx;
	if (*is_left_r)
		return "expected no second target of an alias";
	if (right->target != right_idx)
		return "expected a target that is no alias";
	*is_left_r = true;
	if (left_idx == right_idx || left->target == right_idx)
		return NULL;
	if ((left->rule_bits & BIT(ALIAS)) != 0)
		return "expected an alias that is no target";
	if (left->group != NONE || left->implies != NONE ||
	    left->implied_by != NONE)
		return "expected an alias before exclusive and imply";
	return NULL;
}

const char *
roost_flagrule_add_alias(struct roost_flagrules *rules,
			 const char *left, size_t left_len,
			 const char *right, size_t right_len, bool *is_left_r)
{
	uint16_t left_idx = name_add(rules, left, left_len);
	uint16_t right_idx = name_add(rules, right, right_len);
	struct roost_flagrule_name *target;
	const char *phrase;

	*is_left_r = true;
	if (left_idx == NONE || right_idx == NONE ||
	    !text_fits(rules, right_len))
		return ROOST_FLAGRULE_FULL;
	phrase = alias_check(rules, left_idx, right_idx, is_left_r);
	if (phrase != NULL)
		return phrase;
	target = &rules->names[right_idx];
	if ((target->rule_bits & BIT(ALIAS)) == 0)
		target->text_off = text_add(rules, right, right_len);
	target->rule_bits |= rules->names[left_idx].rule_bits | BIT(ALIAS);
	rules->names[left_idx].target = right_idx;
	return NULL;
}

/* True if setting the one name sets the other, directly or through others. */
static bool
implies(const struct roost_flagrules *rules, uint16_t from, uint16_t to)
{
	uint16_t queue[ROOST_FLAGRULE_IMPLIES_MAX + 1], pair;
	bool is_seen[ROOST_FLAGRULE_NAMES_MAX] = { false };
	size_t at, count = 0;

	queue[count++] = from;
	is_seen[from] = true;
	for (at = 0; at < count && !is_seen[to]; at++) {
		for (pair = rules->names[queue[at]].implies; pair != NONE;
		     pair = rules->implies[pair].next_of_left) {
			uint16_t right = rules->implies[pair].right;

			if (!is_seen[right])
				queue[count++] = right;
			is_seen[right] = true;
		}
	}
	return is_seen[to];
}

const char *
roost_flagrule_add_imply(struct roost_flagrules *rules, uint16_t left,
			 uint16_t right)
{
	uint16_t idx = (uint16_t)rules->imply_count, pair;

	if (left == NONE || right == NONE)
		return ROOST_FLAGRULE_FULL;
	for (pair = rules->names[left].implies; pair != NONE;
	     pair = rules->implies[pair].next_of_left) {
		if (rules->implies[pair].right == right)
			return NULL;
	}
	if (implies(rules, right, left))
		return "expected a name that does not imply the left one";
	if (idx == ROOST_FLAGRULE_IMPLIES_MAX)
		return ROOST_FLAGRULE_FULL;
	rules->implies[idx].left = left;
	rules->implies[idx].right = right;
	rules->implies[idx].next_of_left = rules->names[left].implies;
	rules->implies[idx].next_of_right = rules->names[right].implied_by;
	rules->names[left].implies = idx;
	rules->names[right].implied_by = idx;
	rules->imply_count++;
	return NULL;
}

/* True if there is a group of just these names with this winner. */
static bool
group_is_known(const struct roost_flagrules *rules, const uint16_t *names,
	       size_t count, uint16_t winner)
{
	uint16_t group = rules->names[names[0]].group, member;
	size_t i, size = 0;

	if (group == NONE || rules->groups[group].winner != winner)
		return false;
	for (member = rules->groups[group].first; member != NONE;
	     member = rules->names[member].next_member)
		size++;
	for (i = 0; i < count; i++) {
		if (rules->names[names[i]].group != group)
			return false;
	}
	return size == count;
}

static const char *
group_check(const struct roost_flagrules *rules, const uint16_t *names,
	    size_t count, size_t *bad_r)
{
	size_t i;

	for (i = 1; i < count; i++) {
		for (*bad_r = 0; *bad_r < i; ++*bad_r) {
			if (names[*bad_r] != names[i])
				continue;
			*bad_r = i;
			return "expected a name once in a group";
		}
	}
	for (*bad_r = 0; *bad_r < count; ++*bad_r) {
		if (rules->names[names[*bad_r]].group != NONE)
			return "expected a name of no other group";
	}
	*bad_r = 0;
	return rules->group_count == ROOST_FLAGRULE_GROUPS_MAX ?
		ROOST_FLAGRULE_FULL : NULL;
}

const char *
roost_flagrule_add_group(struct roost_flagrules *rules, const uint16_t *names,
			 size_t count, uint16_t winner, size_t *bad_r)
{
	uint16_t idx = (uint16_t)rules->group_count;
	const char *phrase = group_check(rules, names, count, bad_r);
	size_t i;

	if (*bad_r == 0 && group_is_known(rules, names, count, winner))
		return NULL;
	if (phrase != NULL)
		return phrase;
	rules->groups[idx].first = names[0];
	rules->groups[idx].winner = winner;
	for (i = 0; i < count; i++) {
		rules->names[names[i]].group = idx;
		rules->names[names[i]].next_member =
			i + 1 < count ? names[i + 1] : NONE;
	}
	rules->group_count++;
	return NULL;
}

/* -- the others -- */

const char *
roost_flagrule_add_header(struct roost_flagrules *rules,
			  const char *field, size_t field_len,
			  const char *pattern, size_t pattern_len,
			  uint16_t name)
{
	struct roost_flagrule_header *header =
		&rules->headers[rules->header_count];

	if (name == NONE ||
	    rules->header_count == ROOST_FLAGRULE_HEADERS_MAX ||
	    !text_fits(rules, field_len + 1 + pattern_len))
		return ROOST_FLAGRULE_FULL;
	header->field_off = text_add(rules, field, field_len);
	header->pattern_off = text_add(rules, pattern, pattern_len);
	header->name = name;
	rules->header_count++;
	return roost_flagrule_add_bit(rules, ROOST_FLAGRULE_HEADER, name);
}

const char *
roost_flagrule_set_colors(struct roost_flagrules *rules, bool is_on)
{
	const char *phrase = NULL;
	size_t i;

	roost_flagrule_empty(rules, ROOST_FLAGRULE_COLORS);
	for (i = 0; is_on && phrase == NULL && i < COLORS; i++)
		phrase = roost_flagrule_add_bit(rules, ROOST_FLAGRULE_COLORS,
			roost_flagrule_add_name(rules, color_names[i],
						strlen(color_names[i])));
	return phrase;
}

static void
names_forget(struct roost_flagrules *rules, enum roost_flagrule_kind kind)
{
	size_t i;

	for (i = 0; i < rules->name_count; i++) {
		struct roost_flagrule_name *name = &rules->names[i];

		name->rule_bits &= ~ROOST_FLAGRULE_BIT(kind);
		if (kind == ROOST_FLAGRULE_ALIAS)
			name->target = (uint16_t)i;
		if (kind == ROOST_FLAGRULE_EXCLUSIVE)
			name->group = NONE;
		if (kind == ROOST_FLAGRULE_IMPLY)
			name->implies = name->implied_by = NONE;
	}
}

static void
patterns_forget(struct roost_flagrules *rules, enum roost_flagrule_kind kind)
{
	size_t from, to = 0;

	for (from = 0; from < rules->pattern_count; from++) {
		if (rules->patterns[from].rule_bits != ROOST_FLAGRULE_BIT(kind))
			rules->patterns[to++] = rules->patterns[from];
	}
	rules->pattern_count = to;
}

void
roost_flagrule_empty(struct roost_flagrules *rules,
		     enum roost_flagrule_kind kind)
{
	names_forget(rules, kind);
	patterns_forget(rules, kind);
	if (kind == ROOST_FLAGRULE_EXCLUSIVE)
		rules->group_count = 0;
	if (kind == ROOST_FLAGRULE_IMPLY)
		rules->imply_count = 0;
	if (kind == ROOST_FLAGRULE_HEADER)
		rules->header_count = 0;
	if (kind == ROOST_FLAGRULE_AT_DELIVERY)
		rules->at_delivery = 0;
	if (kind == ROOST_FLAGRULE_MAX_PER_MESSAGE)
		rules->message_max = 0;
	if (kind == ROOST_FLAGRULE_MAX_PER_MAILBOX)
		rules->mailbox_max = 0;
	if (kind == ROOST_FLAGRULE_RESERVE)
		rules->reserve = 0;
}

void
roost_flagrule_settle(struct roost_flagrules *rules)
{
	uint32_t all_bits = 0;
	size_t i;

	for (i = 0; i < rules->pattern_count; i++) {
		rules->patterns[i].parent = pattern_parent(rules, i);
		all_bits |= rules->patterns[i].rule_bits;
	}
	for (i = 0; i < rules->name_count; i++) {
		struct roost_flagrule_name *name = &rules->names[i];

		name->bits = name->rule_bits | pattern_bits(rules,
			roost_flagrule_text(rules, (uint16_t)i));
		all_bits |= name->rule_bits;
	}
	rules->has_allowed = (all_bits & BIT(ALLOW)) != 0;
	all_bits &= ~(BIT(AT_DELIVERY) | BIT(HEADER));
	rules->is_active = all_bits != 0 || rules->group_count > 0 ||
		rules->imply_count > 0 || rules->message_max > 0 ||
		rules->mailbox_max > 0;
}

uint32_t
roost_flagrule_bits(const struct roost_flagrules *rules, const char *name,
		    uint16_t name_idx)
{
	return name_idx != NONE ? rules->names[name_idx].bits :
		pattern_bits(rules, name);
}
