/* SPDX-License-Identifier: MIT */
/*
 * plugin: the plugin `roost_flags`, which puts the custom flags (keywords) of
 * messages under rules: what clients, deliveries and copies change is what the
 * rules of the room rules allow.  This file registers the hooks.
 */
#include "dovecot/compat.h"

#include "mail-storage-hooks.h"
#include "module-dir.h"

#include "flags/hooks.h"
#include "flags/user.h"
#include "flags/imap-hooks.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT void roost_flags_plugin_init(struct module *module);
EXPORT void roost_flags_plugin_deinit(void);
extern EXPORT const char *roost_flags_plugin_version;

const char *roost_flags_plugin_version = DOVECOT_ABI_VERSION;

static struct mail_storage_hooks roost_flags_hooks = {
	.mail_user_created = roost_flags_user_created,
	.mailbox_allocated = roost_flags_hooks_mailbox_allocated,
	.mail_allocated = roost_flags_hooks_mail_allocated,
};

void
roost_flags_plugin_init(struct module *module)
{
	mail_storage_hooks_add(module, &roost_flags_hooks);
	roost_flags_imap_init(module);
}

void
roost_flags_plugin_deinit(void)
{
	roost_flags_imap_deinit();
	mail_storage_hooks_remove(&roost_flags_hooks);
}
