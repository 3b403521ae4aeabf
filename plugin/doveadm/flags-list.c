/* SPDX-License-Identifier: MIT */
/*
 * flags-list: `doveadm roost flags list`: which keywords there are, and how
 * many messages have each.  Nothing is written.
 */
#include "doveadm/commands.h"
#include "doveadm/flags-tally.h"
#include "doveadm/masks.h"
#include "doveadm/walk.h"

struct list_command {
	struct roost_masks_command cmd;
	struct roost_flags_tally *total;	/* NULL for one mailbox */
};

static void
list_cmd_init(struct doveadm_mail_cmd_context *ctx)
{
	roost_masks_init(container_of(ctx, struct roost_masks_command,
					  ctx));
	doveadm_print_header_simple("mailbox");
	doveadm_print_header_simple("keyword");
	doveadm_print_header("messages", "messages",
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
}
ROOST_CMD_DEFINE_INIT(list_cmd_init)

static void
list_print(const char *vname, const struct roost_flags_tally *tally)
{
	struct roost_flags_name *name;

	array_foreach_elem(&tally->names, name) {
		doveadm_print(vname);
		roost_flags_print(name->name);
		doveadm_print_num(name->count);
	}
}

static int
list_mailbox(struct mailbox *box, void *context)
{
	struct list_command *cmd = context;
	struct roost_flags_tally *tally = roost_flags_tally_new();
	struct roost_flags_name *name;
	int ret = roost_flags_tally_mailbox(&cmd->cmd.ctx, tally, box);

	if (ret == 0)
		list_print(mailbox_get_vname(box), tally);
	if (ret == 0 && cmd->total != NULL) {
		array_foreach_elem(&tally->names, name)
			roost_flags_tally_add(cmd->total, name->name,
					      name->count);
	}
	roost_flags_tally_free(&tally);
	return ret;
}

static int
list_cmd_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	struct list_command *cmd = container_of(ctx, struct list_command,
						cmd.ctx);
	const struct roost_walk walk = {
		.ctx = ctx, .visit = list_mailbox, .context = cmd,
		.flags = MAILBOX_FLAG_READONLY,
	};
	int ret;

	if (!cmd->cmd.masks.is_one_mailbox)
		cmd->total = roost_flags_tally_new();
	ret = roost_walk_masks(&walk, user, &cmd->cmd.masks);
	if (cmd->total != NULL) {
		roost_flags_tally_sort(cmd->total);
		list_print("*", cmd->total);
	}
	roost_flags_tally_free(&cmd->total);
	return ret;
}

static struct doveadm_mail_cmd_context *
list_cmd_alloc(void)
{
	struct roost_masks_command *cmd =
		roost_masks_alloc(sizeof(struct list_command));

	cmd->ctx.v.init = ROOST_CMD_INIT(list_cmd_init);
	cmd->ctx.v.run = list_cmd_run;
	return &cmd->ctx;
}

struct doveadm_cmd_ver2 roost_cmd_flags_list = {
	.name = "roost flags list",
	.mail_cmd = list_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX "[<mailbox mask> [...]]",
DOVEADM_CMD_PARAMS_START
ROOST_MASKS_COMMON
ROOST_MASKS_POSITIONAL
DOVEADM_CMD_PARAMS_END
};
