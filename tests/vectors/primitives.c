/* SPDX-License-Identifier: MIT */
/*
 * primitives: tables of other people's test vectors through the core.
 *
 *	primitives table ...
 *
 * A line is: kind, "valid", "acceptable" or "invalid", then the fields of the
 * kind in hexadecimal, "-" for no byte.  Lines that begin with # are
 * comments.
 *
 *	aes-256-gcm	key nonce aad plaintext sealed
 *	hkdf-sha256	ikm salt info okm
 *	hkdf-sha512	ikm salt info okm
 *	hmac-sha256	key message mac
 *	hmac-sha512	key message mac
 *	x25519		private public shared
 *	ed25519		seed public message signature
 *	hpke-psk	ikmE skR psk psk_id info aad plaintext enc sealed
 *	hpke-base	the same, with - for psk and psk_id
 *
 * Invalid means: does not open, another MAC, a shared secret of zeros, or a
 * signature that does not verify (and has no seed).
 */
#define _POSIX_C_SOURCE 200809L

#include "vec.h"

#include "core/prim-private.h"
#include "roost/bytes.h"
#include "roost/hpke.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 9

struct row {
	struct vec_bytes field[FIELDS_MAX];
	unsigned int count;
	bool is_valid;
};

static bool
is_same(const struct vec_bytes *want, const uint8_t *got, size_t len)
{
	return want->len == len && memcmp(want->data, got, len) == 0;
}

static bool
run_gcm(const struct row *row)
{
	const struct vec_bytes *key = &row->field[0], *nonce = &row->field[1];
	const struct vec_bytes *aad = &row->field[2], *plain = &row->field[3];
	const struct vec_bytes *sealed = &row->field[4];
	uint8_t *out = vec_alloc(sealed->len);
	struct roost_aead *aead;
	enum roost_err err;
	bool is_good;

	if (key->len != ROOST_KEY_SIZE || nonce->len != ROOST_NONCE_SIZE ||
	    sealed->len < ROOST_TAG_SIZE)
		return false;
	aead = roost_prim_aead_new(key->data);
	if (aead == NULL)
		return false;
	err = roost_prim_aead_open(aead, nonce->data, aad->data, aad->len,
				   sealed->data, sealed->len, out);
	if (row->is_valid) {
		is_good = err == ROOST_OK &&
			is_same(plain, out, sealed->len - ROOST_TAG_SIZE);
		err = roost_prim_aead_seal(aead, nonce->data, aad->data,
					   aad->len, plain->data, plain->len,
					   out);
		is_good = is_good && err == ROOST_OK &&
			is_same(sealed, out, sealed->len);
	} else {
		is_good = err == ROOST_ERR_CHUNK &&
			roost_bytes_are_zero(out,
					     sealed->len - ROOST_TAG_SIZE);
	}
	roost_prim_aead_free(&aead);
	free(out);
	return is_good;
}

/* Besides, what was sealed must not open once a bit of it is changed: by each
   library that has it. */
static bool
run_aead(const struct row *row)
{
	bool is_good;

	roost_prim_use(ROOST_PRIM_OPENSSL);
	is_good = run_gcm(row);
	roost_prim_use(ROOST_PRIM_SODIUM);
	if (roost_prim_sodium_has_gcm() && !run_gcm(row))
		is_good = false;
	roost_prim_use(ROOST_PRIM_EITHER);
	return is_good;
}

static bool
run_hkdf256(const struct row *row)
{
	const struct vec_bytes *okm = &row->field[3];
	uint8_t prk[ROOST_SHA256_SIZE], *out = vec_alloc(okm->len);
	struct roost_hkdf_args args = {
		.key = row->field[0].data, .key_len = row->field[0].len,
		.salt = row->field[1].data, .salt_len = row->field[1].len,
	};
	enum roost_err err;
	bool is_good;

	err = roost_prim_hkdf(ROOST_HKDF_SHA256_EXTRACT, &args, prk,
			      sizeof(prk));
	args = (struct roost_hkdf_args) {
		.key = prk, .key_len = sizeof(prk),
		.info = row->field[2].data, .info_len = row->field[2].len,
	};
	if (err == ROOST_OK)
		err = roost_prim_hkdf(ROOST_HKDF_SHA256_EXPAND, &args, out,
				      okm->len);
	is_good = err == ROOST_OK && is_same(okm, out, okm->len);
	free(out);
	return is_good == row->is_valid;
}

static bool
run_hkdf512(const struct row *row)
{
	static const uint8_t zero[ROOST_SHA512_SIZE];
	const struct vec_bytes *ikm = &row->field[0], *salt = &row->field[1];
	const struct vec_bytes *okm = &row->field[3];
	uint8_t prk[ROOST_SHA512_SIZE], *out = vec_alloc(okm->len);
	struct roost_hkdf_args args = {
		.key = ikm->data, .key_len = ikm->len,
		.salt = salt->data, .salt_len = salt->len,
		.info = row->field[2].data, .info_len = row->field[2].len,
	};
	enum roost_err err;
	bool is_good;

	err = roost_prim_hkdf(ROOST_HKDF_SHA512, &args, out, okm->len);
	is_good = err == ROOST_OK && is_same(okm, out, okm->len);
	err = roost_prim_hmac_sha512(salt->len > 0 ? salt->data : zero,
				     salt->len > 0 ? salt->len : sizeof(zero),
				     ikm->data, ikm->len, prk);
	args.key = prk;
	args.key_len = sizeof(prk);
	if (err == ROOST_OK)
		err = roost_prim_hkdf(ROOST_HKDF_SHA512_EXPAND, &args, out,
				      okm->len);
	is_good = is_good && err == ROOST_OK && is_same(okm, out, okm->len);
	free(out);
	return is_good == row->is_valid;
}

static bool
run_hmac256(const struct row *row)
{
	uint8_t mac[ROOST_SHA256_SIZE];
	enum roost_err err;

	err = roost_prim_hmac_sha256(row->field[0].data, row->field[0].len,
				     row->field[1].data, row->field[1].len,
				     mac);
	return err == ROOST_OK &&
		is_same(&row->field[2], mac, sizeof(mac)) == row->is_valid;
}

static bool
run_hmac512(const struct row *row)
{
	uint8_t mac[ROOST_SHA512_SIZE];
	enum roost_err err;

	err = roost_prim_hmac_sha512(row->field[0].data, row->field[0].len,
				     row->field[1].data, row->field[1].len,
				     mac);
	return err == ROOST_OK &&
		is_same(&row->field[2], mac, sizeof(mac)) == row->is_valid;
}

static bool
run_x25519(const struct row *row)
{
	uint8_t shared[ROOST_KEY_SIZE];
	enum roost_err err;

	if (row->field[0].len != 32 || row->field[1].len != 32)
		return false;
	err = roost_prim_x25519(row->field[0].data, row->field[1].data,
				shared);
	if (!row->is_valid)
		return err == ROOST_ERR_LOW_ORDER &&
			roost_bytes_are_zero(shared, sizeof(shared));
	return err == ROOST_OK && is_same(&row->field[2], shared,
					  sizeof(shared));
}

static bool
run_ed25519(const struct row *row)
{
	const struct vec_bytes *f = row->field;
	uint8_t public_key[ROOST_KEY_SIZE], signature[ROOST_SIGNATURE_SIZE];

	if (f[1].len != 32 || f[3].len != 64 ||
	    roost_prim_sign_check(f[1].data, f[2].data, f[2].len,
				  f[3].data) != row->is_valid)
		return false;
	return !row->is_valid || (f[0].len == 32 &&
		roost_prim_sign_public(f[0].data, public_key) == ROOST_OK &&
		roost_prim_sign(f[0].data, f[2].data, f[2].len, signature) ==
		ROOST_OK && is_same(&f[1], public_key, 32) &&
		is_same(&f[3], signature, 64));
}

/* RFC 9180 7.1.3, DeriveKeyPair.  Only tests make a key from ikm. */
static bool
derive_ephemeral(const struct vec_bytes *ikm, uint8_t private_r[32])
{
	static const uint8_t extract[] = "HPKE-v1KEM\0\x20""dkp_prk";
	static const uint8_t expand[] = "\0\x20HPKE-v1KEM\0\x20""sk";
	uint8_t text[64], prk[ROOST_SHA256_SIZE];
	struct roost_hkdf_args args = { .key = text };

	memcpy(text, extract, sizeof(extract) - 1);
	memcpy(text + sizeof(extract) - 1, ikm->data, 32);
	args.key_len = sizeof(extract) - 1 + 32;
	if (roost_prim_hkdf(ROOST_HKDF_SHA256_EXTRACT, &args, prk,
			    sizeof(prk)) != ROOST_OK)
		return false;
	args = (struct roost_hkdf_args) {
		.key = prk, .key_len = sizeof(prk),
		.info = expand, .info_len = sizeof(expand) - 1,
	};
	return roost_prim_hkdf(ROOST_HKDF_SHA256_EXPAND, &args, private_r,
			       32) == ROOST_OK;
}

static bool
run_hpke(const struct row *row)
{
	const struct vec_bytes *f = row->field;
	struct roost_hpke_context hpke = {
		.psk = f[2].len == 0 ? NULL : f[2].data,
		.psk_id = f[3].data, .psk_id_len = f[3].len,
		.info = f[4].data, .info_len = f[4].len,
		.aad = f[5].data, .aad_len = f[5].len,
	};
	uint8_t ephemeral[32], public_key[32], enc[32];
	uint8_t *out = vec_alloc(f[8].len);
	bool is_good;

	is_good = derive_ephemeral(&f[0], ephemeral) &&
		roost_prim_x25519_public(f[1].data, public_key) == ROOST_OK &&
		roost_hpke_seal_ephemeral(&hpke, public_key, ephemeral,
					  f[6].data, f[6].len, enc, out) ==
			ROOST_OK &&
		is_same(&f[7], enc, sizeof(enc)) &&
		is_same(&f[8], out, f[8].len);
	is_good = is_good &&
		roost_hpke_open(&hpke, public_key, f[1].data, f[7].data,
				f[8].data, f[8].len, out) == ROOST_OK &&
		is_same(&f[6], out, f[6].len);
	free(out);
	return is_good == row->is_valid;
}

static const struct {
	const char *kind;
	unsigned int fields;
	bool (*run)(const struct row *row);
} kinds[] = {
	{ "aes-256-gcm", 5, run_aead },
	{ "hkdf-sha256", 4, run_hkdf256 },
	{ "hkdf-sha512", 4, run_hkdf512 },
	{ "hmac-sha256", 3, run_hmac256 },
	{ "hmac-sha512", 3, run_hmac512 },
	{ "x25519", 3, run_x25519 },
	{ "ed25519", 4, run_ed25519 },
	{ "hpke-psk", 9, run_hpke },
	{ "hpke-base", 9, run_hpke },
};

static bool
run_words(const char *kind, const struct row *row)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].kind, kind) == 0)
			return row->count == kinds[i].fields &&
				kinds[i].run(row);
	}
	return false;
}

static bool
run_line(char *line)
{
	const char *kind = strtok(line, " \n");
	const char *result = strtok(NULL, " \n"), *word;
	struct row row = { .count = 0 };
	bool is_good;

	if (kind == NULL || result == NULL)
		return false;
	row.is_valid = strcmp(result, "invalid") != 0;
	while (row.count < FIELDS_MAX &&
	       (word = strtok(NULL, " \n")) != NULL)
		row.field[row.count++] =
			vec_unhex_any(strcmp(word, "-") == 0 ? "" : word);
	is_good = run_words(kind, &row);
	while (row.count > 0)
		vec_free(&row.field[--row.count]);
	return is_good;
}

static void
run_table(const char *path, unsigned int *passed, unsigned int *failed)
{
	FILE *file = fopen(path, "r");
	unsigned int number = 0, lines = 0;
	char *line = NULL;
	size_t size = 0;

	if (file == NULL) {
		perror(path);
		exit(2);
	}
	while (getline(&line, &size, file) > 0) {
		number++;
		if (line[0] == '#')
			continue;
		lines++;
		if (run_line(line)) {
			(*passed)++;
		} else {
			(*failed)++;
			printf("%s:%u: %s\n", path, number, line);
		}
	}
	if (lines == 0) {
		(*failed)++;
		printf("%s: no line\n", path);
	}
	free(line);
	fclose(file);
}

int
main(int argc, char **argv)
{
	unsigned int passed = 0, failed = 0;
	int i;

	if (roost_prim_init() != ROOST_OK)
		return 2;
	for (i = 1; i < argc; i++)
		run_table(argv[i], &passed, &failed);
	roost_prim_deinit();
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0 || passed == 0;
}
