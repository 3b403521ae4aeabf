/* SPDX-License-Identifier: MIT */
#ifndef ROOST_TOOL_INDEX_H
#define ROOST_TOOL_INDEX_H

/*
 * index: Dovecot's index of a mailbox, dovecot.index with its transaction log:
 * flags and keywords of the messages, and what mdbox keeps beside them.
 *
 * The main file is as old as when it was written last; what has changed since
 * stands in the log.  Dovecot writes both in the byte order of its machine;
 * only little-endian ones are read.
 *
 * Promises: what does not obey the format is refused as a whole; nothing
 * outside of the given bytes is read; work and memory are bounded.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Larger files count as broken. */
#define ROOST_INDEX_SIZE_MAX (256U * 1024 * 1024)
#define ROOST_INDEX_RECORDS_MAX (4U * 1024 * 1024)
/* Of keywords beyond these, names and bits are left away. */
#define ROOST_INDEX_KEYWORDS_MAX 64
#define ROOST_INDEX_EXTENSIONS_MAX 64
#define ROOST_INDEX_VALUES 3

enum roost_index_flag {
	ROOST_INDEX_ANSWERED = 0x01,
	ROOST_INDEX_FLAGGED = 0x02,
	ROOST_INDEX_DELETED = 0x04,
	ROOST_INDEX_SEEN = 0x08,
	ROOST_INDEX_DRAFT = 0x10,
};

struct roost_index_record {
	uint32_t uid;
	uint8_t flags;
	bool is_expunged;
	uint64_t keywords;	/* bit n is the keyword n */
	/* The first words of the extension that was asked for. */
	uint32_t values[ROOST_INDEX_VALUES];
};

struct roost_index_extension {
	char name[32];
	uint32_t reset_id;
	uint16_t offset, size;		/* in the records of the main file */
};

struct roost_index {
	uint32_t uid_validity, next_uid;
	struct roost_index_record *records;	/* by UID; expunged ones, too */
	size_t count, room;
	char *keywords[ROOST_INDEX_KEYWORDS_MAX];
	unsigned int keyword_count;

	/* How far the log has been taken. */
	uint32_t log_seq, log_off;
	struct roost_index_extension extensions[ROOST_INDEX_EXTENSIONS_MAX];
	unsigned int extension_count;
	const char *wanted;	/* an extension's name, or NULL */
	unsigned int current;	/* extension to which log records belong */
	bool is_ignored;
	uint16_t current_size;
	uint64_t work;
};

/* Begin with no messages; values of the extension wanted are kept, which may be
   NULL and is borrowed.  Free it afterwards, also after an error. */
void roost_index_init(struct roost_index *index, const char *wanted);
void roost_index_free(struct roost_index *index);

/* Take the main file; false if it is broken. */
bool roost_index_take_main(struct roost_index *index, const uint8_t *bytes,
			   size_t len);

/*
 * Take a file of the transaction log, the older one of two first.  One that was
 * already taken, or does not follow on what was, changes nothing; one that
 * begins anew forgets what was.  False if it is broken.
 */
bool roost_index_take_log(struct roost_index *index, const uint8_t *bytes,
			  size_t len);

/* Returns the message with this UID, or NULL. */
const struct roost_index_record *
roost_index_find(const struct roost_index *index, uint32_t uid);

#endif
