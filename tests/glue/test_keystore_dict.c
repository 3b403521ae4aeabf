/* SPDX-License-Identifier: MIT */
/*
 * test_keystore_dict: a keyring in a dict that fails, cuts what it is given,
 * does not know what became of a write, or answers too late.
 *
 * Contains keystore-dict.c, whose dict is this program's.
 */
#include "session/keystore-private.h"

#include "str.h"
#include "strnum.h"
#include "test-common.h"

#include "dict.h"

#include "kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#define DOC "any document is one to the store\n"
#define NEXT "and this one follows\n"

static struct {
	char *value;		/* what is stored; NULL: nothing */
	int looked_up;		/* -1: a look-up fails */
	size_t room;		/* bytes that a value may have; the rest is
				   cut */
	enum dict_commit_ret answer;
	bool is_lost;		/* a write is not done */
	bool is_late;		/* it is answered after everybody left */
	bool is_closed;
	const char *path;	/* a file that holds the value instead */
	unsigned int opened, closed;
} db;

/* What was asked for in the transaction. */
static struct {
	const char *value;
	dict_transaction_commit_callback_t *callback;
	void *context;
} write_op;

static struct dict *
fake_open(const char *name, struct mail_user *user ATTR_UNUSED,
	  const char **error_r)
{
	test_assert_strcmp(name, "keys:password=hidden");
	if (db.is_closed) {
		*error_r = "nobody there";
		return NULL;
	}
	db.opened++;
	return POINTER_CAST(1);
}

static const char *
file_value(void)
{
	char bytes[64];
	int fd = open(db.path, O_RDONLY);
	ssize_t len = read(fd, bytes, sizeof(bytes) - 1);

	i_assert(len > 0);
	i_close_fd(&fd);
	return t_strndup(bytes, (size_t)len);
}

static void
file_store(const char *value)
{
	const char *temp = t_strdup_printf("%s.%ld", db.path, (long)getpid());
	int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL, 0600);

	i_assert(write(fd, value, strlen(value)) == (ssize_t)strlen(value));
	i_close_fd(&fd);
	i_assert(rename(temp, db.path) == 0);
}

static int
fake_lookup(struct dict *dict ATTR_UNUSED, const struct dict_op_settings *set,
	    pool_t pool, const char *key, const char **value_r,
	    const char **error_r)
{
	test_assert_strcmp(key, "priv/roost/keyring");
	test_assert_strcmp(set->username, "alice");
	if (db.looked_up < 0) {
		*error_r = "it fails";
		return -1;
	}
	if (db.path != NULL)
		*value_r = p_strdup(pool, file_value());
	else
		*value_r = p_strdup(pool, db.value);
	return *value_r == NULL ? 0 : 1;
}

static struct dict_transaction_context *
fake_begin(struct dict *dict ATTR_UNUSED,
	   const struct dict_op_settings *set)
{
	test_assert_strcmp(set->username, "alice");
	return POINTER_CAST(1);
}

static void
fake_set(struct dict_transaction_context *trans ATTR_UNUSED, const char *key,
	 const char *value)
{
	test_assert_strcmp(key, "priv/roost/keyring");
	write_op.value = value;
}

static void
fake_unset(struct dict_transaction_context *trans ATTR_UNUSED, const char *key)
{
	test_assert_strcmp(key, "priv/roost/keyring");
	write_op.value = NULL;
}

static void
fake_answer(void)
{
	struct dict_commit_result result = {
		.ret = db.answer,
		.error = db.answer < 0 ? "it fails" : NULL,
	};

	write_op.callback(&result, write_op.context);
}

static void
fake_commit(struct dict_transaction_context **trans,
	    dict_transaction_commit_callback_t *callback, void *context)
{
	*trans = NULL;
	write_op.callback = callback;
	write_op.context = context;
	if (db.path != NULL) {
		file_store(write_op.value);
	} else if (!db.is_lost) {
		i_free(db.value);
		if (write_op.value != NULL)
			db.value = i_strndup(write_op.value, db.room);
	}
}

static void
fake_wait(struct dict *dict ATTR_UNUSED)
{
	if (!db.is_late)
		fake_answer();
}

static void
fake_deinit(struct dict **dict)
{
	*dict = NULL;
	db.closed++;
}

#define roost_keydict_open fake_open
#define dict_lookup fake_lookup
#define dict_transaction_begin fake_begin
#define dict_set fake_set
#define dict_unset fake_unset
#undef dict_transaction_commit_async
#define dict_transaction_commit_async(trans, callback, context) \
	fake_commit(trans, (dict_transaction_commit_callback_t *)(callback), \
		    context)
#define dict_wait fake_wait
#define dict_deinit fake_deinit
#include "session/keystore-dict.c"

static struct roost_keystore *
store_init(const char *home)
{
	const struct roost_keystore_owner owner = {
		.name = "alice", .home = home, .user = POINTER_CAST(1),
	};
	const char *error;
	struct roost_keystore *store = roost_keystore_init(
		"dict:keys:password=hidden", &owner, &error);

	i_assert(store != NULL);
	i_free(db.value);
	i_zero(&db);
	db.room = 1 << 20;
	db.answer = DICT_COMMIT_RET_OK;
	return store;
}

static struct roost_keystore *
store_locked(const char *home)
{
	struct roost_keystore *store = store_init(home);
	const char *error;

	if (roost_keystore_lock(store, &error) < 0)
		i_fatal("%s", error);
	return store;
}

/* What "replace old by doc" answers. */
static int
replace(struct roost_keystore *store, const char *old, const char *doc,
	const char **error_r)
{
	buffer_t *bytes = t_buffer_create(64);

	*error_r = "";
	if (old != NULL)
		buffer_append(bytes, old, strlen(old));
	return roost_keystore_store(store, old == NULL ? NULL : bytes, doc,
				    strlen(doc), error_r);
}

static void
test_stored(void)
{
	const char *dir = kit_folder(), *error;
	struct roost_keystore *store = store_locked(dir);
	buffer_t *doc = t_buffer_create(64);

	test_begin("a document is stored, replaced and removed");
	test_assert_strcmp(roost_keystore_name(store), "dict:keys of alice");
	test_assert(!roost_keystore_makes_once(store));
	test_assert(roost_keystore_load(store, doc, &error) == 0);
	test_assert(replace(store, NULL, DOC, &error) == 1);
	test_assert(replace(store, NULL, NEXT, &error) == 0);
	test_assert(replace(store, DOC, NEXT, &error) == 1);
	test_assert(replace(store, DOC, DOC, &error) == 0);
	test_assert_strcmp(db.value, NEXT);
	test_assert(roost_keystore_load(store, doc, &error) == 1);
	test_assert(doc->used == strlen(NEXT) &&
		    memcmp(doc->data, NEXT, doc->used) == 0);
	test_assert(roost_keystore_remove(store, doc, &error) == 1);
	test_assert(db.value == NULL);
	test_assert(db.opened > 0 && db.opened == db.closed);
	test_end();
	roost_keystore_deinit(&store);
	kit_folder_free(dir);
}

static void
test_nothing_is_no_answer(void)
{
	struct roost_keystore *store = store_init(NULL);
	buffer_t *doc = t_buffer_create(64);
	const char *error = "";

	test_begin("that there is none is said by the dict alone");
	db.looked_up = -1;
	test_assert(roost_keystore_load(store, doc, &error) == -1);
	test_assert(strstr(error, "it fails") != NULL);
	db.looked_up = 0;
	db.value = i_strdup("");
	test_assert(roost_keystore_load(store, doc, &error) == -1);
	test_assert(strstr(error, "empty value") != NULL);
	db.is_closed = TRUE;
	test_assert(roost_keystore_load(store, doc, &error) == -1);
	test_assert(strstr(error, "nobody there") != NULL);
	test_assert(doc->used == 0 && db.opened == db.closed);
	test_end();
	roost_keystore_deinit(&store);
}

static void
test_too_long(void)
{
	struct roost_keystore *store = store_init(NULL);
	buffer_t *doc = t_buffer_create(64);
	const char *error = "";

	test_begin("a value that is no document by its size");
	db.value = i_malloc(ROOST_KEYRING_DOC_MAX + 2);
	memset(db.value, 'x', ROOST_KEYRING_DOC_MAX);
	test_assert(roost_keystore_load(store, doc, &error) == 1);
	test_assert(doc->used == ROOST_KEYRING_DOC_MAX);
	db.value[ROOST_KEYRING_DOC_MAX] = 'x';
	test_assert(roost_keystore_load(store, doc, &error) == -1);
	test_assert(doc->used == 0);
	test_end();
	roost_keystore_deinit(&store);
}

static void
test_what_became_of_a_write(void)
{
	const char *dir = kit_folder(), *error;
	struct roost_keystore *store = store_locked(dir);

	test_begin("what became of a write is what is read");
	db.answer = DICT_COMMIT_RET_FAILED;
	db.is_lost = TRUE;
	test_assert(replace(store, NULL, DOC, &error) == -1);
	test_assert(strstr(error, "it fails") != NULL);
	db.answer = DICT_COMMIT_RET_WRITE_UNCERTAIN;
	test_assert(replace(store, NULL, DOC, &error) == -1);
	test_assert(strstr(error, "does not hold") != NULL);
	db.is_lost = FALSE;
	test_assert(replace(store, NULL, DOC, &error) == 1);
	db.answer = DICT_COMMIT_RET_OK;
	db.is_lost = TRUE;
	test_assert(replace(store, DOC, NEXT, &error) == -1);
	test_assert(strstr(error, "does not hold") != NULL);
	test_assert_strcmp(db.value, DOC);
	test_end();
	roost_keystore_deinit(&store);
	kit_folder_free(dir);
}

static void
test_late_answer(void)
{
	const char *dir = kit_folder(), *error;
	struct roost_keystore *store = store_locked(dir);

	test_begin("an answer that comes when nobody waits is dropped");
	db.is_late = db.is_lost = TRUE;
	db.answer = DICT_COMMIT_RET_FAILED;
	test_assert(replace(store, NULL, DOC, &error) == -1);
	test_assert(strstr(error, "not every driver") != NULL);
	fake_answer();
	test_end();
	roost_keystore_deinit(&store);
	kit_folder_free(dir);
}

static void
test_cut(void)
{
	const char *dir = kit_folder(), *error;
	struct roost_keystore *store = store_locked(dir);

	test_begin("a dict that cuts what it is given gets back what it had");
	db.room = strlen(DOC) - 4;
	test_assert(replace(store, NULL, DOC, &error) == -1);
	test_assert(strstr(error, "was put back") != NULL);
	test_assert(db.value == NULL);
	test_assert(replace(store, NULL, NEXT, &error) == 1);
	test_assert(replace(store, NEXT, DOC, &error) == -1);
	test_assert(strstr(error, "was put back") != NULL);
	test_assert_strcmp(db.value, NEXT);
	test_end();
	roost_keystore_deinit(&store);
	kit_folder_free(dir);
}

static void
test_lock(void)
{
	const char *dir = kit_folder(), *error = "";
	struct roost_keystore *store = store_locked(dir);
	int fd;

	test_begin("who changes a keyring holds a lock in the user's home");
	test_assert_strcmp(roost_keystore_path(store),
			   t_strconcat(dir, "/roost.dict", NULL));
	fd = open(t_strconcat(dir, "/roost.dict.lock", NULL), O_RDWR);
	test_assert(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0);
	roost_keystore_unlock(store);
	test_assert(flock(fd, LOCK_EX | LOCK_NB) == 0);
	i_close_fd(&fd);
	roost_keystore_deinit(&store);
	store = store_init(NULL);
	test_assert(roost_keystore_path(store) == NULL);
	test_assert(roost_keystore_lock(store, &error) == -1);
	test_assert(strstr(error, "home") != NULL);
	test_end();
	roost_keystore_deinit(&store);
	kit_folder_free(dir);
}

#define WRITERS 20
#define TIMES 5

/* Add one to the number that is stored, so many times. */
static void
count_up(const char *dir)
{
	struct roost_keystore *store = store_init(dir);
	buffer_t *doc = t_buffer_create(64);
	const char *error, *next;
	unsigned int i, number;

	db.path = t_strconcat(dir, "/value", NULL);
	for (i = 0; i < TIMES; i++) {
		if (roost_keystore_lock(store, &error) < 0 ||
		    roost_keystore_load(store, doc, &error) <= 0 ||
		    str_to_uint(str_c(doc), &number) < 0)
			_exit(1);
		next = t_strdup_printf("%u", number + 1);
		if (roost_keystore_replace(store, doc, next, strlen(next),
					   &error) < 0)
			_exit(1);
		roost_keystore_unlock(store);
	}
	_exit(0);
}

static void
test_writers(void)
{
	const char *dir = kit_folder();
	unsigned int i;
	pid_t pids[WRITERS];
	int status;

	test_begin("twenty writers at once lose no change");
	i_zero(&db);
	db.path = t_strconcat(dir, "/value", NULL);
	file_store("0");
	for (i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			count_up(dir);
	}
	for (i = 0; i < WRITERS; i++) {
		test_assert(waitpid(pids[i], &status, 0) == pids[i]);
		test_assert_idx(status == 0, i);
	}
	test_assert_strcmp(file_value(), t_strdup_printf("%u",
							 WRITERS * TIMES));
	db.path = NULL;
	test_end();
	kit_folder_free(dir);
}

int
main(void)
{
	static void (*const tests[])(void) = {
		test_stored, test_nothing_is_no_answer, test_too_long,
		test_what_became_of_a_write, test_late_answer, test_cut,
		test_lock, test_writers, NULL
	};
	int ret = kit_run(tests);

	i_free(db.value);
	return ret;
}
