/* SPDX-License-Identifier: MIT */
/*
 * message: opening one message.  See message.h.
 */
#define _GNU_SOURCE
#include "tool/message.h"

#include "tool/say.h"

#include "roost/bytes.h"
#include "roost/secret.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_SIZE 65536
#define MAIL_CRYPT_MAGIC "CRYPTED\003\007"

/* How a message goes to the sink. */
enum way {
	/* Packed, it is only tried whether it unpacks; else it is handed
	   out. */
	WAY_TRY,
	WAY_UNPACK,
	WAY_KEEP,	/* as it stands */
};

struct pass {
	enum way way;
	const struct roost_message_sink *sink;	/* NULL: nobody wants it */
	struct roost_message *message;
	struct roost_unpack *unpack;	/* NULL: its bytes are not unpacked */
};

static int
text_write(void *context, const uint8_t *text, size_t len)
{
	const struct pass *pass = context;

	/* Few bytes may unpack to very many. */
	if (roost_say_is_stopped())
		return -1;
	return pass->way == WAY_TRY || pass->sink == NULL ? 0 :
		pass->sink->write(pass->sink->context, text, len);
}

/* What do the first bytes of the plaintext say? */
static void
pass_look(struct pass *pass, const uint8_t *bytes, size_t len)
{
	struct roost_message *message = pass->message;

	message->packed = roost_unpack_look(bytes, len);
	if (message->packed != ROOST_UNPACK_NONE && pass->way != WAY_KEEP)
		message->unpacking = roost_unpack_new(message->packed,
						      text_write, pass,
						      &pass->unpack);
}

/* Unpacking gave an answer: false if the pass ends with that. */
static bool
pass_take(struct pass *pass, enum roost_unpack_answer answer)
{
	struct roost_message *message = pass->message;

	if (answer == ROOST_UNPACK_OK)
		return true;
	roost_unpack_free(&pass->unpack);
	message->unpacking = answer;
	if (answer == ROOST_UNPACK_NO_OUTPUT && roost_say_is_stopped()) {
		message->kind = ROOST_MESSAGE_UNREADABLE;
		message->error = EINTR;
		return false;
	}
	if (pass->way == WAY_TRY)
		return true;	/* the rest is to verify all the same */
	/* It was possible just now. */
	message->kind = answer == ROOST_UNPACK_NO_OUTPUT ?
		ROOST_MESSAGE_NO_OUTPUT : ROOST_MESSAGE_UNREADABLE;
	message->error = answer == ROOST_UNPACK_NO_MEMORY ? ENOMEM : EIO;
	return false;
}

/* Take the next bytes of the plaintext; false to end the pass. */
static bool
pass_put(struct pass *pass, const uint8_t *bytes, size_t len)
{
	struct roost_message *message = pass->message;

	if (message->size == 0)
		pass_look(pass, bytes, len);
	message->size += len;
	if (pass->unpack != NULL)
		return pass_take(pass, roost_unpack_add(pass->unpack, bytes,
							len));
	if (pass->sink == NULL || (message->packed != ROOST_UNPACK_NONE &&
				   pass->way == WAY_TRY) ||
	    pass->sink->write(pass->sink->context, bytes, len) == 0)
		return true;
	message->kind = ROOST_MESSAGE_NO_OUTPUT;
	return false;
}

static bool
message_is_whole(const struct roost_message *message)
{
	return message->kind == ROOST_MESSAGE_SEALED ||
		message->kind == ROOST_MESSAGE_PLAINTEXT;
}

/* The message ended. */
static void
pass_end(struct pass *pass)
{
	if (pass->unpack != NULL && message_is_whole(pass->message))
		(void)pass_take(pass, roost_unpack_end(pass->unpack));
	pass->message->is_unpacked = pass->unpack != NULL;
	roost_unpack_free(&pass->unpack);
}

/* Hand out a message that is not sealed. */
static void
plaintext_copy(struct roost_stored *stored, struct pass *pass)
{
	struct roost_message *message = pass->message;
	static uint8_t block[BLOCK_SIZE];
	uint64_t off = 0;
	size_t len;
	ssize_t ret;

	message->kind = ROOST_MESSAGE_PLAINTEXT;
	for (; off < stored->size; off += len) {
		len = stored->size - off < sizeof(block) ?
			(size_t)(stored->size - off) : sizeof(block);
		ret = roost_stored_read(stored->fd, stored->off + off, block,
					len);
		if (ret != (ssize_t)len) {
			message->kind = ROOST_MESSAGE_UNREADABLE;
			message->error = ret < 0 ? errno : ENODATA;
			break;
		}
		if (!pass_put(pass, block, len))
			break;
	}
	roost_wipe(block, sizeof(block));
}

static void
message_refuse(struct roost_message *message, enum roost_err err,
	       const struct roost_stored *stored)
{
	message->kind = err == ROOST_ERR_IO ? ROOST_MESSAGE_UNREADABLE :
		ROOST_MESSAGE_REFUSED;
	message->err = err;
	message->error = stored->error;
	message->size = 0;
}

/* Note what the header names. */
static void
header_note(struct roost_message *message, const struct roost_header *header,
	    const struct roost_keyring *keyring)
{
	char *text = message->key_ids;
	unsigned int i;
	uint32_t epoch;

	roost_bytes_hex(header->keyring_id, ROOST_ID_SIZE,
			message->keyring_id);
	for (i = 0; i < header->stanza_count; i++) {
		if (i > 0)
			*text++ = ' ';
		roost_bytes_hex(header->stanzas[i].key_id, ROOST_KEY_ID_SIZE,
				text);
		text += 2 * ROOST_KEY_ID_SIZE;
		epoch = keyring == NULL ? 0 :
			roost_keys_epoch(keyring, header->stanzas[i].key_id);
		if (epoch > message->epoch &&
		    header->stanzas[i].type == ROOST_STANZA_X25519)
			message->epoch = epoch;
	}
}

/* Hand out the chunks of an opened message, each of which verifies first. */
static enum roost_err
object_copy(struct roost_object *obj, struct pass *pass)
{
	uint64_t off = 0;
	const uint8_t *plain;
	size_t len;
	enum roost_err err;

	for (;;) {
		err = roost_object_read(obj, off, &plain, &len);
		if (err != ROOST_OK || len == 0 ||
		    !pass_put(pass, plain, len))
			return err;
		off += len;
	}
}

static void
sealed_open(const struct roost_keys *keys, struct roost_stored *stored,
	    struct pass *pass)
{
	struct roost_message *message = pass->message;
	const struct roost_keyring *kr = keys->keyring;
	struct roost_source source = roost_stored_source(stored);
	struct roost_object obj;
	uint8_t data_key[ROOST_KEY_SIZE];
	enum roost_err err;

	memset(&obj, 0, sizeof(obj));
	message->kind = ROOST_MESSAGE_SEALED;
	err = roost_object_parse(&obj, &source);
	if (err == ROOST_OK) {
		header_note(message, &obj.header, kr);
		err = roost_stanza_open(&obj.header, kr->id, keys->open,
					kr->epoch_count, data_key);
	}
	if (err == ROOST_OK)
		err = roost_object_open(&obj, data_key);
	if (err == ROOST_OK)
		err = object_copy(&obj, pass);
	if (err != ROOST_OK)
		message_refuse(message, err, stored);
	roost_wipe(data_key, sizeof(data_key));
	roost_object_close(&obj);
}

/* Does the message claim to be sealed?  Else message_r is decided, but for a
   plaintext one. */
static bool
message_is_claimed(struct roost_stored *stored,
		   struct roost_message *message_r)
{
	uint8_t first[sizeof(MAIL_CRYPT_MAGIC) - 1];
	size_t len = stored->size < sizeof(first) ? (size_t)stored->size :
		sizeof(first);
	ssize_t ret;

	memset(message_r, 0, sizeof(*message_r));
	ret = roost_stored_read(stored->fd, stored->off, first, len);
	if (ret != (ssize_t)len) {
		message_r->kind = ROOST_MESSAGE_UNREADABLE;
		message_r->error = ret < 0 ? errno : ENODATA;
		return false;
	}
	message_r->kind = len == sizeof(first) &&
		memcmp(first, MAIL_CRYPT_MAGIC, len) == 0 ?	/* public */
		ROOST_MESSAGE_OTHER : ROOST_MESSAGE_PLAINTEXT;
	return roost_header_is_claimed(first, len);
}

static void
message_pass(const struct roost_keys *keys, struct roost_stored *stored,
	     struct pass *pass)
{
	if (message_is_claimed(stored, pass->message))
		sealed_open(keys, stored, pass);
	else if (pass->message->kind == ROOST_MESSAGE_PLAINTEXT)
		plaintext_copy(stored, pass);
	pass_end(pass);
}

/* A packed message is gone through twice, as its last bytes decide what is
   handed out. */
void
roost_message_open(const struct roost_keys *keys, struct roost_stored *stored,
		   bool keeps_packed, const struct roost_message_sink *sink,
		   struct roost_message *message_r)
{
	struct pass pass = {
		.way = keeps_packed ? WAY_KEEP : WAY_TRY, .sink = sink,
		.message = message_r
	};
	enum roost_unpack_answer unpacking;

	message_pass(keys, stored, &pass);
	if (keeps_packed || sink == NULL || !message_is_whole(message_r) ||
	    message_r->packed == ROOST_UNPACK_NONE)
		return;
	unpacking = message_r->unpacking;
	pass.way = unpacking == ROOST_UNPACK_OK ? WAY_UNPACK : WAY_KEEP;
	message_pass(keys, stored, &pass);
	if (pass.way == WAY_KEEP)
		message_r->unpacking = unpacking;
}

/* Is a message whose header is known sealed to this keyring? */
static enum roost_err
header_check(const struct roost_header *header,
	     const struct roost_message *message,
	     const struct roost_keyring *keyring)
{
	if (!roost_bytes_equal(header->keyring_id, keyring->id,
			       ROOST_ID_SIZE))
		return ROOST_ERR_OTHER_KEYRING;
	return message->epoch == 0 ? ROOST_ERR_NO_KEY : ROOST_OK;
}

void
roost_message_scrub(const struct roost_keys *keys, struct roost_stored *stored,
		    struct roost_message *message_r)
{
	const struct roost_keyring *kr = keys == NULL ? NULL : keys->keyring;
	struct roost_source source = roost_stored_source(stored);
	struct roost_object obj;
	enum roost_err err;

	if (!message_is_claimed(stored, message_r)) {
		message_r->size = stored->size;
		return;
	}
	memset(&obj, 0, sizeof(obj));
	message_r->kind = ROOST_MESSAGE_SEALED;
	err = roost_object_parse(&obj, &source);
	if (err == ROOST_OK) {
		header_note(message_r, &obj.header, kr);
		if (kr != NULL)
			err = header_check(&obj.header, message_r, kr);
	}
	if (err == ROOST_OK)
		err = roost_object_scrub(&obj);
	if (err == ROOST_OK)
		message_r->size = obj.body.plain_size;
	else
		message_refuse(message_r, err, stored);
	roost_object_close(&obj);
}

void
roost_message_why(const struct roost_message *message,
		  char text_r[ROOST_MESSAGE_WHY_SIZE])
{
	switch (message->kind) {
	case ROOST_MESSAGE_UNREADABLE:
		(void)snprintf(text_r, ROOST_MESSAGE_WHY_SIZE,
			       "the file cannot be read: %s [io]",
			       message->error == ENODATA ?
			       "it is shorter than it says" :
			       message->error == EINTR ?
			       "a signal has ended the program" :
			       strerror(message->error));
		break;
	case ROOST_MESSAGE_NO_OUTPUT:
		(void)snprintf(text_r, ROOST_MESSAGE_WHY_SIZE,
			       "it cannot be written [output]");
		break;
	case ROOST_MESSAGE_OTHER:
		(void)snprintf(text_r, ROOST_MESSAGE_WHY_SIZE,
			       "it is encrypted by Dovecot's mail_crypt, "
			       "which this program does not open "
			       "[mail-crypt]");
		break;
	case ROOST_MESSAGE_SEALED:
	case ROOST_MESSAGE_PLAINTEXT:
	case ROOST_MESSAGE_REFUSED:
		(void)snprintf(text_r, ROOST_MESSAGE_WHY_SIZE, "%s [%s]%s%s",
			       roost_err_phrase(message->err),
			       roost_err_name(message->err),
			       message->err == ROOST_ERR_OTHER_KEYRING ?
			       ", whose id is " :
			       message->err == ROOST_ERR_NO_KEY ?
			       ", but for " : "",
			       message->err == ROOST_ERR_OTHER_KEYRING ?
			       message->keyring_id :
			       message->err == ROOST_ERR_NO_KEY ?
			       message->key_ids : "");
		break;
	}
}

bool
roost_message_is_plain(const struct roost_message *message,
		       char text_r[ROOST_MESSAGE_WHY_SIZE])
{
	const char *name, *why = "makes no sense as such or ends early, if "
		"it is compressed at all";

	if (message->unpacking == ROOST_UNPACK_OK)
		return true;
	name = roost_unpack_name(message->packed);
	if (message->packed == ROOST_UNPACK_XZ)
		why = "is what this program does not decompress";
	else if (message->unpacking == ROOST_UNPACK_NOT_BUILT)
		why = "is what this program was built without";
	else if (message->unpacking == ROOST_UNPACK_NO_MEMORY)
		why = "needs more memory than there is";
	(void)snprintf(text_r, ROOST_MESSAGE_WHY_SIZE,
		       "it begins as %s data does, which %s: it is handed out "
		       "as it stands [compressed]", name, why);
	return false;
}
