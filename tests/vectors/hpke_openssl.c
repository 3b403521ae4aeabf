/* SPDX-License-Identifier: MIT */
/*
 * hpke_openssl: the core's HPKE against OpenSSL's own, both directions.
 *
 *	hpke_openssl [rounds]		what one seals the other opens
 *	hpke_openssl table		known answers made by OpenSSL alone,
 *					as third-party/openssl-hpke.txt
 *
 * OpenSSL has HPKE since 3.2.  Its psk_id is a C string, so that the ids here
 * hold no zero byte; those of a stanza do.
 */
#include "vec.h"

#include "roost/bytes.h"
#include "roost/hpke.h"

#include <openssl/opensslv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if OPENSSL_VERSION_NUMBER < 0x30200000L
int
main(void)
{
	printf("hpke_openssl: this OpenSSL has no HPKE (needs 3.2)\n"
	       "0 passed, 0 failed, 1 skipped\n");
	return 0;
}
#else
#include <openssl/evp.h>
#include <openssl/hpke.h>

#define INFO_MAX 80
#define PLAIN_MAX 100
#define TABLE_PSK_LINES 12
#define TABLE_LINES 24

static const OSSL_HPKE_SUITE suite = {
	OSSL_HPKE_KEM_ID_X25519, OSSL_HPKE_KDF_ID_HKDF_SHA256,
	OSSL_HPKE_AEAD_ID_AES_GCM_256
};

struct round {
	bool is_base;		/* mode_base, without psk and psk_id */
	uint8_t private_key[32], public_key[32], ikm[32], psk[32];
	char psk_id[33];
	uint8_t info[INFO_MAX], aad[INFO_MAX], plain[PLAIN_MAX];
	size_t info_len, aad_len, plain_len;
	uint8_t enc[32], sealed[PLAIN_MAX + 16], opened[PLAIN_MAX];
};

static void
die(const char *what)
{
	fprintf(stderr, "hpke_openssl: %s\n", what);
	exit(2);
}

/* Fill with random bytes, or for the table from a counter, so that the table
   can be made again. */
static void
fill(uint8_t *bytes, size_t len, unsigned int *counter)
{
	uint8_t hash[ROOST_SHA256_SIZE];
	size_t i;

	if (counter == NULL) {
		if (roost_prim_random(bytes, len) != ROOST_OK)
			die("no random bytes");
		return;
	}
	for (i = 0; i < len; i++) {
		if (i % sizeof(hash) == 0) {
			(*counter)++;
			if (roost_prim_sha256(counter, sizeof(*counter),
					      hash) != ROOST_OK)
				die("SHA-256");
		}
		bytes[i] = hash[i % sizeof(hash)];
	}
}

static void
round_draw(struct round *rnd, unsigned int *counter)
{
	uint8_t sizes[3], id[16];

	memset(rnd, 0, sizeof(*rnd));
	fill(rnd->private_key, 32, counter);
	fill(rnd->ikm, 32, counter);
	fill(rnd->psk, 32, counter);
	fill(id, sizeof(id), counter);
	fill(sizes, sizeof(sizes), counter);
	roost_bytes_hex(id, sizeof(id), rnd->psk_id);
	rnd->info_len = sizes[0] % (INFO_MAX + 1);
	rnd->aad_len = sizes[1] % (INFO_MAX + 1);
	rnd->plain_len = 1 + sizes[2] % PLAIN_MAX;
	fill(rnd->info, rnd->info_len, counter);
	fill(rnd->aad, rnd->aad_len, counter);
	fill(rnd->plain, rnd->plain_len, counter);
	if (roost_prim_x25519_public(rnd->private_key, rnd->public_key) !=
	    ROOST_OK)
		die("X25519");
}

static OSSL_HPKE_CTX *
context_new(const struct round *rnd, int role)
{
	OSSL_HPKE_CTX *ctx = OSSL_HPKE_CTX_new(rnd->is_base ?
					       OSSL_HPKE_MODE_BASE :
					       OSSL_HPKE_MODE_PSK, suite, role,
					       NULL, NULL);

	if (ctx == NULL ||
	    (!rnd->is_base &&
	     OSSL_HPKE_CTX_set1_psk(ctx, rnd->psk_id, rnd->psk,
				    sizeof(rnd->psk)) != 1))
		die("OSSL_HPKE_CTX");
	return ctx;
}

static void
openssl_seal(struct round *rnd)
{
	OSSL_HPKE_CTX *ctx = context_new(rnd, OSSL_HPKE_ROLE_SENDER);
	size_t enc_len = sizeof(rnd->enc), len = sizeof(rnd->sealed);

	if (OSSL_HPKE_CTX_set1_ikme(ctx, rnd->ikm, sizeof(rnd->ikm)) != 1 ||
	    OSSL_HPKE_encap(ctx, rnd->enc, &enc_len, rnd->public_key, 32,
			    rnd->info, rnd->info_len) != 1 ||
	    OSSL_HPKE_seal(ctx, rnd->sealed, &len, rnd->aad, rnd->aad_len,
			   rnd->plain, rnd->plain_len) != 1 ||
	    len != rnd->plain_len + 16)
		die("OSSL_HPKE_seal");
	OSSL_HPKE_CTX_free(ctx);
}

static bool
openssl_open(struct round *rnd)
{
	OSSL_HPKE_CTX *ctx = context_new(rnd, OSSL_HPKE_ROLE_RECEIVER);
	size_t len = sizeof(rnd->opened);
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL,
						     rnd->private_key, 32);
	bool is_good;

	is_good = key != NULL &&
		OSSL_HPKE_decap(ctx, rnd->enc, 32, key, rnd->info,
				rnd->info_len) == 1 &&
		OSSL_HPKE_open(ctx, rnd->opened, &len, rnd->aad, rnd->aad_len,
			       rnd->sealed, rnd->plain_len + 16) == 1 &&
		len == rnd->plain_len;
	EVP_PKEY_free(key);
	OSSL_HPKE_CTX_free(ctx);
	return is_good;
}

static struct roost_hpke_context
core_context(const struct round *rnd)
{
	return (struct roost_hpke_context) {
		.psk = rnd->is_base ? NULL : rnd->psk,
		.psk_id = (const uint8_t *)rnd->psk_id,
		.psk_id_len = rnd->is_base ? 0 : strlen(rnd->psk_id),
		.info = rnd->info, .info_len = rnd->info_len,
		.aad = rnd->aad, .aad_len = rnd->aad_len,
	};
}

static bool
core_open(struct round *rnd)
{
	struct roost_hpke_context hpke = core_context(rnd);

	return roost_hpke_open(&hpke, rnd->public_key, rnd->private_key,
			       rnd->enc, rnd->sealed, rnd->plain_len + 16,
			       rnd->opened) == ROOST_OK;
}

static bool
core_seal(struct round *rnd)
{
	struct roost_hpke_context hpke = core_context(rnd);

	return roost_hpke_seal(&hpke, rnd->public_key, rnd->plain,
			       rnd->plain_len, rnd->enc, rnd->sealed) ==
		ROOST_OK;
}

static bool
is_opened(struct round *rnd)
{
	bool is_same = memcmp(rnd->opened, rnd->plain, rnd->plain_len) == 0;

	memset(rnd->opened, 0, sizeof(rnd->opened));
	return is_same;
}

static unsigned int
round_fails(struct round *rnd, bool is_base)
{
	unsigned int failed = 0;

	round_draw(rnd, NULL);
	rnd->is_base = is_base;
	openssl_seal(rnd);
	failed += !core_open(rnd) || !is_opened(rnd);
	rnd->sealed[0] ^= 1;
	failed += core_open(rnd) || is_opened(rnd);
	failed += !core_seal(rnd) || !openssl_open(rnd) || !is_opened(rnd);
	rnd->psk[31] ^= 1;
	rnd->is_base = false;
	failed += core_open(rnd) || is_opened(rnd);
	return failed;
}

static void
put(const uint8_t *bytes, size_t len)
{
	char text[2 * (PLAIN_MAX + 16) + 1];

	roost_bytes_hex(bytes, len, text);
	printf(" %s", len > 0 ? text : "-");
}

static void
print_table(struct round *rnd)
{
	unsigned int i, counter = 0;

	printf("# Made by hpke_openssl.c with OpenSSL's own HPKE, %s.\n",
	       OPENSSL_VERSION_STR);
	printf("# hpke-psk valid ikmE skR psk psk_id info aad pt enc ct\n"
	       "# hpke-base valid the same, with - for psk and psk_id\n");
	for (i = 0; i < TABLE_LINES; i++) {
		round_draw(rnd, &counter);
		rnd->is_base = i >= TABLE_PSK_LINES;
		openssl_seal(rnd);
		printf(rnd->is_base ? "hpke-base valid" : "hpke-psk valid");
		put(rnd->ikm, 32);
		put(rnd->private_key, 32);
		put(rnd->psk, rnd->is_base ? 0 : 32);
		put((const uint8_t *)rnd->psk_id,
		    rnd->is_base ? 0 : strlen(rnd->psk_id));
		put(rnd->info, rnd->info_len);
		put(rnd->aad, rnd->aad_len);
		put(rnd->plain, rnd->plain_len);
		put(rnd->enc, 32);
		put(rnd->sealed, rnd->plain_len + 16);
		putchar('\n');
	}
}

int
main(int argc, char **argv)
{
	struct round *rnd = vec_alloc(sizeof(*rnd));
	unsigned long i, rounds = 200, failed = 0;

	if (roost_prim_init() != ROOST_OK)
		return 2;
	if (argc > 1 && strcmp(argv[1], "table") == 0) {
		print_table(rnd);
		free(rnd);
		return 0;
	}
	if (argc > 1)
		rounds = strtoul(argv[1], NULL, 10);
	for (i = 0; i < rounds; i++)
		failed += round_fails(rnd, i % 2 == 1);
	free(rnd);
	roost_prim_deinit();
	printf("%lu passed, %lu failed\n", rounds * 4 - failed, failed);
	return failed > 0 || rounds == 0;
}
#endif
