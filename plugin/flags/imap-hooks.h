/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGS_IMAP_HOOKS_H
#define ROOST_FLAGS_IMAP_HOOKS_H

/*
 * imap-hooks: PERMANENTFLAGS that list what a client may change, and no more.
 *
 * The plugin is one module for all kinds of processes.  Functions that only the
 * imap process has are weak symbols, which are tested before they are used.
 */

struct module;

/* To be called when the plugin is loaded and unloaded; does nothing in other
   processes than imap's. */
void roost_flags_imap_init(struct module *module);
void roost_flags_imap_deinit(void);

#endif
