/* SPDX-License-Identifier: MIT */
/*
 * test_keystore: the promises of keystore.h, on a store in memory that
 * another process writes to and that does not always hold what it was given.
 */
#include "session/keystore-private.h"

#include "test-common.h"

static struct fake {
	struct roost_keystore store;
	const char *doc;		/* NULL: there is none */
	const char *held;		/* what it keeps of what is stored */
	bool fails_to_load;
	bool is_lost;			/* once it was stored */
	unsigned int stores, settled;
	bool was_new;
} fake;

static struct roost_keystore *
fake_init(const char *rest ATTR_UNUSED,
	  const struct roost_keystore_owner *owner ATTR_UNUSED,
	  const char **error_r ATTR_UNUSED)
{
	i_zero(&fake);
	fake.store.v = &roost_keystore_file;
	fake.store.name = i_strdup("the fake");
	return &fake.store;
}

static void
fake_deinit(struct roost_keystore *store ATTR_UNUSED)
{
}

static int
fake_load(struct roost_keystore *store ATTR_UNUSED, buffer_t *doc_r,
	  const char **error_r)
{
	if (fake.fails_to_load) {
		*error_r = "it fails";
		return -1;
	}
	if (fake.doc == NULL)
		return 0;
	buffer_append(doc_r, fake.doc, strlen(fake.doc));
	return 1;
}

static int
fake_lock(struct roost_keystore *store ATTR_UNUSED,
	  const char **error_r ATTR_UNUSED)
{
	return 0;
}

static void
fake_unlock(struct roost_keystore *store ATTR_UNUSED)
{
}

static int
fake_store(struct roost_keystore *store ATTR_UNUSED, bool is_new,
	   const char *doc, size_t len, const char **error_r ATTR_UNUSED)
{
	fake.stores++;
	fake.was_new = is_new;
	fake.doc = fake.held != NULL ? fake.held : t_strndup(doc, len);
	fake.fails_to_load = fake.is_lost;
	return 0;
}

static void
fake_settle(struct roost_keystore *store ATTR_UNUSED)
{
	fake.settled++;
}

const struct roost_keystore_vfuncs roost_keystore_file = {
	.scheme = "file:",
	.init = fake_init,
	.deinit = fake_deinit,
	.load = fake_load,
	.lock = fake_lock,
	.unlock = fake_unlock,
	.store = fake_store,
	.settle = fake_settle,
};

/* What roost_keystore_store() answers to "replace old by doc". */
static int
store(struct roost_keystore *keystore, const char *old, const char *doc,
      const char **error_r)
{
	buffer_t *bytes = t_buffer_create(64);

	*error_r = NULL;
	if (old != NULL)
		buffer_append(bytes, old, strlen(old));
	return roost_keystore_store(keystore, old == NULL ? NULL : bytes, doc,
				    strlen(doc), error_r);
}

static struct roost_keystore *
locked(void)
{
	static const struct roost_keystore_owner nobody;
	const char *error;
	struct roost_keystore *keystore =
		roost_keystore_init("file:x", &nobody, &error);

	i_assert(keystore != NULL);
	i_assert(roost_keystore_lock(keystore, &error) == 0);
	return keystore;
}

static void
test_store_replaces_what_was_read(void)
{
	struct roost_keystore *keystore = locked();
	const char *error;

	test_begin("a document replaces the one that was read");
	test_assert(store(keystore, NULL, "first", &error) == 1);
	test_assert(fake.was_new && fake.settled == 1);
	test_assert_strcmp(fake.doc, "first");
	test_assert(store(keystore, "first", "second", &error) == 1);
	test_assert(!fake.was_new && fake.settled == 2);
	test_assert_strcmp(fake.doc, "second");
	test_end();
	roost_keystore_deinit(&keystore);
}

static void
test_store_replaces_nothing_else(void)
{
	static const char *const others[][2] = {
		/* there, thought to be there */
		{ "second", "first" }, { "firs", "first" },
		{ "first ", "first" }, { "first", NULL }, { NULL, "first" },
	};
	struct roost_keystore *keystore = locked();
	const char *error;
	unsigned int i;

	test_begin("a document replaces none that was not read");
	for (i = 0; i < N_ELEMENTS(others); i++) {
		fake.doc = others[i][0];
		test_assert_idx(store(keystore, others[i][1], "new",
				      &error) == 0, i);
		test_assert_idx(fake.doc == others[i][0], i);
	}
	fake.fails_to_load = TRUE;
	test_assert(store(keystore, NULL, "new", &error) == -1);
	test_assert(fake.stores == 0 && fake.settled == 0);
	test_end();
	roost_keystore_deinit(&keystore);
}

static void
test_store_is_read_back(void)
{
	static const char *const held[] = { "", "wha", "whatever", "whaT" };
	struct roost_keystore *keystore = locked();
	const char *error;
	unsigned int i;

	test_begin("what a store does not hold was not stored");
	for (i = 0; i < N_ELEMENTS(held); i++) {
		fake.doc = NULL;
		fake.held = held[i];
		test_assert_idx(store(keystore, NULL, "what", &error) == -1,
				i);
		test_assert_idx(error != NULL &&
				strstr(error, "does not hold") != NULL, i);
	}
	test_assert(fake.stores == N_ELEMENTS(held) && fake.settled == 0);
	fake.doc = NULL;
	fake.held = NULL;
	fake.is_lost = TRUE;
	test_assert(store(keystore, NULL, "what", &error) == -1);
	test_assert_strcmp(error, "it fails");
	test_assert(fake.settled == 0);
	test_end();
	roost_keystore_deinit(&keystore);
}

int
main(void)
{
	static void (*const tests[])(void) = {
		test_store_replaces_what_was_read,
		test_store_replaces_nothing_else,
		test_store_is_read_back,
		NULL
	};

	return test_run(tests);
}
