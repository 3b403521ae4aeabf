/* SPDX-License-Identifier: MIT */
/*
 * slot-replace: `doveadm roost slot replace`: another secret in the place of
 * one.
 *
 * Of a new password the slot is added, proved to open from what was stored and
 * read back, and only then the old one is removed: three stored states, each of
 * which opens for the owner.  A run that was broken off between them is
 * finished by the next one.  One that was told to keep the old password ends
 * there, so that who asked can change the user database meanwhile.
 *
 * Where it is generated (an app password, a recovery code), nobody has seen it
 * before the command ends, and another run makes another one.  So the new slot
 * is proved before it is stored, and stored in one step in the place of the old
 * one, whose number it keeps: there is never one too many whose secret nobody
 * knows, and the same command again replaces what a broken run has left.  So it
 * is with a key of escrow, of which nothing can be proved here.
 */
#include "doveadm/commands.h"

#include "doveadm/slots.h"

#include "roost/bytes.h"
#include "roost/keyring-edit.h"

static void
replace_cmd_init(struct doveadm_mail_cmd_context *ctx)
{
	struct roost_slots_command *cmd = roost_slots_init(ctx, "slot",
		"which slot to replace: its number or its kind");

	if (cmd == NULL)
		return;
	(void)doveadm_cmd_param_bool(ctx->cctx, "keep-old",
				     &cmd->is_old_kept);
	roost_slots_print_header();
}
ROOST_CMD_DEFINE_INIT(replace_cmd_init)

/* One replacement. */
struct replacing {
	struct roost_slots_command *cmd;
	struct roost_target *target;
	const struct roost_ring_secret *opener;
	struct roost_fresh *fresh;
	uint32_t old;		/* the slot to be removed */
	uint32_t new;
};

/* -- in one step -- */

static bool
is_generated(const struct replacing *replacing)
{
	return *roost_fresh_shown(replacing->fresh) != '\0';
}

static int
replacing_in_place(struct roost_ring_edit *edit, void *context,
		   const char **error_r)
{
	const struct replacing *replacing = context;
	enum roost_err err;

	if (is_generated(replacing) && edit->opened_by == replacing->old) {
		*error_r = "the secret that was given is the one to be "
			"replaced, and if the new one were lost on its way, "
			"perhaps nothing would open it; give another secret, "
			"or make one more slot by doveadm roost slot add, and "
			"remove this one by the secret of that";
		return -1;
	}
	err = roost_fresh_replace(replacing->fresh, edit, replacing->old);
	return err == ROOST_OK ? 1 : roost_ring_change_fail(err, error_r);
}

static int
replace_in_place(struct replacing *replacing, const char **error_r)
{
	const struct roost_fresh *fresh = replacing->fresh;
	struct roost_slots_command *cmd = replacing->cmd;
	struct roost_ring_change change = {
		.needs_master = TRUE, .secret = replacing->opener,
		.change = replacing_in_place, .context = replacing,
	};
	int ret = roost_target_change(replacing->target, &cmd->given, &change,
				      error_r);

	if (ret < 0)
		return roost_slots_fail(cmd, replacing->target->user, &change,
					fresh, replacing->old, ret, error_r);
	roost_slots_print(replacing->old, roost_fresh_type(fresh), "replaced",
			  roost_fresh_shown(fresh));
	if (is_generated(replacing))
		roost_slots_tell_once(cmd, replacing->target->user);
	return 0;
}

/* -- in two steps -- */

/* Which slot does the new secret open already, as after a run that was broken
   off?  Its number, or 0; one that costs too little is not what is wanted. */
static uint32_t
replacing_find(const struct replacing *replacing)
{
	const struct roost_ring *ring = replacing->target->ring;
	const struct roost_keyring *doc = roost_ring_doc(ring);
	unsigned int i;

	for (i = doc->slot_count; i-- > 0; ) {
		const struct roost_slot *slot = &doc->slots[i];

		if (roost_fresh_is_slot(replacing->fresh, doc, slot,
					roost_ring_host_key(ring), TRUE))
			return slot->number;
	}
	return 0;
}

/* The other one of two password slots, or 0, also for another kind. */
static uint32_t
replacing_other_password(const struct replacing *replacing, uint32_t number)
{
	const struct roost_keyring *doc =
		roost_ring_doc(replacing->target->ring);
	unsigned int i;

	if (roost_fresh_type(replacing->fresh) != ROOST_SLOT_PASSWORD)
		return 0;
	for (i = 0; i < doc->slot_count; i++) {
		if (doc->slots[i].type == ROOST_SLOT_PASSWORD &&
		    doc->slots[i].number != number)
			return doc->slots[i].number;
	}
	return 0;
}

/* Returns the number of the password slot that opened the keyring now, or else,
   where something other than a password did, that is to be replaced. */
static uint32_t
password_kept(const struct replacing *replacing,
	      const struct roost_ring_edit *edit)
{
	const struct roost_slot *slot =
		roost_keyring_find_slot(edit->kr, edit->opened_by);

	return slot != NULL && slot->type == ROOST_SLOT_PASSWORD ?
		slot->number : replacing->old;
}

/* A second password slot that the new password does not open is left over from
   a run that was broken off.  Of the two the one stays that opens now. */
static enum roost_err
remove_leftover(struct replacing *replacing, struct roost_ring_edit *edit)
{
	struct roost_keyring *kr = edit->kr;
	uint32_t keep = password_kept(replacing, edit), leftover = 0;
	unsigned int i;

	for (i = 0; i < kr->slot_count; i++) {
		if (kr->slots[i].type == ROOST_SLOT_PASSWORD &&
		    kr->slots[i].number != keep)
			leftover = kr->slots[i].number;
	}
	if (leftover == replacing->old)
		replacing->old = keep;
	return roost_keyring_remove_slot(kr, leftover);
}

static int
replacing_add(struct roost_ring_edit *edit, void *context,
	      const char **error_r)
{
	struct replacing *replacing = context;
	enum roost_slot_type type = roost_fresh_type(replacing->fresh);
	enum roost_err err = ROOST_OK;

	if (!roost_keyring_slot_fits(edit->kr, type) &&
	    type == ROOST_SLOT_PASSWORD)
		err = remove_leftover(replacing, edit);
	if (err == ROOST_OK)
		err = roost_fresh_add(replacing->fresh, edit);
	if (err != ROOST_OK)
		return roost_ring_change_fail(err, error_r);
	replacing->new = edit->kr->slots[edit->kr->slot_count - 1].number;
	return 1;
}

static int
replacing_remove(struct roost_ring_edit *edit, void *context,
		 const char **error_r)
{
	const struct replacing *replacing = context;
	enum roost_err err = roost_keyring_remove_slot(edit->kr,
						       replacing->old);

	return err == ROOST_OK ? 1 : roost_ring_change_fail(err, error_r);
}

static int
replacing_change(struct replacing *replacing,
		 int (*step)(struct roost_ring_edit *edit, void *context,
			     const char **error_r),
		 const struct roost_ring_secret *secret, const char **error_r)
{
	struct roost_ring_change change = {
		.needs_master = TRUE, .secret = secret,
		.change = step, .context = replacing,
	};

	return roost_target_change(replacing->target, &replacing->cmd->given,
				   &change, error_r);
}

/* The second step, unless the old password is to open until it is run again. */
static int
replacing_finish(struct replacing *replacing, const char **error_r)
{
	enum roost_slot_type type = roost_fresh_type(replacing->fresh);
	const struct roost_ring_secret *by =
		roost_fresh_secret(replacing->fresh);
	int ret;

	if (replacing->cmd->is_old_kept) {
		roost_slots_print(replacing->old, type, "kept", "");
		return 0;
	}
	/* What was proved just now opens it, unless nothing has to. */
	ret = replacing_change(replacing, replacing_remove,
			       by == NULL || replacing->opener == NULL ?
			       replacing->opener : by, error_r);
	if (ret < 0)
		return ret;
	roost_slots_print(replacing->old, type, "removed", "");
	return 0;
}

/* Is it a key of escrow, which no other slot has already? */
static bool
is_escrow_alone(const struct replacing *replacing)
{
	uint32_t number = replacing_find(replacing);

	return roost_fresh_type(replacing->fresh) == ROOST_SLOT_ESCROW &&
		(number == 0 || number == replacing->old);
}

/* Both steps; a slot that is new is printed also if the second one fails. */
static int
replace_in_steps(struct replacing *replacing, const char **error_r)
{
	bool is_resumed;
	int ret = 0;

	replacing->new = replacing_find(replacing);
	is_resumed = replacing->new != 0;
	if (replacing->new == replacing->old)
		replacing->old = replacing_other_password(replacing,
							  replacing->new);
	if (!is_resumed)
		ret = replacing_change(replacing, replacing_add,
				       replacing->opener, error_r);
	if (ret < 0)
		return ret;
	roost_slots_print(replacing->new, roost_fresh_type(replacing->fresh),
			  is_resumed ? "was added before" : "added", "");
	if (replacing->old == 0)
		return 0;
	return replacing_finish(replacing, error_r);
}

/* -- the command -- */

static int
replace_target(struct replacing *replacing, const char **error_r)
{
	struct roost_slots_command *cmd = replacing->cmd;
	struct roost_target *target = replacing->target;
	const struct roost_slot *slot =
		roost_slots_find(roost_ring_doc(target->ring), cmd->word,
				 error_r);
	int ret;

	if (slot == NULL)
		return ROOST_COMMAND_MISUSED;
	if (cmd->is_old_kept && slot->type != ROOST_SLOT_PASSWORD) {
		*error_r = "--keep-old is for a password, of which a keyring "
			"has one: of other kinds, doveadm roost slot add "
			"makes another one beside the old";
		return ROOST_COMMAND_MISUSED;
	}
	replacing->old = slot->number;
	if (roost_given_get_opener(&cmd->given,
				   roost_target_needs_secret(target),
				   &replacing->opener, error_r) < 0 ||
	    roost_fresh_make(&replacing->fresh, &cmd->given, target->config,
			     slot->type, error_r) < 0)
		return -1;
	ret = is_generated(replacing) || is_escrow_alone(replacing) ?
		replace_in_place(replacing, error_r) :
		replace_in_steps(replacing, error_r);
	roost_fresh_free(&replacing->fresh);
	return ret;
}

static int
replace_user(struct doveadm_mail_cmd_context *ctx, struct roost_user *ruser,
	     struct mail_user *user, const char **error_r)
{
	struct roost_target target;
	struct replacing replacing = {
		.cmd = container_of(ctx, struct roost_slots_command, ctx),
		.target = &target,
	};
	int ret;

	if (roost_target_get(&target, ctx, ruser, user, error_r) < 0)
		return -1;
	ret = replace_target(&replacing, error_r);
	roost_target_free(&target);
	return ret;
}

static struct doveadm_mail_cmd_context *
replace_cmd_alloc(void)
{
	struct doveadm_mail_cmd_context *ctx =
		roost_slots_alloc(replace_user);

	ctx->v.init = ROOST_CMD_INIT(replace_cmd_init);
	return ctx;
}

struct doveadm_cmd_ver2 roost_cmd_slot_replace = {
	.name = "roost slot replace",
	.mail_cmd = replace_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX ROOST_TARGET_USAGE
		ROOST_GIVEN_USAGE ROOST_GIVEN_NEW_USAGE
		"[--public-key-file <file>] [-k|--keep-old] "
		"<number or kind of the slot>",
DOVEADM_CMD_PARAMS_START
ROOST_SLOTS_COMMON("slot")
ROOST_GIVEN_PARAMS
ROOST_GIVEN_NEW_PARAMS
ROOST_GIVEN_ESCROW_PARAMS
DOVEADM_CMD_PARAM('k', "keep-old", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAMS_END
};
