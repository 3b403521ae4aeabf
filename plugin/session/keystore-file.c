/* SPDX-License-Identifier: MIT */
/*
 * keystore-file: a key store that is a file of its own, "file:PATH".  What is
 * done to the file is told in keyfile/keyfile.h.
 */
#include "session/keystore-private.h"

#include "hostpid.h"

#include "keyfile/keyfile.h"

#include "roost/keyring.h"

struct file_keystore {
	struct roost_keystore store;
	struct roost_keyfile *file;
	struct event *event;
};

static struct file_keystore *
kf_of(struct roost_keystore *store)
{
	return container_of(store, struct file_keystore, store);
}

static struct roost_keystore *
kf_init(const char *rest, const struct roost_keystore_owner *owner,
	const char **error_r)
{
	struct file_keystore *file;
	const char *path = rest;
	const char *home = owner->home;

	if (strncmp(rest, "~/", 2) == 0) {
		if (home == NULL || *home == '\0') {
			*error_r = "roost_keyring begins with ~/ but the user "
				"has no home directory: give userdb a home, "
				"or write an absolute path";
			return NULL;
		}
		path = t_strconcat(home, rest + 1, NULL);
	}
	if (*path != '/' || path[strlen(path) - 1] == '/') {
		*error_r = "roost_keyring: file: takes an absolute path of a "
			"file, or one that begins with ~/";
		return NULL;
	}
	file = i_new(struct file_keystore, 1);
	file->store.v = &roost_keystore_file;
	file->store.name = i_strdup(path);
	file->store.path = i_strdup(path);
	file->store.place = i_strdup(path);
	file->file = roost_keyfile_new(path, my_hostname);
	if (file->file == NULL)
		i_fatal_status(FATAL_OUTOFMEM, "roost: out of memory");
	file->event = event_create(NULL);
	return &file->store;
}

static void
kf_deinit(struct roost_keystore *store)
{
	struct file_keystore *file = kf_of(store);

	roost_keyfile_free(&file->file);
	event_unref(&file->event);
	i_free(file);
}

/* -1, and the text of what failed. */
static int
kf_fail(const struct file_keystore *file, const char **error_r)
{
	*error_r = t_strdup(roost_keyfile_error(file->file));
	return -1;
}

/* The document is public: all secrets in it are wrapped. */
static int
kf_load(struct roost_keystore *store, buffer_t *doc_r, const char **error_r)
{
	struct file_keystore *file = kf_of(store);
	char doc[ROOST_KEYRING_DOC_MAX];
	size_t len;
	int ret = roost_keyfile_load(file->file, doc, ROOST_KEYRING_DOC_MAX,
				     &len);

	if (ret > 0)
		buffer_append(doc_r, doc, len);
	if (ret == -2) {
		*error_r = t_strdup_printf("%s: %s", store->name,
			roost_err_phrase(ROOST_ERR_DOC_SIZE));
		return -1;
	}
	if (ret < 0)
		return kf_fail(file, error_r);
	return ret;
}

static int
kf_has_old(struct roost_keystore *store, const char **hint_r,
	     const char **error_r)
{
	struct file_keystore *file = kf_of(store);
	int ret = roost_keyfile_has_old(file->file);

	if (ret < 0)
		return kf_fail(file, error_r);
	if (ret > 0)
		*hint_r = t_strdup_printf("there is %s.old, a keyring that "
					  "was replaced", store->name);
	return 0;
}

static int
kf_lock(struct roost_keystore *store, const char **error_r)
{
	struct file_keystore *file = kf_of(store);

	roost_keyfile_share(file->file, store->mode, store->gid);
	return roost_keyfile_lock(file->file) == 0 ? 0 :
		kf_fail(file, error_r);
}

static int
kf_lock_try(struct roost_keystore *store, const char **error_r)
{
	struct file_keystore *file = kf_of(store);
	int ret;

	roost_keyfile_share(file->file, store->mode, store->gid);
	ret = roost_keyfile_lock_try(file->file);
	return ret >= 0 ? ret : kf_fail(file, error_r);
}

static void
kf_unlock(struct roost_keystore *store)
{
	roost_keyfile_unlock(kf_of(store)->file);
}

static int
kf_store(struct roost_keystore *store, bool is_new, const char *doc,
	   size_t len, const char **error_r)
{
	struct file_keystore *file = kf_of(store);

	const char *leftover;
	int ret;

	roost_keyfile_share(file->file, store->mode, store->gid);
	ret = roost_keyfile_store(file->file, is_new, doc, len);
	leftover = roost_keyfile_store_leftover(file->file);
	if (leftover != NULL)
		e_error(file->event, "roost: %s", leftover);
	return ret == 0 ? 0 : kf_fail(file, error_r);
}

static void
kf_settle(struct roost_keystore *store)
{
	struct file_keystore *file = kf_of(store);

	if (roost_keyfile_store_settle(file->file) < 0)
		e_error(file->event, "roost: %s",
			roost_keyfile_error(file->file));
}

/* Is that the document in the file now? */
static bool
kf_holds(struct roost_keystore *store, const buffer_t *doc)
{
	buffer_t *now = t_buffer_create(doc->used + 1);
	const char *error;

	return kf_load(store, now, &error) > 0 && buffer_cmp(now, doc);
}

/* A visitor who may not remove it leaves it to the owner. */
static void
kf_tidy(struct roost_keystore *store, const buffer_t *doc)
{
	struct file_keystore *file = kf_of(store);

	if (roost_keyfile_has_old(file->file) <= 0)
		return;
	roost_keyfile_share(file->file, store->mode, store->gid);
	if (!store->is_locked && roost_keyfile_lock_try(file->file) <= 0)
		return;
	if (kf_holds(store, doc))
		(void)roost_keyfile_store_settle(file->file);
	if (!store->is_locked)
		roost_keyfile_unlock(file->file);
}

static int
kf_remove(struct roost_keystore *store, const char **error_r)
{
	struct file_keystore *file = kf_of(store);

	return roost_keyfile_store_remove(file->file) == 0 ? 0 :
		kf_fail(file, error_r);
}

const struct roost_keystore_vfuncs roost_keystore_file = {
	.scheme = "file:",
	.makes_once = TRUE,
	.init = kf_init,
	.deinit = kf_deinit,
	.load = kf_load,
	.has_old = kf_has_old,
	.lock = kf_lock,
	.lock_try = kf_lock_try,
	.unlock = kf_unlock,
	.store = kf_store,
	.settle = kf_settle,
	.tidy = kf_tidy,
	.remove = kf_remove,
};
