/* SPDX-License-Identifier: MIT */
/*
 * command: registration, and what the commands share.  See command.h.
 *
 * This module has its own copy of the code it shares with the mail plugin,
 * and of its contexts: no symbol passes between the two.
 */
#include "doveadm/command.h"

#include "mail-storage-hooks.h"
#include "module-dir.h"

#include "session/inspect.h"
#include "dovecot/libraries.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT void doveadm_roost_plugin_init(struct module *module);
EXPORT void doveadm_roost_plugin_deinit(void);
extern EXPORT const char *doveadm_roost_plugin_version;

const char *doveadm_roost_plugin_version = DOVECOT_ABI_VERSION;

/* Before the mail plugin's hooks, so that files are seen as they are; does
   nothing to a mail but when a command here looks at it. */
static struct mail_storage_hooks command_hooks = {
	.mail_allocated = roost_inspect_allocated,
};
static char hooks_path[] = "lib00_doveadm_roost_plugin.so";
static struct module hooks_module = { .path = hooks_path };

#ifdef ROOST_HAVE_DOVEADM_PARSE_ARG
static bool
cmd_parse_arg(struct doveadm_mail_cmd_context *ctx ATTR_UNUSED,
	      int c ATTR_UNUSED)
{
	return TRUE;	/* parameters are read by name, in init */
}

void
roost_cmd_accept_params(struct doveadm_mail_cmd_context *ctx)
{
	ctx->getopt_args = "";
	ctx->v.parse_arg = cmd_parse_arg;
}
#else
void
roost_cmd_accept_params(struct doveadm_mail_cmd_context *ctx ATTR_UNUSED)
{
}
#endif

int
roost_cmd_fail(struct doveadm_mail_cmd_context *ctx, struct mail_user *user,
	       const char *error)
{
	e_error(user->event, "roost: %s", error);
	doveadm_mail_failed_error(ctx, MAIL_ERROR_TEMP);
	return -1;
}

bool
roost_cmd_policy(const char *name, enum roost_policy *policy_r)
{
	*policy_r = strcmp(name, "sealed") == 0 ? ROOST_POLICY_SEALED :
		ROOST_POLICY_OPEN;
	return strcmp(name, roost_cmd_policy_name(*policy_r)) == 0;
}

const char *
roost_cmd_policy_name(enum roost_policy policy)
{
	return policy == ROOST_POLICY_SEALED ? "sealed" : "open";
}

struct mail_namespace *
roost_cmd_namespace(struct mail_user *user)
{
	struct mail_namespace *ns;

	for (ns = user->namespaces; ns != NULL; ns = ns->next) {
		if (ns->owner == user)
			return ns;
	}
	return mail_namespace_find_inbox(user->namespaces);
}

struct mail_namespace *
roost_cmd_namespace_find(struct mail_user *user, const char *prefix,
			 const char **error_r)
{
	struct mail_namespace *ns =
		mail_namespace_find_prefix(user->namespaces, prefix);

	if (ns != NULL && (ns->owner == NULL || ns->owner == user))
		return ns;
	*error_r = t_strdup_printf("There is no namespace of this user, and "
		"no public one, with the prefix \"%s\"", prefix);
	return NULL;
}

void
doveadm_roost_plugin_init(struct module *module ATTR_UNUSED)
{
	mail_storage_hooks_add_forced(&hooks_module, &command_hooks);
	doveadm_cmd_register_ver2(&roost_cmd_cache_purge);
	doveadm_cmd_register_ver2(&roost_cmd_init);
	doveadm_cmd_register_ver2(&roost_cmd_policy_change);
	doveadm_cmd_register_ver2(&roost_cmd_status);
	doveadm_cmd_register_ver2(&roost_cmd_verify);
	doveadm_cmd_register_ver2(&roost_cmd_rebind);
	doveadm_cmd_register_ver2(&roost_cmd_flags_list);
	doveadm_cmd_register_ver2(&roost_cmd_flags_rename);
	doveadm_cmd_register_ver2(&roost_cmd_flags_merge);
	doveadm_cmd_register_ver2(&roost_cmd_flags_purge);
	doveadm_cmd_register_ver2(&roost_cmd_flags_doctor);
}

void
doveadm_roost_plugin_deinit(void)
{
	/* doveadm has freed the table of hooks before it unloads this. */
	roost_libraries_deinit();
}
