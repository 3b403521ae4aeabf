/* SPDX-License-Identifier: MIT */
/*
 * flags-common: see flags-common.h.
 *
 * Keywords are read through the mail's own functions and never from the
 * index, which holds tokens in the place of names.
 */
#include "doveadm/flags-common.h"

#include "mail-search-build.h"
#include "mailbox-list-iter.h"
#include "str-sanitize.h"

#include "doveadm-mailbox-list-iter.h"

#include <stdio.h>
#include <unistd.h>

#define PROGRESS_STEP 1000

/* -- the command -- */

struct roost_flags_command *
roost_flags_cmd_alloc(size_t size)
{
	struct doveadm_mail_cmd_context *ctx =
		doveadm_mail_cmd_alloc_size(size);

	roost_command_accept_params(ctx);
	ctx->v.deinit = roost_flags_cmd_deinit;
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	return container_of(ctx, struct roost_flags_command, ctx);
}

static bool
is_wild(const char *mask)
{
	return strpbrk(mask, "*%") != NULL;
}

void
roost_flags_cmd_init(struct roost_flags_command *cmd)
{
	const struct doveadm_cmd_context *cctx = cmd->ctx.cctx;
	static const char *const none[] = { NULL };
	const char *const *masks = none;
	unsigned int i;

	(void)doveadm_cmd_param_bool(cctx, "dry-run", &cmd->is_dry_run);
	(void)doveadm_cmd_param_array(cctx, "mailbox-mask", &masks);
	cmd->masks = doveadm_mail_mailbox_search_args_build(masks);
	p_array_init(&cmd->names, cmd->ctx.pool, 8);
	for (i = 0; masks[i] != NULL; i++) {
		if (!is_wild(masks[i]))
			array_push_back(&cmd->names, &masks[i]);
	}
	cmd->is_named = i > 0 && array_count(&cmd->names) == i;
	cmd->is_one_mailbox = cmd->is_named && i == 1;
}

void
roost_flags_cmd_deinit(struct doveadm_mail_cmd_context *ctx)
{
	struct roost_flags_command *cmd =
		container_of(ctx, struct roost_flags_command, ctx);

	if (cmd->masks != NULL)
		mail_search_args_unref(&cmd->masks);
}

void
roost_flags_usage(const struct roost_flags_command *cmd, const char *error)
{
	i_fatal_status(EX_USAGE, "%s: %s", cmd->ctx.cmd->name, error);
}

int
roost_flags_fail(struct roost_flags_command *cmd, struct mailbox *box,
		 const char *what)
{
	e_error(box->event, "roost: Cannot %s mailbox %s: %s", what,
		mailbox_get_vname(box),
		mailbox_get_last_internal_error(box, NULL));
	doveadm_mail_failed_mailbox(&cmd->ctx, box);
	return -1;
}

/* -- mailboxes -- */

/* Of mailboxes that show others' messages those others are asked. */
static bool
is_virtual(const struct mailbox_info *info)
{
	return strcmp(mail_namespace_get_default_storage(info->ns)->name,
		      "virtual") == 0;
}

static int
walk_mailbox(struct roost_flags_command *cmd, const struct mailbox_info *info,
	     enum mailbox_flags flags,
	     int (*visit)(struct roost_flags_command *cmd,
			  struct mailbox *box))
{
	struct mailbox *box = mailbox_alloc(info->ns->list, info->vname,
					    flags | MAILBOX_FLAG_IGNORE_ACLS);
	int ret = 0;

	if (mailbox_sync(box, MAILBOX_SYNC_FLAG_FULL_READ) == 0)
		ret = visit(cmd, box);
	else if (cmd->is_named ||
		 mailbox_get_last_mail_error(box) != MAIL_ERROR_NOTFOUND)
		ret = roost_flags_fail(cmd, box, "open");
	/* else it was removed after it had been listed */
	mailbox_free(&box);
	return ret;
}

/* Named beside masks, and not among what they list. */
static int
walk_missing(struct roost_flags_command *cmd, struct mail_user *user,
	     const ARRAY_TYPE(const_string) *missing)
{
	const char *name;

	if (cmd->is_named || array_count(missing) == 0)
		return 0;
	array_foreach_elem(missing, name)
		e_error(user->event, "roost: Cannot open mailbox %s: "
			"There is none of this name", name);
	doveadm_mail_failed_error(&cmd->ctx, MAIL_ERROR_NOTFOUND);
	return -1;
}

static void
walk_strike(ARRAY_TYPE(const_string) *missing, const char *vname)
{
	const char *const *name;

	array_foreach(missing, name) {
		if (strcmp(*name, vname) == 0 ||
		    (strcasecmp(*name, "INBOX") == 0 &&
		     strcmp(vname, "INBOX") == 0)) {
			array_delete(missing, array_foreach_idx(missing, name),
				     1);
			return;
		}
	}
}

static int
walk_killed(struct roost_flags_command *cmd, struct mail_user *user)
{
	return roost_command_fail(&cmd->ctx, user,
				  "Interrupted before every mailbox was done");
}

int
roost_flags_walk(struct roost_flags_command *cmd, struct mail_user *user,
		 enum mailbox_flags flags,
		 int (*visit)(struct roost_flags_command *cmd,
			      struct mailbox *box))
{
	const enum mailbox_list_iter_flags iter_flags =
		MAILBOX_LIST_ITER_NO_AUTO_BOXES |
		MAILBOX_LIST_ITER_RETURN_NO_FLAGS;
	struct doveadm_mailbox_list_iter *iter;
	const struct mailbox_info *info;
	ARRAY_TYPE(const_string) missing;
	int ret = 0;

	t_array_init(&missing, 8);
	array_append_array(&missing, &cmd->names);
	iter = doveadm_mailbox_list_iter_init(&cmd->ctx, user, cmd->masks,
					      iter_flags);
	while (!doveadm_is_killed() &&
	       (info = doveadm_mailbox_list_iter_next(iter)) != NULL) {
		walk_strike(&missing, info->vname);
		if (!cmd->is_named && is_virtual(info))
			continue;
		T_BEGIN {
			if (walk_mailbox(cmd, info, flags, visit) < 0)
				ret = -1;
		} T_END;
	}
	if (doveadm_mailbox_list_iter_deinit(&iter) < 0)
		ret = -1;
	if (doveadm_is_killed())
		return walk_killed(cmd, user);
	return walk_missing(cmd, user, &missing) < 0 ? -1 : ret;
}

/* -- messages -- */

/* How far it is, for who waits; nobody waits at a remote server. */
struct progress {
	const char *vname;
	unsigned int done, total;
	bool is_shown, was_shown;
};

static void
progress_init(struct progress *progress_r,
	      const struct roost_flags_command *cmd, struct mailbox *box)
{
	struct mailbox_status status;

	mailbox_get_open_status(box, STATUS_MESSAGES, &status);
	i_zero(progress_r);
	progress_r->vname = mailbox_get_vname(box);
	progress_r->total = status.messages;
	progress_r->is_shown =
		cmd->ctx.cctx->conn_type == DOVEADM_CONNECTION_TYPE_CLI &&
		(doveadm_verbose || isatty(STDERR_FILENO) == 1);
}

static void
progress_step(struct progress *progress)
{
	if (++progress->done % PROGRESS_STEP != 0 || !progress->is_shown)
		return;
	fprintf(stderr, "\r%s: %u/%u",
		str_sanitize(progress->vname, ROOST_FLAGS_SHOWN_MAX),
		progress->done, progress->total);
	progress->was_shown = TRUE;
}

static void
progress_end(const struct progress *progress)
{
	if (progress->was_shown)
		fprintf(stderr, "\n");
}

static int
each_found(struct roost_flags_command *cmd, struct mail_search_context *search,
	   struct progress *progress,
	   int (*visit)(struct mail *mail, void *context), void *context)
{
	struct mail *mail;
	int ret = 0;

	while (ret == 0 && mailbox_search_next(search, &mail)) {
		if (doveadm_is_killed()) {
			doveadm_mail_failed_error(&cmd->ctx, MAIL_ERROR_TEMP);
			return -1;
		}
		T_BEGIN {
			ret = visit(mail, context);
			progress_step(progress);
		} T_END;
	}
	return ret;
}

int
roost_flags_each(struct roost_flags_command *cmd,
		 struct mailbox_transaction_context *trans,
		 int (*visit)(struct mail *mail, void *context),
		 void *context)
{
	struct mailbox *box = mailbox_transaction_get_mailbox(trans);
	struct mail_search_args *args = mail_search_build_init();
	struct mail_search_context *search;
	struct progress progress;
	int ret;

	mail_search_build_add_all(args);
	search = mailbox_search_init(trans, args, NULL, 0, NULL);
	mail_search_args_unref(&args);
	progress_init(&progress, cmd, box);
	ret = each_found(cmd, search, &progress, visit, context);
	progress_end(&progress);
	if (mailbox_search_deinit(&search) < 0)
		ret = roost_flags_fail(cmd, box, "read");
	return ret;
}

/* -- names -- */

struct roost_flags_tally *
roost_flags_tally_new(void)
{
	pool_t pool = pool_alloconly_create("roost flags", 4096);
	struct roost_flags_tally *tally =
		p_new(pool, struct roost_flags_tally, 1);

	tally->pool = pool;
	hash_table_create(&tally->hash, pool, 0, strcase_hash, strcasecmp);
	p_array_init(&tally->names, pool, 32);
	return tally;
}

void
roost_flags_tally_free(struct roost_flags_tally **_tally)
{
	struct roost_flags_tally *tally = *_tally;

	if (tally == NULL)
		return;
	*_tally = NULL;
	hash_table_destroy(&tally->hash);
	pool_unref(&tally->pool);
}

void
roost_flags_tally_add(struct roost_flags_tally *tally, const char *name,
		      unsigned int count)
{
	struct roost_flags_name *found =
		hash_table_lookup(tally->hash, name);

	if (found == NULL) {
		found = p_new(tally->pool, struct roost_flags_name, 1);
		found->name = p_strdup(tally->pool, name);
		hash_table_insert(tally->hash, found->name, found);
		array_push_back(&tally->names, &found);
	}
	found->count += count;
}

unsigned int
roost_flags_tally_get(const struct roost_flags_tally *tally, const char *name)
{
	const struct roost_flags_name *found =
		hash_table_lookup(tally->hash, name);

	return found == NULL ? 0 : found->count;
}

static int
name_cmp(struct roost_flags_name *const *a, struct roost_flags_name *const *b)
{
	return strcasecmp((*a)->name, (*b)->name);
}

void
roost_flags_tally_sort(struct roost_flags_tally *tally)
{
	array_sort(&tally->names, name_cmp);
}

void
roost_flags_tally_known(struct roost_flags_tally *tally, struct mailbox *box)
{
	struct mailbox_status status;
	const char *const *name;

	mailbox_get_open_status(box, STATUS_KEYWORDS, &status);
	array_foreach(status.keywords, name)
		roost_flags_tally_add(tally, *name, 0);
}

static int
tally_message(struct mail *mail, void *context)
{
	struct roost_flags_tally *tally = context;
	const char *const *names;

	for (names = mail_get_keywords(mail); *names != NULL; names++)
		roost_flags_tally_add(tally, *names, 1);
	return 0;
}

int
roost_flags_tally_mailbox(struct roost_flags_command *cmd,
			  struct roost_flags_tally *tally, struct mailbox *box)
{
	struct mailbox_transaction_context *trans;
	int ret = 0;

	roost_flags_tally_known(tally, box);
	if (array_count(&tally->names) > 0) {
		trans = mailbox_transaction_begin(box, 0, "roost flags");
		ret = roost_flags_each(cmd, trans, tally_message, tally);
		mailbox_transaction_rollback(&trans);
	}
	roost_flags_tally_sort(tally);
	return ret;
}

void
roost_flags_print(const char *name)
{
	doveadm_print(str_sanitize_utf8(name, ROOST_FLAGS_SHOWN_MAX));
}
