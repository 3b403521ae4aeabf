/* SPDX-License-Identifier: MIT */
#ifndef ROOST_TOOL_UNPACK_PRIVATE_H
#define ROOST_TOOL_UNPACK_PRIVATE_H

/*
 * unpack-private: what the formats of unpack share.  Each has a file of its
 * own, the only one that knows its library; where that was not found when the
 * program was built, the format has a name and no begin().
 */

#include "tool/unpack.h"

#include <stdbool.h>

#define ROOST_UNPACK_BLOCK_SIZE 65536

struct roost_unpack_kind {
	const char *name;
	/* Make the state.  NULL: the program was built without it. */
	enum roost_unpack_answer (*begin)(struct roost_unpack *unpack);
	/* Unpack at most ROOST_UNPACK_BLOCK_SIZE bytes. */
	enum roost_unpack_answer (*add)(struct roost_unpack *unpack,
					const uint8_t *bytes, size_t len);
	/* Free the state, which begin() has made. */
	void (*end)(struct roost_unpack *unpack);
};

struct roost_unpack {
	const struct roost_unpack_kind *kind;
	void *state;			/* of the library */
	int (*write)(void *context, const uint8_t *bytes, size_t len);
	void *context;
	bool is_whole;			/* nothing more has to come */
	uint8_t text[ROOST_UNPACK_BLOCK_SIZE];
};

extern const struct roost_unpack_kind roost_unpack_bzip2;
extern const struct roost_unpack_kind roost_unpack_gzip;
extern const struct roost_unpack_kind roost_unpack_lz4;
extern const struct roost_unpack_kind roost_unpack_zstd;

/* Hand out text; false if it is not taken. */
static inline bool
roost_unpack_put(struct roost_unpack *unpack, const uint8_t *text, size_t len)
{
	return len == 0 || unpack->write(unpack->context, text, len) == 0;
}

#endif
