/* SPDX-License-Identifier: MIT */
/*
 * backend: whichever call of OpenSSL, of libsodium or for memory fails, the
 * caller is told, and gets nothing that looks like a result.
 *
 * Each job is run once to count such calls, then once for each of them, which
 * does its work and says that it failed.  Afterwards the job must work again,
 * and no context of a cipher may be left.
 */
#include "kit.h"

#include "roost/blob.h"
#include "roost/bytes.h"
#include "roost/secret.h"
#include "roost/token.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static unsigned int calls, failing_call;
static int contexts;
static bool has_instructions = true, is_openssl_there = true;

/* True for a call that worked, unless it is the one that is said to fail. */
static bool
works(void)
{
	return ++calls != failing_call;
}

#define ONE_IF_WORKS(call) ((call) == 1 && works() ? 1 : 0)
#define ZERO_IF_WORKS(call) ((call) == 0 && works() ? 0 : -1)
#define NEW_IF_WORKS(call) (works() ? (call) : NULL)

#define OPENSSL_init_crypto(...) ONE_IF_WORKS(OPENSSL_init_crypto(__VA_ARGS__))
#define EVP_CIPHER_fetch(...) NEW_IF_WORKS(EVP_CIPHER_fetch(__VA_ARGS__))
#define EVP_MD_fetch(...) NEW_IF_WORKS(EVP_MD_fetch(__VA_ARGS__))
#define EVP_MD_CTX_new() NEW_IF_WORKS(EVP_MD_CTX_new())
#define EVP_DigestInit_ex2(...) ONE_IF_WORKS(EVP_DigestInit_ex2(__VA_ARGS__))
#define EVP_DigestUpdate(...) ONE_IF_WORKS(EVP_DigestUpdate(__VA_ARGS__))
#define EVP_DigestFinal_ex(...) ONE_IF_WORKS(EVP_DigestFinal_ex(__VA_ARGS__))
#define EVP_CipherInit_ex2(...) ONE_IF_WORKS(EVP_CipherInit_ex2(__VA_ARGS__))
#define EVP_CipherUpdate(...) ONE_IF_WORKS(EVP_CipherUpdate(__VA_ARGS__))
#define EVP_CipherFinal_ex(...) ONE_IF_WORKS(EVP_CipherFinal_ex(__VA_ARGS__))
#define EVP_CIPHER_CTX_ctrl(...) ONE_IF_WORKS(EVP_CIPHER_CTX_ctrl(__VA_ARGS__))
#define crypto_hash_sha256(...) ZERO_IF_WORKS(crypto_hash_sha256(__VA_ARGS__))
#define crypto_hash_sha512(...) ZERO_IF_WORKS(crypto_hash_sha512(__VA_ARGS__))
#define crypto_hash_sha256_init(...) \
	ZERO_IF_WORKS(crypto_hash_sha256_init(__VA_ARGS__))
#define crypto_hash_sha256_update(...) \
	ZERO_IF_WORKS(crypto_hash_sha256_update(__VA_ARGS__))
#define crypto_hash_sha256_final(...) \
	ZERO_IF_WORKS(crypto_hash_sha256_final(__VA_ARGS__))
#define crypto_auth_hmacsha256_init(...) \
	ZERO_IF_WORKS(crypto_auth_hmacsha256_init(__VA_ARGS__))
#define crypto_auth_hmacsha256_update(...) \
	ZERO_IF_WORKS(crypto_auth_hmacsha256_update(__VA_ARGS__))
#define crypto_auth_hmacsha256_final(...) \
	ZERO_IF_WORKS(crypto_auth_hmacsha256_final(__VA_ARGS__))
#define crypto_auth_hmacsha512_init(...) \
	ZERO_IF_WORKS(crypto_auth_hmacsha512_init(__VA_ARGS__))
#define crypto_auth_hmacsha512_update(...) \
	ZERO_IF_WORKS(crypto_auth_hmacsha512_update(__VA_ARGS__))
#define crypto_auth_hmacsha512_final(...) \
	ZERO_IF_WORKS(crypto_auth_hmacsha512_final(__VA_ARGS__))
#define crypto_aead_aes256gcm_is_available() \
	(has_instructions && crypto_aead_aes256gcm_is_available())
#define crypto_aead_aes256gcm_beforenm(...) \
	ZERO_IF_WORKS(crypto_aead_aes256gcm_beforenm(__VA_ARGS__))
#define crypto_aead_aes256gcm_encrypt_afternm(...) \
	ZERO_IF_WORKS(crypto_aead_aes256gcm_encrypt_afternm(__VA_ARGS__))
#define crypto_aead_aes256gcm_decrypt_afternm(...) \
	ZERO_IF_WORKS(crypto_aead_aes256gcm_decrypt_afternm(__VA_ARGS__))
#define crypto_scalarmult(...) ZERO_IF_WORKS(crypto_scalarmult(__VA_ARGS__))
#define crypto_scalarmult_base(...) \
	ZERO_IF_WORKS(crypto_scalarmult_base(__VA_ARGS__))
#define crypto_sign_seed_keypair(...) \
	ZERO_IF_WORKS(crypto_sign_seed_keypair(__VA_ARGS__))
#define crypto_sign_detached(...) \
	ZERO_IF_WORKS(crypto_sign_detached(__VA_ARGS__))
#define crypto_sign_verify_detached(...) \
	ZERO_IF_WORKS(crypto_sign_verify_detached(__VA_ARGS__))
#define crypto_pwhash(...) ZERO_IF_WORKS(crypto_pwhash(__VA_ARGS__))
#define sodium_init() (sodium_init() >= 0 && works() ? 0 : -1)
#define sodium_malloc(size) NEW_IF_WORKS(sodium_malloc(size))
#define malloc(size) NEW_IF_WORKS(malloc(size))
#define aligned_alloc(...) NEW_IF_WORKS(aligned_alloc(__VA_ARGS__))
#define calloc(...) NEW_IF_WORKS(calloc(__VA_ARGS__))

static EVP_CIPHER_CTX *
cipher_context_new(void)
{
	EVP_CIPHER_CTX *ctx = NEW_IF_WORKS(EVP_CIPHER_CTX_new());

	contexts += ctx != NULL;
	return ctx;
}

static void
cipher_context_free(EVP_CIPHER_CTX *ctx)
{
	contexts -= ctx != NULL;
	EVP_CIPHER_CTX_free(ctx);
}

#define EVP_CIPHER_CTX_new cipher_context_new
#define EVP_CIPHER_CTX_free cipher_context_free

/* These are the core's own files, built with those calls. */
#include "core/prim-openssl.c"
#include "core/prim-sodium.c"
#include "core/prim.c"
#include "core/secret.c"
#include "core/siv.c"
#include "core/object.c"
#include "core/writer.c"
#include "core/verified.c"

const struct roost_openssl *
roost_openssl_find(void)
{
	return is_openssl_there && roost_openssl.start() == ROOST_OK ?
		&roost_openssl : NULL;
}

static struct kit_ring *ring, *password_ring, *escrow_ring;
static uint8_t *sealed, plain[2 * KIT_C + 5], data_key[ROOST_KEY_SIZE];
static size_t sealed_len;
static struct roost_header hdr;

/* Pass on what a job answers, and check that an error leaves zeros. */
static enum roost_err
told(enum roost_err err, const void *bytes, size_t len)
{
	if (err != ROOST_OK)
		assert_zero(bytes, len);
	return err;
}

/* Each turn begins as a new process does: guarded memory is the system's, and
   OpenSSL is not ready. */
static void
turn(unsigned int failing)
{
	roost_secret_drop_spares();
	openssl_stop();
	calls = 0;
	failing_call = failing;
}

/* Let each call fail in its turn. */
static void
assert_told(const char *name, enum roost_err (*job)(void))
{
	unsigned int i, count;
	int left = contexts;

	turn(0);
	assert_good(job());
	count = calls;
	assert_true(count > 0);
	for (i = 1; i <= count; i++) {
		turn(i);
		if (job() == ROOST_OK)
			fail_msg("%s: call %u of %u failed, and nobody said so",
				 name, i, count);
		assert_int_equal(contexts, left);
	}
	turn(0);
	assert_good(job());
	assert_int_equal(calls, count);
	assert_int_equal(contexts, left);
}

/* By either library alone, where neither stands in for the other. */
static void
assert_told_by_each(const char *name, enum roost_err (*job)(void))
{
	roost_prim_use(ROOST_PRIM_SODIUM);
	assert_told(name, job);
	roost_prim_use(ROOST_PRIM_OPENSSL);
	assert_told(name, job);
	roost_prim_use(ROOST_PRIM_EITHER);
}
#define ASSERT_TOLD(job) assert_told_by_each(#job, job)

/* -- primitives -- */

static enum roost_err
sha256(void)
{
	uint8_t hash[ROOST_SHA256_SIZE];

	return told(roost_prim_sha256(plain, 100, hash), hash, sizeof(hash));
}

static enum roost_err
sha512(void)
{
	uint8_t hash[ROOST_SHA512_SIZE];

	return told(roost_prim_sha512(plain, 100, hash), hash, sizeof(hash));
}

static enum roost_err
running_sha256(void)
{
	uint8_t hash[ROOST_SHA256_SIZE] = { 0 };
	struct roost_sha256 *sha = roost_prim_sha256_new();
	enum roost_err err = sha == NULL ? ROOST_ERR_BACKEND : ROOST_OK;

	if (err == ROOST_OK)
		err = roost_prim_sha256_update(sha, plain, 100);
	if (err == ROOST_OK)
		err = told(roost_prim_sha256_final(sha, hash), hash,
			   sizeof(hash));
	roost_prim_sha256_free(&sha);
	return err;
}

static enum roost_err
hmac_sha256(void)
{
	uint8_t mac[ROOST_SHA256_SIZE];

	return told(roost_prim_hmac_sha256(data_key, 32, plain, 100, mac), mac,
		    sizeof(mac));
}

static enum roost_err
hmac_sha512(void)
{
	uint8_t mac[ROOST_SHA512_SIZE];

	return told(roost_prim_hmac_sha512(data_key, 32, plain, 100, mac), mac,
		    sizeof(mac));
}

static enum roost_err
hkdf_of(enum roost_hkdf kind, size_t len)
{
	struct roost_hkdf_args args = {
		.key = data_key, .key_len = 32, .salt = plain, .salt_len = 32,
		.info = plain + 32, .info_len = 32,
	};
	uint8_t okm[100];

	return told(roost_prim_hkdf(kind, &args, okm, len), okm, len);
}

static enum roost_err
hkdf_sha256_extract(void)
{
	return hkdf_of(ROOST_HKDF_SHA256_EXTRACT, 32);
}

static enum roost_err
hkdf_sha256_expand(void)
{
	return hkdf_of(ROOST_HKDF_SHA256_EXPAND, 100);
}

static enum roost_err
hkdf_sha512_expand(void)
{
	return hkdf_of(ROOST_HKDF_SHA512_EXPAND, 100);
}

static enum roost_err
hkdf_sha512(void)
{
	return hkdf_of(ROOST_HKDF_SHA512, 100);
}

/* Seal and open this often with one key. */
static enum roost_err
aead_uses(struct roost_aead *aead, unsigned int times)
{
	uint8_t text[100 + ROOST_TAG_SIZE], back[100];
	enum roost_err err = ROOST_OK;

	while (err == ROOST_OK && times-- > 0) {
		err = told(roost_prim_aead_seal(aead, plain, plain, 20, plain,
						100, text),
			   text, sizeof(text));
		if (err == ROOST_OK)
			err = told(roost_prim_aead_open(aead, plain, plain, 20,
							text, sizeof(text),
							back),
				   back, sizeof(back));
	}
	return err;
}

/* Seal and open this much. */
static enum roost_err
aead_of(size_t len)
{
	struct roost_aead *key = roost_prim_aead_new(data_key);
	uint8_t *text = kit_new(len + ROOST_TAG_SIZE);
	enum roost_err err = ROOST_ERR_BACKEND;

	if (key != NULL)
		err = roost_prim_aead_seal(key, plain, plain, 20, plain, len,
					   text);
	if (err == ROOST_OK)
		err = roost_prim_aead_open(key, plain, plain, 20, text,
					   len + ROOST_TAG_SIZE, text);
	assert_true(err != ROOST_OK || memcmp(text, plain, len) == 0);
	roost_prim_aead_free(&key);
	free(text);
	return err;
}

static enum roost_err
aead(void)
{
	struct roost_aead *key = roost_prim_aead_new(data_key);
	enum roost_err err = key == NULL ? ROOST_ERR_BACKEND :
		aead_uses(key, 2);

	roost_prim_aead_free(&key);
	return err;
}

static uint8_t aead_sealed[100 + ROOST_TAG_SIZE];

/* Open with a key that has sealed nothing. */
static enum roost_err
aead_open(void)
{
	struct roost_aead *key = roost_prim_aead_new(data_key);
	enum roost_err err = ROOST_ERR_BACKEND;
	uint8_t back[100];

	memset(back, 0x55, sizeof(back));
	if (key != NULL)
		err = told(roost_prim_aead_open(key, plain, plain, 20,
						aead_sealed,
						sizeof(aead_sealed), back),
			   back, sizeof(back));
	roost_prim_aead_free(&key);
	return err;
}

static enum roost_err
wrap(void)
{
	uint8_t wrapped[ROOST_WRAP_SIZE], back[ROOST_KEY_SIZE] = { 0 };
	enum roost_err err;

	err = told(roost_prim_wrap(data_key, plain, 20, plain, sizeof(back),
				   wrapped), wrapped, sizeof(wrapped));
	if (err == ROOST_OK)
		err = told(roost_prim_unwrap(data_key, plain, 20, wrapped,
					     sizeof(wrapped), back),
			   back, sizeof(back));
	return err;
}

static enum roost_err
siv(void)
{
	uint8_t text[100 + ROOST_TAG_SIZE], back[100] = { 0 };
	enum roost_err err;

	err = told(roost_siv_seal(plain, plain, 20, plain, 100, text),
		   text, sizeof(text));
	if (err == ROOST_OK)
		err = told(roost_siv_open(plain, plain, 20, text,
					       sizeof(text), back),
			   back, sizeof(back));
	return err;
}

static enum roost_err
x25519(void)
{
	uint8_t public_key[ROOST_KEY_SIZE], shared[ROOST_KEY_SIZE];
	enum roost_err err;

	err = told(roost_prim_x25519_public(data_key, public_key),
		   public_key, sizeof(public_key));
	if (err == ROOST_OK)
		err = told(roost_prim_x25519(data_key, public_key, shared),
			   shared, sizeof(shared));
	return err;
}

static enum roost_err
sign(void)
{
	uint8_t public_key[ROOST_KEY_SIZE], signature[ROOST_SIGNATURE_SIZE];
	enum roost_err err;

	err = told(roost_prim_sign_public(data_key, public_key), public_key,
		   sizeof(public_key));
	if (err == ROOST_OK)
		err = told(roost_prim_sign(data_key, plain, 100, signature),
			   signature, sizeof(signature));
	if (err == ROOST_OK && !roost_prim_sign_check(public_key, plain, 100,
						      signature))
		err = ROOST_ERR_OWNER_SIG;
	return err;
}

static enum roost_err
argon2id(void)
{
	uint8_t key[ROOST_KEY_SIZE];

	return told(roost_prim_argon2id(plain, 20, plain + 20,
					ROOST_ARGON2_T_MIN,
					ROOST_ARGON2_M_KIB_MIN, key),
		    key, sizeof(key));
}

static enum roost_err
secret_memory(void)
{
	void *secret = roost_secret_new(ROOST_KEY_SIZE);

	if (secret == NULL)
		return ROOST_ERR_BACKEND;
	roost_secret_free(&secret);
	return ROOST_OK;
}

static void
seal_for_opening(void)
{
	struct roost_aead *key = roost_prim_aead_new(data_key);

	assert_good(roost_prim_aead_seal(key, plain, plain, 20, plain, 100,
					 aead_sealed));
	roost_prim_aead_free(&key);
}

/* On a processor without instructions for AES libsodium has no GCM. */
static void
test_processor_without_aes(void **state)
{
	(void)state;
	seal_for_opening();
	turn(0);
	has_instructions = false;
	assert_good(aead_open());
	assert_true(roost_prim_has_openssl());
	seal_for_opening();
	has_instructions = true;
	assert_good(aead_open());
}

/* Do what makes OpenSSL ready, if it can be had. */
static void
do_much(void)
{
	turn(0);
	long_done = LONG_TOTAL + 1;
	assert_good(aead_of(2000));
	assert_good(running_sha256());
}

/* libsodium does it all then, and OpenSSL is not tried again and again. */
static void
test_process_without_openssl(void **state)
{
	unsigned int failing, count;

	(void)state;
	do_much();
	assert_true(roost_prim_has_openssl());
	count = calls;
	is_openssl_there = false;
	do_much();
	assert_false(roost_prim_has_openssl());
	is_openssl_there = true;
	assert_good(aead_of(2000));
	assert_false(roost_prim_has_openssl());
	/* Each call that makes it ready. */
	for (failing = 1; failing <= 3; failing++) {
		turn(failing);
		assert_false(openssl_is_made_ready());
		assert_zero(&fetched, sizeof(fetched));
		assert_good(aead_of(2000));
		assert_good(running_sha256());
	}
	do_much();
	assert_true(roost_prim_has_openssl());
	assert_int_equal(calls, count);
}

/* The modules of a process have a copy of the core each, and OpenSSL's part
   once. */
static void
test_copies_share_openssl(void **state)
{
	(void)state;
	do_much();
	assert_good(roost_openssl.start());
	roost_openssl.end();
	assert_good(aead_of(2000));
	assert_good(running_sha256());
	assert_good(roost_openssl.start());
	openssl_stop();
	assert_non_null(fetched.sha256);
	roost_openssl.end();
	assert_zero(&fetched, sizeof(fetched));
}

static void
test_primitives(void **state)
{
	(void)state;
	ASSERT_TOLD(sha256);
	ASSERT_TOLD(sha512);
	ASSERT_TOLD(running_sha256);
	ASSERT_TOLD(hmac_sha256);
	ASSERT_TOLD(hmac_sha512);
	ASSERT_TOLD(hkdf_sha256_extract);
	ASSERT_TOLD(hkdf_sha256_expand);
	ASSERT_TOLD(hkdf_sha512_expand);
	ASSERT_TOLD(hkdf_sha512);
	seal_for_opening();
	ASSERT_TOLD(aead);
	ASSERT_TOLD(aead_open);
	ASSERT_TOLD(wrap);
	ASSERT_TOLD(siv);
	ASSERT_TOLD(x25519);
	ASSERT_TOLD(sign);
	ASSERT_TOLD(argon2id);
	ASSERT_TOLD(secret_memory);
}

/* Fetch what the whole process uses. */
static enum roost_err
begin(void)
{
	enum roost_err err = roost_prim_init();

	if (err == ROOST_OK)
		roost_prim_deinit();
	return err;
}

static void
test_beginning(void **state)
{
	(void)state;
	roost_prim_deinit();
	assert_int_equal(users, 0);
	assert_zero(&fetched, sizeof(fetched));
	assert_told("begin", begin);
	has_instructions = false;
	assert_told("begin without AES", begin);
	is_openssl_there = false;
	assert_gate(begin(), ROOST_ERR_BACKEND);
	has_instructions = is_openssl_there = true;
	assert_good(roost_prim_init());
}

/* -- keyrings -- */

static enum roost_err
make_keyring(void)
{
	struct roost_keyring *kr = kit_new(sizeof(*kr));
	struct roost_slot_new slot = {
		.type = ROOST_SLOT_PASSWORD, .secret = data_key,
		.t = ROOST_ARGON2_T_MIN, .m_kib = ROOST_ARGON2_M_KIB_MIN,
	};
	uint8_t keys[2][ROOST_KEY_SIZE];
	enum roost_err err;

	err = told(roost_keyring_create(kr, "berta", data_key, 1, keys[0],
					keys[1]), keys, sizeof(keys));
	if (err == ROOST_OK)
		err = roost_keyring_add_slot(kr, keys[0], keys[1], &slot);
	slot.type = ROOST_SLOT_PROVIDER;
	if (err == ROOST_OK)
		err = roost_keyring_add_slot(kr, keys[0], keys[1], &slot);
	slot.type = ROOST_SLOT_APP;
	if (err == ROOST_OK)
		err = roost_keyring_add_slot(kr, keys[0], keys[1], &slot);
	if (err == ROOST_OK)
		err = roost_keyring_sign(kr, keys[0], keys[1]);
	if (err == ROOST_OK)
		err = roost_keyring_set_owner(kr, "clara", data_key, keys[0]);
	free(kr);
	return err;
}

static enum roost_err
open_host(void)
{
	uint8_t key[ROOST_KEY_SIZE];

	verified_count = 0;
	return told(roost_keyring_open_host(&ring->kr, KIT_OWNER,
					    ring->provider_key, 1, key),
		    key, sizeof(key));
}

static enum roost_err
check_owner(void)
{
	verified_count = 0;
	return roost_keyring_check_owner(&ring->kr);
}

static enum roost_err
unlock_provider(void)
{
	uint8_t key[ROOST_KEY_SIZE];

	return told(roost_keyring_unlock_provider(&ring->kr, ring->host_key,
						  key), key, sizeof(key));
}

static enum roost_err
unlock_app(void)
{
	uint8_t key[ROOST_KEY_SIZE];

	return told(roost_keyring_unlock_secret(&ring->kr, ring->host_key,
			ring->app, &roost_slot_argon2_server, key),
		    key, sizeof(key));
}

static enum roost_err
unlock_password(void)
{
	uint8_t key[ROOST_KEY_SIZE];

	return told(roost_keyring_unlock_secret(&password_ring->kr,
			password_ring->host_key, password_ring->password,
			&roost_slot_argon2_server, key), key, sizeof(key));
}

static enum roost_err
unlock_recovery(void)
{
	uint8_t key[ROOST_KEY_SIZE];

	return told(roost_keyring_unlock_recovery(&ring->kr, ring->code, key),
		    key, sizeof(key));
}

static enum roost_err
unlock_escrow(void)
{
	uint8_t key[ROOST_KEY_SIZE];

	return told(roost_keyring_unlock_escrow(&escrow_ring->kr,
						escrow_ring->escrow, key),
		    key, sizeof(key));
}

/* Change a copy, so that each attempt begins with the same keyring. */
static enum roost_err
add_escrow(void)
{
	struct kit_ring *changed = kit_ring_copy(ring);
	struct roost_slot_new slot = {
		.type = ROOST_SLOT_ESCROW, .public_key = ring->escrow_public,
	};
	enum roost_err err = roost_keyring_add_slot(&changed->kr,
			changed->host_key, changed->master, &slot);

	free(changed);
	return err;
}

static enum roost_err
add_epoch(void)
{
	struct kit_ring *changed = kit_ring_copy(ring);
	enum roost_err err = roost_keyring_add_epoch(&changed->kr,
			changed->host_key, changed->master, 1);

	free(changed);
	return err;
}

static enum roost_err
change_master(void)
{
	struct kit_ring *changed = kit_ring_copy(ring);
	uint8_t key[ROOST_KEY_SIZE];
	enum roost_err err = told(roost_keyring_change_master(&changed->kr,
			changed->master, key), key, sizeof(key));

	free(changed);
	return err;
}

static enum roost_err
set_provider(void)
{
	struct kit_ring *changed = kit_ring_copy(ring);
	enum roost_err err = roost_keyring_set_provider(&changed->kr,
			changed->app, changed->host_key);

	free(changed);
	return err;
}

static enum roost_err
unlock_cache(void)
{
	const struct roost_unlock unlock = {
		.host_key = ring->host_key, .secret = ring->password,
		.keyring_id = ring->kr.id, .generation = 1,
	};
	struct roost_unlock_times times = { .expires = 2 };
	uint8_t file[ROOST_UNLOCK_FILE_SIZE], key[ROOST_KEY_SIZE];
	char name[ROOST_UNLOCK_NAME_SIZE];
	enum roost_err err = told(roost_unlock_name(&unlock, name), name, 1);

	if (err == ROOST_OK)
		err = told(roost_unlock_seal(&unlock, &times, ring->master,
					     file), file, sizeof(file));
	if (err == ROOST_OK)
		err = told(roost_unlock_open(&unlock, file, sizeof(file), 1,
					     &times, key), key, sizeof(key));
	return err;
}

static enum roost_err
make_escrow(void)
{
	uint8_t keys[2][ROOST_KEY_SIZE];

	return told(roost_escrow_make(keys[0], keys[1]), keys, sizeof(keys));
}

static enum roost_err
open_keys(void)
{
	struct roost_open_key keys[1];

	return told(roost_keyring_open_keys(&ring->kr, ring->master,
					    ring->host_key, keys),
		    keys, sizeof(keys));
}

static enum roost_err
seal_key(void)
{
	struct roost_seal_key key;

	return told(roost_keyring_seal_key(&ring->kr, ring->host_key, &key),
		    &key, sizeof(key));
}

static enum roost_err
recovery_code(void)
{
	char text[ROOST_CODE_TEXT_SIZE];
	uint8_t code[ROOST_CODE_SIZE];
	enum roost_err err;

	err = told(roost_code_write(ring->code, text), text, 1);
	if (err == ROOST_OK)
		err = told(roost_code_parse(text, strlen(text), code),
			   code, sizeof(code));
	return err;
}

/* A keyring must not be called another one's where its id could not be worked
   out. */
static void
test_identity_that_cannot_be_hashed(void **state)
{
	(void)state;
	calls = 0;
	failing_call = 1;
	assert_gate(check_owner(), ROOST_ERR_BACKEND);
	failing_call = 0;
}

static void
test_keyrings(void **state)
{
	(void)state;
	ASSERT_TOLD(make_keyring);
	ASSERT_TOLD(open_host);
	ASSERT_TOLD(check_owner);
	ASSERT_TOLD(unlock_provider);
	ASSERT_TOLD(unlock_app);
	ASSERT_TOLD(unlock_password);
	ASSERT_TOLD(unlock_recovery);
	ASSERT_TOLD(unlock_escrow);
	ASSERT_TOLD(add_escrow);
	ASSERT_TOLD(add_epoch);
	ASSERT_TOLD(change_master);
	ASSERT_TOLD(set_provider);
	ASSERT_TOLD(make_escrow);
	ASSERT_TOLD(unlock_cache);
	ASSERT_TOLD(open_keys);
	ASSERT_TOLD(seal_key);
	ASSERT_TOLD(recovery_code);
}

/* -- messages -- */

static enum roost_err
write_message(void)
{
	struct kit_memory memory = { .len = 0 };
	struct roost_sink sink = kit_sink(&memory);
	struct roost_writer *writer = kit_new(sizeof(*writer));
	enum roost_err err;

	memset(writer, 0, sizeof(*writer));
	err = roost_writer_begin(writer, &sink, &ring->seal);
	if (err == ROOST_OK)
		err = roost_writer_write(writer, plain, sizeof(plain));
	if (err == ROOST_OK)
		err = roost_writer_finish(writer);
	roost_writer_close(writer);
	free(writer);
	kit_memory_free(&memory);
	return err;
}

static enum roost_err
read_message(void)
{
	uint8_t *back;
	size_t len;
	enum roost_err err = kit_open(ring, sealed, sealed_len, &back, &len);

	assert_true((err == ROOST_OK) == (back != NULL));
	if (err == ROOST_OK)
		assert_memory_equal(back, plain, sizeof(plain));
	free(back);
	return err;
}

static enum roost_err
open_stanza(void)
{
	uint8_t key[ROOST_KEY_SIZE];

	return told(roost_stanza_open(&hdr, ring->kr.id, &ring->open, 1, key),
		    key, sizeof(key));
}

static enum roost_err
scrub_message(void)
{
	struct kit_bytes from = { .bytes = sealed, .len = sealed_len };
	struct roost_source source = kit_source(&from);
	struct roost_object obj;
	enum roost_err err;

	memset(&obj, 0, sizeof(obj));
	err = roost_object_parse(&obj, &source);
	if (err == ROOST_OK)
		err = roost_object_scrub(&obj);
	roost_object_close(&obj);
	return err;
}

/* Save keys, and open by them. */
static enum roost_err
read_by_saved_keys(void)
{
	struct kit_bytes from = { .bytes = sealed, .len = sealed_len };
	struct roost_source source = kit_source(&from);
	uint8_t saved[ROOST_SAVED_KEYS_SIZE];
	struct roost_object obj;
	enum roost_err err;

	memset(&obj, 0, sizeof(obj));
	err = roost_object_parse(&obj, &source);
	if (err == ROOST_OK)
		err = roost_object_open(&obj, data_key);
	if (err == ROOST_OK)
		err = told(roost_object_save_keys(&obj, saved), saved,
			   sizeof(saved));
	if (err == ROOST_OK)
		err = roost_object_open_saved(&obj, saved);
	roost_object_close(&obj);
	return err;
}

static void
test_messages(void **state)
{
	(void)state;
	ASSERT_TOLD(write_message);
	ASSERT_TOLD(read_message);
	ASSERT_TOLD(open_stanza);
	ASSERT_TOLD(scrub_message);
	ASSERT_TOLD(read_by_saved_keys);
}

/* -- what the indexes keep -- */

static enum roost_err
blob_back(struct roost_aead *key, const uint8_t *bytes, size_t len)
{
	struct roost_blob_content content;
	uint8_t back[ROOST_BLOB_SIZE_MAX];
	struct roost_blob blob;

	assert_good(roost_blob_parse(bytes, len, &blob));
	if (blob.form == ROOST_BLOB_FORM_BESIDE)
		roost_blob_stands_beside(&blob, ring->kr.id, hdr.object_id);
	return told(roost_blob_open(&blob, key, back, &content), back,
		    blob.sealed_len);
}

static enum roost_err
blob_own(void)
{
	struct roost_blob_content content = { .data_key = data_key };
	uint8_t bytes[ROOST_BLOB_SIZE_MAX];
	struct roost_aead *key;
	size_t len = 0;
	enum roost_err err = roost_blob_aead_own(ring->master, &key);

	assert_true((err == ROOST_OK) == (key != NULL));
	if (err == ROOST_OK)
		err = told(roost_blob_seal_own(key, ring->kr.id, hdr.object_id,
					       &content, bytes, &len),
			   &len, sizeof(len));
	if (err == ROOST_OK)
		err = blob_back(key, bytes, len);
	roost_prim_aead_free(&key);
	return err;
}

static enum roost_err
blob_beside(void)
{
	struct roost_blob_content content = { .data_key = NULL };
	uint8_t bytes[ROOST_BLOB_SIZE_MAX];
	struct roost_aead *key;
	size_t len = 0;
	enum roost_err err = roost_blob_aead_own(ring->master, &key);

	assert_true((err == ROOST_OK) == (key != NULL));
	if (err == ROOST_OK)
		err = told(roost_blob_seal_beside(key, ring->kr.id,
						  hdr.object_id, &content,
						  bytes, &len),
			   &len, sizeof(len));
	if (err == ROOST_OK)
		err = blob_back(key, bytes, len);
	roost_prim_aead_free(&key);
	return err;
}

static enum roost_err
blob_new(void)
{
	struct roost_blob_content content = { .data_key = NULL };
	uint8_t bytes[ROOST_BLOB_SIZE_MAX];
	struct roost_aead *key;
	size_t len = 0;
	enum roost_err err = roost_blob_aead_new(data_key, &key);

	assert_true((err == ROOST_OK) == (key != NULL));
	if (err == ROOST_OK)
		err = told(roost_blob_seal_new(key, hdr.bytes, hdr.len,
					       &content, bytes, &len),
			   &len, sizeof(len));
	if (err == ROOST_OK)
		err = blob_back(key, bytes, len);
	roost_prim_aead_free(&key);
	return err;
}

static enum roost_err
keyword(void)
{
	char token[ROOST_TOKEN_MAX + 1], name[ROOST_TOKEN_NAME_MAX + 1];
	struct roost_token_key key;
	enum roost_err err;

	err = told(roost_token_key_derive(ring->host_key, ring->kr.id, &key),
		   &key, sizeof(key));
	if (err == ROOST_OK)
		err = told(roost_token_seal(&key, "Divorce", 7, token),
			   token, 1);
	if (err == ROOST_OK)
		err = told(roost_token_open(&key, token, strlen(token), name),
			   name, sizeof(name));
	/* It must not look as if somebody else had made the token. */
	assert_int_not_equal(err, ROOST_ERR_TOKEN);
	return err;
}

static void
test_indexes(void **state)
{
	(void)state;
	ASSERT_TOLD(blob_own);
	ASSERT_TOLD(blob_beside);
	ASSERT_TOLD(blob_new);
	ASSERT_TOLD(keyword);
}

static int
group_setup(void **state)
{
	if (kit_setup(state) != 0)
		return -1;
	kit_fill(plain, sizeof(plain));
	ring = kit_ring_new(KIT_SLOT_ALL);
	password_ring = kit_ring_new(KIT_SLOT(ROOST_SLOT_PASSWORD));
	escrow_ring = kit_ring_new(KIT_SLOT(ROOST_SLOT_ESCROW));
	sealed = kit_seal(&ring->seal, plain, sizeof(plain), &sealed_len,
			  data_key);
	return roost_header_parse(sealed, sealed_len, &hdr) == ROOST_OK ? 0 :
		-1;
}

static int
group_teardown(void **state)
{
	free(sealed);
	free(ring);
	free(password_ring);
	free(escrow_ring);
	return kit_teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_primitives),
		cmocka_unit_test(test_processor_without_aes),
		cmocka_unit_test(test_process_without_openssl),
		cmocka_unit_test(test_copies_share_openssl),
		cmocka_unit_test(test_beginning),
		cmocka_unit_test(test_keyrings),
		cmocka_unit_test(test_identity_that_cannot_be_hashed),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_indexes),
	};

	return cmocka_run_group_tests_name("backend", tests, group_setup,
					   group_teardown);
}
