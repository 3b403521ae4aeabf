/* SPDX-License-Identifier: MIT */
#ifndef ROOST_REWRITE_MAP_H
#define ROOST_REWRITE_MAP_H

/*
 * map: a change of the map of an mdbox storage, which tells where each message
 * is and how many messages of mailboxes refer to it.
 *
 * While a process changes the map it holds the map's lock, without which nobody
 * adds, moves, copies or expunges a message.  A change is written at once when
 * it ends.  One that needs a mailbox's index to be changed in the middle is
 * written in two parts: a process that is killed between them leaves the end of
 * the map's log where Dovecot, whoever locks the map next, sees that it has to
 * repair the storage, as it does where an expunge was killed.
 */

#include "dovecot/compat.h"

#include "mdbox-map-private.h"
#include "mdbox-storage.h"

struct roost_rewrite_map_change {
	struct mdbox_map *map;
	struct mdbox_map_atomic_context *atomic;
	/* What is to be changed goes in here, seen from atomic->sync_view. */
	struct mail_index_transaction *trans;
	uint32_t next_uid;
};

/* Lock the map.  1; 0 if Dovecot has to repair the storage first, because a
   process was killed in the middle of a change; or -1.  If it is not 1 the
   storage has the error, nothing is locked and there is nothing to be ended. */
int roost_rewrite_map_begin(struct roost_rewrite_map_change *change,
			    struct mdbox_map *map, const char *reason);
/* Write all of it, or nothing more of it, and unlock the map.  0, or -1 and the
   storage has the error. */
int roost_rewrite_map_end(struct roost_rewrite_map_change *change,
			  bool is_wanted);

/* Have Dovecot repair the storage, which roost_rewrite_map_begin() has found to
   need it.  0, or -1 and the storage has the error. */
int roost_rewrite_map_repair(struct mdbox_map *map);

/* Have what is changed from now on be the first of two parts.  It is asked for
   before anything is changed. */
void roost_rewrite_map_split(struct roost_rewrite_map_change *change);
/* Write the first part.  From now on there is the second, to which nothing may
   be added but other numbers of references.  0, or -1 and the storage has the
   error. */
int roost_rewrite_map_write(struct roost_rewrite_map_change *change);

/* Add a message, and get its number. */
uint32_t
roost_rewrite_map_add(struct roost_rewrite_map_change *change,
		      const struct mdbox_map_mail_index_record *rec,
		      uint16_t refcount);
/* One message of a mailbox less refers to the message of that number, of which
   several may be taken in one change.  0, or -1 and the storage has the
   error. */
int roost_rewrite_map_unref(struct roost_rewrite_map_change *change,
			    uint32_t map_uid);

#endif
