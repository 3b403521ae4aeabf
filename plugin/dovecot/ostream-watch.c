/* SPDX-License-Identifier: MIT */
/*
 * ostream-watch: passes on what is written and shows it.  See
 * ostream-watch.h.
 */
#include "dovecot/ostream-watch.h"

#include "ostream-private.h"

struct watch_ostream {
	struct ostream_private ostream;
	roost_ostream_watch_t *watch;
	void (*release)(void *context);
	void *context;
};

/* Show the first bytes of iov, which output has taken. */
static void
watch_show(struct watch_ostream *wstream, const struct const_iovec *iov,
	   unsigned int iov_count, size_t taken)
{
	unsigned int i;
	size_t size;

	for (i = 0; i < iov_count && taken > 0; i++) {
		size = I_MIN(iov[i].iov_len, taken);
		if (size > 0)
			wstream->watch(wstream->context, iov[i].iov_base,
				       size);
		taken -= size;
	}
}

static ssize_t
o_stream_watch_sendv(struct ostream_private *stream,
		     const struct const_iovec *iov, unsigned int iov_count)
{
	struct watch_ostream *wstream =
		container_of(stream, struct watch_ostream, ostream);
	ssize_t ret = o_stream_sendv(stream->parent, iov, iov_count);

	if (ret < 0) {
		o_stream_copy_error_from_parent(stream);
		return -1;
	}
	stream->ostream.offset += (size_t)ret;
	watch_show(wstream, iov, iov_count, (size_t)ret);
	return ret;
}

static int
o_stream_watch_flush(struct ostream_private *stream)
{
	return o_stream_flush_parent(stream);
}

static void
o_stream_watch_destroy(struct iostream_private *stream)
{
	struct watch_ostream *wstream =
		container_of(stream, struct watch_ostream, ostream.iostream);

	if (wstream->release != NULL)
		wstream->release(wstream->context);
	o_stream_unref(&wstream->ostream.parent);
}

struct ostream *
roost_ostream_watch_create(struct ostream *output,
			   roost_ostream_watch_t *watch,
			   void (*release)(void *context), void *context)
{
	struct watch_ostream *wstream = i_new(struct watch_ostream, 1);

	wstream->watch = watch;
	wstream->release = release;
	wstream->context = context;
	wstream->ostream.iostream.destroy = o_stream_watch_destroy;
	wstream->ostream.sendv = o_stream_watch_sendv;
	wstream->ostream.flush = o_stream_watch_flush;
	return o_stream_create(&wstream->ostream, output,
			       o_stream_get_fd(output));
}
