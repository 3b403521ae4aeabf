/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CACHE_CONTENT_H
#define ROOST_CACHE_CONTENT_H

/*
 * content: what the cache keeps of a message, made from the message.
 *
 * Promises: the items are what Dovecot itself would cache of the same bytes.
 * Nothing is taken from the index.
 */

#include "cache/header-lines.h"

struct message_part;

/* What is kept of a message is divided by what is asked for together: little
   is opened for little.  Each part has a field of its own (FORMAT.md 12.1). */
enum cache_part {
	CACHE_FACTS,		/* parts, sent date, saved keys */
	CACHE_SUMMARY,		/* From and Subject alone */
	CACHE_PREVIEW,
	CACHE_HEADERS,
	CACHE_LISTING,		/* envelope, body structure */

	CACHE_PART_COUNT
};
#define CACHE_PART_BIT(part) (1U << (part))
#define CACHE_PARTS_ALL (CACHE_PART_BIT(CACHE_PART_COUNT) - 1)

enum cache_part roost_content_part_of(enum roost_blob_item item);

/* Is this header one of the summary's? */
bool roost_content_is_in_summary(const char *name);

/* The items of one part; all have the data key. */
void roost_content_part(const struct roost_blob_content *content,
			enum cache_part part,
			struct roost_blob_content *part_r);

void roost_content_set(struct roost_blob_content *content,
		       enum roost_blob_item item, const void *bytes,
		       size_t len);

/*
 * Read header lines with these names (sorted) at the stream's beginning; sent
 * date and envelope come of them.  Allocates from pool.  0 also for a header
 * of more than ROOST_HEADER_MAX_SIZE bytes, of which there are no items.  -1:
 * the stream says why.
 */
int roost_content_headers(struct roost_blob_content *content, pool_t pool,
			  struct istream *input, const char *const *names,
			  unsigned int count);

/* Body structure, preview and parts of the message that is the stream; no
   structure and no preview that is too large to be kept, or to be made of what
   is. */
int roost_content_body(struct roost_blob_content *content, pool_t pool,
		       struct istream *input);

/* Would the body structure of these parts find room in a blob?  They have what
   their headers say. */
bool roost_content_structure_is_small(const struct message_part *parts);

/* Is a header so large that no preview is kept of the message? */
bool roost_content_preview_is_large(const struct message_part *parts);

/*
 * The preview of a message whose parts, with what their headers say, are
 * known.  The stream has the first size bytes of it; UOFF_T_MAX: all.  1; 0
 * these do not suffice; -1 the stream says why.
 */
int roost_content_preview(struct roost_blob_content *content, pool_t pool,
			  struct istream *input, uoff_t size,
			  const struct message_part *parts);

/* The structure as core tells it of a message that is in its cache: what is
   plain 7bit text is not told in the message's own spelling. */
void roost_content_spell(struct roost_blob_content *content, pool_t pool);

/* What is in content, from pool; NULL if it is not there. */
struct message_part *
roost_content_get_parts(const struct roost_blob_content *content, pool_t pool);
bool roost_content_parts_have_nuls(const struct message_part *parts);

void roost_content_parts(struct roost_blob_content *content, pool_t pool,
			 struct message_part *parts);

/* The sent date of what is in content. */
bool roost_content_date(const struct roost_blob_content *content,
			time_t *date_r, int *timezone_r);

#endif
