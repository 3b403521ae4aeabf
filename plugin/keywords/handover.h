/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYWORDS_HANDOVER_H
#define ROOST_KEYWORDS_HANDOVER_H

/*
 * handover: tokens on their way from one index to another.
 *
 * Replication, and a virtual mailbox that is synchronized, hand tokens to
 * where else clients hand names.  They are longer than the longest keyword
 * that an admin allows to clients.
 */

#include "keywords/box.h"

/* For as long as the storage lives. */
void roost_keyword_limit_raise(struct mail_storage *storage);

/* May the name be stored if tokens are not too long? */
bool roost_keyword_limit_allows(struct mailbox *box, const char *name);

/* Around the synchronization of a virtual mailbox. */
void roost_keyword_handover_begin(struct roost_keyword_box *kb);
void roost_keyword_handover_end(struct roost_keyword_box *kb);

/*
 * What stands for a token that the virtual mailbox being synchronized hands
 * on and that was made with another keyring than the mailbox's own: its name,
 * NULL if it has none.  Tokens of another mailbox cannot be told from what a
 * client made up, so outside of a synchronization this is always false.
 */
bool roost_keyword_handover_name(struct roost_keyword_box *kb,
				const char *stored, const char **name_r);

#endif
