/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_NAMED_OBJECT_H
#define ROOST_SESSION_NAMED_OBJECT_H

/*
 * named-object: does the index know a message as a sealed one?
 *
 * Needs no key: what the index cache holds of a message names the object in
 * clear (FORMAT.md 12.2).  A name proves nothing about a file; it is reason
 * enough not to believe one that is not sealed at all.
 */

#include "dovecot/compat.h"

#include "roost/header.h"

/* The field of the index cache that holds an object id and nothing else: zeros
   where a message was unsealed in its place.  It counts more than what the
   other fields name. */
#define ROOST_NAMED_OBJECT_FIELD "roost.object"

/* TRUE if anything in the index cache names an object for the message.  It may
   be asked of any mail of a mailbox that has an index. */
bool roost_named_object_is_there(struct mail *mail);

/*
 * Is a message whose file is plaintext to be refused, because the index, as it
 * is now, knows it as a sealed one?  Not where it is marked as one that was
 * unsealed in its place (FORMAT.md 12.23): then a session that had opened it
 * before has named it afterwards.
 */
bool roost_named_object_forbids_plaintext(struct mail *mail);

/* Mark the message as one that is unsealed, or take the mark away, in an index
   that is locked; the view is of now.  0, or -1 if it cannot be written. */
int roost_named_object_mark(struct mail_index *index,
			    struct mail_index_view *view, uint32_t seq,
			    bool is_unsealed);

enum roost_named_object {
	ROOST_NAMED_OBJECT_NONE,	/* the field is not there */
	ROOST_NAMED_OBJECT_THIS,
	ROOST_NAMED_OBJECT_OTHER
};

/* Does that field name this object for the message, or another one?  Zeros say
   that it is not sealed. */
enum roost_named_object
roost_named_object_compare(struct mail *mail,
			   const uint8_t object_id[ROOST_ID_SIZE]);

/*
 * In one step, take away all that the index cache holds of the message but the
 * date at which it was saved, and leave there the name of an object, in the
 * field of that number.  Where object_id is NULL, the name that was there
 * stays, if there was one.
 */
void roost_named_object_leave(struct mail *mail, unsigned int field_idx,
			      const uint8_t *object_id);

#endif
