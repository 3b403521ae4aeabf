/* SPDX-License-Identifier: MIT */
/*
 * plugin: the plugin `roost`: sets of hooks, and nothing else.
 */
#include "dovecot-compat.h"

#include "mail-storage-hooks.h"
#include "module-dir.h"

#include "cache-box.h"
#include "cache-hooks.h"
#include "inspect.h"
#include "mail-hooks.h"
#include "save-hooks.h"
#include "user.h"

#include "roost/prim.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT void roost_plugin_init(struct module *module);
EXPORT void roost_plugin_deinit(void);
extern EXPORT const char *roost_plugin_version;

const char *roost_plugin_version = DOVECOT_ABI_VERSION;

/* A set for each layer: one call of a hook may add one. */
static struct mail_storage_hooks roost_inspect_hooks = {
	.mail_allocated = roost_inspect_allocated,
};
static struct mail_storage_hooks roost_cache_hooks = {
	.mailbox_allocated = roost_cache_box_allocated,
	.mail_allocated = roost_cache_mail_allocated,
};

/* Outermost: reading undoes sealing before anybody else looks. */
static struct mail_storage_hooks roost_hooks = {
	.mail_user_created = roost_user_created,
	.mail_namespaces_created = roost_user_namespaces_created,
	.mail_allocated = roost_mail_allocated,
};

/* Next to the storage: sealing is the last thing done to a message.  Forced,
   since a sealed message may be copied to a user without Roost. */
static struct mail_storage_hooks roost_storage_hooks = {
	.mailbox_allocated = roost_mailbox_allocated,
};
static char storage_path[] = "lib95_roost_plugin.so";
static struct module storage_module = { .path = storage_path };

void
roost_plugin_init(struct module *module)
{
	if (roost_prim_init() != ROOST_OK)
		i_fatal("roost: OpenSSL or libsodium cannot be used: "
			"AES-256-GCM, HKDF, HMAC and SHA-2 are needed");
	mail_storage_hooks_add(module, &roost_inspect_hooks);
	mail_storage_hooks_add(module, &roost_cache_hooks);
	mail_storage_hooks_add(module, &roost_hooks);
	mail_storage_hooks_add_forced(&storage_module, &roost_storage_hooks);
}

void
roost_plugin_deinit(void)
{
	mail_storage_hooks_remove(&roost_storage_hooks);
	mail_storage_hooks_remove(&roost_hooks);
	mail_storage_hooks_remove(&roost_cache_hooks);
	mail_storage_hooks_remove(&roost_inspect_hooks);
	roost_prim_deinit();
}
