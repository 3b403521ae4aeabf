/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_FETCH_HOOKS_H
#define ROOST_MAIL_FETCH_HOOKS_H

/*
 * fetch-hooks: the answer to a FETCH in which one message is refused.
 *
 * The plugin is loaded by all kinds of processes: what only the imap process
 * has is referred to weakly, and looked for before it is used.
 */

/* Put items of FETCH around those of core, and core's own back.  Without effect
   in any other process than imap. */
void roost_fetch_hooks_init(void);
void roost_fetch_hooks_deinit(void);

#endif
