/* SPDX-License-Identifier: MIT */
/*
 * ring-move: keyrings put into stores and removed.  See ring-move.h.
 */
#include "session/ring-move.h"

#include "roost/bytes.h"

/* What tells one document from another. */
struct move_doc {
	uint8_t id[ROOST_ID_SIZE];
	uint64_t generation;
};

static int
move_parse(const char *name, const buffer_t *doc, struct move_doc *found_r,
	   const char **error_r)
{
	struct roost_keyring *kr = i_new(struct roost_keyring, 1);
	unsigned int line;
	enum roost_err err = roost_keyring_parse(doc->data, doc->used, kr,
						 &line);

	i_zero(found_r);
	if (err == ROOST_OK) {
		memcpy(found_r->id, kr->id, ROOST_ID_SIZE);
		found_r->generation = kr->generation;
	} else {
		*error_r = t_strdup_printf("%s is no keyring: %s [%s], line "
			"%u", name, roost_err_phrase(err),
			roost_err_name(err), line);
	}
	i_free(kr);
	return err == ROOST_OK ? 0 : -1;
}

static const char *
move_hex(const uint8_t id[ROOST_ID_SIZE])
{
	char *hex = t_malloc_no0(2 * ROOST_ID_SIZE + 1);

	roost_bytes_hex(id, ROOST_ID_SIZE, hex);
	return hex;
}

const char *
roost_ring_move_id(const buffer_t *doc)
{
	struct move_doc found;
	const char *error;

	return move_parse("", doc, &found, &error) < 0 ? "" :
		move_hex(found.id);
}

int
roost_ring_prove(const struct roost_keystore *store, const buffer_t *doc,
		 const char *owner, const struct roost_config *config,
		 const char **error_r)
{
	struct roost_ring *ring;
	enum roost_err err = ROOST_OK;

	if (roost_ring_read(store, doc, owner, config, &ring, error_r) < 0)
		return -1;
	/* Only the user can open one in password mode. */
	if (roost_keyring_has_slot(roost_ring_doc(ring), ROOST_SLOT_PROVIDER))
		err = roost_ring_unlock(ring);
	roost_ring_free(&ring);
	if (err == ROOST_OK)
		return 0;
	*error_r = t_strdup_printf("Refused the keyring %s: %s [%s]",
				   roost_keystore_name(store),
				   roost_err_phrase(err), roost_err_name(err));
	return -1;
}

/* May the document that is stored be replaced by a newer one?  0, or -1 with
   error_r. */
static int
put_check(const struct roost_keystore *store, const buffer_t *now,
	  const char *name, const buffer_t *doc, const char **error_r)
{
	const char *store_name = roost_keystore_name(store);
	struct move_doc old, next;

	if (move_parse(store_name, now, &old, error_r) < 0 ||
	    move_parse(name, doc, &next, error_r) < 0)
		return -1;
	if (!roost_bytes_equal(old.id, next.id, ROOST_ID_SIZE))
		*error_r = t_strdup_printf("%s holds another keyring, with "
			"the id %s, and %s has the id %s", store_name,
			move_hex(old.id), name, move_hex(next.id));
	else if (next.generation <= old.generation)
		*error_r = t_strdup_printf("%s holds generation %llu of this "
			"keyring, and %s is generation %llu", store_name,
			(unsigned long long)old.generation, name,
			(unsigned long long)next.generation);
	else
		return 0;
	return -1;
}

static int
put_locked(struct roost_keystore *store, const char *name,
	   const buffer_t *doc, bool may_replace, const char **error_r)
{
	buffer_t *now = t_buffer_create(4096);
	int ret = roost_keystore_load(store, now, error_r);

	if (ret < 0)
		return -1;
	if (ret > 0 && buffer_cmp(now, doc)) {
		roost_keystore_tidy(store, doc);
		return 0;
	}
	if (ret > 0 && !may_replace &&
	    put_check(store, now, name, doc, error_r) < 0)
		return -1;
	return roost_keystore_replace(store, ret == 0 ? NULL : now, doc->data,
				      doc->used, error_r);
}

int
roost_ring_put(struct roost_keystore *store, const char *name,
	       const buffer_t *doc, bool may_replace, const char **error_r)
{
	int ret;

	if (roost_keystore_lock(store, error_r) < 0)
		return -1;
	ret = put_locked(store, name, doc, may_replace, error_r);
	roost_keystore_unlock(store);
	return ret;
}

static int
copy_locked(struct roost_keystore *from, struct roost_keystore *to,
	    const char *owner, const struct roost_config *config,
	    buffer_t *doc, const char **error_r)
{
	const char *name = roost_keystore_name(from);
	int ret = roost_keystore_load(from, doc, error_r);

	if (ret <= 0)
		return ret;
	if (roost_ring_prove(from, doc, owner, config, error_r) < 0)
		return -1;
	return put_locked(to, name, doc, FALSE, error_r);
}

int
roost_ring_copy(struct roost_keystore *from, struct roost_keystore *to,
		const char *owner, const struct roost_config *config,
		buffer_t *doc_r, const char **error_r)
{
	int ret;

	if (roost_keystore_lock_both(from, to, error_r) < 0)
		return -1;
	ret = copy_locked(from, to, owner, config, doc_r, error_r);
	roost_keystore_unlock(to);
	roost_keystore_unlock(from);
	return ret;
}

/* An admin may have named another file of the user's by mistake. */
static int
remove_locked(struct roost_keystore *store, const char **error_r)
{
	static const char beginning[] = "roost-keyring ";
	buffer_t *now = t_buffer_create(4096);
	const char *name = roost_keystore_name(store);
	int ret = roost_keystore_load(store, now, error_r);

	if (ret <= 0)
		return ret;
	if (strncmp(str_c(now), beginning, strlen(beginning)) != 0) {
		*error_r = t_strdup_printf("%s is no keyring, and stays",
					   name);
		return -1;
	}
	ret = roost_keystore_remove(store, now, error_r);
	if (ret != 0)
		return ret;
	*error_r = t_strdup_printf("The keyring %s was changed elsewhere in "
		"this moment, and stays: do it once more", name);
	return -1;
}

int
roost_ring_remove(struct roost_keystore *store, const char **error_r)
{
	int ret;

	if (roost_keystore_lock(store, error_r) < 0)
		return -1;
	ret = remove_locked(store, error_r);
	roost_keystore_unlock(store);
	return ret;
}

int
roost_ring_is_spare(struct roost_keystore *store,
		    struct roost_keystore *kept, const char *owner,
		    const struct roost_config *config, const char **error_r)
{
	buffer_t *doc = t_buffer_create(4096), *held = t_buffer_create(4096);
	const char *name = roost_keystore_name(store);
	const char *kept_name = roost_keystore_name(kept);
	struct move_doc spare, used;
	int ret;

	if (roost_keystore_load(store, doc, error_r) < 0)
		return -1;
	ret = roost_keystore_load(kept, held, error_r);
	if (ret < 0)
		return -1;
	if (ret == 0) {
		*error_r = t_strdup_printf("There is no keyring %s",
					   kept_name);
		return 0;
	}
	if (roost_ring_prove(kept, held, owner, config, error_r) < 0 ||
	    move_parse(kept_name, held, &used, error_r) < 0 ||
	    move_parse(name, doc, &spare, error_r) < 0)
		return 0;
	if (roost_bytes_equal(spare.id, used.id, ROOST_ID_SIZE) &&
	    spare.generation <= used.generation)
		return 1;
	*error_r = t_strdup_printf("%s is another keyring or a later "
				   "document than %s, which is in use", name,
				   kept_name);
	return 0;
}

/* Is left an earlier document of the keyring that is held by its new name? */
static bool
rename_is_left(const struct move_doc *left, const struct move_doc *held)
{
	return roost_bytes_equal(left->id, held->id, ROOST_ID_SIZE) &&
		left->generation < held->generation;
}

/* Remove what is still stored by the old name, if it is the keyring that was
   bound to the new one.  Two names may be one place, as in a dict that does not
   ask for the user: what was bound is not what is left then. */
static int
rename_remove(struct roost_keystore *from, struct roost_keystore *to,
	      const char **error_r)
{
	buffer_t *doc = t_buffer_create(4096), *kept = t_buffer_create(4096);
	const char *error = "it is another keyring, or a later document";
	struct move_doc left, held;
	int ret = roost_keystore_load(from, doc, error_r);

	if (ret <= 0)
		return ret;
	ret = roost_keystore_load(to, kept, error_r);
	if (ret == 0)
		*error_r = "The keyring vanished while it was renamed";
	if (ret <= 0)
		return -1;
	if (buffer_cmp(doc, kept))
		return 0;
	if (move_parse(roost_keystore_name(from), doc, &left, &error) == 0 &&
	    move_parse(roost_keystore_name(to), kept, &held, &error) == 0 &&
	    rename_is_left(&left, &held) &&
	    roost_ring_remove(from, &error) >= 0)
		return 0;
	*error_r = t_strdup_printf("The keyring is %s now, but %s stays: %s",
		roost_keystore_name(to), roost_keystore_name(from), error);
	return -1;
}

/* at is the store of the two that has the keyring; 1 it is to be bound, 0 it
   was bound before, or -1 with error_r. */
static int
rename_check(struct roost_keystore *at, bool is_moved, const char *old_owner,
	     const char *owner, const struct roost_config *config,
	     struct roost_rebind *rebind, const char **error_r)
{
	char escaped[ROOST_KEYRING_OWNER_MAX + 1];
	int ret = roost_ring_rebind(at, owner, config, TRUE, rebind, error_r);

	if (ret < 0 || (ret == 0 && is_moved))
		return ret;
	if (roost_keyring_escape(old_owner, escaped) == ROOST_OK &&
	    strcmp(rebind->from, escaped) == 0)
		return 1;
	*error_r = t_strdup_printf("The keyring %s belongs to %s and not to "
		"%s, and stays as it is", roost_keystore_name(at),
		rebind->from, old_owner);
	return -1;
}

/* It is put under the new name as it is, and bound there, so that it is whole
   under one name at each moment. */
int
roost_ring_rename(struct roost_keystore *from, struct roost_keystore *to,
		  const char *old_owner, const char *owner,
		  const struct roost_config *config,
		  struct roost_rebind *rebind_r, const char **error_r)
{
	buffer_t *doc = t_buffer_create(4096);
	bool is_same = roost_keystore_is_same(from, to), is_moved;
	int ret = roost_keystore_load(to, doc, error_r);

	i_zero(rebind_r);
	if (ret < 0)
		return -1;
	is_moved = ret > 0 || is_same;
	ret = rename_check(is_moved ? to : from, is_moved, old_owner, owner,
			   config, rebind_r, error_r);
	if (ret < 0)
		return -1;
	*error_r = "The keyring vanished while it was renamed";
	if (ret > 0 && !is_moved &&
	    (roost_keystore_load(from, doc, error_r) <= 0 ||
	     roost_ring_put(to, roost_keystore_name(from), doc, FALSE,
			    error_r) < 0))
		return -1;
	if (ret > 0)
		ret = roost_ring_rebind(to, owner, config, FALSE, rebind_r,
					error_r);
	if (ret < 0 || is_same)
		return ret;
	return rename_remove(from, to, error_r) < 0 ? -1 : ret;
}
