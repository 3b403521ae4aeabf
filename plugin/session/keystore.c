/* SPDX-License-Identifier: MIT */
/*
 * keystore: what all kinds of storage share.  See keystore.h.
 */
#include "session/keystore-private.h"

#include "roost/keyring.h"

static const struct roost_keystore_vfuncs *const kinds[] = {
	&roost_keystore_file,
	&roost_keystore_dict,
};

struct roost_keystore *
roost_keystore_init(const char *location,
		    const struct roost_keystore_owner *owner,
		    const char **error_r)
{
	struct roost_keystore *store;
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(kinds); i++) {
		size_t len = strlen(kinds[i]->scheme);

		if (strncmp(location, kinds[i]->scheme, len) == 0) {
			store = kinds[i]->init(location + len, owner, error_r);
			if (store != NULL) {
				store->mode = 0600;
				store->gid = (gid_t)-1;
			}
			return store;
		}
	}
	*error_r = "roost_keyring is not a location of a known kind; "
		"write file:PATH or dict:NAME";
	return NULL;
}

void
roost_keystore_deinit(struct roost_keystore **_store)
{
	struct roost_keystore *store = *_store;

	*_store = NULL;
	if (store == NULL)
		return;
	roost_keystore_unlock(store);
	i_free(store->name);
	i_free(store->path);
	i_free(store->place);
	store->v->deinit(store);
}

const char *
roost_keystore_name(const struct roost_keystore *store)
{
	return store->name;
}

void
roost_keystore_share(struct roost_keystore *store,
		     const struct mailbox_permissions *permissions)
{
	store->mode = permissions->file_create_mode & 0660;
	store->gid = permissions->file_create_gid;
}

const char *
roost_keystore_path(const struct roost_keystore *store)
{
	return store->path;
}

bool
roost_keystore_makes_once(const struct roost_keystore *store)
{
	return store->v->makes_once;
}

int
roost_keystore_load(struct roost_keystore *store, buffer_t *doc_r,
		    const char **error_r)
{
	buffer_set_used_size(doc_r, 0);
	return store->v->load(store, doc_r, error_r);
}

int
roost_keystore_has_old(struct roost_keystore *store, const char **hint_r,
		       const char **error_r)
{
	return store->v->has_old(store, hint_r, error_r);
}

void
roost_keystore_tidy(struct roost_keystore *store, const buffer_t *doc)
{
	if (store->v->tidy != NULL)
		store->v->tidy(store, doc);
}

int
roost_keystore_lock(struct roost_keystore *store, const char **error_r)
{
	i_assert(!store->is_locked);
	if (store->v->lock(store, error_r) < 0)
		return -1;
	store->is_locked = TRUE;
	return 0;
}

int
roost_keystore_lock_try(struct roost_keystore *store, const char **error_r)
{
	int ret;

	i_assert(!store->is_locked);
	ret = store->v->lock_try(store, error_r);
	store->is_locked = ret > 0;
	return ret;
}

void
roost_keystore_unlock(struct roost_keystore *store)
{
	if (store->is_locked)
		store->v->unlock(store);
	store->is_locked = FALSE;
}

int
roost_keystore_lock_both(struct roost_keystore *one,
			 struct roost_keystore *other, const char **error_r)
{
	if (roost_keystore_lock(one, error_r) < 0)
		return -1;
	if (null_strcmp(one->path, other->path) == 0) {
		i_assert(!other->is_locked);
		other->is_locked = TRUE;
		return 0;
	}
	if (roost_keystore_lock(other, error_r) == 0)
		return 0;
	roost_keystore_unlock(one);
	return -1;
}

bool
roost_keystore_is_same(const struct roost_keystore *one,
		       const struct roost_keystore *other)
{
	return one->v == other->v && strcmp(one->place, other->place) == 0;
}

bool
roost_keystore_is_apart(const struct roost_keystore *one,
			const struct roost_keystore *other)
{
	return one->v != other->v;
}

/* Is the document old the one that is stored, or is there none where old is
   NULL?  1, 0, or -1 with error_r. */
static int
store_has(struct roost_keystore *store, const buffer_t *old,
	  const char **error_r)
{
	buffer_t *now = t_buffer_create(4096);
	int ret = roost_keystore_load(store, now, error_r);

	if (ret < 0)
		return -1;
	return (ret == 0) == (old == NULL) &&
		(old == NULL || buffer_cmp(now, old)) ? 1 : 0;
}

/*
 * What was read back, now, is not the document that was written.  A storage
 * that cuts a value says nothing of it; the old document is better than a part
 * of the new one.  What somebody else has written meanwhile stays.  Always -1.
 */
static int
store_is_not_held(struct roost_keystore *store, const buffer_t *old,
		  const buffer_t *now, const char *doc, size_t len,
		  const char **error_r)
{
	const char *error;

	*error_r = t_strdup_printf("%s does not hold what was just written to "
				   "it", store->name);
	if (store->v->put_back == NULL || now->used >= len ||
	    memcmp(now->data, doc, now->used) != 0)	/* public */
		return -1;
	if (store->v->put_back(store, old, &error) < 0)
		*error_r = t_strdup_printf("%s, but only %zu of its %zu "
			"bytes, and what was there before could not be put "
			"back: %s", *error_r, now->used, len, error);
	else
		*error_r = t_strdup_printf("%s, but only %zu of its %zu "
			"bytes: what was there before was put back; give it "
			"space for %u bytes", *error_r, now->used, len,
			ROOST_KEYRING_DOC_MAX);
	return -1;
}

int
roost_keystore_store(struct roost_keystore *store, const buffer_t *old,
		     const char *doc, size_t len, const char **error_r)
{
	buffer_t *now = t_buffer_create(len + 1);
	int ret;

	i_assert(store->is_locked);
	ret = store_has(store, old, error_r);
	if (ret <= 0)
		return ret;
	if (store->v->store(store, old == NULL, doc, len, error_r) < 0)
		return -1;
	if (roost_keystore_load(store, now, error_r) < 0)
		return -1;
	if (now->used != len || memcmp(now->data, doc, len) != 0) /* public */
		return store_is_not_held(store, old, now, doc, len, error_r);
	store->v->settle(store);
	return 1;
}

int
roost_keystore_replace(struct roost_keystore *store, const buffer_t *old,
		       const char *doc, size_t len, const char **error_r)
{
	int ret = roost_keystore_store(store, old, doc, len, error_r);

	if (ret != 0)
		return ret;
	*error_r = t_strdup_printf("The keyring %s was changed elsewhere in "
		"this moment, and stays as it is there: do it once more",
		store->name);
	return -1;
}

int
roost_keystore_remove(struct roost_keystore *store, const buffer_t *old,
		      const char **error_r)
{
	int ret;

	i_assert(store->is_locked && old != NULL);
	ret = store_has(store, old, error_r);
	if (ret <= 0)
		return ret;
	if (store->v->remove(store, error_r) < 0)
		return -1;
	ret = store_has(store, NULL, error_r);
	if (ret == 0)
		*error_r = t_strdup_printf("%s was removed and is there all "
					   "the same", store->name);
	return ret > 0 ? 1 : -1;
}
