/* SPDX-License-Identifier: MIT */
/*
 * sealed-source: a stream of sealed bytes.  See sealed-source.h.
 */
#include "stream/sealed-source.h"

#include "istream-private.h"
#include "read-full.h"

/* A buffer for two chunks: one system call reads so much. */
#define SEALED_BUFFER_SIZE (32 * 1024 + 4096)

static bool
source_is_direct(const struct roost_sealed_source *source, uint64_t off)
{
	return source->is_file && source->body->body_off > 0 &&
		off >= source->body->body_off;
}

/* Returns what the stream's buffer has from the object's offset off on;
   *size_r is 0 if that is nothing. */
static const uint8_t *
source_buffered(const struct roost_sealed_source *source, uint64_t off,
		size_t *size_r)
{
	struct istream *stream = source->stream;
	const unsigned char *data;
	size_t size;

	off += source->start_off;
	data = i_stream_get_data(stream, &size);
	if (off < stream->v_offset || off - stream->v_offset >= size) {
		*size_r = 0;
		return NULL;
	}
	*size_r = size - (size_t)(off - stream->v_offset);
	return data + (off - stream->v_offset);
}

static enum roost_err
source_pread(struct roost_sealed_source *source, uint64_t off, uint8_t *dst,
	     size_t len)
{
	struct istream *stream = source->stream;
	uoff_t file_off = i_stream_get_absolute_offset(stream) -
		stream->v_offset + source->start_off + off;
	const uint8_t *data;
	size_t size;
	int ret;

	data = source_buffered(source, off, &size);
	if (size > 0) {
		size = I_MIN(size, len);
		memcpy(dst, data, size);
	}
	ret = pread_full(i_stream_get_fd(stream), dst + size, len - size,
			 (off_t)(file_off + size));
	if (ret < 0) {
		stream->stream_errno = errno;
		io_stream_set_error(&stream->real_stream->iostream,
				    "pread() failed: %m");
		return ROOST_ERR_IO;
	}
	return ret == 0 ? ROOST_ERR_LENGTH : ROOST_OK;
}

static enum roost_err
source_read(void *context, uint64_t off, uint8_t *dst, size_t len)
{
	struct roost_sealed_source *source = context;
	struct istream *stream = source->stream;
	const unsigned char *data;
	size_t size;
	int ret;

	if (source_is_direct(source, off))
		return source_pread(source, off, dst, len);
	i_stream_seek(stream, source->start_off + off);
	while (len > 0) {
		ret = i_stream_read_more(stream, &data, &size);
		if (ret == 0)
			return ROOST_ERR_AGAIN;
		if (ret < 0)	/* also when it ends before its own size */
			return stream->stream_errno == 0 ? ROOST_ERR_LENGTH :
				ROOST_ERR_IO;
		size = I_MIN(size, len);
		memcpy(dst, data, size);
		i_stream_skip(stream, size);
		dst += size;
		len -= size;
	}
	return ROOST_OK;
}

/* Lends from the stream's own buffer.  Bytes of which it holds only the
   beginning are not lent, because the stream would first move them. */
static const uint8_t *
source_lend(void *context, uint64_t off, size_t len)
{
	struct roost_sealed_source *source = context;
	struct istream *stream = source->stream;
	const unsigned char *data;
	size_t size;

	if (source->is_file) {
		data = source_buffered(source, off, &size);
		return size < len ? NULL : data;
	}
	if (len > i_stream_get_max_buffer_size(stream))
		return NULL;
	i_stream_seek(stream, source->start_off + off);
	data = i_stream_get_data(stream, &size);
	if (size < len && (size > 0 ||
	    i_stream_read_bytes(stream, &data, &size, len) <= 0))
		return NULL;
	return data;
}

void
roost_sealed_source_init(struct roost_sealed_source *source,
			 struct istream *stream, const struct roost_body *body)
{
	source->stream = stream;
	source->start_off = stream->v_offset;
	source->body = body;
	source->is_file = stream->readable_fd && stream->blocking &&
		i_stream_get_fd(stream) != -1;
	if (!source->is_file &&
	    i_stream_get_max_buffer_size(stream) < SEALED_BUFFER_SIZE)
		i_stream_set_max_buffer_size(stream, SEALED_BUFFER_SIZE);
}

enum roost_err
roost_sealed_source_get(struct roost_sealed_source *source,
			struct roost_source *object_r)
{
	uoff_t size;

	if (i_stream_get_size(source->stream, TRUE, &size) <= 0 ||
	    size < source->start_off)
		return ROOST_ERR_IO;
	object_r->read = source_read;
	object_r->lend = source_lend;
	object_r->context = source;
	object_r->size = size - source->start_off;
	return ROOST_OK;
}
