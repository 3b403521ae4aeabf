/* SPDX-License-Identifier: MIT */
#ifndef ROOST_REWRITE_DOOMED_H
#define ROOST_REWRITE_DOOMED_H

/*
 * doomed: files of an mdbox storage that are to be gone, noted in its map.
 *
 * A file m.N stands on the disk for a moment without a message in the map: when
 * it was made, before its messages are moved there; and when a purge has moved
 * those out of it that are still needed, before it is removed.  If the process
 * is killed then, nobody looks at that file any more, and the old forms in it
 * would stay until a repair, which brings back as new messages what was
 * expunged.  So its number is noted in the map before, and a file that was
 * noted and of which the map tells nothing is removed by the next run.  All of
 * it is done while the map is locked, where no file is in such a moment but one
 * that a purge is about to remove.
 *
 * A repair of the storage takes all files into the map, so that notes of before
 * count no more.
 */

#include "rewrite/map.h"

#include "seq-range-array.h"

/* Note files in the change, once in each.  Their numbers were given away by the
   map, which tells of them, or they are not there yet. */
void roost_rewrite_doomed_note(struct roost_rewrite_map_change *change,
			       const ARRAY_TYPE(seq_range) *file_ids);
/* Are there any, as after a run that was killed?  The map is not locked. */
bool roost_rewrite_doomed_are_noted(const struct mdbox_map *map);
bool roost_rewrite_doomed_is_noted(
	const struct roost_rewrite_map_change *change, uint32_t file_id);

/* Note the files that have messages without references, and those that a purge
   of them may make.  0, or -1 and the storage has the error. */
int roost_rewrite_doomed_note_unreferenced(
	struct roost_rewrite_map_change *change);

/* Remove the noted files that the map does not know.  Those that have messages
   without references stay noted, and others do not.  0, or -1 with error_r. */
int roost_rewrite_doomed_remove(struct roost_rewrite_map_change *change,
				const char **error_r);

#endif
