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

/* A field of the index cache that has an object id, and nothing else. */
#define ROOST_NAMED_OBJECT_FIELD "roost.object"

/* TRUE if anything in the index cache names an object for the message.  For
   any mail of an indexed mailbox, whoever it belongs to. */
bool roost_named_object_is_there(struct mail *mail);

/*
 * Take all away that the index cache holds of the message, in one step, but
 * leave the name of an object there, in the field of that number.  object_id
 * is NULL: leave the name that is there, if there is one.
 */
void roost_named_object_leave(struct mail *mail, unsigned int field_idx,
			      const uint8_t *object_id);

#endif
