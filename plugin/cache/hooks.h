/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CACHE_HOOKS_H
#define ROOST_CACHE_HOOKS_H

/*
 * hooks: answers about messages, from the sealed cache where that has them.
 *
 * Promises: what stands in Dovecot's own fields of the index cache is never
 * told, because somebody else wrote it and nothing proves it.
 */

#include "dovecot/compat.h"

/* Hooks: for every mailbox and every mail.  They must be added before those
   that open messages, which then are asked only for what is not cached. */
void roost_cache_hooks_mailbox_allocated(struct mailbox *box);
void roost_cache_hooks_mail_allocated(struct mail *mail);

#endif
