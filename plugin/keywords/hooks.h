/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KEYWORDS_HOOKS_H
#define ROOST_KEYWORDS_HOOKS_H

/*
 * hooks: the functions of Dovecot that are replaced so that names of keywords
 * are private on disk and real for everybody else.
 *
 * They are called next before the storage's own functions, so that other
 * plugins see the names that clients see.
 */

#include "dovecot/compat.h"

/* To be called for every mailbox and every mail of the process, when Dovecot
   has allocated it. */
void roost_keyword_hooks_mailbox_allocated(struct mailbox *box);
void roost_keyword_hooks_mail_allocated(struct mail *mail);

/* Register and unregister the hook for index transactions, when the plugin is
   loaded and unloaded: Dovecot does not take it away by itself. */
void roost_keyword_hooks_init(void);
void roost_keyword_hooks_deinit(void);

#endif
