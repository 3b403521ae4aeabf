/* SPDX-License-Identifier: MIT */
/*
 * user: a session's rules of custom flags.  See user.h.
 */
#include "flags/user.h"

static MODULE_CONTEXT_DEFINE_INIT(roost_flags_user_module,
				  &mail_user_module_register);

struct roost_flags_user *
roost_flags_user_get(struct mail_user *user)
{
	struct roost_flags_user *fuser =
		MODULE_CONTEXT(user, roost_flags_user_module);

	return fuser;
}

/* pop3 acts for the server: it sets the keyword by which Dovecot marks what a
   POP3 client has deleted. */
static enum roost_flag_actor
actor_of_service(const char *service)
{
	static const struct {
		const char *service;
		enum roost_flag_actor actor;
	} actors[] = {
		{ "lmtp", ROOST_FLAG_DELIVERY },
		{ "lda", ROOST_FLAG_DELIVERY },
		{ "doveadm", ROOST_FLAG_ADMIN },
		{ "pop3", ROOST_FLAG_SERVER },
	};
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(actors); i++) {
		if (null_strcmp(service, actors[i].service) == 0)
			return actors[i].actor;
	}
	return ROOST_FLAG_CLIENT;
}

enum roost_flag_actor
roost_flags_user_actor(const struct roost_flags_user *fuser)
{
	return fuser->user->dsyncing ? ROOST_FLAG_REPLICATION : fuser->actor;
}

static void
flags_user_free(struct roost_flags_user *fuser)
{
	i_free(fuser->rules);
	i_free(fuser->outcome);
	roost_flags_settings_free(fuser->set);
}

static void
flags_user_deinit(struct mail_user *user)
{
	struct roost_flags_user *fuser = roost_flags_user_get(user);

	/* This may close mailboxes, which ask for the rules. */
	fuser->module_ctx.super.deinit(user);
	flags_user_free(fuser);
}

static struct roost_flags_user *
flags_user_new(struct mail_user *user, const char **error_r)
{
	const struct roost_flags_settings *set;
	struct roost_flags_user *fuser;

	if (roost_flags_settings_get(user, &set, error_r) < 0)
		return NULL;
	fuser = p_new(user->pool, struct roost_flags_user, 1);
	fuser->user = user;
	fuser->set = set;
	fuser->actor = actor_of_service(user->service);
	fuser->authserv = (const char *const *)
		p_strsplit_spaces(user->pool, set->roost_flags_authserv, " ");
	fuser->rules = i_new(struct roost_flagrules, 1);
	fuser->outcome = i_new(struct roost_flag_outcome, 1);
	if (roost_flags_rules_init(fuser->rules, set, error_r) == 0)
		return fuser;
	flags_user_free(fuser);
	return NULL;
}

void
roost_flags_user_created(struct mail_user *user)
{
	struct mail_user_vfuncs *v = user->vlast;
	struct roost_flags_user *fuser;
	const char *error;

	/* Dovecot makes such users for owners of shared namespaces and for what
	   is being delivered.  Whoever acts there is another user. */
	if (user->autocreated)
		return;
	fuser = flags_user_new(user, &error);
	if (fuser == NULL) {
		user->error = p_strdup_printf(user->pool, "roost_flags: %s",
					      error);
		return;
	}
	fuser->module_ctx.super = *v;
	user->vlast = &fuser->module_ctx.super;
	v->deinit = flags_user_deinit;
	MODULE_CONTEXT_SET(user, roost_flags_user_module, fuser);
}
