/* SPDX-License-Identifier: MIT */
/*
 * unpack-zstd: Zstandard, by libzstd.  See unpack-private.h.
 */
#include "tool/unpack-private.h"

#ifdef ROOST_HAVE_ZSTD

#include <zstd.h>
#include <zstd_errors.h>

/* What the highest level writes that Dovecot can be told to use. */
#define WINDOW_LOG_MAX 27

static enum roost_unpack_answer
zstd_begin(struct roost_unpack *unpack)
{
	ZSTD_DCtx *stream = ZSTD_createDCtx();

	if (stream == NULL)
		return ROOST_UNPACK_NO_MEMORY;
	if (ZSTD_isError(ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax,
						WINDOW_LOG_MAX))) {
		(void)ZSTD_freeDCtx(stream);
		return ROOST_UNPACK_NO_MEMORY;
	}
	unpack->state = stream;
	return ROOST_UNPACK_OK;
}

static enum roost_unpack_answer
zstd_add(struct roost_unpack *unpack, const uint8_t *bytes, size_t len)
{
	ZSTD_inBuffer in = { bytes, len, 0 };
	ZSTD_outBuffer out = { unpack->text, sizeof(unpack->text), 0 };
	size_t ret;

	do {
		out.pos = 0;
		ret = ZSTD_decompressStream(unpack->state, &out, &in);
		if (ZSTD_isError(ret))
			return ZSTD_getErrorCode(ret) ==
				ZSTD_error_memory_allocation ?
				ROOST_UNPACK_NO_MEMORY : ROOST_UNPACK_BROKEN;
		/* One frame may follow another, as Dovecot reads them. */
		unpack->is_whole = ret == 0;
		if (!roost_unpack_put(unpack, unpack->text, out.pos))
			return ROOST_UNPACK_NO_OUTPUT;
	} while (in.pos < in.size || (ret != 0 && out.pos == out.size));
	return ROOST_UNPACK_OK;
}

static void
zstd_end(struct roost_unpack *unpack)
{
	(void)ZSTD_freeDCtx(unpack->state);
}

const struct roost_unpack_kind roost_unpack_zstd = {
	.name = "zstd", .begin = zstd_begin, .add = zstd_add, .end = zstd_end
};
#else
const struct roost_unpack_kind roost_unpack_zstd = { .name = "zstd" };
#endif
