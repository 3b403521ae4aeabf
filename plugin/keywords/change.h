/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYWORDS_CHANGE_H
#define ROOST_KEYWORDS_CHANGE_H

/*
 * change: keywords on their way into a mailbox: changed to what is
 * right to store, or refused.
 */

#include "keywords/box.h"

/* The keywords of mail to change instead; NULL: they are right as they
   are. */
struct mail_keywords *
roost_keyword_change_update(struct roost_keyword_box *kb, struct mail *mail,
			   enum modify_type type,
			   struct mail_keywords *keywords);

/* Where each position's name is shown, once, in the order they come. */
void roost_keyword_change_shown(const struct roost_keyword_box *kb,
			       const ARRAY_TYPE(keyword_indexes) *indexes,
			       ARRAY_TYPE(keyword_indexes) *shown);

/* Change or refuse what a message is saved with: -1 with the storage's
   error. */
int roost_keyword_change_save(struct roost_keyword_box *kb,
			     struct mail_save_context *ctx);

/* The same for a copy of mail, or a delivery: it fails for want of a key, and
   for no name. */
int roost_keyword_change_copy(struct roost_keyword_box *kb,
			     struct mail_save_context *ctx,
			     struct mail *mail);

#endif
