/* SPDX-License-Identifier: MIT */
/*
 * run: every .vec of a folder through the core.
 *
 *	run [folder]
 *
 * A vector passes when the gate is exactly the expected one and what was
 * released is exactly what may have been.  Every object is opened twice, the
 * second time from a source that has to be asked twice for its bytes.
 */
#define _POSIX_C_SOURCE 200809L

#include "vec.h"

#include "roost/bytes.h"
#include "roost/token.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 512
#define WHY_SIZE 128

struct vector {
	char *head;			/* cut into the fields */
	struct { const char *name, *value; } fields[FIELDS_MAX];
	unsigned int field_count;
	struct vec_bytes data;
	char why[WHY_SIZE];		/* what differs beside the gate */
};

static void
fail(struct vector *vec, const char *what)
{
	if (vec->why[0] == '\0')
		snprintf(vec->why, sizeof(vec->why), "%s", what);
}

/* Returns the nth field of this name, or NULL. */
static const char *
nth(const struct vector *vec, const char *name, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < vec->field_count; i++) {
		if (strcmp(vec->fields[i].name, name) == 0 && n-- == 0)
			return vec->fields[i].value;
	}
	return NULL;
}

static const char *
must(const struct vector *vec, const char *name)
{
	const char *value = nth(vec, name, 0);

	if (value == NULL) {
		fprintf(stderr, "vectors: no field %s\n", name);
		exit(2);
	}
	return value;
}

static unsigned int
epochs(const struct vector *vec, struct roost_open_key *keys_r)
{
	const char *text;
	unsigned int i;

	for (i = 0; (text = nth(vec, "epoch", i)) != NULL; i++) {
		if (i == VEC_EPOCHS_MAX || vec_epoch(text, &keys_r[i]) != i + 1)
			exit(2);
	}
	return i;
}

/* -- objects -- */

static void
check_plain(struct vector *vec, const struct vec_bytes *plain)
{
	uint8_t hash[ROOST_SHA256_SIZE];
	char text[2 * ROOST_SHA256_SIZE + 1];

	if (nth(vec, "plain-len", 0) == NULL) {
		fail(vec, "accepted");
		return;
	}
	if (plain->len != strtoull(must(vec, "plain-len"), NULL, 10))
		fail(vec, "another length of plaintext");
	if (roost_prim_sha256(plain->data, plain->len, hash) != ROOST_OK)
		fail(vec, "SHA-256");
	roost_bytes_hex(hash, sizeof(hash), text);
	if (strcmp(text, must(vec, "plain-sha256")) != 0)
		fail(vec, "another plaintext");
}

static const char *
run_object(struct vector *vec)
{
	struct roost_open_key keys[8];
	uint8_t keyring_id[ROOST_ID_SIZE];
	unsigned int count = epochs(vec, keys);
	enum roost_err err = ROOST_OK, scrub;
	struct vec_bytes plain;
	int pass;

	vec_unhex(must(vec, "keyring-id"), keyring_id, sizeof(keyring_id));
	for (pass = 0; pass < 2; pass++) {
		struct vec_source src = {
			.data = vec->data.data, .len = vec->data.len,
			.stutter = pass == 1,
		};

		err = vec_open(&src, keyring_id, keys, count, &plain);
		if (err == ROOST_OK)
			check_plain(vec, &plain);
		else if (nth(vec, "released", 0) == NULL ||
			 plain.len != strtoull(must(vec, "released"), NULL,
					       10))
			fail(vec, "other bytes were released");
		vec_free(&plain);
		src.stutter = false;
		scrub = vec_scrub(&src);
		if (strcmp(roost_err_name(scrub), must(vec, "scrub")) != 0)
			fail(vec, roost_err_name(scrub));
	}
	return roost_err_name(err);
}

static const char *
run_claim(struct vector *vec)
{
	size_t len = vec->data.len;

	if (len > ROOST_MAGIC_SIZE)
		len = ROOST_MAGIC_SIZE;
	return roost_header_is_claimed(vec->data.data, len) ?
		"claimed" : "plaintext";
}

/* -- keyrings -- */

static void
check_written(struct vector *vec, const struct roost_keyring *kr)
{
	char *doc = vec_alloc(ROOST_KEYRING_DOC_MAX);
	size_t len;

	if (roost_keyring_write(kr, doc, &len) != ROOST_OK ||
	    len != vec->data.len || memcmp(doc, vec->data.data, len) != 0)
		fail(vec, "written differently");
	free(doc);
}

static void
check_keyring(struct vector *vec, const struct roost_keyring *kr,
	      const struct roost_open_key *keys)
{
	struct roost_open_key *right = vec_alloc(VEC_EPOCHS_MAX *
						 sizeof(*right));
	unsigned int i, count = epochs(vec, right);

	if (nth(vec, "generation", 0) == NULL)
		fail(vec, "accepted");
	else if (kr->generation != strtoull(must(vec, "generation"), NULL, 10))
		fail(vec, "another generation");
	if (count > 0 && count != kr->epoch_count)
		fail(vec, "another number of epochs");
	for (i = 0; i < count && vec->why[0] == '\0'; i++) {
		if (memcmp(&keys[i], &right[i], sizeof(*right)) != 0)
			fail(vec, "other keys");
	}
	free(right);
}

/* Read the vector's inputs; the caller frees the texts. */
static struct vec_load
load_fields(const struct vector *vec, char *owner, uint8_t *provider_keys,
	    uint8_t *given)
{
	struct vec_load load = {
		.provider_keys = provider_keys, .unlock = must(vec, "unlock"),
		.given = given,
	};
	const char *text;

	if ((text = nth(vec, "owner", 0)) != NULL) {
		struct vec_bytes name = vec_unhex_any(text);
		char *cstr = vec_alloc(name.len + 1);

		memcpy(cstr, name.data, name.len);
		if (roost_keyring_escape(cstr, owner) != ROOST_OK)
			owner[0] = '\0';
		free(cstr);
		vec_free(&name);
		load.owner = owner;
	}
	for (; (text = nth(vec, "provider-key",
			   (unsigned int)load.key_count)) != NULL;
	     load.key_count++)
		vec_unhex(text, provider_keys + load.key_count *
			  ROOST_KEY_SIZE, ROOST_KEY_SIZE);
	if ((text = nth(vec, "secret", 0)) != NULL)
		vec_unhex(text, given, ROOST_KEY_SIZE);
	if ((text = nth(vec, "code", 0)) != NULL)
		vec_unhex(text, given, ROOST_CODE_SIZE);
	if ((text = nth(vec, "private", 0)) != NULL)
		vec_unhex(text, given, ROOST_KEY_SIZE);
	return load;
}

static const char *
run_keyring(struct vector *vec)
{
	struct roost_keyring *kr = vec_alloc(sizeof(*kr));
	struct roost_open_key *keys = vec_alloc(VEC_EPOCHS_MAX *
						sizeof(*keys));
	uint8_t provider_keys[4 * ROOST_KEY_SIZE], given[ROOST_KEY_SIZE];
	char owner[ROOST_KEYRING_OWNER_MAX + 1];
	struct vec_load load = load_fields(vec, owner, provider_keys, given);
	unsigned int line;
	enum roost_err err;

	err = roost_keyring_parse((const char *)vec->data.data, vec->data.len,
				  kr, &line);
	if (err == ROOST_OK) {
		check_written(vec, kr);
		err = vec_load(kr, &load, keys);
	}
	if (err == ROOST_OK)
		check_keyring(vec, kr, keys);
	free(keys);
	free(kr);
	return roost_err_name(err);
}

/* -- what people and files give -- */

/* What was read is what the vector's field says, or nothing after an error.
   Returns the gate. */
static const char *
check_read(struct vector *vec, enum roost_err err, const uint8_t *bytes,
	   size_t size, const char *name)
{
	struct vec_bytes right;

	if (err != ROOST_OK) {
		if (!roost_bytes_are_zero(bytes, size))
			fail(vec, "something is left after an error");
		return roost_err_name(err);
	}
	if (nth(vec, name, 0) == NULL)
		return "ok";
	right = vec_unhex_any(must(vec, name));
	if (right.len != size || memcmp(bytes, right.data, size) != 0)
		fail(vec, "something else was read");
	vec_free(&right);
	return "ok";
}

static const char *
run_recovery(struct vector *vec)
{
	uint8_t code[ROOST_CODE_SIZE];
	char text[ROOST_CODE_TEXT_SIZE];
	enum roost_err err = roost_code_parse(
		(const char *)vec->data.data, vec->data.len, code);
	const char *gate = check_read(vec, err, code, sizeof(code), "code");

	if (err == ROOST_OK && nth(vec, "code", 0) != NULL &&
	    (roost_code_write(code, text) != ROOST_OK ||
	     strcmp(text, must(vec, "printed")) != 0))
		fail(vec, "printed otherwise");
	return gate;
}

static const char *
run_key_file(struct vector *vec)
{
	uint8_t key[ROOST_KEY_SIZE];
	enum roost_err err = roost_provider_key_parse(
		(const char *)vec->data.data, vec->data.len, key);

	return check_read(vec, err, key, sizeof(key), "key");
}

static const char *
run_escrow_file(struct vector *vec)
{
	enum roost_escrow_kind kind =
		strcmp(must(vec, "which"), "private") == 0 ?
		ROOST_ESCROW_PRIVATE : ROOST_ESCROW_PUBLIC;
	uint8_t key[ROOST_KEY_SIZE];
	enum roost_err err = roost_escrow_parse(kind,
		(const char *)vec->data.data, vec->data.len, key);

	return check_read(vec, err, key, sizeof(key), "key");
}

/* -- the unlock cache -- */

static void
check_unlock(struct vector *vec, const struct roost_unlock_times *times,
	     const uint8_t *master)
{
	uint8_t right[ROOST_KEY_SIZE];
	char text[48];

	if (nth(vec, "master", 0) == NULL) {
		fail(vec, "accepted");
		return;
	}
	vec_unhex(must(vec, "master"), right, sizeof(right));
	snprintf(text, sizeof(text), "%"PRIu64" %"PRIu64, times->created,
		 times->expires);
	if (memcmp(master, right, sizeof(right)) != 0)
		fail(vec, "another key");
	else if (strcmp(text, must(vec, "times")) != 0)
		fail(vec, "other times");
}

static const char *
run_unlock(struct vector *vec)
{
	uint8_t host_key[ROOST_KEY_SIZE], keyring_id[ROOST_ID_SIZE];
	uint8_t secret[ROOST_KEY_SIZE], master[ROOST_KEY_SIZE];
	struct roost_unlock unlock = {
		.host_key = host_key, .keyring_id = keyring_id,
		.secret = secret,
		.generation = strtoull(must(vec, "generation"), NULL, 10),
	};
	struct roost_unlock_times times;
	char name[ROOST_UNLOCK_NAME_SIZE];
	enum roost_err err;

	vec_unhex(must(vec, "host-key"), host_key, sizeof(host_key));
	vec_unhex(must(vec, "keyring-id"), keyring_id, sizeof(keyring_id));
	vec_unhex(must(vec, "secret"), secret, sizeof(secret));
	if (roost_unlock_name(&unlock, name) != ROOST_OK ||
	    strcmp(name, must(vec, "name")) != 0)
		fail(vec, "another name");
	err = roost_unlock_open(&unlock, vec->data.data, vec->data.len,
				strtoull(must(vec, "now"), NULL, 10), &times,
				master);
	if (err == ROOST_OK)
		check_unlock(vec, &times, master);
	else if (!roost_bytes_are_zero(master, sizeof(master)))
		fail(vec, "a key is left after an error");
	return roost_err_name(err);
}

/* -- names of keywords -- */

static void
check_token(struct vector *vec, const struct roost_token_key *key,
	    const char *name)
{
	struct vec_bytes right;
	char text[ROOST_TOKEN_MAX + 1];

	if (nth(vec, "name", 0) == NULL) {
		fail(vec, "accepted");
		return;
	}
	right = vec_unhex_any(must(vec, "name"));
	if (strlen(name) != right.len ||
	    memcmp(name, right.data, right.len) != 0)
		fail(vec, "another name");
	/* Clause 13.9 is about tokens that no writer makes. */
	else if (strcmp(must(vec, "clause"), "13.9") != 0 &&
		 (roost_token_seal(key, name, right.len, text) != ROOST_OK ||
		  strlen(text) != vec->data.len ||
		  memcmp(text, vec->data.data, vec->data.len) != 0))
		fail(vec, "another token");
	vec_free(&right);
}

static const char *
run_token(struct vector *vec)
{
	uint8_t host_key[ROOST_KEY_SIZE], keyring_id[ROOST_ID_SIZE];
	char name[ROOST_TOKEN_NAME_MAX + 1];
	const char *text = (const char *)vec->data.data;
	struct roost_token_key key;
	enum roost_err err;

	memset(name, 0x55, sizeof(name));
	vec_unhex(must(vec, "host-key"), host_key, sizeof(host_key));
	vec_unhex(must(vec, "keyring-id"), keyring_id, sizeof(keyring_id));
	err = roost_token_key_derive(host_key, keyring_id, &key);
	if (err == ROOST_OK)
		err = roost_token_open(&key, text, vec->data.len, name);
	if (err != ROOST_OK) {
		if (!roost_bytes_are_zero((const uint8_t *)name, sizeof(name)))
			fail(vec, "a name is left after an error");
		return roost_err_name(err);
	}
	check_token(vec, &key, name);
	return "ok";
}

/* -- blobs -- */

/* Check that the items are those of the vector, which names them "<type>
   <bytes>" in their order. */
static void
check_items(struct vector *vec, const struct roost_blob_content *content)
{
	const struct roost_blob_bytes *item;
	struct vec_bytes right;
	unsigned int type, count = 0;
	const char *text;
	char *rest;

	for (type = 1; type < ROOST_BLOB_ITEM_COUNT; type++) {
		item = &content->items[type];
		if (item->bytes == NULL)
			continue;
		text = nth(vec, "item", count++);
		if (text == NULL || strtoul(text, &rest, 10) != type) {
			fail(vec, "other items");
			return;
		}
		right = vec_unhex_any(strcmp(rest, " -") == 0 ? "" : rest + 1);
		if (right.len != item->len ||
		    memcmp(right.data, item->bytes, right.len) != 0)
			fail(vec, "another item");
		vec_free(&right);
	}
	if (nth(vec, "item", count) != NULL)
		fail(vec, "an item is missing");
}

static void
check_no_data_key(struct vector *vec, const struct vec_blob *opened)
{
	if (opened->content.data_key != NULL ||
	    nth(vec, "data-key", 0) != NULL)
		fail(vec, "a data key");
}

static void
check_blob(struct vector *vec, const struct vec_blob *opened)
{
	uint8_t object_id[ROOST_ID_SIZE], data_key[ROOST_KEY_SIZE];
	bool has_data_key = opened->blob.form != ROOST_BLOB_FORM_BESIDE;

	if (nth(vec, "object-id", 0) == NULL) {
		fail(vec, "accepted");
		return;
	}
	vec_unhex(must(vec, "object-id"), object_id, sizeof(object_id));
	if (has_data_key)
		vec_unhex(must(vec, "data-key"), data_key, sizeof(data_key));
	if (memcmp(opened->blob.object_id, object_id, sizeof(object_id)) != 0)
		fail(vec, "another object id");
	if (!has_data_key)
		check_no_data_key(vec, opened);
	else if (memcmp(opened->data_key, data_key, sizeof(data_key)) != 0)
		fail(vec, "another data key");
	check_items(vec, &opened->content);
}

static const char *
run_blob(struct vector *vec)
{
	uint8_t keyring_id[ROOST_ID_SIZE], master[ROOST_KEY_SIZE];
	uint8_t beside[ROOST_ID_SIZE];
	const char *stands = nth(vec, "beside", 0);
	struct roost_open_key keys[8];
	unsigned int count = epochs(vec, keys);
	struct vec_blob opened;
	enum roost_err err;

	vec_unhex(must(vec, "keyring-id"), keyring_id, sizeof(keyring_id));
	vec_unhex(must(vec, "master"), master, sizeof(master));
	if (stands != NULL)
		vec_unhex(stands, beside, sizeof(beside));
	err = vec_blob(&vec->data, keyring_id, master,
		       stands != NULL ? beside : NULL, keys, count, &opened);
	if (err == ROOST_OK)
		check_blob(vec, &opened);
	vec_free(&opened.plain);
	return roost_err_name(err);
}

static const struct {
	const char *kind;
	const char *(*run)(struct vector *vec);
} runners[] = {
	{ "object", run_object },
	{ "claim", run_claim },
	{ "keyring", run_keyring },
	{ "recovery", run_recovery },
	{ "key-file", run_key_file },
	{ "escrow-file", run_escrow_file },
	{ "unlock", run_unlock },
	{ "token", run_token },
	{ "blob", run_blob },
};

/* -- the files -- */

static struct vec_bytes
read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct vec_bytes bytes = { .data = NULL };
	long size = -1;

	if (file != NULL && fseek(file, 0, SEEK_END) == 0)
		size = ftell(file);
	if (size < 0) {
		perror(path);
		exit(2);
	}
	rewind(file);
	bytes.len = (size_t)size;
	bytes.data = vec_alloc(bytes.len);
	if (fread(bytes.data, 1, bytes.len, file) != bytes.len) {
		perror(path);
		exit(2);
	}
	fclose(file);
	return bytes;
}

/* Cut the head into fields, which are "name: value" lines up to an empty
   one. */
static void
vector_read(struct vector *vec, const char *path)
{
	struct vec_bytes file = read_file(path);
	size_t len = 0;
	char *line, *colon, *next;

	while (len + 1 < file.len &&
	       (file.data[len] != '\n' || file.data[len + 1] != '\n'))
		len++;
	vec->head = vec_alloc(len + 1);
	memcpy(vec->head, file.data, len);
	if (len + 2 > file.len) {
		fprintf(stderr, "%s: no empty line\n", path);
		exit(2);
	}
	vec->data = vec_copy(file.data + len + 2, file.len - len - 2);
	vec_free(&file);
	for (line = vec->head; line != NULL; line = next) {
		if ((next = strchr(line, '\n')) != NULL)
			*next++ = '\0';
		colon = strstr(line, ": ");
		if (colon == NULL || vec->field_count == FIELDS_MAX) {
			fprintf(stderr, "%s: malformed head\n", path);
			exit(2);
		}
		*colon = '\0';
		vec->fields[vec->field_count].name = line;
		vec->fields[vec->field_count++].value = colon + 2;
	}
}

static bool
vector_run(const char *folder, const char *name)
{
	struct vector *vec = vec_alloc(sizeof(*vec));
	const char *got = "an unknown kind", *expect;
	char path[4096];
	bool is_good;
	size_t i;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	vector_read(vec, path);
	expect = must(vec, "expect");
	for (i = 0; i < sizeof(runners) / sizeof(runners[0]); i++) {
		if (strcmp(runners[i].kind, must(vec, "kind")) == 0)
			got = runners[i].run(vec);
	}
	is_good = strcmp(got, expect) == 0 && vec->why[0] == '\0';
	if (!is_good)
		printf("%s: expected %s, got %s %s\n", name, expect, got,
		       vec->why);
	vec_free(&vec->data);
	free(vec->head);
	free(vec);
	return is_good;
}

static int
is_vec(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 4 && strcmp(entry->d_name + len - 4, ".vec") == 0;
}

int
main(int argc, char **argv)
{
	const char *folder = argc > 1 ? argv[1] : "tests/vectors";
	unsigned int passed = 0, failed = 0;
	struct dirent **names;
	int i, count;

	if (roost_prim_init() != ROOST_OK)
		return 2;
	count = scandir(folder, &names, is_vec, alphasort);
	if (count < 0) {
		perror(folder);
		return 2;
	}
	for (i = 0; i < count; i++) {
		if (vector_run(folder, names[i]->d_name))
			passed++;
		else
			failed++;
		fflush(stdout);
		free(names[i]);
	}
	free(names);
	roost_prim_deinit();
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0 || passed == 0;
}
