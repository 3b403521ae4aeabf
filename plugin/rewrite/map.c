/* SPDX-License-Identifier: MIT */
/*
 * map: a change of the map of an mdbox storage.  See map.h.
 */
#include "rewrite/map.h"

#include "mdbox-storage-rebuild.h"

/* Has the map's log an end that nobody has finished? */
static bool
is_broken(const struct mdbox_map_atomic_context *atomic)
{
	uint32_t tail_seq, head_seq;
	uoff_t tail, head;

	mail_index_sync_get_offsets(atomic->sync_ctx, &tail_seq, &tail,
				    &head_seq, &head);
	return tail_seq != head_seq || tail != head;
}

int
roost_rewrite_map_begin(struct roost_rewrite_map_change *change,
			struct mdbox_map *map, const char *reason)
{
	change->map = map;
	change->atomic = mdbox_map_atomic_begin(map);
	if (mdbox_map_atomic_lock(change->atomic, reason) < 0) {
		(void)mdbox_map_atomic_finish(&change->atomic);
		return -1;
	}
	if (is_broken(change->atomic)) {
		/* A change that ends well would hide that. */
		(void)mdbox_map_atomic_finish(&change->atomic);
		mail_storage_set_error(&map->storage->storage.storage,
				       MAIL_ERROR_TEMP, "the map of the "
				       "storage has to be repaired first");
		return 0;
	}
	change->trans = change->atomic->sync_trans;
	change->next_uid = mail_index_get_header(
		change->atomic->sync_view)->next_uid;
	return 1;
}

int
roost_rewrite_map_end(struct roost_rewrite_map_change *change, bool is_wanted)
{
	int ret = 0;

	if (is_wanted)
		ret = roost_rewrite_map_write(change);
	else if (change->trans != change->atomic->sync_trans)
		mail_index_transaction_rollback(&change->trans);
	if (is_wanted && ret == 0)
		mdbox_map_atomic_set_success(change->atomic);
	return mdbox_map_atomic_finish(&change->atomic) < 0 ? -1 : ret;
}

int
roost_rewrite_map_repair(struct mdbox_map *map)
{
	struct roost_rewrite_map_change change;

	if (roost_mdbox_rebuild(map->storage) < 0)
		return -1;
	/* The repair has looked through the map's index.  That this was done
	   may still be marked there, as a reason for the next one. */
	(void)mail_index_reset_fscked(map->index);
	if (roost_rewrite_map_begin(&change, map, "roost had a repair") <= 0)
		return -1;
	mdbox_map_atomic_unset_fscked(change.atomic);
	return roost_rewrite_map_end(&change, TRUE);
}

void
roost_rewrite_map_split(struct roost_rewrite_map_change *change)
{
	change->trans = mail_index_transaction_begin(
		change->atomic->sync_view,
		MAIL_INDEX_TRANSACTION_FLAG_FSYNC);
}

int
roost_rewrite_map_write(struct roost_rewrite_map_change *change)
{
	struct mail_index_transaction *trans = change->trans;

	if (trans == change->atomic->sync_trans)
		return 0;
	change->trans = change->atomic->sync_trans;
	if (mail_index_transaction_commit(&trans) == 0)
		return 0;
	mail_storage_set_index_error(&change->map->storage->storage.storage,
				     change->map->index);
	return -1;
}

uint32_t
roost_rewrite_map_add(struct roost_rewrite_map_change *change,
		      const struct mdbox_map_mail_index_record *rec,
		      uint16_t refcount)
{
	uint32_t seq;

	mail_index_append(change->trans, change->next_uid, &seq);
	mail_index_update_ext(change->trans, seq, change->map->map_ext_id, rec,
			      NULL);
	mail_index_update_ext(change->trans, seq, change->map->ref_ext_id,
			      &refcount, NULL);
	return change->next_uid++;
}

int
roost_rewrite_map_unref(struct roost_rewrite_map_change *change,
			uint32_t map_uid)
{
	struct mail_index_view *view = change->atomic->sync_view;
	struct dbox_mail_lookup_rec rec;
	uint32_t seq;
	int all;

	if (!mail_index_lookup_seq(view, map_uid, &seq))
		return 0;
	if (mdbox_map_view_lookup_rec(change->map, view, seq, &rec) < 0)
		return -1;
	all = mail_index_atomic_inc_ext(change->trans, seq,
					change->map->ref_ext_id, -1);
	/* The map may count fewer than there are, where a process that copied
	   was killed. */
	if (rec.refcount + all < 0)
		(void)mail_index_atomic_inc_ext(change->trans, seq,
						change->map->ref_ext_id, 1);
	return 0;
}
