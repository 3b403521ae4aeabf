/* SPDX-License-Identifier: MIT */
/*
 * keyring-mode: `doveadm roost mode`: from provider mode to password mode and
 * back.  What the new mode means is said before; no message is touched.
 *
 * To password mode in two steps: a password slot is added and proved, or the
 * one that is there is proved, and only then the provider slot goes.
 */
#include "doveadm/commands.h"

#include "doveadm/slots.h"

#include "roost/keyring-edit.h"

static void
mode_cmd_init(struct doveadm_mail_cmd_context *ctx)
{
	struct roost_slots_command *cmd =
		roost_slots_init(ctx, "mode", "provider or password");

	if (cmd == NULL)
		return;
	if (strcmp(cmd->word, "provider") != 0 &&
	    strcmp(cmd->word, "password") != 0)
		roost_command_misuse(ctx, "There is no such mode: say "
				     "provider or password");
	else
		roost_slots_print_header();
}
ROOST_CMD_DEFINE_INIT(mode_cmd_init)

/* One change of mode. */
struct mode_change {
	struct roost_slots_command *cmd;
	struct roost_target *target;
	struct roost_fresh *fresh, *recovery;	/* NULL: none */
};

/* 1 it was done; 0 that is not known, and a row says so; less with error_r. */
static int
mode_apply(struct mode_change *mode,
	   int (*step)(struct roost_ring_edit *edit, void *context,
		       const char **error_r),
	   const struct roost_ring_secret *secret, const char **error_r)
{
	struct roost_ring_change change = {
		.needs_master = TRUE, .secret = secret,
		.change = step, .context = mode,
	};
	int ret = roost_target_change(mode->target, &mode->cmd->given, &change,
				      error_r);

	return ret >= 0 ? ret :
		roost_slots_fail(mode->cmd, mode->target->user, &change,
				 mode->recovery, 0, ret, error_r);
}

static int
mode_add(struct roost_ring_edit *edit, void *context, const char **error_r)
{
	struct mode_change *mode = context;
	enum roost_err err = roost_fresh_add(mode->fresh, edit);

	return err == ROOST_OK ? 1 : roost_ring_change_fail(err, error_r);
}

static void
mode_print_last(const struct mode_change *mode, const char *secret)
{
	const struct roost_keyring *doc = roost_ring_doc(mode->target->ring);
	const struct roost_slot *last = &doc->slots[doc->slot_count - 1];

	roost_slots_print(last->number, last->type, "added", secret);
}

/* -- to provider mode -- */

static int
mode_to_provider(struct mode_change *mode, const char **error_r)
{
	struct roost_given *given = &mode->cmd->given;
	const struct roost_ring_secret *opener;
	int ret;

	if (roost_given_get_opener(given, TRUE, &opener, error_r) < 0 ||
	    roost_fresh_make(&mode->fresh, given, mode->target->config,
			     ROOST_SLOT_PROVIDER, error_r) < 0)
		return -1;
	ret = mode_apply(mode, mode_add, opener, error_r);
	if (ret > 0)
		mode_print_last(mode, "");
	return ret;
}

/* -- to password mode -- */

/* The provider's slot goes.  A recovery code comes in its place, if there was
   none. */
static int
remove_provider(struct roost_ring_edit *edit, void *context,
		const char **error_r)
{
	struct mode_change *mode = context;
	struct roost_keyring *kr = edit->kr;
	enum roost_err err = ROOST_OK;
	unsigned int i = kr->slot_count;

	while (err == ROOST_OK && i-- > 0) {
		if (kr->slots[i].type == ROOST_SLOT_PROVIDER)
			err = roost_keyring_remove_slot(kr,
							kr->slots[i].number);
	}
	if (err == ROOST_OK && mode->recovery != NULL)
		err = roost_fresh_add(mode->recovery, edit);
	return err == ROOST_OK ? 1 : roost_ring_change_fail(err, error_r);
}

/* The slot that the password opens, as after a run that was broken off.  1, 0
   if there is no password slot, or less with error_r. */
static int
mode_find_password(const struct mode_change *mode, const char **error_r)
{
	const struct roost_ring *ring = mode->target->ring;
	const struct roost_keyring *doc = roost_ring_doc(ring);
	unsigned int i;

	for (i = doc->slot_count; i-- > 0; ) {
		if (roost_fresh_is_slot(mode->fresh, doc, &doc->slots[i],
					roost_ring_host_key(ring), FALSE))
			return 1;
	}
	if (!roost_keyring_has_slot(doc, ROOST_SLOT_PASSWORD))
		return 0;
	*error_r = "The keyring has a password slot already, which this "
		"password does not open: doveadm roost slot replace gives it "
		"another one";
	return ROOST_COMMAND_DENIED;
}

static int
mode_finish_password(struct mode_change *mode, const char **error_r)
{
	struct roost_given *given = &mode->cmd->given;
	const struct roost_keyring *doc = roost_ring_doc(mode->target->ring);
	bool has_recovery = roost_keyring_has_slot(doc, ROOST_SLOT_RECOVERY);
	int ret;

	if ((!has_recovery || mode->cmd->has_recovery) &&
	    roost_fresh_make(&mode->recovery, given, mode->target->config,
			     ROOST_SLOT_RECOVERY, error_r) < 0)
		return -1;
	ret = mode_apply(mode, remove_provider, NULL, error_r);
	if (ret <= 0 || mode->recovery == NULL)
		return ret;
	mode_print_last(mode, roost_fresh_shown(mode->recovery));
	roost_slots_tell_once(mode->cmd, mode->target->user);
	return 0;
}

static int
mode_to_password(struct mode_change *mode, const char **error_r)
{
	struct roost_given *given = &mode->cmd->given;
	int ret;

	if (roost_fresh_make(&mode->fresh, given, mode->target->config,
			     ROOST_SLOT_PASSWORD, error_r) < 0)
		return -1;
	ret = mode_find_password(mode, error_r);
	if (ret < 0)
		return ret;
	if (ret == 0) {
		ret = mode_apply(mode, mode_add, NULL, error_r);
		if (ret < 0)
			return ret;
		mode_print_last(mode, "");
	}
	return mode_finish_password(mode, error_r);
}

static int
mode_target(struct roost_slots_command *cmd, struct roost_target *target,
	    const char **error_r)
{
	struct mode_change mode = { .cmd = cmd, .target = target };
	bool to_password = strcmp(cmd->word, "password") == 0;
	int ret;

	if (target->ns->owner == NULL) {
		*error_r = "The keyring of a public namespace is in provider "
			"mode, and in no other";
		return ROOST_COMMAND_MISUSED;
	}
	if (roost_target_needs_secret(target) == to_password) {
		e_info(target->user->event, "roost: The keyring is in %s mode "
		       "already", cmd->word);
		return 0;
	}
	if (roost_slots_get_mode_consent(cmd, target, to_password,
					 error_r) < 0)
		return -1;
	ret = to_password ? mode_to_password(&mode, error_r) :
		mode_to_provider(&mode, error_r);
	roost_fresh_free(&mode.fresh);
	roost_fresh_free(&mode.recovery);
	return ret;
}

static int
mode_user(struct doveadm_mail_cmd_context *ctx, struct roost_user *ruser,
	  struct mail_user *user, const char **error_r)
{
	return roost_slots_on_target(ctx, ruser, user, mode_target, error_r);
}

static struct doveadm_mail_cmd_context *
mode_cmd_alloc(void)
{
	struct doveadm_mail_cmd_context *ctx = roost_slots_alloc(mode_user);

	ctx->v.init = ROOST_CMD_INIT(mode_cmd_init);
	return ctx;
}

struct doveadm_cmd_ver2 roost_cmd_mode = {
	.name = "roost mode",
	.mail_cmd = mode_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX ROOST_GIVEN_USAGE
		ROOST_GIVEN_NEW_USAGE "[-r|--recovery] [-y|--yes] "
		"provider|password",
DOVEADM_CMD_PARAMS_START
ROOST_SLOTS_COMMON("mode")
ROOST_GIVEN_PARAMS
ROOST_GIVEN_NEW_PARAMS
DOVEADM_CMD_PARAM('r', "recovery", CMD_PARAM_BOOL, 0)
ROOST_CONSENT_PARAM
DOVEADM_CMD_PARAMS_END
};
