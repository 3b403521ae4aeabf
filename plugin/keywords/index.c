/* SPDX-License-Identifier: MIT */
/*
 * index: names and tokens of one index.  See index.h.
 *
 * Dovecot compares the names in the header of an index with what it knew of
 * them, and ends the process where one has moved.  So the hash must go on
 * finding each name of the header at the position it had.
 */
#include "keywords/index.h"

#include "hash.h"

#include "keywords/index-hash.h"
#include "keywords/names.h"

#include "roost/secret.h"

#define MAILDIR_KEYWORDS_FILE "dovecot-keywords"

struct keyword {
	bool is_claimed;	/* begins as tokens do */
	/* Under which name the hash was made to find it; NULL: by nothing but
	   what the array holds. */
	const char *alias;
	bool is_opened;
	bool is_let_pass;
	bool is_settled;	/* spelled as the header spells it */
};

struct roost_keyword_index {
	union mail_index_module_context module_ctx;
	struct mail_index *index;
	struct roost_keyword_box *boxes;
	ARRAY(struct keyword) keywords;
	ARRAY_TYPE(keywords) names;
	/* Each name once, and for each position 1 more than where. */
	ARRAY_TYPE(keywords) shown;
	ARRAY(unsigned int) shown_at;
	bool has_twins;
	/* With what it was filled. */
	bool has_key;
	uint8_t keyring_id[ROOST_ID_SIZE];
	/* Up to where private names were looked for, and with which mode. */
	unsigned int sealed_count;
	enum roost_keywords sealed_mode;
};

static MODULE_CONTEXT_DEFINE_INIT(roost_keyword_index_module,
				  &mail_index_module_register);

struct roost_keyword_index *
roost_keyword_index_find(struct mail_index *index)
{
	struct roost_keyword_index *ki =
		MODULE_CONTEXT(index, roost_keyword_index_module);

	return ki;
}

struct roost_keyword_index *
roost_keyword_index_get(struct mail_index *index)
{
	struct roost_keyword_index *ki = roost_keyword_index_find(index);

	if (ki != NULL)
		return ki;
	ki = p_new(index->keywords_pool, struct roost_keyword_index, 1);
	ki->index = index;
	p_array_init(&ki->keywords, index->keywords_pool, 16);
	p_array_init(&ki->names, index->keywords_pool, 16);
	p_array_init(&ki->shown, index->keywords_pool, 16);
	p_array_init(&ki->shown_at, index->keywords_pool, 16);
	roost_keyword_index_hash_use(index);
	MODULE_CONTEXT_SET(index, roost_keyword_index_module, ki);
	return ki;
}

struct roost_keyword_box **
roost_keyword_index_boxes(struct roost_keyword_index *ki)
{
	return &ki->boxes;
}

const ARRAY_TYPE(keywords) *
roost_keyword_index_names(const struct roost_keyword_index *ki)
{
	return &ki->names;
}

const ARRAY_TYPE(keywords) *
roost_keyword_index_shown(const struct roost_keyword_index *ki)
{
	return &ki->shown;
}

unsigned int
roost_keyword_index_shown_at(const struct roost_keyword_index *ki,
			     unsigned int idx)
{
	const unsigned int *at = array_idx(&ki->shown_at, idx);

	i_assert(*at > 0);
	return *at - 1;
}

bool
roost_keyword_index_has_twins(const struct roost_keyword_index *ki)
{
	return ki->has_twins;
}

bool
roost_keyword_index_is_opened(const struct roost_keyword_index *ki,
			      unsigned int idx)
{
	const struct keyword *keyword = array_idx(&ki->keywords, idx);

	return keyword->is_opened;
}

static bool
is_claimed(const char *name)
{
	return roost_token_is_claimed(name, strlen(name));
}

static const char *
stored_name(const struct roost_keyword_index *ki, unsigned int idx)
{
	return array_idx_elem(&ki->index->keywords, idx);
}

/* The name as the header on disk holds it, NULL if it does not. */
static const char *
header_find(const struct mail_index *index, const char *name)
{
	struct mail_index_map *map = index->map;
	const struct mail_index_ext *ext;
	const struct mail_index_keyword_header *hdr;
	const struct mail_index_keyword_header_rec *recs;
	const char *names;
	uint32_t ext_idx, i;

	if (map == NULL || !mail_index_map_lookup_ext(map,
				MAIL_INDEX_EXT_KEYWORDS, &ext_idx))
		return NULL;
	ext = array_idx(&map->extensions, ext_idx);
	hdr = MAIL_INDEX_MAP_HDR_OFFSET(map, ext->hdr_offset);
	recs = (const void *)(hdr + 1);
	names = (const char *)(recs + hdr->keywords_count);
	/* Dovecot has checked all of it when it mapped the index. */
	for (i = 0; i < hdr->keywords_count; i++) {
		if (strcasecmp(names + recs[i].name_offset, name) == 0)
			return names + recs[i].name_offset;
	}
	return NULL;
}

static bool
header_has(const struct mail_index *index, const char *name)
{
	return header_find(index, name) != NULL;
}

/* The same for what stands for the letters in file names: it outlives an
   index, which then is built from it. */
static bool
maildir_has(struct mailbox *box, const char *name)
{
	struct istream *input;
	const char *dir, *line, *listed;
	bool is_found = FALSE;

	if (strcmp(box->storage->name, "maildir") != 0 ||
	    mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_CONTROL,
				&dir) <= 0)
		return FALSE;
	input = i_stream_create_file(t_strconcat(dir,
				"/"MAILDIR_KEYWORDS_FILE, NULL), 1024);
	while (!is_found && (line = i_stream_read_next_line(input)) != NULL) {
		listed = strchr(line, ' ');
		is_found = listed != NULL && strcasecmp(listed + 1, name) == 0;
	}
	i_stream_unref(&input);
	return is_found;
}

static bool
is_on_disk(const struct roost_keyword_index *ki, struct mailbox *box,
	   const char *name)
{
	return header_has(ki->index, name) || maildir_has(box, name);
}

static bool
hash_find(const struct roost_keyword_index *ki, const char *name,
	  unsigned int *idx_r)
{
	return mail_index_keyword_lookup(ki->index, name, idx_r);
}

/* Answers with a copy of name that lives as long as the index. */
static const char *
hash_set(struct roost_keyword_index *ki, const char *name, unsigned int idx)
{
	char *key = p_strdup(ki->index->keywords_pool, name);

	hash_table_update(ki->index->keywords_hash, key, POINTER_CAST(idx));
	return key;
}

static void
set_name(struct roost_keyword_index *ki, unsigned int idx, const char *name)
{
	array_idx_set(&ki->names, idx, &name);
}

static unsigned int
shown_at(struct roost_keyword_index *ki, unsigned int idx)
{
	return idx < array_count(&ki->shown_at) ?
		*array_idx(&ki->shown_at, idx) : 0;
}

/* A position's name is shown; other has the same one, or is idx itself. */
static void
show(struct roost_keyword_index *ki, unsigned int idx, unsigned int other)
{
	unsigned int at = shown_at(ki, other);
	const char *name = array_idx_elem(&ki->names, idx);

	if (at == 0) {
		array_push_back(&ki->shown, &name);
		at = array_count(&ki->shown);
		array_idx_set(&ki->shown_at, other, &at);
	}
	array_idx_set(&ki->shown_at, idx, &at);
}

/* Forget every name that a key has opened, and begin again. */
static void
keyword_index_reset(struct roost_keyword_index *ki,
		    const struct roost_token_key *key)
{
	const struct keyword *keyword;
	unsigned int idx;

	array_foreach(&ki->keywords, keyword) {
		/* A process without Roost may have written the name: then
		   it must go on being found. */
		if (keyword->alias != NULL &&
		    hash_find(ki, keyword->alias, &idx) &&
		    idx == array_foreach_idx(&ki->keywords, keyword) &&
		    !header_has(ki->index, keyword->alias))
			hash_table_remove(ki->index->keywords_hash,
					  keyword->alias);
	}
	array_clear(&ki->keywords);
	array_clear(&ki->names);
	array_clear(&ki->shown);
	array_clear(&ki->shown_at);
	ki->has_twins = FALSE;
	ki->sealed_count = 0;
	ki->has_key = key != NULL;
	if (key != NULL)
		memcpy(ki->keyring_id, key->keyring_id, ROOST_ID_SIZE);
}

/* A token that holds name: let the hash find it so, unless another does.
   Answers where the name is shown, too. */
static unsigned int
take_opened(struct roost_keyword_index *ki, const struct roost_keyword_way *way,
	    unsigned int idx, const char *name)
{
	struct keyword *keyword = array_idx_modifiable(&ki->keywords, idx);
	unsigned int other;
	/* Found where it is: left from a key that was there before, since it
	   stands on disk as well. */
	bool is_known = hash_find(ki, name, &other) && other != idx;

	keyword->is_opened = TRUE;
	if (is_known)
		ki->has_twins = TRUE;
	if (is_known && (is_claimed(stored_name(ki, other)) ||
			 is_on_disk(ki, way->box, name))) {
		/* Spelled differently by two processes at once, or older than
		   Roost. */
		set_name(ki, idx, other < idx ?
			 array_idx_elem(&ki->names, other) :
			 stored_name(ki, other));
		return other;
	}
	/* Unknown, or somebody asked for it before and nobody stored it. */
	keyword->alias = hash_set(ki, name, idx);
	set_name(ki, idx, keyword->alias);
	return is_known ? other : idx;
}

static void
take_next(struct roost_keyword_index *ki, const struct roost_keyword_way *way)
{
	unsigned int idx = array_count(&ki->keywords);
	const char *stored = stored_name(ki, idx);
	struct keyword *keyword = array_append_space(&ki->keywords);
	char name[ROOST_TOKEN_NAME_MAX + 1];
	unsigned int other = idx;

	set_name(ki, idx, stored);
	keyword->is_claimed = is_claimed(stored);
	if (keyword->is_claimed && way->key != NULL &&
	    roost_token_open(way->key, stored, strlen(stored), name) ==
	    ROOST_OK) {
		if (!is_claimed(name))
			other = take_opened(ki, way, idx, name);
		roost_wipe(name, sizeof(name));
	}
	show(ki, idx, shown_at(ki, idx) > 0 ? idx : other);
}

/* Where the name's token stands, if that is elsewhere. */
static bool
has_token_elsewhere(struct roost_keyword_index *ki, const char *name,
		    const char *token, unsigned int idx, unsigned int *other_r)
{
	struct keyword *keyword;

	if (!hash_find(ki, token, other_r) || *other_r == idx)
		return FALSE;
	/* It came while the name stood on disk, and gives way to it no more.
	   It may be in the header, so the hash must go on finding it there. */
	keyword = array_idx_modifiable(&ki->keywords, *other_r);
	keyword->alias = hash_set(ki, name, *other_r);
	return TRUE;
}

/* A private name that is on no disk: put a token in its place. */
static void
seal_one(struct roost_keyword_index *ki, const struct roost_keyword_way *way,
	 unsigned int idx)
{
	struct keyword *keyword = array_idx_modifiable(&ki->keywords, idx);
	const char *name = stored_name(ki, idx), *stored;
	char token[ROOST_TOKEN_MAX + 1];
	unsigned int other;

	if (is_on_disk(ki, way->box, name))
		return;
	if (roost_token_seal(way->key, name, strlen(name), token) != ROOST_OK)
		return;
	if ((hash_find(ki, name, &other) && other != idx) ||
	    has_token_elsewhere(ki, name, token, idx, &other)) {
		stored = stored_name(ki, other);
		set_name(ki, idx, array_idx_elem(&ki->names, other));
		ki->has_twins = TRUE;
	} else {
		stored = hash_set(ki, token, idx);
		keyword->alias = name;
	}
	keyword->is_claimed = keyword->is_opened = TRUE;
	array_idx_set(&ki->index->keywords, idx, &stored);
}

static void
seal_private(struct roost_keyword_index *ki,
	     const struct roost_keyword_way *way)
{
	const struct keyword *keyword;
	unsigned int i, count = array_count(&ki->keywords);

	if (way->key == NULL || way->mode == ROOST_KEYWORDS_OFF ||
	    (ki->sealed_count == count && ki->sealed_mode == way->mode))
		return;
	for (i = 0; i < count; i++) T_BEGIN {
		keyword = array_idx(&ki->keywords, i);
		if (!keyword->is_claimed &&
		    roost_keyword_is_private(stored_name(ki, i), way->mode))
			seal_one(ki, way, i);
	} T_END;
	ki->sealed_count = count;
	ki->sealed_mode = way->mode;
}

void
roost_keyword_index_seal_again(struct roost_keyword_index *ki)
{
	ki->sealed_count = 0;
}

bool
roost_keyword_index_wants_key(const struct roost_keyword_index *ki,
			      unsigned int from, enum roost_keywords mode)
{
	unsigned int i;

	if (ki->has_key)
		return TRUE;
	for (i = from; i < array_count(&ki->index->keywords); i++) {
		const char *stored = stored_name(ki, i);

		if (is_claimed(stored) || roost_keyword_is_private(stored,
								   mode))
			return TRUE;
	}
	return FALSE;
}

void
roost_keyword_index_sync(struct roost_keyword_index *ki,
			 const struct roost_keyword_way *way)
{
	unsigned int count = array_count(&ki->index->keywords);

	if (ki->has_key != (way->key != NULL) ||
	    (ki->has_key && memcmp(ki->keyring_id,	/* public */
				   way->key->keyring_id, ROOST_ID_SIZE) != 0))
		keyword_index_reset(ki, way->key);
	if (array_count(&ki->keywords) < count) {
		while (array_count(&ki->keywords) < count) T_BEGIN {
			take_next(ki, way);
		} T_END;
		array_append_zero(&ki->names);
		array_pop_back(&ki->names);
		array_append_zero(&ki->shown);
		array_pop_back(&ki->shown);
	}
	seal_private(ki, way);
}

const char *
roost_keyword_index_name(const struct roost_keyword_index *ki,
			 const char *stored)
{
	unsigned int idx;

	if (!hash_find(ki, stored, &idx) || idx >= array_count(&ki->names))
		return stored;
	return array_idx_elem(&ki->names, idx);
}

unsigned int
roost_keyword_index_first(const struct roost_keyword_index *ki,
			  unsigned int idx)
{
	unsigned int first;

	if (!ki->has_twins || idx >= array_count(&ki->names) ||
	    !hash_find(ki, array_idx_elem(&ki->names, idx), &first))
		return idx;
	return first;
}

bool
roost_keyword_index_is_strange(const struct roost_keyword_index *ki,
			       struct mailbox *box, unsigned int idx)
{
	const struct keyword *keyword = array_idx(&ki->keywords, idx);

	return keyword->is_claimed && !keyword->is_opened &&
		!keyword->is_let_pass &&
		!is_on_disk(ki, box, stored_name(ki, idx));
}

void
roost_keyword_index_let_pass(struct roost_keyword_index *ki,
			     unsigned int idx)
{
	struct keyword *keyword = array_idx_modifiable(&ki->keywords, idx);

	keyword->is_let_pass = TRUE;
}

void
roost_keyword_index_settle(struct roost_keyword_index *ki, unsigned int idx)
{
	struct keyword *keyword = array_idx_modifiable(&ki->keywords, idx);
	const char *stored;

	if (!keyword->is_opened || keyword->is_settled)
		return;
	stored = header_find(ki->index, stored_name(ki, idx));
	if (stored == NULL)
		return;
	keyword->is_settled = TRUE;
	stored = p_strdup(ki->index->keywords_pool, stored);
	array_idx_set(&ki->index->keywords, idx, &stored);
}

enum roost_keyword_fault
roost_keyword_index_check(const struct roost_keyword_index *ki,
			  const struct roost_keyword_way *way,
			  unsigned int idx)
{
	const struct keyword *keyword = array_idx(&ki->keywords, idx);
	const char *stored = stored_name(ki, idx);

	if (roost_keyword_index_is_strange(ki, way->box, idx))
		return ROOST_KEYWORD_FORGED;
	if (keyword->is_claimed ||
	    !roost_keyword_is_private(stored, way->mode) ||
	    is_on_disk(ki, way->box, stored))
		return ROOST_KEYWORD_OK;
	return ROOST_KEYWORD_BARE;
}
