/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGS_HOOKS_H
#define ROOST_FLAGS_HOOKS_H

/*
 * hooks: every way in which a keyword comes to a message.
 */

struct mail;
struct mailbox;

/* The hooks. */
void roost_flags_mailbox_allocated(struct mailbox *box);
void roost_flags_mail_allocated(struct mail *mail);

#endif
