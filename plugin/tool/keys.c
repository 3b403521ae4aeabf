/* SPDX-License-Identifier: MIT */
/*
 * keys: opening a keyring.  See keys.h.
 */
#define _GNU_SOURCE
#include "tool/keys.h"

#include "tool/ask.h"
#include "tool/stored.h"

#include "roost/bytes.h"
#include "roost/escrow.h"
#include "roost/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_FILE_MAX 256

/* A person who has the time may have made a dearer slot than a server may try
   (FORMAT.md 9.9). */
static const struct roost_argon2_limits argon2_person = {
	.t_max = 10, .m_kib_max = 1048576
};

static enum roost_status
keyring_read(struct roost_keys *keys, const char *path)
{
	unsigned int line;
	enum roost_err err;
	size_t len;
	char *text;

	if (roost_stored_load(AT_FDCWD, path, ROOST_KEYRING_DOC_MAX, &text,
			      &len) < 0) {
		roost_say("Cannot read the keyring %s: %s",
			  roost_say_name(path), strerror(errno));
		return ROOST_STATUS_KEY;
	}
	keys->keyring = malloc(sizeof(*keys->keyring));
	err = keys->keyring == NULL ? ROOST_ERR_BACKEND :
		roost_keyring_parse(text, len, keys->keyring, &line);
	free(text);
	if (err == ROOST_OK)
		return ROOST_STATUS_OK;
	roost_say("%s is no keyring that can be read: %s [%s], line %u; "
		  "take another copy of it from the backup",
		  roost_say_name(path), roost_err_phrase(err),
		  roost_err_name(err), keys->keyring == NULL ? 0 : line);
	free(keys->keyring);
	keys->keyring = NULL;
	return ROOST_STATUS_KEY;
}

static bool
provider_key_read(const char *path, uint8_t key_r[ROOST_KEY_SIZE])
{
	enum roost_err err;
	size_t len;
	char *text;

	if (roost_stored_load(AT_FDCWD, path, KEY_FILE_MAX, &text,
			      &len) < 0) {
		roost_say("Cannot read the provider key %s: %s",
			  roost_say_name(path), strerror(errno));
		return false;
	}
	err = roost_provider_key_parse(text, len, key_r);
	roost_wipe(text, len);
	free(text);
	if (err != ROOST_OK)
		roost_say("%s holds no provider key: it must be 64 "
			  "hexadecimal digits in one line",
			  roost_say_name(path));
	return err == ROOST_OK;
}

/* Say why the keyring is refused, and what can be done about it. */
static void
refusal_say(const struct roost_keys *keys, enum roost_err err)
{
	char id[2 * ROOST_PROVIDER_ID_SIZE + 1];
	const struct roost_keyring *kr = keys->keyring;

	roost_bytes_hex(kr->provider_id, sizeof(kr->provider_id), id);
	switch ((int)err) {
	case ROOST_ERR_OWNER:
		roost_say("This keyring belongs to %s, who is not the owner "
			  "that --owner names [%s]", kr->owner,
			  roost_err_name(err));
		return;
	case ROOST_ERR_PROVIDER_KEY:
		roost_say("This keyring was made with the provider key whose "
			  "id is %s, which is not the one that was given "
			  "[%s]: give that, or none and a recovery code, an "
			  "app password or an escrow key", id,
			  roost_err_name(err));
		return;
	default:
		roost_say("The keyring of %s is refused: %s [%s]; take "
			  "another copy of it from the backup", kr->owner,
			  roost_err_phrase(err), roost_err_name(err));
	}
}

/* The keys are secret; the host key goes into guarded memory. */
static enum roost_status
host_open(struct roost_keys *keys, const struct roost_options *options,
	  const char *owner)
{
	uint8_t provider[ROOST_OPTIONS_PROVIDER_KEYS_MAX * ROOST_KEY_SIZE];
	unsigned int i;
	enum roost_err err = ROOST_OK;
	enum roost_status status = ROOST_STATUS_OK;

	for (i = 0; i < options->provider_key_count; i++) {
		if (!provider_key_read(options->provider_keys[i],
				       provider + i * ROOST_KEY_SIZE))
			status = ROOST_STATUS_KEY;
	}
	keys->host_key = roost_secret_new(ROOST_KEY_SIZE);
	keys->tokens = roost_secret_new(sizeof(*keys->tokens));
	if (keys->host_key == NULL || keys->tokens == NULL)
		err = ROOST_ERR_BACKEND;
	if (status == ROOST_STATUS_OK && err == ROOST_OK)
		err = roost_keyring_open_host(keys->keyring, owner, provider,
					      options->provider_key_count,
					      keys->host_key);
	if (status == ROOST_STATUS_OK && err == ROOST_OK)
		err = roost_token_key_derive(keys->host_key,
					     keys->keyring->id, keys->tokens);
	roost_wipe(provider, sizeof(provider));
	if (err == ROOST_OK)
		return status;
	refusal_say(keys, err);
	return ROOST_STATUS_KEY;
}

static enum roost_status
owner_check(struct roost_keys *keys, const char *owner)
{
	enum roost_err err = ROOST_OK;

	if (owner != NULL && strcmp(owner, keys->keyring->owner) != 0)
		err = ROOST_ERR_OWNER;
	if (err == ROOST_OK)
		err = roost_keyring_check_owner(keys->keyring);
	if (err != ROOST_OK) {
		refusal_say(keys, err);
		return ROOST_STATUS_KEY;
	}
	roost_say("No provider key is at hand: that the provider made this "
		  "keyring is not checked, its policy is not believed and "
		  "counts as sealed, and names of keywords stay tokens");
	return ROOST_STATUS_OK;
}

enum roost_status
roost_keys_load(struct roost_keys *keys, const struct roost_options *options,
		const char *path)
{
	char owner[ROOST_KEYRING_OWNER_MAX + 1];
	enum roost_status status;

	if (options->owner != NULL &&
	    roost_keyring_escape(options->owner, owner) != ROOST_OK) {
		roost_say("--owner needs the name of a user");
		return ROOST_STATUS_USAGE;
	}
	status = keyring_read(keys, path);
	if (status != ROOST_STATUS_OK)
		return status;
	if (options->provider_key_count > 0)
		return host_open(keys, options,
				 options->owner == NULL ? NULL : owner);
	return owner_check(keys, options->owner == NULL ? NULL : owner);
}

void
roost_keys_slots(const struct roost_keyring *keyring,
		 char text_r[ROOST_KEYS_SLOTS_SIZE])
{
	unsigned int type;
	size_t len = 0;

	text_r[0] = '\0';
	for (type = 0; type < ROOST_SLOT_TYPES; type++) {
		enum roost_slot_type kind = (enum roost_slot_type)type;

		if (roost_keyring_has_slot(keyring, kind))
			len += (size_t)snprintf(text_r + len,
					ROOST_KEYS_SLOTS_SIZE - len, "%s%s",
					len == 0 ? "" : ", ",
					roost_slot_type_name(kind));
	}
}

static enum roost_err
unlock_recovery(const struct roost_keys *keys,
		const struct roost_options *options,
		uint8_t master_r[ROOST_KEY_SIZE], bool *is_said_r)
{
	uint8_t code[ROOST_CODE_SIZE];
	struct roost_ask ask;
	enum roost_err err = ROOST_ERR_LOCKED;

	*is_said_r = !roost_ask_secret(options, "recovery code", &ask);
	if (!*is_said_r)
		err = roost_code_parse(ask.text, ask.len, code);
	if (err == ROOST_OK)
		err = roost_keyring_unlock_recovery(keys->keyring, code,
						    master_r);
	roost_wipe(code, sizeof(code));
	roost_wipe(&ask, sizeof(ask));
	return err;
}

static enum roost_err
unlock_password(const struct roost_keys *keys,
		const struct roost_options *options,
		uint8_t master_r[ROOST_KEY_SIZE], bool *is_said_r)
{
	uint8_t secret[ROOST_SHA256_SIZE];
	struct roost_ask ask;
	enum roost_err err = ROOST_ERR_LOCKED;

	*is_said_r = !roost_ask_secret(options, "password", &ask);
	if (!*is_said_r)
		err = roost_prim_sha256(ask.text, ask.len, secret);
	if (err == ROOST_OK)
		err = roost_keyring_unlock_secret(keys->keyring,
						  keys->host_key, secret,
						  &argon2_person, master_r);
	roost_wipe(secret, sizeof(secret));
	roost_wipe(&ask, sizeof(ask));
	return err;
}

static enum roost_err
unlock_escrow(const struct roost_keys *keys,
	      const struct roost_options *options,
	      uint8_t master_r[ROOST_KEY_SIZE], bool *is_said_r)
{
	const char *path = options->escrow_key;
	uint8_t key[ROOST_KEY_SIZE];
	enum roost_err err;
	size_t len;
	char *text;

	*is_said_r = true;
	if (roost_stored_load(AT_FDCWD, path, KEY_FILE_MAX, &text,
			      &len) < 0) {
		roost_say("Cannot read the escrow key %s: %s",
			  roost_say_name(path), strerror(errno));
		return ROOST_ERR_LOCKED;
	}
	err = roost_escrow_parse(ROOST_ESCROW_PRIVATE, text, len, key);
	roost_wipe(text, len);
	free(text);
	if (err != ROOST_OK) {
		roost_say("%s is no private escrow key, as `roost keygen` "
			  "writes it", roost_say_name(path));
	} else {
		*is_said_r = false;
		err = roost_keyring_unlock_escrow(keys->keyring, key,
						  master_r);
	}
	roost_wipe(key, sizeof(key));
	return err;
}

/* Say why a secret does not open the keyring. */
static void
unlock_say(const struct roost_keys *keys, enum roost_secret_kind kind,
	   enum roost_err err)
{
	const struct roost_keyring *kr = keys->keyring;
	bool lacks_host = kind == ROOST_SECRET_PASSWORD &&
		keys->host_key == NULL &&
		roost_keyring_has_slot(kr, ROOST_SLOT_PASSWORD);
	char slots[ROOST_KEYS_SLOTS_SIZE];

	roost_keys_slots(kr, slots);
	if (err == ROOST_ERR_CODE_TYPO)
		roost_say("This recovery code is mistyped: its last four "
			  "characters do not fit the others [%s]; compare it "
			  "group by group", roost_err_name(err));
	else if (lacks_host)
		roost_say("This is no app password of the keyring of %s, and "
			  "to try it as the login password the provider key "
			  "is needed, too: add --provider-key [%s]",
			  kr->owner, roost_err_name(err));
	else if (err == ROOST_ERR_SLOT_AUTH &&
		 kind == ROOST_SECRET_RECOVERY)
		roost_say("This is a whole recovery code, but none of the "
			  "keyring of %s [%s]", kr->owner,
			  roost_err_name(err));
	else if (err == ROOST_ERR_SLOT_AUTH)
		roost_say("That does not open the keyring of %s, whose slots "
			  "are: %s [%s]", kr->owner, slots,
			  roost_err_name(err));
	else if (err == ROOST_ERR_NO_SLOT)
		roost_say("The keyring of %s has no slot for that; its slots "
			  "are: %s [%s]", kr->owner, slots,
			  roost_err_name(err));
	else
		roost_say("The keyring of %s does not open: %s [%s]",
			  kr->owner, roost_err_phrase(err),
			  roost_err_name(err));
}

bool
roost_keys_can_unlock(const struct roost_keys *keys,
		      const struct roost_options *options)
{
	return options->kind != ROOST_SECRET_NONE ||
		(keys->host_key != NULL &&
		 roost_keyring_has_slot(keys->keyring, ROOST_SLOT_PROVIDER));
}

/* Say what could open the keyring, where nothing was given. */
static void
nothing_say(const struct roost_keyring *kr)
{
	char slots[ROOST_KEYS_SLOTS_SIZE];

	roost_keys_slots(kr, slots);
	roost_say("The keyring of %s opens by one of its slots, which are: "
		  "%s; give --provider-key FILE for a provider slot, "
		  "--recovery-code, --password (login or app password), or "
		  "--escrow-key FILE", kr->owner, slots);
}

enum roost_status
roost_keys_unlock(struct roost_keys *keys,
		  const struct roost_options *options)
{
	uint8_t master[ROOST_KEY_SIZE];
	bool is_said = false;
	enum roost_err err;

	memset(master, 0, sizeof(master));
	if (!roost_keys_can_unlock(keys, options)) {
		nothing_say(keys->keyring);
		return ROOST_STATUS_KEY;
	}
	if (options->kind == ROOST_SECRET_RECOVERY)
		err = unlock_recovery(keys, options, master, &is_said);
	else if (options->kind == ROOST_SECRET_PASSWORD)
		err = unlock_password(keys, options, master, &is_said);
	else if (options->kind == ROOST_SECRET_ESCROW)
		err = unlock_escrow(keys, options, master, &is_said);
	else
		err = roost_keyring_unlock_provider(keys->keyring,
						    keys->host_key, master);
	if (err == ROOST_OK) {
		keys->open = roost_secret_new(keys->keyring->epoch_count *
					      sizeof(*keys->open));
		err = keys->open == NULL ? ROOST_ERR_BACKEND :
			roost_keyring_open_keys(keys->keyring, master,
						keys->host_key, keys->open);
	}
	roost_wipe(master, sizeof(master));
	if (err == ROOST_OK)
		return ROOST_STATUS_OK;
	if (!is_said)
		unlock_say(keys, options->kind, err);
	return roost_say_is_stopped() ? ROOST_STATUS_STOPPED :
		ROOST_STATUS_KEY;
}

bool
roost_keys_take_plaintext(const struct roost_keys *keys)
{
	return keys->host_key != NULL &&
		keys->keyring->policy == ROOST_POLICY_OPEN;
}

static void
secret_free(void *secret)
{
	if (secret != NULL)
		roost_secret_free(&secret);
}

void
roost_keys_close(struct roost_keys *keys)
{
	secret_free(keys->open);
	secret_free(keys->tokens);
	secret_free(keys->host_key);
	free(keys->keyring);
	memset(keys, 0, sizeof(*keys));
}

uint32_t
roost_keys_epoch(const struct roost_keyring *keyring,
		 const uint8_t key_id[ROOST_KEY_ID_SIZE])
{
	uint8_t id[ROOST_KEY_ID_SIZE];
	unsigned int i;

	for (i = keyring->epoch_count; i > 0; i--) {
		if (roost_stanza_key_id(ROOST_STANZA_X25519,
					keyring->epochs[i - 1].public_key,
					id) == ROOST_OK &&
		    roost_bytes_equal(id, key_id, sizeof(id)))
			return keyring->epochs[i - 1].number;
	}
	return 0;
}

/* A keyword is an atom; whatever else came out of a token would break the file
   that it is written to. */
static bool
is_keyword(const char *name)
{
	for (; *name != '\0'; name++) {
		if ((unsigned char)*name <= 0x20 || *name == 0x7f)
			return false;
	}
	return true;
}

const char *
roost_keys_keyword(const struct roost_keys *keys, const char *text,
		   char name_r[ROOST_TOKEN_NAME_MAX + 1], bool *is_kept_r)
{
	*is_kept_r = false;
	if (!roost_token_is_claimed(text, strlen(text)))
		return text;
	if (keys->tokens != NULL &&
	    roost_token_open(keys->tokens, text, strlen(text), name_r) ==
	    ROOST_OK && is_keyword(name_r))
		return name_r;
	*is_kept_r = true;
	return text;
}

static bool
is_file(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

char *
roost_keys_find(const struct roost_options *options, const char *top)
{
	static const char *const places[] = {
		"roost.keyring", "../roost.keyring"
	};
	char *path = NULL;
	size_t i;

	if (options->keyring != NULL)
		return strdup(options->keyring);
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (asprintf(&path, "%s/%s", top, places[i]) < 0)
			return NULL;
		if (is_file(path))
			return path;
		free(path);
	}
	roost_say("There is no roost.keyring in %s nor in the folder above: "
		  "say by --keyring FILE where it is", roost_say_name(top));
	return NULL;
}
