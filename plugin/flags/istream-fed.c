/* SPDX-License-Identifier: MIT */
/*
 * istream-fed: a stream that has what was given to it.  See istream-fed.h.
 */
#include "flags/istream-fed.h"

#include "istream-private.h"

struct fed_istream {
	struct istream_private istream;
	const unsigned char *data;
	size_t size;
	bool has_ended;
};

static ssize_t
i_stream_fed_read(struct istream_private *stream)
{
	struct fed_istream *fed =
		container_of(stream, struct fed_istream, istream);
	size_t space, size;

	if (fed->size == 0) {
		stream->istream.eof = fed->has_ended;
		return fed->has_ended ? -1 : 0;
	}
	if (!i_stream_try_alloc(stream, fed->size, &space))
		return -2;
	size = I_MIN(space, fed->size);
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

	/* The reader took all of the last data, or wants no more. */
	fed->data = data;
	fed->size = size;
}

void
roost_istream_fed_end(struct istream *stream)
{
	fed_of(stream)->has_ended = TRUE;
}
