/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CACHE_STORE_H
#define ROOST_CACHE_STORE_H

/*
 * store: the content of a mail, sealed and added to the index cache; and what
 * the index cache has of a message, dropped.
 */

#include "cache/mail.h"

/* Does the index cache hold blobs of the message in the fields of roost.own?
   Then there is only roost.new left to write to. */
bool roost_cache_store_has_own(struct mail *mail);

/*
 * Seal content and add it to the index cache.  Nothing is added, and that is
 * no error, where the field for it is taken, where the policy or
 * roost_cache_mail_hold_back() forbids it, and where sealing fails, which is
 * logged.
 */
void roost_cache_store_add(struct mail *mail);

/*
 * Drop all that the index cache holds of the message, since a field alone
 * cannot be taken away; the next session adds it anew.  That the message is
 * sealed stays on record: as this object, or with NULL as the one that was
 * named so far.
 */
void roost_cache_store_drop(struct mail *mail, const uint8_t *object_id);

#endif
