/* SPDX-License-Identifier: MIT */
/*
 * fuzz_object: an object, damaged and repaired so that every gate is
 * reached, read in every way; what is read is what each chunk holds.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude \
 *	   -o build/fuzz/fuzz_object tests/fuzz/fuzz_object.c \
 *	   plugin/core/*.c plugin/rules/*.c -lsodium -lcrypto
 *
 * The first byte says what the others are: an object as it lies on the disk,
 * or a script (bit 0) by which a genuine one is made and changed.  Its other
 * bits say what is repaired afterwards, and how it is read.
 */
#include "roost/object.h"

#include <stdlib.h>
#include <string.h>

#define C ROOST_CHUNK_PLAIN_SIZE
#define SEALED ROOST_CHUNK_SEALED_SIZE
#define CHUNKS_MAX 4
#define OBJECT_MAX (ROOST_HEADER_SIZE_MAX + 8 * SEALED)

enum mode {
	IS_SCRIPT = 1, REPAIR_COMMITMENT = 2, REPAIR_FINAL = 4,
	REPAIR_DIGEST = 8, IS_SLOW = 16, IS_LENT = 32, REPAIR_ALL = 64,
};

struct script {
	const uint8_t *at;
	size_t left;
};

static const uint8_t data_key[ROOST_KEY_SIZE] = { 1 };
static const uint8_t keyring_id[ROOST_ID_SIZE] = { 2 };
static const uint8_t object_id[ROOST_ID_SIZE] = { 3 };

/* The bytes that are read, and the plaintext that each chunk has if it
   opens. */
static uint8_t bytes[OBJECT_MAX], plain[OBJECT_MAX];
static size_t len;
static struct roost_body body;
static bool opens[OBJECT_MAX / SEALED + 1];
static uint8_t mode;
static unsigned int reads;

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_len);

/* Returns the script's next number, of as many bytes; behind its end are
   zeros. */
static size_t
take(struct script *script, unsigned int count)
{
	size_t number = 0;

	for (; count > 0 && script->left > 0; count--, script->left--)
		number = number << 8 | *script->at++;
	return number;
}

/* -- a genuine object -- */

static size_t
make_header(struct script *script)
{
	unsigned int i, count = 1 + (unsigned int)take(script, 1) % 8;
	size_t at = ROOST_HEADER_FIXED_SIZE;

	for (i = 0; i < count; i++) {
		size_t type = take(script, 1);
		size_t body_len = type == ROOST_STANZA_X25519 ? 80 :
			type == ROOST_STANZA_MLKEM768_X25519 ? 1168 :
			1 + take(script, 1);

		bytes[at] = (uint8_t)type;
		bytes[at + 1] = 1;
		bytes[at + 2] = (uint8_t)(body_len >> 8);
		bytes[at + 3] = (uint8_t)body_len;
		memset(bytes + at + 4, (int)i + 1, 8 + body_len);
		at += 12 + body_len;
	}
	roost_header_write(keyring_id, object_id, count,
			   at - ROOST_HEADER_FIXED_SIZE, bytes);
	return at;
}

/* A plaintext is short, or about a number of chunks long. */
static size_t
plain_size(struct script *script)
{
	size_t number = take(script, 2), full = number & 3;

	if ((number & 0x8000) == 0)
		return number % 600;
	return full * C + (number >> 2 & 63) -
		(full > 0 ? number >> 8 & 63 : 0);
}

static void
make_object(struct script *script)
{
	struct roost_chunk_keys keys;
	size_t head = make_header(script), size = plain_size(script), part, i;
	uint64_t idx = 0;

	memset(bytes + head, 4, ROOST_SALT_SIZE);
	if (roost_chunk_keys_derive(&keys, data_key, bytes + head, bytes,
				    head) != ROOST_OK)
		abort();
	memcpy(bytes + head + ROOST_SALT_SIZE, keys.commitment,
	       ROOST_COMMITMENT_SIZE);
	len = head + ROOST_PROLOGUE_SIZE;
	do {
		part = size < C ? size : C;
		for (i = 0; i < part; i++)
			plain[i] = (uint8_t)(i * 7 + idx);
		if (roost_chunk_seal(&keys, idx++, plain, part, bytes + len) !=
		    ROOST_OK)
			abort();
		len += part + ROOST_TAG_SIZE;
		size -= part;
	} while (part == C);
	roost_chunk_keys_wipe(&keys);
	memset(bytes + len, 5, ROOST_DIGEST_SIZE);
	len += ROOST_DIGEST_SIZE;
}

/* -- damage -- */

static void
resize(size_t size)
{
	if (size > sizeof(bytes))
		size = sizeof(bytes);
	if (size > len)
		memset(bytes + len, 6, size - len);
	len = size;
}

/* Put chunk a of the original in the place of chunk b. */
static void
copy_chunk(size_t head, size_t a, size_t b)
{
	size_t from = head + ROOST_PROLOGUE_SIZE + a * SEALED;
	size_t to = head + ROOST_PROLOGUE_SIZE + b * SEALED;

	if (from + SEALED <= len && to + SEALED <= len)
		memmove(bytes + to, bytes + from, SEALED);
}

static void
damage(struct script *script, size_t head)
{
	size_t what = take(script, 1), at = take(script, 3);

	if (len == 0)
		return;
	switch (what & 7) {
	case 0:
		bytes[at % len] ^= (uint8_t)(1 << (what >> 5));
		break;
	case 1:		/* most bytes of a header have a meaning */
		bytes[at % (head + ROOST_PROLOGUE_SIZE) % len] =
			(uint8_t)take(script, 1);
		break;
	case 2:
		resize(at % (len + 1));
		break;
	case 3:
		resize(len + at % (2 * SEALED));
		break;
	case 4:
		copy_chunk(head, at & 3, at >> 2 & 3);
		break;
	case 5:		/* between two chunks, without or with a digest */
		resize(head + ROOST_PROLOGUE_SIZE + (at & 3) * SEALED +
		       ((at & 4) != 0 ? ROOST_DIGEST_SIZE : 0) +
		       (at >> 3 & 31));
		break;
	case 6:		/* cut off at the end, byte by byte */
		resize(len > (at & 127) ? len - (at & 127) : 0);
		break;
	default:
		bytes[len - 1 - (at & 127) % len] ^= 1;
		break;
	}
}

/* -- repair -- */

static void
repair_chunks(struct roost_chunk_keys *keys, bool is_all)
{
	uint64_t idx = is_all ? 0 : body.final_idx;
	size_t at, chunk_len;

	for (; idx <= body.final_idx; idx++) {
		at = (size_t)roost_chunk_off(&body, idx);
		chunk_len = roost_chunk_sealed_len(&body, idx) -
			ROOST_TAG_SIZE;
		if (roost_chunk_seal(keys, idx, bytes + at, chunk_len,
				     bytes + at) != ROOST_OK)
			abort();
	}
}

/* Find out which chunks open, each by itself. */
static void
open_chunks(struct roost_chunk_keys *keys)
{
	uint64_t idx;

	for (idx = 0; idx <= body.final_idx; idx++)
		opens[idx] = roost_chunk_open(keys, idx, bytes +
			roost_chunk_off(&body, idx),
			roost_chunk_sealed_len(&body, idx),
			plain + idx * C) == ROOST_OK;
}

/* Repair what the mode says.  False if there is no place for chunks. */
static bool
repair(void)
{
	uint8_t *prologue, digest[ROOST_DIGEST_SIZE];
	struct roost_chunk_keys keys;
	struct roost_header hdr;

	if (roost_header_parse(bytes, len, &hdr) != ROOST_OK ||
	    roost_chunk_geometry(hdr.len, len, &body) != ROOST_OK)
		return false;
	prologue = bytes + hdr.len;
	if (roost_chunk_keys_derive(&keys, data_key, prologue, bytes,
				    hdr.len) != ROOST_OK)
		abort();
	if ((mode & REPAIR_COMMITMENT) != 0)
		memcpy(prologue + ROOST_SALT_SIZE, keys.commitment,
		       ROOST_COMMITMENT_SIZE);
	if ((mode & (REPAIR_FINAL | REPAIR_ALL)) != 0)
		repair_chunks(&keys, (mode & REPAIR_ALL) != 0);
	if ((mode & REPAIR_DIGEST) != 0) {
		if (roost_prim_sha256(bytes, len - ROOST_DIGEST_SIZE,
				      digest) != ROOST_OK)
			abort();
		memcpy(bytes + len - ROOST_DIGEST_SIZE, digest,
		       sizeof(digest));
	}
	open_chunks(&keys);
	roost_chunk_keys_wipe(&keys);
	return true;
}

/* -- reading -- */

static enum roost_err
source_read(void *context, uint64_t off, uint8_t *dst, size_t dst_len)
{
	if (off > len || dst_len > len - off)
		abort();
	if ((mode & IS_SLOW) != 0 && ++reads < 20 && reads % 2 == 1)
		return ROOST_ERR_AGAIN;
	memcpy(dst, (const uint8_t *)context + off, dst_len);
	return ROOST_OK;
}

static const uint8_t *
source_lend(void *context, uint64_t off, size_t lent_len)
{
	if (off > len || lent_len > len - off)
		abort();
	return off % 3 == 0 ? NULL : (const uint8_t *)context + off;
}

#define PATIENTLY(err, call) \
	do { \
		err = (call); \
	} while (err == ROOST_ERR_AGAIN)

/* What is read from there must be the plaintext, or an error. */
static void
check_read(struct roost_object *obj, uint64_t off)
{
	const uint8_t *got;
	size_t got_len;
	enum roost_err err;

	PATIENTLY(err, roost_object_read(obj, off, &got, &got_len));
	if (err != ROOST_OK ? got != NULL || got_len != 0 :
	    off >= body.plain_size ? got_len != 0 :
	    got_len == 0 || got_len > body.plain_size - off ||
	    memcmp(got, plain + off, got_len) != 0)
		abort();
	if (off < body.plain_size && (err == ROOST_OK) != opens[off / C])
		abort();
}

static void
check_ahead(struct roost_object *obj, uint64_t off)
{
	static uint8_t dst[SEALED];
	enum roost_err err;

	if (!roost_object_is_ahead(obj, off))
		return;
	PATIENTLY(err, roost_object_read_ahead(obj, off, dst));
	if ((err == ROOST_OK) != opens[off / C] ||
	    (err == ROOST_OK && memcmp(dst, plain + off, C) != 0))
		abort();
}

static void
check_open(struct roost_object *obj, struct script *script)
{
	uint8_t saved[ROOST_SAVED_KEYS_SIZE], *only;
	enum roost_err err;
	uint64_t off;
	unsigned int i;
	size_t only_len;

	if (obj->body.plain_size != body.plain_size ||
	    !opens[body.final_idx])
		abort();
	for (i = 0; i < 6; i++) {
		off = take(script, 2) * 7 % (body.plain_size + 20);
		check_ahead(obj, off / C * C);
		check_read(obj, off);
	}
	for (off = 0; off <= body.plain_size; off += C)
		check_read(obj, off);
	if (roost_object_take_only(obj, &only, &only_len)) {
		if (only_len != body.plain_size ||
		    memcmp(only, plain, only_len) != 0)
			abort();
		free(only);
		check_read(obj, 0);
	}
	if (roost_object_save_keys(obj, saved) != ROOST_OK)
		abort();
	saved[take(script, 1) % sizeof(saved)] ^= (uint8_t)(mode >> 7);
	PATIENTLY(err, roost_object_open_saved(obj, saved));
	if ((err == ROOST_OK) == (mode >> 7 != 0))
		abort();
	if (err == ROOST_OK)
		check_read(obj, 0);
}

static void
check(struct script *script)
{
	struct roost_source source = {
		.read = source_read, .context = bytes, .size = len,
		.lend = (mode & IS_LENT) != 0 ? source_lend : NULL,
	};
	bool has_geometry = repair();
	struct roost_object obj;
	enum roost_err err;

	memset(&obj, 0, sizeof(obj));
	PATIENTLY(err, roost_object_parse(&obj, &source));
	if (err == ROOST_OK) {
		PATIENTLY(err, roost_object_scrub(&obj));
		if (err == ROOST_OK && !has_geometry)
			abort();
		PATIENTLY(err, roost_object_open(&obj, data_key));
		if (err == ROOST_OK && !has_geometry)
			abort();
		if (err == ROOST_OK)
			check_open(&obj, script);
	}
	roost_object_close(&obj);
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_len)
{
	struct script script = { input, input_len };
	size_t head, count;

	if (roost_prim_init() != ROOST_OK)
		return 0;
	mode = (uint8_t)take(&script, 1);
	reads = 0;
	memset(opens, 0, sizeof(opens));
	if ((mode & IS_SCRIPT) == 0) {
		len = script.left < sizeof(bytes) ? script.left :
			sizeof(bytes);
		if (len > 0)
			memcpy(bytes, script.at, len);
		script.left = 0;
	} else {
		make_object(&script);
		head = (size_t)bytes[10] << 8 | bytes[11];
		head += ROOST_HEADER_FIXED_SIZE;
		for (count = take(&script, 1) % 6; count > 0; count--)
			damage(&script, head);
	}
	check(&script);
	return 0;
}
