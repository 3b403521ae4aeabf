/* SPDX-License-Identifier: MIT */
#ifndef ROOST_KIT_H
#define ROOST_KIT_H

/*
 * kit: what the tests of the core share: a random generator that tells its
 * seed, bytes that end at an inaccessible page, sources and sinks in memory,
 * and a keyring with every kind of slot.
 *
 * Every test program is built alike:
 *
 *   cc $(CORE_CFLAGS) -Itests/core -o build/tests/core/test_x \
 *      tests/core/test_x.c tests/core/kit.c build/libroost-core.a \
 *      -lcmocka -lsodium -lcrypto
 *
 * ROOST_TEST_SEED=n repeats a run; ROOST_TEST_QUICK=1 takes samples where the
 * usual run takes all (for valgrind).
 */

#include "roost/escrow.h"
#include "roost/hpke.h"
#include "roost/keyring-edit.h"
#include "roost/object.h"
#include "roost/unlock.h"
#include "roost/writer.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define KIT_HEADER_SIZE (ROOST_HEADER_FIXED_SIZE + ROOST_STANZA_X25519_SIZE)
#define KIT_BODY_OFF (KIT_HEADER_SIZE + ROOST_PROLOGUE_SIZE)
#define KIT_C ROOST_CHUNK_PLAIN_SIZE

/* The test fails unless the two gates are the same, and names both. */
#define assert_gate(is, should) \
	assert_string_equal(roost_err_name(is), roost_err_name(should))
#define assert_good(err) assert_gate(err, ROOST_OK)
#define assert_zero(bytes, len) \
	assert_true(roost_bytes_are_zero((const uint8_t *)(bytes), (len)))
#define KIT_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Setup and teardown of a cmocka group: they make the primitives ready and
   choose the seed. */
int kit_setup(void **state);
int kit_teardown(void **state);
bool kit_is_quick(void);
void kit_seed(uint64_t seed);

uint64_t kit_random(void);
/* Returns a number below limit, which is not 0. */
size_t kit_below(size_t limit);
void kit_fill(uint8_t *bytes, size_t len);

/* Memory of exactly len bytes, from a malloc that ends the program if it
   fails. */
void *kit_new(size_t len);
uint8_t *kit_copy(const void *bytes, size_t len);
/* Returns the same bytes at a place where the next byte after them is
   inaccessible.  There is one such place, for at most 128 KiB. */
uint8_t *kit_at_fence(const void *bytes, size_t len);

/* Read hexadecimal text of exactly len bytes. */
void kit_unhex(const char *text, uint8_t *bytes_r, size_t len);

/* A sink in memory that grows. */
struct kit_memory {
	uint8_t *bytes;
	size_t len, size;
	size_t fail_at;		/* a write beyond it fails; 0 for none */
};
struct roost_sink kit_sink(struct kit_memory *memory);
void kit_memory_free(struct kit_memory *memory);

/* A source in memory. */
struct kit_bytes {
	const uint8_t *bytes;
	size_t len;
	unsigned int again;	/* so many reads of each offset say AGAIN */
	uint64_t again_off;
	unsigned int again_seen;
	bool is_failing;
	uint64_t reads;
};
struct roost_source kit_source(struct kit_bytes *from);

/* A signed keyring, with all its secrets in the clear. */
struct kit_ring {
	uint8_t provider_key[ROOST_KEY_SIZE];
	uint8_t host_key[ROOST_KEY_SIZE];
	uint8_t master[ROOST_KEY_SIZE];
	uint8_t seed[ROOST_KEY_SIZE];		/* of the identity */
	uint8_t password[ROOST_KEY_SIZE];
	uint8_t app[ROOST_KEY_SIZE];
	uint8_t escrow[ROOST_KEY_SIZE];		/* the private key */
	uint8_t escrow_public[ROOST_KEY_SIZE];
	uint8_t code[ROOST_CODE_SIZE];
	struct roost_seal_key seal;
	struct roost_open_key open;
	struct roost_keyring kr;
};
#define KIT_SLOT(type) (1U << (type))
/* All but that of escrow. */
#define KIT_SLOT_ALL 15U
#define KIT_OWNER "anna@example.org"
/* Make one with these kinds of slots, or a copy of one.  Both are freed by
   free(). */
struct kit_ring *kit_ring_new(unsigned int slots);
struct kit_ring *kit_ring_copy(const struct kit_ring *ring);
/* Load a document as a mail host does, by the provider key that is held and the
   provider slot.  It fails the test if outputs are not zero after an error. */
enum roost_err kit_ring_load(const struct roost_keyring *kr,
			     const struct kit_ring *held, const char *owner);
/* Sign a document that was changed, whatever its secrets hold. */
void kit_ring_sign(struct roost_keyring *kr, const struct kit_ring *ring);
/* Returns the document's text in exactly *len_r bytes. */
char *kit_ring_text(const struct roost_keyring *kr, size_t *len_r);

/* What RFC 9180 derives step by step, made by HMAC alone. */
struct kit_hpke {
	uint8_t dh[32], prk[32], shared[32], secret[32], key[32];
	uint8_t base_nonce[32];		/* the first 12 bytes */
};
void kit_hpke(const struct roost_hpke_context *hpke,
	      const uint8_t private_key[ROOST_KEY_SIZE],
	      const uint8_t public_key[ROOST_KEY_SIZE],
	      const uint8_t enc[ROOST_KEY_SIZE], struct kit_hpke *ladder_r);

/* Returns a whole object of exactly *len_r bytes; data_key_r may be NULL. */
uint8_t *kit_seal(const struct roost_seal_key *key, const uint8_t *plain,
		  size_t len, size_t *len_r, uint8_t *data_key_r);
/* Open an object wholly, as a reader does: header, stanza, body, every chunk.
   *plain_r has exactly *plain_len_r bytes, and is NULL after an error. */
enum roost_err kit_open(const struct kit_ring *ring, const uint8_t *sealed,
			size_t len, uint8_t **plain_r, size_t *plain_len_r);
/* The same with a remembered data key, so that no stanza is opened. */
enum roost_err kit_open_known(const uint8_t data_key[ROOST_KEY_SIZE],
			      const uint8_t *sealed, size_t len,
			      uint8_t **plain_r, size_t *plain_len_r);
/* Returns the gate alone. */
enum roost_err kit_gate(const struct kit_ring *ring, const uint8_t *sealed,
			size_t len);
/* Make the last 32 bytes the right digest. */
void kit_repair_digest(uint8_t *sealed, size_t len);

#endif
