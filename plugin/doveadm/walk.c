/* SPDX-License-Identifier: MIT */
/*
 * walk: see walk.h.
 */
#include "doveadm/walk.h"

#include "mail-search-build.h"
#include "mailbox-list-iter.h"

#include "session/storage.h"

bool
roost_walk_is_storing(const struct mail_namespace *ns)
{
	return ns->alias_for == NULL && roost_storage_can_seal(ns->storage);
}

static int
walk_messages(const struct roost_walk *walk, struct mailbox *box)
{
	struct mailbox_transaction_context *trans =
		mailbox_transaction_begin(box, 0, walk->reason);
	struct mail_search_args *args = mail_search_build_init();
	struct mail_search_context *search;
	struct mail *mail;
	int ret;

	mail_search_build_add_all(args);
	search = mailbox_search_init(trans, args, NULL, 0, NULL);
	mail_search_args_unref(&args);
	while (!doveadm_is_killed() && mailbox_search_next(search, &mail))
		T_BEGIN {
			walk->message(mail, walk->context);
		} T_END;
	ret = mailbox_search_deinit(&search);
	mailbox_transaction_rollback(&trans);
	return ret;
}

static int
walk_fail(const struct roost_walk *walk, struct mailbox *box)
{
	e_error(box->event, "roost: Cannot read mailbox %s: %s",
		mailbox_get_vname(box),
		mailbox_get_last_internal_error(box, NULL));
	doveadm_mail_failed_mailbox(walk->ctx, box);
	return -1;
}

static int
walk_mailbox(const struct roost_walk *walk, struct mail_namespace *ns,
	     const char *vname)
{
	struct mailbox *box = mailbox_alloc(ns->list, vname,
		MAILBOX_FLAG_READONLY | MAILBOX_FLAG_IGNORE_ACLS);
	int ret = 0;

	if (mailbox_sync(box, MAILBOX_SYNC_FLAG_FULL_READ) == 0) {
		walk->begin(box, walk->context);
		if (walk_messages(walk, box) < 0)
			ret = walk_fail(walk, box);
		walk->end(box, walk->context);
	} else if (mailbox_get_last_mail_error(box) != MAIL_ERROR_NOTFOUND) {
		ret = walk_fail(walk, box);
	}
	mailbox_free(&box);
	return ret;
}

int
roost_walk_namespace(const struct roost_walk *walk, struct mail_namespace *ns,
		     const char **error_r)
{
	const enum mailbox_list_iter_flags flags =
		MAILBOX_LIST_ITER_NO_AUTO_BOXES |
		MAILBOX_LIST_ITER_SKIP_ALIASES;
	struct mailbox_list_iterate_context *iter =
		mailbox_list_iter_init(ns->list, "*", flags);
	const struct mailbox_info *info;
	int ret = 0;

	*error_r = "Not every mailbox could be read; each is named above";
	while (!doveadm_is_killed() &&
	       (info = mailbox_list_iter_next(iter)) != NULL) {
		if ((info->flags & (MAILBOX_NOSELECT |
				    MAILBOX_NONEXISTENT)) != 0)
			continue;
		T_BEGIN {
			if (walk_mailbox(walk, ns, info->vname) < 0)
				ret = -1;
		} T_END;
	}
	if (mailbox_list_iter_deinit(&iter) < 0) {
		*error_r = "Cannot list the mailboxes";
		ret = -1;
	}
	if (doveadm_is_killed()) {
		*error_r = "Interrupted before every message was seen";
		ret = -1;
	}
	return ret;
}
