/* SPDX-License-Identifier: MIT */
/*
 * names: other texts for the keywords of a mailbox.  See names.h.
 *
 * Dovecot's own functions only add names to an index: it is written anew here,
 * as core writes it, but for the header of keywords.  Sessions do not mind,
 * because they read an index once, and its log from then on.
 */
#include "rewrite/names.h"

#include "file-dotlock.h"
#include "mail-index-private.h"
#include "mail-transaction-log-private.h"
#include "maildir-storage.h"
#include "maildir-uidlist.h"
#include "write-full.h"

#include "keywords/name.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYNC_TRIES 10
#define MAILDIR_KEYWORDS "dovecot-keywords"
/* How long one who writes that file has it locked at most, and how long it is
   waited for. */
#define LOCK_STALE_SECS 30
#define LOCK_SECS 60

/* A change of texts. */
struct names {
	const struct roost_token_key *key;
	enum roost_keywords mode;
	unsigned int changed;
	/* By position: where the keyword goes that has its token already. */
	ARRAY(unsigned int) twin_of;
};

#define NO_TWIN UINT_MAX

static const char *
names_token(const struct names *names, const char *name)
{
	char token[ROOST_TOKEN_MAX + 1];

	if (roost_token_is_claimed(name, strlen(name)) ||
	    !roost_keyword_name_is_private(name, names->mode) ||
	    roost_token_seal(names->key, name, strlen(name),
			     token) != ROOST_OK)
		return NULL;
	return t_strdup(token);
}

/* -- the index -- */

static unsigned int
list_find(const ARRAY_TYPE(const_string) *list, const char *text)
{
	const char *const *other;

	array_foreach(list, other) {
		if (strcasecmp(*other, text) == 0)
			return array_foreach_idx(list, other);
	}
	return UINT_MAX;
}

/* The texts in the header, by position. */
static void
header_list(const struct mail_index_keyword_header *hdr,
	    ARRAY_TYPE(const_string) *list)
{
	const struct mail_index_keyword_header_rec *recs =
		(const void *)(hdr + 1);
	const char *texts = (const char *)(recs + hdr->keywords_count), *text;
	uint32_t i;

	for (i = 0; i < hdr->keywords_count; i++) {
		text = t_strdup(texts + recs[i].name_offset);
		array_push_back(list, &text);
	}
}

/*
 * Change the texts.  A name whose token is there as another keyword has twins:
 * its messages get that one, and no message keeps the text that is left, which
 * Dovecot would make up itself for a name that is lost.
 */
static void
list_change(struct names *names, ARRAY_TYPE(const_string) *list)
{
	unsigned int i, twin;
	const char *token;

	for (i = 0; i < array_count(list); i++) {
		token = names_token(names, array_idx_elem(list, i));
		twin = token == NULL ? NO_TWIN : list_find(list, token);
		array_push_back(&names->twin_of, &twin);
		if (token == NULL)
			continue;
		names->changed++;
		if (twin != NO_TWIN)
			token = t_strdup_printf("unknown-%u", i);
		while (list_find(list, token) != UINT_MAX)
			token = t_strconcat(token, "?", NULL);
		array_idx_set(list, i, &token);
	}
}

/* The contents of the extension, as core writes them. */
static void
list_write(const ARRAY_TYPE(const_string) *list, buffer_t *header)
{
	struct mail_index_keyword_header hdr = {
		.keywords_count = array_count(list),
	};
	struct mail_index_keyword_header_rec rec = { .name_offset = 0 };
	const char *text;

	buffer_append(header, &hdr, sizeof(hdr));
	array_foreach_elem(list, text) {
		buffer_append(header, &rec, sizeof(rec));
		rec.name_offset += strlen(text) + 1;
	}
	array_foreach_elem(list, text)
		buffer_append(header, text, strlen(text) + 1);
	if (header->used % sizeof(uint32_t) != 0)
		buffer_append_zero(header, sizeof(uint32_t) -
				   header->used % sizeof(uint32_t));
}

static void
header_align(buffer_t *header)
{
	buffer_append_zero(header, MAIL_INDEX_HEADER_SIZE_ALIGN(header->used) -
			   header->used);
}

/* Append the extension of keywords with other texts. */
static void
header_add_keywords(struct names *names, struct mail_index_map *map,
		    unsigned int start,
		    const struct mail_index_ext_header *ext, buffer_t *header)
{
	unsigned int data_off = start +
		mail_index_map_ext_hdr_offset(ext->name_size);
	struct mail_index_ext_header new_ext = *ext;
	ARRAY_TYPE(const_string) list;
	buffer_t *data = t_buffer_create(512);

	t_array_init(&list, 16);
	header_list(MAIL_INDEX_MAP_HDR_OFFSET(map, data_off), &list);
	list_change(names, &list);
	list_write(&list, data);
	new_ext.hdr_size = data->used;
	buffer_append(header, &new_ext, sizeof(new_ext));
	buffer_append(header, MAIL_INDEX_MAP_HDR_OFFSET(map, start +
							sizeof(new_ext)),
		      data_off - start - sizeof(new_ext));
	buffer_append_buf(header, data, 0, SIZE_MAX);
	header_align(header);
}

/* Write the header of the index, with other texts, into a buffer.  0, or -1 if
   it is not as it should be. */
static int
header_write(struct names *names, struct mail_index_map *map,
	     buffer_t *header)
{
	unsigned int offset =
		MAIL_INDEX_HEADER_SIZE_ALIGN(map->hdr.base_header_size);
	struct mail_index_header base = map->hdr;
	const struct mail_index_ext_header *ext;
	const char *name;
	unsigned int start;

	base.log_file_tail_offset = base.log_file_head_offset;
	buffer_append(header, MAIL_INDEX_MAP_HDR_OFFSET(map, 0), offset);
	while (offset < map->hdr.header_size) {
		start = offset;
		if (mail_index_map_ext_get_next(map, &offset, &ext, &name) < 0)
			return -1;
		if (strcmp(name, MAIL_INDEX_EXT_KEYWORDS) == 0)
			header_add_keywords(names, map, start, ext, header);
		else
			buffer_append(header,
				      MAIL_INDEX_MAP_HDR_OFFSET(map, start),
				      offset - start);
	}
	base.header_size = header->used;
	buffer_write(header, 0, &base, I_MIN(base.base_header_size,
					     sizeof(base)));
	return 0;
}

/* Give the messages of a twin the other keyword in its place. */
static void
record_join(const struct names *names, const struct mail_index_ext *ext,
	    uint8_t *record)
{
	uint8_t *bits = record + ext->record_offset;
	const unsigned int *twin;
	unsigned int i;

	array_foreach(&names->twin_of, twin) {
		i = array_foreach_idx(&names->twin_of, twin);
		if (*twin == NO_TWIN || (bits[i / 8] & 1U << i % 8) == 0)
			continue;
		bits[i / 8] = (uint8_t)(bits[i / 8] & ~(1U << i % 8));
		bits[*twin / 8] |= (uint8_t)(1U << *twin % 8);
	}
}

static void
records_write(const struct names *names, struct mail_index_map *map,
	      struct ostream *output)
{
	const struct mail_index_ext *ext;
	const uint8_t *record = map->rec_map->records;
	uint8_t *copy = t_malloc_no0(map->hdr.record_size);
	uint32_t idx, i;

	if (!mail_index_map_lookup_ext(map, MAIL_INDEX_EXT_KEYWORDS, &idx))
		i_unreached();
	ext = array_idx(&map->extensions, idx);
	for (i = 0; i < map->rec_map->records_count; i++) {
		memcpy(copy, record, map->hdr.record_size);
		record_join(names, ext, copy);
		o_stream_nsend(output, copy, map->hdr.record_size);
		record += map->hdr.record_size;
	}
}

static int
index_replace(const struct names *names, struct mail_index *index,
	      const buffer_t *header, const char **error_r)
{
	const char *path;
	int fd = mail_index_create_tmp_file(index, index->filepath, &path);
	struct ostream *output;
	int ret = 0;

	if (fd == -1) {
		*error_r = "cannot create a new index";
		return -1;
	}
	output = o_stream_create_fd_file(fd, 0, FALSE);
	o_stream_cork(output);
	o_stream_nsend(output, header->data, header->used);
	records_write(names, index->map, output);
	if (o_stream_finish(output) < 0 || fsync(fd) < 0 ||
	    rename(path, index->filepath) < 0) {
		*error_r = t_strdup_printf("cannot write %s: %m", path);
		i_unlink_if_exists(path);
		ret = -1;
	}
	o_stream_unref(&output);
	i_close_fd(&fd);
	return ret;
}

/* Is there a name in clear?  It costs nothing to know. */
static bool
index_has_clear(struct names *names, struct mail_index_map *map)
{
	ARRAY_TYPE(const_string) list;
	const struct mail_index_ext *ext;
	uint32_t idx;
	const char *text;

	if (!mail_index_map_lookup_ext(map, MAIL_INDEX_EXT_KEYWORDS, &idx))
		return FALSE;
	ext = array_idx(&map->extensions, idx);
	t_array_init(&list, 16);
	header_list(MAIL_INDEX_MAP_HDR_OFFSET(map, ext->hdr_offset), &list);
	array_foreach_elem(&list, text) {
		if (names_token(names, text) != NULL)
			return TRUE;
	}
	return FALSE;
}

/* A log has the names, too, so that a new one is begun. */
static int
index_begin_log(struct mail_index *index, const char **error_r)
{
	uint32_t file_seq = index->map->hdr.log_file_seq;

	mail_index_write(index, TRUE, "roost seal --finish");
	if (!MAIL_INDEX_IS_IN_MEMORY(index) &&
	    index->map->hdr.log_file_seq != file_seq)
		return 0;
	*error_r = "the index or its log cannot be written";
	return -1;
}

/* Delete what has the old texts; a backup of the index is made of the new. */
static void
index_delete_old(struct mail_index *index)
{
	const char *backup = t_strconcat(index->filepath, ".backup", NULL);

	i_unlink_if_exists(index->log->filepath2);
	if (i_unlink_if_exists(backup) > 0 &&
	    link(index->filepath, backup) < 0)
		e_error(index->event, "roost: link(%s, %s) failed: %m",
			index->filepath, backup);
}

/* The index is locked, and everything in its log was done. */
static int
index_change(struct names *names, struct mail_index *index,
	     const char **error_r)
{
	buffer_t *header = t_buffer_create(4096);

	if (index_begin_log(index, error_r) < 0)
		return -1;
	if (header_write(names, index->map, header) < 0) {
		*error_r = "the index is damaged";
		return -1;
	}
	if (index_replace(names, index, header, error_r) < 0)
		return -1;
	index_delete_old(index);
	return 0;
}

/* -- the letters of maildir -- */

/* Returns the lines of the file with other texts, and how many were changed. */
static string_t *
letters_change(struct names *names, struct istream *input,
	       unsigned int *changed_r)
{
	string_t *lines = t_str_new(256);
	const char *line, *name, *token;

	*changed_r = 0;
	while ((line = i_stream_read_next_line(input)) != NULL) {
		name = strchr(line, ' ');
		token = name == NULL ? NULL : names_token(names, name + 1);
		if (token == NULL) {
			str_append(lines, line);
		} else {
			str_append_data(lines, line, (size_t)(name - line));
			str_printfa(lines, " %s", token);
			++*changed_r;
		}
		str_append_c(lines, '\n');
	}
	return lines;
}

/* Times go on in whole seconds, by which sessions see that it changed. */
static int
letters_write(struct mailbox *box, const char *path, const string_t *lines,
	      const struct stat *old, const char **error_r)
{
	const struct dotlock_settings set = {
		.temp_prefix = mailbox_list_get_temp_prefix(box->list),
		.timeout = LOCK_SECS, .stale_timeout = LOCK_STALE_SECS,
	};
	const struct timespec times[2] = {
		{ .tv_sec = I_MAX(time(NULL), old->st_mtime + 1) },
		{ .tv_sec = I_MAX(time(NULL), old->st_mtime + 1) },
	};
	struct dotlock *dotlock;
	int fd = file_dotlock_open_mode(&set, path, 0, old->st_mode & 0777,
					(uid_t)-1, old->st_gid, &dotlock);

	if (fd == -1) {
		*error_r = t_strdup_printf("cannot lock %s: %m", path);
		return -1;
	}
	if (write_full(fd, str_data(lines), str_len(lines)) < 0 ||
	    futimens(fd, times) < 0 || fsync(fd) < 0) {
		*error_r = t_strdup_printf("cannot write %s: %m", path);
		file_dotlock_delete(&dotlock);
		return -1;
	}
	if (file_dotlock_replace(&dotlock, 0) < 0) {
		*error_r = t_strdup_printf("cannot replace %s: %m", path);
		return -1;
	}
	return 0;
}

static int
letters(struct names *names, struct mailbox *box, const char **error_r)
{
	struct istream *input;
	const char *dir, *path;
	unsigned int changed;
	string_t *lines;
	struct stat st;
	int ret = 0;

	if (mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_CONTROL,
				&dir) <= 0)
		return 0;
	path = t_strconcat(dir, "/"MAILDIR_KEYWORDS, NULL);
	if (stat(path, &st) < 0)
		return 0;
	input = i_stream_create_file(path, 4096);
	lines = letters_change(names, input, &changed);
	if (input->stream_errno != 0) {
		*error_r = t_strdup_printf("cannot read %s: %s", path,
					   i_stream_get_error(input));
		ret = -1;
	}
	i_stream_unref(&input);
	if (ret < 0 || changed == 0)
		return ret;
	names->changed = I_MAX(names->changed, changed);
	return letters_write(box, path, lines, &st, error_r);
}

/* -- a mailbox -- */

static int
box_change(struct names *names, struct mailbox *box, const char **error_r)
{
	if (strcmp(box->storage->name, MAILDIR_STORAGE_NAME) == 0 &&
	    letters(names, box, error_r) < 0)
		return -1;
	/* An index in memory is on no disk. */
	return !MAIL_INDEX_IS_IN_MEMORY(box->index) &&
		index_has_clear(names, box->index->map) ?
		index_change(names, box->index, error_r) : 0;
}

/* NULL for a storage that has none. */
static struct maildir_uidlist *
uidlist_of(struct mailbox *box)
{
	struct maildir_mailbox *mbox = MAILDIR_MAILBOX(box);

	return strcmp(box->storage->name, MAILDIR_STORAGE_NAME) == 0 ?
		mbox->uidlist : NULL;
}

static int
uidlist_lock(struct mailbox *box, const char **error_r)
{
	struct maildir_uidlist *uidlist = uidlist_of(box);

	if (uidlist == NULL || maildir_uidlist_lock(uidlist) > 0)
		return 0;
	*error_r = t_strdup_printf("the mailbox cannot be locked: %s",
				   mailbox_get_last_internal_error(box, NULL));
	return -1;
}

static void
uidlist_unlock(struct mailbox *box)
{
	struct maildir_uidlist *uidlist = uidlist_of(box);

	if (uidlist != NULL)
		maildir_uidlist_unlock(uidlist);
}

/* 1 done; 0 the mailbox has to be synchronized before; -1 with error_r. */
static int
box_try(struct names *names, struct mailbox *box, const char **error_r)
{
	int ret;

	if (mail_index_lock_sync(box->index, "roost seal --finish") < 0) {
		*error_r = "the index cannot be locked";
		return -1;
	}
	if (mail_index_refresh(box->index) < 0) {
		*error_r = "the index cannot be read";
		ret = -1;
	} else if (mail_index_sync_have_any(box->index, 0)) {
		ret = 0;
	} else {
		ret = box_change(names, box, error_r) < 0 ? -1 : 1;
	}
	mail_index_unlock(box->index, "roost seal --finish");
	return ret;
}

int
roost_rewrite_names(struct mailbox *box, const struct roost_token_key *key,
		    enum roost_keywords mode, const char **error_r)
{
	struct names names = { .key = key, .mode = mode };
	unsigned int i;
	int ret = 0;

	t_array_init(&names.twin_of, 16);
	for (i = 0; i < SYNC_TRIES && ret == 0; i++) {
		if (mailbox_sync(box, MAILBOX_SYNC_FLAG_FULL_READ) < 0) {
			*error_r = t_strdup(mailbox_get_last_internal_error(
				box, NULL));
			return -1;
		}
		if (uidlist_lock(box, error_r) < 0)
			return -1;
		ret = box_try(&names, box, error_r);
		uidlist_unlock(box);
	}
	if (ret > 0)
		return (int)names.changed;
	if (ret == 0)
		*error_r = "other sessions keep changing it";
	return -1;
}
