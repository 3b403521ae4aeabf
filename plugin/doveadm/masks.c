/* SPDX-License-Identifier: MIT */
/*
 * masks: commands that are given masks of mailboxes.  See masks.h.
 */
#include "doveadm/masks.h"

#include "mail-search.h"

struct roost_masks_command *
roost_masks_alloc(size_t size)
{
	struct doveadm_mail_cmd_context *ctx =
		doveadm_mail_cmd_alloc_size(size);

	roost_command_accept_params(ctx);
	ctx->v.deinit = roost_masks_deinit;
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return container_of(ctx, struct roost_masks_command, ctx);
}

static bool
mask_has_wildcard(const char *mask)
{
	return strpbrk(mask, "*%") != NULL;
}

void
roost_masks_init(struct roost_masks_command *cmd)
{
	const struct doveadm_cmd_context *cctx = cmd->ctx.cctx;
	static const char *const none[] = { NULL };
	struct roost_masks *masks = &cmd->masks;
	const char *const *texts = none;
	unsigned int i;

	(void)doveadm_cmd_param_bool(cctx, "dry-run", &cmd->is_dry_run);
	(void)doveadm_cmd_param_array(cctx, "mailbox-mask", &texts);
	masks->args = doveadm_mail_mailbox_search_args_build(texts);
	p_array_init(&masks->names, cmd->ctx.pool, 8);
	for (i = 0; texts[i] != NULL; i++) {
		if (!mask_has_wildcard(texts[i]))
			array_push_back(&masks->names, &texts[i]);
	}
	masks->is_named = i > 0 && array_count(&masks->names) == i;
	masks->is_one_mailbox = masks->is_named && i == 1;
}

void
roost_masks_deinit(struct doveadm_mail_cmd_context *ctx)
{
	struct roost_masks_command *cmd =
		container_of(ctx, struct roost_masks_command, ctx);

	if (cmd->masks.args != NULL)
		mail_search_args_unref(&cmd->masks.args);
}
