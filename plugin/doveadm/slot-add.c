/* SPDX-License-Identifier: MIT */
/*
 * slot-add: `doveadm roost slot add`: one more secret opens a keyring.  It is
 * proved to open from what was stored before the command says so.
 */
#include "doveadm/commands.h"

#include "doveadm/slots.h"

#include "roost/keyring-edit.h"

static void
add_cmd_init(struct doveadm_mail_cmd_context *ctx)
{
	struct roost_slots_command *cmd = roost_slots_init(ctx, "type",
		"what kind of slot to add: provider, password, app, recovery "
		"or escrow");
	enum roost_slot_type type;

	if (cmd == NULL)
		return;
	if (roost_slots_kind(cmd->word, &type))
		roost_slots_print_header();
	else
		roost_command_misuse(ctx, t_strdup_printf("There is no such "
			"kind of slot: it is %s", roost_slots_kinds()));
}
ROOST_CMD_DEFINE_INIT(add_cmd_init)

static int
add_change(struct roost_ring_edit *edit, void *context, const char **error_r)
{
	struct roost_fresh *fresh = context;
	enum roost_err err = roost_fresh_add(fresh, edit);

	return err == ROOST_OK ? 1 : roost_ring_change_fail(err, error_r);
}

/* Is there room for such a slot, and is it wanted?  0, or less with error_r. */
static int
add_check(struct roost_slots_command *cmd, const struct roost_target *target,
	  enum roost_slot_type type, const char **error_r)
{
	const struct roost_keyring *doc = roost_ring_doc(target->ring);
	int ret = roost_slots_check_kind(target, type, error_r);

	if (ret < 0)
		return ret;
	if ((type == ROOST_SLOT_PASSWORD || type == ROOST_SLOT_PROVIDER) &&
	    roost_keyring_has_slot(doc, type)) {
		*error_r = t_strdup_printf("There is a %s slot already, and a "
			"keyring has one: doveadm roost slot replace gives it "
			"another secret", roost_slot_type_name(type));
		return -1;
	}
	return type != ROOST_SLOT_PROVIDER ? 0 :
		roost_slots_get_mode_consent(cmd, target, FALSE, error_r);
}

static int
add_slot(struct roost_slots_command *cmd, struct roost_target *target,
	 struct roost_fresh *fresh, const struct roost_ring_secret *opener,
	 const char **error_r)
{
	struct roost_ring_change change = {
		.needs_master = TRUE, .secret = opener,
		.change = add_change, .context = fresh,
	};
	const struct roost_keyring *doc = roost_ring_doc(target->ring);
	int ret = roost_target_change(target, &cmd->given, &change, error_r);

	if (ret < 0)
		return roost_slots_fail(cmd, target->user, &change, fresh, 0,
					ret, error_r);
	roost_slots_print(doc->slots[doc->slot_count - 1].number,
			  roost_fresh_type(fresh), "added",
			  roost_fresh_shown(fresh));
	if (*roost_fresh_shown(fresh) != '\0')
		roost_slots_tell_once(cmd, target->user);
	return 0;
}

static int
add_target(struct roost_slots_command *cmd, struct roost_target *target,
	   const char **error_r)
{
	const struct roost_ring_secret *opener;
	struct roost_fresh *fresh;
	enum roost_slot_type type;
	int ret;

	(void)roost_slots_kind(cmd->word, &type);
	ret = add_check(cmd, target, type, error_r);
	if (ret < 0)
		return ret;
	if (roost_given_get_opener(&cmd->given,
				   roost_target_needs_secret(target),
				   &opener, error_r) < 0 ||
	    roost_fresh_make(&fresh, &cmd->given, target->config, type,
			     error_r) < 0)
		return -1;
	ret = add_slot(cmd, target, fresh, opener, error_r);
	roost_fresh_free(&fresh);
	return ret;
}

static int
add_user(struct doveadm_mail_cmd_context *ctx, struct roost_user *ruser,
	 struct mail_user *user, const char **error_r)
{
	return roost_slots_on_target(ctx, ruser, user, add_target, error_r);
}

static struct doveadm_mail_cmd_context *
add_cmd_alloc(void)
{
	struct doveadm_mail_cmd_context *ctx = roost_slots_alloc(add_user);

	ctx->v.init = ROOST_CMD_INIT(add_cmd_init);
	return ctx;
}

struct doveadm_cmd_ver2 roost_cmd_slot_add = {
	.name = "roost slot add",
	.mail_cmd = add_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX ROOST_TARGET_USAGE
		ROOST_GIVEN_USAGE ROOST_GIVEN_NEW_USAGE
		"[--public-key-file <file>] [-y|--yes] "
		"provider|password|app|recovery|escrow",
DOVEADM_CMD_PARAMS_START
ROOST_SLOTS_COMMON("type")
ROOST_GIVEN_PARAMS
ROOST_GIVEN_NEW_PARAMS
ROOST_GIVEN_ESCROW_PARAMS
ROOST_CONSENT_PARAM
DOVEADM_CMD_PARAMS_END
};
