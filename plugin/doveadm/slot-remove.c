/* SPDX-License-Identifier: MIT */
/*
 * slot-remove: `doveadm roost slot remove`: a secret opens a keyring no more.
 * That is enough for one that is not used any longer; one that leaked takes the
 * path of compromise.h.
 */
#include "doveadm/commands.h"

#include "doveadm/compromise.h"
#include "doveadm/slots.h"

#include "roost/keyring-edit.h"

static void
remove_cmd_init(struct doveadm_mail_cmd_context *ctx)
{
	struct roost_slots_command *cmd = roost_slots_init(ctx, "slot",
		"which slot to remove: its number or its kind");

	if (cmd == NULL)
		return;
	if (!cmd->is_compromised &&
	    (cmd->has_recovery || roost_given_has_password(&cmd->given)))
		roost_command_misuse(ctx, "--recovery and --new-secret-file "
			"belong to --compromised: removing a slot alone makes "
			"no other; see doveadm roost slot add and slot "
			"replace");
	else
		roost_slots_print_header();
}
ROOST_CMD_DEFINE_INIT(remove_cmd_init)

/* Does the document have such a slot of this kind? */
static bool
slot_is_of(const struct roost_keyring *kr, uint32_t number,
	   enum roost_slot_type type)
{
	const struct roost_slot *slot = roost_keyring_find_slot(kr, number);

	return slot != NULL && slot->type == type;
}

static int
remove_change(struct roost_ring_edit *edit, void *context,
	      const char **error_r)
{
	const uint32_t *number = context;
	enum roost_err err;

	if (slot_is_of(edit->kr, *number, ROOST_SLOT_PROVIDER) &&
	    slot_is_of(edit->kr, edit->opened_by, ROOST_SLOT_ESCROW)) {
		*error_r = "an escrow key shows that somebody can open it, "
			"but not that the user can: without the provider slot "
			"only the user's secrets open the mail, so open it by "
			"one of these: password, app password or recovery "
			"code";
		return -1;
	}
	err = roost_keyring_remove_slot(edit->kr, *number);
	if (err == ROOST_OK)
		return 1;
	if (err != ROOST_ERR_LAST_SLOT)
		return roost_ring_change_fail(err, error_r);
	*error_r = "it is the last slot that a person or the server can use, "
		"and without it the mail would be lost; add another one "
		"before [last-slot]";
	return -1;
}

/* The slot is one of the document that follows the change. */
static int
remove_slot(struct roost_slots_command *cmd, struct roost_target *target,
	    const struct roost_slot *slot, const char **error_r)
{
	uint32_t number = slot->number;
	enum roost_slot_type type = slot->type;
	struct roost_ring_change change = {
		.needs_master = TRUE,
		.change = remove_change, .context = &number,
	};
	int ret;

	/* Without the provider somebody has to be able to open it. */
	if (roost_given_get_opener(&cmd->given, type == ROOST_SLOT_PROVIDER ||
				   roost_target_needs_secret(target),
				   &change.secret, error_r) < 0)
		return -1;
	ret = roost_target_change(target, &cmd->given, &change, error_r);
	if (ret >= 0)
		roost_slots_print(number, type, "removed", "");
	return ret;
}

/* A provider slot that goes is a change of mode.  0, or less with error_r. */
static int
remove_check(struct roost_slots_command *cmd,
	     const struct roost_target *target, const struct roost_slot *slot,
	     const char **error_r)
{
	if (slot->type != ROOST_SLOT_PROVIDER)
		return 0;
	if (target->ns->owner != NULL)
		return roost_slots_get_mode_consent(cmd, target, TRUE,
						    error_r);
	*error_r = "The keyring of a public namespace is in provider mode: "
		"without that slot nobody would read the mail";
	return ROOST_COMMAND_MISUSED;
}

static int
remove_target(struct roost_slots_command *cmd, struct roost_target *target,
	      const char **error_r)
{
	const struct roost_slot *slot =
		roost_slots_find(roost_ring_doc(target->ring), cmd->word,
				 error_r);
	int ret;

	if (slot == NULL)
		return ROOST_COMMAND_MISUSED;
	ret = remove_check(cmd, target, slot, error_r);
	if (ret < 0)
		return ret;
	return cmd->is_compromised ?
		roost_compromise_run(cmd, target, slot->number, error_r) :
		remove_slot(cmd, target, slot, error_r);
}

static int
remove_user(struct doveadm_mail_cmd_context *ctx, struct roost_user *ruser,
	    struct mail_user *user, const char **error_r)
{
	return roost_slots_on_target(ctx, ruser, user, remove_target, error_r);
}

static struct doveadm_mail_cmd_context *
remove_cmd_alloc(void)
{
	struct doveadm_mail_cmd_context *ctx = roost_slots_alloc(remove_user);

	ctx->v.init = ROOST_CMD_INIT(remove_cmd_init);
	return ctx;
}

struct doveadm_cmd_ver2 roost_cmd_slot_remove = {
	.name = "roost slot remove",
	.mail_cmd = remove_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX ROOST_TARGET_USAGE
		ROOST_GIVEN_USAGE "[-C|--compromised [-r|--recovery] "
		ROOST_GIVEN_NEW_USAGE "[-y|--yes]] "
		"<number or kind of the slot>",
DOVEADM_CMD_PARAMS_START
ROOST_SLOTS_COMMON("slot")
ROOST_GIVEN_PARAMS
ROOST_GIVEN_NEW_PARAMS
ROOST_SLOTS_COMPROMISED_PARAM
ROOST_CONSENT_PARAM
DOVEADM_CMD_PARAMS_END
};
