/* SPDX-License-Identifier: MIT */
/*
 * test_ring: what a keyring in use keeps of the user's secret, what binds it,
 * and what becomes of it when the stored one is replaced.
 *
 * Contains ring.c, to look at what it shows to nobody.
 */
#include "session/keystore.h"

#include "test-common.h"

#include "kit.h"

#include <fcntl.h>
#include <unistd.h>

static unsigned int loads, last_load;	/* before which it vanishes */

static int
store_load(struct roost_keystore *store, buffer_t *doc_r, const char **error_r)
{
	if (++loads == last_load)
		i_unlink(roost_keystore_path(store));
	return roost_keystore_load(store, doc_r, error_r);
}

#define roost_keystore_load store_load
#include "session/ring.c"

static struct roost_config_secrets secrets;
static struct roost_config config = {
	.provider_key_count = 1, .secrets = &secrets,
};
static const struct roost_keystore_owner nobody;

/* A keyring in password mode, loaded with a secret, or with none. */
static struct roost_ring *
ring_with(const char *dir, const uint8_t *secret)
{
	static const uint8_t right[ROOST_KEY_SIZE] = { 1, 2, 3 };
	struct roost_ring_create create = {
		.owner = "alice", .config = &config, .secret = right,
	};
	struct roost_ring *ring;
	const char *error;
	bool was_made;
	struct roost_keystore *store = roost_keystore_init(
		t_strconcat("file:", dir, "/keyring", NULL), &nobody, &error);

	memset(secrets.provider_keys, 7, sizeof(secrets.provider_keys));
	config.has_secret = secret != NULL;
	if (secret != NULL)
		memcpy(secrets.secret, secret, ROOST_KEY_SIZE);
	i_assert(store != NULL);
	if (roost_ring_create(store, &create, &ring, &was_made, &error) < 0)
		i_fatal("%s", error);
	roost_keystore_deinit(&store);
	return ring;
}

static bool
has_secret_in_memory(const struct roost_ring *ring)
{
	return !roost_bytes_are_zero(ring->secrets->user_secret,
				     ROOST_KEY_SIZE);
}

static void
test_secret_goes(void)
{
	static const uint8_t right[ROOST_KEY_SIZE] = { 1, 2, 3 };
	static const uint8_t wrong[ROOST_KEY_SIZE] = { 3, 2, 1 };
	const char *dir = kit_folder();
	struct roost_ring *ring = ring_with(dir, right);

	test_begin("the user's secret is wiped once it was used");
	test_assert(has_secret_in_memory(ring));
	test_assert(roost_ring_unlock(ring) == ROOST_OK);
	test_assert(!has_secret_in_memory(ring));
	test_assert(!roost_ring_is_locked(ring));
	roost_ring_free(&ring);
	ring = ring_with(dir, wrong);
	test_assert(has_secret_in_memory(ring));
	test_assert(roost_ring_unlock(ring) == ROOST_ERR_SLOT_AUTH);
	test_assert(!has_secret_in_memory(ring));
	roost_ring_free(&ring);
	ring = ring_with(dir, NULL);
	test_assert(roost_ring_unlock(ring) == ROOST_ERR_LOCKED);
	test_assert(!has_secret_in_memory(ring));
	roost_ring_free(&ring);
	kit_folder_free(dir);
	test_end();
}

/* What roost_config_init_owner() makes borrows the secrets of the visitor. */
static void
test_secret_of_another(void)
{
	static const uint8_t right[ROOST_KEY_SIZE] = { 1, 2, 3 };
	const char *dir = kit_folder();
	struct roost_ring *ring;

	test_begin("the secret of a visitor reaches no ring of the owner");
	memcpy(secrets.secret, right, sizeof(right));
	ring = ring_with(dir, NULL);
	test_assert(!has_secret_in_memory(ring));
	test_assert(roost_ring_unlock(ring) == ROOST_ERR_LOCKED);
	test_assert(!has_secret_in_memory(ring));
	roost_ring_free(&ring);
	kit_folder_free(dir);
	test_end();
}

static struct roost_keystore *
store_of(const char *dir)
{
	const char *error;
	struct roost_keystore *store = roost_keystore_init(
		t_strconcat("file:", dir, "/keyring", NULL), &nobody, &error);

	i_assert(store != NULL);
	return store;
}

/* A keyring in provider mode, in use. */
static struct roost_ring *
ring_in_use(struct roost_keystore *store)
{
	struct roost_ring_create create = {
		.owner = "alice", .config = &config,
		.policy = ROOST_POLICY_SEALED,
	};
	struct roost_ring *ring;
	const char *error;
	bool was_made;

	memset(secrets.provider_keys, 7, sizeof(secrets.provider_keys));
	config.has_secret = FALSE;
	if (roost_ring_create(store, &create, &ring, &was_made, &error) < 0)
		i_fatal("%s", error);
	return ring;
}

static void
put(struct roost_keystore *store, const void *doc, size_t len)
{
	int fd = open(roost_keystore_path(store),
		      O_WRONLY | O_CREAT | O_TRUNC, 0600);

	i_assert(fd >= 0 && write(fd, doc, len) == (ssize_t)len);
	i_close_fd(&fd);
}

/* The ring's document as another process changes it. */
static void
put_changed(struct roost_keystore *store, const struct roost_ring *ring,
	    enum roost_policy policy, uint64_t generation)
{
	struct roost_keyring doc = *roost_ring_doc(ring);
	char *text = t_malloc_no0(ROOST_KEYRING_DOC_MAX);
	uint8_t host_key[ROOST_KEY_SIZE];
	size_t len;

	i_assert(roost_keyring_open_host(&doc, "alice", secrets.provider_keys,
					 1, host_key) == ROOST_OK);
	doc.policy = policy;
	doc.generation = generation;
	i_assert(roost_keyring_sign_provider(&doc, host_key) == ROOST_OK);
	i_assert(roost_keyring_write(&doc, text, &len) == ROOST_OK);
	put(store, text, len);
}

/* Is the ring refused with this word, and as it was? */
static bool
stays(struct roost_ring *ring, struct roost_keystore *store, const char *word)
{
	const struct roost_keyring before = *roost_ring_doc(ring);
	const char *error = "";

	return roost_ring_renew(ring, store, "alice", &config, &error) == -1 &&
		strstr(error, word) != NULL &&
		memcmp(&before, roost_ring_doc(ring), sizeof(before)) == 0;
}

static void
test_replaced(void)
{
	const char *dir = kit_folder(), *elsewhere = kit_folder(), *error;
	struct roost_keystore *store = store_of(dir);
	struct roost_keystore *other_store = store_of(elsewhere);
	struct roost_ring *ring = ring_in_use(store);
	struct roost_ring *other = ring_in_use(other_store);
	unsigned int count = roost_ring_seal_count(ring);
	const struct roost_open_key *keys;

	test_begin("a ring follows what is stored, or is refused");
	test_assert(roost_ring_unlock(ring) == ROOST_OK);
	keys = ring->open_keys;
	test_assert(roost_ring_renew(ring, store, "alice", &config,
				     &error) == 0);
	put_changed(store, ring, ROOST_POLICY_OPEN, 2);
	test_assert(roost_ring_renew(ring, store, "alice", &config,
				     &error) == 0);
	test_assert(roost_ring_policy(ring) == ROOST_POLICY_OPEN);
	test_assert(roost_ring_doc(ring)->generation == 2);
	/* Its keys are what they were: nobody is locked out. */
	test_assert(ring->open_keys == keys);
	test_assert(roost_ring_seal_count(ring) == count);
	put_changed(store, ring, ROOST_POLICY_SEALED, 1);
	test_assert(stays(ring, store, "an older one was put back"));
	put(store, other->stored->data, other->stored->used);
	test_assert(stays(ring, store, "another one stands in its place"));
	put(store, "garbage\n", 8);
	test_assert(stays(ring, store, "line 1; restore it from a backup"));
	i_unlink(roost_keystore_path(store));
	test_assert(stays(ring, store, "vanished while it was in use"));
	put_changed(store, ring, ROOST_POLICY_SEALED, 3);
	test_assert(roost_ring_renew(ring, store, "alice", &config,
				     &error) == 0);
	test_assert(roost_ring_policy(ring) == ROOST_POLICY_SEALED);
	roost_ring_free(&ring);
	roost_ring_free(&other);
	roost_keystore_deinit(&store);
	roost_keystore_deinit(&other_store);
	kit_folder_free(dir);
	kit_folder_free(elsewhere);
	test_end();
}

/* What is told where a keyring is loaded with these pins; "" if it is. */
static const char *
load_with(struct roost_keystore *store, const char *owner,
	  const struct roost_config *pins)
{
	struct roost_ring *ring;
	const char *error = "there is none";
	int ret = roost_ring_load(store, owner, pins, &ring, &error);

	i_assert((ret > 0) == (ring != NULL));
	roost_ring_free(&ring);
	return ret > 0 ? "" : error;
}

static void
test_pins(void)
{
	const char *dir = kit_folder(), *error = "";
	struct roost_keystore *store = store_of(dir);
	struct roost_ring *ring;
	struct roost_config pins;
	uint8_t ids[2 * ROOST_ID_SIZE] = { 1 };

	test_begin("a keyring that something pinned forbids is not loaded");
	ring = ring_in_use(store);
	pins = config;
	test_assert_strcmp(load_with(store, "alice", &pins), "");
	test_assert_strcmp(load_with(store, NULL, &pins), "");
	test_assert(strstr(load_with(store, "bob", &pins),
			   "made for the user name alice, and this is bob") !=
		    NULL);
	test_assert(strstr(load_with(store, "ns:Public/@x", &pins),
			   "doveadm roost rebind with the namespace's") !=
		    NULL);
	pins.keyring_ids = ids;
	pins.keyring_ids_setting = "roost_keyring_id";
	pins.keyring_id_count = 1;
	test_assert(strstr(load_with(store, "alice", &pins),
			   "not the one that roost_keyring_id") != NULL);
	memcpy(ids + ROOST_ID_SIZE, roost_ring_doc(ring)->id, ROOST_ID_SIZE);
	pins.keyring_id_count = 2;
	test_assert_strcmp(load_with(store, "alice", &pins), "");
	pins = config;
	pins.generation_min = 2;
	test_assert(strstr(load_with(store, "alice", &pins),
			   "below roost_generation_min") != NULL);
	pins = config;
	pins.mode = ROOST_MODE_PASSWORD;
	test_assert(strstr(load_with(store, "alice", &pins),
			   "it is in provider mode") != NULL);
	pins = config;
	pins.has_policy = TRUE;
	pins.policy = ROOST_POLICY_SEALED;
	put_changed(store, ring, ROOST_POLICY_OPEN, 2);
	test_assert(roost_ring_renew(ring, store, "alice", &pins,
				     &error) == 0);
	test_assert(roost_ring_policy(ring) == ROOST_POLICY_SEALED);
	test_assert(roost_ring_doc(ring)->policy == ROOST_POLICY_OPEN);
	memset(secrets.provider_keys, 8, sizeof(secrets.provider_keys));
	test_assert(strstr(load_with(store, "alice", &config),
			   "name its provider key in roost_provider_old_key")
		    != NULL);
	roost_ring_free(&ring);
	roost_keystore_deinit(&store);
	kit_folder_free(dir);
	test_end();
}

static void
test_sealing(void)
{
	const char *dir = kit_folder(), *error = "";
	struct roost_keystore *store = store_of(dir);
	struct roost_ring *ring;

	test_begin("nothing is sealed to what would not open");
	ring = ring_in_use(store);
	test_assert(roost_ring_check_seal(ring, &error) == 0);
	roost_ring_free(&ring);
	i_unlink(roost_keystore_path(store));
	/* A password keyring is locked for a delivery, and right. */
	ring = ring_with(dir, NULL);
	test_assert(roost_ring_check_seal(ring, &error) == 0);
	test_assert(roost_ring_unlock(ring) == ROOST_ERR_LOCKED);
	test_assert(roost_ring_check_seal(ring, &error) == 0);
	test_assert(roost_ring_cache_aead(ring) == NULL);
	ring->is_unproven = TRUE;
	test_assert(roost_ring_check_seal(ring, &error) == -1);
	test_assert(strstr(error, "set roost_keyring_id to the id") != NULL);
	roost_ring_free(&ring);
	roost_keystore_deinit(&store);
	kit_folder_free(dir);
	test_end();
}

/* The oldest goes, and what is forgotten leaves no key of zeros behind. */
static void
test_remembered(void)
{
	const char *dir = kit_folder();
	struct roost_keystore *store = store_of(dir);
	struct roost_ring *ring = ring_in_use(store);
	uint8_t id[ROOST_ID_SIZE] = { 0 }, key[ROOST_KEY_SIZE] = { 9 };
	unsigned int i;

	test_begin("the data keys of 64 messages are remembered");
	for (i = 0; i <= REMEMBERED_MAX; i++) {
		id[0] = (uint8_t)(i + 1);
		roost_ring_remember(ring, id, key);
		roost_ring_remember(ring, id, key);
	}
	test_assert(ring->remembered_count == REMEMBERED_MAX);
	id[0] = 1;
	test_assert(!roost_ring_forget(ring, id));
	id[0] = 2;
	test_assert(roost_ring_forget(ring, id));
	test_assert(!roost_ring_forget(ring, id));
	memset(id, 0, sizeof(id));
	test_assert(!roost_ring_forget(ring, id));
	roost_ring_free(&ring);
	roost_keystore_deinit(&store);
	kit_folder_free(dir);
	test_end();
}

static void
test_vanished(void)
{
	const char *dir = kit_folder(), *error = NULL;
	struct roost_ring_create create = {
		.owner = "alice", .config = &config,
	};
	struct roost_ring *ring;
	bool was_made;
	struct roost_keystore *store = roost_keystore_init(
		t_strconcat("file:", dir, "/keyring", NULL), &nobody, &error);

	test_begin("a keyring that is not made or vanishes is not there");
	i_assert(store != NULL);
	loads = 0;
	last_load = 2;
	test_assert(roost_ring_create(store, &create, &ring, &was_made,
				      &error) == -1);
	test_assert(ring == NULL);
	test_assert(error != NULL && strstr(error, "vanished") != NULL);
	last_load = 0;
	create.owner = "";
	test_assert(roost_ring_create(store, &create, &ring, &was_made,
				      &error) == -1);
	test_assert(strstr(error, "Cannot make the keyring") != NULL);
	create.owner = "alice";
	config.provider_key_count = 0;
	test_assert(roost_ring_create(store, &create, &ring, &was_made,
				      &error) == -1);
	test_assert(strstr(error, roost_err_phrase(ROOST_ERR_PROVIDER_KEY)) !=
		    NULL);
	test_assert(access(roost_keystore_path(store), F_OK) < 0);
	config.provider_key_count = 1;
	roost_keystore_deinit(&store);
	kit_folder_free(dir);
	test_end();
}

/* Its stanza is not asked then: the ring alone tells whose message it is. */
static void
test_message_of_another(void)
{
	static const uint8_t data_key[ROOST_KEY_SIZE] = { 4, 5, 6 };
	const char *dir = kit_folder();
	struct roost_ring *ring = ring_with(dir, NULL);
	uint8_t keyring_id[ROOST_ID_SIZE], object_id[ROOST_ID_SIZE] = { 1 };
	struct roost_header header = {
		.keyring_id = keyring_id, .object_id = object_id
	};
	uint8_t found[ROOST_KEY_SIZE];

	test_begin("a remembered key is for messages of its keyring alone");
	memcpy(keyring_id, roost_ring_doc(ring)->id, ROOST_ID_SIZE);
	roost_ring_remember(ring, header.object_id, data_key);
	test_assert(roost_ring_data_key(ring, &header, found) == ROOST_OK);
	test_assert(memcmp(found, data_key, sizeof(found)) == 0);
	keyring_id[0] ^= 1;
	test_assert(roost_ring_data_key(ring, &header, found) ==
		    ROOST_ERR_OTHER_KEYRING);
	test_assert(roost_bytes_are_zero(found, sizeof(found)));
	roost_ring_free(&ring);
	kit_folder_free(dir);
	test_end();
}

int
main(void)
{
	static void (*const tests[])(void) = {
		test_secret_goes,
		test_secret_of_another,
		test_replaced,
		test_pins,
		test_sealing,
		test_remembered,
		test_vanished,
		test_message_of_another,
		NULL
	};

	return kit_run(tests);
}
