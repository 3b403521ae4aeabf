/* SPDX-License-Identifier: MIT */
/*
 * err: the names of the gates.  See roost/err.h.
 */
#include "roost/err.h"

#include <stddef.h>

struct gate {
	const char *name;
	const char *phrase;
};

static const struct gate gates[ROOST_ERR_COUNT] = {
	[ROOST_OK] = { "ok", "success" },
	[ROOST_ERR_HEADER_SHORT] = { "header-short",
		"the file ends inside the header" },
	[ROOST_ERR_MAGIC] = { "wrong-magic", "the magic is wrong" },
	[ROOST_ERR_VERSION] = { "unknown-version",
		"written by a newer Roost" },
	[ROOST_ERR_SUITE] = { "unknown-suite",
		"sealed with a suite this Roost does not know" },
	[ROOST_ERR_FLAG] = { "critical-flag",
		"a critical flag this Roost does not know is set" },
	[ROOST_ERR_RESERVED] = { "reserved-byte",
		"a reserved byte is not zero" },
	[ROOST_ERR_STANZA_COUNT] = { "stanza-count",
		"the number of stanzas is not 1 to 8" },
	[ROOST_ERR_STANZA_TABLE] = { "stanza-table",
		"the stanza table does not end where the header says" },
	[ROOST_ERR_STANZA_TYPE] = { "stanza-type",
		"a stanza has type 0 or a reserved role" },
	[ROOST_ERR_STANZA_LENGTH] = { "stanza-length",
		"a stanza has the wrong length for its type" },
	[ROOST_ERR_STANZA_DUPLICATE] = { "stanza-duplicate",
		"two stanzas have one key id" },
	[ROOST_ERR_OTHER_KEYRING] = { "other-keyring",
		"sealed for another keyring" },
	[ROOST_ERR_NO_KEY] = { "no-key",
		"no stanza is for a key of this keyring" },
	[ROOST_ERR_LOW_ORDER] = { "low-order",
		"a stanza holds a low-order public key" },
	[ROOST_ERR_STANZA_AUTH] = { "stanza-auth",
		"the stanza does not open" },
	[ROOST_ERR_PROLOGUE_SHORT] = { "prologue-short",
		"the file ends inside the prologue" },
	[ROOST_ERR_COMMITMENT] = { "commitment",
		"the commitment does not match the header" },
	[ROOST_ERR_LENGTH] = { "impossible-length",
		"no sealed message can have this length" },
	[ROOST_ERR_FINAL_CHUNK] = { "final-chunk",
		"the final chunk does not open" },
	[ROOST_ERR_CHUNK] = { "chunk", "a chunk does not open" },
	[ROOST_ERR_DIGEST] = { "digest", "the digest does not match" },

	[ROOST_ERR_DOC_SIZE] = { "doc-size",
		"the keyring is empty or larger than 65536 bytes" },
	[ROOST_ERR_DOC_VERSION] = { "doc-version",
		"this is not a keyring of version 1" },
	[ROOST_ERR_DOC_LINE] = { "doc-line",
		"a line of the keyring is not clean text ended by LF" },
	[ROOST_ERR_DOC_RECORD] = { "doc-record",
		"a record of the keyring is unknown, missing, repeated "
		"or out of order" },
	[ROOST_ERR_DOC_FIELD] = { "doc-field",
		"a record of the keyring has the wrong fields" },
	[ROOST_ERR_DOC_NUMBER] = { "doc-number",
		"a number of the keyring is malformed or too large" },
	[ROOST_ERR_DOC_BASE64] = { "doc-base64",
		"a binary field of the keyring is malformed" },
	[ROOST_ERR_DOC_OWNER] = { "doc-owner",
		"the owner of the keyring is not in escaped form" },
	[ROOST_ERR_DOC_EPOCH] = { "doc-epoch",
		"the epochs of the keyring are not 1, 2, 3 and so on" },
	[ROOST_ERR_DOC_SLOT] = { "doc-slot",
		"the slots of the keyring are not 1 to 64 ascending ones "
		"with at most two passwords among them" },

	[ROOST_ERR_OWNER] = { "owner", "the keyring is another user's" },
	[ROOST_ERR_PROVIDER_KEY] = { "provider-key",
		"the keyring was made with another provider key" },
	[ROOST_ERR_HOST_AUTH] = { "host-auth",
		"the host key does not unwrap" },
	[ROOST_ERR_PROVIDER_MAC] = { "provider-mac",
		"the provider-mac does not match: the keyring was changed" },
	[ROOST_ERR_IDENTITY] = { "identity",
		"the id is not the one of the identity" },
	[ROOST_ERR_OWNER_SIG] = { "owner-sig",
		"the owner-sig does not verify: the keyring was changed" },
	[ROOST_ERR_ARGON2_LIMIT] = { "argon2-limit",
		"the Argon2id cost is outside the allowed range" },
	[ROOST_ERR_NO_SLOT] = { "no-slot",
		"the keyring has no slot of this kind" },
	[ROOST_ERR_SLOT_AUTH] = { "slot-auth",
		"the secret opens no slot of the keyring" },
	[ROOST_ERR_SECRETS] = { "secrets",
		"the private keys do not decrypt" },
	[ROOST_ERR_IDENTITY_KEY] = { "identity-key",
		"the private key is not the one of the identity" },
	[ROOST_ERR_EPOCH_KEY] = { "epoch-key",
		"a private key is not the one of its epoch" },

	[ROOST_ERR_BLOB_FORM] = { "blob-form",
		"the cached blob is malformed" },
	[ROOST_ERR_BLOB_AUTH] = { "blob-auth",
		"the cached blob does not open" },
	[ROOST_ERR_BLOB_CONTENT] = { "blob-content",
		"the cached blob's content is not understood" },
	[ROOST_ERR_TOKEN] = { "token",
		"the token is not one of this keyring" },
	[ROOST_ERR_CODE_TYPO] = { "code-typo",
		"the recovery code is mistyped" },
	[ROOST_ERR_KEY_FILE] = { "key-file",
		"not 64 hexadecimal digits" },
	[ROOST_ERR_ESCROW_FILE] = { "escrow-file",
		"not an escrow key of this kind, in two lines" },
	[ROOST_ERR_UNLOCK_FILE] = { "unlock-file",
		"a file of the unlock cache that is not valid any more" },

	[ROOST_ERR_LOCKED] = { "locked", "the keyring is locked" },
	[ROOST_ERR_LAST_SLOT] = { "last-slot",
		"without this slot nobody could open the keyring" },
	[ROOST_ERR_LIMIT] = { "limit", "a limit of the format is reached" },
	[ROOST_ERR_IO] = { "io", "reading or writing failed" },
	[ROOST_ERR_AGAIN] = { "again", "no data yet" },
	[ROOST_ERR_BACKEND] = { "backend", "the crypto library failed" },
};

const char *
roost_err_name(enum roost_err err)
{
	return (unsigned)err < ROOST_ERR_COUNT ? gates[err].name : "unknown";
}

const char *
roost_err_phrase(enum roost_err err)
{
	return (unsigned)err < ROOST_ERR_COUNT ? gates[err].phrase :
		"unknown error";
}
