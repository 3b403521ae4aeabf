/* SPDX-License-Identifier: MIT */
#ifndef ROOST_TOOL_PLACES_H
#define ROOST_TOOL_PLACES_H

/*
 * places: in which mailboxes the messages of mdbox are.
 *
 * mdbox gives each stored message a number, its map UID.  Its map says where in
 * which file m.N that lies, and the index of a mailbox which map UIDs it has,
 * so that a message may be in several mailboxes, or in none any more.
 */

#include "tool/index.h"
#include "tool/maildir-name.h"

struct roost_place {
	uint32_t map_uid;
	unsigned int box;	/* which of the names */
	uint32_t uid;
	struct roost_maildir_flags flags;
};

struct roost_map_entry {
	uint32_t file, off, map_uid;
};

/* Zero it, add mailboxes, set the map, and free it. */
struct roost_places {
	char **names;			/* of mailboxes; owned */
	unsigned int name_count;
	struct roost_place *places;	/* sorted when the map is set */
	size_t count, room;
	struct roost_map_entry *map;	/* sorted; NULL: not known */
	size_t map_count;
};

/* Add the messages of a mailbox; false if there is no memory for them. */
bool roost_places_add(struct roost_places *places, const char *name,
		      const struct roost_index *index);

/* Set the map, an index whose extension "map" was asked for. */
bool roost_places_set_map(struct roost_places *places,
			  const struct roost_index *index);

/*
 * Find the places of the message at an offset of a file m.N.  True, and first_r
 * is NULL where no mailbox has it, if the map knows it; false, and it is not
 * known where it belongs.
 */
bool roost_places_find(const struct roost_places *places, uint32_t file,
		       uint64_t off, const struct roost_place **first_r,
		       size_t *count_r);

void roost_places_free(struct roost_places *places);

/* Returns flags of an index as those of a maildir; keywords beyond the letters
   are left away. */
struct roost_maildir_flags
roost_places_flags(const struct roost_index_record *record);

#endif
