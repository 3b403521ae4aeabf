/* SPDX-License-Identifier: MIT */
/*
 * doomed: files of an mdbox storage that are to be gone.  See doomed.h.
 */
#include "rewrite/doomed.h"

#include "fdatasync-path.h"

#include "mdbox-file.h"

#include "session/map-header.h"

#include <sys/stat.h>
#include <unistd.h>

/* What the map's index calls it. */
#define DOOMED_NAME "roost-doomed"

/* So many ranges of numbers follow, each with its first and its last one. */
struct doomed_header {
	uint32_t count;
	uint32_t rebuild_count;		/* of the map, when they were noted */
};

static uint32_t
doomed_ext_id(const struct mdbox_map *map)
{
	return mail_index_ext_register(map->index, DOOMED_NAME,
				       sizeof(struct doomed_header), 0, 0);
}

static void
doomed_get(const struct mdbox_map *map, struct mail_index_view *view,
	   ARRAY_TYPE(seq_range) *file_ids)
{
	struct doomed_header header = { .count = 0 };
	const void *data;
	struct seq_range range;
	size_t size;
	uint32_t i;

	mail_index_get_header_ext(view, doomed_ext_id(map), &data, &size);
	if (size >= sizeof(header))
		memcpy(&header, data, sizeof(header));
	if (header.count > (size - sizeof(header)) / sizeof(range) ||
	    header.rebuild_count !=
	    roost_map_header_get(map, view).rebuild_count)
		return;
	for (i = 0; i < header.count; i++) {
		memcpy(&range, CONST_PTR_OFFSET(data, sizeof(header) +
						i * sizeof(range)),
		       sizeof(range));
		if (range.seq1 <= range.seq2)
			seq_range_array_add_range(file_ids, range.seq1,
						  range.seq2);
	}
}

static void
doomed_put(struct roost_rewrite_map_change *change,
	   const ARRAY_TYPE(seq_range) *file_ids)
{
	struct doomed_header header = {
		.count = array_count(file_ids),
		.rebuild_count = roost_map_header_get(
			change->map, change->atomic->sync_view).rebuild_count,
	};
	buffer_t *data = t_buffer_create(sizeof(header));

	buffer_append(data, &header, sizeof(header));
	if (header.count > 0)
		buffer_append(data, array_front(file_ids),
			      header.count * sizeof(struct seq_range));
	mail_index_update_header_ext(change->trans,
				     doomed_ext_id(change->map), 0,
				     data->data, data->used);
}

void
roost_rewrite_doomed_note(struct roost_rewrite_map_change *change,
			  const ARRAY_TYPE(seq_range) *file_ids)
{
	ARRAY_TYPE(seq_range) noted;
	unsigned int count;

	t_array_init(&noted, 16);
	doomed_get(change->map, change->atomic->sync_view, &noted);
	count = seq_range_count(&noted);
	seq_range_array_merge(&noted, file_ids);
	if (seq_range_count(&noted) > count)
		doomed_put(change, &noted);
}

bool
roost_rewrite_doomed_are_noted(const struct mdbox_map *map)
{
	ARRAY_TYPE(seq_range) noted;

	t_array_init(&noted, 16);
	doomed_get(map, map->view, &noted);
	return array_count(&noted) > 0;
}

bool
roost_rewrite_doomed_is_noted(const struct roost_rewrite_map_change *change,
			      uint32_t file_id)
{
	ARRAY_TYPE(seq_range) noted;

	t_array_init(&noted, 16);
	doomed_get(change->map, change->atomic->sync_view, &noted);
	return seq_range_exists(&noted, file_id);
}

/* -- what the map tells -- */

struct doomed_known {
	ARRAY_TYPE(seq_range) all;
	ARRAY_TYPE(seq_range) unreferenced;
};

static int
known_get(const struct roost_rewrite_map_change *change,
	  struct doomed_known *known)
{
	struct mail_index_view *view = change->atomic->sync_view;
	uint32_t seq, count = mail_index_view_get_messages_count(view);
	struct dbox_mail_lookup_rec rec;

	t_array_init(&known->all, 64);
	t_array_init(&known->unreferenced, 64);
	for (seq = 1; seq <= count; seq++) {
		if (mdbox_map_view_lookup_rec(change->map, view, seq,
					      &rec) < 0)
			return -1;
		seq_range_array_add(&known->all, rec.rec.file_id);
		if (rec.refcount == 0)
			seq_range_array_add(&known->unreferenced,
					    rec.rec.file_id);
	}
	return 0;
}

int
roost_rewrite_doomed_note_unreferenced(struct roost_rewrite_map_change *change)
{
	struct doomed_known known;
	uint32_t highest;
	unsigned int count;

	if (known_get(change, &known) < 0)
		return -1;
	/* A purge gives the next numbers to files to which it moves messages,
	   and is in such a moment with each of them, in both storages. */
	count = seq_range_count(&known.unreferenced);
	highest = roost_map_header_get(change->map,
		change->atomic->sync_view).highest_file_id;
	if (count > 0)
		seq_range_array_add_range(&known.unreferenced, highest + 1,
					  highest + 2 * count);
	roost_rewrite_doomed_note(change, &known.unreferenced);
	return 0;
}

/* -- removing -- */

static const char *
file_path(const char *dir, uint32_t file_id)
{
	return t_strdup_printf("%s/"MDBOX_MAIL_FILE_FORMAT, dir, file_id);
}

/* Is the file there?  size_r is how large it is, and else 0. */
static bool
file_look(const struct mdbox_storage *storage, uint32_t file_id,
	  uoff_t *size_r)
{
	const char *dirs[] = {
		storage->storage_dir, storage->alt_storage_dir
	};
	struct stat st;
	unsigned int i;

	*size_r = 0;
	for (i = 0; i < N_ELEMENTS(dirs) && dirs[i] != NULL; i++) {
		if (stat(file_path(dirs[i], file_id), &st) < 0)
			continue;
		*size_r = (uoff_t)st.st_size;
		return TRUE;
	}
	return FALSE;
}

/* Is each message there that the map tells of?  A storage of which parts were
   put back from a backup may have it in the file that nobody knows. */
static int
check_whole(const struct roost_rewrite_map_change *change,
	    const char **error_r)
{
	struct mail_index_view *view = change->atomic->sync_view;
	uint32_t seq, count = mail_index_view_get_messages_count(view);
	struct dbox_mail_lookup_rec rec;
	uint32_t file_id = 0;
	uoff_t size = 0;

	for (seq = 1; seq <= count; seq++) {
		if (mdbox_map_view_lookup_rec(change->map, view, seq,
					      &rec) < 0)
			break;
		if (rec.refcount == 0)
			continue;
		if (rec.rec.file_id != file_id) {
			file_id = rec.rec.file_id;
			T_BEGIN {
				(void)file_look(change->map->storage, file_id,
						&size);
			} T_END;
		}
		if ((uoff_t)rec.rec.offset + rec.rec.size > size)
			break;
	}
	if (seq > count)
		return 0;
	*error_r = "files of the storage and its map do not belong together: "
		"doveadm force-resync repairs that";
	return -1;
}

static int
file_remove(const char *dir, uint32_t file_id, const char **error_r)
{
	const char *path;

	if (dir == NULL)
		return 0;
	path = file_path(dir, file_id);
	if (unlink(path) < 0) {
		if (errno == ENOENT)
			return 0;
		*error_r = t_strdup_printf("unlink(%s) failed: %m", path);
		return -1;
	}
	/* It must not come back once its note is gone. */
	if (fdatasync_path(dir) == 0)
		return 0;
	*error_r = t_strdup_printf("fdatasync(%s) failed: %m", dir);
	return -1;
}

/* Remove the file if it is there, of which the map does not know. */
static int
doomed_remove_file(const struct roost_rewrite_map_change *change,
		   uint32_t file_id, const char **error_r)
{
	const struct mdbox_storage *storage = change->map->storage;
	uoff_t size;

	if (!file_look(storage, file_id, &size))
		return 0;
	if (check_whole(change, error_r) < 0 ||
	    file_remove(storage->storage_dir, file_id, error_r) < 0)
		return -1;
	return file_remove(storage->alt_storage_dir, file_id, error_r);
}

/* Remove those that the map does not know.  left are those that stay noted. */
static int
doomed_sort(const struct roost_rewrite_map_change *change,
	    const ARRAY_TYPE(seq_range) *noted, ARRAY_TYPE(seq_range) *left,
	    const char **error_r)
{
	struct doomed_known known;
	struct seq_range_iter iter;
	unsigned int n = 0;
	uint32_t file_id;

	if (known_get(change, &known) < 0) {
		*error_r = "the storage's map is damaged";
		return -1;
	}
	seq_range_array_iter_init(&iter, noted);
	while (seq_range_array_iter_nth(&iter, n++, &file_id)) {
		if (seq_range_exists(&known.unreferenced, file_id))
			seq_range_array_add(left, file_id);
		else if (!seq_range_exists(&known.all, file_id) &&
			 doomed_remove_file(change, file_id, error_r) < 0)
			return -1;
	}
	return 0;
}

int
roost_rewrite_doomed_remove(struct roost_rewrite_map_change *change,
			    const char **error_r)
{
	ARRAY_TYPE(seq_range) noted, left;

	t_array_init(&noted, 16);
	t_array_init(&left, 16);
	doomed_get(change->map, change->atomic->sync_view, &noted);
	/* A map that was damaged may have forgotten files.  Of what is not
	   mounted nobody sees whether it is there. */
	if (array_count(&noted) == 0 ||
	    (mail_index_get_header(change->atomic->sync_view)->flags &
	     MAIL_INDEX_HDR_FLAG_FSCKD) != 0 ||
	    dbox_verify_alt_storage(change->map->root_list) < 0)
		return 0;
	if (doomed_sort(change, &noted, &left, error_r) < 0)
		return -1;
	if (seq_range_count(&left) < seq_range_count(&noted))
		doomed_put(change, &left);
	return 0;
}
