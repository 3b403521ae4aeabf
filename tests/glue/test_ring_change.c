/* SPDX-License-Identifier: MIT */
/*
 * test_ring_change: a stored keyring that is to be changed stays as it is,
 * whatever goes wrong on the way, or becomes a later one that opens.
 *
 * Contains ring.c, ring-change.c and ring-rebind.c, whose store is another
 * process's prey, and ring-secret.c, of which it counts what a secret costs.
 */
#include "session/ring-change.h"
#include "session/ring-create.h"
#include "session/ring-rebind.h"

#include "roost/bytes.h"
#include "roost/keyring-edit.h"
#include "roost/secret.h"

#include "test-common.h"

#include "kit.h"

#include <stdio.h>
#include <unistd.h>

#define GENERATION_LAST ((UINT64_C(1) << 53) - 1)

static struct {
	bool fails_to_lock;
	unsigned int loads, failing_load;	/* from 1; 0 for none */
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
	return roost_keystore_load(keystore, doc_r, error_r);
}

static unsigned int keks_made;
static struct roost_argon2_cost kek_cost;

static enum roost_err
kek_password(const uint8_t *host_key ATTR_UNUSED,
	     const uint8_t *secret ATTR_UNUSED,
	     const uint8_t *salt ATTR_UNUSED, uint32_t t, uint32_t m_kib,
	     const struct roost_argon2_limits *limits ATTR_UNUSED,
	     uint8_t *kek_r ATTR_UNUSED)
{
	kek_cost.t = t;
	kek_cost.m_kib = m_kib;
	keks_made++;
	return ROOST_ERR_BACKEND;
}

#define roost_slot_kek_password kek_password
#include "session/ring-secret.c"
#undef roost_slot_kek_password

#define roost_keystore_lock store_lock
#define roost_keystore_load store_load
#include "session/ring.c"
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
ring_new_one(const char **dir_r)
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

/* Another number of its generation, and another policy, rightly signed. */
static void
set_both(uint64_t generation, enum roost_policy policy)
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
	kr->policy = policy;
	if (roost_keyring_sign_provider(kr, host_key) != ROOST_OK ||
	    roost_keyring_write(kr, doc, &len) != ROOST_OK)
		i_unreached();
	put(t_strndup(doc, len));
	i_free(doc);
	i_free(kr);
}

static void
set_generation(uint64_t generation)
{
	set_both(generation, ROOST_POLICY_SEALED);
}

/* The ring as a command would load it now. */
static void
ring_look_again(struct roost_ring *ring)
{
	const char *error;

	if (roost_ring_renew(ring, store, "alice", &config, &error) < 0)
		i_fatal("%s", error);
}

/* -- what may go wrong -- */

static int
change(const struct roost_ring *ring, const char **error_r)
{
	*error_r = "";
	other.loads = 0;
	return roost_ring_change_policy(ring, store, "alice", &config,
					ROOST_POLICY_OPEN, error_r);
}

static struct roost_rebind seen;

static int
rebind(const char *owner, bool is_dry, const char **error_r)
{
	*error_r = "";
	other.loads = 0;
	return roost_ring_rebind(store, owner, &config, is_dry, &seen,
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
	struct roost_ring *ring = ring_new_one(&dir);

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
	test_assert(strstr(error, "Refused the keyring") != NULL &&
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
	ring_look_again(ring);
	test_assert(change(ring, &error) == -1);
	test_assert(strstr(error, "[limit]") != NULL);
	test_assert_strcmp(stored(), before);
	ring_end(dir, &ring);
	ring = ring_new_one(&dir);
	test_assert(change(ring, &error) == 1);
	test_assert(strstr(stored(), "\npolicy open\n") != NULL);
	ring_look_again(ring);
	test_assert(change(ring, &error) == 0);
	ring_end(dir, &ring);
	test_end();
}

static void
test_two_at_once(void)
{
	const char *dir, *error, *before, *another;
	struct roost_ring *ring = ring_new_one(&dir);

	test_begin("the second of two changes says what the first one did");
	another = stored();
	ring_end(dir, &ring);
	ring = ring_new_one(&dir);
	before = stored();
	put(another);
	test_assert(change(ring, &error) == -1);
	test_assert(strstr(error, "[other-keyring]") != NULL);
	test_assert_strcmp(stored(), another);
	put(before);
	set_generation(7);
	before = stored();
	test_assert(change(ring, &error) == -1);
	test_assert(strstr(error, "changed meanwhile: it is of generation 7 "
			   "now, and was of 1") != NULL);
	test_assert_strcmp(stored(), before);
	ring_look_again(ring);
	test_assert(change(ring, &error) == 1);
	test_assert(strstr(stored(), "\ngeneration 8\n") != NULL);
	/* Another document of that generation, as a backup may have it. */
	ring_look_again(ring);
	set_both(8, ROOST_POLICY_SEALED);
	before = stored();
	test_assert(change(ring, &error) == -1);
	test_assert(strstr(error, "another document stands there now than the "
			   "one that did, of the same generation 8, when this "
			   "command began") != NULL);
	test_assert_strcmp(stored(), before);
	ring_end(dir, &ring);
	test_end();
}

/* -- slots -- */

static struct roost_ring_secret app = { .has_hash = TRUE, .hash = { 1, 2 } };

static bool may_be_stored;

struct slot_change {
	const struct roost_ring_secret *proof;
	bool removes_provider, is_in_place;
};

static int
change_slots(struct roost_ring_edit *edit, void *context,
	     const char **error_r)
{
	const struct slot_change *slots = context;
	struct roost_slot_new slot = {
		.type = ROOST_SLOT_APP, .now = 1, .secret = app.hash,
	};
	enum roost_err err = slots->is_in_place ?
		roost_keyring_replace_slot(edit->kr, 2, edit->host_key,
					   edit->master, &slot) :
		roost_keyring_add_slot(edit->kr, edit->host_key, edit->master,
				       &slot);

	edit->is_in_place = slots->is_in_place;
	if (err == ROOST_OK && slots->removes_provider)
		err = roost_keyring_remove_slot(edit->kr, 1);
	if (err != ROOST_OK)
		return roost_ring_change_fail(err, error_r);
	edit->new_slot = 2;
	edit->new_secret = slots->proof;
	return 1;
}

static int
change_app(struct slot_change *slots, const struct roost_ring_secret *by,
	   enum roost_err *secret_err_r, const char **error_r)
{
	struct roost_ring_change wanted = {
		.owner = "alice", .config = &config, .needs_master = TRUE,
		.secret = by, .change = change_slots, .context = slots,
	};
	int ret;

	*error_r = "";
	other.loads = 0;
	ret = roost_ring_change(store, &wanted, error_r);
	*secret_err_r = wanted.secret_err;
	may_be_stored = wanted.may_be_stored;
	return ret;
}

static void
test_slots(void)
{
	static struct roost_ring_secret wrong = { .has_hash = TRUE };
	struct slot_change slots = { .proof = &app };
	const char *dir, *error, *before;
	struct roost_ring *ring = ring_new_one(&dir);
	enum roost_err err;

	test_begin("a slot is added if its keyring opens and it opens itself");
	before = stored();
	test_assert(change_app(&slots, &app, &err, &error) == -1);
	test_assert(err == ROOST_ERR_NO_SLOT);
	/* What the pins would refuse afterwards is not stored. */
	config.mode = ROOST_MODE_PROVIDER;
	slots.removes_provider = TRUE;
	test_assert(change_app(&slots, NULL, &err, &error) == -1);
	test_assert(strstr(error, "it is in password mode") != NULL);
	config.mode = ROOST_MODE_ANY;
	slots.removes_provider = FALSE;
	test_assert_strcmp(stored(), before);
	test_assert(!may_be_stored);
	/* It was stored, and what opened before still opens. */
	slots.proof = &wrong;
	test_assert(change_app(&slots, NULL, &err, &error) == -1);
	test_assert(strstr(error, "new slot 2") != NULL &&
		    strstr(error, "[slot-auth]") != NULL);
	other.failing_load = 2;
	slots.proof = &app;
	put(before);
	test_assert(change_app(&slots, NULL, &err, &error) == -1);
	test_assert_strcmp(error, "it fails");
	test_assert(may_be_stored);
	other.failing_load = 0;
	put(before);
	test_assert(change_app(&slots, NULL, &err, &error) == 1);
	test_assert(strstr(stored(), "\nslot 2 app ") != NULL);
	test_assert(change_app(&slots, &wrong, &err, &error) == -1);
	test_assert(err == ROOST_ERR_SLOT_AUTH);
	wrong.is_typo = TRUE;
	test_assert(change_app(&slots, &wrong, &err, &error) == -1);
	test_assert(err == ROOST_ERR_CODE_TYPO);
	/* What takes the place of another one is proved before it does. */
	before = stored();
	slots = (struct slot_change) { .proof = &wrong, .is_in_place = TRUE };
	test_assert(change_app(&slots, NULL, &err, &error) == -1);
	test_assert(strstr(error, "[slot-auth]") != NULL);
	test_assert(!may_be_stored);
	test_assert_strcmp(stored(), before);
	slots.proof = &app;
	test_assert(change_app(&slots, NULL, &err, &error) == 1);
	test_assert(strstr(stored(), "\nslot 2 app ") != NULL &&
		    strstr(stored(), "\nslot 3 ") == NULL);
	ring_end(dir, &ring);
	test_end();
}

/* How many Argon2ids are spent after the secret was tried. */
static unsigned int
spent(struct roost_keyring *kr, const struct roost_ring_secret *secret)
{
	static const struct roost_argon2_cost usual = { .t = 3, .m_kib = 9 };
	static const uint8_t host_key[ROOST_KEY_SIZE];

	keks_made = 0;
	roost_ring_secret_spend(kr, host_key, &usual, secret);
	return keks_made;
}

static void
test_cost(void)
{
	static const struct roost_ring_secret word = { .has_hash = TRUE };
	static const struct roost_ring_secret key = {
		.has_private_key = TRUE
	};
	struct roost_keyring *kr = i_new(struct roost_keyring, 1);

	test_begin("every wrong secret costs one Argon2id");
	kr->slot_count = 1;
	kr->slots[0].type = ROOST_SLOT_RECOVERY;
	test_assert(spent(kr, &word) == 1);
	test_assert(spent(kr, &key) == 1);
	test_assert(kek_cost.t == 3 && kek_cost.m_kib == 9);
	/* Trying the word on this slot has cost it already. */
	kr->slots[0].type = ROOST_SLOT_PASSWORD;
	kr->slots[0].t = 5;
	kr->slots[0].m_kib = 8;
	test_assert(spent(kr, &word) == 0);
	test_assert(spent(kr, &key) == 1);
	test_assert(kek_cost.t == 5 && kek_cost.m_kib == 8);
	i_free(kr);
	test_end();
}

static void
test_rebind(void)
{
	const char *dir, *error, *before;
	struct roost_ring *ring = ring_new_one(&dir);

	test_begin("an owner that cannot be exchanged stays");
	i_zero(&seen);
	before = stored();
	other.fails_to_lock = TRUE;
	test_assert(rebind("bob", FALSE, &error) == -1);
	test_assert(strstr(error, "it is locked") != NULL);
	other.fails_to_lock = FALSE;
	other.failing_load = 1;
	test_assert(rebind("bob", FALSE, &error) == -1);
	test_assert(strstr(error, "it fails") != NULL);
	other.failing_load = 0;
	test_assert(rebind("", TRUE, &error) == -1);
	test_assert(strstr(error, "[limit]") != NULL);
	set_generation(GENERATION_LAST);
	test_assert(rebind("bob", FALSE, &error) == -1);
	test_assert(strstr(error, "[limit]") != NULL);
	set_generation(GENERATION_LAST - 1);
	i_zero(&seen);
	before = stored();
	test_assert(rebind("bob", TRUE, &error) == 1);
	test_assert_strcmp(stored(), before);
	test_assert(rebind("bob", FALSE, &error) == 1);
	test_assert(strstr(stored(), "\nowner bob\n") != NULL);
	i_zero(&seen);
	test_assert(rebind("bob", FALSE, &error) == 0);
	ring_end(dir, &ring);
	test_end();
}

static void
test_another_keyring(void)
{
	const char *dir, *error, *text_of_another;
	struct roost_ring *ring = ring_new_one(&dir);

	test_begin("only the keyring that was looked at gets another owner");
	text_of_another = stored();
	ring_end(dir, &ring);
	ring = ring_new_one(&dir);
	i_zero(&seen);
	test_assert(rebind("bob", TRUE, &error) == 1);
	put(text_of_another);
	test_assert(rebind("bob", FALSE, &error) == -1);
	test_assert(strstr(error, "it was changed meanwhile") != NULL);
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
	struct roost_ring *ring = ring_new_one(&dir);

	test_begin("where there is no keyring, none gets another owner");
	i_zero(&seen);
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
		test_two_at_once,
		test_slots,
		test_cost,
		test_rebind,
		test_another_keyring,
		test_no_keyring,
		NULL
	};

	return kit_run(tests);
}
