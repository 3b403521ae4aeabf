/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGS_IMAP_HOOKS_H
#define ROOST_FLAGS_IMAP_HOOKS_H

/*
 * imap-hooks: PERMANENTFLAGS that say what a client may change.
 *
 * One module serves all processes: what only the imap process has is referred
 * to weakly, and looked for before it is used.
 */

struct module;

void roost_flags_imap_init(struct module *module);
void roost_flags_imap_deinit(void);

#endif
