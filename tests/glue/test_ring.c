/* SPDX-License-Identifier: MIT */
/*
 * test_ring: what a keyring in use keeps of the user's secret, and what is
 * told when one vanishes.
 *
 * Contains ring.c, to look at what it shows to nobody.
 */
#include "session/keystore.h"

#include "test-common.h"

#include "kit.h"

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
		t_strconcat("file:", dir, "/keyring", NULL), NULL, &error);

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
		t_strconcat("file:", dir, "/keyring", NULL), NULL, &error);

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
		test_vanished,
		test_message_of_another,
		NULL
	};

	return kit_run(tests);
}
