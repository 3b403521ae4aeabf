/* SPDX-License-Identifier: MIT */
/*
 * kit: what the tests of the core share.  See kit.h.
 */
#define _GNU_SOURCE
#include "kit.h"

#include "roost/bytes.h"
#include "roost/derive.h"
#include "roost/secret.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define FENCE_SIZE 131072

static uint64_t rng_state;

/* This is splitmix64, which takes any seed. */
uint64_t
kit_random(void)
{
	uint64_t z = (rng_state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void
kit_seed(uint64_t seed)
{
	rng_state = seed;
}

size_t
kit_below(size_t limit)
{
	return (size_t)(kit_random() % limit);
}

void
kit_fill(uint8_t *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		bytes[i] = (uint8_t)kit_random();
}

bool
kit_is_quick(void)
{
	const char *quick = getenv("ROOST_TEST_QUICK");

	return quick != NULL && *quick != '\0' && *quick != '0';
}

int
kit_setup(void **state)
{
	const char *text = getenv("ROOST_TEST_SEED");
	struct timespec now;
	uint64_t seed;

	(void)state;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	seed = text != NULL ? strtoull(text, NULL, 10) :
		(uint64_t)now.tv_sec * 1000000007U ^ (uint64_t)now.tv_nsec;
	kit_seed(seed);
	printf("seed %" PRIu64 " (ROOST_TEST_SEED repeats it)\n", seed);
	(void)fflush(stdout);
	return roost_prim_init() == ROOST_OK ? 0 : -1;
}

int
kit_teardown(void **state)
{
	(void)state;
	roost_prim_deinit();
	return 0;
}

static void
kit_die(const char *what)
{
	(void)fprintf(stderr, "kit: %s: %s\n", what, strerror(errno));
	abort();
}

void *
kit_new(size_t len)
{
	void *bytes = malloc(len == 0 ? 1 : len);

	if (bytes == NULL)
		kit_die("malloc");
	return bytes;
}

uint8_t *
kit_copy(const void *bytes, size_t len)
{
	uint8_t *copy = kit_new(len);

	if (len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

uint8_t *
kit_at_fence(const void *bytes, size_t len)
{
	static uint8_t *fence;
	uint8_t *start;

	if (fence == NULL) {
		fence = mmap(NULL, FENCE_SIZE + 65536, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (fence == MAP_FAILED)
			kit_die("mmap");
		if (mprotect(fence + FENCE_SIZE, 65536, PROT_NONE) != 0)
			kit_die("mprotect");
	}
	if (len > FENCE_SIZE)
		kit_die("too much for the fence");
	start = fence + FENCE_SIZE - len;
	if (len > 0)
		memmove(start, bytes, len);
	return start;
}

void
kit_unhex(const char *text, uint8_t *bytes_r, size_t len)
{
	assert_true(roost_bytes_unhex(text, strlen(text), bytes_r, len));
}

static enum roost_err
memory_write(void *context, const uint8_t *bytes, size_t len)
{
	struct kit_memory *memory = context;

	if (memory->fail_at != 0 && memory->len + len > memory->fail_at)
		return ROOST_ERR_IO;
	if (memory->len + len > memory->size) {
		memory->size = (memory->len + len) * 2;
		memory->bytes = realloc(memory->bytes, memory->size);
		if (memory->bytes == NULL)
			kit_die("realloc");
	}
	if (len > 0)
		memcpy(memory->bytes + memory->len, bytes, len);
	memory->len += len;
	return ROOST_OK;
}

struct roost_sink
kit_sink(struct kit_memory *memory)
{
	struct roost_sink sink = { .write = memory_write, .context = memory };

	return sink;
}

void
kit_memory_free(struct kit_memory *memory)
{
	free(memory->bytes);
	memset(memory, 0, sizeof(*memory));
}

static enum roost_err
bytes_read(void *context, uint64_t off, uint8_t *dst, size_t len)
{
	struct kit_bytes *from = context;

	from->reads++;
	if (off > from->len || len > from->len - off)
		kit_die("read beyond the source");
	if (from->is_failing)
		return ROOST_ERR_IO;
	if (from->again > 0) {
		if (from->again_off != off || from->again_seen == 0) {
			from->again_off = off;
			from->again_seen = from->again + 1;
		}
		/* A source may have filled a part of what it was asked for. */
		if (--from->again_seen > 0) {
			memset(dst, 0xee, len / 2);
			return ROOST_ERR_AGAIN;
		}
	}
	if (len > 0)
		memcpy(dst, from->bytes + off, len);
	return ROOST_OK;
}

struct roost_source
kit_source(struct kit_bytes *from)
{
	struct roost_source source = {
		.read = bytes_read, .context = from, .size = from->len
	};

	return source;
}

static void
ring_add(struct kit_ring *ring, unsigned int slots, enum roost_slot_type type,
	 const uint8_t *secret)
{
	struct roost_slot_new slot = {
		.type = type, .now = 1700000000, .secret = secret,
		.public_key = ring->escrow_public,
	};

	if (type == ROOST_SLOT_PASSWORD) {
		slot.t = ROOST_ARGON2_T_MIN;
		slot.m_kib = ROOST_ARGON2_M_KIB_MIN;
	}
	if ((slots & KIT_SLOT(type)) != 0 &&
	    roost_keyring_add_slot(&ring->kr, ring->host_key, ring->master,
				   &slot) != ROOST_OK)
		kit_die("slot");
}

static void
ring_seed(struct kit_ring *ring)
{
	uint8_t plain[ROOST_KEY_SIZE + ROOST_EPOCH_SECRET_SIZE];
	uint8_t ad[17 + 16] = "roost/v1 secrets", key[ROOST_KEY_SIZE];

	memcpy(ad + 17, ring->kr.id, 16);
	if (roost_derive(ring->master, "secrets", NULL, 0, key,
			 sizeof(key)) != ROOST_OK ||
	    roost_prim_unwrap(key, ad, sizeof(ad), ring->kr.secrets,
			      sizeof(plain) + 28, plain) != ROOST_OK)
		kit_die("keyring");
	memcpy(ring->seed, plain, sizeof(ring->seed));
}

void
kit_ring_sign(struct roost_keyring *kr, const struct kit_ring *ring)
{
	if (roost_keyring_sign_owner(kr, ring->seed) != ROOST_OK ||
	    roost_keyring_sign_provider(kr, ring->host_key) != ROOST_OK)
		kit_die("keyring");
}

struct kit_ring *
kit_ring_new(unsigned int slots)
{
	struct kit_ring *ring = kit_new(sizeof(*ring));

	memset(ring, 0, sizeof(*ring));
	kit_fill(ring->provider_key, ROOST_KEY_SIZE);
	kit_fill(ring->password, ROOST_KEY_SIZE);
	kit_fill(ring->app, ROOST_KEY_SIZE);
	kit_fill(ring->code, ROOST_CODE_SIZE);
	kit_fill(ring->escrow, ROOST_KEY_SIZE);
	if (roost_prim_x25519_public(ring->escrow, ring->escrow_public) !=
	    ROOST_OK)
		kit_die("escrow");
	if (roost_keyring_create(&ring->kr, KIT_OWNER, ring->provider_key,
				 1700000000, ring->host_key,
				 ring->master) != ROOST_OK)
		kit_die("keyring");
	ring_add(ring, slots, ROOST_SLOT_PROVIDER, NULL);
	ring_add(ring, slots, ROOST_SLOT_PASSWORD, ring->password);
	ring_add(ring, slots, ROOST_SLOT_APP, ring->app);
	ring_add(ring, slots, ROOST_SLOT_RECOVERY, ring->code);
	ring_add(ring, slots, ROOST_SLOT_ESCROW, NULL);
	if (roost_keyring_sign(&ring->kr, ring->host_key,
			       ring->master) != ROOST_OK ||
	    roost_keyring_seal_key(&ring->kr, ring->host_key,
				   &ring->seal) != ROOST_OK ||
	    roost_keyring_open_keys(&ring->kr, ring->master, ring->host_key,
				    &ring->open) != ROOST_OK)
		kit_die("keyring");
	ring_seed(ring);
	return ring;
}

struct kit_ring *
kit_ring_copy(const struct kit_ring *ring)
{
	return (struct kit_ring *)(void *)kit_copy(ring, sizeof(*ring));
}

enum roost_err
kit_ring_load(const struct roost_keyring *kr, const struct kit_ring *held,
	      const char *owner)
{
	uint8_t host[32], master[32];
	struct roost_open_key *keys = kit_new(kr->epoch_count *
					      sizeof(*keys));
	enum roost_err err;

	memset(host, 0x55, 32);
	err = roost_keyring_open_host(kr, owner, held->provider_key, 1, host);
	if (err != ROOST_OK) {
		assert_zero(host, 32);
		goto out;
	}
	memset(master, 0x55, 32);
	err = roost_keyring_unlock_provider(kr, host, master);
	if (err != ROOST_OK) {
		assert_zero(master, 32);
		goto out;
	}
	memset(keys, 0x55, kr->epoch_count * sizeof(*keys));
	err = roost_keyring_open_keys(kr, master, host, keys);
	if (err != ROOST_OK)
		assert_zero(keys, kr->epoch_count * sizeof(*keys));
out:
	free(keys);
	return err;
}

char *
kit_ring_text(const struct roost_keyring *kr, size_t *len_r)
{
	char *doc = kit_new(ROOST_KEYRING_DOC_MAX);
	char *exact;

	if (roost_keyring_write(kr, doc, len_r) != ROOST_OK)
		kit_die("keyring text");
	exact = (char *)kit_copy(doc, *len_r);
	free(doc);
	return exact;
}

/* Do LabeledExtract where expand_len is 0, else LabeledExpand of as many
   bytes. */
static void
hpke_step(const uint8_t *key, bool is_kem, const char *label,
	  const uint8_t *rest, size_t rest_len, uint8_t expand_len,
	  uint8_t mac_r[32])
{
	static const uint8_t kem[] = { 'K', 'E', 'M', 0, 0x20 };
	static const uint8_t suite[] = { 'H', 'P', 'K', 'E', 0, 0x20,
		0, 1, 0, 2 };
	struct kit_memory text = { .len = 0 };
	const uint8_t len_be[2] = { 0, expand_len }, one = 1;

	if (expand_len > 0)
		(void)memory_write(&text, len_be, 2);
	(void)memory_write(&text, (const uint8_t *)"HPKE-v1", 7);
	(void)memory_write(&text, is_kem ? kem : suite, is_kem ? 5 : 10);
	(void)memory_write(&text, (const uint8_t *)label, strlen(label));
	if (rest_len > 0)
		(void)memory_write(&text, rest, rest_len);
	if (expand_len > 0)
		(void)memory_write(&text, &one, 1);
	if (roost_prim_hmac_sha256(key, 32, text.bytes, text.len, mac_r) !=
	    ROOST_OK)
		kit_die("HMAC");
	kit_memory_free(&text);
}

void
kit_hpke(const struct roost_hpke_context *hpke,
	 const uint8_t private_key[ROOST_KEY_SIZE],
	 const uint8_t public_key[ROOST_KEY_SIZE],
	 const uint8_t enc[ROOST_KEY_SIZE], struct kit_hpke *ladder_r)
{
	static const uint8_t zeros[32];
	uint8_t both[64], context[65] = { hpke->psk == NULL ? 0 : 1 };

	if (roost_prim_x25519(private_key, enc, ladder_r->dh) != ROOST_OK)
		kit_die("X25519");
	hpke_step(zeros, true, "eae_prk", ladder_r->dh, 32, 0, ladder_r->prk);
	memcpy(both, enc, 32);
	memcpy(both + 32, public_key, 32);
	hpke_step(ladder_r->prk, true, "shared_secret", both, 64, 32,
		  ladder_r->shared);
	hpke_step(zeros, false, "psk_id_hash", hpke->psk_id, hpke->psk_id_len,
		  0, context + 1);
	hpke_step(zeros, false, "info_hash", hpke->info, hpke->info_len, 0,
		  context + 33);
	hpke_step(ladder_r->shared, false, "secret", hpke->psk,
		  hpke->psk == NULL ? 0 : 32, 0, ladder_r->secret);
	hpke_step(ladder_r->secret, false, "key", context, 65, 32,
		  ladder_r->key);
	hpke_step(ladder_r->secret, false, "base_nonce", context, 65, 12,
		  ladder_r->base_nonce);
}

uint8_t *
kit_seal(const struct roost_seal_key *key, const uint8_t *plain, size_t len,
	 size_t *len_r, uint8_t *data_key_r)
{
	struct kit_memory memory = { .len = 0 };
	struct roost_sink sink = kit_sink(&memory);
	struct roost_writer *writer = kit_new(sizeof(*writer));
	uint8_t *sealed;

	memset(writer, 0, sizeof(*writer));
	if (roost_writer_begin(writer, &sink, key) != ROOST_OK ||
	    roost_writer_write(writer, plain, len) != ROOST_OK ||
	    roost_writer_finish(writer) != ROOST_OK)
		kit_die("writer");
	if (data_key_r != NULL)
		memcpy(data_key_r, writer->data_key, ROOST_KEY_SIZE);
	roost_writer_close(writer);
	free(writer);
	sealed = kit_copy(memory.bytes, memory.len);
	*len_r = memory.len;
	kit_memory_free(&memory);
	return sealed;
}

/* Read the whole message, one chunk after another. */
static enum roost_err
read_all(struct roost_object *obj, uint8_t **plain_r, size_t *plain_len_r)
{
	size_t size = (size_t)obj->body.plain_size, done = 0, len = 0;
	uint8_t *whole = kit_new(size);
	const uint8_t *plain;
	enum roost_err err;

	while ((err = roost_object_read(obj, done, &plain, &len)) ==
	       ROOST_OK && len > 0) {
		memcpy(whole + done, plain, len);
		done += len;
	}
	if (err == ROOST_OK && done != size)
		kit_die("plaintext ends early");
	if (err != ROOST_OK) {
		free(whole);
		return err;
	}
	*plain_r = whole;
	*plain_len_r = size;
	return ROOST_OK;
}

static enum roost_err
open_all(const struct kit_ring *ring, const uint8_t *known,
	 const uint8_t *sealed, size_t len, uint8_t **plain_r,
	 size_t *plain_len_r)
{
	struct kit_bytes from = { .bytes = sealed, .len = len };
	struct roost_source source = kit_source(&from);
	struct roost_object *obj = kit_new(sizeof(*obj));
	uint8_t data_key[ROOST_KEY_SIZE];
	enum roost_err err;

	*plain_r = NULL;
	*plain_len_r = 0;
	memset(obj, 0, sizeof(*obj));
	if (known != NULL)
		memcpy(data_key, known, sizeof(data_key));
	err = roost_object_parse(obj, &source);
	if (err == ROOST_OK && known == NULL)
		err = roost_stanza_open(&obj->header, ring->kr.id,
					&ring->open, 1, data_key);
	if (err == ROOST_OK)
		err = roost_object_open(obj, data_key);
	if (err == ROOST_OK)
		err = read_all(obj, plain_r, plain_len_r);
	roost_object_close(obj);
	free(obj);
	return err;
}

enum roost_err
kit_open(const struct kit_ring *ring, const uint8_t *sealed, size_t len,
	 uint8_t **plain_r, size_t *plain_len_r)
{
	return open_all(ring, NULL, sealed, len, plain_r, plain_len_r);
}

enum roost_err
kit_open_known(const uint8_t data_key[ROOST_KEY_SIZE], const uint8_t *sealed,
	       size_t len, uint8_t **plain_r, size_t *plain_len_r)
{
	return open_all(NULL, data_key, sealed, len, plain_r, plain_len_r);
}

enum roost_err
kit_gate(const struct kit_ring *ring, const uint8_t *sealed, size_t len)
{
	uint8_t *plain;
	size_t plain_len;
	enum roost_err err = kit_open(ring, sealed, len, &plain, &plain_len);

	free(plain);
	return err;
}

void
kit_repair_digest(uint8_t *sealed, size_t len)
{
	if (len < ROOST_DIGEST_SIZE)
		return;
	if (roost_prim_sha256(sealed, len - ROOST_DIGEST_SIZE,
			      sealed + len - ROOST_DIGEST_SIZE) != ROOST_OK)
		kit_die("digest");
}
