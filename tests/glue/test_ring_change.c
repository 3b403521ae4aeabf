/* SPDX-License-Identifier: MIT */
/*
 * test_ring_change: a stored keyring that is to get another policy or another
 * owner stays as it is, whatever goes wrong on the way.
 *
 * Contains ring-change.c and ring-rebind.c, whose store is another process's
 * prey.
 */
#include "session/ring-change.h"
#include "session/ring-rebind.h"

#include "roost/bytes.h"
#include "roost/secret.h"

#include "test-common.h"

#include "kit.h"

#include <stdio.h>
#include <unistd.h>

#define GENERATION_LAST ((UINT64_C(1) << 53) - 1)

static struct {
	bool fails_to_lock;
	unsigned int loads, failing_load;	/* from 1; 0 for none */
	unsigned int changing_load;		/* before which it changes */
	void (*change)(void);
} other;

static int
store_lock(struct roost_keystore *keystore, const char **error_r)
{
	if (other.fails_to_lock) {
		*error_r = "it is locked";
		return -1;
	}
	return roost_keystore_lock(keystore, error_r);
}

static int
store_load(struct roost_keystore *keystore, buffer_t *doc_r,
	   const char **error_r)
{
	if (++other.loads == other.failing_load) {
		*error_r = "it fails";
		return -1;
	}
	if (other.loads == other.changing_load)
		other.change();
	return roost_keystore_load(keystore, doc_r, error_r);
}

#define roost_keystore_lock store_lock
#define roost_keystore_load store_load
#include "session/ring-change.c"
#include "session/ring-rebind.c"
#undef roost_keystore_lock
#undef roost_keystore_load

static struct roost_keystore *store;
static struct roost_config_secrets secrets;
static struct roost_config config = {
	.provider_key_count = 1, .secrets = &secrets,
};
static const struct roost_keystore_owner nobody;

static const char *text_of_another;

/* -- the keyring -- */

static const char *
stored(void)
{
	buffer_t *doc = t_buffer_create(4096);
	const char *error;

	if (roost_keystore_load(store, doc, &error) < 0)
		i_fatal("%s", error);
	return t_strndup(doc->data, doc->used);
}

static void
put(const char *text)
{
	const char *path = roost_keystore_path(store);
	FILE *file = fopen(path, "w");

	i_assert(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* alice's, in a new folder, in provider mode. */
static struct roost_ring *
ring_make(const char **dir_r)
{
	struct roost_ring_create create = {
		.owner = "alice", .config = &config,
		.policy = ROOST_POLICY_SEALED,
	};
	struct roost_ring *ring;
	const char *error;
	bool was_made;

	*dir_r = kit_folder();
	i_zero(&other);
	memset(secrets.provider_keys, 7, sizeof(secrets.provider_keys));
	store = roost_keystore_init(t_strconcat("file:", *dir_r, "/keyring",
						NULL), &nobody, &error);
	i_assert(store != NULL);
	if (roost_ring_create(store, &create, &ring, &was_made, &error) < 0)
		i_fatal("%s", error);
	return ring;
}

static void
ring_end(const char *dir, struct roost_ring **ring)
{
	roost_ring_free(ring);
	roost_keystore_deinit(&store);
	kit_folder_free(dir);
}

/* Another number of its generation, rightly signed. */
static void
set_generation(uint64_t generation)
{
	struct roost_keyring *kr = i_new(struct roost_keyring, 1);
	char *doc = i_malloc(ROOST_KEYRING_DOC_MAX + 1);
	const char *text = stored();
	uint8_t host_key[ROOST_KEY_SIZE];
	unsigned int line;
	size_t len;

	if (roost_keyring_parse(text, strlen(text), kr, &line) != ROOST_OK ||
	    roost_keyring_open_host(kr, NULL, secrets.provider_keys, 1,
				    host_key) != ROOST_OK)
		i_unreached();
	kr->generation = generation;
	if (roost_keyring_sign_provider(kr, host_key) != ROOST_OK ||
	    roost_keyring_write(kr, doc, &len) != ROOST_OK)
		i_unreached();
	put(t_strndup(doc, len));
	i_free(doc);
	i_free(kr);
}

/* -- what may go wrong -- */

static int
change(const struct roost_ring *ring, const char **error_r)
{
	*error_r = "";
	other.loads = 0;
	return roost_ring_change_policy(ring, store, &config,
					ROOST_POLICY_OPEN, error_r);
}

static int
rebind(const char *owner, bool is_dry, const char **error_r)
{
	struct roost_rebind rebind;

	*error_r = "";
	other.loads = 0;
	return roost_ring_rebind(store, owner, &config, is_dry, &rebind,
				 error_r);
}

static void
damage(void)
{
	put("no keyring\n");
}

static void
test_change_of_policy(void)
{
	const char *dir, *error, *before;
	struct roost_ring *ring = ring_make(&dir);

	test_begin("a policy that cannot be changed stays");
	before = stored();
	other.fails_to_lock = TRUE;
	test_assert(change(ring, &error) == -1);
	test_assert_strcmp(error, "it is locked");
	other.fails_to_lock = FALSE;
	other.failing_load = 1;
	test_assert(change(ring, &error) == -1);
	test_assert_strcmp(error, "it fails");
	other.failing_load = 0;
	secrets.provider_keys[0] = 8;
	test_assert(change(ring, &error) == -1);
	test_assert(strstr(error, "Cannot change the keyring") != NULL &&
		    strstr(error, "[provider-key]") != NULL);
	secrets.provider_keys[0] = 7;
	test_assert_strcmp(stored(), before);
	damage();
	test_assert(change(ring, &error) == -1);
	test_assert(strstr(error, "[doc-") != NULL);
	test_assert_strcmp(stored(), "no keyring\n");
	put(before);
	/* A later one would be refused by every reader. */
	set_generation(GENERATION_LAST);
	before = stored();
	test_assert(change(ring, &error) == -1);
	test_assert(strstr(error, "[limit]") != NULL);
	test_assert_strcmp(stored(), before);
	set_generation(GENERATION_LAST - 1);
	test_assert(change(ring, &error) == 1);
	test_assert(strstr(stored(), "\npolicy open\n") != NULL);
	test_assert(change(ring, &error) == 0);
	ring_end(dir, &ring);
	test_end();
}

static void
test_rebind(void)
{
	const char *dir, *error, *before;
	struct roost_ring *ring = ring_make(&dir);

	test_begin("an owner that cannot be exchanged stays");
	before = stored();
	other.fails_to_lock = TRUE;
	test_assert(rebind("bob", FALSE, &error) == -1);
	test_assert_strcmp(error, "it is locked");
	other.fails_to_lock = FALSE;
	other.failing_load = 1;
	test_assert(rebind("bob", FALSE, &error) == -1);
	test_assert_strcmp(error, "it fails");
	other.failing_load = 0;
	test_assert(rebind("", TRUE, &error) == -1);
	test_assert(strstr(error, "[limit]") != NULL);
	set_generation(GENERATION_LAST);
	test_assert(rebind("bob", FALSE, &error) == -1);
	test_assert(strstr(error, "[limit]") != NULL);
	set_generation(GENERATION_LAST - 1);
	before = stored();
	test_assert(rebind("bob", TRUE, &error) == 1);
	test_assert_strcmp(stored(), before);
	test_assert(rebind("bob", FALSE, &error) == 1);
	test_assert(strstr(stored(), "\nowner bob\n") != NULL);
	test_assert(rebind("bob", FALSE, &error) == 0);
	ring_end(dir, &ring);
	test_end();
}

static void
put_another(void)
{
	put(text_of_another);
}

static void
test_another_keyring(void)
{
	const char *dir, *error;
	struct roost_ring *ring = ring_make(&dir);

	test_begin("only the keyring that was looked at gets another owner");
	text_of_another = stored();
	ring_end(dir, &ring);
	ring = ring_make(&dir);
	other.changing_load = 1;
	other.change = put_another;
	test_assert(rebind("bob", FALSE, &error) == -1);
	test_assert(strstr(error, "[other-keyring]") != NULL);
	test_assert_strcmp(stored(), text_of_another);
	ring_end(dir, &ring);
	test_end();
}

static void
lose(void)
{
	if (unlink(roost_keystore_path(store)) < 0)
		i_error("unlink() failed: %m");
}

static void
test_no_keyring(void)
{
	const char *dir, *error;
	struct roost_ring *ring = ring_make(&dir);

	test_begin("where there is no keyring, none gets another owner");
	lose();
	test_assert(rebind("bob", FALSE, &error) == -1);
	test_assert(strstr(error, "There is no keyring") != NULL);
	ring_end(dir, &ring);
	test_end();
}

int
main(void)
{
	static void (*const tests[])(void) = {
		test_change_of_policy,
		test_rebind,
		test_another_keyring,
		test_no_keyring,
		NULL
	};

	return kit_run(tests);
}
