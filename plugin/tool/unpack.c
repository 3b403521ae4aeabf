/* SPDX-License-Identifier: MIT */
/*
 * unpack: choosing how a message is unpacked.  See unpack.h.
 */
#include "tool/unpack-private.h"

#include "roost/secret.h"

#include <stdlib.h>
#include <string.h>

static const struct roost_unpack_kind xz = { .name = "xz" };

/* In the order of enum roost_unpack_format.  A message is packed if it begins
   with the magic and is at least min bytes long. */
static const struct {
	const struct roost_unpack_kind *kind;
	const char *magic;
	size_t magic_len, min;
} formats[ROOST_UNPACK_FORMATS] = {
	{ NULL, NULL, 0, 0 },
	{ &roost_unpack_gzip, "\037\213", 2, 2 },
	{ &roost_unpack_bzip2, "BZh", 3, 4 },
	{ &xz, "\3757zXZ", 6, 6 },
	{ &roost_unpack_zstd, "\050\265\057\375", 4, 4 },
	{ &roost_unpack_lz4, "Dovecot-LZ4\r*\233\305", 15, 15 },
};

enum roost_unpack_format
roost_unpack_look(const uint8_t *bytes, size_t len)
{
	unsigned int i;

	for (i = 1; i < ROOST_UNPACK_FORMATS; i++) {
		if (len < formats[i].min ||
		    memcmp(bytes, formats[i].magic,	/* public */
			   formats[i].magic_len) != 0)
			continue;
		/* A digit says how large the blocks of bzip2 are. */
		if (i != ROOST_UNPACK_BZIP2 ||
		    (bytes[3] >= '1' && bytes[3] <= '9'))
			return (enum roost_unpack_format)i;
	}
	return ROOST_UNPACK_NONE;
}

const char *
roost_unpack_name(enum roost_unpack_format format)
{
	return formats[format].kind->name;
}

enum roost_unpack_answer
roost_unpack_new(enum roost_unpack_format format,
		 int (*write)(void *context, const uint8_t *bytes,
			      size_t len),
		 void *context, struct roost_unpack **unpack_r)
{
	const struct roost_unpack_kind *kind = formats[format].kind;
	enum roost_unpack_answer answer;
	struct roost_unpack *unpack;

	*unpack_r = NULL;
	if (kind->begin == NULL)
		return ROOST_UNPACK_NOT_BUILT;
	unpack = calloc(1, sizeof(*unpack));
	if (unpack == NULL)
		return ROOST_UNPACK_NO_MEMORY;
	unpack->kind = kind;
	unpack->write = write;
	unpack->context = context;
	answer = kind->begin(unpack);
	if (answer != ROOST_UNPACK_OK)
		free(unpack);
	else
		*unpack_r = unpack;
	return answer;
}

enum roost_unpack_answer
roost_unpack_add(struct roost_unpack *unpack, const uint8_t *bytes,
		 size_t len)
{
	enum roost_unpack_answer answer = ROOST_UNPACK_OK;
	size_t part;

	for (; len > 0 && answer == ROOST_UNPACK_OK; bytes += part,
	     len -= part) {
		part = len < ROOST_UNPACK_BLOCK_SIZE ? len :
			ROOST_UNPACK_BLOCK_SIZE;
		answer = unpack->kind->add(unpack, bytes, part);
	}
	return answer;
}

enum roost_unpack_answer
roost_unpack_end(const struct roost_unpack *unpack)
{
	return unpack->is_whole ? ROOST_UNPACK_OK : ROOST_UNPACK_BROKEN;
}

void
roost_unpack_free(struct roost_unpack **_unpack)
{
	struct roost_unpack *unpack = *_unpack;

	*_unpack = NULL;
	if (unpack == NULL)
		return;
	unpack->kind->end(unpack);
	roost_wipe(unpack->text, sizeof(unpack->text));
	free(unpack);
}
