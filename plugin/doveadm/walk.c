/* SPDX-License-Identifier: MIT */
/*
 * walk: visits mailboxes and their messages.  See walk.h.
 */
#include "doveadm/walk.h"

#include "mail-search-build.h"
#include "mailbox-list-iter.h"
#include "str-sanitize.h"

#include "doveadm-mailbox-list-iter.h"

#include "session/storage.h"

#include <stdio.h>
#include <unistd.h>

#define LIST_FLAGS \
	(MAILBOX_LIST_ITER_NO_AUTO_BOXES | MAILBOX_LIST_ITER_RETURN_NO_FLAGS)

#define INTERRUPTED "Interrupted before every message was seen"

/* The progress is shown each time that so many messages were visited, and each
   second. */
#define PROGRESS_STEP 1000
#define PROGRESS_NAME_MAX 256

bool
roost_walk_is_storing(const struct mail_namespace *ns)
{
	return ns->alias_for == NULL && roost_storage_can_seal(ns->storage);
}

int
roost_walk_fail(struct doveadm_mail_cmd_context *ctx, struct mailbox *box,
		const char *what)
{
	e_error(box->event, "roost: Cannot %s mailbox %s: %s", what,
		mailbox_get_vname(box),
		mailbox_get_last_internal_error(box, NULL));
	doveadm_mail_failed_mailbox(ctx, box);
	return -1;
}

/* -- mailboxes -- */

/* is_named: the admin has named each mailbox, so that this one must exist. */
static int
walk_mailbox(const struct roost_walk *walk, const struct mailbox_info *info,
	     bool is_named)
{
	struct mailbox *box;
	int ret = 0;

	if ((info->flags & (MAILBOX_NOSELECT | MAILBOX_NONEXISTENT)) != 0)
		return 0;
	box = mailbox_alloc(info->ns->list, info->vname,
			    walk->flags | MAILBOX_FLAG_IGNORE_ACLS);
	if (mailbox_sync(box, MAILBOX_SYNC_FLAG_FULL_READ) == 0)
		ret = walk->visit(box, walk->context);
	else if (is_named ||
		 mailbox_get_last_mail_error(box) != MAIL_ERROR_NOTFOUND)
		ret = roost_walk_fail(walk->ctx, box, "open");
	mailbox_free(&box);
	return ret;
}

int
roost_walk_namespace(const struct roost_walk *walk, struct mail_namespace *ns,
		     const char **error_r)
{
	struct mailbox_list_iterate_context *iter =
		mailbox_list_iter_init(ns->list, "*", LIST_FLAGS |
				       MAILBOX_LIST_ITER_SKIP_ALIASES);
	const struct mailbox_info *info;
	int ret = 0;

	while (!doveadm_is_killed() &&
	       (info = mailbox_list_iter_next(iter)) != NULL) {
		T_BEGIN {
			if (walk_mailbox(walk, info, FALSE) < 0)
				ret = -1;
		} T_END;
	}
	if (ret < 0)
		*error_r = "Not every mailbox could be read; each is named "
			"above";
	if (mailbox_list_iter_deinit(&iter) < 0) {
		*error_r = "Cannot list the mailboxes";
		ret = -1;
	}
	if (doveadm_is_killed()) {
		*error_r = INTERRUPTED;
		ret = -1;
	}
	return ret;
}

/* A virtual mailbox shows messages of others, which are visited there. */
static bool
is_virtual(const struct mailbox_info *info)
{
	return strcmp(mail_namespace_get_default_storage(info->ns)->name,
		      "virtual") == 0;
}

/* Take the name of a mailbox that is there from those that are missing. */
static void
missing_strike(ARRAY_TYPE(const_string) *missing, const char *vname)
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

/* Names that nothing listed has.  One that stands alone is opened unlisted. */
static int
missing_log(const struct roost_walk *walk, struct mail_user *user,
	    const ARRAY_TYPE(const_string) *missing)
{
	const char *name;

	if (array_count(missing) == 0)
		return 0;
	array_foreach_elem(missing, name)
		e_error(user->event, "roost: Cannot open mailbox %s: "
			"There is none of this name", name);
	doveadm_mail_failed_error(walk->ctx, MAIL_ERROR_NOTFOUND);
	return -1;
}

int
roost_walk_masks(const struct roost_walk *walk, struct mail_user *user,
		 const struct roost_masks *masks)
{
	struct doveadm_mailbox_list_iter *iter =
		doveadm_mailbox_list_iter_init(walk->ctx, user, masks->args,
					       LIST_FLAGS);
	const struct mailbox_info *info;
	ARRAY_TYPE(const_string) missing;
	int ret = 0;

	t_array_init(&missing, 8);
	if (!masks->is_one_mailbox)
		array_append_array(&missing, &masks->names);
	while (!doveadm_is_killed() &&
	       (info = doveadm_mailbox_list_iter_next(iter)) != NULL) {
		missing_strike(&missing, info->vname);
		if (!masks->is_named && is_virtual(info))
			continue;
		T_BEGIN {
			if (walk_mailbox(walk, info, masks->is_named) < 0)
				ret = -1;
		} T_END;
	}
	if (doveadm_mailbox_list_iter_deinit(&iter) < 0)
		ret = -1;
	if (doveadm_is_killed())
		return roost_command_fail(walk->ctx, user, INTERRUPTED);
	return missing_log(walk, user, &missing) < 0 ? -1 : ret;
}

/* -- messages -- */

/* How far it is, for an admin who waits.  At a remote server nobody does. */
struct progress {
	const char *vname;
	unsigned int done, total;
	time_t began, last;
	bool is_shown, was_shown;
};

static void
progress_init(struct progress *progress_r,
	      const struct doveadm_mail_cmd_context *ctx, struct mailbox *box)
{
	struct mailbox_status status;

	mailbox_get_open_status(box, STATUS_MESSAGES, &status);
	i_zero(progress_r);
	progress_r->vname = mailbox_get_vname(box);
	progress_r->total = status.messages;
	progress_r->began = progress_r->last = time(NULL);
	progress_r->is_shown =
		ctx->cctx->conn_type == DOVEADM_CONNECTION_TYPE_CLI &&
		(doveadm_verbose || isatty(STDERR_FILENO) == 1);
}

/* How long it will still take, as it went so far. */
static const char *
progress_left(const struct progress *progress)
{
	unsigned long long secs = (unsigned long long)
		I_MAX(progress->last - progress->began, 0) *
		(progress->total - progress->done) / progress->done;

	return progress->last == progress->began ? "" :
		t_strdup_printf(", %llu:%02llu:%02llu left", secs / 3600,
				secs / 60 % 60, secs % 60);
}

static void
progress_step(struct progress *progress)
{
	time_t now;

	progress->done++;
	if (!progress->is_shown)
		return;
	now = time(NULL);
	if (progress->done % PROGRESS_STEP != 0 && now == progress->last)
		return;
	progress->last = now;
	/* Messages may have come since they were counted. */
	progress->total = I_MAX(progress->total, progress->done);
	/* What stood there may have been longer. */
	fprintf(stderr, "\r%s: %u/%u%s    ",
		str_sanitize(progress->vname, PROGRESS_NAME_MAX),
		progress->done, progress->total, progress_left(progress));
	progress->was_shown = TRUE;
}

static void
progress_end(const struct progress *progress)
{
	if (progress->was_shown)
		fprintf(stderr, "\n");
}

static int
messages_visit(struct mail_search_context *search, struct progress *progress,
	       int (*visit)(struct mail *mail, void *context), void *context)
{
	struct mail *mail;
	int ret = 0;

	while (ret == 0 && mailbox_search_next(search, &mail)) {
		/* The walk that this mailbox is part of tells it. */
		if (doveadm_is_killed())
			return -1;
		T_BEGIN {
			ret = visit(mail, context);
			progress_step(progress);
		} T_END;
	}
	return ret;
}

int
roost_walk_transaction(struct doveadm_mail_cmd_context *ctx,
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
	progress_init(&progress, ctx, box);
	ret = messages_visit(search, &progress, visit, context);
	progress_end(&progress);
	if (mailbox_search_deinit(&search) < 0)
		ret = roost_walk_fail(ctx, box, "read");
	return ret;
}

int
roost_walk_messages(struct doveadm_mail_cmd_context *ctx, struct mailbox *box,
		    int (*visit)(struct mail *mail, void *context),
		    void *context)
{
	struct mailbox_transaction_context *trans =
		mailbox_transaction_begin(box, 0, ctx->cmd->name);
	int ret = roost_walk_transaction(ctx, trans, visit, context);

	mailbox_transaction_rollback(&trans);
	return ret;
}
