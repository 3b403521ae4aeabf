/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_WATCH_H
#define ROOST_MAIL_WATCH_H

/*
 * watch: the events that a message was sealed or opened.
 *
 * They are for metrics, and are made only where somebody listens
 * (dovecot/event.h), because they would come for every message.
 */

#include "dovecot/compat.h"

/* Hook: for every mailbox. */
void roost_watch_box_allocated(struct mailbox *box);

/* A message was sealed and given to the storage, which has no UID for it
   yet. */
void roost_watch_sealed(struct mailbox *box);

/* A stored message was opened: its end was proved, and reading may begin. */
void roost_watch_opened(struct mail *mail);

#endif
