/* SPDX-License-Identifier: MIT */
/*
 * unlock: a file of the unlock cache.  See roost/unlock.h.
 */
#include "roost/unlock.h"

#include "roost/bytes.h"
#include "roost/derive.h"
#include "roost/secret.h"

#include <string.h>

#define UNLOCK_LABEL "roost/v1 unlock"
#define UNLOCK_VERSION 1
#define SALT_SIZE 32

/* Where the parts of a file begin. */
enum {
	SALT_OFF = 1,
	CREATED_OFF = SALT_OFF + SALT_SIZE,
	EXPIRES_OFF = CREATED_OFF + 8,
	WRAP_OFF = EXPIRES_OFF + 8,
};
_Static_assert(WRAP_OFF + ROOST_WRAP_SIZE == ROOST_UNLOCK_FILE_SIZE,
	       "A file is what FORMAT.md 14.3 says");

static void
be64_put(uint8_t *dst, uint64_t value)
{
	roost_be32_put(dst, (uint32_t)(value >> 32));
	roost_be32_put(dst + 4, (uint32_t)value);
}

static uint64_t
be64_get(const uint8_t *src)
{
	return (uint64_t)roost_be32_get(src) << 32 | roost_be32_get(src + 4);
}

enum roost_err
roost_unlock_name(const struct roost_unlock *unlock,
		  char name_r[ROOST_UNLOCK_NAME_SIZE])
{
	uint8_t key[ROOST_KEY_SIZE], text[ROOST_ID_SIZE + ROOST_KEY_SIZE];
	uint8_t mac[ROOST_SHA256_SIZE];		/* public */
	enum roost_err err = roost_derive(unlock->host_key, "unlock name",
					  NULL, 0, key, sizeof(key));

	memcpy(text, unlock->keyring_id, ROOST_ID_SIZE);
	memcpy(text + ROOST_ID_SIZE, unlock->secret, ROOST_KEY_SIZE);
	if (err == ROOST_OK)
		err = roost_prim_hmac_sha256(key, sizeof(key), text,
					     sizeof(text), mac);
	if (err == ROOST_OK)
		roost_bytes_hex(mac, sizeof(mac), name_r);
	else
		name_r[0] = '\0';
	roost_wipe(key, sizeof(key));
	roost_wipe(text, sizeof(text));
	return err;
}

/* Make the key of a file's wrap, which the caller wipes. */
static enum roost_err
file_kek(const struct roost_unlock *unlock, const uint8_t *salt,
	 uint8_t kek_r[ROOST_KEY_SIZE])
{
	uint8_t info[sizeof(UNLOCK_LABEL) + ROOST_ID_SIZE + 8];	/* public */
	uint8_t key[2 * ROOST_KEY_SIZE];
	struct roost_hkdf_args args = {
		.salt = salt, .salt_len = SALT_SIZE,
		.key = key, .key_len = sizeof(key),
		.info = info, .info_len = sizeof(info),
	};
	enum roost_err err = roost_derive(unlock->host_key, "unlock", NULL, 0,
					  key, ROOST_KEY_SIZE);

	memcpy(key + ROOST_KEY_SIZE, unlock->secret, ROOST_KEY_SIZE);
	memcpy(info, UNLOCK_LABEL, sizeof(UNLOCK_LABEL));
	memcpy(info + sizeof(UNLOCK_LABEL), unlock->keyring_id, ROOST_ID_SIZE);
	be64_put(info + sizeof(UNLOCK_LABEL) + ROOST_ID_SIZE,
		 unlock->generation);
	memset(kek_r, 0, ROOST_KEY_SIZE);
	if (err == ROOST_OK)
		err = roost_prim_hkdf(ROOST_HKDF_SHA512, &args,
				      kek_r, ROOST_KEY_SIZE);
	roost_wipe(key, sizeof(key));
	return err;
}

static bool
times_are_good(const struct roost_unlock_times *times)
{
	return times->expires >= times->created &&
		times->expires - times->created <= ROOST_UNLOCK_LIFE_MAX;
}

enum roost_err
roost_unlock_seal(const struct roost_unlock *unlock,
		  const struct roost_unlock_times *times,
		  const uint8_t master[ROOST_KEY_SIZE],
		  uint8_t file_r[ROOST_UNLOCK_FILE_SIZE])
{
	uint8_t kek[ROOST_KEY_SIZE];
	enum roost_err err = times_are_good(times) ? ROOST_OK :
		ROOST_ERR_LIMIT;

	memset(kek, 0, sizeof(kek));
	memset(file_r, 0, ROOST_UNLOCK_FILE_SIZE);
	file_r[0] = UNLOCK_VERSION;
	be64_put(file_r + CREATED_OFF, times->created);
	be64_put(file_r + EXPIRES_OFF, times->expires);
	if (err == ROOST_OK)
		err = roost_prim_random(file_r + SALT_OFF, SALT_SIZE);
	if (err == ROOST_OK)
		err = file_kek(unlock, file_r + SALT_OFF, kek);
	if (err == ROOST_OK)
		err = roost_prim_wrap(kek, file_r, WRAP_OFF, master,
				      ROOST_KEY_SIZE, file_r + WRAP_OFF);
	roost_wipe(kek, sizeof(kek));
	if (err != ROOST_OK)
		memset(file_r, 0, ROOST_UNLOCK_FILE_SIZE);
	return err;
}

enum roost_err
roost_unlock_open(const struct roost_unlock *unlock,
		  const uint8_t *file, size_t len, uint64_t now,
		  struct roost_unlock_times *times_r,
		  uint8_t master_r[ROOST_KEY_SIZE])
{
	struct roost_unlock_times times;
	uint8_t kek[ROOST_KEY_SIZE];
	enum roost_err err;

	memset(times_r, 0, sizeof(*times_r));
	memset(master_r, 0, ROOST_KEY_SIZE);
	if (len != ROOST_UNLOCK_FILE_SIZE || file[0] != UNLOCK_VERSION)
		return ROOST_ERR_UNLOCK_FILE;
	times.created = be64_get(file + CREATED_OFF);
	times.expires = be64_get(file + EXPIRES_OFF);
	if (!times_are_good(&times) || times.created > now ||
	    times.expires <= now)
		return ROOST_ERR_UNLOCK_FILE;
	err = file_kek(unlock, file + SALT_OFF, kek);
	if (err == ROOST_OK)
		err = roost_prim_unwrap(kek, file, WRAP_OFF, file + WRAP_OFF,
					ROOST_WRAP_SIZE, master_r);
	roost_wipe(kek, sizeof(kek));
	if (err == ROOST_OK)
		*times_r = times;
	return err == ROOST_ERR_CHUNK ? ROOST_ERR_UNLOCK_FILE : err;
}
