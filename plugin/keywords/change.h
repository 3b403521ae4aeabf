/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYWORDS_CHANGE_H
#define ROOST_KEYWORDS_CHANGE_H

/*
 * change: the keywords that somebody wants to give to a message: they are
 * changed to those that may be stored, or refused.
 */

#include "keywords/box.h"

/* Returns the keywords to change on mail in the place of these, referenced, or
   NULL if they can stay as they are. */
struct mail_keywords *
roost_keyword_change_update(struct roost_keyword_box *kbox, struct mail *mail,
			    enum modify_type type,
			    struct mail_keywords *keywords);

/* Append to shown where a client finds the name of each position in indexes,
   each place once. */
void roost_keyword_change_shown(const struct roost_keyword_box *kbox,
				const ARRAY_TYPE(keyword_indexes) *indexes,
				ARRAY_TYPE(keyword_indexes) *shown);

/* Change the keywords that a message is saved with to those that may be
   stored.  0, or -1 with the storage's error set if one may not. */
int roost_keyword_change_save(struct roost_keyword_box *kbox,
			      struct mail_save_context *ctx);

/* The same for a copy of mail, or a delivery.  It fails only where a token
   cannot be made for want of a key; keywords that may not be stored are left
   out. */
int roost_keyword_change_copy(struct roost_keyword_box *kbox,
			      struct mail_save_context *ctx,
			      struct mail *mail);

#endif
