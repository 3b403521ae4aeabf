/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SETTINGS_CONFIG_H
#define ROOST_SETTINGS_CONFIG_H

/*
 * config: what an admin wrote, read the same way from both majors, and
 * what it means.
 */

#include "dovecot/compat.h"

#include "roost/keyring.h"

/* As written; strings live as long as the user. */
struct roost_settings {
	pool_t pool;
	const char *roost_provider_key;
	const char *roost_provider_old_key;
	const char *roost_enable;
	const char *roost_auto_create;
	const char *roost_keyring;
	const char *roost_secret_key;
	const char *roost_plaintext;
	const char *roost_keyring_id;
	const char *roost_generation_min;
	const char *roost_tenant;
	const char *roost_public_keyring_id;
	const char *roost_policy;
	const char *roost_mode;
	const char *roost_cache;
	const char *roost_cache_headers;
	const char *roost_keywords;
	const char *roost_fts;
};

/* Read them for a user.  -1 with error_r; free with the next. */
int roost_settings_get(struct mail_user *user,
		       const struct roost_settings **set_r,
		       const char **error_r);
void roost_settings_free(const struct roost_settings *set);

/* The contents of a setting that names a file, and its path or "". */
const char *roost_settings_file(const char *value, const char **path_r);

enum roost_enable {
	ROOST_ENABLE_NO,	/* sealed messages are refused */
	ROOST_ENABLE_READ_ONLY,	/* opened, new mail is not sealed */
	ROOST_ENABLE_YES,
};

/* What becomes of a plaintext message under policy sealed. */
enum roost_plaintext {
	ROOST_PLAINTEXT_REFUSE,
	ROOST_PLAINTEXT_FLAG,	/* served, and logged */
	ROOST_PLAINTEXT_SERVE,
};

/* By what a keyring must open; see README. */
enum roost_mode {
	ROOST_MODE_ANY,
	ROOST_MODE_PROVIDER,	/* has a provider slot */
	ROOST_MODE_PASSWORD,	/* has none */
};

/* Which names of keywords stand on disk as tokens. */
enum roost_keywords {
	ROOST_KEYWORDS_OFF,
	ROOST_KEYWORDS_PRIVATE,	/* all but the registered ones */
	ROOST_KEYWORDS_ALL,
};

#define ROOST_PROVIDER_KEYS_MAX 2

/* Secret: in guarded memory. */
struct roost_config_secrets {
	uint8_t provider_keys[ROOST_PROVIDER_KEYS_MAX * ROOST_KEY_SIZE];
	uint8_t secret[ROOST_KEY_SIZE];		/* roost_secret_key */
};

struct roost_config {
	enum roost_enable enable;
	enum roost_plaintext plaintext;
	enum roost_keywords keywords;
	bool auto_create;
	bool is_cache_sealed;		/* else nothing is cached */
	bool may_fts;			/* a full-text index is accepted */
	bool has_secret;		/* secrets->secret may be used */
	bool has_policy;		/* pinned from outside the storage */
	enum roost_policy policy;
	enum roost_mode mode;		/* pinned likewise */
	/* Ids one after another, in the pool given: the keyring has one of
	   these, unless there is none; what names them. */
	const uint8_t *keyring_ids;
	size_t keyring_id_count;
	const char *keyring_ids_setting;
	uint64_t generation_min;
	const char *tenant;		/* "" or in the pool given */
	const char *keyring;		/* location, in the pool given */
	/* Kept in the sealed cache besides the standard ones; sorted without
	   regard to case, NULL at the end, in the pool given. */
	const char *const *cache_headers;
	size_t provider_key_count;
	struct roost_config_secrets *secrets;
};

/*
 * Understand them.  -1 with an error that names the setting and what to do.
 * Wipe after either.
 */
int roost_config_init(struct roost_config *config_r, pool_t pool,
		      const struct roost_settings *set,
		      const char **error_r);
void roost_config_wipe(struct roost_config *config);

/* The same for the keyrings of public namespaces, which no user's pins bind.
   config_r borrows from config; no wiping. */
int roost_config_init_public(struct roost_config *config_r, pool_t pool,
			     const struct roost_config *config,
			     const struct roost_settings *set,
			     const char **error_r);

/*
 * The same for a keyring of somebody else, whose userdb fields are these: the
 * visitor's, but without his secret, and with the owner's pins.  What the
 * owner's userdb does not name is that of the configuration, unless the
 * visitor's userdb hides it.  config_r borrows from visitor; no wiping.
 */
int roost_config_init_owner(struct roost_config *config_r, pool_t pool,
			    const struct roost_config *visitor,
			    const struct roost_settings *set,
			    const char *const *visitor_fields,
			    const char *const *owner_fields,
			    const char **error_r);

/* -1 for what a userdb must not override; see README. */
int roost_config_check_userdb(const char *const *fields,
			      const char **error_r);

#endif
