/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_INSPECT_H
#define ROOST_SESSION_INSPECT_H

/*
 * inspect: looking at a stored message without opening it.
 *
 * Needs no key and changes nothing: the storage's last error and the mail are
 * afterwards as they were.
 */

#include "dovecot/compat.h"

#include "roost/header.h"

/* The hook, which must see a stream before all others, so that bytes are as
   the storage has them. */
void roost_inspect_allocated(struct mail *mail);

/*
 * Have the stored bytes given to inspect, which may read the stream but not
 * keep it.  1 inspected; 0 this mail's file is not seen here (another kind of
 * storage, or the hook was not set for its user); -1 it could not be opened.
 */
int roost_inspect(struct mail *mail,
		  void (*inspect)(void *context, struct istream *stored),
		  void *context);

/*
 * The same, but inspect is also given what the plugin mail_crypt makes of the
 * stored bytes: by a second hook, which must come after that plugin's and
 * before Roost's.  The stored bytes are then there to be compared and not to be
 * read.  -1 also if that plugin fails; then error_r says why.
 */
void roost_inspect_decrypted_allocated(struct mail *mail);
int roost_inspect_decrypted(struct mail *mail,
			    void (*inspect)(void *context,
					    struct istream *stored,
					    struct istream *decrypted),
			    void *context, const char **error_r);

/* True if the stream, at its start, claims to be a sealed message; or one that
   mail_crypt has encrypted. */
bool roost_inspect_is_claimed(struct istream *stored);
bool roost_inspect_is_crypted(struct istream *stored);

/* What the header of a stored message tells. */
struct roost_peek {
	bool is_sealed;			/* it claims to be */
	bool is_crypted;		/* by Dovecot's plugin mail_crypt */
	bool has_header;		/* and its fixed header is right */
	uint8_t keyring_id[ROOST_ID_SIZE];
	uint64_t sealed_size, plain_size;	/* 0: impossible length */
	/* The epochs' keys that its data key is sealed to; none if the table of
	   stanzas is wrong. */
	unsigned int key_id_count;
	uint8_t key_ids[ROOST_STANZAS_MAX][ROOST_KEY_ID_SIZE];
};

/* Reads what the header at the start of the stream tells. */
void roost_inspect_read(struct istream *stored, struct roost_peek *peek_r);

/* What the header tells; answers as roost_inspect().  *peek_r is all zero
   unless it answers 1. */
int roost_inspect_peek(struct mail *mail, struct roost_peek *peek_r);

#endif
