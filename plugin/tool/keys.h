/* SPDX-License-Identifier: MIT */
#ifndef ROOST_TOOL_KEYS_H
#define ROOST_TOOL_KEYS_H

/*
 * keys: a keyring from a file, and what is at hand to open it: provider key,
 * password, app password, recovery code or escrow key.
 *
 * Without a provider key the steps that need it are skipped, and that is said
 * (FORMAT.md 9.15).
 */

#include "tool/options.h"
#include "tool/say.h"

#include "roost/keyring.h"
#include "roost/token.h"

/* Zero it, then load and perhaps unlock it, and close it. */
struct roost_keys {
	struct roost_keyring *keyring;
	uint8_t *host_key;		/* guarded; NULL: no provider key */
	struct roost_open_key *open;	/* guarded; NULL: locked */
	struct roost_token_key *tokens;	/* guarded; NULL: no provider key */
};

/*
 * Read and check a keyring's file, with the provider key where the options name
 * one.  The status is ROOST_STATUS_OK, or a sentence was said.
 */
enum roost_status roost_keys_load(struct roost_keys *keys,
				  const struct roost_options *options,
				  const char *path);

/* Unlock it by what the options say; without a kind of secret by the provider
   key. */
enum roost_status roost_keys_unlock(struct roost_keys *keys,
				    const struct roost_options *options);

/* True if the options say how to unlock this keyring. */
bool roost_keys_can_unlock(const struct roost_keys *keys,
			   const struct roost_options *options);

/* Does the keyring's policy let messages be that are not sealed?  Without the
   provider key the policy is authenticated by nothing, and counts as sealed:
   whoever has changed a backup could else have added plaintext to it. */
bool roost_keys_take_plaintext(const struct roost_keys *keys);

/* Wipe and free all of it. */
void roost_keys_close(struct roost_keys *keys);

/* Returns the path of the keyring: that of the options, or else a roost.keyring
   beside the mail of a backup.  NULL, and a sentence was said, if there is
   none.  The caller frees it. */
char *roost_keys_find(const struct roost_options *options, const char *top);

/* Write the kinds of slots, as in "provider, recovery". */
#define ROOST_KEYS_SLOTS_SIZE 64
void roost_keys_slots(const struct roost_keyring *keyring,
		      char text_r[ROOST_KEYS_SLOTS_SIZE]);

/* Returns the number of the epoch with this key id; 0 if there is none. */
uint32_t roost_keys_epoch(const struct roost_keyring *keyring,
			  const uint8_t key_id[ROOST_KEY_ID_SIZE]);

/*
 * Returns the name of a keyword: that which a token stands for, or the text
 * itself where it is none or cannot be opened.  name_r holds the opened name;
 * *is_kept_r is true for a token that stays one.
 */
const char *roost_keys_keyword(const struct roost_keys *keys,
			       const char *text,
			       char name_r[ROOST_TOKEN_NAME_MAX + 1],
			       bool *is_kept_r);

#endif
