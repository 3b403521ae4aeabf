/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CACHE_CONTENT_H
#define ROOST_CACHE_CONTENT_H

/*
 * content: the items that the cache keeps of a message, made from the message.
 *
 * Promises: the items are what Dovecot itself would cache of the same bytes.
 * Nothing is taken from the index.  What is made lives in the pool that the
 * caller names.
 */

#include "cache/header-lines.h"

struct message_part;

/* The blobs that share a message, each with the items that are asked for
   together, so that little is opened for little.  Each has a field of its own
   (FORMAT.md 12.1). */
enum cache_blob {
	CACHE_BLOB_FACTS,	/* parts, sent date, saved keys; this one names
				   the message, and the others stand beside
				   it */
	CACHE_BLOB_SUMMARY,	/* From and Subject alone */
	CACHE_BLOB_PREVIEW,
	CACHE_BLOB_HEADERS,
	CACHE_BLOB_LISTING,	/* envelope, body structure */

	CACHE_BLOB_COUNT
};
#define CACHE_BLOB_BIT(blob) (1U << (blob))
#define CACHE_BLOBS_ALL (CACHE_BLOB_BIT(CACHE_BLOB_COUNT) - 1)

/* The blob that this item belongs to. */
enum cache_blob roost_content_blob_of(enum roost_blob_item item);

/* Is this header one of the summary's? */
bool roost_content_is_in_summary(const char *name);

/* The items of one blob, and of that of facts the data key; borrowed. */
void roost_content_of_blob(const struct roost_blob_content *content,
			   enum cache_blob blob,
			   struct roost_blob_content *some_r);

/* Borrow the bytes as an item; NULL, 0 takes the item away. */
void roost_content_set(struct roost_blob_content *content,
		       enum roost_blob_item item, const void *bytes,
		       size_t len);

/*
 * Read the header lines with these names (sorted) at the stream's current
 * offset, and make summary, sent date and envelope of them.  0, also for a
 * header of more than ROOST_HEADER_MAX_SIZE bytes, of which there are no
 * items; -1 the stream says why.
 */
int roost_content_headers(struct roost_blob_content *content, pool_t pool,
			  struct istream *input, const char *const *names,
			  unsigned int count);

/* Make body structure, preview and parts of the message that is the stream.  A
   structure that is too large for a blob, and a preview of a part with too
   large a header, are not made.  0; -1 the stream says why. */
int roost_content_body(struct roost_blob_content *content, pool_t pool,
		       struct istream *input);

/* Can the body structure of these parts find room in a blob?  What the headers
   of the parts say must be known: part->data. */
bool roost_content_structure_is_small(const struct message_part *parts);

/* Has the part that the preview comes from so large a header that none is
   kept? */
bool roost_content_preview_is_large(const struct message_part *parts);

/*
 * Make the preview of a message whose parts are known, with what their headers
 * say.  The stream has the first size bytes of the message, or with UOFF_T_MAX
 * all.  1; 0 these bytes do not suffice; -1 the stream says why.
 */
int roost_content_preview(struct roost_blob_content *content, pool_t pool,
			  struct istream *input, uoff_t size,
			  const struct message_part *parts);

/* Spell the structure as Dovecot does once it comes from its own cache: the
   words that say plain 7bit text lose the spelling that the message has. */
void roost_content_spell(struct roost_blob_content *content, pool_t pool);

/* The parts that content has, or NULL. */
struct message_part *
roost_content_get_parts(const struct roost_blob_content *content, pool_t pool);
/* Does any of the parts say that it has NULs? */
bool roost_content_parts_have_nuls(const struct message_part *parts);

/* Put the parts into content. */
void roost_content_parts(struct roost_blob_content *content, pool_t pool,
			 struct message_part *parts);

/* The sent date that content has; FALSE, with nothing set, if it has none. */
bool roost_content_date(const struct roost_blob_content *content,
			time_t *date_r, int *timezone_r);

#endif
