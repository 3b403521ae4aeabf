/* SPDX-License-Identifier: MIT */
#ifndef ROOST_UNLOCK_H
#define ROOST_UNLOCK_H

/*
 * unlock: a file of the unlock cache, which spares the connections after the
 * first one Argon2id's cost (FORMAT.md 14).  Where such files lie, and when
 * they are removed, is not known here.
 *
 * Promises: a file opens with the host key and the user's secret together, for
 * one generation of one keyring, and until it expires.
 */

#include "roost/header.h"
#include "roost/prim.h"

#define ROOST_UNLOCK_NAME_SIZE (2 * ROOST_SHA256_SIZE + 1)
#define ROOST_UNLOCK_FILE_SIZE 109
#define ROOST_UNLOCK_LIFE_MAX 43200	/* seconds from created to expires */

/* What a file is for.  Everything is borrowed. */
struct roost_unlock {
	const uint8_t *host_key;	/* 32 bytes */
	const uint8_t *secret;		/* the 32 bytes of roost_secret_key */
	const uint8_t *keyring_id;	/* ROOST_ID_SIZE bytes */
	uint64_t generation;
};

/* Unix seconds. */
struct roost_unlock_times {
	uint64_t created, expires;
};

/* The file's name, which tells nothing to who lacks the host key.  name_r is
   empty after an error. */
enum roost_err roost_unlock_name(const struct roost_unlock *unlock,
				 char name_r[ROOST_UNLOCK_NAME_SIZE])
	ROOST_CHECKED;

/* Make the file's contents, under a fresh salt.  ROOST_ERR_LIMIT for times that
   a reader would refuse; file_r is zero after an error. */
enum roost_err roost_unlock_seal(const struct roost_unlock *unlock,
				 const struct roost_unlock_times *times,
				 const uint8_t master[ROOST_KEY_SIZE],
				 uint8_t file_r[ROOST_UNLOCK_FILE_SIZE])
	ROOST_CHECKED;

/* Open the file's contents, at the time now.  ROOST_ERR_UNLOCK_FILE if they
   are not valid; master_r and times_r are zero after an error, else the caller
   wipes master_r. */
enum roost_err roost_unlock_open(const struct roost_unlock *unlock,
				 const uint8_t *file, size_t len, uint64_t now,
				 struct roost_unlock_times *times_r,
				 uint8_t master_r[ROOST_KEY_SIZE])
	ROOST_CHECKED;

#endif
