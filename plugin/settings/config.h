/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SETTINGS_CONFIG_H
#define ROOST_SETTINGS_CONFIG_H

/*
 * config: what an administrator wrote about Roost, read alike on both majors
 * of Dovecot, and what it means.
 *
 * The settings of each plugin are one list: roost.def and flags.def.  From it
 * are made the struct that holds their texts, the defaults, the table that
 * reads Dovecot 2.3's plugin section (config-23.c, flags-23.c) and the one
 * that Dovecot 2.4's own framework reads (config-24.c, flags-24.c).  What the
 * texts mean is in config.c and flags.c.
 */

#include "dovecot/compat.h"

#include "roost/keyring.h"

/* What was written there; the strings live as long as the user. */
struct roost_settings {
	pool_t pool;
#define SETTING(name, type, by_default, text) const char *name;
#include "settings/roost.def"
};

/* What holds where nothing was written. */
extern const struct roost_settings roost_settings_default;

/*
 * Read the settings of a user.  Returns 0, or -1 with the reason in error_r,
 * when there is nothing to free.
 */
int roost_settings_get(struct mail_user *user,
		       const struct roost_settings **set_r,
		       const char **error_r);
void roost_settings_free(const struct roost_settings *set);

/*
 * The contents of a file that a setting names.  *path_r is the file's path, or
 * "" if it is not known.  Both live on the data stack or as long as the value.
 */
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

/* What must be able to open a keyring (roost(7), Slots). */
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

/* The unlock cache (session/unlock-cache.h). */
struct roost_config_unlock {
	const char *folder;		/* NULL: there is none */
	unsigned int ttl;		/* seconds, at least 2 */
	unsigned int parallel;		/* at least 1 */
};

#define ROOST_PROVIDER_KEYS_MAX 2

/* These are secret and lie in guarded memory. */
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
	/* The ids, one after another, of which the keyring must have one; with
	   none it may have any.  The setting that names them is for errors. */
	const uint8_t *keyring_ids;
	size_t keyring_id_count;
	const char *keyring_ids_setting;
	uint64_t generation_min;
	const char *tenant;		/* "" if it is not set */
	const char *keyring;		/* file:PATH or dict:NAME */
	/* Names of headers that the sealed cache keeps besides the usual ones,
	   sorted without regard to case; NULL is the last. */
	const char *const *cache_headers;
	struct roost_config_unlock unlock;
	struct roost_argon2_cost argon2;	/* of new password slots */
	size_t provider_key_count;
	struct roost_config_secrets *secrets;
};

/*
 * Make of the settings what they mean.  Returns 0, or -1 with an error that
 * names the setting and says what to do.  config_r must be wiped after both;
 * its texts and ids lie in the pool.
 */
int roost_config_init(struct roost_config *config_r, pool_t pool,
		      const struct roost_settings *set,
		      const char **error_r);
void roost_config_wipe(struct roost_config *config);

/*
 * The same for the keyrings of public namespaces, which no user's pins bind.
 * config_r borrows from config and must not be wiped.
 */
int roost_config_init_public(struct roost_config *config_r, pool_t pool,
			     const struct roost_config *config,
			     const struct roost_settings *set,
			     const char **error_r);

/*
 * The same for the keyring of an owner whom somebody else visits.  It is the
 * visitor's configuration without his secret, and with the pins of the owner's
 * userdb fields.  What these do not name is as in the settings, or the default
 * where the visitor's userdb fields stand in the settings' place.  config_r
 * borrows from visitor and must not be wiped.
 */
int roost_config_init_owner(struct roost_config *config_r, pool_t pool,
			    const struct roost_config *visitor,
			    const struct roost_settings *set,
			    const char *const *visitor_fields,
			    const char *const *owner_fields,
			    const char **error_r);

/* Returns -1 with an error if userdb sets what only the configuration may. */
int roost_config_check_userdb(const char *const *fields,
			      const char **error_r);

#endif
