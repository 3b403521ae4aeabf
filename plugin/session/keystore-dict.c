/* SPDX-License-Identifier: MIT */
/*
 * keystore-dict: a key store in a database, "dict:NAME".  Dovecot's own dict
 * is asked for one value of each user, which is the document.
 *
 * A dict can neither compare what it holds before it replaces it, nor refuse
 * to replace it, and some drivers are wrong about what became of a write.  So
 * the writers of one host exclude each other by a lock, which is a file in the
 * user's home, and what was written is read back (keystore.c).
 *
 * The dict is opened for each access and closed again: a connection that waits
 * until a session needs it again has often gone by then, and not each driver
 * recovers from that.
 */
#include "session/keystore-private.h"

#include "dict.h"
#include "hostpid.h"

#include "keyfile/keyfile.h"
#include "settings/keydict.h"

#include "roost/keyring.h"

#define DICT_KEY DICT_PATH_PRIVATE"roost/keyring"
#define LOCK_NAME "roost.dict"

struct dict_keystore {
	struct roost_keystore store;
	struct roost_keyfile *lock;	/* NULL: there is no home for it */
	struct mail_user *user;
	char *dict_name;
	char *username, *home;
};

/* What became of a write. */
struct dict_answer {
	enum dict_commit_ret ret;
	char *error;
	bool is_there;
	bool is_abandoned;	/* nobody waits for it any more */
};

static struct dict_keystore *
kd_of(struct roost_keystore *store)
{
	return container_of(store, struct dict_keystore, store);
}

static void
kd_init_lock(struct dict_keystore *dict, const char *home)
{
	const char *path = t_strconcat(home, "/"LOCK_NAME, NULL);

	dict->store.path = i_strdup(path);
	dict->lock = roost_keyfile_new(path, my_hostname);
	if (dict->lock == NULL)
		i_fatal_status(FATAL_OUTOFMEM, "roost: out of memory");
}

/* The name says no more than the beginning of a URI, which may go on with a
   password. */
static struct roost_keystore *
kd_init(const char *rest, const struct roost_keystore_owner *owner,
	const char **error_r)
{
	struct dict_keystore *dict;

	if (*rest == '\0' || owner->user == NULL) {
		*error_r = "roost_keyring: dict: takes the name of a dict, for "
			"example dict:keys";
		return NULL;
	}
	dict = i_new(struct dict_keystore, 1);
	dict->store.v = &roost_keystore_dict;
	dict->store.name = i_strdup_printf("dict:%s of %s",
					   t_strcut(rest, ':'), owner->name);
	dict->store.place = i_strdup_printf("%s of %s", rest, owner->name);
	dict->user = owner->user;
	dict->dict_name = i_strdup(rest);
	dict->username = i_strdup(owner->name);
	dict->home = i_strdup(owner->home);
	if (owner->home != NULL && *owner->home == '/')
		kd_init_lock(dict, owner->home);
	return &dict->store;
}

static void
kd_deinit(struct roost_keystore *store)
{
	struct dict_keystore *dict = kd_of(store);

	if (dict->lock != NULL)
		roost_keyfile_free(&dict->lock);
	i_free(dict->dict_name);
	i_free(dict->username);
	i_free(dict->home);
	i_free(dict);
}

static struct dict *
kd_open(const struct dict_keystore *dict, struct dict_op_settings *set_r,
	const char **error_r)
{
	struct dict *opened;
	const char *error;

	i_zero(set_r);
	set_r->username = dict->username;
	set_r->home_dir = dict->home;
	opened = roost_keydict_open(dict->dict_name, dict->user, &error);
	if (opened == NULL)
		*error_r = t_strdup_printf("The keyring %s is out of reach, "
			"because its dict cannot be opened: %s",
			dict->store.name, error);
	return opened;
}

/* There is none only if the dict said so; no value is no document. */
static int
kd_take(const struct dict_keystore *dict, int ret, const char *value,
	const char *error, buffer_t *doc_r, const char **error_r)
{
	size_t len = value == NULL ? 0 : strlen(value);

	if (ret == 0)
		return 0;
	if (ret > 0 && len > 0 && len <= ROOST_KEYRING_DOC_MAX) {
		buffer_append(doc_r, value, len);
		return 1;
	}
	if (ret < 0)
		*error_r = t_strdup_printf("The keyring %s could not be read: "
			"%s", dict->store.name, error == NULL ?
			"the dict does not say why" : error);
	else if (len == 0)
		*error_r = t_strdup_printf("The keyring %s is an empty value: "
			"restore it from a backup, or remove the value if "
			"there was none", dict->store.name);
	else
		*error_r = t_strdup_printf("%s: %s", dict->store.name,
			roost_err_phrase(ROOST_ERR_DOC_SIZE));
	return -1;
}

static int
kd_load(struct roost_keystore *store, buffer_t *doc_r, const char **error_r)
{
	struct dict_keystore *dict = kd_of(store);
	const char *value = NULL, *error = NULL;
	struct dict_op_settings set;
	struct dict *opened = kd_open(dict, &set, error_r);
	pool_t pool;
	int ret;

	if (opened == NULL)
		return -1;
	pool = pool_alloconly_create("roost keystore dict", 4096);
	ret = dict_lookup(opened, &set, pool, DICT_KEY, &value, &error);
	ret = kd_take(dict, ret, value, error, doc_r, error_r);
	pool_unref(&pool);
	dict_deinit(&opened);
	return ret;
}

static int
kd_has_old(struct roost_keystore *store ATTR_UNUSED,
	   const char **hint_r ATTR_UNUSED, const char **error_r ATTR_UNUSED)
{
	return 0;
}

static int
kd_lock(struct roost_keystore *store, const char **error_r)
{
	struct dict_keystore *dict = kd_of(store);

	if (dict->lock == NULL) {
		*error_r = t_strdup_printf("The keyring %s cannot be changed, "
			"because its lock is a file in the user's home "
			"directory: give userdb a home", store->name);
		return -1;
	}
	if (roost_keyfile_lock(dict->lock) == 0)
		return 0;
	*error_r = t_strdup(roost_keyfile_error(dict->lock));
	return -1;
}

static void
kd_unlock(struct roost_keystore *store)
{
	roost_keyfile_unlock(kd_of(store)->lock);
}

static void
kd_answer_free(struct dict_answer *answer)
{
	i_free(answer->error);
	i_free(answer);
}

static void
kd_answered(const struct dict_commit_result *result,
	    struct dict_answer *answer)
{
	if (answer->is_abandoned) {
		kd_answer_free(answer);
		return;
	}
	answer->ret = result->ret;
	answer->error = i_strdup(result->error);
	answer->is_there = TRUE;
}

/*
 * Write what the transaction holds.  Of a write that may have been done or not
 * the caller learns by reading.  A driver that cannot write at all answers
 * later than dict_wait() waits.
 */
static int
kd_commit(const struct dict_keystore *dict, struct dict *opened,
	  struct dict_transaction_context *trans, const char **error_r)
{
	struct dict_answer *answer = i_new(struct dict_answer, 1);

	dict_transaction_commit_async(&trans, kd_answered, answer);
	dict_wait(opened);
	if (answer->is_there && answer->ret != DICT_COMMIT_RET_FAILED) {
		kd_answer_free(answer);
		return 0;
	}
	*error_r = t_strdup_printf("The keyring %s could not be written: %s",
		dict->store.name, answer->error == NULL ?
		"the dict does not say why; not every driver can write" :
		answer->error);
	if (answer->is_there)
		kd_answer_free(answer);
	else
		answer->is_abandoned = TRUE;
	return -1;
}

/* Set the value, or remove it where it is NULL. */
static int
kd_write(struct dict_keystore *dict, const char *value, const char **error_r)
{
	struct dict_transaction_context *trans;
	struct dict_op_settings set;
	struct dict *opened = kd_open(dict, &set, error_r);
	int ret;

	if (opened == NULL)
		return -1;
	trans = dict_transaction_begin(opened, &set);
	if (value != NULL)
		dict_set(trans, DICT_KEY, value);
	else
		dict_unset(trans, DICT_KEY);
	ret = kd_commit(dict, opened, trans, error_r);
	dict_deinit(&opened);
	return ret;
}

static int
kd_store(struct roost_keystore *store, bool is_new ATTR_UNUSED,
	 const char *doc, size_t len, const char **error_r)
{
	return kd_write(kd_of(store), t_strndup(doc, len), error_r);
}

static void
kd_settle(struct roost_keystore *store ATTR_UNUSED)
{
}

static int
kd_put_back(struct roost_keystore *store, const buffer_t *old,
	    const char **error_r)
{
	return kd_write(kd_of(store), old == NULL ? NULL :
			t_strndup(old->data, old->used), error_r);
}

static int
kd_remove(struct roost_keystore *store, const char **error_r)
{
	return kd_write(kd_of(store), NULL, error_r);
}

const struct roost_keystore_vfuncs roost_keystore_dict = {
	.scheme = "dict:",
	.makes_once = FALSE,
	.init = kd_init,
	.deinit = kd_deinit,
	.load = kd_load,
	.has_old = kd_has_old,
	.lock = kd_lock,
	.unlock = kd_unlock,
	.store = kd_store,
	.settle = kd_settle,
	.put_back = kd_put_back,
	.remove = kd_remove,
};
