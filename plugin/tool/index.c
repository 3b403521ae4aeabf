/* SPDX-License-Identifier: MIT */
/*
 * index: reading Dovecot's index files.  See index.h.
 */
#include "tool/index.h"

#include <stdlib.h>
#include <string.h>

#define MAJOR 7
#define LITTLE_ENDIAN_FLAG 1
#define BASE_SIZE_MIN 72
#define EXTENSION_HEAD_SIZE 16
#define LOG_MAJOR 1
#define LOG_HEAD_SIZE_MIN 24
#define RECORD_HEAD_SIZE 8
/* How many messages may be touched in all: an honest log is far below. */
#ifndef WORK_MAX
#define WORK_MAX UINT64_C(2000000000)
#endif

enum log_type {
	LOG_APPEND = 0x2,
	LOG_FLAGS = 0x4,
	LOG_HEADER = 0x20,
	LOG_EXT_INTRO = 0x40,
	LOG_EXT_RESET = 0x80,
	LOG_EXT_RECORD = 0x200,
	LOG_KEYWORD = 0x400,
	LOG_KEYWORD_RESET = 0x800,
	LOG_EXPUNGE = 0x1 | 0xcd90,
	LOG_EXPUNGE_GUID = 0x2000 | 0xcd90,
	LOG_BOUNDARY = 0x80000,
	LOG_TYPES = 0x0fffffff,
	LOG_EXTERNAL = 0x10000000,
};

/* The bytes of one record of the log, or of anything else. */
struct span {
	const uint8_t *bytes;
	size_t len;
};

static uint16_t
get16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] | (unsigned int)bytes[1] << 8);
}

static uint32_t
get32(const uint8_t *bytes)
{
	return (uint32_t)get16(bytes) | (uint32_t)get16(bytes + 2) << 16;
}

static size_t
align(size_t value, size_t to)
{
	return (value + to - 1) / to * to;
}

void
roost_index_init(struct roost_index *index, const char *wanted)
{
	memset(index, 0, sizeof(*index));
	index->wanted = wanted;
	index->next_uid = 1;
	index->current = ROOST_INDEX_EXTENSIONS_MAX;
}

void
roost_index_free(struct roost_index *index)
{
	unsigned int i;

	for (i = 0; i < index->keyword_count; i++)
		free(index->keywords[i]);
	free(index->records);
	memset(index, 0, sizeof(*index));
}

static void
index_forget(struct roost_index *index)
{
	const char *wanted = index->wanted;

	roost_index_free(index);
	roost_index_init(index, wanted);
}

/* -- records -- */

static struct roost_index_record *
record_add(struct roost_index *index, uint32_t uid, uint8_t flags)
{
	size_t room = index->room == 0 ? 64 : index->room * 2;
	struct roost_index_record *records;

	if (uid == 0 || uid < index->next_uid || uid == UINT32_MAX ||
	    index->count == ROOST_INDEX_RECORDS_MAX)
		return NULL;
	if (index->count == index->room) {
		records = realloc(index->records, room * sizeof(*records));
		if (records == NULL)
			return NULL;
		index->records = records;
		index->room = room;
	}
	records = &index->records[index->count++];
	memset(records, 0, sizeof(*records));
	records->uid = uid;
	records->flags = flags;
	index->next_uid = uid + 1;
	return records;
}

/* Returns which record is the first with at least this UID. */
static size_t
record_from(const struct roost_index *index, uint32_t uid)
{
	size_t low = 0, high = index->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (index->records[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct roost_index_record *
roost_index_find(const struct roost_index *index, uint32_t uid)
{
	size_t at = record_from(index, uid);

	return at < index->count && index->records[at].uid == uid &&
		!index->records[at].is_expunged ? &index->records[at] : NULL;
}

/* -- extensions and keywords -- */

/* Returns the extension with this name, which is added if need be; NULL if it
   cannot be. */
static struct roost_index_extension *
extension_get(struct roost_index *index, const uint8_t *name, size_t len)
{
	struct roost_index_extension *extension = index->extensions;
	unsigned int i;

	/* No extension that matters has so long a name, but each counts. */
	if (len == 0 || len >= sizeof(extension->name))
		len = sizeof(extension->name) - 1;
	for (i = 0; i < index->extension_count; i++, extension++) {
		if (strlen(extension->name) == len &&
		    memcmp(extension->name, name, len) == 0)   /* public */
			return extension;
	}
	if (index->extension_count == ROOST_INDEX_EXTENSIONS_MAX)
		return NULL;
	index->extension_count++;
	memset(extension, 0, sizeof(*extension));
	memcpy(extension->name, name, len);
	return extension;
}

static bool
is_wanted(const struct roost_index *index,
	  const struct roost_index_extension *extension)
{
	return index->wanted != NULL &&
		strcmp(extension->name, index->wanted) == 0;
}

/* Take the words of an extension's record. */
static void
values_take(struct roost_index_record *record, const uint8_t *bytes,
	    size_t len)
{
	size_t i;

	for (i = 0; i < ROOST_INDEX_VALUES; i++)
		record->values[i] = 4 * (i + 1) <= len ?
			get32(bytes + 4 * i) : 0;
}

/* Returns the number of a keyword, which is added if need be, or
   ROOST_INDEX_KEYWORDS_MAX for one too many. */
static unsigned int
keyword_get(struct roost_index *index, const char *name, size_t len)
{
	unsigned int i;

	for (i = 0; i < index->keyword_count; i++) {
		if (strlen(index->keywords[i]) == len &&
		    memcmp(index->keywords[i], name, len) == 0)	/* public */
			return i;
	}
	if (i == ROOST_INDEX_KEYWORDS_MAX)
		return i;
	index->keywords[i] = calloc(1, len + 1);
	if (index->keywords[i] == NULL)
		return ROOST_INDEX_KEYWORDS_MAX;
	memcpy(index->keywords[i], name, len);
	index->keyword_count++;
	return i;
}

/* A keyword of a name that has a NUL, or a line end, cannot be. */
static bool
is_keyword(const uint8_t *name, size_t len)
{
	return len > 0 && memchr(name, '\0', len) == NULL &&
		memchr(name, '\n', len) == NULL;
}

/* Names in the header of the extension "keywords". */
static bool
keywords_take(struct roost_index *index, struct span span)
{
	uint32_t count, i;
	size_t names, at;
	const uint8_t *end;

	if (span.len < 4)
		return true;
	count = get32(span.bytes);
	if (count > (span.len - 4) / 8)
		return false;
	names = 4 + 8 * (size_t)count;
	for (i = 0; i < count && i < ROOST_INDEX_KEYWORDS_MAX; i++) {
		at = names + get32(span.bytes + 4 + 8 * (size_t)i + 4);
		if (at >= span.len)
			return false;
		end = memchr(span.bytes + at, '\0', span.len - at);
		if (end == NULL ||
		    !is_keyword(span.bytes + at,
				(size_t)(end - span.bytes) - at) ||
		    keyword_get(index, (const char *)span.bytes + at,
				(size_t)(end - span.bytes) - at) != i)
			return false;
	}
	return true;
}

/* -- the main file -- */

static bool
extensions_take(struct roost_index *index, const uint8_t *bytes,
		size_t header_size, size_t record_size)
{
	size_t off = align(get16(bytes + 2), 8), data, hdr_size, name_size;
	struct roost_index_extension *extension;
	unsigned int count;

	while (off < header_size) {
		if (header_size - off < EXTENSION_HEAD_SIZE)
			return false;
		hdr_size = get32(bytes + off);
		name_size = get16(bytes + off + 14);
		data = align(off + EXTENSION_HEAD_SIZE + name_size, 8);
		if (name_size == 0 || data > header_size ||
		    hdr_size > header_size - data)
			return false;
		count = index->extension_count;
		extension = extension_get(index, bytes + off +
					  EXTENSION_HEAD_SIZE, name_size);
		if (extension == NULL || index->extension_count == count)
			return false;
		extension->reset_id = get32(bytes + off + 4);
		extension->offset = get16(bytes + off + 8);
		extension->size = get16(bytes + off + 10);
		if ((size_t)extension->offset + extension->size > record_size)
			return false;
		if (strcmp(extension->name, "keywords") == 0 &&
		    !keywords_take(index, (struct span){ bytes + data,
							 hdr_size }))
			return false;
		off = data + align(hdr_size, 8);
	}
	return true;
}

/* One record of the main file. */
static bool
record_take(struct roost_index *index, const uint8_t *bytes)
{
	struct roost_index_record *record =
		record_add(index, get32(bytes), bytes[4]);
	const struct roost_index_extension *extension = index->extensions;
	unsigned int i;
	size_t bit;

	if (record == NULL)
		return false;
	for (i = 0; i < index->extension_count; i++, extension++) {
		const uint8_t *data = bytes + extension->offset;

		if (is_wanted(index, extension))
			values_take(record, data, extension->size);
		if (strcmp(extension->name, "keywords") != 0)
			continue;
		for (bit = 0; bit < ROOST_INDEX_KEYWORDS_MAX &&
		     bit / 8 < extension->size; bit++) {
			if ((data[bit / 8] & 1 << bit % 8) != 0)
				record->keywords |= UINT64_C(1) << bit;
		}
	}
	return true;
}

bool
roost_index_take_main(struct roost_index *index, const uint8_t *bytes,
		      size_t len)
{
	uint32_t header_size, record_size, count, next_uid, i;

	if (len < BASE_SIZE_MIN || bytes[0] != MAJOR ||
	    (bytes[12] & LITTLE_ENDIAN_FLAG) == 0 ||
	    get16(bytes + 2) < BASE_SIZE_MIN)
		return false;
	header_size = get32(bytes + 4);
	record_size = get32(bytes + 8);
	count = get32(bytes + 32);
	if (header_size < get16(bytes + 2) || header_size > len ||
	    record_size < 5 || record_size > UINT16_MAX ||
	    count > (len - header_size) / record_size ||
	    !extensions_take(index, bytes, header_size, record_size))
		return false;
	for (i = 0; i < count; i++) {
		if (!record_take(index, bytes + header_size +
				 (size_t)i * record_size))
			return false;
	}
	index->uid_validity = get32(bytes + 24);
	next_uid = get32(bytes + 28);
	index->log_seq = get32(bytes + 60);
	index->log_off = get32(bytes + 68);
	if (next_uid < index->next_uid)
		return false;
	index->next_uid = next_uid;
	return true;
}

/* -- the log -- */

/* Change the messages between two UIDs. */
static bool
range_change(struct roost_index *index, uint32_t uid1, uint32_t uid2,
	     void (*change)(struct roost_index_record *record,
			    const void *context), const void *context)
{
	size_t at = record_from(index, uid1);

	for (; at < index->count && index->records[at].uid <= uid2; at++) {
		change(&index->records[at], context);
		index->work++;
	}
	return ++index->work < WORK_MAX;
}

static void
flags_change(struct roost_index_record *record, const void *context)
{
	const uint8_t *change = context;

	record->flags = (uint8_t)((record->flags & ~change[1]) | change[0]);
}

static void
expunge(struct roost_index_record *record, const void *context)
{
	(void)context;
	record->is_expunged = true;
}

static void
keyword_set(struct roost_index_record *record, const void *context)
{
	record->keywords |= *(const uint64_t *)context;
}

static void
keyword_clear(struct roost_index_record *record, const void *context)
{
	record->keywords &= ~*(const uint64_t *)context;
}

static void
values_clear(struct roost_index_record *record, const void *context)
{
	(void)context;
	memset(record->values, 0, sizeof(record->values));
}

static bool
log_append(struct roost_index *index, struct span span)
{
	size_t at;

	for (at = 0; at + 8 <= span.len; at += 8) {
		if (record_add(index, get32(span.bytes + at),
			       span.bytes[at + 4]) == NULL)
			return false;
	}
	return true;
}

static bool
log_flags(struct roost_index *index, struct span span)
{
	size_t at;

	for (at = 0; at + 12 <= span.len; at += 12) {
		if (!range_change(index, get32(span.bytes + at),
				  get32(span.bytes + at + 4), flags_change,
				  span.bytes + at + 8))
			return false;
	}
	return true;
}

/* Only UIDVALIDITY and the next UID are of use. */
static bool
log_header(struct roost_index *index, struct span span)
{
	size_t at = 0, off, size;

	while (at + 4 <= span.len) {
		off = get16(span.bytes + at);
		size = get16(span.bytes + at + 2);
		if (size > span.len - at - 4)
			return false;
		if (off <= 24 && off + size >= 28)
			index->uid_validity =
				get32(span.bytes + at + 4 + 24 - off);
		at = align(at + 4 + size, 4);
	}
	return true;
}

static bool
log_keyword(struct roost_index *index, struct span span)
{
	size_t name_size, at;
	unsigned int number;
	uint64_t bit;

	if (span.len < 4)
		return false;
	name_size = get16(span.bytes + 2);
	at = align(4 + name_size, 4);
	if (at > span.len || !is_keyword(span.bytes + 4, name_size) ||
	    extension_get(index, (const uint8_t *)"keywords", 8) == NULL)
		return false;
	number = keyword_get(index, (const char *)span.bytes + 4, name_size);
	if (number == ROOST_INDEX_KEYWORDS_MAX)
		return true;
	bit = UINT64_C(1) << number;
	for (; at + 8 <= span.len; at += 8) {
		if (!range_change(index, get32(span.bytes + at),
				  get32(span.bytes + at + 4),
				  span.bytes[0] == 0 ? keyword_set :
				  keyword_clear, &bit))
			return false;
	}
	return true;
}

static bool
log_keyword_reset(struct roost_index *index, struct span span)
{
	const uint64_t all = UINT64_MAX;
	size_t at;

	for (at = 0; at + 8 <= span.len; at += 8) {
		if (!range_change(index, get32(span.bytes + at),
				  get32(span.bytes + at + 4), keyword_clear,
				  &all))
			return false;
	}
	return true;
}

/* step: bytes of each; one has two UIDs, or one and a GUID. */
static bool
log_expunge(struct roost_index *index, struct span span, size_t step)
{
	size_t at;
	uint32_t uid;

	for (at = 0; at + step <= span.len; at += step) {
		uid = get32(span.bytes + at);
		if (!range_change(index, uid, step == 8 ?
				  get32(span.bytes + at + 4) : uid, expunge,
				  NULL))
			return false;
	}
	return true;
}

/* Which extension do the following records mean? */
static bool
log_intro(struct roost_index *index, struct span span)
{
	struct roost_index_extension *extension;
	unsigned int count;
	size_t at = 0, name_size;
	uint32_t id;

	while (at + 20 <= span.len) {
		id = get32(span.bytes + at);
		name_size = get16(span.bytes + at + 18);
		if (name_size > span.len - at - 20)
			return false;
		count = index->extension_count;
		if (id != UINT32_MAX)
			extension = id < count ? &index->extensions[id] :
				NULL;
		else
			extension = name_size == 0 ? NULL :
				extension_get(index, span.bytes + at + 20,
					      name_size);
		if (extension == NULL)
			return false;
		if (index->extension_count > count)
			extension->reset_id = get32(span.bytes + at + 4);
		index->current = (unsigned int)(extension -
						index->extensions);
		index->is_ignored = extension->reset_id !=
			get32(span.bytes + at + 4);
		index->current_size = get16(span.bytes + at + 12);
		at = align(at + 20 + name_size, 4);
	}
	return true;
}

static bool
log_reset(struct roost_index *index, struct span span)
{
	if (span.len < 4 || index->current >= index->extension_count)
		return false;
	index->extensions[index->current].reset_id = get32(span.bytes);
	if (is_wanted(index, &index->extensions[index->current]) &&
	    (span.len < 5 || span.bytes[4] == 0))
		return range_change(index, 0, UINT32_MAX, values_clear, NULL);
	return true;
}

static bool
log_record(struct roost_index *index, struct span span)
{
	size_t step = align(4 + (size_t)index->current_size, 4), at, found;
	uint32_t uid;

	if (index->current >= index->extension_count)
		return false;
	if (index->is_ignored ||
	    !is_wanted(index, &index->extensions[index->current]))
		return true;
	for (at = 0; at + step <= span.len; at += step) {
		uid = get32(span.bytes + at);
		found = record_from(index, uid);
		if (found < index->count && index->records[found].uid == uid)
			values_take(&index->records[found],
				    span.bytes + at + 4,
				    index->current_size);
	}
	return true;
}

static bool
log_take(struct roost_index *index, uint32_t type, struct span span)
{
	bool is_external = (type & LOG_EXTERNAL) != 0;

	switch (type & LOG_TYPES) {
	case LOG_APPEND:
		return log_append(index, span);
	case LOG_FLAGS:
		return log_flags(index, span);
	case LOG_HEADER:
		return log_header(index, span);
	case LOG_KEYWORD:
		return log_keyword(index, span);
	case LOG_KEYWORD_RESET:
		return log_keyword_reset(index, span);
	case LOG_EXPUNGE:
		/* Otherwise it is only asked for. */
		return !is_external || log_expunge(index, span, 8);
	case LOG_EXPUNGE_GUID:
		return !is_external || log_expunge(index, span, 20);
	case LOG_EXT_INTRO:
		return log_intro(index, span);
	case LOG_EXT_RESET:
		return log_reset(index, span);
	case LOG_EXT_RECORD:
		return log_record(index, span);
	default:
		return true;
	}
}

/* The length of a record is written so that one that was not written wholly is
   seen: 7 bits a byte, each with its highest bit set.  0 for such a one. */
static uint32_t
length_get(const uint8_t *bytes)
{
	uint32_t value = 0;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		if ((bytes[i] & 0x80) == 0)
			return 0;
		value = value << 7 | (bytes[i] & 0x7fU);
	}
	return value << 2;
}

/* Take the records from off on; what is not whole at the end is left. */
static bool
log_replay(struct roost_index *index, const uint8_t *bytes, size_t len,
	   size_t off)
{
	uint32_t type, size;
	struct span span;

	while (off <= len && len - off >= RECORD_HEAD_SIZE) {
		size = length_get(bytes + off);
		type = get32(bytes + off + 4);
		if (size < RECORD_HEAD_SIZE || size > len - off)
			break;
		span.bytes = bytes + off + RECORD_HEAD_SIZE;
		span.len = size - RECORD_HEAD_SIZE;
		/* A transaction is taken whole or not at all. */
		if ((type & LOG_TYPES) == LOG_BOUNDARY && span.len >= 4 &&
		    get32(span.bytes) > len - off)
			break;
		if (!log_take(index, type, span))
			return false;
		off += size;
	}
	return true;
}

bool
roost_index_take_log(struct roost_index *index, const uint8_t *bytes,
		     size_t len)
{
	uint32_t seq, previous;
	size_t off;

	if (len < LOG_HEAD_SIZE_MIN || bytes[0] != LOG_MAJOR ||
	    get16(bytes + 2) < LOG_HEAD_SIZE_MIN || get16(bytes + 2) > len)
		return false;
	off = get16(bytes + 2);
	seq = get32(bytes + 8);
	previous = get32(bytes + 12);
	if (seq == index->log_seq) {
		off = index->log_off > off ? index->log_off : off;
	} else if (previous == 0 && seq > index->log_seq) {
		/* The index was made anew. */
		index_forget(index);
	} else if (previous != index->log_seq || seq < index->log_seq) {
		return true;
	}
	index->log_seq = seq;
	index->log_off = (uint32_t)(len < UINT32_MAX ? len : UINT32_MAX);
	index->current = ROOST_INDEX_EXTENSIONS_MAX;
	return log_replay(index, bytes, len, off);
}
