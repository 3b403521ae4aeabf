/* SPDX-License-Identifier: MIT */
#ifndef ROOST_ERR_H
#define ROOST_ERR_H

/*
 * err: one value for every gate at which an input can be refused.
 *
 * Promises: a value names exactly one gate, its name and its phrase are
 * constants, and none of them carries anything of the input.  The gates of a
 * sealed message stand in the order in which FORMAT.md 6 tries them, those of a
 * keyring in the order of FORMAT.md 9.
 */

#define ROOST_CHECKED __attribute__((warn_unused_result))

enum roost_err {
	ROOST_OK = 0,

	/* A sealed message (FORMAT.md 6). */
	ROOST_ERR_HEADER_SHORT,		/* ends inside the header */
	ROOST_ERR_MAGIC,
	ROOST_ERR_VERSION,
	ROOST_ERR_SUITE,
	ROOST_ERR_FLAG,			/* an unknown critical flag */
	ROOST_ERR_RESERVED,		/* a reserved byte is not zero */
	ROOST_ERR_STANZA_COUNT,		/* none, or more than eight */
	ROOST_ERR_STANZA_TABLE,		/* does not end where the header says */
	ROOST_ERR_STANZA_TYPE,		/* type 0, or a reserved role */
	ROOST_ERR_STANZA_LENGTH,	/* wrong for a known type */
	ROOST_ERR_STANZA_DUPLICATE,	/* one key id stands twice */
	ROOST_ERR_OTHER_KEYRING,
	ROOST_ERR_NO_KEY,		/* no stanza for any key at hand */
	ROOST_ERR_LOW_ORDER,		/* the shared secret is all zero */
	ROOST_ERR_STANZA_AUTH,
	ROOST_ERR_PROLOGUE_SHORT,
	ROOST_ERR_COMMITMENT,
	ROOST_ERR_LENGTH,		/* no object can be that long */
	ROOST_ERR_FINAL_CHUNK,
	ROOST_ERR_CHUNK,
	ROOST_ERR_DIGEST,		/* found by a scrub only */

	/* The text of a keyring document (FORMAT.md 7). */
	ROOST_ERR_DOC_SIZE,		/* empty or over 65536 bytes */
	ROOST_ERR_DOC_VERSION,		/* not "roost-keyring 1" */
	ROOST_ERR_DOC_LINE,		/* wrong byte, blank, or no last LF */
	ROOST_ERR_DOC_RECORD,		/* unknown, missing, twice, misplaced */
	ROOST_ERR_DOC_FIELD,		/* wrong number of fields, or word */
	ROOST_ERR_DOC_NUMBER,
	ROOST_ERR_DOC_BASE64,
	ROOST_ERR_DOC_OWNER,		/* the owner is not in escaped form */
	ROOST_ERR_DOC_EPOCH,		/* the epochs are not 1, 2, 3, ... */
	ROOST_ERR_DOC_SLOT,		/* slots not ascending, three passwords,
					   none, or more than 64 */

	/* Loading and unlocking a keyring (FORMAT.md 9). */
	ROOST_ERR_OWNER,		/* the keyring of another user */
	ROOST_ERR_PROVIDER_KEY,		/* wrapped by a key not at hand */
	ROOST_ERR_HOST_AUTH,
	ROOST_ERR_PROVIDER_MAC,
	ROOST_ERR_IDENTITY,		/* the id is not the identity's */
	ROOST_ERR_OWNER_SIG,
	ROOST_ERR_ARGON2_LIMIT,		/* t or m outside what is allowed */
	ROOST_ERR_NO_SLOT,		/* no slot of the kind asked for */
	ROOST_ERR_SLOT_AUTH,		/* the secret opens no slot */
	ROOST_ERR_SECRETS,
	ROOST_ERR_IDENTITY_KEY,		/* its private key is that of another */
	ROOST_ERR_EPOCH_KEY,		/* a private key or psk that is not that
					   of its epoch */

	/* What the index holds (FORMAT.md 12 and 13). */
	ROOST_ERR_BLOB_FORM,		/* cannot be a blob */
	ROOST_ERR_BLOB_AUTH,
	ROOST_ERR_BLOB_CONTENT,		/* opened, but not understood */
	ROOST_ERR_TOKEN,		/* no token of this keyring */

	/* A secret as a person or a file gives it (FORMAT.md 10). */
	ROOST_ERR_CODE_TYPO,		/* no whole code, or a wrong checksum */
	ROOST_ERR_KEY_FILE,		/* not 64 hexadecimal digits */
	ROOST_ERR_ESCROW_FILE,		/* not an escrow key of the kind asked
					   for */

	/* The unlock cache (FORMAT.md 14). */
	ROOST_ERR_UNLOCK_FILE,		/* malformed, expired, or does not
					   open */

	/* Errors that are not the input's fault. */
	ROOST_ERR_LOCKED,		/* the keyring is not unlocked */
	ROOST_ERR_LAST_SLOT,		/* without it nobody could open the
					   keyring */
	ROOST_ERR_LIMIT,		/* the caller's buffer or a counter is
					   too small */
	ROOST_ERR_IO,			/* the caller's read or write failed */
	ROOST_ERR_AGAIN,		/* the caller's read has nothing yet */
	ROOST_ERR_BACKEND,		/* the crypto library failed */

	ROOST_ERR_COUNT
};

/* Returns the name that vectors and metrics use: "header-short", "wrong-magic",
   ... */
const char *roost_err_name(enum roost_err err);

/* Returns a phrase for a log line, for example "final chunk does not open". */
const char *roost_err_phrase(enum roost_err err);

#endif
