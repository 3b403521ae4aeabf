/* SPDX-License-Identifier: MIT */
/*
 * mutate: damaged and forged objects, keyrings and cache blobs by the
 * million, each sent through the core as a reader would.
 *
 *	mutate COUNT [SEED]
 *
 * Accepted is what opens wholly although it differs from every genuine input
 * in another byte than the 32 of an object's digest, which opening does not
 * look at.  None may be; the last line says how many were.
 *
 *	cc $(CORE_CFLAGS) -Itests/core -o build/tests/fuzz/mutate \
 *	   tests/fuzz/mutate.c tests/core/kit.c build/libroost-core.a \
 *	   -lcmocka -lsodium -lcrypto
 */
#define _POSIX_C_SOURCE 200809L
#include "kit.h"

#include "roost/blob.h"
#include "roost/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RINGS 2
#define SMALL 12	/* objects of each keyring */
#define LARGE 3
#define OBJECTS (SMALL + LARGE)
#define FORMS 3
#define BLOBS (FORMS * SMALL)	/* one of each form for each small object */
#define SIZE_MAX_MUTANT 130000

struct object {
	uint8_t *bytes;
	size_t len;
	uint8_t data_key[ROOST_KEY_SIZE];
};

struct document {
	char *text;
	size_t len;
};

struct cached {
	uint8_t *bytes;
	size_t len;
	const uint8_t *object_id;	/* of its message */
};

static struct kit_ring *rings[RINGS];
static struct object objects[RINGS][OBJECTS];
static struct document documents[RINGS];
static struct cached blobs[RINGS][BLOBS];
static struct roost_aead *cache_aeads[RINGS];

/* These bytes are sent. */
static uint8_t mutant[SIZE_MAX_MUTANT];
static size_t mutant_len;
static const uint8_t *mutant_beside;	/* the object that a blob is put to */
static const char *how;

static void
make_object(unsigned int ring, unsigned int idx, size_t plain_len)
{
	struct object *obj = &objects[ring][idx];
	uint8_t *plain = kit_new(plain_len);

	kit_fill(plain, plain_len);
	obj->bytes = kit_seal(&rings[ring]->seal, plain, plain_len, &obj->len,
			      obj->data_key);
	free(plain);
}

/* Make small items, of which some are absent. */
static void
make_content(struct roost_blob_content *content, uint8_t *bytes)
{
	unsigned int type;

	memset(content, 0, sizeof(*content));
	for (type = 1; type < ROOST_BLOB_ITEM_COUNT; type++) {
		if (kit_below(4) > 0)
			content->items[type] = (struct roost_blob_bytes) {
				bytes, type == ROOST_BLOB_SENT_DATE ?
				ROOST_BLOB_SENT_DATE_SIZE :
				type == ROOST_BLOB_SAVED_KEYS ?
				ROOST_SAVED_KEYS_SIZE : kit_below(30)
			};
	}
}

/* Make what the cache would keep of this object, in all forms. */
static void
make_blobs(unsigned int ring, unsigned int idx)
{
	const struct object *obj = &objects[ring][idx];
	const uint8_t *object_id = obj->bytes + ROOST_HEADER_OBJECT_ID_OFF;
	struct cached *own = &blobs[ring][FORMS * idx], *new = own + 1;
	struct cached *beside = own + 2;
	uint8_t bytes[ROOST_SAVED_KEYS_SIZE];
	struct roost_blob_content content;
	struct roost_aead *aead;

	memset(bytes, 'x', sizeof(bytes));
	make_content(&content, bytes);
	content.data_key = obj->data_key;
	own->bytes = kit_new(ROOST_BLOB_SIZE_MAX);
	new->bytes = kit_new(ROOST_BLOB_SIZE_MAX);
	beside->bytes = kit_new(ROOST_BLOB_SIZE_MAX);
	own->object_id = new->object_id = beside->object_id = object_id;
	if (roost_blob_seal_own(cache_aeads[ring], rings[ring]->kr.id,
				object_id, &content, own->bytes,
				&own->len) != ROOST_OK)
		exit(2);
	content.items[ROOST_BLOB_SAVED_KEYS].bytes = NULL;
	if (roost_blob_seal_beside(cache_aeads[ring], rings[ring]->kr.id,
				   object_id, &content, beside->bytes,
				   &beside->len) != ROOST_OK)
		abort();
	if (roost_blob_aead_new(obj->data_key, &aead) != ROOST_OK ||
	    roost_blob_seal_new(aead, obj->bytes, KIT_HEADER_SIZE, &content,
				new->bytes, &new->len) != ROOST_OK)
		abort();
	roost_prim_aead_free(&aead);
}

static void
make_all(void)
{
	static const size_t small[SMALL] = { 0, 0, 1, 1, 16, 16, 40, 40, 41,
		100, 100, 300 };
	static const size_t large[LARGE] = { KIT_C, 2 * KIT_C + 20,
		2 * KIT_C + 20 };
	unsigned int ring, i;

	for (ring = 0; ring < RINGS; ring++) {
		rings[ring] = kit_ring_new(KIT_SLOT_ALL);
		for (i = 0; i < SMALL; i++)
			make_object(ring, i, small[i]);
		for (i = 0; i < LARGE; i++)
			make_object(ring, SMALL + i, large[i]);
		documents[ring].text = kit_ring_text(&rings[ring]->kr,
						     &documents[ring].len);
		if (roost_blob_aead_own(rings[ring]->master,
					&cache_aeads[ring]) != ROOST_OK)
			abort();
		for (i = 0; i < SMALL; i++)
			make_blobs(ring, i);
	}
}

static void
free_all(void)
{
	unsigned int ring, i;

	for (ring = 0; ring < RINGS; ring++) {
		for (i = 0; i < OBJECTS; i++)
			free(objects[ring][i].bytes);
		for (i = 0; i < BLOBS; i++)
			free(blobs[ring][i].bytes);
		roost_prim_aead_free(&cache_aeads[ring]);
		free(documents[ring].text);
		free(rings[ring]);
	}
}

/* -- what happens to any bytes -- */

static void
flip_bits(void)
{
	size_t i, count = 1 + kit_below(3);

	how = "bits flipped";
	for (i = 0; i < count && mutant_len > 0; i++)
		mutant[kit_below(mutant_len)] ^= (uint8_t)(1 << kit_below(8));
}

static void
change_bytes(void)
{
	size_t i, at, count = 1 + kit_below(8);

	how = "bytes changed";
	at = kit_below(mutant_len);
	for (i = 0; i < count && at + i < mutant_len; i++)
		mutant[at + i] = (uint8_t)kit_random();
}

static void
cut_end(void)
{
	how = "cut";
	mutant_len = kit_below(mutant_len);
}

static void
cut_middle(void)
{
	size_t at = kit_below(mutant_len);
	size_t len = 1 + kit_below(mutant_len - at);

	how = "bytes taken out";
	memmove(mutant + at, mutant + at + len, mutant_len - at - len);
	mutant_len -= len;
}

static void
put_in(void)
{
	size_t at = kit_below(mutant_len + 1), len = 1 + kit_below(40);

	how = "bytes put in";
	memmove(mutant + at + len, mutant + at, mutant_len - at);
	kit_fill(mutant + at, len);
	mutant_len += len;
}

static void
extend(void)
{
	size_t len = 1 + kit_below(kit_below(8) == 0 ? 17000 : 60);

	how = "extended";
	kit_fill(mutant + mutant_len, len);
	mutant_len += len;
}

/* -- what happens to objects -- */

static const struct object *
any_object(unsigned int ring)
{
	return &objects[ring][kit_below(kit_below(12) == 0 ? OBJECTS :
					SMALL)];
}

static void
take(const struct object *obj)
{
	memcpy(mutant, obj->bytes, obj->len);
	mutant_len = obj->len;
}

/* Put a part of another object in the same place. */
static void
splice(unsigned int ring)
{
	static const size_t borders[] = { 0, 8, 12, 16, 32, 48, 64, 68, 76,
		108, KIT_HEADER_SIZE, KIT_HEADER_SIZE + 24, KIT_BODY_OFF };
	const struct object *other = any_object(kit_below(3) == 0 ? 1 - ring :
						ring);
	size_t from, to;

	how = "spliced";
	from = kit_below(2) == 0 ? kit_below(other->len) :
		borders[kit_below(KIT_COUNT(borders))];
	to = kit_below(3) == 0 ? other->len : from + 1 +
		kit_below(other->len - from);
	if (from > mutant_len)
		from = mutant_len;
	memcpy(mutant + from, other->bytes + from, to - from);
	if (to == other->len || to > mutant_len)
		mutant_len = to;
}

/* Exchange two parts of one object; of a large one, whole chunks. */
static void
exchange(void)
{
	size_t chunk = ROOST_CHUNK_SEALED_SIZE, len, a, b;
	uint8_t *old;

	how = "parts exchanged";
	if (mutant_len > KIT_BODY_OFF + 2 * chunk && kit_below(4) > 0) {
		how = "chunks exchanged";
		a = KIT_BODY_OFF;
		b = KIT_BODY_OFF + chunk;
		len = chunk;
	} else {
		len = 1 + kit_below(mutant_len / 4);
		a = kit_below(mutant_len - 2 * len);
		b = a + len + kit_below(mutant_len - a - 2 * len);
	}
	old = kit_copy(mutant + a, len);
	memcpy(mutant + a, mutant + b, len);
	memcpy(mutant + b, old, len);
	free(old);
}

/* Double a chunk, take one out, or empty one. */
static void
move_chunk(void)
{
	size_t chunk = ROOST_CHUNK_SEALED_SIZE;
	uint8_t *body = mutant + KIT_BODY_OFF;

	how = "chunk moved";
	if (mutant_len < KIT_BODY_OFF + chunk) {
		cut_end();
		return;
	}
	switch (kit_below(3)) {
	case 0:
		memmove(body + chunk, body, mutant_len - KIT_BODY_OFF);
		mutant_len += chunk;
		break;
	case 1:
		memmove(body, body + chunk, mutant_len - KIT_BODY_OFF - chunk);
		mutant_len -= chunk;
		break;
	default:
		memset(body, 0, chunk);
	}
}

/* Change a field of the header, and leave the rest as it is. */
static void
set_field(void)
{
	static const size_t fields[] = { 8, 9, 12, 13, 14, 15, 48, 49, 63,
		64, 65 };

	how = "header field";
	if (kit_below(3) == 0)
		roost_be16_put(mutant + 10, (uint16_t)kit_random());
	else
		mutant[fields[kit_below(KIT_COUNT(fields))]] =
			(uint8_t)kit_random();
}

/* Add a stanza, and make the table right again. */
static void
add_stanza(unsigned int ring)
{
	const struct object *other = any_object(kit_below(2) == 0 ? ring :
						1 - ring);
	uint8_t stanza[ROOST_STANZA_X25519_SIZE + 60];
	size_t len = ROOST_STANZA_X25519_SIZE, at;

	how = "stanza added";
	memcpy(stanza, other->bytes + ROOST_HEADER_FIXED_SIZE, len);
	if (kit_below(2) == 0) {
		kit_fill(stanza + 4, ROOST_KEY_ID_SIZE);
	} else if (kit_below(2) == 0) {
		len = ROOST_STANZA_HEAD_SIZE + kit_below(100);
		stanza[0] = (uint8_t)(3 + kit_below(253));
		roost_be16_put(stanza + 2, (uint16_t)(len -
						      ROOST_STANZA_HEAD_SIZE));
		kit_fill(stanza + 4, len - 4);
	}
	at = kit_below(2) == 0 ? ROOST_HEADER_FIXED_SIZE : KIT_HEADER_SIZE;
	memmove(mutant + at + len, mutant + at, mutant_len - at);
	memcpy(mutant + at, stanza, len);
	mutant_len += len;
	mutant[48]++;
	roost_be16_put(mutant + 10, (uint16_t)(ROOST_STANZA_X25519_SIZE +
					       len));
}

/* Take the stanza of another object, or one that was made with a wrong psk. */
static void
other_stanza(unsigned int ring)
{
	struct roost_seal_key key = rings[ring]->seal;
	uint8_t *stanza = mutant + ROOST_HEADER_FIXED_SIZE;
	uint8_t data_key[ROOST_KEY_SIZE];

	how = "stanza of another object";
	memcpy(stanza, any_object(ring)->bytes + ROOST_HEADER_FIXED_SIZE,
	       ROOST_STANZA_X25519_SIZE);
	if (kit_below(4) != 0)
		return;
	how = "stanza without the psk";
	kit_fill(key.psk, sizeof(key.psk));
	kit_fill(data_key, sizeof(data_key));
	if (roost_stanza_seal(&key, mutant, data_key, stanza) != ROOST_OK)
		abort();
}

/* Make a whole object as somebody would who has the public key alone. */
static void
forge(unsigned int ring)
{
	struct roost_seal_key key = rings[ring]->seal;
	uint8_t *forged;

	how = "forged with the public key";
	kit_fill(key.psk, sizeof(key.psk));
	forged = kit_seal(&key, (const uint8_t *)"forged", 6, &mutant_len,
			  NULL);
	memcpy(mutant, forged, mutant_len);
	free(forged);
}

/* Do one of eight kinds of damage, 0 to 7, which need to know nothing of what
   they damage. */
static void
mutate_bytes(unsigned int kind)
{
	switch (kind) {
	case 0: case 1: case 2:
		flip_bits();
		break;
	case 3:
		change_bytes();
		break;
	case 4:
		cut_end();
		break;
	case 5:
		cut_middle();
		break;
	case 6:
		put_in();
		break;
	default:
		extend();
	}
}

static void
mutate_object(unsigned int ring)
{
	unsigned int kind = (unsigned int)kit_below(16);

	switch (kind) {
	case 8: case 9:
		splice(ring);
		break;
	case 10:
		exchange();
		break;
	case 11:
		move_chunk();
		break;
	case 12:
		set_field();
		break;
	case 13:
		add_stanza(ring);
		break;
	case 14:
		other_stanza(ring);
		break;
	case 15:
		forge(ring);
		break;
	default:
		mutate_bytes(kind);
	}
}

/* True if it equals, but for the digest, one that is meant to open. */
static bool
is_genuine_object(unsigned int ring)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++) {
		const struct object *obj = &objects[ring][i];

		if (obj->len == mutant_len &&
		    memcmp(obj->bytes, mutant,
			   mutant_len - ROOST_DIGEST_SIZE) == 0)
			return true;
	}
	return false;
}

static enum roost_err
send_object(void)
{
	unsigned int ring = (unsigned int)kit_below(RINGS);
	const struct object *obj;
	uint8_t *plain, *exact;
	size_t plain_len;
	bool is_known = kit_below(3) == 0;
	enum roost_err err;

	do {
		obj = any_object(ring);
		take(obj);
		mutate_object(ring);
	} while (is_genuine_object(ring));
	if (kit_below(2) == 0)
		kit_repair_digest(mutant, mutant_len);
	exact = kit_at_fence(mutant, mutant_len);
	err = is_known ? kit_open_known(obj->data_key, exact, mutant_len,
					&plain, &plain_len) :
		kit_open(rings[ring], exact, mutant_len, &plain, &plain_len);
	free(plain);
	return err;
}

/* -- what happens to documents -- */

/* Tell where line idx of a document starts and how long it is with its LF. */
static size_t
line_find(const char *text, size_t len, size_t idx, size_t *len_r)
{
	size_t at = 0;
	const char *end;

	for (;; idx--) {
		end = memchr(text + at, '\n', len - at);
		if (end == NULL) {
			*len_r = len - at;
			return at;
		}
		*len_r = (size_t)(end + 1 - text) - at;
		if (idx == 0 || at + *len_r == len)
			return at;
		at += *len_r;
	}
}

/* Take a line out, double it, or put another keyring's in its place. */
static void
change_line(unsigned int ring)
{
	const struct document *other = &documents[kit_below(2) == 0 ? ring :
						  1 - ring];
	size_t len, at, new_at, new_len = 0;
	char *text = (char *)mutant;

	how = "line changed";
	at = line_find(text, mutant_len, kit_below(14), &len);
	new_at = line_find(other->text, other->len, kit_below(14), &new_len);
	if (kit_below(4) == 0)
		new_len = 0;
	if (kit_below(4) == 0)
		len = 0;
	memmove(text + at + new_len, text + at + len, mutant_len - at - len);
	memcpy(text + at, other->text + new_at, new_len);
	mutant_len = mutant_len - len + new_len;
}

/* Change a character into another one that documents have. */
static void
change_text(void)
{
	static const char some[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno"
		"pqrstuvwxyz0123456789+/ \n%.@:-";
	size_t i, count = 1 + kit_below(2);

	how = "text changed";
	for (i = 0; i < count; i++)
		mutant[kit_below(mutant_len)] =
			(uint8_t)some[kit_below(sizeof(some) - 1)];
}

/* Sign as somebody would who has the host key, or even the master key: what
   these sign is then caught by gates of its own.  Generation and policy are
   not, because only the macs cover them. */
static void
resign(const struct kit_ring *ring, struct roost_keyring *kr)
{
	struct kit_ring signer = *ring;

	how = "content changed, signature and mac repaired";
	if (kit_below(2) == 0) {
		how = "content changed, provider-mac repaired";
		kit_fill(signer.seed, sizeof(signer.seed));
	}
	kit_ring_sign(kr, &signer);
}

/* Change the structure, so that the document always parses. */
static void
change_content(unsigned int ring)
{
	struct roost_keyring *kr = kit_new(sizeof(*kr));
	const struct roost_keyring *other = &rings[1 - ring]->kr;
	struct {
		uint8_t *bytes;
		const uint8_t *others;
		size_t len;
	} parts[] = {
		{ kr->id, other->id, sizeof(kr->id) },
		{ kr->identity, other->identity, sizeof(kr->identity) },
		{ kr->provider_id, other->provider_id,
		  sizeof(kr->provider_id) },
		{ kr->host_wrap, other->host_wrap, sizeof(kr->host_wrap) },
		{ kr->epochs[0].public_key, other->epochs[0].public_key,
		  ROOST_KEY_SIZE },
		{ kr->slots[0].wrap, other->slots[0].wrap, ROOST_WRAP_SIZE },
		{ kr->secrets, other->secrets, ROOST_SECRETS_SIZE(1) },
		{ kr->owner_sig, other->owner_sig, sizeof(kr->owner_sig) },
		{ kr->provider_mac, other->provider_mac,
		  sizeof(kr->provider_mac) },
	};
	size_t i, part, count = 1 + kit_below(3);
	char *text;

	how = "content changed";
	*kr = rings[ring]->kr;
	for (i = 0; i < count; i++) {
		part = kit_below(KIT_COUNT(parts));
		if (kit_below(2) == 0)
			memcpy(parts[part].bytes, parts[part].others,
			       parts[part].len);
		else
			parts[part].bytes[kit_below(parts[part].len)] ^=
				(uint8_t)(1 << kit_below(8));
	}
	if (kit_below(3) == 0) {
		resign(rings[ring], kr);
	} else if (kit_below(3) == 0) {
		kr->generation += kit_below(5);
		kr->policy = ROOST_POLICY_SEALED;
	}
	text = kit_ring_text(kr, &mutant_len);
	memcpy(mutant, text, mutant_len);
	free(text);
	free(kr);
}

static void
mutate_document(unsigned int ring)
{
	switch (kit_below(10)) {
	case 0:
		flip_bits();
		break;
	case 1:
		change_bytes();
		break;
	case 2:
		cut_end();
		break;
	case 3:
		cut_middle();
		break;
	case 4:
		put_in();
		break;
	case 5:
		change_line(ring);
		break;
	case 6: case 7:
		change_text();
		break;
	default:
		change_content(ring);
	}
}

static enum roost_err
load_document(const struct kit_ring *ring, const char *text,
	      struct roost_keyring *kr)
{
	uint8_t host[ROOST_KEY_SIZE], master[ROOST_KEY_SIZE];
	struct roost_open_key *keys;
	unsigned int line;
	enum roost_err err;

	err = roost_keyring_parse(text, mutant_len, kr, &line);
	if (err == ROOST_OK)
		err = roost_keyring_open_host(kr, KIT_OWNER,
					      ring->provider_key, 1, host);
	if (err == ROOST_OK)
		err = roost_keyring_unlock_provider(kr, host, master);
	if (err != ROOST_OK)
		return err;
	keys = kit_new(kr->epoch_count * sizeof(*keys));
	err = roost_keyring_open_keys(kr, master, host, keys);
	free(keys);
	return err;
}

static enum roost_err
send_document(void)
{
	static struct roost_keyring kr;
	unsigned int ring = (unsigned int)kit_below(RINGS);
	const struct document *doc = &documents[ring];

	do {
		memcpy(mutant, doc->text, doc->len);
		mutant_len = doc->len;
		mutate_document(ring);
	} while (mutant_len == doc->len &&
		 memcmp(mutant, doc->text, doc->len) == 0);
	return load_document(rings[ring],
			     (const char *)kit_at_fence(mutant, mutant_len),
			     &kr);
}

/* -- what happens to blobs -- */

/* Put another blob's bytes in place from one border to another. */
static void
splice_blob(unsigned int ring)
{
	static const size_t borders[] = { 0, 1, 13, 17, 33, 45, 77, 65, 157,
		169 };
	const struct cached *other = &blobs[kit_below(3) == 0 ? 1 - ring :
					    ring][kit_below(BLOBS)];
	size_t from = borders[kit_below(KIT_COUNT(borders))];
	size_t to = kit_below(3) == 0 ? borders[kit_below(KIT_COUNT(borders))] :
		other->len;

	how = "blob spliced";
	if (from > to || from > mutant_len || to > other->len) {
		flip_bits();
		return;
	}
	memcpy(mutant + from, other->bytes + from, to - from);
	if (to == other->len || to > mutant_len)
		mutant_len = to;
}

/* Forge a blob without the cache key, as somebody would who saw the ids, or who
   holds one message's data key and seals form 1 with it. */
static void
forge_blob(unsigned int ring)
{
	const struct object *obj = &objects[ring][kit_below(SMALL)];
	struct roost_blob_content content;
	struct roost_aead *aead;
	uint8_t bytes[30], key[ROOST_KEY_SIZE];

	how = "blob forged";
	memset(bytes, 'y', sizeof(bytes));
	make_content(&content, bytes);
	content.data_key = obj->data_key;
	kit_fill(key, sizeof(key));
	if (roost_blob_aead_new(kit_below(2) == 0 ? key : obj->data_key,
				&aead) != ROOST_OK ||
	    roost_blob_seal_own(aead, rings[ring]->kr.id,
				obj->bytes + ROOST_HEADER_OBJECT_ID_OFF,
				&content, mutant, &mutant_len) != ROOST_OK)
		abort();
	roost_prim_aead_free(&aead);
}

/* Put a blob as it is, or a damaged one, to another message. */
static void
move_blob(unsigned int ring)
{
	if (kit_below(4) == 0)
		flip_bits();
	how = "blob moved";
	mutant_beside = blobs[kit_below(4) == 0 ? 1 - ring :
			      ring][kit_below(BLOBS)].object_id;
}

static void
mutate_blob(unsigned int ring)
{
	unsigned int kind = (unsigned int)kit_below(13);

	switch (kind) {
	case 8: case 9:
		splice_blob(ring);
		break;
	case 10:
		forge_blob(ring);
		break;
	case 11: case 12:
		move_blob(ring);
		break;
	default:
		mutate_bytes(kind);
	}
}

/* A blob of form 3 is genuine beside its own message alone. */
static bool
is_genuine_blob(unsigned int ring)
{
	unsigned int i;

	for (i = 0; i < BLOBS; i++) {
		const struct cached *cached = &blobs[ring][i];

		if (cached->len == mutant_len &&
		    memcmp(cached->bytes, mutant, mutant_len) == 0 &&
		    (mutant[0] != ROOST_BLOB_FORM_BESIDE ||
		     cached->object_id == mutant_beside))
			return true;
	}
	return false;
}

static enum roost_err
open_blob_new(const struct kit_ring *ring, const struct roost_blob *blob,
	      uint8_t *plain, struct roost_blob_content *content)
{
	uint8_t data_key[ROOST_KEY_SIZE];
	struct roost_aead *aead = NULL;
	enum roost_err err;

	err = roost_stanza_open(&blob->header, ring->kr.id, &ring->open, 1,
				data_key);
	if (err == ROOST_OK)
		err = roost_blob_aead_new(data_key, &aead);
	if (err == ROOST_OK)
		err = roost_blob_open(blob, aead, plain, content);
	roost_prim_aead_free(&aead);
	return err;
}

static enum roost_err
open_blob(unsigned int ring, const uint8_t *bytes)
{
	struct roost_blob_content content;
	struct roost_blob blob;
	enum roost_err err = roost_blob_parse(bytes, mutant_len, &blob);
	uint8_t *plain;

	if (err != ROOST_OK)
		return err;
	if (blob.form == ROOST_BLOB_FORM_BESIDE)
		roost_blob_stands_beside(&blob, rings[ring]->kr.id,
					 mutant_beside);
	if (memcmp(blob.keyring_id, rings[ring]->kr.id, ROOST_ID_SIZE) != 0)
		return ROOST_ERR_OTHER_KEYRING;
	plain = kit_new(blob.sealed_len);
	err = blob.form == ROOST_BLOB_FORM_NEW ?
		open_blob_new(rings[ring], &blob, plain, &content) :
		roost_blob_open(&blob, cache_aeads[ring], plain, &content);
	free(plain);
	return err;
}

static enum roost_err
send_blob(void)
{
	unsigned int ring = (unsigned int)kit_below(RINGS);
	const struct cached *cached;

	do {
		cached = &blobs[ring][kit_below(BLOBS)];
		memcpy(mutant, cached->bytes, cached->len);
		mutant_len = cached->len;
		mutant_beside = cached->object_id;
		mutate_blob(ring);
	} while (is_genuine_blob(ring));
	return open_blob(ring, kit_at_fence(mutant, mutant_len));
}

/* -- the run -- */

static void
report_accepted(uint64_t number, const char *what)
{
	size_t i;

	(void)fprintf(stderr, "ACCEPTED: %s %" PRIu64 ", %s:\n", what, number,
		      how);
	for (i = 0; i < mutant_len && i < 2000; i++)
		(void)fprintf(stderr, "%02x", mutant[i]);
	(void)fprintf(stderr, "\n");
}

/* Check that the inputs open while they are untouched: else it would say
   nothing that others are refused. */
static bool
genuine_ones_open(void)
{
	static struct roost_keyring kr;
	unsigned int ring, i;

	for (ring = 0; ring < RINGS; ring++) {
		for (i = 0; i < OBJECTS; i++) {
			take(&objects[ring][i]);
			if (kit_gate(rings[ring], mutant, mutant_len) !=
			    ROOST_OK)
				return false;
		}
		for (i = 0; i < BLOBS; i++) {
			mutant_len = blobs[ring][i].len;
			mutant_beside = blobs[ring][i].object_id;
			if (open_blob(ring, blobs[ring][i].bytes) != ROOST_OK)
				return false;
		}
		mutant_len = documents[ring].len;
		if (load_document(rings[ring], documents[ring].text, &kr) !=
		    ROOST_OK)
			return false;
	}
	return true;
}

static uint64_t
run(uint64_t count, uint64_t *gates)
{
	static const struct {
		const char *what;
		enum roost_err (*send)(void);
	} kinds[] = {
		{ "object", send_object }, { "object", send_object },
		{ "object", send_object }, { "keyring", send_document },
		{ "blob", send_blob },
	};
	uint64_t i, accepted = 0;

	for (i = 0; i < count; i++) {
		size_t kind = kit_below(KIT_COUNT(kinds));
		enum roost_err err = kinds[kind].send();

		gates[err]++;
		if (err == ROOST_OK) {
			accepted++;
			report_accepted(i, kinds[kind].what);
		}
	}
	return accepted;
}

int
main(int argc, char **argv)
{
	static uint64_t gates[ROOST_ERR_COUNT];
	struct timespec start, end;
	uint64_t seed, count, accepted;
	double secs;
	int err;

	if (argc < 2 || argc > 3) {
		(void)fprintf(stderr, "usage: mutate COUNT [SEED]\n");
		return 2;
	}
	count = strtoull(argv[1], NULL, 10);
	(void)clock_gettime(CLOCK_REALTIME, &start);
	seed = argc > 2 ? strtoull(argv[2], NULL, 10) :
		(uint64_t)start.tv_sec ^ (uint64_t)start.tv_nsec << 20;
	printf("seed %" PRIu64 "\n", seed);
	kit_seed(seed);
	if (roost_prim_init() != ROOST_OK)
		return 2;
	make_all();
	if (!genuine_ones_open()) {
		(void)fprintf(stderr, "mutate: genuine inputs do not open\n");
		return 2;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	accepted = run(count, gates);
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	for (err = 0; err < ROOST_ERR_COUNT; err++) {
		if (gates[err] > 0)
			printf("%12" PRIu64 "  %s\n", gates[err],
			       roost_err_name((enum roost_err)err));
	}
	secs = (double)(end.tv_sec - start.tv_sec) +
		(double)(end.tv_nsec - start.tv_nsec) / 1e9;
	printf("%.0f per second\n", secs > 0 ? (double)count / secs : 0);
	free_all();
	roost_prim_deinit();
	printf("%" PRIu64 " mutated, %" PRIu64 " accepted\n", count, accepted);
	return accepted == 0 ? 0 : 1;
}
