/* SPDX-License-Identifier: MIT */
/*
 * tails: what a killed purge leaves at the ends of files.  See tails.h.
 */
#include "rewrite/tails.h"

#include "read-full.h"

#include "mdbox-file.h"

#include <sys/stat.h>
#include <unistd.h>

/* Dovecot writes some lines of metadata for a message. */
#define METADATA_MAX 65536
#define BLOCK_SIZE 65536

/* A file, and where in it the last message ends of which the map tells. */
struct tail {
	uint32_t file_id;
	uoff_t end;
};
ARRAY_DEFINE_TYPE(tails, struct tail);

static int
tail_cmp(const struct tail *one, const struct tail *other)
{
	return one->file_id < other->file_id ? -1 :
		one->file_id > other->file_id ? 1 :
		one->end < other->end ? -1 : one->end > other->end ? 1 : 0;
}

/* The files that the map has in this view, each once and in order. */
static int
tails_get(struct mdbox_map *map, struct mail_index_view *view,
	  ARRAY_TYPE(tails) *tails)
{
	uint32_t seq, count = mail_index_view_get_messages_count(view);
	struct dbox_mail_lookup_rec rec;
	struct tail tail;
	struct tail *all;
	unsigned int i, total, kept = 0;

	for (seq = 1; seq <= count; seq++) {
		if (mdbox_map_view_lookup_rec(map, view, seq, &rec) < 0)
			return -1;
		tail.file_id = rec.rec.file_id;
		tail.end = (uoff_t)rec.rec.offset + rec.rec.size;
		array_push_back(tails, &tail);
	}
	array_sort(tails, tail_cmp);
	all = array_get_modifiable(tails, &total);
	for (i = 0; i < total; i++) {
		if (i + 1 == total || all[i].file_id != all[i + 1].file_id)
			all[kept++] = all[i];
	}
	array_delete(tails, kept, total - kept);
	return 0;
}

/* Read len bytes at off.  1; 0 if the file ends before; or -1. */
static int
tail_read(const struct dbox_file *file, uoff_t off, void *bytes, size_t len)
{
	return pread_full(file->fd, bytes, len, (off_t)off);
}

/* Where the metadata at off end: 1 with *end_r; 0 if the file ends before; or
   -1 if they are nothing that Dovecot writes, or cannot be read. */
static int
metadata_end(const struct dbox_file *file, uoff_t off, uoff_t size,
	     uoff_t *end_r)
{
	size_t magic_len = sizeof(DBOX_MAGIC_POST) - 1;
	size_t len = (size_t)I_MIN(size - I_MIN(off, size), METADATA_MAX);
	char *data = t_malloc_no0(len + 1);
	const char *end;

	if (off + magic_len > size)
		return 0;
	if (tail_read(file, off, data, len) <= 0 ||
	    strncmp(data, DBOX_MAGIC_POST, magic_len) != 0)
		return -1;
	data[len] = '\0';
	end = strstr(data + magic_len - 1, "\n\n");
	if (end == NULL)
		return len < METADATA_MAX ? 0 : -1;
	*end_r = off + (size_t)(end - data) + 2;
	return 1;
}

/* The same for the message at off. */
static int
message_end(const struct dbox_file *file, uoff_t off, uoff_t size,
	    uoff_t *end_r)
{
	struct dbox_message_header header;
	char hex[sizeof(header.message_size_hex) + 1];
	unsigned long long len;
	char *rest;
	int ret;

	if (off + file->msg_header_size > size)
		return 0;
	if (tail_read(file, off, &header, sizeof(header)) <= 0 ||
	    strncmp((const char *)header.magic_pre, DBOX_MAGIC_PRE,
		    sizeof(header.magic_pre)) != 0)
		return -1;
	memcpy(hex, header.message_size_hex, sizeof(hex) - 1);
	hex[sizeof(hex) - 1] = '\0';
	len = strtoull(hex, &rest, 16);
	if (*rest != '\0')
		return -1;
	if (len > size)
		return 0;
	T_BEGIN {
		ret = metadata_end(file, off + file->msg_header_size + len,
				   size, end_r);
	} T_END;
	return ret;
}

/* Are the len bytes of the one file those of the other? */
static bool
is_same(const struct dbox_file *one, uoff_t one_off,
	const struct dbox_file *other, uoff_t other_off, uoff_t len)
{
	char *bytes = t_malloc_no0(2 * BLOCK_SIZE);
	size_t size;

	for (; len > 0; len -= size, one_off += size, other_off += size) {
		size = (size_t)I_MIN(len, BLOCK_SIZE);
		if (tail_read(one, one_off, bytes, size) <= 0 ||
		    tail_read(other, other_off, bytes + BLOCK_SIZE,
			      size) <= 0 ||
		    memcmp(bytes, bytes + BLOCK_SIZE, size) != 0) /* public */
			return FALSE;
	}
	return TRUE;
}

/* Is it the message of this record, byte for byte, in another place? */
static bool
is_copy_of(struct mdbox_map *map, const struct dbox_file *file, uoff_t off,
	   uoff_t len, const struct dbox_mail_lookup_rec *rec)
{
	struct dbox_file *other;
	bool is_deleted, is_copy = FALSE;

	if (rec->refcount == 0 || rec->rec.size != len)
		return FALSE;
	other = mdbox_file_init(map->storage, rec->rec.file_id);
	if (dbox_file_open(other, &is_deleted) > 0 && !is_deleted) T_BEGIN {
		is_copy = is_same(file, off, other, rec->rec.offset, len);
	} T_END;
	dbox_file_unref(&other);
	return is_copy;
}

/* Is the message there a copy of one that mailboxes have? */
static bool
is_copy(const struct roost_rewrite_map_change *change,
	const struct dbox_file *file, uoff_t off, uoff_t len)
{
	struct mail_index_view *view = change->atomic->sync_view;
	uint32_t seq, count = mail_index_view_get_messages_count(view);
	struct dbox_mail_lookup_rec rec;

	for (seq = 1; seq <= count; seq++) {
		if (mdbox_map_view_lookup_rec(change->map, view, seq,
					      &rec) == 0 &&
		    is_copy_of(change->map, file, off, len, &rec))
			return TRUE;
	}
	return FALSE;
}

/* Where what the file needs ends: not before end, which the map tells.  Whole
   messages that nothing else has are needed.  What is no message at all is for
   a repair, and stays. */
static uoff_t
needed_end(const struct roost_rewrite_map_change *change,
	   const struct dbox_file *file, uoff_t end, uoff_t size)
{
	uoff_t off = end, next = 0;
	int ret = 1;

	while (off < size &&
	       (ret = message_end(file, off, size, &next)) > 0) {
		if (!is_copy(change, file, off, next - off))
			end = next;
		off = next;
	}
	return ret < 0 ? size : end;
}

static int
tail_cut(const struct roost_rewrite_map_change *change,
	 const struct dbox_file *file, uoff_t end, const char **error_r)
{
	struct stat st;

	if (fstat(file->fd, &st) < 0) {
		*error_r = t_strdup_printf("fstat(%s) failed: %m",
					   file->cur_path);
		return -1;
	}
	if (end >= (uoff_t)st.st_size)
		return 0;
	end = needed_end(change, file, end, (uoff_t)st.st_size);
	if (end >= (uoff_t)st.st_size ||
	    (ftruncate(file->fd, (off_t)end) == 0 && fdatasync(file->fd) == 0))
		return 0;
	*error_r = t_strdup_printf("cutting %s failed: %m", file->cur_path);
	return -1;
}

/* With the file locked: lock the map, too, which may know more by now. */
static int
file_cut(struct mdbox_map *map, const struct dbox_file *file, uint32_t file_id,
	 const char **error_r)
{
	struct roost_rewrite_map_change change;
	ARRAY_TYPE(tails) tails;
	const struct tail *tail;
	/* A map that has to be repaired says nothing of what is needed. */
	int ret = roost_rewrite_map_begin(&change, map, "roost cuts a file");

	if (ret < 0)
		*error_r = "the storage's map cannot be locked";
	if (ret <= 0)
		return ret;
	t_array_init(&tails, 64);
	ret = tails_get(map, change.atomic->sync_view, &tails);
	if (ret < 0)
		*error_r = "the storage's map is damaged";
	array_foreach(&tails, tail) {
		if (ret == 0 && tail->file_id == file_id)
			ret = tail_cut(&change, file, tail->end, error_r);
	}
	(void)roost_rewrite_map_end(&change, FALSE);
	return ret;
}

/* Who has the file locked adds to it. */
static int
file_look(struct mdbox_map *map, const struct tail *tail, const char **error_r)
{
	struct dbox_file *file = mdbox_file_init(map->storage, tail->file_id);
	struct stat st;
	bool is_deleted;
	int ret = 0;

	if (dbox_file_open(file, &is_deleted) > 0 && !is_deleted &&
	    fstat(file->fd, &st) == 0 && (uoff_t)st.st_size > tail->end &&
	    dbox_file_try_lock(file) > 0) {
		T_BEGIN {
			ret = file_cut(map, file, tail->file_id, error_r);
		} T_END_PASS_STR_IF(ret < 0, error_r);
		dbox_file_unlock(file);
	}
	dbox_file_unref(&file);
	return ret;
}

int
roost_rewrite_tails_cut(struct mdbox_map *map, const char **error_r)
{
	ARRAY_TYPE(tails) tails;
	const struct tail *tail;
	int ret = 0;

	t_array_init(&tails, 64);
	if (tails_get(map, map->view, &tails) < 0) {
		*error_r = "the storage's map is damaged";
		return -1;
	}
	array_foreach(&tails, tail) {
		if (ret == 0)
			ret = file_look(map, tail, error_r);
	}
	return ret;
}
