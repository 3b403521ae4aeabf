/* SPDX-License-Identifier: MIT */
/*
 * target: which keyring, and changing it.  See target.h.
 */
#include "doveadm/target.h"

#include "roost/secret.h"

static int
target_load(struct roost_target *target, const char **error_r)
{
	struct roost_user *ruser = target->ruser;
	int ret = roost_user_ring(ruser, target->ns, &target->ring, error_r);

	if (ret == 0)
		*error_r = t_strdup_printf("There is no keyring %s: make it "
			"with doveadm roost init -u %s",
			roost_keystore_name(target->store),
			target->user->username);
	if (ret <= 0)
		return -1;
	return roost_user_renew_ring(ruser, target->ring, error_r);
}

static int
target_find(struct roost_target *target,
	    const struct doveadm_mail_cmd_context *ctx, const char **error_r)
{
	const char *prefix;

	target->ns = !doveadm_cmd_param_str(ctx->cctx, "namespace", &prefix) ?
		roost_command_namespace(target->user) :
		roost_command_namespace_find(target->user, prefix, error_r);
	if (target->ns == NULL ||
	    roost_user_owner(target->ruser, target->ns, &target->owner,
			     error_r) < 0 ||
	    roost_user_namespace_config(target->ruser, target->ns,
					&target->config, error_r) < 0)
		return -1;
	target->store = roost_user_keystore(target->ruser, target->ns,
					    error_r);
	return target->store == NULL ? -1 : target_load(target, error_r);
}

int
roost_target_get(struct roost_target *target_r,
		 const struct doveadm_mail_cmd_context *ctx,
		 struct roost_user *ruser, struct mail_user *user,
		 const char **error_r)
{
	i_zero(target_r);
	target_r->ruser = ruser;
	target_r->user = user;
	if (target_find(target_r, ctx, error_r) == 0)
		return 0;
	roost_target_free(target_r);
	return -1;
}

void
roost_target_free(struct roost_target *target)
{
	roost_keystore_deinit(&target->store);
}

bool
roost_target_needs_secret(const struct roost_target *target)
{
	return !roost_keyring_has_slot(roost_ring_doc(target->ring),
				       ROOST_SLOT_PROVIDER);
}

int
roost_target_change(struct roost_target *target,
		    const struct roost_given *given,
		    struct roost_ring_change *change, const char **error_r)
{
	int ret;

	change->seen = target->ring;
	change->owner = target->owner;
	change->config = target->config;
	change->event = target->user->event;
	ret = roost_ring_change(target->store, change, error_r);
	if (ret < 0)
		return roost_given_deny(given, target->ring, target->config,
					change->secret_err, change->secret,
					error_r);
	if (ret > 0 && roost_user_renew_ring(target->ruser, target->ring,
					     error_r) < 0)
		return -1;
	return ret;
}

int
roost_target_find_opened(struct roost_target *target,
			 const struct roost_given *given,
			 const struct roost_ring_secret *secret,
			 uint32_t *number_r, const char **error_r)
{
	uint8_t master[ROOST_KEY_SIZE];
	enum roost_err err =
		roost_ring_secret_open(roost_ring_doc(target->ring),
				       roost_ring_host_key(target->ring),
				       secret, master, number_r);

	roost_wipe(master, sizeof(master));
	if (err == ROOST_OK)
		return 0;
	(void)roost_ring_change_fail(err, error_r);
	return roost_given_deny(given, target->ring, target->config, err,
				secret, error_r);
}
