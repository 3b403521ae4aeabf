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

/* The field of the index cache that holds an object id and nothing else. */
#define ROOST_NAMED_OBJECT_FIELD "roost.object"

/* TRUE if anything in the index cache names an object for the message.  It may
   be asked of any mail of a mailbox that has an index. */
bool roost_named_object_is_there(struct mail *mail);

/*
 * In one step, take away all that the index cache holds of the message, and
 * leave there the name of an object, in the field of that number.  Where
 * object_id is NULL, the name that was there stays, if there was one.
 */
void roost_named_object_leave(struct mail *mail, unsigned int field_idx,
			      const uint8_t *object_id);

#endif
