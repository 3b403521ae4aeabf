/* SPDX-License-Identifier: MIT */
/*
 * plugin: the plugin `roost`, as Dovecot loads it: it only registers hooks, the
 * functions that Dovecot calls for each user, mailbox and mail.  Every message
 * that is saved is sealed by save_seal() in mail/save-hooks.c.  Every message
 * that is read is opened by open_sealed() in mail/open.c, or refused there.  A
 * keyring of another user is refused by roost_keyring_open_host() in
 * core/keyring.c, whenever session/ring.c loads one.
 *
 * The other files of this folder make what Dovecot asks meanwhile right: sizes,
 * errors in the middle of a message, names of mailboxes that are a keyring's.
 */
#include "dovecot/compat.h"

#include "mail-storage-hooks.h"
#include "module-dir.h"

#include "cache/box.h"
#include "cache/hooks.h"
#include "dovecot/libraries.h"
#include "keywords/hooks.h"
#include "mail/fetch-hooks.h"
#include "mail/keyring-names.h"
#include "mail/open-hooks.h"
#include "mail/read-errors.h"
#include "mail/save-hooks.h"
#include "mail/unfit.h"
#include "mail/watch.h"
#include "session/inspect.h"
#include "session/ring.h"
#include "session/user-check.h"
#include "session/user-share.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT void roost_plugin_init(struct module *module);
EXPORT void roost_plugin_deinit(void);
extern EXPORT const char *roost_plugin_version;
extern EXPORT const struct roost_user_share *const roost_plugin_share;

const char *roost_plugin_version = DOVECOT_ABI_VERSION;
/* By this the module of doveadm's commands finds the state of a user. */
const struct roost_user_share *const roost_plugin_share = &roost_user_share;

/* Each set is a layer of vfuncs of its own: Dovecot calls a hook of a set once
   for an object, and one call may add one layer. */
static struct mail_storage_hooks roost_read_errors_hooks = {
	.mailbox_allocated = roost_read_errors_mailbox_allocated,
	.mail_allocated = roost_read_errors_mail_allocated,
};
static struct mail_storage_hooks roost_inspect_hooks = {
	.mail_allocated = roost_inspect_allocated,
};
static struct mail_storage_hooks roost_cache_hooks = {
	.mailbox_allocated = roost_cache_hooks_mailbox_allocated,
	.mailbox_opened = roost_cache_box_opened,
	.mail_allocated = roost_cache_hooks_mail_allocated,
};

static struct mail_storage_hooks roost_names_hooks = {
	.mailbox_list_created = roost_keyring_names_list_created,
	.mailbox_allocated = roost_keyring_names_box_allocated,
};

/* Opens messages before any other plugin sees their bytes. */
static struct mail_storage_hooks roost_hooks = {
	.mail_user_created = roost_user_created,
	.mail_namespaces_created = roost_user_namespaces_created,
	.mailbox_allocated = roost_watch_box_allocated,
	.mail_allocated = roost_open_mail_allocated,
};

/* Next to the storage, because sealing is the last thing done to a message.
   Forced hooks are called for users without Roost, too: a sealed message may
   be copied to one. */
static struct mail_storage_hooks roost_storage_hooks = {
	.mailbox_allocated = roost_save_box_allocated,
	.mail_allocated = roost_unfit_mail_allocated,
};
static char storage_path[] = "lib95_roost_plugin.so";
static struct module storage_module = { .path = storage_path };

/* Next outside of that layer, which may turn a copy into a save, so that both
   pass here: on disk names of keywords are tokens, and everyone further out
   sees the names.  Forced, because a user without Roost may open an index that
   another user has written. */
static struct mail_storage_hooks roost_keyword_hooks = {
	.mailbox_allocated = roost_keyword_hooks_mailbox_allocated,
	.mail_allocated = roost_keyword_hooks_mail_allocated,
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
	roost_ring_drop_kept();
	roost_libraries_deinit();
}
