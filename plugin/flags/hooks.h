/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGS_HOOKS_H
#define ROOST_FLAGS_HOOKS_H

/*
 * hooks: the functions of Dovecot that are replaced so that every keyword that
 * is to be set on or taken from a message goes by the rules.
 */

struct mail;
struct mailbox;

/* To be called for every mailbox and every mail of the process, when Dovecot
   has allocated it. */
void roost_flags_hooks_mailbox_allocated(struct mailbox *box);
void roost_flags_hooks_mail_allocated(struct mail *mail);

#endif
