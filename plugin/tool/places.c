/* SPDX-License-Identifier: MIT */
/*
 * places: which mailbox has which message of mdbox.  See places.h.
 */
#define _GNU_SOURCE
#include "tool/places.h"

#include <stdlib.h>
#include <string.h>

struct roost_maildir_flags
roost_places_flags(const struct roost_index_record *record)
{
	static const struct {
		uint8_t index;
		unsigned int maildir;
	} pairs[] = {
		{ ROOST_INDEX_ANSWERED, ROOST_MAILDIR_ANSWERED },
		{ ROOST_INDEX_FLAGGED, ROOST_MAILDIR_FLAGGED },
		{ ROOST_INDEX_DELETED, ROOST_MAILDIR_DELETED },
		{ ROOST_INDEX_SEEN, ROOST_MAILDIR_SEEN },
		{ ROOST_INDEX_DRAFT, ROOST_MAILDIR_DRAFT },
	};
	struct roost_maildir_flags flags = { 0, 0 };
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if ((record->flags & pairs[i].index) != 0)
			flags.flags |= pairs[i].maildir;
	}
	flags.letters = (uint32_t)record->keywords &
		((UINT32_C(1) << ROOST_MAILDIR_LETTERS) - 1);
	return flags;
}

static bool
places_reserve(struct roost_places *places, size_t more)
{
	size_t room = places->count + more;
	struct roost_place *grown;

	if (room <= places->room)
		return true;
	room += room / 2;
	grown = realloc(places->places, room * sizeof(*grown));
	if (grown == NULL)
		return false;
	places->places = grown;
	places->room = room;
	return true;
}

bool
roost_places_add(struct roost_places *places, const char *name,
		 const struct roost_index *index)
{
	char **names = realloc(places->names, (places->name_count + 1) *
			       sizeof(*names));
	char *copy = strdup(name);
	size_t i;

	if (names != NULL)
		places->names = names;
	if (names == NULL || copy == NULL ||
	    !places_reserve(places, index->count)) {
		free(copy);
		return false;
	}
	for (i = 0; i < index->count; i++) {
		const struct roost_index_record *record = &index->records[i];
		struct roost_place place = {
			record->values[0], places->name_count, record->uid,
			roost_places_flags(record)
		};

		if (!record->is_expunged && place.map_uid != 0)
			places->places[places->count++] = place;
	}
	places->names[places->name_count++] = copy;
	return true;
}

static int
place_compare(const void *a, const void *b)
{
	const struct roost_place *one = a, *two = b;

	if (one->map_uid != two->map_uid)
		return one->map_uid < two->map_uid ? -1 : 1;
	if (one->box != two->box)
		return one->box < two->box ? -1 : 1;
	return one->uid < two->uid ? -1 : one->uid > two->uid ? 1 : 0;
}

static int
entry_compare(const void *a, const void *b)
{
	const struct roost_map_entry *one = a, *two = b;

	if (one->file != two->file)
		return one->file < two->file ? -1 : 1;
	return one->off < two->off ? -1 : one->off > two->off ? 1 : 0;
}

bool
roost_places_set_map(struct roost_places *places,
		     const struct roost_index *index)
{
	size_t i;

	free(places->map);
	places->map_count = 0;
	places->map = malloc((index->count + 1) * sizeof(*places->map));
	if (places->map == NULL)
		return false;
	for (i = 0; i < index->count; i++) {
		const struct roost_index_record *record = &index->records[i];
		struct roost_map_entry entry = {
			record->values[0], record->values[1], record->uid
		};

		if (!record->is_expunged)
			places->map[places->map_count++] = entry;
	}
	qsort(places->map, places->map_count, sizeof(*places->map),
	      entry_compare);
	if (places->count > 0)
		qsort(places->places, places->count, sizeof(*places->places),
		      place_compare);
	return true;
}

/* Returns which place is the first with at least this map UID. */
static size_t
place_from(const struct roost_places *places, uint32_t map_uid)
{
	size_t low = 0, high = places->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (places->places[middle].map_uid < map_uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool
roost_places_find(const struct roost_places *places, uint32_t file,
		  uint64_t off, const struct roost_place **first_r,
		  size_t *count_r)
{
	struct roost_map_entry key = { file, (uint32_t)off, 0 };
	const struct roost_map_entry *entry;
	size_t at, end;

	*first_r = NULL;
	*count_r = 0;
	/* Without the mailboxes' indexes the map says nothing. */
	if (places->map == NULL || places->count == 0 || off > UINT32_MAX)
		return false;
	entry = bsearch(&key, places->map, places->map_count,
			sizeof(*places->map), entry_compare);
	if (entry == NULL)
		return false;
	at = place_from(places, entry->map_uid);
	for (end = at; end < places->count &&
	     places->places[end].map_uid == entry->map_uid; end++)
		;
	*count_r = end - at;
	if (*count_r > 0)
		*first_r = &places->places[at];
	return true;
}

void
roost_places_free(struct roost_places *places)
{
	unsigned int i;

	for (i = 0; i < places->name_count; i++)
		free(places->names[i]);
	free(places->names);
	free(places->places);
	free(places->map);
	memset(places, 0, sizeof(*places));
}
