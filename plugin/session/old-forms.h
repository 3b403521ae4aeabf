/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_OLD_FORMS_H
#define ROOST_SESSION_OLD_FORMS_H

/*
 * old-forms: may a repair have brought back what was rewritten?
 *
 * In mdbox the form that a message had before it was rewritten stands in its
 * file until that is purged.  When Dovecot repairs the storage meanwhile, it
 * takes the one of the two forms that it finds first.  Plaintext in the place
 * of a message that the index cache knows as a sealed one is then no attack.
 *
 * So a mark stands in the map, from before the first message is moved there
 * until no old form is left: at which repair it was set.  While it stands, and
 * there was a repair since, the index cache is not believed.  A repair of the
 * map keeps the mark.
 */

#include "dovecot/compat.h"

struct mdbox_map;
struct mail_index_transaction;
struct mail_index_view;

/* TRUE if the mail may be an old form of a message that was moved.  It may be
   asked of the mails of any storage. */
bool roost_old_forms_may_be_back(struct mail *mail);

/* Set the mark, in the same transaction of the map, which is locked and looks
   like that view, as that which moves messages. */
void roost_old_forms_begin(struct mdbox_map *map,
			   struct mail_index_view *view,
			   struct mail_index_transaction *trans);

/*
 * Take the mark of a mailbox's storage away if no message of the map is without
 * references, so that no old form is left.  Where there was a repair since it
 * was set, this is done only if all_are_new says that all messages have been
 * looked at after it.  0, or -1 and the storage has the error.  Storages of
 * other kinds have no mark.
 */
int roost_old_forms_end(struct mailbox *box, bool all_are_new);

#endif
