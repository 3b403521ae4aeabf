/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_COMMANDS_H
#define ROOST_DOVEADM_COMMANDS_H

/*
 * commands: all commands of `doveadm roost`, each of which is defined in a file
 * of its own, for doveadm/plugin.c to register.
 */

#include "doveadm/command.h"

extern struct doveadm_cmd_ver2 roost_cmd_cache_purge;
extern struct doveadm_cmd_ver2 roost_cmd_doctor;
extern struct doveadm_cmd_ver2 roost_cmd_init;
extern struct doveadm_cmd_ver2 roost_cmd_policy_change;
extern struct doveadm_cmd_ver2 roost_cmd_status;
extern struct doveadm_cmd_ver2 roost_cmd_verify;
extern struct doveadm_cmd_ver2 roost_cmd_rebind;
extern struct doveadm_cmd_ver2 roost_cmd_seal;
extern struct doveadm_cmd_ver2 roost_cmd_reseal;
extern struct doveadm_cmd_ver2 roost_cmd_unseal;
extern struct doveadm_cmd_ver2 roost_cmd_slot_list;
extern struct doveadm_cmd_ver2 roost_cmd_slot_add;
extern struct doveadm_cmd_ver2 roost_cmd_slot_replace;
extern struct doveadm_cmd_ver2 roost_cmd_slot_remove;
extern struct doveadm_cmd_ver2 roost_cmd_slot;
extern struct doveadm_cmd_ver2 roost_cmd_mode;
extern struct doveadm_cmd_ver2 roost_cmd_rotate;
extern struct doveadm_cmd_ver2 roost_cmd_provider_rotate;
extern struct doveadm_cmd_ver2 roost_cmd_keyring_copy;
extern struct doveadm_cmd_ver2 roost_cmd_keyring_delete;
extern struct doveadm_cmd_ver2 roost_cmd_keyring_export;
extern struct doveadm_cmd_ver2 roost_cmd_keyring_import;
extern struct doveadm_cmd_ver2 roost_cmd_keyring_rename;
extern struct doveadm_cmd_ver2 roost_cmd_flags_list;
extern struct doveadm_cmd_ver2 roost_cmd_flags_rename;
extern struct doveadm_cmd_ver2 roost_cmd_flags_merge;
extern struct doveadm_cmd_ver2 roost_cmd_flags_unused;
extern struct doveadm_cmd_ver2 roost_cmd_flags_doctor;

#endif
