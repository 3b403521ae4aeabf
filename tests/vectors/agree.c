/* SPDX-License-Identifier: MIT */
/*
 * agree: the core behind the line protocol that agree.py specifies.
 */
#define _POSIX_C_SOURCE 200809L

#include "vec.h"

#include "roost/bytes.h"
#include "roost/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 16
#define CREATED UINT64_C(1700000000)

static void
put_hex(const void *data, size_t len)
{
	char *text = vec_alloc(2 * len + 1);

	roost_bytes_hex(data, len, text);
	fputs(len > 0 ? text : "-", stdout);
	free(text);
}

static void
answer(enum roost_err err)
{
	fputs(roost_err_name(err), stdout);
}

/* Read a word of hexadecimal digits; "-" stands for no byte. */
static struct vec_bytes
word_bytes(const char *word)
{
	return vec_unhex_any(strcmp(word, "-") == 0 ? "" : word);
}

/* -- objects -- */

static enum roost_err
sink_write(void *context, const uint8_t *bytes, size_t len)
{
	struct vec_bytes *out = context;
	uint8_t *data = realloc(out->data, out->len + len);

	if (data == NULL)
		return ROOST_ERR_IO;
	memcpy(data + out->len, bytes, len);
	out->data = data;
	out->len += len;
	return ROOST_OK;
}

/* Write in pieces whose size changes, as a stream does. */
static enum roost_err
write_pieces(struct roost_writer *writer, const struct vec_bytes *plain)
{
	enum roost_err err = ROOST_OK;
	size_t off = 0, len, step = 1;

	while (err == ROOST_OK && off < plain->len) {
		len = plain->len - off < step ? plain->len - off : step;
		err = roost_writer_write(writer, plain->data + off, len);
		off += len;
		step = step * 3 + 1;
	}
	return err == ROOST_OK ? roost_writer_finish(writer) : err;
}

/* seal <keyring id> <public> <psk> <plaintext> */
static void
cmd_seal(char **words)
{
	struct roost_writer *writer = vec_alloc(sizeof(*writer));
	struct vec_bytes plain = word_bytes(words[4]), out = { .data = NULL };
	struct roost_sink sink = { .write = sink_write, .context = &out };
	struct roost_seal_key key;
	enum roost_err err;

	vec_unhex(words[1], key.keyring_id, sizeof(key.keyring_id));
	vec_unhex(words[2], key.public_key, sizeof(key.public_key));
	vec_unhex(words[3], key.psk, sizeof(key.psk));
	err = roost_stanza_key_id(ROOST_STANZA_X25519, key.public_key,
				  key.key_id);
	if (err == ROOST_OK)
		err = roost_writer_begin(writer, &sink, &key);
	if (err == ROOST_OK)
		err = write_pieces(writer, &plain);
	answer(err);
	putchar(' ');
	put_hex(out.data, out.len);
	roost_writer_close(writer);
	free(writer);
	free(out.data);
	vec_free(&plain);
}

/* open <keyring id> <object> <number>:<private>:<psk> ... */
static void
cmd_open(char **words)
{
	struct vec_bytes data = word_bytes(words[2]), plain;
	struct vec_source src = { .data = data.data, .len = data.len };
	struct roost_open_key keys[WORDS_MAX];
	uint8_t keyring_id[ROOST_ID_SIZE];
	size_t count;
	char *colon;

	vec_unhex(words[1], keyring_id, sizeof(keyring_id));
	for (count = 0; words[3 + count] != NULL; count++) {
		while ((colon = strchr(words[3 + count], ':')) != NULL)
			*colon = ' ';
		(void)vec_epoch(words[3 + count], &keys[count]);
	}
	answer(vec_open(&src, keyring_id, keys, count, &plain));
	putchar(' ');
	put_hex(plain.data, plain.len);
	vec_free(&plain);
	vec_free(&data);
}

/* scrub <object> */
static void
cmd_scrub(char **words)
{
	struct vec_bytes data = word_bytes(words[1]);
	struct vec_source src = { .data = data.data, .len = data.len };

	answer(vec_scrub(&src));
	vec_free(&data);
}

/* claim <bytes> */
static void
cmd_claim(char **words)
{
	struct vec_bytes data = word_bytes(words[1]);

	fputs(roost_header_is_claimed(data.data, data.len) ?
	      "claimed" : "plaintext", stdout);
	vec_free(&data);
}

/* -- keyrings -- */

static void
put_keys(const struct roost_keyring *kr, const struct roost_open_key *keys)
{
	unsigned int i;

	for (i = 0; i < kr->epoch_count; i++) {
		printf(" %u:", (unsigned int)kr->epochs[i].number);
		put_hex(keys[i].private_key, ROOST_KEY_SIZE);
		putchar(':');
		put_hex(keys[i].psk, ROOST_KEY_SIZE);
	}
}

/* The answer says so if the document is not written back as it was read. */
static enum roost_err
check_written(const struct roost_keyring *kr, const struct vec_bytes *doc)
{
	char *text = vec_alloc(ROOST_KEYRING_DOC_MAX);
	enum roost_err err;
	size_t len;

	err = roost_keyring_write(kr, text, &len);
	if (err == ROOST_OK &&
	    (len != doc->len || memcmp(text, doc->data, len) != 0))
		err = ROOST_ERR_BACKEND;
	free(text);
	return err;
}

/* load <owner> <provider keys> <unlock> <given> <document> */
static void
cmd_load(char **words)
{
	struct vec_bytes provider_keys = word_bytes(words[2]);
	struct vec_bytes given = word_bytes(words[4]);
	struct vec_bytes doc = word_bytes(words[5]);
	struct vec_load load = {
		.owner = words[1],
		.provider_keys = provider_keys.data,
		.key_count = provider_keys.len / ROOST_KEY_SIZE,
		.unlock = words[3], .given = given.data,
	};
	struct roost_keyring *kr = vec_alloc(sizeof(*kr));
	struct roost_open_key *keys = vec_alloc(VEC_EPOCHS_MAX *
						sizeof(*keys));
	enum roost_err err;
	unsigned int line;

	err = roost_keyring_parse((const char *)doc.data, doc.len, kr, &line);
	if (err == ROOST_OK)
		err = check_written(kr, &doc);
	if (err == ROOST_OK)
		err = vec_load(kr, &load, keys);
	answer(err);
	if (err == ROOST_OK && strcmp(load.unlock, "none") != 0)
		put_keys(kr, keys);
	free(keys);
	free(kr);
	vec_free(&doc);
	vec_free(&given);
	vec_free(&provider_keys);
}

static enum roost_err
make_slots(struct roost_keyring *kr, const uint8_t *host_key,
	   const uint8_t *master, char **words)
{
	uint8_t password[ROOST_KEY_SIZE], app[ROOST_KEY_SIZE];
	uint8_t code[ROOST_CODE_SIZE], escrow[ROOST_KEY_SIZE];
	const struct roost_slot_new slots[] = {
		{ .type = ROOST_SLOT_PROVIDER, .now = CREATED },
		{ .type = ROOST_SLOT_PASSWORD, .now = CREATED,
		  .secret = password, .t = 1, .m_kib = 8192 },
		{ .type = ROOST_SLOT_APP, .now = CREATED, .secret = app },
		{ .type = ROOST_SLOT_RECOVERY, .now = CREATED,
		  .secret = code },
		{ .type = ROOST_SLOT_ESCROW, .now = CREATED,
		  .public_key = escrow },
	};
	enum roost_err err = ROOST_OK;
	size_t i;

	vec_unhex(words[0], password, sizeof(password));
	vec_unhex(words[1], app, sizeof(app));
	vec_unhex(words[2], code, sizeof(code));
	vec_unhex(words[3], escrow, sizeof(escrow));
	for (i = 0; err == ROOST_OK && i < sizeof(slots) / sizeof(slots[0]);
	     i++)
		err = roost_keyring_add_slot(kr, host_key, master, &slots[i]);
	return err;
}

/* make <owner> <provider key> <password's U> <app's U> <code>
   <public key of escrow> */
static void
cmd_make(char **words)
{
	struct roost_keyring *kr = vec_alloc(sizeof(*kr));
	char *doc = vec_alloc(ROOST_KEYRING_DOC_MAX);
	uint8_t provider_key[ROOST_KEY_SIZE], host_key[ROOST_KEY_SIZE];
	uint8_t master[ROOST_KEY_SIZE];
	enum roost_err err;
	size_t len = 0;

	vec_unhex(words[2], provider_key, sizeof(provider_key));
	err = roost_keyring_create(kr, words[1], provider_key, CREATED,
				   host_key, master);
	if (err == ROOST_OK)
		err = make_slots(kr, host_key, master, words + 3);
	if (err == ROOST_OK)
		err = roost_keyring_sign(kr, host_key, master);
	if (err == ROOST_OK)
		err = roost_keyring_write(kr, doc, &len);
	answer(err);
	putchar(' ');
	put_hex(doc, len);
	free(doc);
	free(kr);
}

/* escape <name> */
static void
cmd_escape(char **words)
{
	struct vec_bytes name = word_bytes(words[1]);
	char owner[ROOST_KEYRING_OWNER_MAX + 1];
	char *text = vec_alloc(name.len + 1);
	enum roost_err err;

	if (name.len > 0)
		memcpy(text, name.data, name.len);
	err = roost_keyring_escape(text, owner);
	answer(err);
	printf(" %s", err == ROOST_OK ? owner : "-");
	free(text);
	vec_free(&name);
}

/* -- what people and files give -- */

/* code <text> */
static void
cmd_code(char **words)
{
	struct vec_bytes text = word_bytes(words[1]);
	uint8_t code[ROOST_CODE_SIZE];
	char printed[ROOST_CODE_TEXT_SIZE];
	enum roost_err err;

	err = roost_code_parse((const char *)text.data, text.len,
			       code);
	answer(err);
	if (err == ROOST_OK &&
	    roost_code_write(code, printed) == ROOST_OK) {
		putchar(' ');
		put_hex(code, sizeof(code));
		printf(" %s", printed);
	}
	vec_free(&text);
}

/* key-file <text> */
static void
cmd_key_file(char **words)
{
	struct vec_bytes text = word_bytes(words[1]);
	uint8_t key[ROOST_KEY_SIZE];
	enum roost_err err;

	err = roost_provider_key_parse((const char *)text.data, text.len, key);
	answer(err);
	if (err == ROOST_OK) {
		putchar(' ');
		put_hex(key, sizeof(key));
	}
	vec_free(&text);
}

/* escrow-file public|private <text> */
static void
cmd_escrow_file(char **words)
{
	struct vec_bytes text = word_bytes(words[2]);
	uint8_t key[ROOST_KEY_SIZE];
	enum roost_err err;

	err = roost_escrow_parse(strcmp(words[1], "private") == 0 ?
				 ROOST_ESCROW_PRIVATE : ROOST_ESCROW_PUBLIC,
				 (const char *)text.data, text.len, key);
	answer(err);
	if (err == ROOST_OK) {
		putchar(' ');
		put_hex(key, sizeof(key));
	}
	vec_free(&text);
}

/* -- blobs -- */

static void
put_items(const struct roost_blob_content *content)
{
	unsigned int type;

	for (type = 1; type < ROOST_BLOB_ITEM_COUNT; type++) {
		const struct roost_blob_bytes *item = &content->items[type];

		if (item->bytes == NULL)
			continue;
		printf(" %u:", type);
		if (item->len > 0)
			put_hex(item->bytes, item->len);
	}
}

/* Read "<type>:<bytes>" words; the next function frees owned_r. */
static void
read_items(char **words, struct roost_blob_content *content_r,
	   struct vec_bytes owned_r[ROOST_BLOB_ITEM_COUNT])
{
	unsigned long type;
	char *colon;

	memset(owned_r, 0, ROOST_BLOB_ITEM_COUNT * sizeof(*owned_r));
	for (; *words != NULL; words++) {
		type = strtoul(*words, &colon, 10);
		if (type < 1 || type >= ROOST_BLOB_ITEM_COUNT || *colon != ':')
			exit(2);
		owned_r[type] = vec_unhex_any(colon + 1);
		content_r->items[type] = (struct roost_blob_bytes) {
			owned_r[type].data, owned_r[type].len
		};
	}
}

static void
free_items(struct vec_bytes owned[ROOST_BLOB_ITEM_COUNT])
{
	unsigned int type;

	for (type = 1; type < ROOST_BLOB_ITEM_COUNT; type++)
		vec_free(&owned[type]);
}

/* blob <keyring id> <master> <blob> <object id> <number>:<private>:<psk>
   ... */
static void
cmd_blob(char **words)
{
	uint8_t keyring_id[ROOST_ID_SIZE], master[ROOST_KEY_SIZE];
	uint8_t beside[ROOST_ID_SIZE];
	struct vec_bytes data = word_bytes(words[3]);
	bool is_beside = strcmp(words[4], "-") != 0;
	struct roost_open_key keys[WORDS_MAX];
	struct vec_blob opened;
	enum roost_err err;
	size_t count;
	char *colon;

	vec_unhex(words[1], keyring_id, sizeof(keyring_id));
	vec_unhex(words[2], master, sizeof(master));
	if (is_beside)
		vec_unhex(words[4], beside, sizeof(beside));
	for (count = 0; words[5 + count] != NULL; count++) {
		while ((colon = strchr(words[5 + count], ':')) != NULL)
			*colon = ' ';
		(void)vec_epoch(words[5 + count], &keys[count]);
	}
	err = vec_blob(&data, keyring_id, master, is_beside ? beside : NULL,
		       keys, count, &opened);
	answer(err);
	if (err == ROOST_OK) {
		putchar(' ');
		put_hex(opened.blob.object_id, ROOST_ID_SIZE);
		putchar(' ');
		put_hex(opened.data_key, ROOST_KEY_SIZE);
		put_items(&opened.content);
	}
	vec_free(&opened.plain);
	vec_free(&data);
}

/* seal-own <master> <keyring id> <object id> <data key> <item> ... */
static void
cmd_seal_own(char **words)
{
	uint8_t master[ROOST_KEY_SIZE], data_key[ROOST_KEY_SIZE];
	uint8_t keyring_id[ROOST_ID_SIZE], object_id[ROOST_ID_SIZE];
	struct vec_bytes owned[ROOST_BLOB_ITEM_COUNT];
	struct roost_blob_content content = { .data_key = data_key };
	uint8_t *blob = vec_alloc(ROOST_BLOB_SIZE_MAX);
	struct roost_aead *aead;
	enum roost_err err;
	size_t len = 0;

	vec_unhex(words[1], master, sizeof(master));
	vec_unhex(words[2], keyring_id, sizeof(keyring_id));
	vec_unhex(words[3], object_id, sizeof(object_id));
	vec_unhex(words[4], data_key, sizeof(data_key));
	read_items(words + 5, &content, owned);
	err = roost_blob_aead_own(master, &aead);
	if (err == ROOST_OK)
		err = roost_blob_seal_own(aead, keyring_id, object_id,
					  &content, blob, &len);
	answer(err);
	putchar(' ');
	put_hex(blob, len);
	roost_prim_aead_free(&aead);
	free_items(owned);
	free(blob);
}

/* seal-beside <master> <keyring id> <object id> <item> ... */
static void
cmd_seal_beside(char **words)
{
	uint8_t master[ROOST_KEY_SIZE];
	uint8_t keyring_id[ROOST_ID_SIZE], object_id[ROOST_ID_SIZE];
	struct vec_bytes owned[ROOST_BLOB_ITEM_COUNT];
	struct roost_blob_content content = { .data_key = NULL };
	uint8_t *blob = vec_alloc(ROOST_BLOB_SIZE_MAX);
	struct roost_aead *aead;
	enum roost_err err;
	size_t len = 0;

	vec_unhex(words[1], master, sizeof(master));
	vec_unhex(words[2], keyring_id, sizeof(keyring_id));
	vec_unhex(words[3], object_id, sizeof(object_id));
	read_items(words + 4, &content, owned);
	err = roost_blob_aead_own(master, &aead);
	if (err == ROOST_OK)
		err = roost_blob_seal_beside(aead, keyring_id, object_id,
					     &content, blob, &len);
	answer(err);
	putchar(' ');
	put_hex(blob, len);
	roost_prim_aead_free(&aead);
	free_items(owned);
	free(blob);
}

/* seal-new <data key> <H> <item> ... */
static void
cmd_seal_new(char **words)
{
	uint8_t data_key[ROOST_KEY_SIZE];
	struct vec_bytes header = word_bytes(words[2]);
	struct vec_bytes owned[ROOST_BLOB_ITEM_COUNT];
	struct roost_blob_content content = { .data_key = NULL };
	uint8_t *blob = vec_alloc(ROOST_BLOB_SIZE_MAX);
	struct roost_aead *aead;
	enum roost_err err;
	size_t len = 0;

	vec_unhex(words[1], data_key, sizeof(data_key));
	read_items(words + 3, &content, owned);
	err = roost_blob_aead_new(data_key, &aead);
	if (err == ROOST_OK)
		err = roost_blob_seal_new(aead, header.data, header.len,
					  &content, blob, &len);
	answer(err);
	putchar(' ');
	put_hex(blob, len);
	roost_prim_aead_free(&aead);
	free_items(owned);
	vec_free(&header);
	free(blob);
}

/* trim <room> <item> ... */
static void
cmd_trim(char **words)
{
	struct vec_bytes owned[ROOST_BLOB_ITEM_COUNT];
	struct roost_blob_content content = { .data_key = NULL };

	read_items(words + 2, &content, owned);
	(void)roost_blob_trim(&content, strtoul(words[1], NULL, 10));
	fputs("trimmed", stdout);
	put_items(&content);
	free_items(owned);
}

/* names */
static void
cmd_names(char **words)
{
	const char *const *name = roost_blob_standard_names;

	fputs(words[0], stdout);
	for (; *name != NULL; name++)
		printf(" %s", *name);
}

/* -- names of keywords -- */

static enum roost_err
token_key(char **words, struct roost_token_key *key_r)
{
	uint8_t host_key[ROOST_KEY_SIZE], keyring_id[ROOST_ID_SIZE];

	vec_unhex(words[1], host_key, sizeof(host_key));
	vec_unhex(words[2], keyring_id, sizeof(keyring_id));
	return roost_token_key_derive(host_key, keyring_id, key_r);
}

/* seal-token <host key> <keyring id> <name> */
static void
cmd_seal_token(char **words)
{
	struct vec_bytes name = word_bytes(words[3]);
	char token[ROOST_TOKEN_MAX + 1] = "";
	struct roost_token_key key;
	enum roost_err err = token_key(words, &key);

	if (err == ROOST_OK)
		err = roost_token_seal(&key, (const char *)name.data, name.len,
				       token);
	answer(err);
	printf(" %s", token[0] != '\0' ? token : "-");
	vec_free(&name);
}

/* token <host key> <keyring id> <text> */
static void
cmd_token(char **words)
{
	struct vec_bytes text = word_bytes(words[3]);
	char name[ROOST_TOKEN_NAME_MAX + 1] = "";
	struct roost_token_key key;
	enum roost_err err = token_key(words, &key);

	if (err == ROOST_OK)
		err = roost_token_open(&key, (const char *)text.data, text.len,
				       name);
	answer(err);
	printf(" %s ", roost_token_is_claimed((const char *)text.data,
					      text.len) ? "claimed" : "clear");
	put_hex(name, strlen(name));
	vec_free(&text);
}

static const struct {
	const char *name;
	unsigned int least_words;
	void (*run)(char **words);
} commands[] = {
	{ "seal", 5, cmd_seal }, { "open", 3, cmd_open },
	{ "scrub", 2, cmd_scrub }, { "claim", 2, cmd_claim },
	{ "load", 6, cmd_load }, { "make", 7, cmd_make },
	{ "escape", 2, cmd_escape }, { "code", 2, cmd_code },
	{ "key-file", 2, cmd_key_file }, { "escrow-file", 3, cmd_escrow_file },
	{ "seal-token", 4, cmd_seal_token }, { "token", 4, cmd_token },
	{ "blob", 5, cmd_blob }, { "seal-own", 5, cmd_seal_own },
	{ "seal-beside", 4, cmd_seal_beside },
	{ "seal-new", 3, cmd_seal_new }, { "trim", 2, cmd_trim },
	{ "names", 1, cmd_names },
};

static bool
run_line(char *line)
{
	char *words[WORDS_MAX + 1] = { NULL };
	unsigned int count = 0;
	char *word;
	size_t i;

	for (word = strtok(line, " \n"); word != NULL && count < WORDS_MAX;
	     word = strtok(NULL, " \n"))
		words[count++] = word;
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (count >= commands[i].least_words &&
		    strcmp(words[0], commands[i].name) == 0) {
			commands[i].run(words);
			putchar('\n');
			fflush(stdout);
			return true;
		}
	}
	fprintf(stderr, "agree: malformed request\n");
	return false;
}

int
main(void)
{
	char *line = NULL;
	size_t size = 0;
	bool is_good = true;

	if (roost_prim_init() != ROOST_OK)
		return 2;
	while (is_good && getline(&line, &size, stdin) > 0)
		is_good = run_line(line);
	free(line);
	roost_prim_deinit();
	return is_good ? 0 : 2;
}
