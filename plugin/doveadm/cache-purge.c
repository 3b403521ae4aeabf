/* SPDX-License-Identifier: MIT */
/*
 * cache-purge: `doveadm roost cache purge`: take out of the index caches what
 * Dovecot kept there in clear.
 *
 * Without a keyring it would be kept again, so there has to be one.
 */
#include "doveadm/commands.h"
#include "doveadm/masks.h"
#include "doveadm/walk.h"

#include "mail-cache-private.h"

#include "session/leaks.h"

struct cache_purge {
	struct roost_masks_command cmd;
	struct mail_user *user;
	struct roost_user *ruser;
};

static void
purge_cmd_init(struct doveadm_mail_cmd_context *ctx)
{
	roost_masks_init(container_of(ctx, struct roost_masks_command,
					  ctx));
	doveadm_print_header_simple("mailbox");
}
ROOST_CMD_DEFINE_INIT(purge_cmd_init)

static int
purge_fail(struct cache_purge *purge, struct mailbox *box, const char *error)
{
	return roost_command_fail(&purge->cmd.ctx, purge->user,
		t_strdup_printf("Cannot purge the cache of mailbox %s: %s",
				mailbox_get_vname(box), error));
}

/* A field that tells what a message says, and is still in the file. */
static const char *
purge_find_telling(const struct mail_cache *cache)
{
	unsigned int i;

	for (i = 0; i < cache->fields_count; i++) {
		const char *name = cache->fields[i].field.name;

		if (cache->field_file_map[i] != UINT32_MAX &&
		    roost_leaks_field_is_telling(name))
			return name;
	}
	return NULL;
}

static int
purge_mailbox(struct mailbox *box, void *context)
{
	struct cache_purge *purge = context;
	struct roost_ring *ring;
	const char *error, *name;
	int ret = roost_user_ring(purge->ruser, mailbox_get_namespace(box),
				  &ring, &error);

	if (ret < 0)
		return purge_fail(purge, box, error);
	if (ret == 0)
		return purge_fail(purge, box, t_strdup_printf("there is no "
			"keyring, so it would be filled again: make one "
			"first, with doveadm roost init -u %s",
			purge->user->username));
	/* Purging what is not there would make it. */
	ret = mail_cache_open_and_verify(box->cache);
	if (ret > 0)
		ret = mail_cache_purge(box->cache, UINT32_MAX,
				       "doveadm roost cache purge");
	if (ret < 0) {
		mailbox_set_index_error(box);
		return roost_walk_fail(&purge->cmd.ctx, box,
				       "purge the cache of");
	}
	name = MAIL_CACHE_IS_UNUSABLE(box->cache) ? NULL :
		purge_find_telling(box->cache);
	if (name != NULL)
		return purge_fail(purge, box, t_strdup_printf("it still has "
			"%s: the plugin roost has to be loaded for doveadm "
			"too, and roost_enable must not be no", name));
	doveadm_print(mailbox_get_vname(box));
	return 0;
}

static int
purge_cmd_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	struct cache_purge *purge =
		container_of(ctx, struct cache_purge, cmd.ctx);
	const struct roost_walk walk = {
		.ctx = ctx, .visit = purge_mailbox, .context = purge,
	};
	const char *error;
	int ret;

	purge->user = user;
	purge->ruser = roost_user_share_take(user, &error);
	if (purge->ruser == NULL)
		return roost_command_fail(ctx, user, error);
	ret = roost_walk_masks(&walk, user, &purge->cmd.masks);
	roost_user_share_give_back(&purge->ruser);
	return ret;
}

static struct doveadm_mail_cmd_context *
purge_cmd_alloc(void)
{
	struct roost_masks_command *cmd =
		roost_masks_alloc(sizeof(struct cache_purge));

	cmd->ctx.v.init = ROOST_CMD_INIT(purge_cmd_init);
	cmd->ctx.v.run = purge_cmd_run;
	return &cmd->ctx;
}

struct doveadm_cmd_ver2 roost_cmd_cache_purge = {
	.name = "roost cache purge",
	.mail_cmd = purge_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX "[<mailbox mask> ...]",
DOVEADM_CMD_PARAMS_START
ROOST_MASKS_COMMON
ROOST_MASKS_POSITIONAL
DOVEADM_CMD_PARAMS_END
};
