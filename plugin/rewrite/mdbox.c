/* SPDX-License-Identifier: MIT */
/*
 * mdbox: messages that share files m.N get new forms in another file.
 *
 * A map tells where messages are.  New forms are written one behind the other
 * to a new file, which nobody else knows.  When there are enough of them, the
 * file gets its name, and in one transaction of the map the messages are moved
 * there.  The old places become those of messages without references: a purge
 * then finds each message in a file that the map knows of, and frees what has
 * no reference.  A run that is killed has moved all of them or none, and leaves
 * nothing in a file that others add to.  Files that it may leave are noted
 * before, and removed by the next one, see doomed.h.
 *
 * Copies share what the map tells, so that all of them are rewritten at once;
 * but not to plaintext, which each of them becomes for itself.  Then the map
 * and the mailbox's index are to change together, and a run that is killed
 * between them leaves a map that Dovecot repairs, see map.h.  At no moment the
 * map counts fewer references than there are.
 *
 * Locks, in this order: the old files, so that no purge moves their messages;
 * the map; the mailbox's index.  Who finds an old file locked by others lets
 * his own go before he waits.
 */
#include "rewrite/dbox.h"

#include "fdatasync-path.h"
#include "ioloop.h"
#include "mdbox-file.h"
#include "mdbox-storage.h"
#include "seq-range-array.h"

#include "rewrite/doomed.h"
#include "rewrite/known.h"
#include "rewrite/map.h"
#include "rewrite/tails.h"
#include "session/map-header.h"
#include "session/old-forms.h"
#include "session/reopen.h"

#include <dirent.h>
#include <time.h>
#include <unistd.h>

/* So many messages are moved at once, and none waits longer than that. */
#define BATCH_MESSAGES 100
#define BATCH_MSECS 500

#define RESERVE_TRIES 10

/* How long to wait for others who use a file. */
#define LOCK_STEP_USECS 10000
#define LOCK_STEPS 3000
#define PURGE_STEP_USECS 100000
#define PURGE_STEPS 50

/* A message whose new form is written. */
struct mdbox_moved {
	uint32_t uid;			/* in the mailbox */
	uint32_t map_uid;
	struct mdbox_map_mail_index_record from, to;
	uint8_t object_id[ROOST_ID_SIZE];
	/* Another message of the mailbox is the same in the map, and moves. */
	bool is_moved_with;
	uint32_t own_map_uid;		/* 0, or the number that it gets */
};

/* What goes to one new file, in the primary or the alternate storage. */
struct mdbox_batch {
	struct dbox_file *file;		/* NULL: nothing goes there yet */
	struct dbox_file_append_context *append;
	ARRAY(struct mdbox_moved) moved;
	ARRAY(struct dbox_file *) locked;	/* the old files */
	struct timespec begun;
	uint32_t rebuild_count;		/* of the map, then */
};

/* A mailbox whose messages are rewritten. */
struct mdbox_run {
	struct mdbox_mailbox *mbox;
	struct mdbox_map *map;
	struct mdbox_batch primary, alt;
	uint32_t rebuild_count;		/* of the map, at the beginning */
	struct roost_rewrite_undone *undone;
	/* Of the forms. */
	enum roost_rewrite_plan plan;
	struct roost_user *ruser;
	struct roost_ring *ring;
};

static const char *
storage_error(const struct mdbox_run *run)
{
	return t_strdup(mail_storage_get_last_internal_error(
		run->mbox->box.storage, NULL));
}

static enum roost_rewrite_placed
storage_fail(const struct mdbox_run *run, const char **error_r)
{
	enum mail_error error;

	*error_r = t_strdup(mail_storage_get_last_internal_error(
		run->mbox->box.storage, &error));
	return error == MAIL_ERROR_NOQUOTA || error == MAIL_ERROR_INUSE ?
		ROOST_REWRITE_PLACE_FULL : ROOST_REWRITE_PLACE_FAILED;
}

/* -- the map -- */

static bool
file_id_is_used(const struct mdbox_storage *storage, uint32_t file_id)
{
	const char *dirs[] = {
		storage->storage_dir, storage->alt_storage_dir
	};
	struct stat st;
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(dirs); i++) {
		if (dirs[i] != NULL &&
		    stat(t_strdup_printf("%s/"MDBOX_MAIL_FILE_FORMAT, dirs[i],
					 file_id), &st) == 0)
			return TRUE;
	}
	return FALSE;
}

/* Have the map give away the number of a file that there is not yet, and note
   it.  If this process is killed then, no other file gets that number. */
static int
file_id_reserve(struct mdbox_run *run, uint32_t *file_id_r)
{
	struct roost_rewrite_map_change change;
	ARRAY_TYPE(seq_range) file_ids;

	if (roost_rewrite_map_begin(&change, run->map,
				    "roost reserves a file") <= 0)
		return -1;
	*file_id_r = roost_map_header_get(run->map,
		change.atomic->sync_view).highest_file_id;
	do {
		++*file_id_r;
	} while (file_id_is_used(run->mbox->storage, *file_id_r));
	mail_index_update_header_ext(change.trans, run->map->map_ext_id,
		offsetof(struct mdbox_map_mail_index_header, highest_file_id),
		file_id_r, sizeof(*file_id_r));
	t_array_init(&file_ids, 1);
	seq_range_array_add(&file_ids, *file_id_r);
	roost_rewrite_doomed_note(&change, &file_ids);
	return roost_rewrite_map_end(&change, TRUE);
}

/* -- a batch -- */

static void
batch_unlock(struct mdbox_batch *batch)
{
	struct dbox_file *file;

	while (array_count(&batch->locked) > 0) {
		file = array_idx_elem(&batch->locked, 0);
		array_delete(&batch->locked, 0, 1);
		dbox_file_unlock(file);
		dbox_file_unref(&file);
	}
}

/* Throw the new file away, of which nobody knows. */
static void
batch_drop(struct mdbox_batch *batch)
{
	const char *path = t_strdup(batch->file->cur_path);

	if (batch->append != NULL)
		dbox_file_append_rollback(&batch->append);
	i_unlink_if_exists(path);
	dbox_file_unref(&batch->file);
}

/* Note that the messages of the batch stay as they were. */
static void
batch_undo(struct mdbox_run *run, const struct mdbox_batch *batch,
	   const char *reason)
{
	const struct mdbox_moved *moved;

	array_foreach(&batch->moved, moved)
		seq_range_array_add(&run->undone->uids, moved->uid);
	i_free(run->undone->reason);
	run->undone->reason = i_strdup(reason);
}

/* Throw the new file away, unless the map may know it by now, and let the old
   ones go. */
static void
batch_free(struct mdbox_batch *batch)
{
	if (batch->file != NULL && batch->append == NULL)
		dbox_file_unref(&batch->file);
	else if (batch->file != NULL)
		batch_drop(batch);
	array_clear(&batch->moved);
	batch_unlock(batch);
}

static int
batch_begin(struct mdbox_run *run, struct mdbox_batch *batch)
{
	struct mdbox_storage *storage = run->mbox->storage;

	if (batch->file != NULL)
		return 0;
	batch->file = batch == &run->alt ? mdbox_file_init_new_alt(storage) :
		mdbox_file_init(storage, 0);
	if (batch->file->fd == -1) {
		dbox_file_unref(&batch->file);
		return -1;
	}
	batch->append = dbox_file_append_init(batch->file);
	batch->rebuild_count = mdbox_map_get_rebuild_count(run->map);
	(void)clock_gettime(CLOCK_MONOTONIC, &batch->begun);
	return 0;
}

/* Is something held that would be held too long in so many milliseconds? */
static bool
batch_is_due(const struct mdbox_batch *batch, unsigned int msecs)
{
	struct timespec now;

	if (array_count(&batch->moved) == 0)
		return FALSE;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - batch->begun.tv_sec) * 1000 +
		(now.tv_nsec - batch->begun.tv_nsec) / 1000000 +
		(long)msecs >= BATCH_MSECS;
}

/* Is something to be moved before a message of that size goes there too? */
static bool
batch_is_full(const struct mdbox_run *run, const struct mdbox_batch *batch,
	      uoff_t size)
{
	if (array_count(&batch->moved) == 0)
		return FALSE;
	return array_count(&batch->moved) >= BATCH_MESSAGES ||
		batch_is_due(batch, 0) ||
		batch->append->output->offset + size >
		run->map->set->mdbox_rotate_size;
}

/* Have all that the file is to have on disk. */
static int
batch_sync(struct mdbox_run *run, struct mdbox_batch *batch)
{
	if (dbox_file_append_flush(batch->append) < 0)
		return -1;
	/* It takes the place of mail that is safe already. */
	if (fdatasync(batch->file->fd) == 0)
		return 0;
	mail_storage_set_critical(run->mbox->box.storage,
				  "fdatasync(%s) failed: %m",
				  batch->file->cur_path);
	return -1;
}

/* Give the file its name, while the map is locked, which has noted it. */
static int
batch_name(struct mdbox_run *run, struct mdbox_batch *batch, uint32_t file_id)
{
	struct mdbox_moved *moved;
	const char *path;

	if (mdbox_file_assign_file_id((struct mdbox_file *)batch->file,
				      file_id) < 0)
		return -1;
	array_foreach_modifiable(&batch->moved, moved)
		moved->to.file_id = file_id;
	path = batch->file->cur_path;
	path = t_strdup_until(path, strrchr(path, '/'));
	if (fdatasync_path(path) == 0)
		return 0;
	mail_storage_set_critical(run->mbox->box.storage,
				  "fdatasync(%s) failed: %m", path);
	return -1;
}

/* -- the switch -- */

/* TRUE if the message's index record, in a view of now, has that number of the
   map. */
static bool
box_has(const struct mdbox_run *run, struct mail_index_view *view,
	const struct mdbox_moved *moved, uint32_t *seq_r)
{
	uint32_t map_uid;

	return mail_index_lookup_seq(view, moved->uid, seq_r) &&
		mdbox_mail_lookup(run->mbox, view, *seq_r, &map_uid) == 0 &&
		map_uid == moved->map_uid;
}

/* Move a message in the map.  What is not wanted any more becomes a message
   without references: its old place, or the new one if it was expunged.
   box_view is one of the mailbox, of now. */
static int
change_move(struct mdbox_run *run, struct roost_rewrite_map_change *change,
	    struct mail_index_view *box_view, struct mdbox_moved *moved)
{
	struct mail_index_view *view = change->atomic->sync_view;
	struct dbox_mail_lookup_rec rec = { .refcount = 0 };
	uint32_t seq, box_seq;

	if (moved->is_moved_with)
		return 0;
	if (mail_index_lookup_seq(view, moved->map_uid, &seq) &&
	    mdbox_map_view_lookup_rec(run->map, view, seq, &rec) < 0)
		return -1;
	if (rec.refcount == 0 || rec.rec.file_id != moved->from.file_id ||
	    rec.rec.offset != moved->from.offset) {
		(void)roost_rewrite_map_add(change, &moved->to, 0);
	} else if (run->plan == ROOST_REWRITE_UNSEAL &&
		   !box_has(run, box_view, moved, &box_seq)) {
		/* It is another mailbox's by now, which knows it as sealed. */
		(void)roost_rewrite_map_add(change, &moved->to, 0);
	} else if (rec.refcount > 1 && run->plan == ROOST_REWRITE_UNSEAL) {
		moved->own_map_uid =
			roost_rewrite_map_add(change, &moved->to, 1);
	} else {
		mail_index_update_ext(change->trans, seq,
				      run->map->map_ext_id, &moved->to, NULL);
		(void)roost_rewrite_map_add(change, &rec.rec, 0);
	}
	return 0;
}

/* What the index cache knows of them is dropped. */
static int
box_forget(struct mdbox_run *run, const struct mdbox_batch *batch,
	   const char **error_r)
{
	bool is_unsealed = run->plan == ROOST_REWRITE_UNSEAL;
	const struct mdbox_moved *moved;

	/* What was sealed to a keyring that is gone meanwhile would open
	   nowhere. */
	if (!is_unsealed &&
	    roost_user_renew_ring(run->ruser, run->ring, error_r) < 0)
		return -1;
	array_foreach(&batch->moved, moved) {
		if (roost_rewrite_known_drop(&run->mbox->box, moved->uid,
					     is_unsealed, 0, error_r) < 0)
			return -1;
	}
	return 0;
}

/* Have a message's index record say the message's own number in the map. */
static int
box_point_one(const struct mdbox_run *run, struct mail_index_view *view,
	      struct mail_index_transaction *trans,
	      const struct mdbox_moved *moved)
{
	struct mdbox_mail_index_record rec;
	const void *data;
	uint32_t seq;

	if (!box_has(run, view, moved, &seq))
		return -1;
	mail_index_lookup_ext(view, seq, run->mbox->ext_id, &data, NULL);
	memcpy(&rec, data, sizeof(rec));
	rec.map_uid = moved->own_map_uid;
	mail_index_update_ext(trans, seq, run->mbox->ext_id, &rec, NULL);
	return 0;
}

/* Have the mailbox's messages that got numbers of their own in the map be
   those. */
static int
box_point(struct mdbox_run *run, const struct mdbox_batch *batch)
{
	struct mail_index_view *view =
		mail_index_view_open(run->mbox->box.index);
	struct mail_index_transaction *trans =
		mail_index_transaction_begin(view,
					MAIL_INDEX_TRANSACTION_FLAG_EXTERNAL);
	const struct mdbox_moved *moved;
	int ret = 0;

	array_foreach(&batch->moved, moved) {
		if (ret == 0 && moved->own_map_uid != 0)
			ret = box_point_one(run, view, trans, moved);
	}
	if (ret == 0)
		ret = mail_index_transaction_commit(&trans);
	else
		mail_index_transaction_rollback(&trans);
	mail_index_view_close(&view);
	return ret;
}

/* Name the messages.  A session that opened an old form may have written down
   what that was, since it was forgotten. */
static void
box_name(struct mdbox_run *run, const struct mdbox_batch *batch)
{
	struct mailbox *box = &run->mbox->box;
	const struct mdbox_moved *moved;
	const char *error;

	array_foreach(&batch->moved, moved) {
		(void)roost_rewrite_known_drop(box, moved->uid, run->plan ==
					       ROOST_REWRITE_UNSEAL, 0,
					       &error);
		/* Zeros say that it is not sealed. */
		roost_rewrite_known_name(box, moved->uid, moved->object_id);
	}
}

/* Do mailboxes share in the map what each is to have for itself? */
static bool
switch_is_shared(const struct mdbox_run *run, const struct mdbox_batch *batch,
		 const struct roost_rewrite_map_change *change)
{
	struct mail_index_view *view = change->atomic->sync_view;
	const struct mdbox_moved *moved;
	struct dbox_mail_lookup_rec rec;
	uint32_t seq;

	if (run->plan != ROOST_REWRITE_UNSEAL)
		return FALSE;
	array_foreach(&batch->moved, moved) {
		if (mail_index_lookup_seq(view, moved->map_uid, &seq) &&
		    mdbox_map_view_lookup_rec(run->map, view, seq,
					      &rec) == 0 && rec.refcount > 1)
			return TRUE;
	}
	return FALSE;
}

/* The files of the old forms are to be gone, by whatever purge. */
static void
switch_note(const struct mdbox_batch *batch,
	    struct roost_rewrite_map_change *change)
{
	const struct mdbox_moved *moved;
	ARRAY_TYPE(seq_range) file_ids;

	t_array_init(&file_ids, 4);
	array_foreach(&batch->moved, moved)
		seq_range_array_add(&file_ids, moved->from.file_id);
	roost_rewrite_doomed_note(change, &file_ids);
}

/* Name the file, and have the messages be in it. */
static int
switch_map(struct mdbox_run *run, struct mdbox_batch *batch,
	   struct roost_rewrite_map_change *change, uint32_t file_id)
{
	struct mail_index_view *view =
		mail_index_view_open(run->mbox->box.index);
	struct mdbox_moved *moved;
	int ret = batch_name(run, batch, file_id);

	if (switch_is_shared(run, batch, change))
		roost_rewrite_map_split(change);
	roost_old_forms_begin(run->map, change->atomic->sync_view,
			      change->trans);
	switch_note(batch, change);
	array_foreach_modifiable(&batch->moved, moved) {
		if (ret == 0)
			ret = change_move(run, change, view, moved);
	}
	mail_index_view_close(&view);
	return ret < 0 || dbox_file_append_commit(&batch->append) < 0 ? -1 : 0;
}

/* The messages that got numbers of their own: have the mailbox say these, and
   then the old numbers have one reference less for each. */
static int
switch_own(struct mdbox_run *run, struct mdbox_batch *batch,
	   struct roost_rewrite_map_change *change, const char **error_r)
{
	const struct mdbox_moved *moved;
	int ret = roost_rewrite_map_write(change);

	if (ret == 0 && box_point(run, batch) < 0) {
		*error_r = "the mailbox's index cannot be written";
		return -1;
	}
	array_foreach(&batch->moved, moved) {
		if (ret == 0 && moved->own_map_uid != 0)
			ret = roost_rewrite_map_unref(change, moved->map_uid);
	}
	if (ret < 0)
		*error_r = storage_error(run);
	return ret;
}

/* With the map and the index locked: change both, and unlock the map. */
static int
switch_locked(struct mdbox_run *run, struct mdbox_batch *batch,
	      struct roost_rewrite_map_change *change, uint32_t file_id,
	      const char **error_r)
{
	int ret = box_forget(run, batch, error_r);

	if (ret == 0 && (ret = mail_index_refresh(run->mbox->box.index)) < 0)
		*error_r = "the mailbox's index cannot be read";
	if (ret == 0 && (ret = switch_map(run, batch, change, file_id)) < 0)
		*error_r = storage_error(run);
	/* While the map is locked nobody repairs, and nobody knows the file. */
	if (ret < 0 && batch->append != NULL)
		batch_drop(batch);
	if (ret == 0 && change->trans != change->atomic->sync_trans)
		ret = switch_own(run, batch, change, error_r);
	if (roost_rewrite_map_end(change, ret == 0) < 0 && ret == 0) {
		*error_r = storage_error(run);
		ret = -1;
	}
	if (ret == 0)
		box_name(run, batch);
	return ret;
}

/* Lock the map, which knows that the file with that number is to be gone if
   this process is killed.  A run beside this one, which sees that there is no
   such file yet, may have forgotten it. */
static int
switch_begin(struct mdbox_run *run, struct roost_rewrite_map_change *change,
	     uint32_t *file_id_r, const char **error_r)
{
	unsigned int i;

	for (i = 0; i < RESERVE_TRIES; i++) {
		if (file_id_reserve(run, file_id_r) < 0 ||
		    roost_rewrite_map_begin(change, run->map,
					    "roost rewrites messages") <= 0) {
			*error_r = storage_error(run);
			return -1;
		}
		if (roost_rewrite_doomed_is_noted(change, *file_id_r))
			return 0;
		(void)roost_rewrite_map_end(change, FALSE);
	}
	*error_r = "other runs begin again and again";
	return -1;
}

static int
batch_switch(struct mdbox_run *run, struct mdbox_batch *batch,
	     const char **error_r)
{
	struct mail_index *index = run->mbox->box.index;
	struct roost_rewrite_map_change change;
	uint32_t file_id;
	int ret;

	if (batch_sync(run, batch) < 0) {
		*error_r = storage_error(run);
		return -1;
	}
	if (switch_begin(run, &change, &file_id, error_r) < 0)
		return -1;
	*error_r = NULL;
	if (roost_map_header_get(run->map, change.atomic->sync_view).
	    rebuild_count != batch->rebuild_count)
		*error_r = "Dovecot has repaired the storage meanwhile";
	else if (mail_index_lock_sync(index, "roost rewrites messages") < 0)
		*error_r = "the mailbox's index cannot be locked";
	if (*error_r != NULL) {
		(void)roost_rewrite_map_end(&change, FALSE);
		return -1;
	}
	ret = switch_locked(run, batch, &change, file_id, error_r);
	mail_index_unlock(index, "roost rewrote messages");
	return ret;
}

/* Put the new forms of a batch in their places.  0, or -1 with error_r: then
   the old ones stay, or Dovecot repairs the storage when it is used next. */
static int
batch_commit(struct mdbox_run *run, struct mdbox_batch *batch,
	     const char **error_r)
{
	int ret = 0;

	if (array_count(&batch->moved) > 0) {
		ret = batch_switch(run, batch, error_r);
		if (ret < 0)
			batch_undo(run, batch, *error_r);
	}
	batch_free(batch);
	return ret;
}

static int
run_commit(struct mdbox_run *run, const char **error_r)
{
	int ret = batch_commit(run, &run->primary, error_r);

	return batch_commit(run, &run->alt, error_r) < 0 ? -1 : ret;
}

static enum roost_rewrite_placed
commit_fail(const char **error_r)
{
	*error_r = t_strdup_printf("the messages before it stay as they were: "
				   "%s", *error_r);
	return ROOST_REWRITE_PLACE_FULL;
}

/* -- a message -- */

/* A form that is being put in its place. */
struct mdbox_put {
	struct mdbox_run *run;
	struct mdbox_batch *batch;
	struct roost_rewrite_form *form;
	struct roost_rewrite_dbox old;
	struct mdbox_moved moved;
};

static enum roost_rewrite_placed
old_lock(struct mdbox_put *put, const char **error_r)
{
	struct dbox_file *file = put->old.file;
	unsigned int i;
	int ret;

	/* One of which there is a message in the batch. */
	if (file->lock != NULL)
		return ROOST_REWRITE_PLACED;
	for (i = 0; (ret = dbox_file_try_lock(file)) == 0; i++) {
		if (i == 0 && run_commit(put->run, error_r) < 0)
			return commit_fail(error_r);
		if (i == LOCK_STEPS) {
			*error_r = t_strdup_printf("%s is locked by another "
						   "session", file->cur_path);
			return ROOST_REWRITE_PLACE_FAILED;
		}
		usleep(LOCK_STEP_USECS);
	}
	if (ret < 0)
		return storage_fail(put->run, error_r);
	file->refcount++;
	array_push_back(&put->batch->locked, &file);
	return ROOST_REWRITE_PLACED;
}

/* Is the message where it was read, and nowhere else before the file is
   unlocked? */
static enum roost_rewrite_placed
old_check(struct mdbox_put *put, const char **error_r)
{
	const struct mdbox_file *file =
		(const struct mdbox_file *)put->old.file;
	uint16_t refcount;
	int ret = roost_rewrite_dbox_is_there(&put->old, error_r);

	if (ret < 0)
		return ROOST_REWRITE_PLACE_FAILED;
	if (ret == 0)
		return ROOST_REWRITE_PLACE_OTHER;
	if (mdbox_map_refresh(put->run->map) < 0)
		ret = -1;
	else
		ret = mdbox_map_lookup_full(put->run->map,
					    put->moved.map_uid,
					    &put->moved.from, &refcount);
	if (ret < 0)
		return storage_fail(put->run, error_r);
	if (ret == 0 || refcount == 0)
		return ROOST_REWRITE_PLACE_GONE;
	return put->moved.from.file_id == file->file_id &&
		put->moved.from.offset == put->old.offset ?
		ROOST_REWRITE_PLACED : ROOST_REWRITE_PLACE_OTHER;
}

/* Is the message in the batch already, as a copy in the same mailbox?  Then it
   moves with that one. */
static bool
put_is_moved_with(struct mdbox_put *put)
{
	const struct mdbox_moved *other;
	struct roost_rewrite_copy copy;

	if (put->form->plan == ROOST_REWRITE_UNSEAL)
		return FALSE;
	array_foreach(&put->batch->moved, other) {
		if (other->map_uid != put->moved.map_uid)
			continue;
		put->moved.is_moved_with = TRUE;
		memcpy(put->moved.object_id, other->object_id, ROOST_ID_SIZE);
		copy.size = other->to.size;
		memcpy(copy.object_id, other->object_id, ROOST_ID_SIZE);
		roost_rewrite_form_set_copy(put->form, &copy);
		return TRUE;
	}
	return FALSE;
}

/* Write the new form behind the others, and verify it. */
static enum roost_rewrite_placed
put_write(struct mdbox_put *put, const char **error_r)
{
	struct mdbox_batch *batch = put->batch;
	enum roost_rewrite_placed placed;
	struct ostream *output;
	struct roost_rewrite_copy copy;
	uoff_t offset, size;

	if (batch_begin(put->run, batch) < 0 ||
	    dbox_file_get_append_stream(batch->append, &output) <= 0)
		return storage_fail(put->run, error_r);
	if (batch->append->first_append_offset == 0)
		batch->append->first_append_offset = output->offset;
	offset = output->offset;
	placed = roost_rewrite_dbox_write(&put->old, put->form, output,
					  error_r);
	if (placed != ROOST_REWRITE_PLACED)
		return placed;
	if (roost_rewrite_dbox_check(&put->old, put->form, batch->file->fd,
				     offset, error_r) < 0)
		return ROOST_REWRITE_PLACE_FAILED;
	dbox_file_append_checkpoint(batch->append);
	size = output->offset - offset;
	put->moved.to.offset = (uint32_t)offset;
	/* Of a larger one the map says no size. */
	put->moved.to.size = size > UINT32_MAX ? 0 : (uint32_t)size;
	roost_rewrite_form_get_copy(put->form, &copy);
	memcpy(put->moved.object_id, copy.object_id, ROOST_ID_SIZE);
	return ROOST_REWRITE_PLACED;
}

/* What was not written whole is taken away.  Where that fails the messages
   before it cannot be moved either. */
static enum roost_rewrite_placed
put_cut(struct mdbox_put *put, enum roost_rewrite_placed placed,
	const char **error_r)
{
	if (put->batch->append == NULL ||
	    put->batch->append->output == NULL ||
	    (array_count(&put->batch->moved) > 0 &&
	     dbox_file_append_flush(put->batch->append) == 0))
		return placed;
	if (array_count(&put->batch->moved) > 0) {
		batch_undo(put->run, put->batch, *error_r);
		placed = ROOST_REWRITE_PLACE_FULL;
	}
	batch_free(put->batch);
	return placed;
}

static enum roost_rewrite_placed
put_batch(struct mdbox_put *put, const char **error_r)
{
	enum roost_rewrite_placed placed = old_lock(put, error_r);

	if (placed == ROOST_REWRITE_PLACED)
		placed = old_check(put, error_r);
	if (placed == ROOST_REWRITE_PLACED && !put_is_moved_with(put)) {
		placed = put_write(put, error_r);
		if (placed != ROOST_REWRITE_PLACED)
			placed = put_cut(put, placed, error_r);
	}
	if (placed == ROOST_REWRITE_PLACED)
		array_push_back(&put->batch->moved, &put->moved);
	return placed;
}

static enum roost_rewrite_placed
mdbox_put(struct roost_rewrite_form *form, void *context, const char **error_r)
{
	struct mdbox_run *run = context;
	struct mdbox_put put = {
		.run = run, .form = form, .moved.uid = form->mail->uid,
	};
	enum roost_rewrite_placed placed;

	run->plan = form->plan;
	run->ruser = form->ruser;
	run->ring = form->ring;
	if (roost_rewrite_dbox_look(form->mail, &put.old, error_r) < 0)
		return ROOST_REWRITE_PLACE_FAILED;
	if (mdbox_mail_lookup(run->mbox, form->mail->transaction->view,
			      form->mail->seq, &put.moved.map_uid) < 0)
		return storage_fail(run, error_r);
	put.batch = dbox_file_is_in_alt(put.old.file) ? &run->alt :
		&run->primary;
	if (batch_is_full(run, put.batch, put.old.size) &&
	    batch_commit(run, put.batch, error_r) < 0)
		return commit_fail(error_r);
	placed = put_batch(&put, error_r);
	if (placed == ROOST_REWRITE_PLACE_OTHER) {
		/* What is locked is read anew, too. */
		if (run_commit(run, error_r) < 0)
			return commit_fail(error_r);
		dbox_file_close(put.old.file);
		roost_reopen_prepare(form->mail);
	}
	if (array_count(&put.batch->moved) == 0)
		batch_free(put.batch);
	return placed;
}

static int
mdbox_rest(void *context, unsigned int msecs, const char **error_r)
{
	struct mdbox_run *run = context;

	if (!batch_is_due(&run->primary, msecs) &&
	    !batch_is_due(&run->alt, msecs))
		return 0;
	return run_commit(run, error_r);
}

/* -- a mailbox -- */

static const char *
map_error(const struct mdbox_map *map)
{
	return t_strdup(mail_storage_get_last_internal_error(
		&map->storage->storage.storage, NULL));
}

/* Remove the files that a killed process has left.  1; 0 with error_r if the
   map has to be repaired, before which nothing is changed in it; or -1 with
   error_r. */
static int
map_tidy(struct mdbox_map *map, const char **error_r)
{
	struct roost_rewrite_map_change change;
	int ret = roost_rewrite_map_begin(&change, map, "roost frees files");

	if (ret <= 0) {
		*error_r = map_error(map);
		return ret;
	}
	ret = roost_rewrite_doomed_remove(&change, error_r);
	if (roost_rewrite_map_end(&change, ret == 0) < 0 && ret == 0) {
		*error_r = map_error(map);
		ret = -1;
	}
	return ret < 0 ? -1 : 1;
}

/* Have the storage be as a run that was not killed leaves it. */
static int
box_begin(struct mailbox *box, const char **error_r)
{
	struct mdbox_storage *storage = MDBOX_STORAGE(box->storage);
	int ret;

	if (mdbox_map_open_or_create(storage->map) < 0 ||
	    mdbox_map_refresh(storage->map) < 0) {
		*error_r = map_error(storage->map);
		return -1;
	}
	if (roost_rewrite_doomed_are_noted(storage->map) &&
	    roost_rewrite_tails_cut(storage->map, error_r) < 0)
		return -1;
	ret = map_tidy(storage->map, error_r);
	if (ret < 0)
		return -1;
	/* A repair takes one form of a message or the other. */
	if ((ret == 0 && roost_rewrite_map_repair(storage->map) < 0) ||
	    mailbox_sync(box, 0) < 0 || mdbox_map_refresh(storage->map) < 0) {
		*error_r = t_strdup(mailbox_get_last_internal_error(box,
								    NULL));
		return -1;
	}
	return 0;
}

static void
batch_init(struct mdbox_batch *batch)
{
	i_array_init(&batch->moved, BATCH_MESSAGES);
	i_array_init(&batch->locked, 4);
}

static void
batch_deinit(struct mdbox_batch *batch)
{
	batch_free(batch);
	array_free(&batch->moved);
	array_free(&batch->locked);
}

static int
mdbox_begin(struct mailbox *box, struct roost_rewrite_undone *undone,
	    void **context_r, const char **error_r)
{
	struct mdbox_storage *storage = MDBOX_STORAGE(box->storage);
	struct mdbox_run *run;

	if (box_begin(box, error_r) < 0)
		return -1;
	run = i_new(struct mdbox_run, 1);
	run->mbox = MDBOX_MAILBOX(box);
	run->map = storage->map;
	run->undone = undone;
	run->rebuild_count = mdbox_map_get_rebuild_count(storage->map);
	batch_init(&run->primary);
	batch_init(&run->alt);
	*context_r = run;
	return 0;
}

/* Free what has no references, of these files, and leave those of them that
   could not be freed.  Others may use a file for a while, or a purge may find
   something to repair first. */
static int
free_old(struct mdbox_storage *storage, ARRAY_TYPE(seq_range) *files)
{
	struct mail_storage *mail_storage = &storage->storage.storage;
	ARRAY_TYPE(seq_range) left;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < PURGE_STEPS && array_count(files) > 0; i++) {
		if (i > 0)
			usleep(PURGE_STEP_USECS);
		ret = mail_storage_purge(mail_storage);
		t_array_init(&left, 16);
		if (mdbox_map_get_zero_ref_files(storage->map, &left) < 0)
			return -1;
		(void)seq_range_array_intersect(files, &left);
	}
	return array_count(files) > 0 ? ret : 0;
}

/* Note the files that are purged next. */
static int
note_old(struct mdbox_run *run)
{
	struct roost_rewrite_map_change change;
	int ret;

	if (roost_rewrite_map_begin(&change, run->map,
				    "roost frees files") <= 0)
		return -1;
	ret = roost_rewrite_doomed_note_unreferenced(&change);
	return roost_rewrite_map_end(&change, ret == 0) < 0 ? -1 : ret;
}

/* Returns why old forms are still there, or NULL. */
static const char *
free_error(struct mdbox_run *run)
{
	ARRAY_TYPE(seq_range) files;
	const char *error;

	t_array_init(&files, 16);
	if (mdbox_map_get_zero_ref_files(run->map, &files) < 0 ||
	    (array_count(&files) > 0 &&
	     (note_old(run) < 0 || free_old(run->mbox->storage, &files) < 0)))
		return t_strdup_printf("the old forms are still there, "
			"because they cannot be purged: %s",
			storage_error(run));
	if (array_count(&files) > 0)
		return "old forms are still there, because another session "
			"uses their files: doveadm purge removes them";
	if (map_tidy(run->map, &error) <= 0)
		return error;
	if (run->rebuild_count != mdbox_map_get_rebuild_count(run->map))
		return "Dovecot has repaired the storage meanwhile, which may "
			"have brought old forms back: run it again";
	if (roost_old_forms_end(&run->mbox->box, FALSE) < 0)
		return storage_error(run);
	return NULL;
}

static int
mdbox_end(struct mailbox *box ATTR_UNUSED, void *context, const char **error_r)
{
	struct mdbox_run *run = context;
	const char *error = "";
	int ret = run_commit(run, &error);

	if (ret < 0)
		*error_r = t_strdup_printf("the last messages stay as they "
			"were: %s", error);
	else if ((*error_r = free_error(run)) != NULL)
		ret = -1;
	batch_deinit(&run->primary);
	batch_deinit(&run->alt);
	i_free(run);
	return ret;
}

static unsigned int
spare_in(const char *path)
{
	DIR *dir = path == NULL ? NULL : opendir(path);
	const struct dirent *entry;
	unsigned int count = 0;

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, DBOX_TEMP_FILE_PREFIX,
			    strlen(DBOX_TEMP_FILE_PREFIX)) == 0)
			count++;
	}
	(void)closedir(dir);
	return count;
}

/* The files are of no mailbox of their own. */
static unsigned int
mdbox_count_spare(struct mailbox *box)
{
	const struct mdbox_storage *storage = MDBOX_STORAGE(box->storage);

	return !box->inbox_any ? 0 : spare_in(storage->storage_dir) +
		spare_in(storage->alt_storage_dir);
}

const struct roost_rewrite_place roost_rewrite_mdbox = {
	.storage = "mdbox",
	.is_late = TRUE,
	.begin = mdbox_begin,
	.end = mdbox_end,
	.put = mdbox_put,
	.rest = mdbox_rest,
	.count_spare = mdbox_count_spare,
};
