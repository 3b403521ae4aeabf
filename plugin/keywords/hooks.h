/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYWORDS_HOOKS_H
#define ROOST_KEYWORDS_HOOKS_H

/*
 * hooks: names of keywords, private on disk, real for everyone else.
 *
 * Next to the storage, so that other plugins see what clients see.
 */

#include "dovecot/compat.h"

/* Hooks: of every mailbox of the process and its mails. */
void roost_keyword_mailbox_allocated(struct mailbox *box);
void roost_keyword_mail_allocated(struct mail *mail);

/* At the plugin's own beginning and end: hooks that Dovecot does not take
   away by itself. */
void roost_keyword_hooks_init(void);
void roost_keyword_hooks_deinit(void);

#endif
