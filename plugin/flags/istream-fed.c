/* SPDX-License-Identifier: MIT */
/*
 * istream-fed: see istream-fed.h.
 */
#include "flags/istream-fed.h"

#include "istream-private.h"
#include "ostream-private.h"

struct fed_istream {
	struct istream_private istream;
	const unsigned char *data;
	size_t size;
	bool has_ended;
};

struct feed_ostream {
	struct ostream_private ostream;
	roost_feed_t *feed;
	void *context;
};

static ssize_t
i_stream_fed_read(struct istream_private *stream)
{
	struct fed_istream *fed =
		container_of(stream, struct fed_istream, istream);
	size_t room, size;

	if (fed->size == 0) {
		stream->istream.eof = fed->has_ended;
		return fed->has_ended ? -1 : 0;
	}
	if (!i_stream_try_alloc(stream, fed->size, &room))
		return -2;
	size = I_MIN(room, fed->size);
	memcpy(stream->w_buffer + stream->pos, fed->data, size);
	stream->pos += size;
	fed->data += size;
	fed->size -= size;
	return (ssize_t)size;
}

struct istream *
roost_istream_fed_create(void)
{
	struct fed_istream *fed = i_new(struct fed_istream, 1);

	fed->istream.max_buffer_size = IO_BLOCK_SIZE;
	fed->istream.read = i_stream_fed_read;
	return roost_istream_init(&fed->istream, NULL, -1);
}

static struct fed_istream *
fed_of(struct istream *stream)
{
	return container_of(stream->real_stream, struct fed_istream, istream);
}

void
roost_istream_fed_add(struct istream *stream, const void *data, size_t size)
{
	struct fed_istream *fed = fed_of(stream);

	/* Who reads it took all there was, or wants no more. */
	fed->data = data;
	fed->size = size;
}

void
roost_istream_fed_end(struct istream *stream)
{
	fed_of(stream)->has_ended = TRUE;
}

static ssize_t
o_stream_feed_sendv(struct ostream_private *stream,
		    const struct const_iovec *iov, unsigned int iov_count)
{
	struct feed_ostream *fstream =
		container_of(stream, struct feed_ostream, ostream);
	ssize_t ret = o_stream_sendv(stream->parent, iov, iov_count);
	size_t left, size;
	unsigned int i;

	if (ret < 0) {
		o_stream_copy_error_from_parent(stream);
		return -1;
	}
	stream->ostream.offset += (size_t)ret;
	left = (size_t)ret;
	for (i = 0; i < iov_count && left > 0; i++) {
		size = I_MIN(iov[i].iov_len, left);
		if (size > 0)
			fstream->feed(fstream->context, iov[i].iov_base,
				      size);
		left -= size;
	}
	return ret;
}

static int
o_stream_feed_flush(struct ostream_private *stream)
{
	return o_stream_flush_parent(stream);
}

static void
o_stream_feed_destroy(struct iostream_private *stream)
{
	struct feed_ostream *fstream =
		container_of(stream, struct feed_ostream, ostream.iostream);

	o_stream_unref(&fstream->ostream.parent);
}

struct ostream *
roost_ostream_feed_create(struct ostream *output, roost_feed_t *feed,
			  void *context)
{
	struct feed_ostream *fstream = i_new(struct feed_ostream, 1);

	fstream->feed = feed;
	fstream->context = context;
	fstream->ostream.iostream.destroy = o_stream_feed_destroy;
	fstream->ostream.sendv = o_stream_feed_sendv;
	fstream->ostream.flush = o_stream_feed_flush;
	return o_stream_create(&fstream->ostream, output,
			       o_stream_get_fd(output));
}
