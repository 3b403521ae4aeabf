/* SPDX-License-Identifier: MIT */
/*
 * config: makes of the settings' texts what they mean.  The contract is in
 * config.h.
 *
 * An error names the setting and says what to do.  It never holds a value,
 * because that could be a key that was written into the wrong place.
 */
#include "settings/config.h"

#include "strnum.h"

#include "roost/bytes.h"
#include "roost/secret.h"
#include "roost/unlock.h"

#include <sys/stat.h>

struct choice {
	const char *word;
	int value;
};

static const struct choice enables[] = {
	{ "yes", ROOST_ENABLE_YES }, { "no", ROOST_ENABLE_NO },
	{ "read-only", ROOST_ENABLE_READ_ONLY }, { NULL, 0 }
};
static const struct choice plaintexts[] = {
	{ "refuse", ROOST_PLAINTEXT_REFUSE }, { "flag", ROOST_PLAINTEXT_FLAG },
	{ "serve", ROOST_PLAINTEXT_SERVE }, { NULL, 0 }
};
static const struct choice yes_no[] = {
	{ "yes", TRUE }, { "no", FALSE }, { NULL, 0 }
};
static const struct choice policies[] = {
	{ "open", ROOST_POLICY_OPEN }, { "sealed", ROOST_POLICY_SEALED },
	{ NULL, 0 }
};

static const struct choice modes[] = {
	{ "provider", ROOST_MODE_PROVIDER },
	{ "password", ROOST_MODE_PASSWORD }, { NULL, 0 }
};
static const struct choice caches[] = {
	{ "sealed", TRUE }, { "off", FALSE }, { NULL, 0 }
};
static const struct choice keywords[] = {
	{ "private", ROOST_KEYWORDS_PRIVATE }, { "all", ROOST_KEYWORDS_ALL },
	{ "off", ROOST_KEYWORDS_OFF }, { NULL, 0 }
};
static const struct choice ftses[] = {
	{ "refuse", FALSE }, { "allow", TRUE }, { NULL, 0 }
};

static int
choose(const char *name, const char *value, const struct choice *choices,
       int *value_r, const char **error_r)
{
	string_t *words = t_str_new(64);
	unsigned int i;

	for (i = 0; choices[i].word != NULL; i++) {
		if (strcasecmp(choices[i].word, value) == 0) {
			*value_r = choices[i].value;
			return 0;
		}
		str_printfa(words, "%s%s", i == 0 ? "" : ", ",
			    choices[i].word);
	}
	*error_r = t_strdup_printf("%s is set to something else than: %s",
				   name, str_c(words));
	return -1;
}

/* Is it the SHA-256 of no bytes?  A service that knows no password hands that
   over, because passdb hashes an empty one. */
static bool
secret_is_of_nothing(const uint8_t *secret)
{
	uint8_t nothing[ROOST_SHA256_SIZE];	/* public */

	return roost_prim_sha256("", 0, nothing) != ROOST_OK ||
		roost_bytes_equal(secret, nothing, sizeof(nothing));
}

/*
 * A value that is not the hash of a password counts as no secret and is no
 * error, because delivery, a master user or a login by token hands over such
 * values.
 */
static void
config_secret(struct roost_config *config, const struct roost_settings *set)
{
	uint8_t *secret = config->secrets->secret;

	config->has_secret =
		roost_bytes_unhex(set->roost_secret_key,
				  strlen(set->roost_secret_key),
				  secret, ROOST_KEY_SIZE) &&
		!secret_is_of_nothing(secret);
	if (!config->has_secret)
		roost_wipe(secret, ROOST_KEY_SIZE);
}

static int
config_check_path(const char *name, const char *path, const char **error_r)
{
	struct stat st;

	/* A file that the mail process cannot even see is as it should be. */
	if (*path == '\0' || stat(path, &st) < 0 || (st.st_mode & 0007) == 0)
		return 0;
	*error_r = t_strdup_printf("%s: %s can be read by everybody: "
				   "chmod o= %s", name, path, path);
	return -1;
}

static int
config_provider_key(struct roost_config *config, const char *name,
		    const char *value, const char **error_r)
{
	const char *path, *text = roost_settings_file(value, &path);
	uint8_t *key = config->secrets->provider_keys +
		config->provider_key_count * ROOST_KEY_SIZE;

	if (*text == '\0') {
		if (*path == '\0')
			return 0;
		*error_r = t_strdup_printf("%s: %s is empty; it must hold 64 "
			"hexadecimal digits, as openssl rand -hex 32 prints",
			name, path);
		return -1;
	}
	if (config_check_path(name, path, error_r) < 0)
		return -1;
	if (roost_provider_key_parse(text, strlen(text), key) != ROOST_OK) {
		*error_r = t_strdup_printf("%s: %s%sthe contents must be 64 "
			"hexadecimal digits, as openssl rand -hex 32 prints",
			name, path, *path == '\0' ? "" : ": ");
		return -1;
	}
	config->provider_key_count++;
	return 0;
}

static int
config_keys(struct roost_config *config, const struct roost_settings *set,
	    const char **error_r)
{
	if (config_provider_key(config, "roost_provider_key",
				set->roost_provider_key, error_r) < 0)
		return -1;
	if (config->provider_key_count == 0 &&
	    config->enable != ROOST_ENABLE_NO) {
		*error_r = "roost_provider_key is not set: make a key file "
			"with openssl rand -hex 32, owned by root, mode 0600, "
			"and name it in roost_provider_key";
		return -1;
	}
	return config_provider_key(config, "roost_provider_old_key",
				   set->roost_provider_old_key, error_r);
}

/* Reads the ids that one setting names, with spaces between them. */
static int
config_ids(struct roost_config *config, pool_t pool, const char *name,
	   const char *value, const char **error_r)
{
	const char *const *words = t_strsplit_spaces(value, " ");
	size_t i, count = str_array_length(words);
	uint8_t *ids = p_malloc(pool, (count + 1) * ROOST_ID_SIZE);

	for (i = 0; i < count; i++) {
		if (!roost_bytes_unhex(words[i], strlen(words[i]),
				       ids + i * ROOST_ID_SIZE,
				       ROOST_ID_SIZE)) {
			*error_r = t_strdup_printf("%s is not 32 hexadecimal "
				"digits, as doveadm roost status shows them",
				name);
			return -1;
		}
	}
	config->keyring_ids = ids;
	config->keyring_id_count = count;
	config->keyring_ids_setting = name;
	return 0;
}

/* Reads what userdb may demand of a user's keyring. */
static int
config_pins(struct roost_config *config, pool_t pool,
	    const struct roost_settings *set, const char **error_r)
{
	uintmax_t generation = 0;
	int policy = ROOST_POLICY_OPEN, mode = ROOST_MODE_ANY;

	if (config_ids(config, pool, "roost_keyring_id",
		       set->roost_keyring_id, error_r) < 0)
		return -1;
	if (*set->roost_generation_min != '\0' &&
	    str_to_uintmax(set->roost_generation_min, &generation) < 0) {
		*error_r = "roost_generation_min is not a number";
		return -1;
	}
	config->generation_min = generation;
	config->has_policy = *set->roost_policy != '\0';
	if (config->has_policy &&
	    choose("roost_policy", set->roost_policy, policies, &policy,
		   error_r) < 0)
		return -1;
	config->policy = (enum roost_policy)policy;
	if (*set->roost_mode != '\0' &&
	    choose("roost_mode", set->roost_mode, modes, &mode, error_r) < 0)
		return -1;
	config->mode = (enum roost_mode)mode;
	return 0;
}

static int
config_location(struct roost_config *config, pool_t pool,
		const struct roost_settings *set, const char **error_r)
{
	const char *location = set->roost_keyring;

	bool is_file = strncmp(location, "file:", 5) == 0;

	if ((!is_file && strncmp(location, "dict:", 5) != 0) ||
	    location[5] == '\0') {
		*error_r = "roost_keyring is not a location of a known kind; "
			"write file:PATH, for example file:~/roost.keyring, "
			"or dict:NAME";
		return -1;
	}
	if (is_file && (strstr(location, "/../") != NULL ||
			strncmp(location + 5, "../", 3) == 0)) {
		*error_r = "roost_keyring must not contain ..";
		return -1;
	}
	config->keyring = p_strdup(pool, location);
	return 0;
}

/* A header's name is printable ASCII without the colon (RFC 5322 3.6.8). */
static bool
is_header_name(const char *name)
{
	for (; *name != '\0'; name++) {
		if (*name <= ' ' || *name > '~' || *name == ':')
			return FALSE;
	}
	return TRUE;
}

static int
config_cache_headers(struct roost_config *config, pool_t pool,
		     const struct roost_settings *set, const char **error_r)
{
	const char *const *words =
		t_strsplit_spaces(set->roost_cache_headers, " ,\t");
	ARRAY_TYPE(const_string) names;

	p_array_init(&names, pool, 8);
	for (; *words != NULL; words++) {
		const char *name = p_strdup(pool, *words);

		if (!is_header_name(name)) {
			*error_r = "roost_cache_headers holds something that "
				"is no header name; write names separated by "
				"spaces, without colons";
			return -1;
		}
		array_push_back(&names, &name);
	}
	array_sort(&names, i_strcasecmp_p);
	array_append_zero(&names);
	config->cache_headers = array_front(&names);
	return 0;
}

/* Reads what may stand on disk beside the messages. */
static int
config_leaks(struct roost_config *config, pool_t pool,
	     const struct roost_settings *set, const char **error_r)
{
	int cache, keyword_mode, may_fts;

	if (choose("roost_cache", set->roost_cache, caches, &cache,
		   error_r) < 0 ||
	    choose("roost_keywords", set->roost_keywords, keywords,
		   &keyword_mode, error_r) < 0 ||
	    choose("roost_fts", set->roost_fts, ftses, &may_fts, error_r) < 0)
		return -1;
	config->is_cache_sealed = cache;
	config->keywords = (enum roost_keywords)keyword_mode;
	config->may_fts = may_fts;
	return config_cache_headers(config, pool, set, error_r);
}

#define UNLOCK_PARALLEL_MAX 1024

/* Reads what the unlock cache may do. */
static int
config_unlock(struct roost_config *config, pool_t pool,
	      const struct roost_settings *set, const char **error_r)
{
	struct roost_config_unlock *unlock = &config->unlock;
	const char *error;

	if (*set->roost_unlock_cache == '/') {
		unlock->folder = p_strdup(pool, set->roost_unlock_cache);
	} else if (*set->roost_unlock_cache != '\0') {
		*error_r = "roost_unlock_cache is not the absolute path of a "
			"folder on tmpfs";
		return -1;
	}
	if (roost_parse_time(set->roost_unlock_ttl, &unlock->ttl,
			     &error) < 0 ||
	    unlock->ttl < 2 || unlock->ttl > ROOST_UNLOCK_LIFE_MAX) {
		*error_r = "roost_unlock_ttl is not a time between 2 secs and "
			"12 hours, such as 10 min";
		return -1;
	}
	if (str_to_uint(set->roost_unlock_parallel, &unlock->parallel) < 0 ||
	    unlock->parallel == 0 ||
	    unlock->parallel > UNLOCK_PARALLEL_MAX) {
		*error_r = t_strdup_printf("roost_unlock_parallel is not a "
			"number between 1 and %u", UNLOCK_PARALLEL_MAX);
		return -1;
	}
	return 0;
}

/* Reads what a password slot has to cost. */
static int
config_argon2(struct roost_config *config, const struct roost_settings *set,
	      const char **error_r)
{
	const struct roost_argon2_limits *limits = &roost_slot_argon2_server;
	struct roost_argon2_cost *cost = &config->argon2;
	const char *error;
	uoff_t bytes;

	if (str_to_uint32(set->roost_argon2_time, &cost->t) < 0 ||
	    cost->t < ROOST_ARGON2_T_MIN || cost->t > limits->t_max) {
		*error_r = t_strdup_printf("roost_argon2_time is not a number "
			"of passes between %u and %u", ROOST_ARGON2_T_MIN,
			limits->t_max);
		return -1;
	}
	if (roost_parse_size(set->roost_argon2_memory, &bytes, &error) < 0 ||
	    bytes / 1024 < ROOST_ARGON2_M_KIB_MIN ||
	    bytes / 1024 > limits->m_kib_max) {
		*error_r = t_strdup_printf("roost_argon2_memory is not a size "
			"between %u M and %u M, such as 64 M",
			ROOST_ARGON2_M_KIB_MIN / 1024,
			limits->m_kib_max / 1024);
		return -1;
	}
	cost->m_kib = (uint32_t)(bytes / 1024);
	return 0;
}

static int
config_plaintext(struct roost_config *config, const struct roost_settings *set,
		 const char **error_r)
{
	int plaintext;

	if (choose("roost_plaintext", set->roost_plaintext, plaintexts,
		   &plaintext, error_r) < 0)
		return -1;
	config->plaintext = (enum roost_plaintext)plaintext;
	return 0;
}

static int
config_modes(struct roost_config *config, const struct roost_settings *set,
	     const char **error_r)
{
	int enable, auto_create;

	if (choose("roost_enable", set->roost_enable, enables, &enable,
		   error_r) < 0 ||
	    choose("roost_auto_create", set->roost_auto_create, yes_no,
		   &auto_create, error_r) < 0)
		return -1;
	config->enable = (enum roost_enable)enable;
	config->auto_create = auto_create;
	return config_plaintext(config, set, error_r);
}

int
roost_config_init(struct roost_config *config_r, pool_t pool,
		  const struct roost_settings *set, const char **error_r)
{
	i_zero(config_r);
	if (config_modes(config_r, set, error_r) < 0 ||
	    config_leaks(config_r, pool, set, error_r) < 0 ||
	    config_unlock(config_r, pool, set, error_r) < 0 ||
	    config_argon2(config_r, set, error_r) < 0)
		return -1;
	config_r->secrets = roost_secret_new(sizeof(*config_r->secrets));
	if (config_r->secrets == NULL) {
		*error_r = "no guarded memory for keys: raise the process's "
			"memory limit (vsz_limit)";
		return -1;
	}
	config_secret(config_r, set);
	if (config_keys(config_r, set, error_r) < 0 ||
	    config_pins(config_r, pool, set, error_r) < 0)
		return -1;
	config_r->tenant = p_strdup(pool, set->roost_tenant);
	return config_location(config_r, pool, set, error_r);
}

int
roost_config_init_public(struct roost_config *config_r, pool_t pool,
			 const struct roost_config *config,
			 const struct roost_settings *set,
			 const char **error_r)
{
	*config_r = *config;
	config_r->has_secret = FALSE;
	config_r->generation_min = 0;
	config_r->mode = ROOST_MODE_ANY;
	return config_ids(config_r, pool, "roost_public_keyring_id",
			  set->roost_public_keyring_id, error_r);
}

void
roost_config_wipe(struct roost_config *config)
{
	void *secrets = config->secrets;

	if (secrets != NULL)
		roost_secret_free(&secrets);
	i_zero(config);
}

/* The name of the setting that a userdb field is for; a path such as plugin/
   may stand before it. */
static const char *
userdb_name(const char *field)
{
	const char *key = t_strcut(field, '=');
	const char *slash = strrchr(key, '/');

	return slash == NULL ? key : slash + 1;
}

/* The value of the last userdb field for this setting, or NULL if there is
   none. */
static const char *
userdb_value(const char *const *fields, const char *name)
{
	const char *value = NULL, *sign;

	for (; fields != NULL && *fields != NULL; fields++) {
		if (strcmp(userdb_name(*fields), name) != 0)
			continue;
		sign = strchr(*fields, '=');
		value = sign == NULL ? "yes" : sign + 1;
	}
	return value;
}

/* The settings that say where an owner's keyring lies and what it must be,
   also for a visitor. */
static const struct owner_setting {
	const char *name;
	size_t off;
} owner_settings[] = {
#define OWNER_SETTING(name) { #name, offsetof(struct roost_settings, name) }
	OWNER_SETTING(roost_keyring),
	OWNER_SETTING(roost_plaintext),
	OWNER_SETTING(roost_keyring_id),
	OWNER_SETTING(roost_generation_min),
	OWNER_SETTING(roost_policy),
	OWNER_SETTING(roost_mode),
};

int
roost_config_init_owner(struct roost_config *config_r, pool_t pool,
			const struct roost_config *visitor,
			const struct roost_settings *_set,
			const char *const *visitor_fields,
			const char *const *owner_fields, const char **error_r)
{
	struct roost_settings set = *_set;
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(owner_settings); i++) {
		const struct owner_setting *from = &owner_settings[i];
		const char **value = PTR_OFFSET(&set, from->off);
		const char *const *by_default =
			CONST_PTR_OFFSET(&roost_settings_default, from->off);
		const char *own = userdb_value(owner_fields, from->name);

		if (own != NULL)
			*value = own;
		else if (userdb_value(visitor_fields, from->name) != NULL)
			*value = *by_default;
	}
	*config_r = *visitor;
	config_r->has_secret = FALSE;
	if (config_plaintext(config_r, &set, error_r) < 0 ||
	    config_pins(config_r, pool, &set, error_r) < 0)
		return -1;
	return config_location(config_r, pool, &set, error_r);
}

int
roost_config_check_userdb(const char *const *fields, const char **error_r)
{
	for (; fields != NULL && *fields != NULL; fields++) {
		if (strncasecmp(userdb_name(*fields), "roost_provider_",
				15) != 0)
			continue;
		*error_r = "userdb sets roost_provider_key or "
			"roost_provider_old_key, which only the "
			"configuration may";
		return -1;
	}
	return 0;
}
