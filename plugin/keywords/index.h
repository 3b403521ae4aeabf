/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYWORDS_INDEX_H
#define ROOST_KEYWORDS_INDEX_H

/*
 * index: the real names of the keywords of one Dovecot index, of which tokens
 * are stored.  The room keywords exists to keep these names off the disk.
 *
 * A position is the number by which Dovecot knows a keyword of an index.
 * Dovecot keeps the keywords in an array by position, from which everything
 * that is written takes its text, and in a hash table, in which every text is
 * looked up.  Here the array holds tokens, the hash table both tokens and
 * names, and a second array the names by position.  So a name finds its token,
 * whoever looks it up, and only tokens reach the disk.
 *
 * Two positions are twins if they hold one name: as tokens in different case,
 * or as a token and in clear.  The one at which the hash table finds the name
 * is the first of them.
 *
 * Promises: a name that is on disk in clear stays in clear; to a client a name
 * is one keyword, in any case, even where it has twins on disk; a name that one
 * keyring opened is not shown to the user of another.
 *
 * An index outlives mailboxes and sessions, so nothing here keeps a key.
 */

#include "dovecot/compat.h"
#include "mail-index-private.h"
#include "settings/config.h"

#include "roost/token.h"

struct roost_keyword_index;
struct roost_keyword_box;

/* How a mailbox's session may read and store names.  key is borrowed, and NULL
   where there is none. */
struct roost_keyword_access {
	struct mailbox *box;
	const struct roost_token_key *key;
	enum roost_keywords mode;
};

/* The state of an index, which is freed with it.  find returns NULL where get
   has not made it yet. */
struct roost_keyword_index *
roost_keyword_index_find(struct mail_index *index);
struct roost_keyword_index *
roost_keyword_index_get(struct mail_index *index);

/* The head of the list of mailboxes that have the index open.  Hooks that are
   given no mailbox look there. */
struct roost_keyword_box **
roost_keyword_index_boxes(struct roost_keyword_index *kindex);

/* True if roost_keyword_index_sync() would do more with a key than without
   one, counting only keywords at the position from and after it. */
bool roost_keyword_index_wants_key(const struct roost_keyword_index *kindex,
				   unsigned int from,
				   enum roost_keywords mode);

/*
 * Take in the keywords that Dovecot has added to the index.  Call it before
 * names or positions are shown, stored or compared; it costs little where
 * nothing is new.  A key of another keyring than the last one's, or none,
 * makes it forget every name that was opened.
 */
void roost_keyword_index_sync(struct roost_keyword_index *kindex,
			      const struct roost_keyword_access *access);

/* Who has synchronized last, and that nothing has come since that would make
   another call do anything; NULL: nobody.  sync() and recheck() forget it. */
void
roost_keyword_index_set_synced(struct roost_keyword_index *kindex,
			       const struct roost_keyword_box *kbox);
bool roost_keyword_index_is_synced(const struct roost_keyword_index *kindex,
				   const struct roost_keyword_box *kbox);

/* Let the next sync look again for names in clear that are on no disk, and
   put tokens in their place: a name may have been taken off the disk. */
void roost_keyword_index_recheck(struct roost_keyword_index *kindex);

/* The names by position, with NULL behind the last.  The array is the same one
   until the index is freed. */
const ARRAY_TYPE(keywords) *
roost_keyword_index_names(const struct roost_keyword_index *kindex);

/* The names with each name once, which is what a client is told, and where in
   that array the name of a position stands. */
const ARRAY_TYPE(keywords) *
roost_keyword_index_shown(const struct roost_keyword_index *kindex);
unsigned int
roost_keyword_index_shown_at(const struct roost_keyword_index *kindex,
			     unsigned int idx);

/* The name of a text that the index holds.  Returns stored itself if it has
   no other name. */
const char *roost_keyword_index_name(const struct roost_keyword_index *kindex,
				     const char *stored);

/* True if any position of the index has a twin. */
bool roost_keyword_index_has_twins(const struct roost_keyword_index *kindex);

/* The first of the twins of a position; idx itself if it has none. */
unsigned int
roost_keyword_index_first(const struct roost_keyword_index *kindex,
			  unsigned int idx);

/* True if the position holds a token whose name is known. */
bool roost_keyword_index_is_opened(const struct roost_keyword_index *kindex,
				   unsigned int idx);

/* True if the position holds what looks like a token, does not open and is not
   on disk: a client may have made it up. */
bool roost_keyword_index_is_foreign(const struct roost_keyword_index *kindex,
				    struct mailbox *box, unsigned int idx);

/* From now on the text of this position may be stored although it is foreign,
   because a message that has it is copied. */
void roost_keyword_index_allow(struct roost_keyword_index *kindex,
			       unsigned int idx);

/*
 * Two sessions may have made one token in two spellings at once, and the
 * header of the index has that of one of them.  From now on this process
 * writes the token of the position as the header has it, because replication
 * tells two spellings apart.
 */
void roost_keyword_index_spell_as_header(struct roost_keyword_index *kindex,
					 unsigned int idx);

/* Why the text of a position must not be stored. */
enum roost_keyword_fault {
	ROOST_KEYWORD_OK,
	ROOST_KEYWORD_BARE,	/* a private name, of which no token is made */
	ROOST_KEYWORD_FORGED,	/* looks like a token, and is foreign */
};
enum roost_keyword_fault
roost_keyword_index_check(const struct roost_keyword_index *kindex,
			  const struct roost_keyword_access *access,
			  unsigned int idx);

#endif
