/* SPDX-License-Identifier: MIT */
#ifndef ROOST_OPENSSL_H
#define ROOST_OPENSSL_H

/*
 * openssl: what OpenSSL does for Roost, behind one table.
 *
 * OpenSSL is faster than libsodium where there is much to do, but takes longer
 * to be mapped and made ready than opening a whole mailbox's list does, and
 * memory in each process.  So the plugins have it in a library of its own,
 * which is mapped when there is much to do.  A program that links the core
 * statically has it in itself.
 */

#include "roost/prim.h"

struct roost_openssl_sha256;
struct roost_openssl_gcm;

/*
 * start makes OpenSSL ready, and reads its configuration; each start that
 * returned ROOST_OK has one end.  Everything else is called in between
 * only.  sha256 and gcm keep the promises of roost_prim_sha256 and
 * roost_prim_aead in roost/prim.h; what gcm_open is given has at least a tag.
 */
struct roost_openssl {
	enum roost_err (*start)(void);
	void (*end)(void);

	struct roost_openssl_sha256 *(*sha256_new)(void);
	enum roost_err (*sha256_update)(struct roost_openssl_sha256 *sha,
					const void *bytes, size_t len);
	enum roost_err (*sha256_final)(struct roost_openssl_sha256 *sha,
				       uint8_t hash_r[ROOST_SHA256_SIZE]);
	void (*sha256_free)(struct roost_openssl_sha256 **sha);

	struct roost_openssl_gcm *(*gcm_new)(
		const uint8_t key[ROOST_KEY_SIZE]);
	enum roost_err (*gcm_seal)(struct roost_openssl_gcm *gcm,
				   const uint8_t nonce[ROOST_NONCE_SIZE],
				   const void *ad, size_t ad_len,
				   const uint8_t *plain, size_t len,
				   uint8_t *sealed_r);
	enum roost_err (*gcm_open)(struct roost_openssl_gcm *gcm,
				   const uint8_t nonce[ROOST_NONCE_SIZE],
				   const void *ad, size_t ad_len,
				   const uint8_t *sealed, size_t len,
				   uint8_t *plain_r);
	void (*gcm_free)(struct roost_openssl_gcm **gcm);
};

/* The table, where OpenSSL is linked. */
extern const struct roost_openssl roost_openssl;

/* Returns the table, started, or NULL if this process cannot have OpenSSL; the
   core ends it.  The core asks once between roost_prim_init() and
   roost_prim_deinit(), and not before it needs it.  core/openssl-linked.c
   answers for a program that has OpenSSL in itself; whoever has it elsewhere
   answers instead, and tells why there is none. */
const struct roost_openssl *roost_openssl_find(void);

#endif
