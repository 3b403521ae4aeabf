/* SPDX-License-Identifier: MIT */
/*
 * tap: see tap.h.
 */
#include "stream/tap.h"

#include "ostream-private.h"

#include "roost/secret.h"

struct roost_tap {
	unsigned int refcount;
	buffer_t *kept;
	size_t max;
	uoff_t seen;
};

struct tap_ostream {
	struct ostream_private ostream;
	struct roost_tap *tap;
};

void
roost_tap_release(struct roost_tap **_tap)
{
	struct roost_tap *tap = *_tap;

	*_tap = NULL;
	if (tap == NULL || --tap->refcount > 0)
		return;
	roost_wipe(buffer_get_modifiable_data(tap->kept, NULL),
		   tap->kept->used);
	buffer_free(&tap->kept);
	i_free(tap);
}

const unsigned char *
roost_tap_kept(const struct roost_tap *tap, size_t *size_r, bool *is_all_r)
{
	*size_r = tap->kept->used;
	*is_all_r = tap->seen <= tap->kept->used;
	return tap->kept->data;
}

static void
tap_keep(struct roost_tap *tap, const struct const_iovec *iov,
	 unsigned int iov_count, size_t sent)
{
	unsigned int i;

	tap->seen += sent;
	for (i = 0; i < iov_count && sent > 0 && tap->kept->used < tap->max;
	     i++) {
		size_t len = I_MIN(iov[i].iov_len, sent);
		size_t room = tap->max - tap->kept->used;

		buffer_append(tap->kept, iov[i].iov_base, I_MIN(len, room));
		sent -= len;
	}
}

static ssize_t
o_stream_tap_sendv(struct ostream_private *stream,
		   const struct const_iovec *iov, unsigned int iov_count)
{
	struct tap_ostream *tstream =
		container_of(stream, struct tap_ostream, ostream);
	ssize_t ret = o_stream_sendv(stream->parent, iov, iov_count);

	if (ret < 0) {
		o_stream_copy_error_from_parent(stream);
		return -1;
	}
	tap_keep(tstream->tap, iov, iov_count, (size_t)ret);
	stream->ostream.offset += (size_t)ret;
	return ret;
}

static int
o_stream_tap_flush(struct ostream_private *stream)
{
	return o_stream_flush_parent(stream);
}

static void
o_stream_tap_destroy(struct iostream_private *stream)
{
	struct tap_ostream *tstream =
		container_of(stream, struct tap_ostream, ostream.iostream);

	roost_tap_release(&tstream->tap);
	o_stream_unref(&tstream->ostream.parent);
}

struct ostream *
roost_tap_create(struct ostream *output, size_t max,
			 struct roost_tap **tap_r)
{
	struct tap_ostream *tstream = i_new(struct tap_ostream, 1);
	struct roost_tap *tap = i_new(struct roost_tap, 1);

	tap->refcount = 2;
	tap->max = max;
	/* Whole at once: growing would leave plaintext behind. */
	tap->kept = buffer_create_dynamic(default_pool, max);
	*tap_r = tstream->tap = tap;
	tstream->ostream.iostream.destroy = o_stream_tap_destroy;
	tstream->ostream.sendv = o_stream_tap_sendv;
	tstream->ostream.flush = o_stream_tap_flush;
	return o_stream_create(&tstream->ostream, output,
			       o_stream_get_fd(output));
}
