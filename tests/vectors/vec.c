/* SPDX-License-Identifier: MIT */
/*
 * vec: what run.c and agree.c share.  See vec.h.
 */
#include "vec.h"

#include "roost/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void __attribute__((noreturn))
vec_die(const char *what)
{
	fprintf(stderr, "vectors: %s\n", what);
	exit(2);
}

void *
vec_alloc(size_t size)
{
	void *mem = calloc(1, size > 0 ? size : 1);

	if (mem == NULL)
		vec_die("out of memory");
	return mem;
}

struct vec_bytes
vec_copy(const void *data, size_t len)
{
	struct vec_bytes bytes = { .data = vec_alloc(len), .len = len };

	if (len > 0)
		memcpy(bytes.data, data, len);
	return bytes;
}

void
vec_free(struct vec_bytes *bytes)
{
	free(bytes->data);
	bytes->data = NULL;
	bytes->len = 0;
}

void
vec_unhex(const char *text, uint8_t *bytes_r, size_t len)
{
	if (!roost_bytes_unhex(text, strlen(text), bytes_r, len))
		vec_die("malformed hexadecimal");
}

struct vec_bytes
vec_unhex_any(const char *text)
{
	struct vec_bytes bytes;

	bytes.len = strlen(text) / 2;
	bytes.data = vec_alloc(bytes.len);
	vec_unhex(text, bytes.data, bytes.len);
	return bytes;
}

uint32_t
vec_epoch(const char *text, struct roost_open_key *key_r)
{
	char private_key[65], psk[65];
	uint32_t number;

	if (sscanf(text, "%"SCNu32" %64s %64s", &number, private_key,
		   psk) != 3)
		vec_die("malformed epoch");
	vec_unhex(private_key, key_r->private_key, ROOST_KEY_SIZE);
	vec_unhex(psk, key_r->psk, ROOST_KEY_SIZE);
	if (roost_prim_x25519_public(key_r->private_key,
				     key_r->public_key) != ROOST_OK ||
	    roost_stanza_key_id(ROOST_STANZA_X25519, key_r->public_key,
				key_r->key_id) != ROOST_OK)
		vec_die("cannot compute a public key");
	return number;
}

static enum roost_err
source_read(void *context, uint64_t off, uint8_t *dst, size_t len)
{
	struct vec_source *src = context;

	if (off > src->len || len > src->len - off)
		vec_die("the core read outside of the object");
	if (src->stutter && off + len > src->arrived) {
		src->arrived = off + len;
		return ROOST_ERR_AGAIN;
	}
	if (len > 0)
		memcpy(dst, src->data + off, len);
	return ROOST_OK;
}

struct roost_source
vec_source(struct vec_source *src)
{
	src->arrived = 0;
	return (struct roost_source) {
		.read = source_read, .context = src, .size = src->len
	};
}

static enum roost_err
object_parse(struct roost_object *obj, struct vec_source *src)
{
	struct roost_source source = vec_source(src);
	enum roost_err err;

	do
		err = roost_object_parse(obj, &source);
	while (err == ROOST_ERR_AGAIN);
	return err;
}

static enum roost_err
object_open(struct roost_object *obj, const uint8_t *data_key)
{
	enum roost_err err;

	do
		err = roost_object_open(obj, data_key);
	while (err == ROOST_ERR_AGAIN);
	return err;
}

static enum roost_err
object_read_all(struct roost_object *obj, struct vec_bytes *plain)
{
	const uint8_t *bytes;
	enum roost_err err;
	size_t len;

	for (;;) {
		do
			err = roost_object_read(obj, plain->len, &bytes, &len);
		while (err == ROOST_ERR_AGAIN);
		if (err != ROOST_OK && (bytes != NULL || len != 0))
			vec_die("the core gave bytes with an error");
		if (err != ROOST_OK || len == 0)
			return err;
		if (plain->len + len > obj->source.size)
			vec_die("more plaintext than object");
		memcpy(plain->data + plain->len, bytes, len);
		plain->len += len;
	}
}

enum roost_err
vec_open(struct vec_source *src, const uint8_t keyring_id[ROOST_ID_SIZE],
	 const struct roost_open_key *keys, size_t key_count,
	 struct vec_bytes *plain_r)
{
	static const uint8_t zero[ROOST_KEY_SIZE];
	struct roost_object *obj = vec_alloc(sizeof(*obj));
	uint8_t data_key[ROOST_KEY_SIZE];
	enum roost_err err;

	plain_r->data = vec_alloc(src->len);
	plain_r->len = 0;
	err = object_parse(obj, src);
	if (err == ROOST_OK) {
		err = roost_stanza_open(&obj->header, keyring_id, keys,
					key_count, data_key);
		if (err != ROOST_OK &&
		    memcmp(data_key, zero, sizeof(zero)) != 0)
			vec_die("a data key is left after an error");
	}
	if (err == ROOST_OK)
		err = object_open(obj, data_key);
	if (err == ROOST_OK)
		err = object_read_all(obj, plain_r);
	if (err == ROOST_OK && plain_r->len != obj->body.plain_size)
		vec_die("the plaintext has not the length announced");
	roost_object_close(obj);
	free(obj);
	return err;
}

enum roost_err
vec_scrub(struct vec_source *src)
{
	struct roost_object *obj = vec_alloc(sizeof(*obj));
	enum roost_err err = object_parse(obj, src);

	if (err == ROOST_OK)
		err = roost_object_scrub(obj);
	roost_object_close(obj);
	free(obj);
	return err;
}

static enum roost_err
load_unlock(const struct roost_keyring *kr, const struct vec_load *load,
	    const uint8_t *host_key, uint8_t *master_r)
{
	if (strcmp(load->unlock, "provider") == 0)
		return roost_keyring_unlock_provider(kr, host_key, master_r);
	if (strcmp(load->unlock, "secret") == 0)
		return roost_keyring_unlock_secret(kr, host_key, load->given,
						   &roost_slot_argon2_server,
						   master_r);
	if (strcmp(load->unlock, "recovery") == 0)
		return roost_keyring_unlock_recovery(kr, load->given,
						     master_r);
	if (strcmp(load->unlock, "escrow") == 0)
		return roost_keyring_unlock_escrow(kr, load->given, master_r);
	vec_die("unknown way to unlock");
}

static void
check_zero(const void *bytes, size_t len, enum roost_err err)
{
	if (err != ROOST_OK && !roost_bytes_are_zero(bytes, len))
		vec_die("a key is left after an error");
}

enum roost_err
vec_load(const struct roost_keyring *kr, const struct vec_load *load,
	 struct roost_open_key *keys_r)
{
	uint8_t host_key[ROOST_KEY_SIZE], master[ROOST_KEY_SIZE];
	const uint8_t *host = load->key_count > 0 ? host_key : NULL;
	enum roost_err err = ROOST_OK;

	if (host != NULL) {
		err = roost_keyring_open_host(kr, load->owner,
					      load->provider_keys,
					      load->key_count, host_key);
		check_zero(host_key, sizeof(host_key), err);
	} else if (load->owner != NULL &&
		   strcmp(load->owner, kr->owner) != 0) {
		err = ROOST_ERR_OWNER;
	} else {
		err = roost_keyring_check_owner(kr);
	}
	if (err != ROOST_OK || strcmp(load->unlock, "none") == 0)
		return err;
	err = load_unlock(kr, load, host, master);
	check_zero(master, sizeof(master), err);
	if (err != ROOST_OK)
		return err;
	err = roost_keyring_open_keys(kr, master, host, keys_r);
	check_zero(keys_r, kr->epoch_count * sizeof(*keys_r), err);
	return err;
}

static enum roost_err
blob_keys(struct vec_blob *opened, const uint8_t *keyring_id,
	  const uint8_t *master, const struct roost_open_key *keys,
	  size_t key_count, struct roost_aead **aead_r)
{
	enum roost_err err;

	if (memcmp(opened->blob.keyring_id, keyring_id, ROOST_ID_SIZE) != 0)
		return ROOST_ERR_OTHER_KEYRING;
	if (opened->blob.form != ROOST_BLOB_FORM_NEW)
		return roost_blob_aead_own(master, aead_r);
	err = roost_stanza_open(&opened->blob.header, keyring_id, keys,
				key_count, opened->data_key);
	return err != ROOST_OK ? err :
		roost_blob_aead_new(opened->data_key, aead_r);
}

enum roost_err
vec_blob(const struct vec_bytes *data, const uint8_t keyring_id[ROOST_ID_SIZE],
	 const uint8_t master[ROOST_KEY_SIZE], const uint8_t *beside,
	 const struct roost_open_key *keys, size_t key_count,
	 struct vec_blob *opened_r)
{
	struct roost_aead *aead = NULL;
	enum roost_err err;

	memset(opened_r, 0, sizeof(*opened_r));
	err = roost_blob_parse(data->data, data->len, &opened_r->blob);
	if (err == ROOST_OK &&
	    opened_r->blob.form == ROOST_BLOB_FORM_BESIDE)
		roost_blob_stands_beside(&opened_r->blob, keyring_id, beside);
	if (err == ROOST_OK)
		err = blob_keys(opened_r, keyring_id, master, keys, key_count,
				&aead);
	if (err != ROOST_OK)
		return err;
	opened_r->plain.len = opened_r->blob.sealed_len;
	opened_r->plain.data = vec_alloc(opened_r->plain.len);
	memset(opened_r->plain.data, 0x55, opened_r->plain.len);
	err = roost_blob_open(&opened_r->blob, aead, opened_r->plain.data,
			      &opened_r->content);
	roost_prim_aead_free(&aead);
	if (err == ROOST_OK && opened_r->content.data_key != NULL)
		memcpy(opened_r->data_key, opened_r->content.data_key,
		       ROOST_KEY_SIZE);
	if (err != ROOST_OK &&
	    (!roost_bytes_are_zero(opened_r->plain.data,
				   opened_r->plain.len) ||
	     !roost_bytes_are_zero((const uint8_t *)&opened_r->content,
				   sizeof(opened_r->content))))
		vec_die("something of a blob is left after an error");
	return err;
}
