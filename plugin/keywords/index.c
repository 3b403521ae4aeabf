/* SPDX-License-Identifier: MIT */
/*
 * index: the names of the keywords of one index.  See index.h.
 *
 * Dovecot compares the texts in the header of an index with those it had read
 * before, and ends the process if one has another position.  So the hash table
 * must go on finding each text of the header at the position it had.
 */
#include "keywords/index.h"

#include "hash.h"

#include "keywords/index-hash.h"
#include "keywords/name.h"

#include "roost/secret.h"

#define MAILDIR_KEYWORDS_FILE "dovecot-keywords"

/* What is known of the keyword at one position. */
struct keyword {
	bool is_claimed;	/* its text begins as tokens do */
	/* The name under which we let the hash table find it; NULL if only
	   the text itself finds it. */
	const char *alias;
	bool is_opened;		/* its text is a token whose name is known */
	bool is_allowed;	/* see roost_keyword_index_allow() */
	bool is_spelled_as_header;
};

struct roost_keyword_index {
	union mail_index_module_context module_ctx;
	struct mail_index *index;
	struct roost_keyword_box *boxes;
	ARRAY(struct keyword) keywords;
	ARRAY_TYPE(keywords) names;
	/* Each name once; and for each position, where its name stands in
	   shown, counted from 1.  0: not known yet. */
	ARRAY_TYPE(keywords) shown;
	ARRAY(unsigned int) shown_at;
	bool has_twins;
	/* The keyring that the names were opened with. */
	bool has_key;
	uint8_t keyring_id[ROOST_ID_SIZE];
	/* How many positions were searched for private names in clear, and by
	   which mode. */
	unsigned int sealed_count;
	enum roost_keywords sealed_mode;
	/* The mailbox that has synchronized last, if nothing has changed but
	   the count of keywords, which is compared with `keywords`. */
	const struct roost_keyword_box *synced;
};

static MODULE_CONTEXT_DEFINE_INIT(roost_keyword_index_module,
				  &mail_index_module_register);

struct roost_keyword_index *
roost_keyword_index_find(struct mail_index *index)
{
	struct roost_keyword_index *kindex =
		MODULE_CONTEXT(index, roost_keyword_index_module);

	return kindex;
}

struct roost_keyword_index *
roost_keyword_index_get(struct mail_index *index)
{
	struct roost_keyword_index *kindex = roost_keyword_index_find(index);

	if (kindex != NULL)
		return kindex;
	kindex = p_new(index->keywords_pool, struct roost_keyword_index, 1);
	kindex->index = index;
	p_array_init(&kindex->keywords, index->keywords_pool, 16);
	p_array_init(&kindex->names, index->keywords_pool, 16);
	p_array_init(&kindex->shown, index->keywords_pool, 16);
	p_array_init(&kindex->shown_at, index->keywords_pool, 16);
	roost_keyword_index_hash_use(index);
	MODULE_CONTEXT_SET(index, roost_keyword_index_module, kindex);
	return kindex;
}

struct roost_keyword_box **
roost_keyword_index_boxes(struct roost_keyword_index *kindex)
{
	return &kindex->boxes;
}

const ARRAY_TYPE(keywords) *
roost_keyword_index_names(const struct roost_keyword_index *kindex)
{
	return &kindex->names;
}

const ARRAY_TYPE(keywords) *
roost_keyword_index_shown(const struct roost_keyword_index *kindex)
{
	return &kindex->shown;
}

unsigned int
roost_keyword_index_shown_at(const struct roost_keyword_index *kindex,
			     unsigned int idx)
{
	const unsigned int *at = array_idx(&kindex->shown_at, idx);

	i_assert(*at > 0);
	return *at - 1;
}

bool
roost_keyword_index_has_twins(const struct roost_keyword_index *kindex)
{
	return kindex->has_twins;
}

bool
roost_keyword_index_is_opened(const struct roost_keyword_index *kindex,
			      unsigned int idx)
{
	const struct keyword *keyword = array_idx(&kindex->keywords, idx);

	return keyword->is_opened;
}

static bool
is_claimed(const char *name)
{
	return roost_token_is_claimed(name, strlen(name));
}

static const char *
stored_name(const struct roost_keyword_index *kindex, unsigned int idx)
{
	return array_idx_elem(&kindex->index->keywords, idx);
}

/* The text as the header of the index on disk spells it; NULL if it is not in
   there. */
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
	/* Dovecot checked offsets and counts when it mapped the index. */
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

/* Is the text in the list of the letters that stand for keywords in maildir's
   file names?  That list outlives an index, which is then rebuilt from it. */
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
is_on_disk(const struct roost_keyword_index *kindex, struct mailbox *box,
	   const char *name)
{
	return header_has(kindex->index, name) || maildir_has(box, name);
}

static bool
hash_find(const struct roost_keyword_index *kindex, const char *name,
	  unsigned int *idx_r)
{
	return mail_index_keyword_lookup(kindex->index, name, idx_r);
}

/* Let the hash table find the position by this name.  Returns a copy of the
   name that lives as long as the index. */
static const char *
hash_set(struct roost_keyword_index *kindex, const char *name, unsigned int idx)
{
	char *key = p_strdup(kindex->index->keywords_pool, name);

	hash_table_update(kindex->index->keywords_hash, key, POINTER_CAST(idx));
	return key;
}

static void
set_name(struct roost_keyword_index *kindex, unsigned int idx, const char *name)
{
	array_idx_set(&kindex->names, idx, &name);
}

static unsigned int
shown_at(struct roost_keyword_index *kindex, unsigned int idx)
{
	return idx < array_count(&kindex->shown_at) ?
		*array_idx(&kindex->shown_at, idx) : 0;
}

/* Let clients see the name of a position.  other has the same name and may be
   shown already; it is idx where there is no such position. */
static void
show(struct roost_keyword_index *kindex, unsigned int idx, unsigned int other)
{
	unsigned int at = shown_at(kindex, other);
	const char *name = array_idx_elem(&kindex->names, idx);

	if (at == 0) {
		array_push_back(&kindex->shown, &name);
		at = array_count(&kindex->shown);
		array_idx_set(&kindex->shown_at, other, &at);
	}
	array_idx_set(&kindex->shown_at, idx, &at);
}

/* Forget every name that a key has opened, so that all positions are taken in
   anew with this key. */
static void
keyword_index_reset(struct roost_keyword_index *kindex,
		    const struct roost_token_key *key)
{
	const struct keyword *keyword;
	unsigned int idx;

	array_foreach(&kindex->keywords, keyword) {
		/* Where a process without Roost has written the name into the
		   header, the hash table must go on finding it. */
		if (keyword->alias != NULL &&
		    hash_find(kindex, keyword->alias, &idx) &&
		    idx == array_foreach_idx(&kindex->keywords, keyword) &&
		    !header_has(kindex->index, keyword->alias))
			hash_table_remove(kindex->index->keywords_hash,
					  keyword->alias);
	}
	array_clear(&kindex->keywords);
	array_clear(&kindex->names);
	array_clear(&kindex->shown);
	array_clear(&kindex->shown_at);
	kindex->has_twins = FALSE;
	kindex->sealed_count = 0;
	kindex->has_key = key != NULL;
	if (key != NULL)
		memcpy(kindex->keyring_id, key->keyring_id, ROOST_ID_SIZE);
}

/* The token at idx opened as name: let the hash table find idx by it, unless a
   twin is found by it already.  Returns the position whose name is shown for
   both, which is idx where there is no other. */
static unsigned int
take_opened(struct roost_keyword_index *kindex,
	    const struct roost_keyword_access *access,
	    unsigned int idx, const char *name)
{
	struct keyword *keyword = array_idx_modifiable(&kindex->keywords, idx);
	unsigned int other;
	/* It may also be found at idx itself: the keyring that was in use
	   before left it there, because the header has the name, too. */
	bool is_known = hash_find(kindex, name, &other) && other != idx;

	keyword->is_opened = TRUE;
	if (is_known)
		kindex->has_twins = TRUE;
	if (is_known && (is_claimed(stored_name(kindex, other)) ||
			 is_on_disk(kindex, access->box, name))) {
		/* Two processes made the token in two spellings at once, or
		   the name was on disk before Roost. */
		set_name(kindex, idx, other < idx ?
			 array_idx_elem(&kindex->names, other) :
			 stored_name(kindex, other));
		return other;
	}
	/* Nobody knows the name; or it was asked for, as in a search, and never
	   stored. */
	keyword->alias = hash_set(kindex, name, idx);
	set_name(kindex, idx, keyword->alias);
	return is_known ? other : idx;
}

static void
take_next(struct roost_keyword_index *kindex,
	  const struct roost_keyword_access *access)
{
	unsigned int idx = array_count(&kindex->keywords);
	const char *stored = stored_name(kindex, idx);
	struct keyword *keyword = array_append_space(&kindex->keywords);
	char name[ROOST_TOKEN_NAME_MAX + 1];
	unsigned int other = idx;

	set_name(kindex, idx, stored);
	keyword->is_claimed = is_claimed(stored);
	if (keyword->is_claimed && access->key != NULL &&
	    roost_token_open(access->key, stored, strlen(stored), name) ==
	    ROOST_OK) {
		if (!is_claimed(name))
			other = take_opened(kindex, access, idx, name);
		roost_wipe(name, sizeof(name));
	}
	show(kindex, idx, shown_at(kindex, idx) > 0 ? idx : other);
}

/* Is the token of this name at another position than idx?  Then other_r is
   that position, and the name finds it from now on. */
static bool
has_token_elsewhere(struct roost_keyword_index *kindex, const char *name,
		    const char *token, unsigned int idx, unsigned int *other_r)
{
	struct keyword *keyword;

	if (!hash_find(kindex, token, other_r) || *other_r == idx)
		return FALSE;
	/* The token was added while the name was on disk in clear, which it no
	   longer is.  The header may have the token, so it keeps its
	   position. */
	keyword = array_idx_modifiable(&kindex->keywords, *other_r);
	keyword->alias = hash_set(kindex, name, *other_r);
	return TRUE;
}

/* Put a token in the place of a private name, unless the name is on disk in
   clear.  The name stays where it is if no token can be made of it. */
static void
seal_one(struct roost_keyword_index *kindex,
	 const struct roost_keyword_access *access,
	 unsigned int idx)
{
	struct keyword *keyword = array_idx_modifiable(&kindex->keywords, idx);
	const char *name = stored_name(kindex, idx), *stored;
	char token[ROOST_TOKEN_MAX + 1];
	unsigned int other;

	if (is_on_disk(kindex, access->box, name))
		return;
	if (roost_token_seal(access->key, name, strlen(name),
			     token) != ROOST_OK)
		return;
	if ((hash_find(kindex, name, &other) && other != idx) ||
	    has_token_elsewhere(kindex, name, token, idx, &other)) {
		stored = stored_name(kindex, other);
		set_name(kindex, idx, array_idx_elem(&kindex->names, other));
		kindex->has_twins = TRUE;
	} else {
		stored = hash_set(kindex, token, idx);
		keyword->alias = name;
	}
	keyword->is_claimed = keyword->is_opened = TRUE;
	array_idx_set(&kindex->index->keywords, idx, &stored);
}

static void
seal_private(struct roost_keyword_index *kindex,
	     const struct roost_keyword_access *access)
{
	const struct keyword *keyword;
	unsigned int i, count = array_count(&kindex->keywords);

	if (access->key == NULL || access->mode == ROOST_KEYWORDS_OFF ||
	    (kindex->sealed_count == count &&
	     kindex->sealed_mode == access->mode))
		return;
	for (i = 0; i < count; i++) T_BEGIN {
		keyword = array_idx(&kindex->keywords, i);
		if (!keyword->is_claimed &&
		    roost_keyword_name_is_private(stored_name(kindex, i),
						  access->mode))
			seal_one(kindex, access, i);
	} T_END;
	kindex->sealed_count = count;
	kindex->sealed_mode = access->mode;
}

void
roost_keyword_index_recheck(struct roost_keyword_index *kindex)
{
	kindex->sealed_count = 0;
	kindex->synced = NULL;
}

void
roost_keyword_index_set_synced(struct roost_keyword_index *kindex,
			       const struct roost_keyword_box *kbox)
{
	kindex->synced = kbox;
}

bool
roost_keyword_index_is_synced(const struct roost_keyword_index *kindex,
			      const struct roost_keyword_box *kbox)
{
	return kindex->synced == kbox && array_count(&kindex->keywords) ==
		array_count(&kindex->index->keywords);
}

bool
roost_keyword_index_wants_key(const struct roost_keyword_index *kindex,
			      unsigned int from, enum roost_keywords mode)
{
	unsigned int i;

	if (kindex->has_key)
		return TRUE;
	for (i = from; i < array_count(&kindex->index->keywords); i++) {
		const char *stored = stored_name(kindex, i);

		if (is_claimed(stored) || roost_keyword_name_is_private(stored,
									mode))
			return TRUE;
	}
	return FALSE;
}

void
roost_keyword_index_sync(struct roost_keyword_index *kindex,
			 const struct roost_keyword_access *access)
{
	unsigned int count = array_count(&kindex->index->keywords);

	kindex->synced = NULL;
	if (kindex->has_key != (access->key != NULL) ||
	    (kindex->has_key && memcmp(kindex->keyring_id,	/* public */
				       access->key->keyring_id,
				       ROOST_ID_SIZE) != 0))
		keyword_index_reset(kindex, access->key);
	if (array_count(&kindex->keywords) < count) {
		while (array_count(&kindex->keywords) < count) T_BEGIN {
			take_next(kindex, access);
		} T_END;
		array_append_zero(&kindex->names);
		array_pop_back(&kindex->names);
		array_append_zero(&kindex->shown);
		array_pop_back(&kindex->shown);
	}
	seal_private(kindex, access);
}

const char *
roost_keyword_index_name(const struct roost_keyword_index *kindex,
			 const char *stored)
{
	unsigned int idx;

	if (!hash_find(kindex, stored, &idx) ||
	    idx >= array_count(&kindex->names))
		return stored;
	return array_idx_elem(&kindex->names, idx);
}

unsigned int
roost_keyword_index_first(const struct roost_keyword_index *kindex,
			  unsigned int idx)
{
	unsigned int first;

	if (!kindex->has_twins || idx >= array_count(&kindex->names) ||
	    !hash_find(kindex, array_idx_elem(&kindex->names, idx), &first))
		return idx;
	return first;
}

bool
roost_keyword_index_is_foreign(const struct roost_keyword_index *kindex,
			       struct mailbox *box, unsigned int idx)
{
	const struct keyword *keyword = array_idx(&kindex->keywords, idx);

	return keyword->is_claimed && !keyword->is_opened &&
		!keyword->is_allowed &&
		!is_on_disk(kindex, box, stored_name(kindex, idx));
}

void
roost_keyword_index_allow(struct roost_keyword_index *kindex,
			  unsigned int idx)
{
	struct keyword *keyword = array_idx_modifiable(&kindex->keywords, idx);

	keyword->is_allowed = TRUE;
}

void
roost_keyword_index_spell_as_header(struct roost_keyword_index *kindex,
				    unsigned int idx)
{
	struct keyword *keyword = array_idx_modifiable(&kindex->keywords, idx);
	const char *stored;

	if (!keyword->is_opened || keyword->is_spelled_as_header)
		return;
	stored = header_find(kindex->index, stored_name(kindex, idx));
	if (stored == NULL)
		return;
	keyword->is_spelled_as_header = TRUE;
	stored = p_strdup(kindex->index->keywords_pool, stored);
	array_idx_set(&kindex->index->keywords, idx, &stored);
}

enum roost_keyword_fault
roost_keyword_index_check(const struct roost_keyword_index *kindex,
			  const struct roost_keyword_access *access,
			  unsigned int idx)
{
	const struct keyword *keyword = array_idx(&kindex->keywords, idx);
	const char *stored = stored_name(kindex, idx);

	if (roost_keyword_index_is_foreign(kindex, access->box, idx))
		return ROOST_KEYWORD_FORGED;
	if (keyword->is_claimed ||
	    !roost_keyword_name_is_private(stored, access->mode) ||
	    is_on_disk(kindex, access->box, stored))
		return ROOST_KEYWORD_OK;
	return ROOST_KEYWORD_BARE;
}
