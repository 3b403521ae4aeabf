/* SPDX-License-Identifier: MIT */
/*
 * blob: what the index cache keeps comes back as it was, and nothing else
 * comes back at all.
 */
#include "kit.h"

#include "roost/bytes.h"
#include "roost/derive.h"
#include "roost/stanza.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* This is the core's own file, built so that the library below it can be made
   to fail. */
static struct {
	bool random, seal, open, aead, derive;
} failing;

static enum roost_err
test_random(uint8_t *bytes_r, size_t len)
{
	return failing.random ? ROOST_ERR_BACKEND :
		roost_prim_random(bytes_r, len);
}

/* This failure leaves everything as it is. */
static enum roost_err
test_seal(struct roost_aead *aead, const uint8_t *nonce, const void *ad,
	  size_t ad_len, const uint8_t *plain, size_t len, uint8_t *sealed_r)
{
	return failing.seal ? ROOST_ERR_BACKEND :
		roost_prim_aead_seal(aead, nonce, ad, ad_len, plain, len,
				     sealed_r);
}

static enum roost_err
test_open(struct roost_aead *aead, const uint8_t *nonce, const void *ad,
	  size_t ad_len, const uint8_t *sealed, size_t len, uint8_t *plain_r)
{
	enum roost_err err = roost_prim_aead_open(aead, nonce, ad, ad_len,
						  sealed, len, plain_r);

	return failing.open ? ROOST_ERR_BACKEND : err;
}

static struct roost_aead *
test_aead(const uint8_t *key)
{
	return failing.aead ? NULL : roost_prim_aead_new(key);
}

static enum roost_err
test_derive(const uint8_t *key, const char *label, const uint8_t *extra,
	    size_t extra_len, uint8_t *out_r, size_t out_len)
{
	enum roost_err err = roost_derive(key, label, extra, extra_len,
					  out_r, out_len);

	return failing.derive ? ROOST_ERR_BACKEND : err;
}

#define roost_prim_random test_random
#define roost_prim_aead_seal test_seal
#define roost_prim_aead_open test_open
#define roost_prim_aead_new test_aead
#define roost_derive test_derive
#include "core/blob.c"
#undef roost_prim_random
#undef roost_prim_aead_seal
#undef roost_prim_aead_open
#undef roost_prim_aead_new
#undef roost_derive

#define MAX ROOST_BLOB_SIZE_MAX
#define TYPES ROOST_BLOB_ITEM_COUNT
#define FORMS 3
#define H_SIZE KIT_HEADER_SIZE

struct fixture {
	enum roost_blob_form form;
	uint8_t master[32], keyring_id[16], object_id[16], data_key[32];
	uint8_t header[H_SIZE];
	struct roost_aead *aead;
	struct roost_blob_content content;
	uint8_t *owned[TYPES];		/* the items' bytes */
	uint8_t *plain;			/* of what was opened last */
	uint8_t blob[MAX + 64];
	size_t len;
};

/* -- making and opening -- */

/* Forms 1 and 3 have the key of the cache. */
static bool
has_cache_key(enum roost_blob_form form)
{
	return form != ROOST_BLOB_FORM_NEW;
}

static const char *
label_of(enum roost_blob_form form)
{
	return has_cache_key(form) ? "cache" : "blob";
}

static struct fixture *
fixture_new(enum roost_blob_form form)
{
	struct fixture *fix = kit_new(sizeof(*fix));
	uint8_t *stanza = fix->header + ROOST_HEADER_FIXED_SIZE;

	memset(fix, 0, sizeof(*fix));
	fix->form = form;
	kit_fill(fix->master, 32);
	kit_fill(fix->keyring_id, 16);
	kit_fill(fix->object_id, 16);
	kit_fill(fix->data_key, 32);
	roost_header_write(fix->keyring_id, fix->object_id, 1,
			   ROOST_STANZA_X25519_SIZE, fix->header);
	kit_fill(stanza, ROOST_STANZA_X25519_SIZE);
	stanza[0] = stanza[1] = 1;
	roost_be16_put(stanza + 2, ROOST_STANZA_X25519_BODY_SIZE);
	fix->content.data_key = fix->data_key;
	if (has_cache_key(form))
		assert_good(roost_blob_aead_own(fix->master, &fix->aead));
	else
		assert_good(roost_blob_aead_new(fix->data_key, &fix->aead));
	return fix;
}

static void
fixture_clear(struct fixture *fix)
{
	size_t type;

	for (type = 0; type < TYPES; type++) {
		free(fix->owned[type]);
		fix->owned[type] = NULL;
		fix->content.items[type] = (struct roost_blob_bytes) {
			NULL, 0
		};
	}
}

static void
fixture_free(struct fixture *fix)
{
	fixture_clear(fix);
	free(fix->plain);
	roost_prim_aead_free(&fix->aead);
	free(fix);
}

/* Give an item this many random bytes, none of them NUL. */
static void
fixture_item(struct fixture *fix, size_t type, size_t len)
{
	size_t i;

	free(fix->owned[type]);
	fix->owned[type] = kit_new(len);
	for (i = 0; i < len; i++)
		fix->owned[type][i] = (uint8_t)(1 + kit_below(255));
	fix->content.items[type] = (struct roost_blob_bytes) {
		fix->owned[type], len
	};
}

/* Sent date and saved keys have one length, others any (FORMAT.md 12.5). */
static size_t
length_of(size_t type, size_t len)
{
	return type == ROOST_BLOB_SENT_DATE ? 12 :
		type == ROOST_BLOB_SAVED_KEYS ? 76 : len;
}

/* Form 1 alone has saved keys. */
static bool
has_type(const struct fixture *fix, size_t type)
{
	return type != ROOST_BLOB_SAVED_KEYS ||
		fix->form == ROOST_BLOB_FORM_OWN;
}

static void
fixture_small_items(struct fixture *fix)
{
	size_t type;

	for (type = 1; type < TYPES; type++) {
		if (has_type(fix, type))
			fixture_item(fix, type, length_of(type, type));
	}
}

static enum roost_err
fixture_seal(struct fixture *fix)
{
	memset(fix->blob, 0x55, sizeof(fix->blob));
	fix->len = 77;
	if (fix->form == ROOST_BLOB_FORM_OWN)
		return roost_blob_seal_own(fix->aead, fix->keyring_id,
					   fix->object_id, &fix->content,
					   fix->blob, &fix->len);
	if (fix->form == ROOST_BLOB_FORM_BESIDE)
		return roost_blob_seal_beside(fix->aead, fix->keyring_id,
					      fix->object_id, &fix->content,
					      fix->blob, &fix->len);
	return roost_blob_seal_new(fix->aead, fix->header, H_SIZE,
				   &fix->content, fix->blob, &fix->len);
}

/* Open as a reader does, who knows which form belongs there, says what a blob
   stands beside, and compares the keyring id himself.  After an error nothing
   may be left. */
static enum roost_err
open_bytes(struct fixture *fix, const uint8_t *bytes, size_t len,
	   struct roost_blob_content *content_r)
{
	struct roost_blob blob;
	enum roost_err err;

	memset(&blob, 0x55, sizeof(blob));
	memset(content_r, 0x55, sizeof(*content_r));
	err = roost_blob_parse(kit_at_fence(bytes, len), len, &blob);
	if (err != ROOST_OK) {
		assert_zero(&blob, sizeof(blob));
		return err;
	}
	if (blob.form != fix->form)
		return ROOST_ERR_BLOB_FORM;
	if (fix->form == ROOST_BLOB_FORM_BESIDE) {
		assert_null(blob.keyring_id);
		assert_null(blob.object_id);
		roost_blob_stands_beside(&blob, fix->keyring_id,
					 fix->object_id);
	}
	if (memcmp(blob.keyring_id, fix->keyring_id, 16) != 0)
		return ROOST_ERR_OTHER_KEYRING;
	free(fix->plain);
	fix->plain = kit_new(blob.sealed_len);
	memset(fix->plain, 0x55, blob.sealed_len);
	err = roost_blob_open(&blob, fix->aead, fix->plain, content_r);
	if (err != ROOST_OK) {
		assert_zero(fix->plain, blob.sealed_len);
		assert_zero(content_r, sizeof(*content_r));
	}
	return err;
}

static enum roost_err
open_gate(struct fixture *fix, const uint8_t *bytes, size_t len)
{
	struct roost_blob_content content;

	return open_bytes(fix, bytes, len, &content);
}

/* It must open, and everything must be as it was given, also what is absent. */
static void
assert_same(struct fixture *fix)
{
	struct roost_blob_content is;
	const struct roost_blob_bytes *should;
	size_t type;

	assert_good(open_bytes(fix, fix->blob, fix->len, &is));
	if (fix->form == ROOST_BLOB_FORM_OWN)
		assert_memory_equal(is.data_key, fix->content.data_key, 32);
	else
		assert_null(is.data_key);
	assert_null(is.items[0].bytes);
	for (type = 1; type < TYPES; type++) {
		should = &fix->content.items[type];
		assert_int_equal(is.items[type].bytes == NULL,
				 should->bytes == NULL);
		assert_int_equal(is.items[type].len, should->len);
		if (should->len > 0)
			assert_memory_equal(is.items[type].bytes,
					    should->bytes, should->len);
	}
}

/* Returns how many bytes stand before the nonce. */
static size_t
head_size(const struct fixture *fix)
{
	return fix->form == ROOST_BLOB_FORM_OWN ? 33 :
		fix->form == ROOST_BLOB_FORM_BESIDE ? 1 : 1 + H_SIZE;
}

/* Write the associated data; returns how many bytes they are. */
static size_t
ad_write(const struct fixture *fix, uint8_t ad_r[1 + H_SIZE])
{
	ad_r[0] = (uint8_t)fix->form;
	if (fix->form == ROOST_BLOB_FORM_NEW) {
		memcpy(ad_r + 1, fix->header, H_SIZE);
		return 1 + H_SIZE;
	}
	memcpy(ad_r + 1, fix->keyring_id, 16);
	memcpy(ad_r + 17, fix->object_id, 16);
	return 33;
}

/* Seal any plaintext as FORMAT.md 12.2, 12.3 and 12.24 say, by the primitives
   alone. */
static void
craft(struct fixture *fix, const uint8_t *plain, size_t len)
{
	const uint8_t *from = has_cache_key(fix->form) ? fix->master :
		fix->data_key;
	uint8_t ad[1 + H_SIZE], key[32];
	size_t ad_len = ad_write(fix, ad), head_len = head_size(fix);
	struct roost_aead *aead;

	memset(fix->blob, 0, sizeof(fix->blob));
	memcpy(fix->blob, ad, head_len);
	kit_fill(fix->blob + head_len, 12);
	assert_good(roost_derive(from, label_of(fix->form), NULL, 0,
				 key, 32));
	aead = roost_prim_aead_new(key);
	assert_non_null(aead);
	assert_good(roost_prim_aead_seal(aead, fix->blob + head_len, ad,
					 ad_len, plain, len,
					 fix->blob + head_len + 12));
	roost_prim_aead_free(&aead);
	fix->len = head_len + 12 + len + 16;
}

/* Returns how many bytes the items may take (FORMAT.md 12.8). */
static size_t
items_max_of(const struct fixture *fix)
{
	return fix->form == ROOST_BLOB_FORM_OWN ? MAX - 93 :
		MAX - 28 - head_size(fix);
}

/* Pad as FORMAT.md 12.19 says, by a table; what would be too long stays as it
   is. */
static size_t
padded(const struct fixture *fix, size_t len)
{
	static const size_t steps[][2] = {
		{ 1024, 64 }, { 2048, 128 }, { 4096, 256 }, { 8192, 512 },
		{ 16384, 1024 }, { 32768, 2048 }
	};
	size_t i = 0, size;

	while (len >= steps[i][0])
		i++;
	for (size = steps[i][1]; size < len; size += steps[i][1])
		;
	return size <= items_max_of(fix) ? size :
		len <= items_max_of(fix) ? items_max_of(fix) : len;
}

/* Seal a padded content; the data key is put before it where it belongs. */
static enum roost_err
craft_padded(struct fixture *fix, const uint8_t *items, size_t len)
{
	size_t key_len = fix->form == ROOST_BLOB_FORM_OWN ? 32 : 0;
	uint8_t *plain = kit_new(key_len + len);

	memcpy(plain, fix->data_key, key_len);
	if (len > 0)
		memcpy(plain + key_len, items, len);
	craft(fix, plain, key_len + len);
	free(plain);
	return open_gate(fix, fix->blob, fix->len);
}

/* Seal items, which are padded first. */
static enum roost_err
craft_items(struct fixture *fix, const uint8_t *items, size_t len)
{
	size_t size = padded(fix, len);
	uint8_t *plain = kit_new(size);
	enum roost_err err;

	memset(plain, 0, size);
	if (len > 0)
		memcpy(plain, items, len);
	err = craft_padded(fix, plain, size);
	free(plain);
	return err;
}

/* Run a test for all forms. */
static void
each_form(void (*run)(struct fixture *fix))
{
	static const enum roost_blob_form forms[FORMS] = {
		ROOST_BLOB_FORM_OWN, ROOST_BLOB_FORM_NEW,
		ROOST_BLOB_FORM_BESIDE
	};
	struct fixture *fix;
	size_t i;

	for (i = 0; i < FORMS; i++) {
		fix = fixture_new(forms[i]);
		run(fix);
		fixture_free(fix);
	}
}

/* -- the layout -- */

static void
run_layout(struct fixture *fix)
{
	static const uint8_t items[] = {
		2, 0, 0, 0, 3, 'A', 'b', '\n',
		3, 0, 0, 0, 0,
		8, 0, 0, 0, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
	};
	uint8_t *key, *plain, ad[1 + H_SIZE];
	size_t ad_len = ad_write(fix, ad), head_len = head_size(fix);
	size_t key_len = 0, len;
	struct roost_aead *aead;
	struct roost_blob blob;

	fix->content.items[2] = (struct roost_blob_bytes) { items + 5, 3 };
	fix->content.items[3] = (struct roost_blob_bytes) { items + 8, 0 };
	fix->content.items[8] = (struct roost_blob_bytes) { items + 18, 12 };
	assert_int_equal(roost_blob_items_size(&fix->content), sizeof(items));
	assert_good(fixture_seal(fix));
	len = 64;	/* padded */
	if (fix->form == ROOST_BLOB_FORM_OWN)
		len += key_len = 32;
	assert_int_equal(fix->len, head_len + 12 + len + 16);
	assert_memory_equal(fix->blob, ad, head_len);
	key = kit_new(32);
	plain = kit_new(len);
	assert_good(roost_derive(has_cache_key(fix->form) ?
				 fix->master : fix->data_key,
				 label_of(fix->form), NULL, 0, key, 32));
	aead = roost_prim_aead_new(key);
	assert_non_null(aead);
	assert_good(roost_prim_aead_open(aead, fix->blob + head_len, ad,
					 ad_len, fix->blob + head_len + 12,
					 len + 16, plain));
	assert_memory_equal(plain, fix->data_key, key_len);
	assert_memory_equal(plain + key_len, items, sizeof(items));
	assert_zero(plain + key_len + sizeof(items), 64 - sizeof(items));
	roost_prim_aead_free(&aead);
	free(plain);
	free(key);
	memset(&blob, 0, sizeof(blob));
	assert_good(roost_blob_parse(fix->blob, fix->len, &blob));
	if (fix->form != ROOST_BLOB_FORM_BESIDE) {
		assert_memory_equal(blob.keyring_id, fix->keyring_id, 16);
		assert_memory_equal(blob.object_id, fix->object_id, 16);
	}
	assert_int_equal(blob.header.len, fix->form == ROOST_BLOB_FORM_NEW ?
			 H_SIZE : 0);
	assert_good(craft_items(fix, items, sizeof(items)));
}

static void
test_the_layout_is_that_of_the_format(void **state)
{
	(void)state;
	each_form(run_layout);
}

/* The sizes are those of FORMAT.md 12.8. */
static void
test_the_sizes_are_those_of_the_format(void **state)
{
	(void)state;
	assert_int_equal(ROOST_BLOB_FORM_OWN_OVERHEAD, 93);
	assert_int_equal(ROOST_BLOB_FORM_NEW_OVERHEAD, 29);
	assert_int_equal(ROOST_BLOB_FORM_BESIDE_OVERHEAD, 29);
	assert_int_equal(ROOST_BLOB_SIZE_MAX, 30720);
}

static void
test_standard_names_are_sorted_and_no_two_are_equal(void **state)
{
	const char *const *name = roost_blob_standard_names;

	(void)state;
	for (; name[1] != NULL; name++)
		assert_true(strcasecmp(name[0], name[1]) < 0);
	assert_int_equal(name - roost_blob_standard_names, 34);
}

/* -- what was put in comes out -- */

static void
run_every_set(struct fixture *fix)
{
	unsigned int set, type;

	for (set = 0; set < 1U << (TYPES - 1); set++) {
		fixture_clear(fix);
		for (type = 1; type < TYPES; type++) {
			if ((set & 1U << (type - 1)) == 0 ||
			    !has_type(fix, type))
				continue;
			fixture_item(fix, type,
				     length_of(type, kit_below(3) == 0 ? 0 :
					       kit_below(300)));
		}
		assert_good(fixture_seal(fix));
		assert_same(fix);
	}
}

static void
test_every_set_of_items_comes_back(void **state)
{
	(void)state;
	each_form(run_every_set);
}

static void
run_empty_or_absent(struct fixture *fix)
{
	struct roost_blob_content content;
	unsigned int type;
	size_t absent_len;

	for (type = 1; type < ROOST_BLOB_SENT_DATE; type++) {
		fixture_clear(fix);
		assert_good(fixture_seal(fix));
		absent_len = fix->len;
		assert_good(open_bytes(fix, fix->blob, fix->len, &content));
		assert_null(content.items[type].bytes);
		fixture_item(fix, type, 0);
		assert_good(fixture_seal(fix));
		/* The length must not tell which of both it is. */
		assert_int_equal(fix->len, absent_len);
		assert_good(open_bytes(fix, fix->blob, fix->len, &content));
		assert_non_null(content.items[type].bytes);
		assert_int_equal(content.items[type].len, 0);
	}
}

static void
test_empty_is_not_absent(void **state)
{
	(void)state;
	each_form(run_empty_or_absent);
}

static void
run_sizes(struct fixture *fix)
{
	size_t overhead, max, i;
	unsigned int type;

	assert_good(fixture_seal(fix));
	overhead = fix->len - 64;
	max = MAX - overhead - 5;
	assert_int_equal(overhead, MAX - items_max_of(fix));
	for (type = 1; type < ROOST_BLOB_SENT_DATE; type++) {
		const size_t sizes[] = { 0, 1, max - 1, max };

		fixture_clear(fix);
		for (i = 0; i < KIT_COUNT(sizes); i++) {
			fixture_item(fix, type, sizes[i]);
			assert_good(fixture_seal(fix));
			assert_int_equal(fix->len, overhead +
					 padded(fix, 5 + sizes[i]));
			assert_same(fix);
		}
		/* Not a byte of it may have been written. */
		fixture_item(fix, type, max + 1);
		assert_gate(fixture_seal(fix), ROOST_ERR_LIMIT);
		assert_int_equal(fix->len, 0);
		for (i = 0; i < sizeof(fix->blob); i++)
			assert_int_equal(fix->blob[i], 0x55);
	}
}

static void
test_the_largest_blob_and_one_byte_more(void **state)
{
	(void)state;
	each_form(run_sizes);
}

/* It is refused also when the sum of all would overflow to a small number, and
   nothing of it is read. */
static void
run_huge(struct fixture *fix)
{
	static const size_t sizes[] = { UINT32_MAX, SIZE_MAX, SIZE_MAX - 100 };
	unsigned int type;
	size_t i;

	for (type = 1; type < ROOST_BLOB_SENT_DATE; type++) {
		fixture_clear(fix);
		fixture_small_items(fix);
		for (i = 0; i < KIT_COUNT(sizes); i++) {
			fix->content.items[type].len = sizes[i];
			assert_gate(fixture_seal(fix), ROOST_ERR_LIMIT);
			assert_int_equal(fix->len, 0);
		}
	}
}

static void
test_a_huge_item_is_too_long(void **state)
{
	(void)state;
	each_form(run_huge);
}

/* A message that is not sealed has zeros for object id and data key. */
static void
test_a_message_that_is_not_sealed(void **state)
{
	static const uint8_t zeros[32];
	struct fixture *fix = fixture_new(ROOST_BLOB_FORM_OWN);

	(void)state;
	memset(fix->object_id, 0, 16);
	fix->content.data_key = zeros;
	fixture_item(fix, ROOST_BLOB_HEADERS, 100);
	assert_good(fixture_seal(fix));
	assert_same(fix);
	fixture_free(fix);
}

static void
run_twice(struct fixture *fix)
{
	uint8_t *first;
	size_t head_len = head_size(fix);

	fixture_small_items(fix);
	assert_good(fixture_seal(fix));
	first = kit_copy(fix->blob, fix->len);
	assert_good(fixture_seal(fix));
	assert_memory_equal(first, fix->blob, head_len);
	assert_memory_not_equal(first + head_len, fix->blob + head_len, 12);
	assert_memory_not_equal(first + head_len + 12,
				fix->blob + head_len + 12, 16);
	assert_same(fix);
	free(first);
}

static void
test_sealing_twice_differs(void **state)
{
	(void)state;
	each_form(run_twice);
}

static void
run_hidden(struct fixture *fix)
{
	static const char canary[] = "a canary that must not be seen";
	size_t i;

	for (i = 1; i < ROOST_BLOB_SENT_DATE; i++)
		fix->content.items[i] = (struct roost_blob_bytes) {
			(const uint8_t *)canary, sizeof(canary) - 1
		};
	assert_good(fixture_seal(fix));
	for (i = 0; i + 8 <= fix->len; i++) {
		assert_memory_not_equal(fix->blob + i, canary, 8);
		assert_memory_not_equal(fix->blob + i, fix->data_key, 8);
	}
	/* It was sealed in place, and nothing was written beyond. */
	for (i = fix->len; i < sizeof(fix->blob); i++)
		assert_int_equal(fix->blob[i], 0x55);
}

static void
test_nothing_of_the_content_is_seen(void **state)
{
	(void)state;
	each_form(run_hidden);
}

/* -- what must not open -- */

static enum roost_err
flipped_gate(const struct fixture *fix, size_t off)
{
	struct roost_header hdr;

	if (off == 0)
		return ROOST_ERR_BLOB_FORM;
	if (fix->form == ROOST_BLOB_FORM_BESIDE)
		return ROOST_ERR_BLOB_AUTH;
	if (fix->form == ROOST_BLOB_FORM_OWN)
		return off <= 16 ? ROOST_ERR_OTHER_KEYRING :
			ROOST_ERR_BLOB_AUTH;
	if (off <= H_SIZE && roost_header_parse(fix->blob + 1, fix->len - 1,
						&hdr) != ROOST_OK)
		return ROOST_ERR_BLOB_FORM;
	return off >= 17 && off < 33 ? ROOST_ERR_OTHER_KEYRING :
		ROOST_ERR_BLOB_AUTH;
}

static void
run_flips(struct fixture *fix)
{
	size_t bit, form_count = 0;

	fixture_small_items(fix);
	assert_good(fixture_seal(fix));
	for (bit = 0; bit < 8 * fix->len; bit++) {
		enum roost_err gate;

		fix->blob[bit / 8] ^= (uint8_t)(1 << bit % 8);
		gate = flipped_gate(fix, bit / 8);
		form_count += gate == ROOST_ERR_BLOB_FORM;
		assert_gate(open_gate(fix, fix->blob, fix->len), gate);
		fix->blob[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	/* Form 2 also refuses what the rules of headers refuse. */
	assert_true(fix->form == ROOST_BLOB_FORM_NEW ? form_count > 8 * 30 :
		    form_count == 8);
	assert_same(fix);
}

static void
test_any_flipped_bit_dies_at_its_gate(void **state)
{
	(void)state;
	each_form(run_flips);
}

static void
run_prefixes(struct fixture *fix)
{
	size_t len, least = head_size(fix) + 12 + 16;

	fixture_small_items(fix);
	assert_good(fixture_seal(fix));
	for (len = 0; len < fix->len; len++)
		assert_gate(open_gate(fix, fix->blob, len), len < least ?
			    ROOST_ERR_BLOB_FORM : ROOST_ERR_BLOB_AUTH);
	assert_same(fix);
}

static void
test_every_prefix_dies(void **state)
{
	(void)state;
	each_form(run_prefixes);
}

static void
run_extensions(struct fixture *fix)
{
	size_t more, seal_len;

	fixture_small_items(fix);
	assert_good(fixture_seal(fix));
	seal_len = fix->len;
	memset(fix->blob + seal_len, 0, sizeof(fix->blob) - seal_len);
	for (more = 1; more < 70; more++)
		assert_gate(open_gate(fix, fix->blob, seal_len + more),
			    ROOST_ERR_BLOB_AUTH);
	assert_gate(open_gate(fix, fix->blob, MAX), ROOST_ERR_BLOB_AUTH);
	assert_gate(open_gate(fix, fix->blob, MAX + 1), ROOST_ERR_BLOB_FORM);
}

static void
test_every_extension_dies(void **state)
{
	(void)state;
	each_form(run_extensions);
}

/* It is sealed with the right key, but one byte longer than is allowed. */
static void
run_genuine_but_long(struct fixture *fix)
{
	size_t max = items_max_of(fix), more;
	uint8_t *items = kit_new(max + 1);

	for (more = 0; more < 2; more++) {
		memset(items, 'x', max + 1);
		items[0] = ROOST_BLOB_HEADERS;
		roost_be32_put(items + 1, (uint32_t)(max + more - 5));
		assert_gate(craft_items(fix, items, max + more), more == 0 ?
			    ROOST_OK : ROOST_ERR_BLOB_FORM);
	}
	free(items);
}

static void
test_a_genuine_blob_too_long_is_none(void **state)
{
	(void)state;
	each_form(run_genuine_but_long);
}

static void
run_other_keys(struct fixture *fix)
{
	struct roost_aead *right = fix->aead;
	uint8_t *key = has_cache_key(fix->form) ? fix->master :
		fix->data_key;
	uint8_t good[32];
	size_t bit;

	fixture_small_items(fix);
	assert_good(fixture_seal(fix));
	memcpy(good, key, 32);
	for (bit = 0; bit < 256; bit += 5) {
		key[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_good(blob_aead(key, label_of(fix->form), &fix->aead));
		assert_gate(open_gate(fix, fix->blob, fix->len),
			    ROOST_ERR_BLOB_AUTH);
		roost_prim_aead_free(&fix->aead);
		memcpy(key, good, 32);
	}
	/* The right key is used as that of another form, and without
	   derivation. */
	assert_good(has_cache_key(fix->form) ?
		    roost_blob_aead_new(key, &fix->aead) :
		    roost_blob_aead_own(key, &fix->aead));
	assert_gate(open_gate(fix, fix->blob, fix->len), ROOST_ERR_BLOB_AUTH);
	roost_prim_aead_free(&fix->aead);
	fix->aead = roost_prim_aead_new(key);
	assert_gate(open_gate(fix, fix->blob, fix->len), ROOST_ERR_BLOB_AUTH);
	roost_prim_aead_free(&fix->aead);
	fix->aead = right;
	assert_same(fix);
}

static void
test_another_key_does_not_open(void **state)
{
	(void)state;
	each_form(run_other_keys);
}

/* The blob is another message's or keyring's, sealed with the very same key. */
static void
run_other_ids(struct fixture *fix)
{
	uint8_t *sealed, *ids = fix->blob +
		(fix->form == ROOST_BLOB_FORM_OWN ? 1 : 17);

	if (fix->form == ROOST_BLOB_FORM_BESIDE)
		return;		/* it has no ids: see run_beside() */
	fixture_small_items(fix);
	assert_good(fixture_seal(fix));
	sealed = kit_copy(fix->blob, fix->len);
	kit_fill(ids + 16, 16);
	assert_gate(open_gate(fix, fix->blob, fix->len), ROOST_ERR_BLOB_AUTH);
	memcpy(fix->blob, sealed, fix->len);
	kit_fill(ids, 16);
	assert_gate(open_gate(fix, fix->blob, fix->len),
		    ROOST_ERR_OTHER_KEYRING);
	/* It does not open even for a caller that forgot to compare the id. */
	memcpy(fix->keyring_id, ids, 16);
	assert_gate(open_gate(fix, fix->blob, fix->len), ROOST_ERR_BLOB_AUTH);
	free(sealed);
}

static void
test_another_keyring_or_object_does_not_open(void **state)
{
	(void)state;
	each_form(run_other_ids);
}

/* Open a blob of form 3, of which these ids are said, or none where they are
   NULL. */
static void
assert_beside(struct fixture *fix, const uint8_t *keyring_id,
	      const uint8_t *object_id, enum roost_err gate)
{
	struct roost_blob_content content;
	struct roost_blob blob;
	uint8_t *plain;

	assert_good(roost_blob_parse(fix->blob, fix->len, &blob));
	if (keyring_id != NULL || object_id != NULL)
		roost_blob_stands_beside(&blob, keyring_id, object_id);
	plain = kit_new(blob.sealed_len);
	memset(plain, 0x55, blob.sealed_len);
	memset(&content, 0x55, sizeof(content));
	assert_gate(roost_blob_open(&blob, fix->aead, plain, &content), gate);
	if (gate != ROOST_OK) {
		assert_zero(plain, blob.sealed_len);
		assert_zero(&content, sizeof(content));
	}
	free(plain);
}

/* It opens beside the blob of its own message alone, and never where nobody
   says which that is. */
static void
test_a_blob_that_stands_beside_another(void **state)
{
	struct fixture *fix = fixture_new(ROOST_BLOB_FORM_BESIDE);
	uint8_t ids[32], zeros[16] = { 0 };
	size_t bit;

	(void)state;
	fixture_small_items(fix);
	assert_good(fixture_seal(fix));
	memcpy(ids, fix->keyring_id, 16);
	memcpy(ids + 16, fix->object_id, 16);
	assert_beside(fix, ids, ids + 16, ROOST_OK);
	for (bit = 0; bit < 256; bit++) {
		ids[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_beside(fix, ids, ids + 16, ROOST_ERR_BLOB_AUTH);
		ids[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_beside(fix, NULL, NULL, ROOST_ERR_BLOB_AUTH);
	assert_beside(fix, ids, NULL, ROOST_ERR_BLOB_AUTH);
	assert_beside(fix, NULL, ids + 16, ROOST_ERR_BLOB_AUTH);
	assert_beside(fix, zeros, zeros, ROOST_ERR_BLOB_AUTH);
	/* One of a message that is not sealed is no other's. */
	memset(fix->object_id, 0, 16);
	assert_good(fixture_seal(fix));
	assert_beside(fix, ids, zeros, ROOST_OK);
	assert_beside(fix, ids, ids + 16, ROOST_ERR_BLOB_AUTH);
	/* Zeros that somebody said are ids; that nobody said any is not. */
	memset(fix->keyring_id, 0, 16);
	assert_good(fixture_seal(fix));
	assert_beside(fix, zeros, zeros, ROOST_OK);
	assert_beside(fix, NULL, NULL, ROOST_ERR_BLOB_AUTH);
	assert_beside(fix, zeros, NULL, ROOST_ERR_BLOB_AUTH);
	assert_beside(fix, NULL, zeros, ROOST_ERR_BLOB_AUTH);
	fixture_free(fix);
}

static void
run_forms(struct fixture *fix)
{
	struct roost_blob_content content;
	struct roost_blob blob;
	unsigned int form;
	uint8_t *plain;
	bool is_any;

	fixture_small_items(fix);
	assert_good(fixture_seal(fix));
	for (form = 0; form < 256; form++) {
		if (form == (unsigned int)fix->form)
			continue;
		fix->blob[0] = (uint8_t)form;
		/* In forms 1 and 3 any bytes may be ids and sealed bytes. */
		is_any = form == ROOST_BLOB_FORM_OWN ||
			form == ROOST_BLOB_FORM_BESIDE;
		assert_gate(roost_blob_parse(fix->blob, fix->len, &blob),
			    is_any ? ROOST_OK : ROOST_ERR_BLOB_FORM);
		if (!is_any)
			continue;
		if (form == ROOST_BLOB_FORM_BESIDE)
			roost_blob_stands_beside(&blob, fix->keyring_id,
						 fix->object_id);
		plain = kit_new(blob.sealed_len);
		assert_gate(roost_blob_open(&blob, fix->aead, plain,
					    &content), ROOST_ERR_BLOB_AUTH);
		assert_zero(plain, blob.sealed_len);
		free(plain);
	}
}

static void
test_no_other_form_is_known(void **state)
{
	(void)state;
	each_form(run_forms);
}

/* -- genuine, but not understood -- */

#define DATE 8, 0, 0, 0, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
struct stream {
	enum roost_err gate;
	size_t len;
	uint8_t bytes[40];
};
#define BAD ROOST_ERR_BLOB_CONTENT

static const struct stream streams[] = {
	{ ROOST_OK, 0, { 0 } },
	{ ROOST_OK, 5, { 1, 0, 0, 0, 0 } },
	{ ROOST_OK, 10, { 3, 0, 0, 0, 0, 7, 0, 0, 0, 0 } },
	{ ROOST_OK, 10, { 3, 0, 0, 0, 0, 10, 0, 0, 0, 0 } },
	{ ROOST_OK, 17, { DATE } },
	/* NUL stands where a message may have it. */
	{ ROOST_OK, 7, { 3, 0, 0, 0, 2, 0, 0 } },
	{ ROOST_OK, 7, { 7, 0, 0, 0, 2, 0, 1 } },
	/* What is zero where a type would stand is padding. */
	{ ROOST_OK, 5, { 0, 0, 0, 0, 0 } },
	{ ROOST_OK, 6, { 1, 0, 0, 0, 0, 0 } },
	{ ROOST_OK, 18, { DATE, 0 } },
	{ BAD, 5, { 0, 0, 0, 0, 1 } },
	{ BAD, 6, { 0, 1, 0, 0, 0, 0 } },
	{ BAD, 11, { 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0 } },
	/* These types do not exist. */
	{ BAD, 5, { 9, 0, 0, 0, 0 } },
	{ BAD, 5, { 11, 0, 0, 0, 0 } },
	{ BAD, 5, { 255, 0, 0, 0, 0 } },
	{ BAD, 10, { 1, 0, 0, 0, 0, 9, 0, 0, 0, 0 } },
	/* Items are repeated, or descend. */
	{ BAD, 10, { 3, 0, 0, 0, 0, 3, 0, 0, 0, 0 } },
	{ BAD, 10, { 3, 0, 0, 0, 0, 2, 0, 0, 0, 0 } },
	{ BAD, 15, { 1, 0, 0, 0, 0, 5, 0, 0, 0, 0, 1, 0, 0, 0, 0 } },
	{ BAD, 22, { DATE, 1, 0, 0, 0, 0 } },
	/* Items are cut, or longer than what is there. */
	{ BAD, 5, { 3, 0, 0, 0, 60 } },
	{ BAD, 6, { 3, 0xff, 0xff, 0xff, 0xff, 'a' } },
	{ BAD, 6, { 3, 0x80, 0, 0, 1, 'a' } },
	{ BAD, 6, { 3, 1, 0, 0, 1, 'a' } },
	/* Bytes are left over. */
	{ BAD, 6, { 1, 0, 0, 0, 0, 'a' } },
	/* Dates have another length. */
	{ BAD, 5, { 8, 0, 0, 0, 0 } },
	{ BAD, 16, { 8, 0, 0, 0, 11, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 } },
	{ BAD, 18, { 8, 0, 0, 0, 13, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
		13 } },
	/* NUL stands in a text: alone, first, within, last. */
	{ BAD, 6, { 4, 0, 0, 0, 1, 0 } },
	{ BAD, 7, { 5, 0, 0, 0, 2, 0, 'a' } },
	{ BAD, 8, { 6, 0, 0, 0, 3, 'a', 0, 'b' } },
	{ BAD, 7, { 4, 0, 0, 0, 2, 'a', 0 } },
	{ BAD, 7, { 5, 0, 0, 0, 2, 'a', 0 } },
	{ BAD, 7, { 6, 0, 0, 0, 2, 'a', 0 } },
};

static void
run_streams(struct fixture *fix)
{
	size_t i;

	for (i = 0; i < KIT_COUNT(streams); i++)
		assert_gate(craft_items(fix, streams[i].bytes,
					streams[i].len), streams[i].gate);
}

static void
test_content_that_is_not_of_the_format_dies(void **state)
{
	(void)state;
	each_form(run_streams);
}

/* A head is cut by the plaintext's end, or its bytes run past it. */
static void
run_cut(struct fixture *fix)
{
	uint8_t items[64];
	size_t head;

	for (head = 0; head <= 5; head++) {
		memset(items, 'x', sizeof(items));
		items[0] = 1;
		roost_be32_put(items + 1, (uint32_t)(59 - head));
		memset(items + 64 - head, 0, head);
		if (head > 0)
			items[64 - head] = 3;
		assert_gate(craft_padded(fix, items, 64), head == 0 ||
			    head == 5 ? ROOST_OK : ROOST_ERR_BLOB_CONTENT);
	}
	roost_be32_put(items + 1, 60);
	assert_gate(craft_padded(fix, items, 64), ROOST_ERR_BLOB_CONTENT);
}

static void
test_items_that_run_past_the_end_die(void **state)
{
	(void)state;
	each_form(run_cut);
}

/* -- padding -- */

static void
assert_one_padding(struct fixture *fix, uint8_t *items, size_t len)
{
	static const size_t others[] = { 1, 63, 64, 128, 256, 1024, 2048 };
	size_t size = padded(fix, len), i;

	items[0] = ROOST_BLOB_HEADERS;
	roost_be32_put(items + 1, (uint32_t)(len - 5));
	memset(items + 5, 'x', len - 5);
	memset(items + len, 0, 40000 - len);
	assert_good(craft_padded(fix, items, size));
	for (i = 0; i < KIT_COUNT(others); i++) {
		if (size - len >= others[i])
			assert_gate(craft_padded(fix, items, size - others[i]),
				    ROOST_ERR_BLOB_CONTENT);
		if (size + others[i] <= items_max_of(fix))
			assert_gate(craft_padded(fix, items, size + others[i]),
				    ROOST_ERR_BLOB_CONTENT);
	}
	for (i = len; i < size; i += 1 + (size - len) / 9) {
		/* No such type exists, so it cannot begin an item. */
		items[i] = (uint8_t)(TYPES + kit_below(256 - TYPES));
		assert_gate(craft_padded(fix, items, size),
			    ROOST_ERR_BLOB_CONTENT);
		items[i] = 0;
	}
}

static void
run_padding(struct fixture *fix)
{
	static const size_t sizes[] = {
		5, 6, 63, 64, 65, 127, 128, 129, 959, 960, 961, 1023, 1024,
		1025, 2047, 2048, 2049, 4095, 4096, 4097, 9000, 16384, 28672,
		28673, 30534
	};
	uint8_t *items = kit_new(40000);
	size_t i;

	for (i = 0; i < KIT_COUNT(sizes); i++)
		assert_one_padding(fix, items, sizes[i]);
	assert_one_padding(fix, items, items_max_of(fix));
	assert_one_padding(fix, items, items_max_of(fix) - 1);
	free(items);
}

static void
test_there_is_one_padding(void **state)
{
	(void)state;
	each_form(run_padding);
}

/* Nobody sees which length within one step it was. */
static void
run_steps(struct fixture *fix)
{
	size_t len, last = 0, changes = 0;

	for (len = 0; len <= 2048 - 5; len++) {
		fixture_item(fix, ROOST_BLOB_SUMMARY, len);
		assert_good(fixture_seal(fix));
		changes += fix->len != last;
		assert_true(fix->len >= last);
		last = fix->len;
	}
	/* The steps are 64, 128, .., 1024, then 1152, .., 2048. */
	assert_int_equal(changes, 16 + 8);
}

static void
test_a_length_tells_no_more_than_a_step(void **state)
{
	(void)state;
	each_form(run_steps);
}

/* A blob of form 1 and four beside it, as the cache writes them, each as large
   as it may be, must fit. */
static void
test_shared_blobs_take_no_more_than_one(void **state)
{
	struct fixture *fix = fixture_new(ROOST_BLOB_FORM_BESIDE);
	unsigned int i, part;
	size_t sum, left, len;

	(void)state;
	for (i = 0; i < 2000; i++) {
		left = ROOST_BLOB_SHARED_MAX;
		for (sum = part = 0; part < 5; part++) {
			len = part == 4 ? left : kit_below(left + 1);
			if (kit_below(2) == 0 && len > 0)
				len -= (len - 1) % 64;
			left -= len;
			sum += (part == 0 ? 93 : 29) + padded(fix, len);
		}
		assert_true(sum <= MAX);
	}
	fixture_free(fix);
}

/* In form 1 the data key must be whole. */
static void
test_content_without_a_whole_data_key_dies(void **state)
{
	struct fixture *fix = fixture_new(ROOST_BLOB_FORM_OWN);
	size_t len;

	(void)state;
	for (len = 0; len <= 32; len++) {
		craft(fix, fix->data_key, len);
		assert_gate(open_gate(fix, fix->blob, fix->len),
			    ROOST_ERR_BLOB_CONTENT);
	}
	assert_good(craft_items(fix, NULL, 0));
	fixture_free(fix);
}

/* What opens must be what sealing would have written, so that there is one
   way. */
static void
run_one_way(struct fixture *fix)
{
	unsigned int i, count = kit_is_quick() ? 500 : 20000, opened = 0;
	struct roost_blob_content content;
	uint8_t items[256], again[256];
	size_t len, at, size;

	for (i = 0; i < count; i++) {
		unsigned int type = 0;

		memset(items, 0, sizeof(items));
		for (len = 0; len < 40 && kit_below(4) != 0;) {
			type += 1 + (unsigned int)kit_below(2);
			at = length_of(type, kit_below(4));
			items[len] = (uint8_t)type;
			roost_be32_put(items + len + 1, (uint32_t)at);
			memset(items + len + 5, 'x', at);
			len += 5 + at;
		}
		for (at = kit_below(3); at > 0 && len > 0; at--)
			items[kit_below(len)] = (uint8_t)kit_below(11);
		if (kit_below(6) == 0 && len > 0)
			len--;
		size = padded(fix, len);
		if (craft_padded(fix, items, size) != ROOST_OK)
			continue;
		opened++;
		assert_good(open_bytes(fix, fix->blob, fix->len, &content));
		assert_ptr_equal(content_write(&content, items_max_of(fix),
					       again),
				 again + size);
		assert_memory_equal(again, items, size);
	}
	assert_true(opened >= count / 20 && opened <= count - count / 20);
}

static void
test_there_is_one_way_to_write_a_content(void **state)
{
	(void)state;
	each_form(run_one_way);
}

/* -- what is not sealed -- */

static void
assert_refuses_to_seal(struct fixture *fix, enum roost_err gate)
{
	size_t i;

	assert_gate(fixture_seal(fix), gate);
	assert_int_equal(fix->len, 0);
	for (i = 0; i < sizeof(fix->blob); i++)
		assert_true(fix->blob[i] == 0x55);
}

static void
run_not_sealed(struct fixture *fix)
{
	static const unsigned int texts[] = { ROOST_BLOB_ENVELOPE,
		ROOST_BLOB_BODYSTRUCTURE, ROOST_BLOB_PREVIEW };
	size_t i, at;

	for (i = 0; i < KIT_COUNT(texts); i++) {
		for (at = 0; at < 9; at++) {
			fixture_clear(fix);
			fixture_small_items(fix);
			fixture_item(fix, texts[i], 9);
			fix->owned[texts[i]][at] = 0;
			assert_refuses_to_seal(fix, ROOST_ERR_BLOB_CONTENT);
		}
	}
	for (at = 0; at < 100; at++) {
		fixture_clear(fix);
		fixture_item(fix, ROOST_BLOB_SENT_DATE, at);
		if (at != 12)
			assert_refuses_to_seal(fix, ROOST_ERR_BLOB_CONTENT);
		fixture_clear(fix);
		fixture_item(fix, ROOST_BLOB_SAVED_KEYS, at);
		if (at != 76 || fix->form != ROOST_BLOB_FORM_OWN)
			assert_refuses_to_seal(fix, ROOST_ERR_BLOB_CONTENT);
	}
	fixture_clear(fix);
	fix->content.data_key = NULL;
	if (fix->form == ROOST_BLOB_FORM_OWN) {
		assert_refuses_to_seal(fix, ROOST_ERR_BLOB_CONTENT);
	} else {
		assert_good(fixture_seal(fix));
		assert_same(fix);
	}
}

static void
test_what_would_not_open_is_not_sealed(void **state)
{
	(void)state;
	each_form(run_not_sealed);
}

static void
assert_header_refused(struct fixture *fix, const uint8_t *header, size_t len)
{
	memset(fix->blob, 0x55, sizeof(fix->blob));
	fix->len = 77;
	assert_gate(roost_blob_seal_new(fix->aead, header, len, &fix->content,
					fix->blob, &fix->len),
		    ROOST_ERR_BLOB_FORM);
	assert_int_equal(fix->len, 0);
	assert_int_equal(fix->blob[0], 0x55);
}

static void
test_only_a_whole_header_is_sealed_with(void **state)
{
	struct fixture *fix = fixture_new(ROOST_BLOB_FORM_NEW);
	uint8_t header[H_SIZE + 1];
	size_t len;

	(void)state;
	memcpy(header, fix->header, H_SIZE);
	header[H_SIZE] = 0;
	for (len = 0; len <= H_SIZE + 1; len++) {
		if (len != H_SIZE)
			assert_header_refused(fix, header, len);
	}
	header[0] ^= 1;
	assert_header_refused(fix, header, H_SIZE);
	fixture_free(fix);
}

/* -- a library that fails -- */

static void
run_failing(struct fixture *fix)
{
	struct roost_aead *aead = fix->aead;
	bool *const ways[] = { &failing.random, &failing.seal };
	size_t i, size;

	fixture_small_items(fix);
	assert_good(fixture_seal(fix));
	size = fix->len;
	failing.open = true;
	assert_gate(open_gate(fix, fix->blob, fix->len), ROOST_ERR_BACKEND);
	failing.open = false;
	for (i = 0; i < KIT_COUNT(ways); i++) {
		*ways[i] = true;
		assert_gate(fixture_seal(fix), ROOST_ERR_BACKEND);
		*ways[i] = false;
		assert_int_equal(fix->len, 0);
		assert_zero(fix->blob, size);
		assert_int_equal(fix->blob[size], 0x55);
	}
	for (i = 0; i < 2; i++) {
		failing.aead = i == 0;
		failing.derive = i == 1;
		fix->aead = aead;
		assert_gate(roost_blob_aead_own(fix->master, &fix->aead),
			    ROOST_ERR_BACKEND);
		assert_null(fix->aead);
		fix->aead = aead;
		assert_gate(roost_blob_aead_new(fix->master, &fix->aead),
			    ROOST_ERR_BACKEND);
		assert_null(fix->aead);
	}
	failing.aead = failing.derive = false;
	fix->aead = aead;
}

static void
test_nothing_is_left_when_the_library_fails(void **state)
{
	(void)state;
	each_form(run_failing);
}

/* -- trimming -- */

#define NONE SIZE_MAX

struct trim {
	size_t max;
	unsigned int went;
	unsigned int stay;		/* bit 1 << type */
	size_t sizes[TYPES];		/* of bytes; NONE: absent */
};

#define STAY(a) (1U << (a))
static const struct trim trims[] = {
	/* It fits to the byte. */
	{ 165, 0, 0x1fe, { NONE, 1, 2, 10, 20, 30, 40, 10, 12, NONE, NONE } },
	/* It is a byte too large, so the largest goes. */
	{ 164, 1, 0x1be, { NONE, 1, 2, 10, 20, 30, 40, 10, 12, NONE, NONE } },
	{ 120, 1, 0x1be, { NONE, 1, 2, 10, 20, 30, 40, 10, 12, NONE, NONE } },
	{ 119, 2, 0x19e, { NONE, 1, 2, 10, 20, 30, 40, 10, 12, NONE, NONE } },
	/* Headers are counted with their names, and go with them. */
	{ 84, 5, 0x190, { NONE, 1, 2, 10, 20, 30, 40, 10, 12, NONE, NONE } },
	{ 57, 5, 0x190, { NONE, 1, 2, 10, 20, 30, 40, 10, 12, NONE, NONE } },
	{ 56, 6, 0x180, { NONE, 1, 2, 10, 20, 30, 40, 10, 12, NONE, NONE } },
	{ 32, 6, 0x180, { NONE, 1, 2, 10, 20, 30, 40, 10, 12, NONE, NONE } },
	{ 31, 7, 0x100, { NONE, 1, 2, 10, 20, 30, 40, 10, 12, NONE, NONE } },
	{ 17, 7, 0x100, { NONE, 1, 2, 10, 20, 30, 40, 10, 12, NONE, NONE } },
	/* Date and keys stay, whatever the limit is. */
	{ 100, 7, 0x300, { NONE, 1, 2, 10, 20, 30, 40, 10, 12, 76, NONE } },
	{ 0, 0, 0x200, { NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE,
		NONE, 76, NONE } },
	{ 16, 7, 0x100, { NONE, 1, 2, 10, 20, 30, 40, 10, 12, NONE, NONE } },
	{ 0, 7, 0x100, { NONE, 1, 2, 10, 20, 30, 40, 10, 12, NONE, NONE } },
	{ 0, 0, 0x100, { NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE,
		12, NONE, NONE } },
	{ 0, 0, 0, { NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE,
		NONE, NONE } },
	/* Of equals the first goes. */
	{ 60, 1, 0xf0, { NONE, NONE, NONE, 10, 10, 10, 10, 10, NONE, NONE,
		NONE } },
	{ 59, 2, 0xe0, { NONE, NONE, NONE, 10, 10, 10, 10, 10, NONE, NONE,
		NONE } },
	{ 44, 3, 0xc0, { NONE, NONE, NONE, 10, 10, 10, 10, 10, NONE, NONE,
		NONE } },
	{ 29, 4, 0x80, { NONE, NONE, NONE, 10, 10, 10, 10, 10, NONE, NONE,
		NONE } },
	{ 14, 5, 0, { NONE, NONE, NONE, 10, 10, 10, 10, 10, NONE, NONE,
		NONE } },
	/* A summary counts and goes as any other. */
	{ 62, 1, 0x480, { NONE, NONE, NONE, 30, NONE, NONE, NONE, 20, NONE,
		NONE, 10 } },
	{ 39, 2, 0x400, { NONE, NONE, NONE, 30, NONE, NONE, NONE, 20, NONE,
		NONE, 10 } },
	{ 29, 1, 0x80, { NONE, NONE, NONE, NONE, NONE, NONE, NONE, 10, NONE,
		NONE, 11 } },
	{ 29, 1, 0x400, { NONE, NONE, NONE, NONE, NONE, NONE, NONE, 10, NONE,
		NONE, 10 } },
	{ 14, 2, 0, { NONE, NONE, NONE, NONE, NONE, NONE, NONE, 10, NONE,
		NONE, 10 } },
	/* Of names alone, and of empty items, the heads count. */
	{ 10, 2, 0x10, { NONE, 0, 0, NONE, 0, NONE, NONE, NONE, NONE, NONE,
		NONE } },
	{ 14, 2, 0x10, { NONE, 3, 3, NONE, 8, NONE, NONE, NONE, NONE, NONE,
		NONE } },
};

static void
test_the_largest_goes_first(void **state)
{
	struct fixture *fix = fixture_new(ROOST_BLOB_FORM_OWN);
	size_t i, type;

	(void)state;
	for (i = 0; i < KIT_COUNT(trims); i++) {
		const struct trim *trim = &trims[i];

		fixture_clear(fix);
		for (type = 1; type < TYPES; type++) {
			if (trim->sizes[type] != NONE)
				fixture_item(fix, type, trim->sizes[type]);
		}
		assert_int_equal(roost_blob_trim(&fix->content, trim->max),
				 trim->went);
		for (type = 1; type < TYPES; type++) {
			const struct roost_blob_bytes *item =
				&fix->content.items[type];

			assert_int_equal(item->bytes != NULL,
					 (trim->stay & STAY(type)) != 0);
			assert_int_equal(item->len, item->bytes == NULL ? 0 :
					 trim->sizes[type]);
		}
		assert_ptr_equal(fix->content.data_key, fix->data_key);
	}
	fixture_free(fix);
}

#define CANDIDATES 6

/* Count as FORMAT.md 12.7 does: 0 is headers with their names, 1 to 5 the
   others. */
static void
candidates(const struct roost_blob_content *content,
	   size_t sizes_r[CANDIDATES])
{
	size_t type, slot;

	memset(sizes_r, 0, CANDIDATES * sizeof(*sizes_r));
	for (type = 1; type < TYPES; type++) {
		if (type == ROOST_BLOB_SENT_DATE ||
		    type == ROOST_BLOB_SAVED_KEYS)
			continue;
		slot = type <= 3 ? 0 : type == ROOST_BLOB_SUMMARY ?
			CANDIDATES - 1 : type - 3;
		if (content->items[type].bytes != NULL)
			sizes_r[slot] += 5 + content->items[type].len;
	}
}

static void
assert_trimmed(const struct roost_blob_content *before,
	       const struct roost_blob_content *after, size_t max)
{
	size_t was[CANDIDATES], is[CANDIDATES], i;
	size_t smallest = SIZE_MAX, largest = 0;
	size_t size = roost_blob_items_size(after);

	candidates(before, was);
	candidates(after, is);
	for (i = 0; i < CANDIDATES; i++) {
		assert_true(is[i] == was[i] || is[i] == 0);
		if (is[i] > largest)
			largest = is[i];
		if (is[i] != was[i] && was[i] < smallest)
			smallest = was[i];
	}
	assert_true(size <= max || largest == 0);
	/* Nothing may have gone in vain, nor anything smaller than what
	   stayed. */
	if (smallest != SIZE_MAX) {
		assert_true(size + smallest > max);
		assert_true(smallest >= largest);
	}
	assert_memory_equal(&before->items[ROOST_BLOB_SENT_DATE],
			    &after->items[ROOST_BLOB_SENT_DATE],
			    2 * sizeof(before->items[0]));
}

static void
test_trimming_takes_no_more_than_it_must(void **state)
{
	struct fixture *fix = fixture_new(ROOST_BLOB_FORM_OWN);
	struct roost_blob_content before;
	size_t i, type, max, size;

	(void)state;
	for (i = 0; i < 2000; i++) {
		fixture_clear(fix);
		for (type = 1; type < TYPES; type++) {
			if (kit_below(3) != 0)
				fixture_item(fix, type,
					     length_of(type, kit_below(60)));
		}
		before = fix->content;
		size = roost_blob_items_size(&before);
		max = kit_below(size + 30);
		(void)roost_blob_trim(&fix->content, max);
		assert_trimmed(&before, &fix->content, max);
		assert_good(fixture_seal(fix));
		assert_same(fix);
	}
	fixture_free(fix);
}

/* As the cache does it, whatever comes must fit afterwards. */
static void
run_trimmed_seals(struct fixture *fix)
{
	size_t max = items_max_of(fix);
	size_t i, type;

	for (i = 0; i < 30; i++) {
		for (type = 1; type < TYPES; type++) {
			if (has_type(fix, type))
				fixture_item(fix, type, length_of(type,
					     kit_below(3) == 0 ?
					     kit_below(40000) :
					     kit_below(6000)));
		}
		if (roost_blob_items_size(&fix->content) > max)
			assert_gate(fixture_seal(fix), ROOST_ERR_LIMIT);
		(void)roost_blob_trim(&fix->content, max);
		assert_good(fixture_seal(fix));
		assert_same(fix);
	}
}

static void
test_what_was_trimmed_can_be_sealed(void **state)
{
	(void)state;
	each_form(run_trimmed_seals);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_layout_is_that_of_the_format),
		cmocka_unit_test(test_the_sizes_are_those_of_the_format),
		cmocka_unit_test(
			test_standard_names_are_sorted_and_no_two_are_equal),
		cmocka_unit_test(test_every_set_of_items_comes_back),
		cmocka_unit_test(test_empty_is_not_absent),
		cmocka_unit_test(test_the_largest_blob_and_one_byte_more),
		cmocka_unit_test(test_a_huge_item_is_too_long),
		cmocka_unit_test(test_a_message_that_is_not_sealed),
		cmocka_unit_test(test_sealing_twice_differs),
		cmocka_unit_test(test_nothing_of_the_content_is_seen),
		cmocka_unit_test(test_any_flipped_bit_dies_at_its_gate),
		cmocka_unit_test(test_every_prefix_dies),
		cmocka_unit_test(test_every_extension_dies),
		cmocka_unit_test(test_a_genuine_blob_too_long_is_none),
		cmocka_unit_test(test_another_key_does_not_open),
		cmocka_unit_test(test_another_keyring_or_object_does_not_open),
		cmocka_unit_test(test_a_blob_that_stands_beside_another),
		cmocka_unit_test(test_no_other_form_is_known),
		cmocka_unit_test(test_content_that_is_not_of_the_format_dies),
		cmocka_unit_test(test_items_that_run_past_the_end_die),
		cmocka_unit_test(test_there_is_one_padding),
		cmocka_unit_test(test_a_length_tells_no_more_than_a_step),
		cmocka_unit_test(test_shared_blobs_take_no_more_than_one),
		cmocka_unit_test(test_content_without_a_whole_data_key_dies),
		cmocka_unit_test(test_there_is_one_way_to_write_a_content),
		cmocka_unit_test(test_what_would_not_open_is_not_sealed),
		cmocka_unit_test(test_only_a_whole_header_is_sealed_with),
		cmocka_unit_test(test_nothing_is_left_when_the_library_fails),
		cmocka_unit_test(test_the_largest_goes_first),
		cmocka_unit_test(test_trimming_takes_no_more_than_it_must),
		cmocka_unit_test(test_what_was_trimmed_can_be_sealed),
	};

	return cmocka_run_group_tests_name("blob", tests, kit_setup,
					   kit_teardown);
}
