/* SPDX-License-Identifier: MIT */
/*
 * scan-traces: traces of an earlier life.  See scan-traces.h.
 */
#include "session/scan-traces.h"

#include "mail-cache-private.h"
#include "mailbox-list-private.h"
#include "mailbox-tree.h"

#include "roost/token.h"

static const char *
trace_printf(struct mailbox *box, const char *what)
{
	return p_strdup_printf(box->storage->user->pool,
			       "%s of the mailbox %s", what,
			       mailbox_get_vname(box));
}

/* Does the index cache have a field of Roost?  One that only this process has
   registered does not stand in the file. */
static int
traces_cache(struct mailbox *box, struct roost_scan *scan,
	     const char **error_r)
{
	struct mail_cache *cache = box->cache;
	unsigned int i;

	if (cache == NULL)
		return 0;
	if (mail_cache_open_and_verify(cache) < 0) {
		*error_r = t_strdup_printf("the index cache of %s could not "
			"be read", mailbox_get_vname(box));
		return -1;
	}
	for (i = 0; i < cache->fields_count; i++) {
		if (cache->field_file_map[i] != UINT32_MAX &&
		    strncmp(cache->fields[i].field.name, "roost.", 6) == 0)
			scan->trace = trace_printf(box, "fields of Roost "
				"stand in the index cache");
	}
	return 0;
}

static void
traces_keywords(struct mailbox *box, struct roost_scan *scan)
{
	const char *const *name;

	array_foreach(mail_index_get_keywords(box->index), name) {
		if (roost_token_is_claimed(*name, strlen(*name)))
			scan->trace = trace_printf(box, "a token stands for "
				"the name of a keyword in the index");
	}
}

int
roost_scan_traces_box(struct mailbox *box, struct roost_scan *scan,
		      const char **error_r)
{
	struct mailbox_status status;

	/* A new mailbox may have got the fields of INBOX from Dovecot. */
	mailbox_get_open_status(box, STATUS_UIDNEXT, &status);
	if (status.uidnext <= 1)
		return 0;
	if (scan->remains == NULL)
		scan->remains = trace_printf(box, t_strdup_printf("the next "
			"UID is %u in the index", status.uidnext));
	if (traces_cache(box, scan, error_r) < 0)
		return -1;
	traces_keywords(box, scan);
	return 0;
}

static int
traces_subscription(struct mail_namespace *ns, const char *vname,
		    struct roost_scan *scan, const char **error_r)
{
	struct mailbox *box;
	enum mailbox_existence existence;
	int ret;

	if (mail_namespace_find(ns->user->namespaces, vname) != ns)
		return 0;
	box = mailbox_alloc(ns->list, vname, MAILBOX_FLAG_READONLY |
			    MAILBOX_FLAG_IGNORE_ACLS);
	ret = mailbox_exists(box, TRUE, &existence);
	if (ret < 0)
		*error_r = t_strdup_printf("it is not known whether the "
			"subscribed mailbox %s exists: %s", vname,
			mailbox_get_last_internal_error(box, NULL));
	else if (existence == MAILBOX_EXISTENCE_NONE)
		scan->remains = p_strdup_printf(ns->user->pool,
			"the mailbox %s is subscribed and not there", vname);
	mailbox_free(&box);
	return ret;
}

/* The subscriptions themselves are read, because a list of mailboxes may leave
   out what is gone from a public or a shared namespace.  They are copied,
   because opening a mailbox may read them anew. */
static void
subscriptions_get(struct mailbox_list *list, ARRAY_TYPE(const_string) *vnames)
{
	struct mailbox_tree_iterate_context *iter;
	const char *vname;

	iter = mailbox_tree_iterate_init(list->subscriptions, NULL,
					 MAILBOX_SUBSCRIBED);
	while (mailbox_tree_iterate_next(iter, &vname) != NULL) {
		vname = t_strdup(vname);
		array_push_back(vnames, &vname);
	}
	mailbox_tree_iterate_deinit(&iter);
}

int
roost_scan_traces_namespace(struct mail_namespace *ns,
			    struct roost_scan *scan, const char **error_r)
{
	ARRAY_TYPE(const_string) vnames;
	const char *const *vname;
	int ret = 0;

	if ((ns->flags & NAMESPACE_FLAG_SUBSCRIPTIONS) == 0)
		return 0;
	if (mailbox_list_iter_subscriptions_refresh(ns->list) < 0) {
		*error_r = t_strdup_printf("the subscriptions could not be "
			"read: %s",
			mailbox_list_get_last_internal_error(ns->list, NULL));
		return -1;
	}
	t_array_init(&vnames, 16);
	subscriptions_get(ns->list, &vnames);
	array_foreach(&vnames, vname) {
		if (ret == 0)
			ret = traces_subscription(ns, *vname, scan, error_r);
	}
	return ret;
}
