/* SPDX-License-Identifier: MIT */
/*
 * keyring: loading and unlocking (FORMAT.md 8 and 9).  Whatever was changed
 * in a document is found before any of its keys is used.
 */
#define _GNU_SOURCE	/* memmem */
#include "kit.h"

#include "roost/bytes.h"
#include "roost/derive.h"
#include "roost/hpke.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct kit_ring *ring;
static const struct roost_argon2_limits *const limits =
	&roost_slot_argon2_server;

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
resign(struct kit_ring *changed)
{
	kit_ring_sign(&changed->kr, changed);
}

static enum roost_err
load_mine(const struct kit_ring *changed)
{
	return kit_ring_load(&changed->kr, ring, KIT_OWNER);
}

/* Load as an owner can who has a recovery code and no provider key. */
static enum roost_err
load_offline(const struct kit_ring *changed)
{
	uint8_t master[32];
	struct roost_open_key *keys = kit_new(changed->kr.epoch_count *
					      sizeof(*keys));
	enum roost_err err;

	err = roost_keyring_check_owner(&changed->kr);
	if (err == ROOST_OK)
		err = roost_keyring_unlock_recovery(&changed->kr, ring->code,
						    master);
	if (err == ROOST_OK)
		err = roost_keyring_open_keys(&changed->kr, master, NULL,
					      keys);
	free(keys);
	return err;
}

/* An unlock gives the master key, or after an error nothing. */
static enum roost_err
check_master(const struct kit_ring *from, enum roost_err err,
	     const uint8_t *master)
{
	if (err == ROOST_OK)
		assert_memory_equal(master, from->master, 32);
	else
		assert_zero(master, 32);
	return err;
}

static enum roost_err
unlock_secret(const struct kit_ring *from, const uint8_t *secret)
{
	uint8_t master[32];
	enum roost_err err;

	memset(master, 0x55, 32);
	err = roost_keyring_unlock_secret(&from->kr, from->host_key, secret,
					  limits, master);
	return check_master(from, err, master);
}

static enum roost_err
unlock_code(const struct kit_ring *from, const uint8_t *code)
{
	uint8_t master[32];
	enum roost_err err;

	memset(master, 0x55, 32);
	err = roost_keyring_unlock_recovery(&from->kr, code, master);
	return check_master(from, err, master);
}

static void
test_every_slot_opens_with_its_secret(void **state)
{
	uint8_t master[32], host[32];

	(void)state;
	assert_good(roost_keyring_open_host(&ring->kr, KIT_OWNER,
					    ring->provider_key, 1, host));
	assert_memory_equal(host, ring->host_key, 32);
	assert_good(roost_keyring_unlock_provider(&ring->kr, host, master));
	assert_memory_equal(master, ring->master, 32);
	assert_good(unlock_secret(ring, ring->password));
	assert_good(unlock_secret(ring, ring->app));
	assert_good(unlock_code(ring, ring->code));
	assert_good(load_mine(ring));
	assert_good(load_offline(ring));
}

static void
test_no_slot_opens_with_another_secret(void **state)
{
	uint8_t secret[32], master[32];
	size_t bit, step = kit_is_quick() ? 100 : 37;

	(void)state;
	for (bit = 0; bit < 256; bit += step) {
		memcpy(secret, ring->password, 32);
		secret[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_gate(unlock_secret(ring, secret), ROOST_ERR_SLOT_AUTH);
		memcpy(secret, ring->app, 32);
		secret[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_gate(unlock_secret(ring, secret), ROOST_ERR_SLOT_AUTH);
		memcpy(secret, ring->host_key, 32);
		secret[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_gate(roost_keyring_unlock_provider(&ring->kr, secret,
							  master),
			    ROOST_ERR_SLOT_AUTH);
		assert_zero(master, 32);
	}
	for (bit = 0; bit < 160; bit++) {
		memcpy(secret, ring->code, 20);
		secret[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_gate(unlock_code(ring, secret), ROOST_ERR_SLOT_AUTH);
	}
	/* A recovery code is no password, and a password is no app password. */
	memset(secret, 0, 32);
	memcpy(secret, ring->code, 20);
	assert_gate(unlock_secret(ring, secret), ROOST_ERR_SLOT_AUTH);
}

static enum roost_err
unlock_escrow(const struct kit_ring *from, const uint8_t *private_key)
{
	uint8_t master[32];
	enum roost_err err;

	memset(master, 0x55, 32);
	err = roost_keyring_unlock_escrow(&from->kr, private_key, master);
	return check_master(from, err, master);
}

/* FORMAT.md 8.14, put together here by hand. */
static void
test_an_escrow_slot_is_sealed_as_it_is_written_down(void **state)
{
	struct kit_ring *mine = kit_ring_new(KIT_SLOT(ROOST_SLOT_PASSWORD) |
					     KIT_SLOT(ROOST_SLOT_ESCROW));
	const struct roost_slot *slot = &mine->kr.slots[1];
	char info[256] = "roost/v1 escrow", key[ROOST_BASE64_LEN(32) + 1];
	struct roost_hpke_context hpke = { .info = (const uint8_t *)info };
	uint8_t master[32];

	(void)state;
	roost_prim_base64(slot->public_key, 32, key);
	key[ROOST_BASE64_LEN(32)] = '\0';
	memcpy(info + 16, mine->kr.id, ROOST_ID_SIZE);
	hpke.info_len = 32 + (size_t)snprintf(
		info + 32, sizeof(info) - 32,
		"slot %u escrow %"PRIu64" x25519 %s", slot->number,
		slot->created, key);
	assert_good(roost_hpke_open(&hpke, slot->public_key, mine->escrow,
				    slot->sealed, slot->sealed + 32, 48,
				    master));
	assert_memory_equal(master, mine->master, 32);
	free(mine);
}

static void
test_an_escrow_slot_opens_with_its_private_key_alone(void **state)
{
	struct kit_ring *mine = kit_ring_new(KIT_SLOT(ROOST_SLOT_PASSWORD) |
					     KIT_SLOT(ROOST_SLOT_ESCROW));
	struct kit_ring *changed = kit_ring_copy(mine);
	struct roost_slot *slot = &changed->kr.slots[1];
	uint8_t wrong[32];
	size_t i;

	(void)state;
	assert_good(unlock_escrow(mine, mine->escrow));
	memcpy(wrong, mine->escrow, 32);
	wrong[7] ^= 1;
	assert_gate(unlock_escrow(mine, wrong), ROOST_ERR_NO_SLOT);
	assert_gate(unlock_escrow(mine, mine->password), ROOST_ERR_NO_SLOT);
	assert_gate(unlock_escrow(ring, mine->escrow), ROOST_ERR_NO_SLOT);
	for (i = 0; i < sizeof(slot->sealed); i++) {
		slot->sealed[i] ^= 1;
		assert_gate(unlock_escrow(changed, mine->escrow),
			    ROOST_ERR_SLOT_AUTH);
		slot->sealed[i] ^= 1;
	}
	memset(slot->sealed, 0, 32);
	assert_gate(unlock_escrow(changed, mine->escrow),
		    ROOST_ERR_SLOT_AUTH);
	*slot = mine->kr.slots[1];
	slot->created++;
	assert_gate(unlock_escrow(changed, mine->escrow),
		    ROOST_ERR_SLOT_AUTH);
	*slot = mine->kr.slots[1];
	changed->kr.id[0] ^= 1;
	assert_gate(unlock_escrow(changed, mine->escrow),
		    ROOST_ERR_SLOT_AUTH);
	free(changed);
	free(mine);
}

/* While one password takes the place of another, both open, and the later one
   costs one Argon2id. */
static void
test_of_two_passwords_the_later_one_is_tried_first(void **state)
{
	struct kit_ring *two = kit_ring_new(KIT_SLOT(ROOST_SLOT_PASSWORD));
	struct roost_slot_new slot = {
		.type = ROOST_SLOT_PASSWORD, .secret = two->app,
		.t = ROOST_ARGON2_T_MIN, .m_kib = ROOST_ARGON2_M_KIB_MIN,
	};

	(void)state;
	assert_good(roost_keyring_add_slot(&two->kr, two->host_key,
					   two->master, &slot));
	assert_good(unlock_secret(two, two->app));
	assert_good(unlock_secret(two, two->password));
	/* What is not tried does no harm. */
	two->kr.slots[0].t = 0;
	assert_good(unlock_secret(two, two->app));
	assert_gate(unlock_secret(two, two->password),
		    ROOST_ERR_ARGON2_LIMIT);
	two->kr.slots[0].t = ROOST_ARGON2_T_MIN;
	two->kr.slots[1].t = 0;
	assert_good(unlock_secret(two, two->password));
	free(two);
}

/* The password alone is worth nothing without the host key. */
static void
test_a_password_needs_the_host_key(void **state)
{
	struct kit_ring *changed = kit_ring_copy(ring);

	(void)state;
	changed->host_key[0] ^= 1;
	assert_gate(unlock_secret(changed, ring->password),
		    ROOST_ERR_SLOT_AUTH);
	assert_good(unlock_secret(changed, ring->app));
	free(changed);
}

static void
test_a_missing_kind_of_slot_is_told(void **state)
{
	static const unsigned int kinds[] = {
		KIT_SLOT(ROOST_SLOT_PROVIDER), KIT_SLOT(ROOST_SLOT_PASSWORD),
		KIT_SLOT(ROOST_SLOT_APP), KIT_SLOT(ROOST_SLOT_RECOVERY)
	};
	uint8_t master[32];
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		struct kit_ring *one = kit_ring_new(kinds[i]);

		assert_gate(roost_keyring_unlock_provider(&one->kr,
				one->host_key, master),
			    i == 0 ? ROOST_OK : ROOST_ERR_NO_SLOT);
		assert_gate(unlock_secret(one, one->password), i == 1 ?
			    ROOST_OK : i == 2 ? ROOST_ERR_SLOT_AUTH :
			    ROOST_ERR_NO_SLOT);
		assert_gate(unlock_secret(one, one->app), i == 2 ?
			    ROOST_OK : i == 1 ? ROOST_ERR_SLOT_AUTH :
			    ROOST_ERR_NO_SLOT);
		assert_gate(unlock_code(one, one->code), i == 3 ? ROOST_OK :
			    ROOST_ERR_NO_SLOT);
		free(one);
	}
}

/* There are several app passwords and codes; each opens, in the order of the
   document. */
static void
test_any_of_several_slots_opens(void **state)
{
	struct kit_ring *many = kit_ring_new(KIT_SLOT(ROOST_SLOT_PASSWORD));
	uint8_t app[3][32], code[3][20];
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct roost_slot_new slot = { .now = 5 };

		kit_fill(app[i], 32);
		kit_fill(code[i], 20);
		slot.type = ROOST_SLOT_APP;
		slot.secret = app[i];
		assert_good(roost_keyring_add_slot(&many->kr, many->host_key,
						   many->master, &slot));
		slot.type = ROOST_SLOT_RECOVERY;
		slot.secret = code[i];
		assert_good(roost_keyring_add_slot(&many->kr, many->host_key,
						   many->master, &slot));
	}
	resign(many);
	for (i = 0; i < 3; i++) {
		assert_good(unlock_secret(many, app[i]));
		assert_good(unlock_code(many, code[i]));
	}
	assert_good(unlock_secret(many, many->password));
	/* One of them is damaged, and the others still open. */
	many->kr.slots[1].wrap[20] ^= 1;
	assert_gate(unlock_secret(many, app[0]), ROOST_ERR_SLOT_AUTH);
	assert_good(unlock_secret(many, app[2]));
	free(many);
}

/* So it is for a person with a backup and no provider key (FORMAT.md 9.15). */
static void
test_without_a_host_key_some_slots_are_absent(void **state)
{
	struct kit_ring *one = kit_ring_new(KIT_SLOT(ROOST_SLOT_PASSWORD));
	uint8_t master[32];

	(void)state;
	memset(master, 0x55, 32);
	assert_gate(roost_keyring_unlock_secret(&one->kr, NULL, one->password,
						limits, master),
		    ROOST_ERR_NO_SLOT);
	assert_zero(master, 32);
	assert_gate(roost_keyring_unlock_secret(&ring->kr, NULL,
						ring->password, limits,
						master),
		    ROOST_ERR_SLOT_AUTH);
	assert_gate(roost_keyring_unlock_provider(&ring->kr, NULL, master),
		    ROOST_ERR_NO_SLOT);
	assert_good(roost_keyring_unlock_secret(&ring->kr, NULL, ring->app,
						limits, master));
	assert_memory_equal(master, ring->master, 32);
	free(one);
}

/* Only the first provider slot is tried (FORMAT.md 9.14). */
static void
test_only_the_first_provider_slot_is_tried(void **state)
{
	struct kit_ring *two = kit_ring_new(KIT_SLOT(ROOST_SLOT_PROVIDER));
	struct roost_slot_new slot = { .type = ROOST_SLOT_PROVIDER };
	uint8_t master[32];

	(void)state;
	assert_good(roost_keyring_add_slot(&two->kr, two->host_key,
					   two->master, &slot));
	assert_good(roost_keyring_unlock_provider(&two->kr, two->host_key,
						  master));
	two->kr.slots[0].wrap[20] ^= 1;
	assert_gate(roost_keyring_unlock_provider(&two->kr, two->host_key,
						  master),
		    ROOST_ERR_SLOT_AUTH);
	assert_zero(master, 32);
	free(two);
}

/* The cost stands in a document that somebody else may have written.  It is
   checked before any memory is taken, and does not lock out other slots. */
static void
test_argon2_costs_beyond_the_limit_are_refused(void **state)
{
	static const struct {
		uint32_t t, m_kib;
	} costs[] = {
		{ 0, 8192 }, { 11, 8192 }, { 0x7fffffff, 8192 }, { 1, 0 },
		{ 1, 8191 }, { 1, 131073 }, { 1, 0x7fffffff },
	};
	struct kit_ring *changed = kit_ring_copy(ring);
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(costs); i++) {
		changed->kr.slots[1].t = costs[i].t;
		changed->kr.slots[1].m_kib = costs[i].m_kib;
		resign(changed);
		assert_good(load_mine(changed));
		assert_gate(unlock_secret(changed, ring->password),
			    ROOST_ERR_ARGON2_LIMIT);
		assert_good(unlock_secret(changed, ring->app));
		assert_good(unlock_code(changed, ring->code));
	}
	/* This cost is within the limits, but the slot was made with
	   another. */
	changed->kr.slots[1].t = 2;
	changed->kr.slots[1].m_kib = 8192;
	resign(changed);
	assert_gate(unlock_secret(changed, ring->password),
		    ROOST_ERR_SLOT_AUTH);
	free(changed);
}

static void
test_another_owner_is_refused_first(void **state)
{
	static const char *const owners[] = {
		"", "anna@example.or", "anna@example.orgg",
		"Anna@example.org", "berta@example.org"
	};
	struct kit_ring *changed = kit_ring_copy(ring);
	size_t i;

	(void)state;
	changed->kr.host_wrap[3] ^= 1;
	for (i = 0; i < KIT_COUNT(owners); i++) {
		assert_gate(kit_ring_load(&ring->kr, ring, owners[i]),
			    ROOST_ERR_OWNER);
		assert_gate(kit_ring_load(&changed->kr, ring, owners[i]),
			    ROOST_ERR_OWNER);
	}
	assert_good(kit_ring_load(&ring->kr, ring, NULL));
	free(changed);
}

static void
test_the_provider_key_is_found_by_its_id(void **state)
{
	uint8_t keys[4][32], host[32];
	size_t i;

	(void)state;
	kit_fill(keys[0], sizeof(keys));
	assert_gate(roost_keyring_open_host(&ring->kr, NULL, keys[0], 4,
					    host), ROOST_ERR_PROVIDER_KEY);
	assert_zero(host, 32);
	assert_gate(roost_keyring_open_host(&ring->kr, NULL, NULL, 0, host),
		    ROOST_ERR_PROVIDER_KEY);
	for (i = 0; i < 4; i++) {
		kit_fill(keys[0], sizeof(keys));
		memcpy(keys[i], ring->provider_key, 32);
		assert_good(roost_keyring_open_host(&ring->kr, NULL, keys[0],
						    4, host));
		assert_memory_equal(host, ring->host_key, 32);
		assert_gate(roost_keyring_open_host(&ring->kr, NULL, keys[0],
						    i, host),
			    ROOST_ERR_PROVIDER_KEY);
	}
}

/* Check a mac over lines, whose key is a D() of 32 bytes (FORMAT.md 8.10). */
static void
assert_mac(const uint8_t *key, const char *label, const char *lines,
	   size_t len, const uint8_t *mac)
{
	uint8_t mac_key[32], right[64];

	assert_good(roost_derive(key, label, NULL, 0, mac_key, 32));
	assert_good(roost_prim_hmac_sha512(mac_key, 32, lines, len, right));
	assert_memory_equal(mac, right, 32);
}

static void
test_the_signature_is_that_of_the_format(void **state)
{
	static const char label[] = "roost/v1 owner-sig";
	uint8_t text[14 + 32] = "roost keyring", hash[32], right[64];
	size_t len, rest = sizeof(label);
	char *doc = kit_ring_text(&ring->kr, &len), *at, *lines;

	(void)state;
	/* The id is that of FORMAT.md 8.12. */
	assert_good(roost_prim_sign_public(ring->seed, text + 14));
	assert_memory_equal(text + 14, ring->kr.identity, 32);
	assert_good(roost_prim_sha256(text, sizeof(text), hash));
	assert_memory_equal(ring->kr.id, hash, 16);
	/* Generation, policy and host are left out (FORMAT.md 8.9). */
	lines = kit_new(len + rest);
	memcpy(lines, label, rest);
	at = memmem(doc, len, "generation ", 11);
	memcpy(lines + rest, doc, (size_t)(at - doc));
	rest += (size_t)(at - doc);
	at = memmem(doc, len, "\nepoch ", 7);
	len = (size_t)((char *)memmem(doc, len, "\nowner-sig ", 11) - at);
	memcpy(lines + rest, at + 1, len);
	assert_good(roost_prim_sign(ring->seed, lines, rest + len, right));
	assert_memory_equal(ring->kr.owner_sig, right, 64);
	free(lines);
	free(doc);
}

static void
test_macs_and_wraps_are_those_of_the_format(void **state)
{
	size_t len, rest;
	char *doc = kit_ring_text(&ring->kr, &len), *at;
	uint8_t kek[32], out[32], ad[200];

	(void)state;
	at = memmem(doc, len, "\nprovider-mac ", 14);
	assert_mac(ring->host_key, "provider mac", doc,
		   (size_t)(at + 1 - doc), ring->kr.provider_mac);
	/* Make the host wrap's associated data. */
	at = memmem(doc, 300, "\nid ", 4);
	memcpy(ad, at + 1, 26);
	at = memmem(doc, 300, "\nowner ", 7);
	rest = (size_t)((char *)memmem(doc, 300, "generation ", 11) - at - 1);
	memcpy(ad + 26, at + 1, rest);
	rest += 26;
	memcpy(ad + rest, (char *)memmem(doc, 300, "\nhost ", 6) + 1, 5 + 11);
	assert_good(roost_derive(ring->provider_key, "host", NULL, 0, kek,
				 32));
	assert_good(roost_prim_unwrap(kek, ad, rest + 16, ring->kr.host_wrap,
				      60, out));
	assert_memory_equal(out, ring->host_key, 32);
	/* Make the associated data of a slot's wrap. */
	memcpy(ad, ring->kr.id, 16);
	memcpy(ad + 16, "slot 1 provider 1700000000", 26);
	assert_good(roost_slot_kek_provider(ring->host_key, kek));
	assert_good(roost_prim_unwrap(kek, ad, 42, ring->kr.slots[0].wrap, 60,
				      out));
	assert_memory_equal(out, ring->master, 32);
	free(doc);
}

static void
test_secrets_are_those_of_the_format(void **state)
{
	uint8_t ad[17 + 16] = "roost/v1 secrets", key[32], plain[32 + 68];
	uint8_t number[4] = { 0, 0, 0, 1 }, psk[32], *entry = plain + 32;

	(void)state;
	memcpy(ad + 17, ring->kr.id, 16);
	assert_good(roost_derive(ring->master, "secrets", NULL, 0, key,
				 32));
	assert_good(roost_prim_unwrap(key, ad, 33, ring->kr.secrets, 128,
				      plain));
	assert_memory_equal(plain, ring->seed, 32);
	assert_memory_equal(entry, number, 4);
	assert_memory_equal(entry + 4, ring->open.private_key, 32);
	assert_memory_equal(entry + 36, ring->open.psk, 32);
	assert_good(roost_derive(ring->host_key, "psk", number, 4, psk,
				 32));
	assert_memory_equal(psk, ring->open.psk, 32);
	assert_memory_equal(psk, ring->seal.psk, 32);
}

/* Every byte of the document is changed to every other value.  It must be
   refused, and by nothing later than the provider's mac. */
static void
test_every_changed_byte_of_a_document_is_refused(void **state)
{
	struct roost_keyring *kr = kit_new(sizeof(*kr));
	size_t len, i, parsed = 0;
	char *doc = kit_ring_text(&ring->kr, &len);
	unsigned int change, line, step = kit_is_quick() ? 41 : 1;

	(void)state;
	for (i = 0; i < len; i++) {
		for (change = 1; change < 256; change += step) {
			enum roost_err err;

			doc[i] = (char)(doc[i] ^ (char)change);
			err = roost_keyring_parse((const char *)kit_at_fence(
				doc, len), len, kr, &line);
			if (err == ROOST_OK) {
				parsed++;
				err = kit_ring_load(kr, ring, KIT_OWNER);
				assert_true(err >= ROOST_ERR_OWNER &&
					    err <= ROOST_ERR_PROVIDER_MAC);
			} else {
				assert_true(err >= ROOST_ERR_DOC_SIZE &&
					    err <= ROOST_ERR_DOC_SLOT);
			}
			doc[i] = (char)(doc[i] ^ (char)change);
		}
	}
	assert_true(parsed > len);
	assert_good(roost_keyring_parse(doc, len, kr, &line));
	assert_good(kit_ring_load(kr, ring, KIT_OWNER));
	free(doc);
	free(kr);
}

/* The same is done for the owner alone, in the lines that the owner has
   signed. */
static void
test_every_changed_bit_of_the_owners_lines_is_refused(void **state)
{
	struct roost_keyring *kr = kit_new(sizeof(*kr));
	struct kit_ring *changed = kit_ring_copy(ring);
	size_t len, i, from, to, end;
	char *doc = kit_ring_text(&ring->kr, &len);
	unsigned int bit, line;

	(void)state;
	from = (size_t)((char *)memmem(doc, len, "generation ", 11) - doc);
	to = (size_t)((char *)memmem(doc, len, "epoch ", 6) - doc);
	end = (size_t)((char *)memmem(doc, len, "provider-mac", 12) - doc);
	for (i = 0; i < end; i += kit_is_quick() ? 7 : 1) {
		for (bit = 0; (i < from || i >= to) && bit < 8; bit++) {
			doc[i] = (char)(doc[i] ^ 1 << bit);
			if (roost_keyring_parse(doc, len, kr, &line) ==
			    ROOST_OK) {
				changed->kr = *kr;
				assert_true(load_offline(changed) !=
					    ROOST_OK);
			}
			doc[i] = (char)(doc[i] ^ 1 << bit);
		}
	}
	free(changed);
	free(doc);
	free(kr);
}

/* Somebody who can write the storage puts in a public key of his own. */
static void
test_a_swapped_public_key_is_not_sealed_to(void **state)
{
	struct kit_ring *changed = kit_ring_copy(ring);
	uint8_t private_key[32], host[32];

	(void)state;
	kit_fill(private_key, 32);
	assert_good(roost_prim_x25519_public(private_key,
		changed->kr.epochs[0].public_key));
	assert_gate(load_mine(changed), ROOST_ERR_PROVIDER_MAC);
	assert_gate(load_offline(changed), ROOST_ERR_OWNER_SIG);
	/* It is refused even with the provider's key, before anything is
	   unlocked. */
	assert_good(roost_keyring_sign_owner(&changed->kr, private_key));
	assert_good(roost_keyring_sign_provider(&changed->kr,
						changed->host_key));
	assert_gate(roost_keyring_open_host(&changed->kr, KIT_OWNER,
		ring->provider_key, 1, host), ROOST_ERR_OWNER_SIG);
	assert_zero(host, 32);
	/* If he had the identity's key, too, the key pair would not fit. */
	resign(changed);
	assert_gate(load_mine(changed), ROOST_ERR_EPOCH_KEY);
	assert_gate(load_offline(changed), ROOST_ERR_EPOCH_KEY);
	free(changed);
}

/* Somebody puts his own identity into a keyring that bears another's id, or
   somebody else's epochs and slots under an identity's own id. */
static void
test_an_identity_has_one_id(void **state)
{
	struct kit_ring *changed = kit_ring_copy(ring);
	struct kit_ring *other = kit_ring_new(KIT_SLOT_ALL);
	size_t bit;

	(void)state;
	memcpy(changed->kr.identity, other->kr.identity, 32);
	memcpy(changed->seed, other->seed, 32);
	resign(changed);
	assert_gate(load_mine(changed), ROOST_ERR_IDENTITY);
	assert_gate(load_offline(changed), ROOST_ERR_IDENTITY);
	memcpy(changed->kr.identity, ring->kr.identity, 32);
	resign(changed);
	assert_gate(load_mine(changed), ROOST_ERR_OWNER_SIG);
	memcpy(changed->seed, ring->seed, 32);
	for (bit = 0; bit < 128; bit++) {
		changed->kr.id[bit / 8] ^= (uint8_t)(1 << bit % 8);
		resign(changed);
		assert_gate(load_offline(changed), ROOST_ERR_IDENTITY);
		changed->kr.id[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	resign(changed);
	assert_good(load_mine(changed));
	free(changed);
	free(other);
}

/* Each part is changed and all else repaired, so that its own gate must refuse
   it. */
static void
test_what_macs_do_not_see_has_gates_of_its_own(void **state)
{
	struct kit_ring *changed = kit_ring_copy(ring);
	size_t bit;

	(void)state;
	for (bit = 0; bit < 480; bit += 3) {
		changed->kr.host_wrap[bit / 8] ^= (uint8_t)(1 << bit % 8);
		resign(changed);
		assert_gate(load_mine(changed), ROOST_ERR_HOST_AUTH);
		changed->kr.host_wrap[bit / 8] ^= (uint8_t)(1 << bit % 8);
		changed->kr.slots[0].wrap[bit / 8] ^= (uint8_t)(1 << bit % 8);
		resign(changed);
		assert_gate(load_mine(changed), ROOST_ERR_SLOT_AUTH);
		changed->kr.slots[0].wrap[bit / 8] ^= (uint8_t)(1 << bit % 8);
		changed->kr.secrets[bit / 8] ^= (uint8_t)(1 << bit % 8);
		resign(changed);
		assert_gate(load_mine(changed), ROOST_ERR_SECRETS);
		changed->kr.secrets[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	changed->kr.provider_id[0] ^= 1;
	resign(changed);
	assert_gate(load_mine(changed), ROOST_ERR_PROVIDER_KEY);
	free(changed);
}

/* Wraps are bound to their keyring, owner, number, type and time. */
static void
test_wraps_are_bound_to_their_place(void **state)
{
	struct kit_ring *changed = kit_ring_copy(ring);

	(void)state;
	changed->kr.slots[0].created++;
	resign(changed);
	assert_gate(load_mine(changed), ROOST_ERR_SLOT_AUTH);
	changed->kr.slots[0] = ring->kr.slots[0];
	changed->kr.slots[2].type = ROOST_SLOT_RECOVERY;
	resign(changed);
	assert_gate(unlock_code(changed, ring->app), ROOST_ERR_SLOT_AUTH);
	changed->kr.slots[2] = ring->kr.slots[2];
	changed->kr.slots[3].number = 5;
	resign(changed);
	assert_gate(load_offline(changed), ROOST_ERR_SLOT_AUTH);
	changed->kr.slots[3] = ring->kr.slots[3];
	changed->kr.slots[3].salt[0] ^= 1;
	resign(changed);
	assert_gate(load_offline(changed), ROOST_ERR_SLOT_AUTH);
	changed->kr.slots[3] = ring->kr.slots[3];
	changed->kr.id[0] ^= 1;
	resign(changed);
	assert_gate(load_mine(changed), ROOST_ERR_HOST_AUTH);
	assert_gate(unlock_code(changed, ring->code), ROOST_ERR_SLOT_AUTH);
	changed->kr.id[0] ^= 1;
	memcpy(changed->kr.owner, "berta", 6);
	resign(changed);
	assert_gate(kit_ring_load(&changed->kr, ring, "berta"),
		    ROOST_ERR_HOST_AUTH);
	free(changed);
}

static void
test_mac_and_signature_are_looked_at(void **state)
{
	struct kit_ring *changed = kit_ring_copy(ring);
	size_t bit;

	(void)state;
	for (bit = 0; bit < 256; bit++) {
		changed->kr.provider_mac[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_gate(load_mine(changed), ROOST_ERR_PROVIDER_MAC);
		assert_good(load_offline(changed));
		changed->kr.provider_mac[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (bit = 0; bit < 512; bit++) {
		changed->kr.owner_sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_gate(load_mine(changed), ROOST_ERR_PROVIDER_MAC);
		assert_gate(load_offline(changed), ROOST_ERR_OWNER_SIG);
		changed->kr.owner_sig[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	free(changed);
}

static void
test_policy_and_generation_are_the_operators(void **state)
{
	struct kit_ring *changed = kit_ring_copy(ring);

	(void)state;
	changed->kr.policy = ROOST_POLICY_SEALED;
	assert_gate(load_mine(changed), ROOST_ERR_PROVIDER_MAC);
	changed->kr.policy = ROOST_POLICY_OPEN;
	changed->kr.generation = 2;
	assert_gate(load_mine(changed), ROOST_ERR_PROVIDER_MAC);
	assert_good(load_offline(changed));
	resign(changed);
	assert_good(load_mine(changed));
	assert_memory_equal(changed->kr.owner_sig, ring->kr.owner_sig, 64);
	free(changed);
}

/* Make the record `secrets` anew with these entries. */
static void
ring_rewrap(struct kit_ring *many, const uint8_t *entries)
{
	uint8_t ad[17 + 16] = "roost/v1 secrets", key[32], plain[32 + 3 * 68];
	size_t len = 68 * many->kr.epoch_count;

	memcpy(plain, many->seed, 32);
	memcpy(plain + 32, entries, len);
	memcpy(ad + 17, many->kr.id, 16);
	assert_good(roost_derive(many->master, "secrets", NULL, 0, key,
				 32));
	assert_good(roost_prim_wrap(key, ad, 33, plain, 32 + len,
				    many->kr.secrets));
	resign(many);
}

/* Give the keyring several epochs, as a rotation would. */
static void
ring_epochs(struct kit_ring *many, unsigned int count, uint8_t *entries_r)
{
	unsigned int i;

	many->kr.epoch_count = count;
	for (i = 0; i < count; i++) {
		uint8_t *entry = entries_r + 68 * i;

		many->kr.epochs[i].number = i + 1;
		roost_be32_put(entry, i + 1);
		kit_fill(entry + 4, 32);
		assert_good(roost_prim_x25519_public(entry + 4,
			many->kr.epochs[i].public_key));
		assert_good(roost_derive(many->host_key, "psk", entry, 4,
					 entry + 36, 32));
	}
	ring_rewrap(many, entries_r);
}

static void
test_every_epoch_opens_its_messages(void **state)
{
	struct kit_ring *many = kit_ring_copy(ring);
	uint8_t entries[3 * 68], *plain;
	struct roost_open_key keys[3];
	struct roost_seal_key seal;
	size_t len, plain_len;
	unsigned int i;
	uint8_t *old, *sealed;

	(void)state;
	old = kit_seal(&ring->seal, (const uint8_t *)"old", 3, &len, NULL);
	ring_epochs(many, 3, entries);
	assert_good(roost_keyring_open_keys(&many->kr, many->master,
					    many->host_key, keys));
	for (i = 0; i < 3; i++) {
		assert_memory_equal(keys[i].private_key, entries + 68 * i + 4,
				    32);
		assert_memory_equal(keys[i].psk, entries + 68 * i + 36, 32);
		assert_memory_equal(keys[i].public_key,
				    many->kr.epochs[i].public_key, 32);
	}
	/* New mail is sealed to the newest. */
	assert_good(roost_keyring_seal_key(&many->kr, many->host_key, &seal));
	assert_memory_equal(seal.public_key, keys[2].public_key, 32);
	assert_memory_equal(seal.psk, keys[2].psk, 32);
	assert_memory_equal(seal.key_id, keys[2].key_id, 8);
	assert_memory_equal(seal.keyring_id, many->kr.id, 16);
	many->open = keys[2];
	sealed = kit_seal(&seal, (const uint8_t *)"new", 3, &len, NULL);
	assert_good(kit_open(many, sealed, len, &plain, &plain_len));
	free(plain);
	many->open = keys[1];
	assert_gate(kit_gate(many, sealed, len), ROOST_ERR_NO_KEY);
	assert_gate(kit_gate(many, old, len), ROOST_ERR_NO_KEY);
	free(old);
	free(sealed);
	free(many);
}

static void
test_each_entry_must_be_that_of_its_epoch(void **state)
{
	struct kit_ring *many = kit_ring_copy(ring);
	uint8_t entries[3 * 68];
	unsigned int i;

	(void)state;
	ring_epochs(many, 3, entries);
	assert_good(kit_ring_load(&many->kr, many, KIT_OWNER));
	for (i = 0; i < 3; i++) {
		uint8_t *entry = entries + 68 * i;

		entry[3] ^= 8;		/* number */
		ring_rewrap(many, entries);
		assert_gate(kit_ring_load(&many->kr, many, KIT_OWNER),
			    ROOST_ERR_EPOCH_KEY);
		entry[3] ^= 8;
		entry[4 + 9] ^= 1;	/* private key */
		ring_rewrap(many, entries);
		assert_gate(kit_ring_load(&many->kr, many, KIT_OWNER),
			    ROOST_ERR_EPOCH_KEY);
		assert_gate(load_offline(many), ROOST_ERR_EPOCH_KEY);
		entry[4 + 9] ^= 1;
		entry[36 + 31] ^= 1;	/* psk, of the newest alone */
		ring_rewrap(many, entries);
		assert_gate(kit_ring_load(&many->kr, many, KIT_OWNER),
			    i == 2 ? ROOST_ERR_EPOCH_KEY : ROOST_OK);
		assert_good(load_offline(many));
		entry[36 + 31] ^= 1;
	}
	ring_rewrap(many, entries);
	assert_good(kit_ring_load(&many->kr, many, KIT_OWNER));
	free(many);
}

static void
test_the_seed_must_be_that_of_the_identity(void **state)
{
	struct kit_ring *many = kit_ring_copy(ring);
	uint8_t entries[3 * 68];
	unsigned int bit;

	(void)state;
	ring_epochs(many, 3, entries);
	for (bit = 0; bit < 256; bit += 5) {
		many->seed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ring_rewrap(many, entries);
		many->seed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		resign(many);
		assert_gate(kit_ring_load(&many->kr, many, KIT_OWNER),
			    ROOST_ERR_IDENTITY_KEY);
		assert_gate(load_offline(many), ROOST_ERR_IDENTITY_KEY);
	}
	free(many);
}

/* Somebody puts old secrets back under a document that has an epoch more, and
   the like. */
static void
test_secrets_of_another_keyring_do_not_open(void **state)
{
	struct kit_ring *changed = kit_ring_copy(ring);
	struct kit_ring *other = kit_ring_new(KIT_SLOT(ROOST_SLOT_PROVIDER));

	(void)state;
	memcpy(changed->kr.secrets, other->kr.secrets, 128);
	resign(changed);
	assert_gate(load_mine(changed), ROOST_ERR_SECRETS);
	/* They do not open with the same master key either. */
	memcpy(changed->kr.secrets, ring->kr.secrets, 128);
	memcpy(changed->kr.id, other->kr.id, 16);
	resign(changed);
	assert_gate(roost_keyring_open_keys(&changed->kr, changed->master,
					    NULL, &changed->open),
		    ROOST_ERR_SECRETS);
	assert_zero(&changed->open, sizeof(changed->open));
	free(changed);
	free(other);
}

static void
test_another_users_keyring_does_not_load(void **state)
{
	struct kit_ring *other = kit_ring_new(KIT_SLOT_ALL);

	(void)state;
	assert_gate(kit_ring_load(&other->kr, ring, KIT_OWNER),
		    ROOST_ERR_PROVIDER_KEY);
	memcpy(other->kr.host_wrap, ring->kr.host_wrap, 60);
	memcpy(other->kr.provider_id, ring->kr.provider_id, 8);
	assert_gate(kit_ring_load(&other->kr, ring, KIT_OWNER),
		    ROOST_ERR_HOST_AUTH);
	memcpy(other->kr.id, ring->kr.id, 16);
	assert_gate(kit_ring_load(&other->kr, ring, KIT_OWNER),
		    ROOST_ERR_PROVIDER_MAC);
	free(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_slot_opens_with_its_secret),
		cmocka_unit_test(test_no_slot_opens_with_another_secret),
		cmocka_unit_test(
			test_an_escrow_slot_is_sealed_as_it_is_written_down),
		cmocka_unit_test(
			test_an_escrow_slot_opens_with_its_private_key_alone),
		cmocka_unit_test(
			test_of_two_passwords_the_later_one_is_tried_first),
		cmocka_unit_test(test_a_password_needs_the_host_key),
		cmocka_unit_test(test_a_missing_kind_of_slot_is_told),
		cmocka_unit_test(test_any_of_several_slots_opens),
		cmocka_unit_test(
			test_without_a_host_key_some_slots_are_absent),
		cmocka_unit_test(test_only_the_first_provider_slot_is_tried),
		cmocka_unit_test(
			test_argon2_costs_beyond_the_limit_are_refused),
		cmocka_unit_test(test_another_owner_is_refused_first),
		cmocka_unit_test(test_the_provider_key_is_found_by_its_id),
		cmocka_unit_test(test_macs_and_wraps_are_those_of_the_format),
		cmocka_unit_test(test_secrets_are_those_of_the_format),
		cmocka_unit_test(
			test_every_changed_byte_of_a_document_is_refused),
		cmocka_unit_test(
			test_every_changed_bit_of_the_owners_lines_is_refused),
		cmocka_unit_test(test_a_swapped_public_key_is_not_sealed_to),
		cmocka_unit_test(
			test_what_macs_do_not_see_has_gates_of_its_own),
		cmocka_unit_test(test_wraps_are_bound_to_their_place),
		cmocka_unit_test(test_mac_and_signature_are_looked_at),
		cmocka_unit_test(test_an_identity_has_one_id),
		cmocka_unit_test(test_the_signature_is_that_of_the_format),
		cmocka_unit_test(test_policy_and_generation_are_the_operators),
		cmocka_unit_test(test_every_epoch_opens_its_messages),
		cmocka_unit_test(test_each_entry_must_be_that_of_its_epoch),
		cmocka_unit_test(test_the_seed_must_be_that_of_the_identity),
		cmocka_unit_test(test_secrets_of_another_keyring_do_not_open),
		cmocka_unit_test(test_another_users_keyring_does_not_load),
	};

	return cmocka_run_group_tests_name("keyring", tests, group_setup,
					   group_teardown);
}
