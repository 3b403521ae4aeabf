/* SPDX-License-Identifier: MIT */
/*
 * keystore: what all kinds of storage share.  See keystore.h.
 */
#include "session/keystore-private.h"

static const struct roost_keystore_vfuncs *const kinds[] = {
	&roost_keystore_file,
};

struct roost_keystore *
roost_keystore_init(const char *location, const char *home,
		    const char **error_r)
{
	struct roost_keystore *store;
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(kinds); i++) {
		size_t len = strlen(kinds[i]->scheme);

		if (strncmp(location, kinds[i]->scheme, len) == 0) {
			store = kinds[i]->init(location + len, home, error_r);
			if (store != NULL) {
				store->mode = 0600;
				store->gid = (gid_t)-1;
			}
			return store;
		}
	}
	*error_r = "roost_keyring is not a location of a known kind; "
		"write file:PATH";
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

/* Of the one kind of store that there is, the name is the path. */
const char *
roost_keystore_path(const struct roost_keystore *store)
{
	return store->name;
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

int
roost_keystore_lock(struct roost_keystore *store, const char **error_r)
{
	i_assert(!store->is_locked);
	if (store->v->lock(store, error_r) < 0)
		return -1;
	store->is_locked = TRUE;
	return 0;
}

void
roost_keystore_unlock(struct roost_keystore *store)
{
	if (store->is_locked)
		store->v->unlock(store);
	store->is_locked = FALSE;
}

int
roost_keystore_store(struct roost_keystore *store, const buffer_t *old,
		     const char *doc, size_t len, const char **error_r)
{
	buffer_t *now = t_buffer_create(len + 1);
	int ret;

	i_assert(store->is_locked);
	ret = roost_keystore_load(store, now, error_r);
	if (ret < 0)
		return -1;
	if ((ret == 0) != (old == NULL) ||
	    (old != NULL && !buffer_cmp(now, old)))
		return 0;
	if (store->v->store(store, old == NULL, doc, len, error_r) < 0)
		return -1;
	if (roost_keystore_load(store, now, error_r) < 0)
		return -1;
	if (now->used != len || memcmp(now->data, doc, len) != 0) { /* public */
		*error_r = t_strdup_printf("%s does not hold what was just "
					   "written to it", store->name);
		return -1;
	}
	store->v->settle(store);
	return 1;
}
