/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYWORDS_INDEX_H
#define ROOST_KEYWORDS_INDEX_H

/*
 * index: the names that belong to the tokens of one index.
 *
 * Dovecot keeps the keywords of an index in an array, from which everything
 * that is written takes its names, and in a hash, in which every name is
 * looked up.  Here the array holds tokens, the hash both tokens and names,
 * and a second array the names to be shown, at the same positions.  So every
 * name finds its token, whoever asks, and only tokens reach the disk.
 *
 * Promises: a name that stands on disk as it is stays as it is; one name, in
 * any case, is one keyword to a client even where several stand on disk; what
 * one keyring opened is not shown to the next.
 *
 * An index outlives mailboxes and sessions: nothing here keeps a key.
 */

#include "dovecot/compat.h"
#include "mail-index-private.h"
#include "settings/config.h"

#include "roost/token.h"

struct roost_keyword_index;
struct roost_keyword_box;

/* As whom a mailbox is used.  key is borrowed, NULL where there is none. */
struct roost_keyword_way {
	struct mailbox *box;
	const struct roost_token_key *key;
	enum roost_keywords mode;
};

/* NULL if nobody asked for it yet; it goes with the index. */
struct roost_keyword_index *
roost_keyword_index_find(struct mail_index *index);
struct roost_keyword_index *
roost_keyword_index_get(struct mail_index *index);

/* The mailboxes that have the index open, for hooks that see no mailbox. */
struct roost_keyword_box **
roost_keyword_index_boxes(struct roost_keyword_index *ki);

/* Would a key change what the next function does?  Who asked before asks from
   the position that was new then. */
bool roost_keyword_index_wants_key(const struct roost_keyword_index *ki,
				   unsigned int from,
				   enum roost_keywords mode);

/*
 * Take in what has been added to the index's keywords.  To be called before
 * names or positions are handed out, stored or compared; cheap when nothing
 * is new.
 */
void roost_keyword_index_sync(struct roost_keyword_index *ki,
			      const struct roost_keyword_way *way);

/* Look for private names anew at the next sync: the disk has changed. */
void roost_keyword_index_seal_again(struct roost_keyword_index *ki);

/* The names to be shown, by position, and NULL.  The array itself stays the
   same as long as the index. */
const ARRAY_TYPE(keywords) *
roost_keyword_index_names(const struct roost_keyword_index *ki);

/* The same with each name once, and where in it the name of a position is:
   what a client is told that finds its names by their number. */
const ARRAY_TYPE(keywords) *
roost_keyword_index_shown(const struct roost_keyword_index *ki);
unsigned int
roost_keyword_index_shown_at(const struct roost_keyword_index *ki,
			     unsigned int idx);

/* The name of what the array of the index holds; itself if it has none. */
const char *roost_keyword_index_name(const struct roost_keyword_index *ki,
				     const char *stored);

/* Does a name stand for several positions?  And the one it is looked up at. */
bool roost_keyword_index_has_twins(const struct roost_keyword_index *ki);
unsigned int
roost_keyword_index_first(const struct roost_keyword_index *ki,
			  unsigned int idx);

/* True if this position holds a token that was opened. */
bool roost_keyword_index_is_opened(const struct roost_keyword_index *ki,
				   unsigned int idx);

/* True if it looks like a token, does not open, and is not on disk. */
bool roost_keyword_index_is_strange(const struct roost_keyword_index *ki,
				    struct mailbox *box, unsigned int idx);

/* From now on it may be stored like one that is on disk. */
void roost_keyword_index_let_pass(struct roost_keyword_index *ki,
				  unsigned int idx);

/* Two sessions may have made a token in two spellings at once, and the header
   has that of one.  From now on this index writes it as the header has it:
   replication compares what is written to the letter. */
void roost_keyword_index_settle(struct roost_keyword_index *ki,
				unsigned int idx);

/* What speaks against storing the keyword at a position. */
enum roost_keyword_fault {
	ROOST_KEYWORD_OK,
	ROOST_KEYWORD_BARE,	/* a private name, not yet a token */
	ROOST_KEYWORD_FORGED,	/* looks like a token, and is not on disk */
};
enum roost_keyword_fault
roost_keyword_index_check(const struct roost_keyword_index *ki,
			  const struct roost_keyword_way *way,
			  unsigned int idx);

#endif
