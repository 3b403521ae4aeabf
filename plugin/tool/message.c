/* SPDX-License-Identifier: MIT */
/*
 * message: opening one message.  See message.h.
 */
#define _GNU_SOURCE
#include "tool/message.h"

#include "roost/bytes.h"
#include "roost/secret.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_SIZE 65536
#define MAIL_CRYPT_MAGIC "CRYPTED\003\007"

static const struct {
	const char *magic;
	size_t len;
	const char *program;
} packers[] = {
	{ "\037\213", 2, "gzip" },
	{ "BZh", 3, "bzip2" },
	{ "\3757zXZ", 6, "xz" },
	{ "\050\265\057\375", 4, "zstd" },
	{ "Dovecot-LZ4\r*", 13, "Dovecot's lz4" },
};

/* What do the first bytes of the plaintext say? */
static void
plain_look(struct roost_message *message, const uint8_t *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(packers) / sizeof(packers[0]); i++) {
		if (len >= packers[i].len &&
		    memcmp(bytes, packers[i].magic,	/* public */
			   packers[i].len) == 0)
			message->packed_by = packers[i].program;
	}
}

static bool
sink_put(const struct roost_message_sink *sink, struct roost_message *message,
	 const uint8_t *bytes, size_t len)
{
	if (message->size == 0)
		plain_look(message, bytes, len);
	message->size += len;
	if (sink == NULL || sink->write(sink->context, bytes, len) == 0)
		return true;
	message->kind = ROOST_MESSAGE_NO_OUTPUT;
	return false;
}

/* Hand out a message that is not sealed. */
static void
plaintext_copy(struct roost_stored *stored,
	       const struct roost_message_sink *sink,
	       struct roost_message *message)
{
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
		if (!sink_put(sink, message, block, len))
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
object_copy(struct roost_object *obj, const struct roost_message_sink *sink,
	    struct roost_message *message)
{
	uint64_t off = 0;
	const uint8_t *plain;
	size_t len;
	enum roost_err err;

	for (;;) {
		err = roost_object_read(obj, off, &plain, &len);
		if (err != ROOST_OK || len == 0 ||
		    !sink_put(sink, message, plain, len))
			return err;
		off += len;
	}
}

static void
sealed_open(const struct roost_keys *keys, struct roost_stored *stored,
	    const struct roost_message_sink *sink,
	    struct roost_message *message)
{
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
		err = object_copy(&obj, sink, message);
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

void
roost_message_open(const struct roost_keys *keys, struct roost_stored *stored,
		   const struct roost_message_sink *sink,
		   struct roost_message *message_r)
{
	if (message_is_claimed(stored, message_r))
		sealed_open(keys, stored, sink, message_r);
	else if (message_r->kind == ROOST_MESSAGE_PLAINTEXT)
		plaintext_copy(stored, sink, message_r);
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
