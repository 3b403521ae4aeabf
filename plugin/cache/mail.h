/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CACHE_MAIL_H
#define ROOST_CACHE_MAIL_H

/*
 * mail: what is cached of one message: looked up, made, stored.
 *
 * Promises: what it hands out was authenticated: a blob that opened, or the
 * message itself.  A blob that is refused is made anew, and logged once.
 */

#include "cache/box.h"
#include "cache/content.h"
#include "stream/istream-roost.h"
#include "stream/tap.h"

/* An opened blob. */
struct cache_plain {
	uint8_t *bytes;		/* secret */
	size_t size, used;
};

struct roost_cache_mail {
	union mail_module_context module_ctx;
	struct roost_cache_box *cbox;
	bool is_used;		/* there is something to forget */
	/* Bits by part: what was looked up, and what content has. */
	unsigned int looked, held;
	/* Points into plain, or into the mail's data pool. */
	struct roost_blob_content content;
	uint8_t object_id[ROOST_ID_SIZE];	/* that content is of */
	bool is_new_bad;	/* the blob of all does not open */
	bool has_body;		/* structure, preview and parts were made */
	struct message_part *parts;	/* of content, once asked for */
	bool is_other;		/* the blob is not of the file */
	bool is_held_back;	/* what is made of it must not be stored */
	bool has_told_parts;	/* of a blob: somebody may read by them */
	bool is_disowned;	/* the blobs are of something else than that */
	bool is_busy;		/* making it: no getter may start that again */
	struct cache_plain plain[CACHE_PART_COUNT];
	/* Of the file, once it was opened or sealed; zero: not sealed. */
	bool is_opened;
	uint8_t file_object_id[ROOST_ID_SIZE];
	struct roost_file_keys file_keys;	/* secret */
	buffer_t *header;			/* H of what is being saved */
	struct istream *lines;			/* the last given out */
	struct roost_tap *tap;
};

/* NULL for a mail without; never NULL, where it is known to have one. */
struct roost_cache_mail *roost_cache_mail_get(struct mail *mail);
struct roost_cache_mail *roost_cache_mail_of(struct mail *mail)
	ATTR_RETURNS_NONNULL;

/* Tie it to a mail; reset it when the mail goes on to another message. */
struct roost_cache_mail *roost_cache_mail_new(struct mail *mail,
					      struct roost_cache_box *cbox);
void roost_cache_mail_reset(struct roost_cache_mail *cmail);
void roost_cache_mail_free(struct roost_cache_mail *cmail);

/* Content goes, and is not looked up again; what is known of the file stays. */
void roost_cache_mail_forget(struct roost_cache_mail *cmail);

/* Content is now complete, and of the file that was opened or saved. */
void roost_cache_mail_made(struct roost_cache_mail *cmail, bool has_body);

/*
 * Put the header lines, and what comes of them, into content.  The stream is
 * at the message's beginning.  -1: it says why, and content is of no use.
 */
int roost_cache_mail_headers(struct mail *mail, struct istream *input);

/* May the message be asked for what the cache does not have?  Else it is being
   saved or read by this very code, or nothing is known to keep core's cache
   from being believed. */
bool roost_cache_mail_may_answer(struct mail *mail);

/* FALSE: the caller of core wants no reading; the mail's error is set. */
bool roost_cache_mail_may_read(struct mail *mail);

/* The stream failed: set the mail's error.  Always -1. */
int roost_cache_mail_fail_read(struct mail *mail, struct istream *input);

/* Open the blob of this part, if there is one.  TRUE: content has what was
   kept of it. */
bool roost_cache_mail_load(struct mail *mail, enum cache_part part);

/*
 * Have an item in content; one of the body means that all are.  1; 0 it must
 * be asked for in the ordinary way; -1 the message cannot be had: the
 * storage's error says why.
 */
int roost_cache_mail_need(struct mail *mail, enum roost_blob_item item);

/* The parts that content has, or NULL; they live as long as the mail. */
struct message_part *roost_cache_mail_parts(struct mail *mail);

/* The message's sizes, if a blob tells them.  Never reads the message. */
bool roost_cache_mail_sizes(struct mail *mail, uoff_t *virtual_r,
			    uoff_t *physical_r);

/* Seal content and add it to the cache; not to is no error. */
void roost_cache_mail_store(struct mail *mail);

/* What is read now is not what the message is: its blobs are not told with it,
   and nothing of it is stored. */
void roost_cache_mail_hold_back(struct mail *mail);

/* The blobs are of what was shown of the message when it was looked at
   otherwise: they are not asked again. */
void roost_cache_mail_disown(struct mail *mail);

/* After either: -1 if somebody was told parts of the blobs, who would read the
   message in wrong places.  The error says whether to ask again. */
int roost_cache_mail_check_told(struct mail *mail);

/* The owner's keyring is in use: see roost_cache_box_activate(). */
void roost_cache_mail_activate(struct mail *mail, struct roost_ring *ring);

/*
 * The keys of the object in the file, as the blob has them.  FALSE: there are
 * none; also when the blob is of another object, and then ignored.
 */
bool roost_cache_mail_file_keys(struct mail *mail,
				const struct roost_header *header,
				struct roost_file_keys *keys_r);

/* The file is not what the blob describes: ignore the blob. */
void roost_cache_mail_ignore(struct mail *mail);

/*
 * The file was opened with these keys, which reports that it is another one
 * than the blob's; NULL, NULL: it is not sealed, nor does a blob say that.
 */
void roost_cache_mail_opened(struct mail *mail, const uint8_t *object_id,
			     const struct roost_file_keys *keys);

#endif
