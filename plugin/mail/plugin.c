/* SPDX-License-Identifier: MIT */
/*
 * plugin: the plugin `roost`: sets of hooks, and nothing else.
 */
#include "dovecot/compat.h"

#include "mail-storage-hooks.h"
#include "module-dir.h"

#include "cache/box.h"
#include "cache/hooks.h"
#include "mail/fetch-hooks.h"
#include "session/inspect.h"
#include "mail/keyring-names.h"
#include "keywords/hooks.h"
#include "dovecot/libraries.h"
#include "mail/open-hooks.h"
#include "mail/read-errors.h"
#include "mail/save-hooks.h"
#include "session/user.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT void roost_plugin_init(struct module *module);
EXPORT void roost_plugin_deinit(void);
extern EXPORT const char *roost_plugin_version;

const char *roost_plugin_version = DOVECOT_ABI_VERSION;

/* A set for each layer: one call of a hook may add one. */
static struct mail_storage_hooks roost_read_errors_hooks = {
	.mailbox_allocated = roost_read_errors_mailbox_allocated,
	.mail_allocated = roost_read_errors_mail_allocated,
};
static struct mail_storage_hooks roost_inspect_hooks = {
	.mail_allocated = roost_inspect_allocated,
};
static struct mail_storage_hooks roost_cache_hooks = {
	.mailbox_allocated = roost_cache_box_allocated,
	.mailbox_opened = roost_cache_box_opened,
	.mail_allocated = roost_cache_mail_allocated,
};

static struct mail_storage_hooks roost_names_hooks = {
	.mailbox_list_created = roost_keyring_names_list_created,
	.mailbox_allocated = roost_keyring_names_box_allocated,
};

/* Outermost: reading undoes sealing before anybody else looks. */
static struct mail_storage_hooks roost_hooks = {
	.mail_user_created = roost_user_created,
	.mail_namespaces_created = roost_user_namespaces_created,
	.mail_allocated = roost_open_mail_allocated,
};

/* Next to the storage: sealing is the last thing done to a message.  Forced,
   since a sealed message may be copied to a user without Roost. */
static struct mail_storage_hooks roost_storage_hooks = {
	.mailbox_allocated = roost_save_box_allocated,
};
static char storage_path[] = "lib95_roost_plugin.so";
static struct module storage_module = { .path = storage_path };

/* Right outside of it, which makes another thing of a copy: names of keywords
   are private to the disk, others see the real ones.  Forced, since a user
   without Roost may come to an index that another has used. */
static struct mail_storage_hooks roost_keyword_hooks = {
	.mailbox_allocated = roost_keyword_mailbox_allocated,
	.mail_allocated = roost_keyword_mail_allocated,
};
static char keyword_path[] = "lib94_roost_plugin.so";
static struct module keyword_module = { .path = keyword_path };

void
roost_plugin_init(struct module *module)
{
	mail_storage_hooks_add(module, &roost_read_errors_hooks);
	mail_storage_hooks_add(module, &roost_inspect_hooks);
	mail_storage_hooks_add(module, &roost_cache_hooks);
	mail_storage_hooks_add(module, &roost_hooks);
	mail_storage_hooks_add(module, &roost_names_hooks);
	mail_storage_hooks_add_forced(&storage_module, &roost_storage_hooks);
	mail_storage_hooks_add_forced(&keyword_module, &roost_keyword_hooks);
	roost_keyword_hooks_init();
	roost_fetch_hooks_init();
}

void
roost_plugin_deinit(void)
{
	roost_fetch_hooks_deinit();
	roost_keyword_hooks_deinit();
	mail_storage_hooks_remove(&roost_keyword_hooks);
	mail_storage_hooks_remove(&roost_storage_hooks);
	mail_storage_hooks_remove(&roost_names_hooks);
	mail_storage_hooks_remove(&roost_hooks);
	mail_storage_hooks_remove(&roost_cache_hooks);
	mail_storage_hooks_remove(&roost_inspect_hooks);
	mail_storage_hooks_remove(&roost_read_errors_hooks);
	roost_libraries_deinit();
}
