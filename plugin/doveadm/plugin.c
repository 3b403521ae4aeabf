/* SPDX-License-Identifier: MIT */
/*
 * plugin: the module that gives `doveadm roost` its commands.  Each command is
 * a file of this folder, and this file registers them.
 *
 * The module has a copy of its own of the code that it shares with the mail
 * plugin, but not of what a process knows of a user: that is the mail plugin's,
 * where one is loaded (session/user-share.h).
 */
#include "doveadm/commands.h"

#include "mail-storage-hooks.h"
#include "module-dir.h"

#include "dovecot/libraries.h"
#include "session/inspect.h"
#include "session/ring.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT void doveadm_roost_plugin_init(struct module *module);
EXPORT void doveadm_roost_plugin_deinit(void);
extern EXPORT const char *doveadm_roost_plugin_version;

const char *doveadm_roost_plugin_version = DOVECOT_ABI_VERSION;

/* Outside of the mail plugin's hooks, so that a command sees the stored bytes
   of a message.  The hooks do nothing until a command asks for that. */
static struct mail_storage_hooks command_hooks = {
	.mail_allocated = roost_inspect_allocated,
};
static char hooks_path[] = "lib00_doveadm_roost_plugin.so";
static struct module hooks_module = { .path = hooks_path };

/* Behind mail_crypt's hooks, whose module is lib10, and outside of Roost's. */
static struct mail_storage_hooks decrypted_hooks = {
	.mail_allocated = roost_inspect_decrypted_allocated,
};
static char decrypted_path[] = "lib11_doveadm_roost_plugin.so";
static struct module decrypted_module = { .path = decrypted_path };

void
doveadm_roost_plugin_init(struct module *module ATTR_UNUSED)
{
	mail_storage_hooks_add_forced(&hooks_module, &command_hooks);
	mail_storage_hooks_add_forced(&decrypted_module, &decrypted_hooks);
	doveadm_cmd_register_ver2(&roost_cmd_cache_purge);
	doveadm_cmd_register_ver2(&roost_cmd_doctor);
	doveadm_cmd_register_ver2(&roost_cmd_init);
	doveadm_cmd_register_ver2(&roost_cmd_policy_change);
	doveadm_cmd_register_ver2(&roost_cmd_status);
	doveadm_cmd_register_ver2(&roost_cmd_verify);
	doveadm_cmd_register_ver2(&roost_cmd_rebind);
	doveadm_cmd_register_ver2(&roost_cmd_seal);
	doveadm_cmd_register_ver2(&roost_cmd_reseal);
	doveadm_cmd_register_ver2(&roost_cmd_unseal);
	doveadm_cmd_register_ver2(&roost_cmd_slot_list);
	doveadm_cmd_register_ver2(&roost_cmd_slot_add);
	doveadm_cmd_register_ver2(&roost_cmd_slot_replace);
	doveadm_cmd_register_ver2(&roost_cmd_slot_remove);
	/* After its longer names, see slot-list.c. */
	doveadm_cmd_register_ver2(&roost_cmd_slot);
	doveadm_cmd_register_ver2(&roost_cmd_mode);
	doveadm_cmd_register_ver2(&roost_cmd_rotate);
	doveadm_cmd_register_ver2(&roost_cmd_provider_rotate);
	doveadm_cmd_register_ver2(&roost_cmd_keyring_copy);
	doveadm_cmd_register_ver2(&roost_cmd_keyring_delete);
	doveadm_cmd_register_ver2(&roost_cmd_keyring_export);
	doveadm_cmd_register_ver2(&roost_cmd_keyring_import);
	doveadm_cmd_register_ver2(&roost_cmd_keyring_rename);
	doveadm_cmd_register_ver2(&roost_cmd_flags_list);
	doveadm_cmd_register_ver2(&roost_cmd_flags_rename);
	doveadm_cmd_register_ver2(&roost_cmd_flags_merge);
	doveadm_cmd_register_ver2(&roost_cmd_flags_unused);
	doveadm_cmd_register_ver2(&roost_cmd_flags_doctor);
}

void
doveadm_roost_plugin_deinit(void)
{
	/* The hooks are not removed, because doveadm has freed the table of all
	   hooks before it unloads this module. */
	roost_ring_drop_kept();
	roost_libraries_deinit();
}
