/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CACHE_MAIL_H
#define ROOST_CACHE_MAIL_H

/*
 * mail: what the sealed cache knows of one message while a session has it.
 *
 * This room keeps what a client's list shows of a message (headers, envelope,
 * structure, preview) in Dovecot's index cache, sealed with a key of the
 * owner's keyring, and answers from there instead of opening the message.
 * What stands in a field of that cache is a blob (FORMAT.md 12).  Each file
 * uses those above it alone:
 *
 *	header-lines	lines of a header: read, filtered, taken apart
 *	content		the items that are kept of a message, made from it
 *	box		the fields of a mailbox's index cache
 *	mail		what is known of one message: the ground of the rest
 *	find		looks the blobs of a message up and opens them
 *	store		seals content and adds it to the index cache
 *	fill		has an item in content: from a blob, or made anew
 *	keys		gives out a message's keys, notices an exchanged file
 *	save		fills the cache while a message is saved
 *	hooks		what Dovecot calls
 *
 * Promises: what content holds was authenticated: it comes from a blob that
 * opened, or from the message itself.
 */

#include "cache/box.h"
#include "cache/content.h"
#include "stream/istream-roost.h"
#include "stream/tap.h"

/* The bytes that an opened blob of one kind has; content points into them. */
struct cache_plain {
	uint8_t *bytes;		/* secret */
	size_t size, used;	/* allocated; to be wiped */
};

struct roost_cache_mail {
	union mail_module_context module_ctx;
	struct roost_cache_box *cbox;
	bool is_used;		/* roost_cache_mail_reset() has work to do */
	/* CACHE_BLOB_BIT() of what was looked up, and of what content has. */
	unsigned int looked_up, held;
	/* Points into plain, or into the mail's data pool. */
	struct roost_blob_content content;
	uint8_t object_id[ROOST_ID_SIZE];	/* what content is of */
	bool is_field_new_bad;	/* what that field holds does not open */
	bool has_body;		/* content was made from the body, too */
	struct message_part *parts;	/* of content, once asked for */
	bool is_other;		/* the file turned out not to be the blob's */
	/* The index named another object than the file that was opened. */
	bool was_named_other;
	bool is_held_back;	/* what is made of it must not be stored */
	bool has_told_parts;	/* a caller may read by the parts of a blob */
	bool is_disowned;	/* the blobs do not describe the message */
	bool is_busy;		/* content is being made: no getter may start
				   that again */
	struct cache_plain plain[CACHE_BLOB_COUNT];
	/* Once the file was opened or sealed; zeros: it is not sealed. */
	bool is_opened;
	uint8_t file_object_id[ROOST_ID_SIZE];
	struct roost_file_keys file_keys;	/* secret */
	buffer_t *header;	/* H (FORMAT.md 2.1) of what is being saved */
	struct istream *lines;	/* the last one that was given out */
	struct roost_tap *tap;	/* what is being saved passes by it */
};

/* NULL for a mail that has none; the second is for hooks that are only called
   for a mail that has one. */
struct roost_cache_mail *roost_cache_mail_get(struct mail *mail);
struct roost_cache_mail *roost_cache_mail_of(struct mail *mail)
	ATTR_RETURNS_NONNULL;

/* Allocate one from the mail's pool and tie it to the mail. */
struct roost_cache_mail *roost_cache_mail_new(struct mail *mail,
					      struct roost_cache_box *cbox);
/* Wipe and forget everything: the mail goes on to another message. */
void roost_cache_mail_reset(struct roost_cache_mail *cmail);
/* The same, and free it; from then on nothing is looked up. */
void roost_cache_mail_free(struct roost_cache_mail *cmail);

/* Forget content, and look no blob up again; what is known of the file
   stays. */
void roost_cache_mail_forget(struct roost_cache_mail *cmail);

/* Forget content, and look each blob up again, since the index may have other
   ones now. */
void roost_cache_mail_look_again(struct roost_cache_mail *cmail);

/* Content was just made, from the body too or not, of the file that was opened
   or saved: add the file's keys to it. */
void roost_cache_mail_made(struct roost_cache_mail *cmail, bool has_body);

/* Copy a data key of ROOST_KEY_SIZE bytes and have content point to it. */
void roost_cache_mail_set_key(struct roost_cache_mail *cmail,
			      const uint8_t *data_key);

/* Room of at least this size for what the blob opens to.  It belongs to the
   mail, which wipes and frees it. */
uint8_t *roost_cache_mail_plain(struct roost_cache_mail *cmail,
				enum cache_blob blob, size_t size);

/* The parts that content has, or NULL; they live as long as the mail has this
   message. */
struct message_part *roost_cache_mail_parts(struct mail *mail);

/* FALSE if content is of a plaintext message that the policy refuses: then the
   cache neither tells nor keeps it. */
bool roost_cache_mail_may_tell(const struct roost_cache_mail *cmail);

/* FALSE if the cache cannot be asked, nor filled: while the message is saved
   or read by this very code, and where the owner has no keyring. */
bool roost_cache_mail_may_answer(struct mail *mail);

/* FALSE if the caller of Dovecot wants no message read; the mail's error is
   set. */
bool roost_cache_mail_may_read(struct mail *mail);

/* Set the mail's error to that of the stream, which failed.  Always -1. */
int roost_cache_mail_fail_read(struct mail *mail, struct istream *input);

/* TRUE the first time that this is to be logged of this message. */
bool roost_cache_mail_log_once(struct mail *mail, const char *what);

/* What the session now reads is not what the message was when its blobs were
   made: they are not told with it, and nothing of it is stored.  For any
   mail. */
void roost_cache_mail_hold_back(struct mail *mail);

/* The blobs were made of something else than the message: they are not asked
   again.  For any mail. */
void roost_cache_mail_disown(struct mail *mail);

/* After either of them: -1 if a caller was told parts of the blobs, by which
   it would read the message in wrong places.  The storage's error says whether
   to ask again.  For any mail. */
int roost_cache_mail_check_told(struct mail *mail);

/* The owner's keyring is in use: see roost_cache_box_activate().  For any
   mail. */
void roost_cache_mail_activate(struct mail *mail, struct roost_ring *ring);

#endif
