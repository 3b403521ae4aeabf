/* SPDX-License-Identifier: MIT */
/*
 * flags-unused: `doveadm roost flags unused`: lists names that no message has.
 *
 * Dovecot never takes a name out of an index, and what can be done about it
 * may lose a flag of a message, so nothing is written here: each name is
 * shown with the reason why it stays.  A copy that doveadm backup makes of the
 * mail has only the names that messages have.
 *
 * Every process knows the names of an index by their position, and an index
 * with fewer names counts as damaged.  A rebuild empties an index before it
 * fills it.  dbox has flags nowhere else, so that a crash or a full disk in
 * between would lose them; maildir would lose MODSEQs, and keywords that have
 * no letter.
 *
 * A process that knows a letter of maildir never looks it up in the file
 * dovecot-keywords again.  If the letter were given to another name, that
 * process would read the new name on a message as the old one, and store it.
 */
#include "doveadm/commands.h"
#include "doveadm/flags-tally.h"
#include "doveadm/masks.h"
#include "doveadm/walk.h"

static void
unused_cmd_init(struct doveadm_mail_cmd_context *ctx)
{
	roost_masks_init(container_of(ctx, struct roost_masks_command,
					  ctx));
	doveadm_print_header_simple("mailbox");
	doveadm_print_header_simple("keyword");
	doveadm_print_header_simple("reason");
}
ROOST_CMD_DEFINE_INIT(unused_cmd_init)

static const char *
unused_reason(struct mailbox *box)
{
	const char *storage = mailbox_get_storage(box)->name;

	if (strcmp(storage, "maildir") == 0)
		return "kept: open sessions would take its letter for the "
			"old name";
	if (strcmp(storage, "sdbox") == 0 || strcmp(storage, "mdbox") == 0)
		return "kept: a rebuild of the index may lose flags";
	return "kept: not a storage that Roost knows";
}

static int
unused_mailbox(struct mailbox *box, void *context)
{
	struct doveadm_mail_cmd_context *ctx = context;
	struct roost_flags_tally *tally = roost_flags_tally_new();
	struct roost_flags_name *name;
	int ret = roost_flags_tally_mailbox(ctx, tally, box);

	array_foreach_elem(&tally->names, name) {
		if (ret < 0 || name->count > 0)
			continue;
		doveadm_print(mailbox_get_vname(box));
		roost_flags_print(name->name);
		doveadm_print(unused_reason(box));
	}
	roost_flags_tally_free(&tally);
	return ret;
}

static int
unused_cmd_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	struct roost_masks_command *cmd =
		container_of(ctx, struct roost_masks_command, ctx);
	const struct roost_walk walk = {
		.ctx = ctx, .visit = unused_mailbox, .context = ctx,
		.flags = MAILBOX_FLAG_READONLY,
	};

	return roost_walk_masks(&walk, user, &cmd->masks);
}

static struct doveadm_mail_cmd_context *
unused_cmd_alloc(void)
{
	struct roost_masks_command *cmd =
		roost_masks_alloc(sizeof(struct roost_masks_command));

	cmd->ctx.v.init = ROOST_CMD_INIT(unused_cmd_init);
	cmd->ctx.v.run = unused_cmd_run;
	return &cmd->ctx;
}

struct doveadm_cmd_ver2 roost_cmd_flags_unused = {
	.name = "roost flags unused",
	.mail_cmd = unused_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		"[<mailbox mask> [...]]",
DOVEADM_CMD_PARAMS_START
ROOST_MASKS_COMMON
ROOST_MASKS_POSITIONAL
DOVEADM_CMD_PARAMS_END
};
