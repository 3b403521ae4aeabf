/* SPDX-License-Identifier: MIT */
/*
 * slot: derivation of keys, and secrets as people write them.  See
 * roost/slot.h.
 */
#include "roost/slot.h"

#include "core/base32-private.h"
#include "roost/bytes.h"
#include "roost/secret.h"

#include <assert.h>
#include <string.h>

#define DERIVE_PREFIX "roost/v1 "
#define DERIVE_INFO_MAX 64
#define SLOT_INFO "roost/v1 slot"
#define RECOVERY_LABEL "roost recovery"
#define RECOVERY_DIGITS 32	/* of the code itself */
#define RECOVERY_CHECK_DIGITS 4
#define RECOVERY_ALL_DIGITS (RECOVERY_DIGITS + RECOVERY_CHECK_DIGITS)
#define RECOVERY_GROUP 4

/* What a server's memory limit leaves room for. */
const struct roost_argon2_limits roost_argon2_limits_server = {
	.t_max = 10, .m_kib_max = 131072
};

enum roost_err
roost_slot_derive(const uint8_t key[ROOST_KEY_SIZE], const char *label,
		  const uint8_t *extra, size_t extra_len,
		  uint8_t *out_r, size_t out_len)
{
	uint8_t info[DERIVE_INFO_MAX];	/* public */
	size_t prefix_len = sizeof(DERIVE_PREFIX) - 1;
	size_t label_size = strlen(label) + 1;
	struct roost_hkdf_args args = {
		.key = key, .key_len = ROOST_KEY_SIZE, .info = info,
		.info_len = prefix_len + label_size + extra_len,
	};

	assert(args.info_len <= sizeof(info));
	memcpy(info, DERIVE_PREFIX, prefix_len);
	memcpy(info + prefix_len, label, label_size);	/* with its 00 */
	if (extra_len > 0)
		memcpy(info + prefix_len + label_size, extra, extra_len);
	return roost_prim_hkdf(ROOST_HKDF_SHA512_EXPAND, &args,
			       out_r, out_len);
}

enum roost_err
roost_slot_kek_provider(const uint8_t host_key[ROOST_KEY_SIZE],
			uint8_t kek_r[ROOST_KEY_SIZE])
{
	return roost_slot_derive(host_key, "provider slot", NULL, 0,
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
	err = roost_slot_derive(host_key, "pepper", NULL, 0,
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
	static const uint8_t info[] = SLOT_INFO;	/* with its 00 */
	struct roost_hkdf_args args = {
		.salt = salt, .salt_len = ROOST_SLOT_SALT_SIZE,
		.key = secret, .key_len = secret_len,
		.info = info, .info_len = sizeof(info),
	};

	return roost_prim_hkdf(ROOST_HKDF_SHA512, &args,
			       kek_r, ROOST_KEY_SIZE);
}

static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* All 36 digits of a code, without dashes. */
static enum roost_err
recovery_digits(const uint8_t code[ROOST_RECOVERY_SIZE],
		char digits_r[RECOVERY_ALL_DIGITS])
{
	uint8_t text[sizeof(RECOVERY_LABEL) + ROOST_RECOVERY_SIZE];
	uint8_t hash[ROOST_SHA256_SIZE];
	enum roost_err err;

	memcpy(text, RECOVERY_LABEL, sizeof(RECOVERY_LABEL));
	memcpy(text + sizeof(RECOVERY_LABEL), code, ROOST_RECOVERY_SIZE);
	err = roost_prim_sha256(text, sizeof(text), hash);
	roost_base32(crockford, code, ROOST_RECOVERY_SIZE,
		     digits_r, RECOVERY_DIGITS);
	roost_base32(crockford, hash, sizeof(hash),
		     digits_r + RECOVERY_DIGITS, RECOVERY_CHECK_DIGITS);
	roost_wipe(text, sizeof(text));
	roost_wipe(hash, sizeof(hash));
	return err;
}

enum roost_err
roost_slot_recovery_text(const uint8_t code[ROOST_RECOVERY_SIZE],
			 char text_r[ROOST_RECOVERY_TEXT_SIZE])
{
	char digits[RECOVERY_ALL_DIGITS];
	enum roost_err err = recovery_digits(code, digits);
	size_t i, out = 0;

	for (i = 0; err == ROOST_OK && i < RECOVERY_ALL_DIGITS; i++) {
		if (i > 0 && i % RECOVERY_GROUP == 0)
			text_r[out++] = '-';
		text_r[out++] = digits[i];
	}
	text_r[out] = '\0';
	roost_wipe(digits, sizeof(digits));
	return err;
}

/* The value of a written digit, 32 for one to skip, 33 for a wrong one. */
static unsigned int
recovery_value(char c)
{
	const char *found;

	if (c == '-' || c == ' ')
		return 32;
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c == 'O')
		c = '0';
	if (c == 'I' || c == 'L')
		c = '1';
	found = c == '\0' ? NULL : strchr(crockford, c);
	return found == NULL ? 33 : (unsigned int)(found - crockford);
}

/* Canonical digits of what was written; false unless there are 36. */
static bool
recovery_normalize(const char *text, size_t len,
		   char digits_r[RECOVERY_ALL_DIGITS])
{
	size_t i, count = 0;
	unsigned int value;

	for (i = 0; i < len; i++) {
		value = recovery_value(text[i]);
		if (value == 32)
			continue;
		if (value == 33 || count == RECOVERY_ALL_DIGITS)
			return false;
		digits_r[count++] = crockford[value];
	}
	return count == RECOVERY_ALL_DIGITS;
}

enum roost_err
roost_slot_recovery_parse(const char *text, size_t len,
			  uint8_t code_r[ROOST_RECOVERY_SIZE])
{
	char written[RECOVERY_ALL_DIGITS], right[RECOVERY_ALL_DIGITS];
	enum roost_err err = ROOST_ERR_CODE_TYPO;

	memset(code_r, 0, ROOST_RECOVERY_SIZE);
	memset(right, 0, sizeof(right));
	if (!recovery_normalize(text, len, written) ||
	    !roost_unbase32(crockford, written, RECOVERY_DIGITS, code_r))
		goto out;
	err = recovery_digits(code_r, right);
	if (err == ROOST_OK &&
	    !roost_bytes_equal(written, right, sizeof(written)))
		err = ROOST_ERR_CODE_TYPO;
out:
	roost_wipe(written, sizeof(written));
	roost_wipe(right, sizeof(right));
	if (err != ROOST_OK)
		roost_wipe(code_r, ROOST_RECOVERY_SIZE);
	return err;
}

enum roost_err
roost_slot_key_parse(const char *text, size_t len,
		     uint8_t key_r[ROOST_KEY_SIZE])
{
	if (len > 0 && text[len - 1] == '\n') {
		len--;
		if (len > 0 && text[len - 1] == '\r')
			len--;
	}
	return roost_bytes_unhex(text, len, key_r, ROOST_KEY_SIZE) ?
		ROOST_OK : ROOST_ERR_KEY_FILE;
}
