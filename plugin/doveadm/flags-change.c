/* SPDX-License-Identifier: MIT */
/*
 * flags-change: `doveadm roost flags rename` and `merge`: give messages one
 * keyword in the place of others.  See flags-change.h.
 */
#include "doveadm/flags-change.h"

#include "doveadm/commands.h"
#include "doveadm/masks.h"
#include "doveadm/walk.h"

#include "roost/flagname.h"

struct change_command {
	struct roost_masks_command cmd;
	struct roost_flags_change change;
};

/* What is done in one mailbox. */
struct change_mailbox {
	const struct roost_flags_change *change;
	struct mail_keywords *target, *sources;	/* NULL in a dry run */
	unsigned int changed;
};

/* Returns what is wrong with the source, or NULL. */
static const char *
change_check_source(const struct roost_flags_change *change,
		    const char *source)
{
	if (*source == '\0')
		return "A keyword is not empty";
	if (*source == '\\')
		return t_strdup_printf("%s is a system flag, not a keyword",
				       source);
	if (strcasecmp(source, change->target) == 0)
		return t_strdup_printf("%s and %s are one keyword: case does "
			"not count, and each mailbox keeps the spelling that "
			"it saw first", source, change->target);
	return NULL;
}

static const char *
change_check(const struct roost_flags_change *change)
{
	const char *const *source, *misuse = NULL;

	if (*change->target == '\\')
		return t_strdup_printf("%s is a system flag, not a keyword",
				       change->target);
	if (!roost_flagname_is_valid(change->target, SIZE_MAX))
		return t_strdup_printf("'%s' cannot be a keyword: one "
			"consists of ASCII characters without blanks, control "
			"characters and ( ) { %% * \" \\ ]", change->target);
	for (source = change->sources;
	     misuse == NULL && *source != NULL; source++)
		misuse = change_check_source(change, *source);
	return misuse;
}

/* Read the two or more keywords.  Returns what is wrong with them, or NULL. */
static const char *
change_read_params(struct change_command *cmd)
{
	struct doveadm_mail_cmd_context *ctx = &cmd->cmd.ctx;
	const char *old, **sources;

	if (doveadm_cmd_param_str(ctx->cctx, "old", &old)) {
		sources = p_new(ctx->pool, const char *, 2);
		sources[0] = old;
		cmd->change.sources = sources;
	} else {
		(void)doveadm_cmd_param_array(ctx->cctx, "source",
					      &cmd->change.sources);
	}
	if (!doveadm_cmd_param_str(ctx->cctx, "target",
				   &cmd->change.target) ||
	    cmd->change.sources == NULL)
		return t_strdup_printf("Write doveadm %s %s", ctx->cmd->name,
				       ctx->cctx->cmd->usage);
	return change_check(&cmd->change);
}

static void
change_cmd_init(struct doveadm_mail_cmd_context *ctx)
{
	struct change_command *cmd = container_of(ctx, struct change_command,
						  cmd.ctx);
	const char *misuse;

	roost_masks_init(&cmd->cmd);
	cmd->change.ctx = ctx;
	cmd->change.is_dry_run = cmd->cmd.is_dry_run;
	misuse = change_read_params(cmd);
	if (misuse != NULL) {
		roost_command_misuse(ctx, misuse);
		return;
	}
	doveadm_print_header_simple("mailbox");
	doveadm_print_header("changed", "changed",
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
}
ROOST_CMD_DEFINE_INIT(change_cmd_init)

static bool
change_has_source(const struct roost_flags_change *change,
		  const char *const *names)
{
	for (; *names != NULL; names++) {
		if (str_array_icase_find(change->sources, *names))
			return TRUE;
	}
	return FALSE;
}

/* Has the mail got the target, and none of the sources?  Another plugin may
   have changed what was asked for without an error. */
static bool
change_is_made(struct mail *mail, const struct roost_flags_change *change)
{
	const char *const *names = mail_get_keywords(mail);

	return str_array_icase_find(names, change->target) &&
		!change_has_source(change, names);
}

static int
change_refused(struct mail *mail, const struct roost_flags_change *change)
{
	e_error(mail_event(mail), "roost: Another plugin does not let the "
		"keyword %s take the place of others; nothing was changed in "
		"mailbox %s", change->target, mailbox_get_vname(mail->box));
	return -1;
}

/* Each name once: Dovecot's mail_index_keywords_create() loses the name that
   follows one that it has seen already. */
static void
change_list_add(ARRAY_TYPE(const_string) *list, const char *name)
{
	const char *const *other;

	array_foreach(list, other) {
		if (strcasecmp(*other, name) == 0)
			return;
	}
	array_push_back(list, &name);
}

/*
 * Set all names of the mail at once.  Where names are aliases, roost_flags
 * takes away all of them if one is taken away, and so the target, too.
 */
static int
change_replace(struct mail *mail, const struct roost_flags_change *change,
	       const char *const *names)
{
	struct mail_keywords *keywords;
	ARRAY_TYPE(const_string) wanted;

	t_array_init(&wanted, 16);
	change_list_add(&wanted, change->target);
	for (; *names != NULL; names++) {
		if (!str_array_icase_find(change->sources, *names))
			change_list_add(&wanted, *names);
	}
	array_append_zero(&wanted);
	if (mailbox_keywords_create(mail->box, array_front(&wanted),
				    &keywords) < 0)
		return change_refused(mail, change);
	mail_update_keywords(mail, MODIFY_REPLACE, keywords);
	mailbox_keywords_unref(&keywords);
	return change_is_made(mail, change) ? 0 : change_refused(mail, change);
}

static int
change_message(struct mail *mail, void *context)
{
	struct change_mailbox *cbox = context;
	const struct roost_flags_change *change = cbox->change;
	const char *const *names = mail_get_keywords(mail);

	if (!change_has_source(change, names))
		return 0;
	cbox->changed++;
	if (change->is_dry_run)
		return 0;
	if (!str_array_icase_find(names, change->target))
		mail_update_keywords(mail, MODIFY_ADD, cbox->target);
	mail_update_keywords(mail, MODIFY_REMOVE, cbox->sources);
	return change_is_made(mail, change) ? 0 :
		change_replace(mail, change, names);
}

/* The sources that the mailbox knows, on the data stack, with NULL at the
   end. */
static const char *const *
change_known(const struct roost_flags_change *change, struct mailbox *box)
{
	struct mailbox_status status;
	ARRAY_TYPE(const_string) known;
	const char *const *name;

	mailbox_get_open_status(box, STATUS_KEYWORDS, &status);
	t_array_init(&known, 8);
	array_foreach(status.keywords, name) {
		if (str_array_icase_find(change->sources, *name))
			change_list_add(&known, *name);
	}
	array_append_zero(&known);
	return array_front(&known);
}

static int
change_prepare(struct change_mailbox *cbox, struct mailbox *box,
	       const char *const *known)
{
	const char *const target[] = { cbox->change->target, NULL };

	if (cbox->change->is_dry_run)
		return 0;
	if (mailbox_keywords_create(box, target, &cbox->target) < 0)
		return -1;
	return mailbox_keywords_create(box, known, &cbox->sources);
}

static int
change_messages(const struct roost_flags_change *change,
		struct change_mailbox *cbox, struct mailbox *box)
{
	struct mailbox_transaction_context *trans =
		mailbox_transaction_begin(box, change->ctx->transaction_flags,
					  change->ctx->cmd->name);
	int ret = roost_walk_transaction(change->ctx, trans, change_message,
					 cbox);

	if (ret < 0 || change->is_dry_run) {
		mailbox_transaction_rollback(&trans);
		if (ret < 0 && change->ctx->exit_code == 0)
			doveadm_mail_failed_error(change->ctx,
						  MAIL_ERROR_NOTPOSSIBLE);
		return ret;
	}
	if (mailbox_transaction_commit(&trans) < 0)
		return roost_walk_fail(change->ctx, box, "change");
	/* Maildir's file names are changed now, and not by the next session. */
	if (mailbox_sync(box, 0) < 0)
		return roost_walk_fail(change->ctx, box,
				       "synchronize the changed");
	return 0;
}

/* Can the mailbox have the target?  A dry run says so, too. */
static int
change_check_mailbox(const struct roost_flags_change *change,
		     struct mailbox *box)
{
	const char *error;

	if (mailbox_keyword_is_valid(box, change->target, &error))
		return 0;
	e_error(box->event, "roost: Mailbox %s cannot have the keyword %s: %s",
		mailbox_get_vname(box), change->target, error);
	doveadm_mail_failed_error(change->ctx, MAIL_ERROR_PARAMS);
	return -1;
}

static int
change_known_names(const struct roost_flags_change *change,
		   struct change_mailbox *cbox,
		   struct mailbox *box, const char *const *known)
{
	int ret;

	if (change_check_mailbox(change, box) < 0)
		return -1;
	if (change_prepare(cbox, box, known) < 0)
		ret = roost_walk_fail(change->ctx, box, "change");
	else
		ret = change_messages(change, cbox, box);
	if (cbox->target != NULL)
		mailbox_keywords_unref(&cbox->target);
	if (cbox->sources != NULL)
		mailbox_keywords_unref(&cbox->sources);
	return ret;
}

int
roost_flags_change_mailbox(const struct roost_flags_change *change,
			   struct mailbox *box, unsigned int *changed_r)
{
	struct change_mailbox cbox = { .change = change };
	const char *const *known = change_known(change, box);
	int ret = 0;

	if (*known != NULL)
		ret = change_known_names(change, &cbox, box, known);
	*changed_r = ret < 0 ? 0 : cbox.changed;
	return ret;
}

/* -- the commands -- */

static int
change_mailbox(struct mailbox *box, void *context)
{
	const struct change_command *cmd = context;
	unsigned int changed;

	if (roost_flags_change_mailbox(&cmd->change, box, &changed) < 0)
		return -1;
	doveadm_print(mailbox_get_vname(box));
	doveadm_print_num(changed);
	return 0;
}

static int
change_cmd_run(struct doveadm_mail_cmd_context *ctx, struct mail_user *user)
{
	struct change_command *cmd = container_of(ctx, struct change_command,
						  cmd.ctx);

	const struct roost_walk walk = {
		.ctx = ctx, .visit = change_mailbox, .context = cmd,
		.flags = cmd->cmd.is_dry_run ? MAILBOX_FLAG_READONLY : 0,
	};

	return roost_walk_masks(&walk, user, &cmd->cmd.masks);
}

static struct doveadm_mail_cmd_context *
change_cmd_alloc(void)
{
	struct roost_masks_command *cmd =
		roost_masks_alloc(sizeof(struct change_command));

	cmd->ctx.v.init = ROOST_CMD_INIT(change_cmd_init);
	cmd->ctx.v.run = change_cmd_run;
	return &cmd->ctx;
}

struct doveadm_cmd_ver2 roost_cmd_flags_rename = {
	.name = "roost flags rename",
	.mail_cmd = change_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		"[-n|--dry-run] <old> <new> [<mailbox mask> [...]]",
DOVEADM_CMD_PARAMS_START
ROOST_MASKS_COMMON
ROOST_MASKS_DRY_RUN
DOVEADM_CMD_PARAM('\0', "old", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAM('\0', "target", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
ROOST_MASKS_POSITIONAL
DOVEADM_CMD_PARAMS_END
};

struct doveadm_cmd_ver2 roost_cmd_flags_merge = {
	.name = "roost flags merge",
	.mail_cmd = change_cmd_alloc,
	.usage = DOVEADM_CMD_MAIL_USAGE_PREFIX
		"[-n|--dry-run] [-m|--mailbox-mask <mask>] "
		"<target> <source> [...]",
DOVEADM_CMD_PARAMS_START
ROOST_MASKS_COMMON
ROOST_MASKS_DRY_RUN
ROOST_MASKS_OPTION
DOVEADM_CMD_PARAM('\0', "target", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAM('\0', "source", CMD_PARAM_ARRAY, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAMS_END
};
