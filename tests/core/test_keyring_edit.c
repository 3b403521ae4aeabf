/* SPDX-License-Identifier: MIT */
/*
 * keyring-edit: what is made or changed loads afterwards, and before it is
 * signed it does not (FORMAT.md 8).
 */
#include "kit.h"

#include "roost/bytes.h"

#include <stdlib.h>
#include <string.h>

static struct kit_ring *ring;

static int
group_setup(void **state)
{
	if (kit_setup(state) != 0)
		return -1;
	ring = kit_ring_new(KIT_SLOT_ALL);
	return 0;
}

static int
group_teardown(void **state)
{
	free(ring);
	return kit_teardown(state);
}

static void
test_a_new_keyring_is_new(void **state)
{
	struct kit_ring *a = kit_ring_new(KIT_SLOT_ALL);
	struct kit_ring *b = kit_ring_new(KIT_SLOT_ALL);
	unsigned int i;

	(void)state;
	assert_memory_not_equal(a->kr.id, b->kr.id, 16);
	assert_memory_not_equal(a->seed, b->seed, 32);
	assert_memory_not_equal(a->seed, a->master, 32);
	assert_memory_not_equal(a->host_key, b->host_key, 32);
	assert_memory_not_equal(a->master, b->master, 32);
	assert_memory_not_equal(a->host_key, a->master, 32);
	assert_memory_not_equal(a->kr.epochs[0].public_key,
				b->kr.epochs[0].public_key, 32);
	assert_memory_not_equal(a->kr.host_wrap, b->kr.host_wrap, 12);
	for (i = 1; i < 4; i++)
		assert_memory_not_equal(a->kr.slots[i].salt,
					b->kr.slots[i].salt, 16);
	assert_true(a->kr.generation == 1);
	assert_int_equal(a->kr.policy, ROOST_POLICY_OPEN);
	free(a);
	free(b);
}

static void
test_a_keyring_needs_an_owner_that_fits(void **state)
{
	struct roost_keyring *kr = kit_new(sizeof(*kr));
	uint8_t provider[32] = { 1 }, host[32], master[32];
	char owner[ROOST_KEYRING_OWNER_MAX + 2];

	(void)state;
	memset(owner, 'a', sizeof(owner));
	owner[ROOST_KEYRING_OWNER_MAX + 1] = '\0';
	memset(host, 0x55, 32);
	memset(master, 0x55, 32);
	assert_gate(roost_keyring_create(kr, owner, provider, 1, host,
					 master), ROOST_ERR_LIMIT);
	assert_zero(host, 32);
	assert_zero(master, 32);
	assert_gate(roost_keyring_create(kr, "", provider, 1, host, master),
		    ROOST_ERR_LIMIT);
	owner[ROOST_KEYRING_OWNER_MAX] = '\0';
	assert_good(roost_keyring_create(kr, owner, provider, 1, host,
					 master));
	assert_string_equal(kr->owner, owner);
	free(kr);
}

/* The longest owner makes the longest AAD of the host wrap. */
static void
test_the_longest_owner_loads(void **state)
{
	struct kit_ring *changed = kit_ring_copy(ring);
	char owner[ROOST_KEYRING_OWNER_MAX + 1];
	struct roost_slot_new slot = { .type = ROOST_SLOT_PROVIDER };

	(void)state;
	memset(owner, 'z', ROOST_KEYRING_OWNER_MAX);
	owner[ROOST_KEYRING_OWNER_MAX] = '\0';
	assert_good(roost_keyring_create(&changed->kr, owner,
		ring->provider_key, 9007199254740991, changed->host_key,
		changed->master));
	assert_good(roost_keyring_add_slot(&changed->kr, changed->host_key,
					   changed->master, &slot));
	assert_good(roost_keyring_sign(&changed->kr, changed->host_key,
				       changed->master));
	assert_good(kit_ring_load(&changed->kr, ring, owner));
	owner[ROOST_KEYRING_OWNER_MAX - 1] = 'y';
	assert_gate(kit_ring_load(&changed->kr, ring, owner), ROOST_ERR_OWNER);
	free(changed);
}

/* A moved namespace gets a new owner by the provider key; the wrap is bound to
   it. */
static void
test_a_new_owner_fits_and_the_wrap_is_bound_to_it(void **state)
{
	struct kit_ring *changed = kit_ring_copy(ring);
	char owner[ROOST_KEYRING_OWNER_MAX + 2];

	(void)state;
	memset(owner, 'n', sizeof(owner));
	owner[ROOST_KEYRING_OWNER_MAX + 1] = '\0';
	assert_gate(roost_keyring_set_owner(&changed->kr, owner,
		ring->provider_key, changed->host_key), ROOST_ERR_LIMIT);
	assert_gate(roost_keyring_set_owner(&changed->kr, "",
		ring->provider_key, changed->host_key), ROOST_ERR_LIMIT);
	assert_good(kit_ring_load(&changed->kr, ring, KIT_OWNER));
	owner[ROOST_KEYRING_OWNER_MAX] = '\0';
	assert_good(roost_keyring_set_owner(&changed->kr, owner,
		ring->provider_key, changed->host_key));
	/* Whoever signed for the old owner has not signed for this one. */
	assert_gate(kit_ring_load(&changed->kr, ring, owner),
		    ROOST_ERR_PROVIDER_MAC);
	assert_good(roost_keyring_sign(&changed->kr, changed->host_key,
				       changed->master));
	assert_good(kit_ring_load(&changed->kr, ring, owner));
	assert_gate(kit_ring_load(&changed->kr, ring, KIT_OWNER),
		    ROOST_ERR_OWNER);
	free(changed);
}

/* When a user or a namespace has another name, all but the owner stays. */
static void
test_an_owner_is_exchanged_by_the_master_key(void **state)
{
	struct kit_ring *changed = kit_ring_copy(ring);
	uint8_t master[32];

	(void)state;
	assert_good(roost_keyring_set_owner(&changed->kr, "berta",
		ring->provider_key, ring->host_key));
	assert_gate(kit_ring_load(&changed->kr, ring, "berta"),
		    ROOST_ERR_PROVIDER_MAC);
	assert_good(roost_keyring_sign_provider(&changed->kr,
						ring->host_key));
	assert_gate(kit_ring_load(&changed->kr, ring, "berta"),
		    ROOST_ERR_OWNER_SIG);
	assert_good(roost_keyring_sign(&changed->kr, ring->host_key,
				       ring->master));
	assert_good(kit_ring_load(&changed->kr, ring, "berta"));
	assert_gate(kit_ring_load(&changed->kr, ring, KIT_OWNER),
		    ROOST_ERR_OWNER);
	assert_good(roost_keyring_unlock_secret(&changed->kr, ring->host_key,
		ring->password, &roost_slot_argon2_server, master));
	assert_memory_equal(master, ring->master, 32);
	assert_memory_equal(changed->kr.id, ring->kr.id, 16);
	assert_gate(roost_keyring_set_owner(&changed->kr, "",
		ring->provider_key, ring->host_key), ROOST_ERR_LIMIT);
	free(changed);
}

/* Somebody who has only the master key of another keyring can sign nothing
   here. */
static void
test_signing_needs_the_identitys_seed(void **state)
{
	struct kit_ring *changed = kit_ring_copy(ring);
	struct kit_ring *other = kit_ring_new(KIT_SLOT_ALL);

	(void)state;
	assert_gate(roost_keyring_sign(&changed->kr, changed->host_key,
				       other->master), ROOST_ERR_SECRETS);
	memcpy(changed->kr.identity, other->kr.identity, 32);
	assert_gate(roost_keyring_sign(&changed->kr, changed->host_key,
				       changed->master),
		    ROOST_ERR_IDENTITY_KEY);
	memcpy(changed->kr.identity, ring->kr.identity, 32);
	memset(changed->kr.owner_sig, 0, 64);
	assert_good(roost_keyring_sign(&changed->kr, changed->host_key,
				       changed->master));
	assert_memory_equal(changed->kr.owner_sig, ring->kr.owner_sig, 64);
	assert_good(kit_ring_load(&changed->kr, ring, KIT_OWNER));
	free(changed);
	free(other);
}

static void
test_slots_are_added_behind_the_last_within_limits(void **state)
{
	struct kit_ring *many = kit_ring_new(KIT_SLOT(ROOST_SLOT_PROVIDER));
	struct roost_slot_new slot = { .type = ROOST_SLOT_PASSWORD,
		.secret = ring->password, .t = 1, .m_kib = 8191 };
	unsigned int count;

	(void)state;
	assert_gate(roost_keyring_add_slot(&many->kr, many->host_key,
		many->master, &slot), ROOST_ERR_ARGON2_LIMIT);
	slot.m_kib = 1048577;
	assert_gate(roost_keyring_add_slot(&many->kr, many->host_key,
		many->master, &slot), ROOST_ERR_ARGON2_LIMIT);
	slot.m_kib = 8192;
	slot.t = 11;
	assert_gate(roost_keyring_add_slot(&many->kr, many->host_key,
		many->master, &slot), ROOST_ERR_ARGON2_LIMIT);
	assert_int_equal(many->kr.slot_count, 1);
	slot.t = 1;
	many->kr.slots[0].number = 7;
	assert_good(roost_keyring_add_slot(&many->kr, many->host_key,
					   many->master, &slot));
	assert_int_equal(many->kr.slots[1].number, 8);
	/* A second password may stand while it takes the first one's place. */
	assert_good(roost_keyring_add_slot(&many->kr, many->host_key,
					   many->master, &slot));
	assert_gate(roost_keyring_add_slot(&many->kr, many->host_key,
		many->master, &slot), ROOST_ERR_LIMIT);
	assert_int_equal(many->kr.slot_count, 3);
	slot.type = ROOST_SLOT_APP;
	for (count = 3; count < 64; count++)
		assert_good(roost_keyring_add_slot(&many->kr, many->host_key,
						   many->master, &slot));
	assert_gate(roost_keyring_add_slot(&many->kr, many->host_key,
		many->master, &slot), ROOST_ERR_LIMIT);
	assert_int_equal(many->kr.slot_count, 64);
	free(many);
}

/* What could not be written and read back must not be made. */
static void
test_no_slot_number_beyond_the_largest_is_made(void **state)
{
	struct kit_ring *many = kit_ring_new(KIT_SLOT(ROOST_SLOT_PROVIDER));
	struct roost_slot_new slot = { .type = ROOST_SLOT_APP,
		.secret = ring->app };

	(void)state;
	many->kr.slots[0].number = 0x7fffffff;
	assert_gate(roost_keyring_add_slot(&many->kr, many->host_key,
		many->master, &slot), ROOST_ERR_LIMIT);
	assert_int_equal(many->kr.slot_count, 1);
	free(many);
}

/* What does not fit into a document must not be signed by its beginning. */
static void
test_a_keyring_that_is_too_large_is_not_signed(void **state)
{
	struct kit_ring *many = kit_ring_new(KIT_SLOT(ROOST_SLOT_PROVIDER));
	struct roost_keyring *kr = &many->kr;
	unsigned int i;

	(void)state;
	kr->epoch_count = ROOST_KEYRING_EPOCHS_MAX;
	for (i = 1; i < ROOST_KEYRING_EPOCHS_MAX; i++) {
		kr->epochs[i] = kr->epochs[0];
		kr->epochs[i].number = i + 1;
	}
	assert_gate(roost_keyring_sign_owner(kr, many->seed),
		    ROOST_ERR_LIMIT);
	assert_gate(roost_keyring_check_owner(kr), ROOST_ERR_LIMIT);
	assert_gate(roost_keyring_sign_provider(kr, many->host_key),
		    ROOST_ERR_LIMIT);
	free(many);
}

/* -- changes of slots, epochs and keys -- */

/* Sign, write and read back what was changed. */
static void
stored(struct kit_ring *changed)
{
	unsigned int line;
	size_t len;
	char *doc;

	assert_good(roost_keyring_sign(&changed->kr, changed->host_key,
				       changed->master));
	doc = kit_ring_text(&changed->kr, &len);
	assert_good(roost_keyring_parse(doc, len, &changed->kr, &line));
	free(doc);
}

static void
test_a_slot_is_removed_and_the_others_open(void **state)
{
	struct kit_ring *changed = kit_ring_new(KIT_SLOT_ALL);
	uint8_t master[32];

	(void)state;
	assert_gate(roost_keyring_remove_slot(&changed->kr, 0),
		    ROOST_ERR_NO_SLOT);
	assert_gate(roost_keyring_remove_slot(&changed->kr, 5),
		    ROOST_ERR_NO_SLOT);
	assert_int_equal(changed->kr.slot_count, 4);
	assert_good(roost_keyring_remove_slot(&changed->kr, 2));
	assert_gate(roost_keyring_remove_slot(&changed->kr, 2),
		    ROOST_ERR_NO_SLOT);
	stored(changed);
	assert_int_equal(changed->kr.slot_count, 3);
	assert_int_equal(changed->kr.slots[1].number, 3);
	assert_gate(roost_keyring_unlock_secret(&changed->kr,
		changed->host_key, changed->password,
		&roost_slot_argon2_server, master), ROOST_ERR_SLOT_AUTH);
	assert_good(roost_keyring_unlock_secret(&changed->kr,
		changed->host_key, changed->app, &roost_slot_argon2_server,
		master));
	assert_good(roost_keyring_unlock_recovery(&changed->kr, changed->code,
						  master));
	assert_good(kit_ring_load(&changed->kr, changed, KIT_OWNER));
	assert_good(roost_keyring_remove_slot(&changed->kr, 4));
	assert_good(roost_keyring_remove_slot(&changed->kr, 1));
	stored(changed);
	assert_int_equal(changed->kr.slot_count, 1);
	free(changed);
}

static void
test_a_slot_takes_the_place_of_another(void **state)
{
	struct kit_ring *changed = kit_ring_new(KIT_SLOT_ALL);
	static const uint8_t secret[32] = { 7 };
	struct roost_slot_new slot = {
		.type = ROOST_SLOT_APP, .now = 9, .secret = secret,
	};
	uint8_t master[32];

	(void)state;
	assert_gate(roost_keyring_replace_slot(&changed->kr, 5,
		changed->host_key, changed->master, &slot), ROOST_ERR_NO_SLOT);
	assert_good(roost_keyring_replace_slot(&changed->kr, 3,
		changed->host_key, changed->master, &slot));
	stored(changed);
	assert_int_equal(changed->kr.slot_count, 4);
	assert_int_equal(changed->kr.slots[2].number, 3);
	assert_int_equal(changed->kr.slots[2].created, 9);
	assert_gate(roost_keyring_unlock_app(&changed->kr, changed->app,
					     master), ROOST_ERR_SLOT_AUTH);
	assert_good(roost_keyring_unlock_app(&changed->kr, secret, master));
	assert_memory_equal(master, changed->master, 32);
	assert_good(roost_keyring_unlock_recovery(&changed->kr, changed->code,
						  master));
	free(changed);
}

/* Else the mail would be there, and nobody to read it. */
static void
test_the_last_slot_of_a_person_stays(void **state)
{
	struct kit_ring *one = kit_ring_new(KIT_SLOT(ROOST_SLOT_RECOVERY));
	struct kit_ring *two = kit_ring_new(KIT_SLOT(ROOST_SLOT_PASSWORD) |
					    KIT_SLOT(ROOST_SLOT_ESCROW));

	(void)state;
	assert_gate(roost_keyring_remove_slot(&one->kr, 1),
		    ROOST_ERR_LAST_SLOT);
	assert_gate(roost_keyring_remove_slot(&two->kr, 1),
		    ROOST_ERR_LAST_SLOT);
	assert_int_equal(two->kr.slot_count, 2);
	stored(two);
	assert_good(roost_keyring_remove_slot(&two->kr, 2));
	assert_gate(roost_keyring_remove_slot(&two->kr, 1),
		    ROOST_ERR_LAST_SLOT);
	stored(two);
	free(one);
	free(two);
}

static void
test_nothing_is_sealed_to_a_public_key_of_low_order(void **state)
{
	static const uint8_t zeros[32];
	struct kit_ring *changed = kit_ring_copy(ring);
	struct roost_slot_new slot = {
		.type = ROOST_SLOT_ESCROW, .public_key = zeros,
	};

	(void)state;
	assert_gate(roost_keyring_add_slot(&changed->kr, changed->host_key,
		changed->master, &slot), ROOST_ERR_LOW_ORDER);
	assert_int_equal(changed->kr.slot_count, 4);
	free(changed);
}

static void
test_a_new_epoch_stands_behind_the_old_ones(void **state)
{
	struct kit_ring *changed = kit_ring_new(KIT_SLOT_ALL);
	struct roost_open_key keys[3];
	struct roost_seal_key seal;
	unsigned int i;

	(void)state;
	assert_good(roost_keyring_add_epoch(&changed->kr, changed->host_key,
					    changed->master, 1800000000));
	assert_good(roost_keyring_add_epoch(&changed->kr, changed->host_key,
					    changed->master, 1900000000));
	stored(changed);
	assert_int_equal(changed->kr.epoch_count, 3);
	for (i = 0; i < 3; i++)
		assert_int_equal(changed->kr.epochs[i].number, i + 1);
	assert_true(changed->kr.epochs[2].created == 1900000000);
	assert_good(roost_keyring_open_keys(&changed->kr, changed->master,
					    changed->host_key, keys));
	/* What was sealed before is opened by the same key. */
	assert_memory_equal(&keys[0], &changed->open, sizeof(keys[0]));
	assert_memory_not_equal(keys[1].private_key, keys[0].private_key, 32);
	assert_memory_not_equal(keys[2].private_key, keys[1].private_key, 32);
	assert_memory_not_equal(keys[1].psk, keys[0].psk, 32);
	assert_good(roost_keyring_seal_key(&changed->kr, changed->host_key,
					   &seal));
	assert_memory_equal(seal.key_id, keys[2].key_id,
			    sizeof(seal.key_id));
	assert_memory_equal(seal.psk, keys[2].psk, 32);
	free(changed);
}

static void
test_an_epoch_needs_the_master_key_and_room(void **state)
{
	struct kit_ring *changed = kit_ring_copy(ring);

	(void)state;
	assert_gate(roost_keyring_add_epoch(&changed->kr, ring->host_key,
		ring->host_key, 1), ROOST_ERR_SECRETS);
	assert_int_equal(changed->kr.epoch_count, 1);
	changed->kr.epoch_count = ROOST_KEYRING_EPOCHS_MAX;
	assert_gate(roost_keyring_add_epoch(&changed->kr, ring->host_key,
		ring->master, 1), ROOST_ERR_LIMIT);
	assert_int_equal(changed->kr.epoch_count, ROOST_KEYRING_EPOCHS_MAX);
	free(changed);
}

/* After a leak: who has the old master key opens nothing of the new document,
   and no old slot comes along. */
static void
test_another_master_key_drops_all_slots(void **state)
{
	struct kit_ring *changed = kit_ring_new(KIT_SLOT_ALL |
						KIT_SLOT(ROOST_SLOT_ESCROW));
	struct roost_slot_new slot = { .type = ROOST_SLOT_PROVIDER };
	struct roost_open_key keys;
	uint8_t old[32];

	(void)state;
	memcpy(old, changed->master, 32);
	assert_good(roost_keyring_change_master(&changed->kr, old,
						changed->master));
	assert_memory_not_equal(changed->master, old, 32);
	assert_int_equal(changed->kr.slot_count, 0);
	assert_good(roost_keyring_add_slot(&changed->kr, changed->host_key,
					   changed->master, &slot));
	stored(changed);
	assert_int_equal(changed->kr.slots[0].number, 1);
	assert_good(kit_ring_load(&changed->kr, changed, KIT_OWNER));
	assert_good(roost_keyring_open_keys(&changed->kr, changed->master,
					    changed->host_key, &keys));
	assert_memory_equal(&keys, &changed->open, sizeof(keys));
	assert_gate(roost_keyring_open_keys(&changed->kr, old,
		changed->host_key, &keys), ROOST_ERR_SECRETS);
	memset(old, 0x55, 32);
	assert_gate(roost_keyring_change_master(&changed->kr, ring->master,
						old), ROOST_ERR_SECRETS);
	assert_zero(old, 32);
	free(changed);
}

/* The provider's key is rotated without the user: nothing that he signs
   changes. */
static void
test_another_provider_key_needs_no_owner(void **state)
{
	struct kit_ring *changed = kit_ring_copy(ring);
	uint8_t fresh[32], host[32];

	(void)state;
	kit_fill(fresh, 32);
	assert_good(roost_keyring_set_provider(&changed->kr, fresh,
					       ring->host_key));
	assert_good(roost_keyring_sign_provider(&changed->kr,
						ring->host_key));
	assert_gate(roost_keyring_open_host(&changed->kr, KIT_OWNER,
		ring->provider_key, 1, host), ROOST_ERR_PROVIDER_KEY);
	assert_good(roost_keyring_open_host(&changed->kr, KIT_OWNER, fresh, 1,
					    host));
	assert_memory_equal(host, ring->host_key, 32);
	assert_memory_equal(changed->kr.owner_sig, ring->kr.owner_sig, 64);
	memcpy(changed->provider_key, fresh, 32);
	assert_good(kit_ring_load(&changed->kr, changed, KIT_OWNER));
	free(changed);
}

/* -- a whole document -- */

static struct roost_keyring_plan
plan_new(void)
{
	return (struct roost_keyring_plan) {
		.name = "anna@example.org",
		.provider_key = ring->provider_key,
		.policy = ROOST_POLICY_SEALED,
		.now = 1700000000,
		.cost = { .t = 2, .m_kib = 9000 },
	};
}

/* Make a document, and read back what would be stored. */
static struct roost_keyring *
made(const struct roost_keyring_plan *plan)
{
	struct roost_keyring *kr = kit_new(sizeof(*kr));
	struct roost_keyring *stored = kit_new(sizeof(*stored));
	unsigned int line;
	size_t len;
	char *doc;

	assert_good(roost_keyring_make(plan, kr));
	doc = kit_ring_text(kr, &len);
	assert_good(roost_keyring_parse(doc, len, stored, &line));
	free(doc);
	free(kr);
	return stored;
}

static void
assert_slots(const struct roost_keyring *kr, unsigned int kinds)
{
	static const enum roost_slot_type types[] = {
		ROOST_SLOT_PROVIDER, ROOST_SLOT_PASSWORD, ROOST_SLOT_APP,
		ROOST_SLOT_RECOVERY
	};
	size_t i;

	for (i = 0; i < KIT_COUNT(types); i++)
		assert_int_equal(roost_keyring_has_slot(kr, types[i]),
				 (kinds & KIT_SLOT(types[i])) != 0);
}

static void
test_a_plan_without_a_secret_makes_a_provider_slot(void **state)
{
	struct roost_keyring_plan plan = plan_new();
	struct roost_keyring *kr = made(&plan);

	(void)state;
	assert_slots(kr, KIT_SLOT(ROOST_SLOT_PROVIDER));
	assert_good(kit_ring_load(kr, ring, "anna@example.org"));
	assert_int_equal(kr->policy, ROOST_POLICY_SEALED);
	assert_true(kr->generation == 1);
	assert_true(kr->epochs[0].created == 1700000000);
	assert_true(kr->slots[0].created == 1700000000);
	free(kr);
	plan.policy = ROOST_POLICY_OPEN;
	plan.name = "anna smith";
	kr = made(&plan);
	assert_int_equal(kr->policy, ROOST_POLICY_OPEN);
	assert_good(kit_ring_load(kr, ring, "anna%20smith"));
	free(kr);
}

/* Who runs the server cannot open it, because there is no provider slot. */
static void
test_a_plan_with_a_secret_makes_a_password_slot_alone(void **state)
{
	struct roost_keyring_plan plan = plan_new();
	uint8_t host[32], master[32], again[32];
	struct roost_keyring *kr;

	(void)state;
	plan.secret = ring->password;
	plan.recovery = ring->code;
	kr = made(&plan);
	assert_slots(kr, KIT_SLOT(ROOST_SLOT_PASSWORD) |
		     KIT_SLOT(ROOST_SLOT_RECOVERY));
	assert_int_equal(kr->slots[0].t, 2);
	assert_int_equal(kr->slots[0].m_kib, 9000);
	assert_gate(kit_ring_load(kr, ring, "anna@example.org"),
		    ROOST_ERR_NO_SLOT);
	assert_good(roost_keyring_open_host(kr, NULL, ring->provider_key, 1,
					    host));
	assert_good(roost_keyring_unlock_secret(kr, host, ring->password,
		&roost_slot_argon2_server, master));
	assert_gate(roost_keyring_unlock_secret(kr, host, ring->app,
		&roost_slot_argon2_server, again), ROOST_ERR_SLOT_AUTH);
	assert_good(roost_keyring_unlock_recovery(kr, ring->code, again));
	assert_memory_equal(master, again, 32);
	free(kr);
}

static void
test_a_plan_that_cannot_be_made_is_told(void **state)
{
	struct roost_keyring *kr = kit_new(sizeof(*kr));
	struct roost_keyring_plan plan = plan_new();
	char name[ROOST_KEYRING_OWNER_MAX + 2];

	(void)state;
	plan.provider_key = NULL;
	assert_gate(roost_keyring_make(&plan, kr), ROOST_ERR_PROVIDER_KEY);
	plan = plan_new();
	plan.name = "";
	assert_gate(roost_keyring_make(&plan, kr), ROOST_ERR_LIMIT);
	memset(name, 'a', sizeof(name));
	name[ROOST_KEYRING_OWNER_MAX + 1] = '\0';
	plan.name = name;
	assert_gate(roost_keyring_make(&plan, kr), ROOST_ERR_LIMIT);
	free(kr);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_new_keyring_is_new),
		cmocka_unit_test(test_a_keyring_needs_an_owner_that_fits),
		cmocka_unit_test(test_the_longest_owner_loads),
		cmocka_unit_test(
			test_a_new_owner_fits_and_the_wrap_is_bound_to_it),
		cmocka_unit_test(test_an_owner_is_exchanged_by_the_master_key),
		cmocka_unit_test(test_signing_needs_the_identitys_seed),
		cmocka_unit_test(
			test_slots_are_added_behind_the_last_within_limits),
		cmocka_unit_test(
			test_no_slot_number_beyond_the_largest_is_made),
		cmocka_unit_test(
			test_a_keyring_that_is_too_large_is_not_signed),
		cmocka_unit_test(test_a_slot_is_removed_and_the_others_open),
		cmocka_unit_test(test_a_slot_takes_the_place_of_another),
		cmocka_unit_test(test_the_last_slot_of_a_person_stays),
		cmocka_unit_test(
			test_nothing_is_sealed_to_a_public_key_of_low_order),
		cmocka_unit_test(test_a_new_epoch_stands_behind_the_old_ones),
		cmocka_unit_test(test_an_epoch_needs_the_master_key_and_room),
		cmocka_unit_test(test_another_master_key_drops_all_slots),
		cmocka_unit_test(test_another_provider_key_needs_no_owner),
		cmocka_unit_test(
			test_a_plan_without_a_secret_makes_a_provider_slot),
		cmocka_unit_test(
			test_a_plan_with_a_secret_makes_a_password_slot_alone),
		cmocka_unit_test(test_a_plan_that_cannot_be_made_is_told),
	};

	return cmocka_run_group_tests_name("keyring-edit", tests, group_setup,
					   group_teardown);
}
