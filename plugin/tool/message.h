/* SPDX-License-Identifier: MIT */
#ifndef ROOST_TOOL_MESSAGE_H
#define ROOST_TOOL_MESSAGE_H

/*
 * message: one stored message: opened and handed out, or only looked at.
 *
 * A message that Dovecot's compression has packed is unpacked.  One that does
 * not unpack is handed out as it stands, so that nothing of it is lost, and the
 * answer tells.
 *
 * Promises: no byte of a sealed message is handed out, or unpacked, before its
 * final chunk and its own chunk verified; where the answer is not
 * ROOST_MESSAGE_SEALED or ROOST_MESSAGE_PLAINTEXT, what was handed out is not a
 * whole message.
 */

#include "tool/keys.h"
#include "tool/stored.h"
#include "tool/unpack.h"

enum roost_message_kind {
	ROOST_MESSAGE_SEALED,		/* all of it verified */
	ROOST_MESSAGE_PLAINTEXT,	/* it does not claim to be sealed */
	ROOST_MESSAGE_REFUSED,		/* at the gate err */
	ROOST_MESSAGE_OTHER,		/* encrypted by mail_crypt */
	ROOST_MESSAGE_UNREADABLE,	/* the file: error is an errno */
	ROOST_MESSAGE_NO_OUTPUT,	/* where it was to go did not take it */
};

struct roost_message {
	enum roost_message_kind kind;
	enum roost_err err;
	int error;
	uint32_t epoch;		/* of a sealed one, if the keyring has it */
	uint64_t size;		/* bytes of plaintext, packed as they may be,
				   if kind is SEALED or PLAINTEXT */
	/* How it was packed before it was sealed, and if it is SEALED or
	   PLAINTEXT, whether that was undone, or else why not; OK where nobody
	   wanted it. */
	enum roost_unpack_format packed;
	bool is_unpacked;
	enum roost_unpack_answer unpacking;
	/* Whose keyring and which keys it names, in hexadecimal, if it is
	   sealed and has a whole header; else empty. */
	char keyring_id[2 * ROOST_ID_SIZE + 1];
	char key_ids[ROOST_STANZAS_MAX * (2 * ROOST_KEY_ID_SIZE + 1)];
};

/* Where plaintext goes; write returns 0, or -1. */
struct roost_message_sink {
	int (*write)(void *context, const uint8_t *bytes, size_t len);
	void *context;
};

/* Open a message with unlocked keys and hand it out; sink may be NULL.
   keeps_packed: a packed message is handed out as it stands. */
void roost_message_open(const struct roost_keys *keys,
			struct roost_stored *stored, bool keeps_packed,
			const struct roost_message_sink *sink,
			struct roost_message *message_r);

/* Compare the digest only, for which keys may be locked, or NULL.  With a
   keyring a message that is not for it is refused. */
void roost_message_scrub(const struct roost_keys *keys,
			 struct roost_stored *stored,
			 struct roost_message *message_r);

/* Write why a message of another kind than SEALED or PLAINTEXT cannot be had,
   as the end of a sentence. */
#define ROOST_MESSAGE_WHY_SIZE 400
void roost_message_why(const struct roost_message *message,
		       char text_r[ROOST_MESSAGE_WHY_SIZE]);

/* False for a message that should have been unpacked and was not; text_r has a
   sentence about it. */
bool roost_message_is_plain(const struct roost_message *message,
			    char text_r[ROOST_MESSAGE_WHY_SIZE]);

#endif
