/* SPDX-License-Identifier: MIT */
/*
 * slot: the keys that wrap a keyring's master key.  See roost/slot.h.
 */
#include "roost/slot.h"

#include "roost/derive.h"
#include "roost/secret.h"

#include <string.h>

#define SLOT_INFO "roost/v1 slot"

static const char *const type_names[ROOST_SLOT_TYPES] = {
	[ROOST_SLOT_PROVIDER] = "provider",
	[ROOST_SLOT_PASSWORD] = "password",
	[ROOST_SLOT_APP] = "app",
	[ROOST_SLOT_RECOVERY] = "recovery",
	[ROOST_SLOT_ESCROW] = "escrow",
};

/* A server's memory limit leaves room for this much. */
const struct roost_argon2_limits roost_slot_argon2_server = {
	.t_max = 10, .m_kib_max = 131072
};

const char *
roost_slot_type_name(enum roost_slot_type type)
{
	return type_names[type];
}

bool
roost_slot_cost_raise(struct roost_argon2_cost *cost,
		      const struct roost_argon2_cost *wanted)
{
	const struct roost_argon2_cost before = *cost;

	if (cost->t < wanted->t)
		cost->t = wanted->t;
	if (cost->m_kib < wanted->m_kib)
		cost->m_kib = wanted->m_kib;
	return cost->t != before.t || cost->m_kib != before.m_kib;
}

enum roost_err
roost_slot_kek_provider(const uint8_t host_key[ROOST_KEY_SIZE],
			uint8_t kek_r[ROOST_KEY_SIZE])
{
	return roost_derive(host_key, "provider slot", NULL, 0,
			    kek_r, ROOST_KEY_SIZE);
}

enum roost_err
roost_slot_kek_password(const uint8_t host_key[ROOST_KEY_SIZE],
			const uint8_t secret[ROOST_KEY_SIZE],
			const uint8_t salt[ROOST_SLOT_SALT_SIZE],
			uint32_t t, uint32_t m_kib,
			const struct roost_argon2_limits *limits,
			uint8_t kek_r[ROOST_KEY_SIZE])
{
	uint8_t pepper[ROOST_KEY_SIZE], peppered[ROOST_SHA256_SIZE];
	enum roost_err err;

	memset(kek_r, 0, ROOST_KEY_SIZE);
	if (t < ROOST_ARGON2_T_MIN || t > limits->t_max ||
	    m_kib < ROOST_ARGON2_M_KIB_MIN || m_kib > limits->m_kib_max)
		return ROOST_ERR_ARGON2_LIMIT;
	memset(peppered, 0, sizeof(peppered));
	err = roost_derive(host_key, "pepper", NULL, 0,
			   pepper, sizeof(pepper));
	if (err == ROOST_OK)
		err = roost_prim_hmac_sha256(pepper, sizeof(pepper), secret,
					     ROOST_KEY_SIZE, peppered);
	if (err == ROOST_OK)
		err = roost_prim_argon2id(peppered, sizeof(peppered), salt,
					  t, m_kib, kek_r);
	roost_wipe(pepper, sizeof(pepper));
	roost_wipe(peppered, sizeof(peppered));
	return err;
}

enum roost_err
roost_slot_kek_random(const uint8_t *secret, size_t secret_len,
		      const uint8_t salt[ROOST_SLOT_SALT_SIZE],
		      uint8_t kek_r[ROOST_KEY_SIZE])
{
	static const uint8_t info[] = SLOT_INFO;	/* with its NUL */
	struct roost_hkdf_args args = {
		.salt = salt, .salt_len = ROOST_SLOT_SALT_SIZE,
		.key = secret, .key_len = secret_len,
		.info = info, .info_len = sizeof(info),
	};

	return roost_prim_hkdf(ROOST_HKDF_SHA512, &args,
			       kek_r, ROOST_KEY_SIZE);
}
