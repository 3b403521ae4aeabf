/* SPDX-License-Identifier: MIT */
/*
 * scan: what mail is there?  See scan.h.
 *
 * Asked once in a user's life, before a keyring is made: a keyring that was
 * lost must not be replaced silently by one that opens nothing.
 */
#include "scan.h"

#include "mail-search-build.h"
#include "mailbox-list-iter.h"

#include "inspect.h"

/*
 * Newest first: where the last sealed messages are.  An expunged message is no
 * message any more; any other that cannot be read may be a sealed one.
 */
static int
scan_message(struct mail *mail, struct roost_scan *scan, const char **error_r)
{
	struct roost_peek peek;

	if (roost_inspect_peek(mail, &peek) > 0) {
		if (peek.is_sealed)
			scan->has_sealed = TRUE;
		else
			scan->plain_count++;
		return 0;
	}
	if (mail->expunged)
		return 0;
	*error_r = t_strdup_printf("the message with UID %u could not be "
				   "read, and may be sealed", mail->uid);
	return -1;
}

static int
scan_messages(struct mailbox *box, struct roost_scan *scan,
	      const char **error_r)
{
	static const enum mail_sort_type by_arrival[] = {
		MAIL_SORT_ARRIVAL | MAIL_SORT_FLAG_REVERSE, MAIL_SORT_END
	};
	struct mailbox_transaction_context *trans =
		mailbox_transaction_begin(box, 0, "roost scan");
	struct mail_search_args *args = mail_search_build_init();
	struct mail_search_context *search;
	struct mail *mail;
	int ret = 0;

	mail_search_build_add_all(args);
	search = mailbox_search_init(trans, args, by_arrival, 0, NULL);
	mail_search_args_unref(&args);
	while (ret == 0 && !scan->has_sealed &&
	       mailbox_search_next(search, &mail))
		ret = scan_message(mail, scan, error_r);
	if (mailbox_search_deinit(&search) < 0 && ret == 0) {
		*error_r = t_strdup(mailbox_get_last_internal_error(box,
								    NULL));
		ret = -1;
	}
	mailbox_transaction_rollback(&trans);
	return ret;
}

static int
scan_mailbox(struct mail_namespace *ns, const char *vname,
	     struct roost_scan *scan, const char **error_r)
{
	struct mailbox *box = mailbox_alloc(ns->list, vname,
		MAILBOX_FLAG_READONLY | MAILBOX_FLAG_IGNORE_ACLS);
	enum mail_error error = MAIL_ERROR_NONE;
	int ret;

	ret = mailbox_sync(box, MAILBOX_SYNC_FLAG_FULL_READ);
	if (ret == 0) {
		ret = scan_messages(box, scan, error_r);
	} else {
		*error_r = mailbox_get_last_internal_error(box, &error);
		/* A mailbox that is not there yet holds nothing. */
		if (error == MAIL_ERROR_NOTFOUND)
			ret = 0;
	}
	if (ret < 0)
		*error_r = t_strdup_printf("Cannot look for sealed messages "
					   "in %s: %s", vname, *error_r);
	mailbox_free(&box);
	return ret;
}

static int
scan_namespace(struct mail_namespace *ns, struct roost_scan *scan,
	       const char **error_r)
{
	const enum mailbox_list_iter_flags flags =
		MAILBOX_LIST_ITER_RAW_LIST | MAILBOX_LIST_ITER_NO_AUTO_BOXES |
		MAILBOX_LIST_ITER_SKIP_ALIASES;
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	int ret = 0;

	iter = mailbox_list_iter_init(ns->list, "*", flags);
	while (ret == 0 && !scan->has_sealed &&
	       (info = mailbox_list_iter_next(iter)) != NULL) {
		if ((info->flags & (MAILBOX_NOSELECT |
				    MAILBOX_NONEXISTENT)) == 0) T_BEGIN {
			const char *error;

			ret = scan_mailbox(ns, info->vname, scan, &error);
			if (ret < 0)
				*error_r = p_strdup(ns->user->pool, error);
		} T_END;
	}
	if (mailbox_list_iter_deinit(&iter) < 0 && ret == 0) {
		*error_r = "Cannot list the mailboxes to look for sealed "
			"messages";
		ret = -1;
	}
	return ret;
}

int
roost_scan_mail(struct mail_namespace *ns, struct roost_scan *scan_r,
		const char **error_r)
{
	struct mail_namespace *other;
	int ret = 0;

	i_zero(scan_r);
	if (ns->owner == NULL)
		return scan_namespace(ns, scan_r, error_r);
	for (other = ns->user->namespaces;
	     other != NULL && ret == 0 && !scan_r->has_sealed;
	     other = other->next) {
		if (other->owner == ns->owner && other->alias_for == NULL &&
		    (other->storage->class_flags &
		     MAIL_STORAGE_CLASS_FLAG_BINARY_DATA) != 0)
			ret = scan_namespace(other, scan_r, error_r);
	}
	return ret;
}

int
roost_scan_check(const struct roost_scan *scan, const char *store_name,
		 const char **error_r)
{
	if (!scan->has_sealed)
		return 0;
	*error_r = t_strdup_printf("The keyring %s is missing, yet there are "
		"sealed messages: put it back from a backup; no new one is "
		"made", store_name);
	return -1;
}
