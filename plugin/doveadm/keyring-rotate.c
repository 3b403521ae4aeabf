/* SPDX-License-Identifier: MIT */
/*
 * keyring-rotate: `doveadm roost rotate`: a new epoch, to which new mail is
 * sealed; with --compromised a new master key, too.  No message is touched.
 */
#include "doveadm/commands.h"

#include "doveadm/compromise.h"
#include "doveadm/slots.h"

#include "ioloop.h"

#include "roost/keyring-edit.h"

static void
rotate_cmd_init(struct doveadm_mail_cmd_context *ctx)
{
	const struct roost_slots_command *cmd =
		roost_slots_init(ctx, NULL, NULL);

	if (cmd == NULL)
		return;
	if (!cmd->is_compromised &&
	    (cmd->has_recovery || roost_given_has_password(&cmd->given))) {
		roost_command_misuse(ctx, "--recovery and --new-secret-file "
			"belong to --compromised: a new epoch alone leaves "
			"all slots as they are");
		return;
	}
	if (cmd->is_compromised) {
		roost_slots_print_header();
		return;
	}
	doveadm_print_header_simple("keyring");
	doveadm_print_header_simple("epoch");
	doveadm_print_header_simple("generation");
}
ROOST_CMD_DEFINE_INIT(rotate_cmd_init)

static int
rotate_change(struct roost_ring_edit *edit, void *context ATTR_UNUSED,
	      const char **error_r)
{
	enum roost_err err;

	if (roost_slots_check_epochs(edit->kr, error_r) < 0)
		return -1;
	err = roost_keyring_add_epoch(edit->kr, edit->host_key, edit->master,
				      (uint64_t)ioloop_time);
	return err == ROOST_OK ? 1 : roost_ring_change_fail(err, error_r);
}

static int
rotate_target(struct roost_slots_command *cmd, struct roost_target *target,
	      const char **error_r)
{
	struct roost_ring_change change = {
		.needs_master = TRUE, .change = rotate_change,
	};
	const struct roost_keyring *doc = roost_ring_doc(target->ring);
	int ret;

	if (roost_given_get_opener(&cmd->given,
				   roost_target_needs_secret(target),
				   &change.secret, error_r) < 0)
		return -1;
	ret = roost_target_change(target, &cmd->given, &change, error_r);
	if (ret < 0)
		return ret;
	doveadm_print(roost_keystore_name(target->store));
	doveadm_print_num(doc->epochs[doc->epoch_count - 1].number);
	doveadm_print_num(doc->generation);
	return 0;
}

static int
rotate_any(struct roost_slots_command *cmd, struct roost_target *target,
	   const char **error_r)
{
	return cmd->is_compromised ?
		roost_compromise_run(cmd, target, 0, error_r) :
		rotate_target(cmd, target, error_r);
}

static int
rotate_user(struct doveadm_mail_cmd_context *ctx, struct roost_user *ruser,
	    struct mail_user *user, const char **error_r)
{
	return roost_slots_on_target(ctx, ruser, user, rotate_any, error_r);
}

static struct doveadm_mail_cmd_context *
rotate_cmd_alloc(void)
{
	struct doveadm_mail_cmd_context *ctx = roost_slots_alloc(rotate_user);

	ctx->v.init = ROOST_CMD_INIT(rotate_cmd_init);
	return ctx;
}

struct doveadm_cmd_ver2 roost_cmd_rotate = {
	.name = "roost rotate",
	.mail_cmd = rotate_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX ROOST_TARGET_USAGE
		ROOST_GIVEN_USAGE "[-C|--compromised [-r|--recovery] "
		ROOST_GIVEN_NEW_USAGE "[-y|--yes]]",
DOVEADM_CMD_PARAMS_START
ROOST_SLOTS_COMMON("more")
ROOST_GIVEN_PARAMS
ROOST_GIVEN_NEW_PARAMS
ROOST_SLOTS_COMPROMISED_PARAM
ROOST_CONSENT_PARAM
DOVEADM_CMD_PARAMS_END
};
