/* SPDX-License-Identifier: MIT */
/*
 * test_ring: what a keyring in use keeps of the user's secret, what binds it,
 * and what becomes of it when the stored one is replaced.
 *
 * Contains ring.c, to look at what it shows to nobody, and ring-create.c, to
 * have a keyring vanish while one is made.
 */
#include "session/keystore.h"

#include "lib-event-private.h"
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
#include "session/ring-create.c"

static struct roost_config_secrets secrets;
static struct roost_config config = {
	.provider_key_count = 1, .secrets = &secrets,
	.argon2 = { .t = 1, .m_kib = 8192 },
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

/* -- rotation -- */

static const uint8_t secret_before[ROOST_KEY_SIZE] = { 1, 2, 3 };
static const uint8_t secret_after[ROOST_KEY_SIZE] = { 4, 5, 6 };

/* A document, its keys, and what becomes of it. */
struct edit {
	struct roost_keyring doc;
	uint8_t host_key[ROOST_KEY_SIZE], master[ROOST_KEY_SIZE];
};

static void
add_app(struct edit *edit, const uint8_t *secret)
{
	struct roost_slot_new slot = {
		.type = ROOST_SLOT_APP, .now = 2, .secret = secret,
	};

	i_assert(roost_keyring_add_slot(&edit->doc, edit->host_key,
					edit->master, &slot) == ROOST_OK);
}

static void
edit_epoch(struct edit *edit)
{
	i_assert(roost_keyring_add_epoch(&edit->doc, edit->host_key,
					 edit->master, 2) == ROOST_OK);
}

/* The password is another one: what is left does not open by the old. */
static void
edit_secret(struct edit *edit)
{
	add_app(edit, secret_after);
	i_assert(roost_keyring_remove_slot(&edit->doc, 1) == ROOST_OK);
}

static void
new_master(struct edit *edit, const uint8_t *secret)
{
	uint8_t master[ROOST_KEY_SIZE];

	i_assert(roost_keyring_change_master(&edit->doc, edit->master,
					     master) == ROOST_OK);
	memcpy(edit->master, master, sizeof(master));
	edit_epoch(edit);
	add_app(edit, secret);
}

static void
edit_master(struct edit *edit)
{
	new_master(edit, secret_after);
}

static void
edit_master_at_hand(struct edit *edit)
{
	new_master(edit, secret_before);
}

/* Change what is stored, as the owner's other session does; by is a secret that
   opens it now. */
static void
put_edited(struct roost_keystore *store, const uint8_t *by,
	   void (*change)(struct edit *edit))
{
	struct edit *edit = i_new(struct edit, 1);
	buffer_t *doc = t_buffer_create(4096);
	char *text = t_malloc_no0(ROOST_KEYRING_DOC_MAX);
	const char *error;
	unsigned int line;
	size_t len;

	i_assert(roost_keystore_load(store, doc, &error) == 1);
	i_assert(roost_keyring_parse(doc->data, doc->used, &edit->doc,
				     &line) == ROOST_OK);
	i_assert(roost_keyring_open_host(&edit->doc, "alice",
					 secrets.provider_keys, 1,
					 edit->host_key) == ROOST_OK);
	i_assert(roost_keyring_unlock_secret(&edit->doc, edit->host_key, by,
					     &roost_slot_argon2_server,
					     edit->master) == ROOST_OK);
	change(edit);
	i_assert(roost_keyring_next_generation(&edit->doc) == ROOST_OK);
	i_assert(roost_keyring_sign(&edit->doc, edit->host_key,
				    edit->master) == ROOST_OK);
	i_assert(roost_keyring_write(&edit->doc, text, &len) == ROOST_OK);
	put(store, text, len);
	i_free(edit);
}

/* What the ring answers for a message sealed to what it seals to now. */
static enum roost_err
opens(struct roost_ring *ring, const struct roost_seal_key *to)
{
	static const uint8_t data_key[ROOST_KEY_SIZE] = { 9 };
	static const uint8_t object_id[ROOST_ID_SIZE] = { 8 };
	uint8_t bytes[ROOST_HEADER_FIXED_SIZE + ROOST_STANZA_X25519_SIZE];
	struct roost_header header;
	uint8_t found[ROOST_KEY_SIZE];
	enum roost_err err;

	roost_header_write(to->keyring_id, object_id, 1,
			   ROOST_STANZA_X25519_SIZE, bytes);
	if (roost_stanza_seal(to, bytes, data_key,
			      bytes + ROOST_HEADER_FIXED_SIZE) != ROOST_OK ||
	    roost_header_parse(bytes, sizeof(bytes), &header) != ROOST_OK)
		i_unreached();
	err = roost_ring_data_key(ring, &header, found);
	i_assert(err != ROOST_OK ||
		 memcmp(found, data_key, sizeof(found)) == 0);
	return err;
}

/* A ring in password mode, open or not yet, and what happens to its stored
   document. */
static struct roost_ring *
ring_edited(const char *dir, bool is_open,
	    void (*change)(struct edit *edit), struct roost_seal_key *before_r)
{
	struct roost_keystore *store = store_of(dir);
	struct roost_ring *ring = ring_with(dir, secret_before);
	const char *error = "";

	*before_r = *roost_ring_seal_key(ring);
	if (is_open)
		test_assert(roost_ring_unlock(ring) == ROOST_OK);
	put_edited(store, secret_before, change);
	test_assert(roost_ring_renew(ring, store, "alice", &config,
				     &error) == 0);
	test_assert_strcmp(error, "");
	roost_keystore_deinit(&store);
	return ring;
}

/* Its private key would be gone, and with it the mail that is sealed to it. */
static void
test_epoch_is_missing(void)
{
	const char *dir = kit_folder(), *error = "";
	struct roost_keystore *store = store_of(dir);
	struct roost_ring *old = ring_with(dir, secret_before), *ring;

	test_begin("a ring refuses a later document without one of its epochs");
	put_edited(store, secret_before, edit_epoch);
	test_assert(roost_ring_load(store, "alice", &config, &ring,
				    &error) == 1);
	put_changed(store, old, ROOST_POLICY_SEALED, 9);
	test_assert(stays(ring, store, "it lacks an epoch"));
	/* One that has as many, but another one among them. */
	put_edited(store, secret_before, edit_epoch);
	test_assert(stays(ring, store, "it lacks an epoch"));
	roost_ring_free(&old);
	roost_ring_free(&ring);
	roost_keystore_deinit(&store);
	kit_folder_free(dir);
	test_end();
}

static void
test_rotated(void)
{
	const char *dir = kit_folder();
	struct roost_seal_key before;
	struct roost_ring *ring;

	test_begin("an open ring opens what a rotation adds, by no secret");
	ring = ring_edited(dir, TRUE, edit_epoch, &before);
	test_assert(!has_secret_in_memory(ring));
	test_assert(memcmp(&before, roost_ring_seal_key(ring),
			   sizeof(before)) != 0);
	test_assert(opens(ring, &before) == ROOST_OK);
	test_assert(opens(ring, roost_ring_seal_key(ring)) == ROOST_OK);
	test_assert(roost_ring_cache_aead(ring) != NULL);
	test_assert(!roost_ring_is_outdated(ring));
	roost_ring_free(&ring);
	kit_folder_free(dir);
	test_end();
}

static void
test_slot_exchanged(void)
{
	const char *dir = kit_folder();
	struct roost_seal_key before;
	struct roost_ring *ring;

	test_begin("a login goes on though its password is another one now");
	ring = ring_edited(dir, FALSE, edit_secret, &before);
	test_assert(opens(ring, &before) == ROOST_OK);
	test_assert(!has_secret_in_memory(ring));
	roost_ring_free(&ring);
	/* The next one needs the new one. */
	ring = ring_with(dir, secret_before);
	test_assert(roost_ring_unlock(ring) == ROOST_ERR_SLOT_AUTH);
	roost_ring_free(&ring);
	kit_folder_free(dir);
	test_end();
}

static void
test_new_master(void)
{
	const char *dir = kit_folder();
	struct roost_seal_key before;
	struct roost_ring *ring;

	test_begin("a ring keeps what it could open, and says what it cannot");
	ring = ring_edited(dir, TRUE, edit_master, &before);
	test_assert(opens(ring, &before) == ROOST_OK);
	test_assert(opens(ring, roost_ring_seal_key(ring)) ==
		    ROOST_ERR_LOCKED);
	test_assert(roost_ring_is_outdated(ring));
	test_assert(!roost_ring_is_locked(ring));
	/* What it would write there, no other session could open. */
	test_assert(roost_ring_cache_aead(ring) == NULL);
	test_assert(!has_secret_in_memory(ring));
	test_assert(roost_bytes_are_zero(ring->secrets->master,
					 ROOST_KEY_SIZE));
	roost_ring_free(&ring);
	ring = ring_with(dir, secret_after);
	test_assert(opens(ring, &before) == ROOST_OK);
	test_assert(opens(ring, roost_ring_seal_key(ring)) == ROOST_OK);
	roost_ring_free(&ring);
	kit_folder_free(dir);
	dir = kit_folder();
	/* The login's own secret opens the new one. */
	ring = ring_edited(dir, TRUE, edit_master_at_hand, &before);
	test_assert(opens(ring, &before) == ROOST_OK);
	test_assert(opens(ring, roost_ring_seal_key(ring)) == ROOST_OK);
	test_assert(!roost_ring_is_outdated(ring));
	test_assert(roost_ring_cache_aead(ring) != NULL);
	roost_ring_free(&ring);
	kit_folder_free(dir);
	test_end();
}

/* What has opened for its user is his, also if a later one does not. */
static void
test_proven(void)
{
	const char *dir = kit_folder(), *error = "";
	struct roost_seal_key before;
	struct roost_ring *ring;

	test_begin("a keyring that has opened once is the user's own");
	config.mode = ROOST_MODE_PASSWORD;
	ring = ring_edited(dir, TRUE, edit_master, &before);
	test_assert(roost_ring_check_seal(ring, &error) == 0);
	roost_ring_free(&ring);
	ring = ring_with(dir, secret_before);
	test_assert(roost_ring_check_seal(ring, &error) == -1);
	roost_ring_free(&ring);
	config.mode = ROOST_MODE_ANY;
	kit_folder_free(dir);
	test_end();
}

/* Another provider key than the session's settings know. */
static void
edit_provider(struct edit *edit)
{
	uint8_t key[ROOST_KEY_SIZE];

	memset(key, 8, sizeof(key));
	i_assert(roost_keyring_set_provider(&edit->doc, key,
					    edit->host_key) == ROOST_OK);
}

static void
test_new_provider_key(void)
{
	const char *dir = kit_folder(), *error = "";
	struct roost_keystore *store = store_of(dir);
	struct roost_seal_key before;
	struct roost_ring *ring;
	buffer_t *doc = t_buffer_create(4096);

	test_begin("a session goes on under a provider key it does not know");
	ring = ring_edited(dir, TRUE, edit_provider, &before);
	test_assert(roost_ring_doc(ring)->generation == 2);
	test_assert(opens(ring, roost_ring_seal_key(ring)) == ROOST_OK);
	test_assert(strstr(load_with(store, "alice", &config),
			   "[provider-key]") != NULL);
	/* But not with what its host key has not made. */
	test_assert(roost_keystore_load(store, doc, &error) == 1);
	buffer_set_used_size(doc, doc->used - 20);
	buffer_append(doc, "AAAAAAAAAAAAAAAAAAA\n", 20);
	put(store, doc->data, doc->used);
	test_assert(stays(ring, store, "[provider-key]"));
	/* And no later session finds it kept. */
	roost_ring_drop_kept();
	ring->has_user_secret = FALSE;
	roost_ring_free(&ring);
	test_assert(kept_count == 0);
	roost_keystore_deinit(&store);
	kit_folder_free(dir);
	test_end();
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

static const char *told;	/* the event that was sent last, and why */

static bool
note_event(struct event *event, enum event_callback_type type,
	   struct failure_context *ctx ATTR_UNUSED,
	   const char *fmt ATTR_UNUSED, va_list args ATTR_UNUSED)
{
	const char *by = event_find_field_recursive_str(event, "by");
	const char *reason = event_find_field_recursive_str(event, "reason");

	if (type != EVENT_CALLBACK_TYPE_SEND)
		return TRUE;
	told = t_strdup_printf("%s by=%s reason=%s",
			       event->sending_name, by == NULL ? "" : by,
			       reason == NULL ? "" : reason);
	return FALSE;
}

/* Has unlocking by this secret sent this event, and only one? */
static bool
unlocking_tells(struct event *event, const uint8_t *secret, const char *wanted)
{
	const char *dir = kit_folder(), *first;
	struct roost_ring *ring = ring_with(dir, secret);
	bool ret;

	told = "";
	ring->event = event;
	(void)!roost_ring_unlock(ring);
	first = told;
	told = "";
	(void)!roost_ring_unlock(ring);
	ret = strcmp(first, wanted) == 0 && *told == '\0';
	roost_ring_free(&ring);
	kit_folder_free(dir);
	return ret;
}

static void
test_events(void)
{
	static const uint8_t right[ROOST_KEY_SIZE] = { 1, 2, 3 };
	static const uint8_t wrong[ROOST_KEY_SIZE] = { 3, 2, 1 };
	struct event *event = event_create(NULL);

	test_begin("unlocking is told once, with how or why not");
	event_set_forced_debug(event, TRUE);
	event_register_callback(note_event);
	test_assert(unlocking_tells(event, right,
				    "roost_unlocked by=password reason="));
	test_assert(unlocking_tells(event, wrong,
				    "roost_locked by= reason=slot-auth"));
	test_assert(unlocking_tells(event, NULL,
				    "roost_locked by= reason=locked"));
	test_assert(unlocking_tells(NULL, right, ""));
	event_unregister_callback(note_event);
	event_unref(&event);
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

static struct roost_ring *
ring_load(struct roost_keystore *store, const struct roost_config *with)
{
	struct roost_ring *ring;
	const char *error;

	if (roost_ring_load(store, "alice", with, &ring, &error) <= 0)
		i_fatal("%s", error);
	return ring;
}

/* A keyring in provider mode that the process keeps, open. */
static struct roost_ring *
ring_to_keep(struct roost_keystore *store)
{
	struct roost_ring *ring = ring_in_use(store);

	roost_ring_drop_kept();
	test_assert(roost_ring_unlock(ring) == ROOST_OK);
	return ring;
}

static void
test_kept(void)
{
	static const uint8_t object_id[ROOST_ID_SIZE] = { 1 };
	static const uint8_t data_key[ROOST_KEY_SIZE] = { 2 };
	const char *dir = kit_folder(), *error;
	struct roost_keystore *store = store_of(dir);
	struct roost_ring *ring = ring_to_keep(store), *again;
	const struct roost_ring *first = ring;
	struct roost_config pins = config;

	test_begin("a ring is kept for the next session, not what it did");
	roost_ring_bind(ring, store, "alice", &config, NULL);
	roost_ring_remember(ring, object_id, data_key);
	ring->seal_count = 1;
	roost_ring_free(&ring);
	test_assert(ring == NULL && kept_count == 1);
	test_assert(roost_bytes_are_zero((void *)first->secrets->remembered,
					 sizeof(first->secrets->remembered)));
	pins.has_policy = TRUE;
	pins.policy = ROOST_POLICY_SEALED;
	ring = ring_load(store, &pins);
	test_assert(ring == first && kept_count == 0);
	test_assert(ring->open_keys != NULL);
	test_assert(roost_ring_unlock(ring) == ROOST_OK);
	test_assert(ring->store == NULL && ring->remembered_count == 0);
	test_assert(roost_ring_seal_count(ring) == 0);
	test_assert(roost_ring_policy(ring) == ROOST_POLICY_SEALED);
	/* Two sessions at once have a ring each. */
	again = ring_load(store, &config);
	test_assert(again != first);
	roost_ring_free(&again);
	roost_ring_free(&ring);
	test_assert(kept_count == 2);
	/* The pins of the session that takes it are asked. */
	pins.generation_min = 2;
	test_assert(roost_ring_load(store, "alice", &pins, &ring,
				    &error) == -1 && ring == NULL);
	test_assert(strstr(error, "below roost_generation_min") != NULL);
	test_assert(roost_ring_load(store, "bob", &config, &ring,
				    &error) == -1 && ring == NULL);
	test_assert(strstr(error, "made for the user name alice") != NULL);
	roost_ring_drop_kept();
	test_assert(kept_count == 0);
	roost_keystore_deinit(&store);
	kit_folder_free(dir);
	test_end();
}

/* What is stored decides, also which keys are believed. */
static void
test_kept_is_not_used(void)
{
	const char *dir = kit_folder(), *elsewhere = kit_folder(), *error;
	struct roost_keystore *store = store_of(dir);
	struct roost_keystore *other_store = store_of(elsewhere);
	struct roost_ring *ring = ring_to_keep(store);
	const struct roost_ring *first = ring;
	struct roost_ring *other;

	test_begin("a kept ring is not used for another document or key");
	put_changed(store, ring, ROOST_POLICY_OPEN, 2);
	roost_ring_free(&ring);
	ring = ring_load(store, &config);
	test_assert(ring != first && kept_count == 1);
	test_assert(roost_ring_doc(ring)->generation == 2);
	roost_ring_free(&ring);
	i_unlink(roost_keystore_path(store));
	test_assert(roost_ring_load(store, "alice", &config, &ring,
				    &error) == 0 && ring == NULL);
	/* The same bytes in another place are another store's. */
	put(other_store, kept[1]->stored->data, kept[1]->stored->used);
	other = ring_load(other_store, &config);
	test_assert(kept_count == 2);
	roost_ring_free(&other);
	test_assert(kept_count == 3);
	memset(secrets.provider_keys, 8, sizeof(secrets.provider_keys));
	test_assert(strstr(load_with(other_store, "alice", &config),
			   "name its provider key in roost_provider_old_key")
		    != NULL);
	test_assert(kept_count == 0);
	roost_keystore_deinit(&store);
	roost_keystore_deinit(&other_store);
	kit_folder_free(dir);
	kit_folder_free(elsewhere);
	test_end();
}

static void
test_kept_of_password(void)
{
	static const uint8_t right[ROOST_KEY_SIZE] = { 1, 2, 3 };
	const char *dir = kit_folder();
	struct roost_keystore *store = store_of(dir);
	struct roost_ring *ring;
	const struct roost_ring *first;

	test_begin("what a user's secret opens is not kept");
	roost_ring_drop_kept();
	ring = ring_with(dir, right);
	test_assert(roost_ring_unlock(ring) == ROOST_OK);
	roost_ring_free(&ring);
	test_assert(kept_count == 0);
	/* A delivery has no secret; what it has checked serves the next one,
	   and a login. */
	ring = ring_with(dir, NULL);
	test_assert(roost_ring_unlock(ring) == ROOST_ERR_LOCKED);
	first = ring;
	roost_ring_free(&ring);
	test_assert(kept_count == 1 && first->open_keys == NULL);
	ring = ring_with(dir, right);
	test_assert(ring == first);
	test_assert(roost_ring_unlock(ring) == ROOST_OK);
	roost_ring_free(&ring);
	test_assert(kept_count == 0);
	config.has_secret = FALSE;
	roost_keystore_deinit(&store);
	kit_folder_free(dir);
	test_end();
}

static void
test_kept_are_few(void)
{
	const char *dirs[KEPT_MAX + 1];
	struct roost_keystore *store;
	struct roost_ring *ring, *first = NULL;
	unsigned int i;

	test_begin("the process keeps the last 8 rings");
	roost_ring_drop_kept();
	for (i = 0; i <= KEPT_MAX; i++) {
		dirs[i] = kit_folder();
		store = store_of(dirs[i]);
		ring = ring_in_use(store);
		if (i == 1)
			first = ring;
		roost_ring_free(&ring);
		roost_keystore_deinit(&store);
		kit_folder_free(dirs[i]);
	}
	test_assert(kept_count == KEPT_MAX);
	test_assert(kept[0] == first);
	roost_ring_drop_kept();
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
		test_epoch_is_missing,
		test_rotated,
		test_slot_exchanged,
		test_new_master,
		test_proven,
		test_new_provider_key,
		test_events,
		test_vanished,
		test_message_of_another,
		test_kept,
		test_kept_is_not_used,
		test_kept_of_password,
		test_kept_are_few,
		NULL
	};

	return kit_run(tests);
}
