/* SPDX-License-Identifier: MIT */
/*
 * scan: whether a keyring may be made for the mail that is there.  See scan.h.
 *
 * This is asked once in a user's life, before a keyring is made, because one
 * that was lost must not be replaced by one that opens nothing.
 */
#include "session/scan.h"

#include "mail-search-build.h"
#include "mailbox-list-iter.h"

#include "session/inspect.h"
#include "session/scan-disk.h"
#include "session/scan-traces.h"
#include "session/storage.h"

/* An expunged message is no message any more; any other that cannot be read may
   be a sealed one. */
static int
scan_message(struct mail *mail, struct roost_scan *scan,
	     struct roost_scan_disk *disk, const char **error_r)
{
	struct roost_peek peek;

	roost_scan_disk_add_uid(disk, mail->uid);
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
	      struct roost_scan_disk *disk, const char **error_r)
{
	/* Newest first, because the first sealed one ends the search. */
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
		ret = scan_message(mail, scan, disk, error_r);
	if (mailbox_search_deinit(&search) < 0 && ret == 0) {
		*error_r = t_strdup(mailbox_get_last_internal_error(box,
								    NULL));
		ret = -1;
	}
	mailbox_transaction_rollback(&trans);
	return ret;
}

/* The traces are looked for before a synchronization, which takes out of the
   indexes what it finds gone, and once more after it. */
static int
scan_synced(struct mailbox *box, struct roost_scan *scan,
	    struct roost_scan_disk *disk, const char **error_r)
{
	if (roost_scan_traces_box(box, scan, error_r) < 0)
		return -1;
	if (mailbox_sync(box, MAILBOX_SYNC_FLAG_FULL_READ) < 0) {
		*error_r = t_strdup(mailbox_get_last_internal_error(box,
								    NULL));
		return -1;
	}
	/* Not before, because synchronizing may make folders. */
	roost_scan_disk_add(disk, box);
	if (roost_scan_traces_box(box, scan, error_r) < 0)
		return -1;
	return scan_messages(box, scan, disk, error_r);
}

static int
scan_mailbox(struct mail_namespace *ns, const char *vname,
	     struct roost_scan *scan, struct roost_scan_disk *disk,
	     const char **error_r)
{
	struct mailbox *box = mailbox_alloc(ns->list, vname,
		MAILBOX_FLAG_READONLY | MAILBOX_FLAG_IGNORE_ACLS);
	enum mail_error error = MAIL_ERROR_NONE;
	int ret = mailbox_open(box);

	if (ret == 0) {
		ret = scan_synced(box, scan, disk, error_r);
	} else {
		*error_r = t_strdup(mailbox_get_last_internal_error(box,
								    &error));
		/* It was deleted, or holds nothing but other mailboxes.  If
		   it has files after all, the walk finds them. */
		if (error == MAIL_ERROR_NOTFOUND)
			ret = 0;
	}
	if (ret < 0)
		*error_r = t_strdup_printf("Cannot look for sealed messages "
					   "in %s: %s", vname, *error_r);
	mailbox_free(&box);
	return ret;
}

/* List all mailboxes before any is opened, which may change the folders. */
static int
scan_list(struct mail_namespace *ns, ARRAY_TYPE(const_string) *vnames,
	  const char **error_r)
{
	const enum mailbox_list_iter_flags flags =
		MAILBOX_LIST_ITER_RAW_LIST | MAILBOX_LIST_ITER_NO_AUTO_BOXES;
	struct mailbox_list_iterate_context *iter =
		mailbox_list_iter_init(ns->list, "*", flags);
	const struct mailbox_info *info;

	while ((info = mailbox_list_iter_next(iter)) != NULL) {
		const char *vname;

		if ((info->flags & (MAILBOX_NOSELECT |
				    MAILBOX_NONEXISTENT)) != 0)
			continue;
		vname = t_strdup(info->vname);
		array_push_back(vnames, &vname);
	}
	if (mailbox_list_iter_deinit(&iter) == 0)
		return 0;
	*error_r = t_strdup_printf("Cannot list the mailboxes to look for "
		"sealed messages: %s",
		mailbox_list_get_last_internal_error(ns->list, NULL));
	return -1;
}

static int
scan_namespace(struct mail_namespace *ns, struct roost_scan *scan,
	       struct roost_scan_disk *disk, const char **error_r)
{
	ARRAY_TYPE(const_string) vnames;
	const char *const *vname;
	int ret;

	t_array_init(&vnames, 16);
	ret = scan_list(ns, &vnames, error_r);
	array_foreach(&vnames, vname) {
		if (ret < 0 || scan->has_sealed)
			break;
		T_BEGIN {
			const char *error;

			ret = scan_mailbox(ns, *vname, scan, disk, &error);
			if (ret < 0)
				*error_r = p_strdup(ns->user->pool, error);
		} T_END;
	}
	if (ret == 0 && !scan->has_sealed)
		ret = roost_scan_traces_namespace(ns, scan, error_r);
	return ret;
}

/* Does a keyring for the mail of ns also serve that of other? */
static bool
scan_takes(const struct mail_namespace *ns, const struct mail_namespace *other)
{
	if (ns->owner == NULL)
		return other == ns;
	return other->owner == ns->owner && other->alias_for == NULL &&
		roost_storage_can_seal(other->storage);
}

static int
scan_each(struct mail_namespace *ns, struct roost_scan_disk *disk,
	  int (*look)(struct mail_namespace *ns, struct roost_scan *scan,
		      struct roost_scan_disk *disk, const char **error_r),
	  struct roost_scan *scan, const char **error_r)
{
	struct mail_namespace *other;
	int ret = 0;

	for (other = ns->user->namespaces;
	     other != NULL && ret == 0 && !scan->has_sealed;
	     other = other->next) {
		if (scan_takes(ns, other))
			ret = look(other, scan, disk, error_r);
	}
	return ret;
}

static int
scan_walk(struct mail_namespace *ns, struct roost_scan *scan,
	  struct roost_scan_disk *disk, const char **error_r)
{
	return roost_scan_disk_walk(disk, ns, scan, error_r);
}

int
roost_scan_mail(struct mail_namespace *ns, struct roost_scan *scan_r,
		const char **error_r)
{
	struct roost_scan_disk *disk = roost_scan_disk_init();
	struct mail_namespace *other;
	int ret;

	i_zero(scan_r);
	for (other = ns->user->namespaces; other != NULL; other = other->next) {
		if (!scan_takes(ns, other) && other->alias_for == NULL)
			roost_scan_disk_exclude(disk, other);
	}
	ret = scan_each(ns, disk, scan_namespace, scan_r, error_r);
	if (ret == 0)
		ret = scan_each(ns, disk, scan_walk, scan_r, error_r);
	roost_scan_disk_free(&disk);
	return ret;
}

enum roost_policy
roost_scan_policy(const struct roost_scan *scan)
{
	return scan->plain_count == 0 ? ROOST_POLICY_SEALED :
		ROOST_POLICY_OPEN;
}

int
roost_scan_check_sealed(const struct roost_scan *scan,
			struct roost_keystore *store, const char **error_r)
{
	if (!scan->has_sealed)
		return 0;
	*error_r = t_strdup_printf("The keyring %s is missing, yet there are "
		"sealed messages: put it back from a backup; no new one is "
		"made", roost_keystore_name(store));
	return -1;
}

int
roost_scan_check(const struct roost_scan *scan, struct roost_keystore *store,
		 const char **error_r)
{
	const char *hint = scan->trace;
	int ret = roost_keystore_has_old(store, &hint, error_r);

	if (ret < 0 || roost_scan_check_sealed(scan, store, error_r) < 0)
		return -1;
	if (hint == NULL && scan->plain_count == 0)
		hint = scan->remains;
	if (hint == NULL)
		return 0;
	*error_r = t_strdup_printf("There is no keyring %s, but this account "
		"had mail before: %s. Put the keyring and the mail back from "
		"a backup; if there was no keyring, or it is to start anew, "
		"doveadm roost init --new makes one (a public namespace's "
		"with --namespace)",
		roost_keystore_name(store), hint);
	return -1;
}
