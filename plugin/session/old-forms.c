/* SPDX-License-Identifier: MIT */
/*
 * old-forms: the mark of messages that were moved in a map.  See old-forms.h.
 */
#include "session/old-forms.h"

#include "mdbox-map-private.h"
#include "mdbox-storage.h"

#include "session/map-header.h"

/* What the map's index calls it. */
#define MARK_NAME "roost-moved"

struct mark {
	uint32_t is_set;
	uint32_t rebuild_count;		/* of the map, when it was set */
};

static uint32_t
mark_ext_id(const struct mdbox_map *map)
{
	return mail_index_ext_register(map->index, MARK_NAME,
				       sizeof(struct mark), 0, 0);
}

static struct mark
mark_get(const struct mdbox_map *map, struct mail_index_view *view)
{
	struct mark mark = { .is_set = 0 };
	const void *data;
	size_t size;

	mail_index_get_header_ext(view, mark_ext_id(map), &data, &size);
	if (size >= sizeof(mark))
		memcpy(&mark, data, sizeof(mark));
	return mark;
}

static void
mark_put(const struct mdbox_map *map, struct mail_index_transaction *trans,
	 const struct mark *mark)
{
	mail_index_update_header_ext(trans, mark_ext_id(map), 0, mark,
				     sizeof(*mark));
}

/* NULL: it is in another kind of storage. */
static struct mdbox_map *
box_map(const struct mailbox *box)
{
	struct mdbox_storage *storage;

	if (strcmp(box->storage->name, MDBOX_STORAGE_NAME) != 0)
		return NULL;
	storage = MDBOX_STORAGE(box->storage);
	return storage->map;
}

bool
roost_old_forms_may_be_back(struct mail *mail)
{
	struct mdbox_map *map = box_map(mail->box);
	struct mark mark;

	if (map == NULL || mdbox_map_open(map) <= 0 ||
	    mdbox_map_refresh(map) < 0)
		return FALSE;
	mark = mark_get(map, map->view);
	return mark.is_set != 0 &&
		mark.rebuild_count !=
		roost_map_header_get(map, map->view).rebuild_count;
}

void
roost_old_forms_begin(struct mdbox_map *map, struct mail_index_view *view,
		      struct mail_index_transaction *trans)
{
	struct mark mark = mark_get(map, view);

	if (mark.is_set != 0)
		return;
	mark.is_set = 1;
	mark.rebuild_count = roost_map_header_get(map, view).rebuild_count;
	mark_put(map, trans, &mark);
}

/* Has each message of the map, which is locked, a reference?  1, 0, or -1. */
static int
all_are_referenced(struct mdbox_map *map, struct mail_index_view *view)
{
	uint32_t seq, count = mail_index_view_get_messages_count(view);
	struct dbox_mail_lookup_rec rec;

	for (seq = 1; seq <= count; seq++) {
		if (mdbox_map_view_lookup_rec(map, view, seq, &rec) < 0)
			return -1;
		if (rec.refcount == 0)
			return 0;
	}
	return 1;
}

static int
end_locked(struct mdbox_map *map, struct mdbox_map_atomic_context *atomic,
	   bool all_are_new)
{
	struct mail_index_view *view = atomic->sync_view;
	struct mark mark = mark_get(map, view);
	int ret;

	if (mark.is_set == 0 ||
	    (!all_are_new && mark.rebuild_count !=
	     roost_map_header_get(map, view).rebuild_count))
		return 0;
	ret = all_are_referenced(map, view);
	if (ret > 0) {
		i_zero(&mark);
		mark_put(map, atomic->sync_trans, &mark);
	}
	return ret < 0 ? -1 : 0;
}

int
roost_old_forms_end(struct mailbox *box, bool all_are_new)
{
	struct mdbox_map *map = box_map(box);
	struct mdbox_map_atomic_context *atomic;
	int ret;

	if (map == NULL)
		return 0;
	atomic = mdbox_map_atomic_begin(map);
	ret = mdbox_map_atomic_lock(atomic, "roost has moved messages");
	if (ret == 0)
		ret = end_locked(map, atomic, all_are_new);
	if (ret == 0)
		mdbox_map_atomic_set_success(atomic);
	return mdbox_map_atomic_finish(&atomic) < 0 ? -1 : ret;
}
