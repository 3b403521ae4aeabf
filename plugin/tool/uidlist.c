/* SPDX-License-Identifier: MIT */
/*
 * uidlist: reading dovecot-uidlist.  See uidlist.h.
 */
#include "tool/uidlist.h"

#include <stdlib.h>
#include <string.h>

/* What is left of a line. */
struct words {
	const char *next, *end;
};

static bool
number_read(struct words *words, uint32_t *value_r)
{
	const char *begin = words->next;
	uint64_t value = 0;

	for (; words->next < words->end && *words->next >= '0' &&
	     *words->next <= '9'; words->next++) {
		value = value * 10 + (uint64_t)(*words->next - '0');
		if (value > UINT32_MAX)
			return false;
	}
	*value_r = (uint32_t)value;
	return words->next > begin;
}

static void
blanks_skip(struct words *words)
{
	while (words->next < words->end && *words->next == ' ')
		words->next++;
}

/* Skip to the blank behind a word, or to the end. */
static void
word_skip(struct words *words)
{
	while (words->next < words->end && *words->next != ' ')
		words->next++;
}

/* "3 V<validity> N<next uid> ...", or "1 <validity> <next uid>". */
static bool
head_read(struct words words, struct roost_uidlist *list, bool *is_new_r)
{
	uint32_t version;

	if (!number_read(&words, &version) || (version != 1 && version != 3))
		return false;
	*is_new_r = version == 3;
	blanks_skip(&words);
	if (version == 1) {
		if (!number_read(&words, &list->uid_validity))
			return false;
		blanks_skip(&words);
		return number_read(&words, &list->next_uid) &&
			list->uid_validity != 0 && list->next_uid != 0;
	}
	while (words.next < words.end) {
		char key = *words.next++;
		uint32_t *value = key == 'V' ? &list->uid_validity :
			key == 'N' ? &list->next_uid : NULL;

		if (value != NULL && !number_read(&words, value))
			return false;
		word_skip(&words);
		blanks_skip(&words);
	}
	return list->uid_validity != 0 && list->next_uid != 0;
}

/* "<uid> <extensions> :<name>", or in the old version "<uid> <name>". */
static bool
entry_read(struct words words, bool is_new, uint32_t *last_uid,
	   struct roost_uidlist_entry *entry_r)
{
	const char *colon;

	if (!number_read(&words, &entry_r->uid) ||
	    entry_r->uid <= *last_uid || entry_r->uid == UINT32_MAX ||
	    words.next == words.end || *words.next != ' ')
		return false;
	*last_uid = entry_r->uid;
	blanks_skip(&words);
	while (is_new && words.next < words.end && *words.next != ':') {
		word_skip(&words);
		blanks_skip(&words);
	}
	if (is_new && words.next < words.end)
		words.next++;
	entry_r->name = words.next;
	entry_r->name_len = (size_t)(words.end - words.next);
	if (entry_r->name_len == 0 ||
	    memchr(entry_r->name, '/', entry_r->name_len) != NULL)
		return false;
	colon = memchr(entry_r->name, ':', entry_r->name_len);
	if (colon != NULL)
		entry_r->name_len = (size_t)(colon - entry_r->name);
	return entry_r->name_len > 0;
}

static int
name_compare(const struct roost_uidlist_entry *a, const char *name,
	     size_t len)
{
	size_t both = a->name_len < len ? a->name_len : len;
	int ret = memcmp(a->name, name, both);		/* public */

	return ret != 0 ? ret : a->name_len < len ? -1 :
		a->name_len > len ? 1 : 0;
}

/* By name, and of one name the highest UID first, which is the one that
   counts. */
static int
entry_compare(const void *a, const void *b)
{
	const struct roost_uidlist_entry *one = a, *two = b;
	int ret = name_compare(one, two->name, two->name_len);

	return ret != 0 ? ret : one->uid > two->uid ? -1 :
		one->uid < two->uid ? 1 : 0;
}

/* Take the next line of a text, without its line feed. */
static struct words
line_take(const char **text, const char *end)
{
	struct words line = { *text, NULL };

	line.end = memchr(*text, '\n', (size_t)(end - *text));
	if (line.end == NULL)
		line.end = end;
	*text = line.end < end ? line.end + 1 : end;
	return line;
}

static size_t
lines_count(const char *text, size_t len)
{
	size_t i, count = 1;

	for (i = 0; i < len; i++) {
		if (text[i] == '\n')
			count++;
	}
	return count;
}

static bool
entries_read(struct roost_uidlist *list, const char *text, const char *end,
	     bool is_new)
{
	uint32_t last_uid = 0;
	struct words line;

	while (text < end) {
		line = line_take(&text, end);
		if (!entry_read(line, is_new, &last_uid,
				&list->entries[list->count]))
			return false;
		list->count++;
	}
	return true;
}

bool
roost_uidlist_parse(struct roost_uidlist *list_r, const char *text,
		    size_t len)
{
	const char *end = text + len;
	size_t lines = lines_count(text, len);
	bool is_new, is_good;

	memset(list_r, 0, sizeof(*list_r));
	is_good = len <= ROOST_UIDLIST_SIZE_MAX &&
		lines <= ROOST_UIDLIST_ENTRIES_MAX &&
		head_read(line_take(&text, end), list_r, &is_new);
	if (is_good)
		list_r->entries = malloc(lines * sizeof(*list_r->entries));
	is_good = list_r->entries != NULL &&
		entries_read(list_r, text, end, is_new);
	if (!is_good) {
		roost_uidlist_free(list_r);
		return false;
	}
	qsort(list_r->entries, list_r->count, sizeof(*list_r->entries),
	      entry_compare);
	return true;
}

void
roost_uidlist_free(struct roost_uidlist *list)
{
	free(list->entries);
	memset(list, 0, sizeof(*list));
}

uint32_t
roost_uidlist_find(const struct roost_uidlist *list, const char *name)
{
	size_t len = strcspn(name, ":"), low = 0, high = list->count;

	/* The first entry that is not before the name. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (name_compare(&list->entries[middle], name, len) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < list->count &&
		name_compare(&list->entries[low], name, len) == 0 ?
		list->entries[low].uid : 0;
}
