/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_FETCH_HOOKS_H
#define ROOST_MAIL_FETCH_HOOKS_H

/*
 * fetch-hooks: the answer to a FETCH of which a message is refused.
 *
 * One module serves all processes: what only the imap process has is referred
 * to weakly, and looked for before it is used.
 */

void roost_fetch_hooks_init(void);
void roost_fetch_hooks_deinit(void);

#endif
