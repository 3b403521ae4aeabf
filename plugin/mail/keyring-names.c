/* SPDX-License-Identifier: MIT */
/*
 * keyring-names: names that are no mailboxes.  See keyring-names.h.
 *
 * A name is judged by the paths that the layout makes of it, for mail, control
 * files and indexes alike: any of these would be a folder where the keyring's
 * file is to be.  keyring-place.c compares them with the file.
 */
#include "mail/keyring-names.h"

#include "mailbox-list-private.h"

#include "mail/keyring-place.h"
#include "session/keystore.h"
#include "session/storage.h"

#define RESERVED_MSG "This name is reserved: a keyring lies there"
#define HOLDS_MSG "A keyring lies in this mailbox's folder"

struct names_list {
	union mailbox_list_module_context module_ctx;
	bool is_known;		/* places has been filled */
	ARRAY(struct roost_keyring_place) places;
};

struct names_box {
	union mailbox_module_context module_ctx;
};

static MODULE_CONTEXT_DEFINE_INIT(names_list_module,
				  &mailbox_list_module_register);
static MODULE_CONTEXT_DEFINE_INIT(names_box_module,
				  &mail_storage_module_register);
#define NAMES_LIST(list) \
	((struct names_list *)MODULE_CONTEXT_REQUIRE(list, names_list_module))
#define NAMES_BOX(box) \
	((struct names_box *)MODULE_CONTEXT_REQUIRE(box, names_box_module))

static const enum mailbox_list_path_type path_types[] = {
	MAILBOX_LIST_PATH_TYPE_DIR, MAILBOX_LIST_PATH_TYPE_MAILBOX,
	MAILBOX_LIST_PATH_TYPE_ALT_DIR, MAILBOX_LIST_PATH_TYPE_CONTROL,
	MAILBOX_LIST_PATH_TYPE_INDEX, MAILBOX_LIST_PATH_TYPE_INDEX_CACHE,
	MAILBOX_LIST_PATH_TYPE_INDEX_PRIVATE,
};

/* Adds the place of the keyring for a namespace, or of the lock of one in a
   dict, if it has one.  Where the key store cannot be told there is no keyring
   to use either. */
static void
names_add_place(struct names_list *nlist, struct mailbox_list *list,
		struct mail_namespace *ns)
{
	struct roost_user *ruser = roost_user_get(list->ns->user);
	struct roost_keystore *store;
	const char *path, *error;

	if (ruser == NULL)
		return;
	store = roost_user_keystore(ruser, ns, &error);
	if (store == NULL)
		return;
	path = roost_keystore_path(store);
	if (path != NULL)
		roost_keyring_place_init(array_append_space(&nlist->places),
					 list->pool, path);
	roost_keystore_deinit(&store);
}

/* Returns the places of the keyring for the mailboxes of this list, and of the
   user's own. */
static struct names_list *
names_get(struct mailbox_list *list)
{
	struct names_list *nlist = NAMES_LIST(list);
	struct mail_namespace *ns = list->ns->user->namespaces;

	if (nlist->is_known)
		return nlist;
	nlist->is_known = TRUE;
	p_array_init(&nlist->places, list->pool, 2);
	names_add_place(nlist, list, list->ns);
	while (ns != NULL && ns->owner != list->ns->user)
		ns = ns->next;
	if (ns != NULL && list->ns->owner != ns->owner)
		names_add_place(nlist, list, ns);
	return nlist;
}

/* TRUE if judge says so of any place and any path of a mailbox of that name. */
static bool
names_judge(struct mailbox_list *list, const char *name,
	    bool (*judge)(const struct roost_keyring_place *place,
			  const char *path, char sep))
{
	const char sep = mailbox_list_get_hierarchy_sep(list);
	const struct roost_keyring_place *place;
	const char *path, *error;
	unsigned int i;

	/* In the layout "index" a folder is not named after its mailbox. */
	if (strcmp(list->name, MAILBOX_LIST_NAME_INDEX) == 0 ||
	    !mailbox_list_is_valid_name(list, name, &error))
		return FALSE;
	/* A list of other lists, such as all shared mailboxes, has no paths:
	   asking it for one would add a list. */
	if (list->ns->storage == NULL ||
	    !roost_storage_can_seal(list->ns->storage))
		return FALSE;
	for (i = 0; i < N_ELEMENTS(path_types); i++) {
		if (mailbox_list_get_path(list, name, path_types[i],
					  &path) <= 0)
			continue;
		array_foreach(&names_get(list)->places, place) {
			if (judge(place, path, sep))
				return TRUE;
		}
	}
	return FALSE;
}

/* Rules most names out at little cost: each mailbox that is listed is asked
   about. */
static bool
names_may_match(struct mailbox_list *list, const char *name)
{
	const struct roost_keyring_place *place;

	array_foreach(&names_get(list)->places, place) {
		if (roost_keyring_place_may_match(place, name))
			return TRUE;
	}
	return FALSE;
}

/* Is it the name of a keyring's file, and so reserved? */
static bool
names_has(struct mailbox_list *list, const char *name)
{
	bool ret;

	if (!names_may_match(list, name))
		return FALSE;
	T_BEGIN {
		ret = names_judge(list, name,
				  roost_keyring_place_has_path);
	} T_END;
	return ret;
}

/* Does a keyring lie in the folder of the mailbox of that name? */
static bool
names_holds(struct mailbox_list *list, const char *name)
{
	bool ret;

	T_BEGIN {
		ret = names_judge(list, name,
				  roost_keyring_place_is_in_path);
	} T_END;
	return ret;
}

static const struct mailbox_info *
names_iter_next(struct mailbox_list_iterate_context *ctx)
{
	struct names_list *nlist = NAMES_LIST(ctx->list);
	const struct mailbox_info *info;

	while ((info = nlist->module_ctx.super.iter_next(ctx)) != NULL) {
		if (!names_has(ctx->list, mailbox_list_get_storage_name(
						ctx->list, info->vname)))
			break;
	}
	return info;
}

void
roost_keyring_names_list_created(struct mailbox_list *list)
{
	struct mailbox_list_vfuncs *v = list->vlast;
	struct names_list *nlist;

	nlist = p_new(list->pool, struct names_list, 1);
	nlist->module_ctx.super = *v;
	list->vlast = &nlist->module_ctx.super;
	v->iter_next = names_iter_next;
	MODULE_CONTEXT_SET(list, names_list_module, nlist);
}

static int
box_refuse(struct mailbox *box, const char *text)
{
	mail_storage_set_error(box->storage, MAIL_ERROR_NOTPOSSIBLE, text);
	return -1;
}

static int
names_exists(struct mailbox *box ATTR_UNUSED, bool auto_boxes ATTR_UNUSED,
	     enum mailbox_existence *existence_r)
{
	*existence_r = MAILBOX_EXISTENCE_NONE;
	return 0;
}

static int
names_open(struct mailbox *box)
{
	return box_refuse(box, RESERVED_MSG);
}

static int
names_create(struct mailbox *box,
	     const struct mailbox_update *update ATTR_UNUSED,
	     bool directory ATTR_UNUSED)
{
	return box_refuse(box, RESERVED_MSG);
}

static int
names_update(struct mailbox *box,
	     const struct mailbox_update *update ATTR_UNUSED)
{
	return box_refuse(box, RESERVED_MSG);
}

static int
names_set_subscribed(struct mailbox *box, bool set)
{
	if (set)
		return box_refuse(box, RESERVED_MSG);
	return NAMES_BOX(box)->module_ctx.super.set_subscribed(box, set);
}

/* A reserved name does not come here: core opens a mailbox before it deletes
   it, which is refused. */
static int
names_delete(struct mailbox *box)
{
	if (names_holds(box->list, box->name))
		return box_refuse(box, HOLDS_MSG);
	return NAMES_BOX(box)->module_ctx.super.delete_box(box);
}

static int
names_rename(struct mailbox *src, struct mailbox *dest)
{
	if (names_has(src->list, src->name) ||
	    names_has(dest->list, dest->name))
		return box_refuse(src, RESERVED_MSG);
	if (names_holds(src->list, src->name))
		return box_refuse(src, HOLDS_MSG);
	return NAMES_BOX(src)->module_ctx.super.rename_box(src, dest);
}

void
roost_keyring_names_box_allocated(struct mailbox *box)
{
	struct mailbox_vfuncs *v = box->vlast;
	struct names_box *nbox;

	if (!roost_storage_can_seal(box->storage) ||
	    MODULE_CONTEXT(box->list, names_list_module) == NULL)
		return;
	nbox = p_new(box->pool, struct names_box, 1);
	nbox->module_ctx.super = *v;
	box->vlast = &nbox->module_ctx.super;
	v->delete_box = names_delete;
	v->rename_box = names_rename;
	if (names_has(box->list, box->name)) {
		v->exists = names_exists;
		v->open = names_open;
		v->create_box = names_create;
		v->update_box = names_update;
		v->set_subscribed = names_set_subscribed;
	}
	MODULE_CONTEXT_SET(box, names_box_module, nbox);
}
