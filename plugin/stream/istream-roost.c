/* SPDX-License-Identifier: MIT */
/*
 * istream-roost: reading sealed messages.  See istream-roost.h.
 *
 * A chunk is opened and verified where nobody looks: in the stream's buffer,
 * behind what is visible of it, or in the object's own memory, to be copied or
 * taken over from there.  Read in order, whole chunks are visible at once,
 * whatever the size that others keep their buffers at.
 */
#include "stream/istream-roost.h"

#include "istream-private.h"
#include "memarea.h"
#include "read-full.h"

#include "dovecot/report.h"

/* Two chunks: one system call reads so much. */
#define SEALED_BUFFER_SIZE (32 * 1024 + 4096)

/* What is shown at once: full chunks, and a final one with them. */
#define AHEAD_MAX 3
#define PART_SIZE_MAX ((AHEAD_MAX + 1) * ROOST_CHUNK_PLAIN_SIZE)

struct roost_istream {
	struct istream_private istream;
	struct roost_object object;
	uint64_t start_off;		/* of the object in its parent */
	struct istream *sealed;		/* = the parent once it is a stream */
	bool is_file;			/* whose descriptor may be read */
	size_t max_size;		/* of the parent's buffer at first */
	unsigned int ahead;		/* full chunks to be shown next */
};

/* Until finish, the stream is only memory. */
struct roost_opening {
	struct roost_istream *rstream;
};

/* Of a file, what is not in its stream's buffer already is read to where it is
   wanted: once, and nothing before or behind it. */
static bool
sealed_is_direct(const struct roost_istream *rstream, uint64_t off)
{
	const struct roost_body *body = &rstream->object.body;

	return rstream->is_file && body->body_off > 0 && off >= body->body_off;
}

/* What the parent's buffer has from off on; *size_r is 0 if nothing. */
static const uint8_t *
sealed_buffered(struct istream *sealed, uint64_t off, size_t *size_r)
{
	const unsigned char *data;
	size_t size;

	data = i_stream_get_data(sealed, &size);
	if (off < sealed->v_offset || off - sealed->v_offset >= size) {
		*size_r = 0;
		return NULL;
	}
	*size_r = size - (size_t)(off - sealed->v_offset);
	return data + (off - sealed->v_offset);
}

static enum roost_err
sealed_pread(struct roost_istream *rstream, uint64_t off, uint8_t *dst,
	     size_t len)
{
	struct istream *sealed = rstream->sealed;
	uoff_t file_off = i_stream_get_absolute_offset(sealed) -
		sealed->v_offset + rstream->start_off + off;
	const uint8_t *data;
	size_t size;
	int ret;

	data = sealed_buffered(sealed, rstream->start_off + off, &size);
	if (size > 0) {
		size = I_MIN(size, len);
		memcpy(dst, data, size);
	}
	ret = pread_full(i_stream_get_fd(sealed), dst + size, len - size,
			 (off_t)(file_off + size));
	if (ret < 0) {
		sealed->stream_errno = errno;
		io_stream_set_error(&sealed->real_stream->iostream,
				    "pread() failed: %m");
		return ROOST_ERR_IO;
	}
	return ret == 0 ? ROOST_ERR_LENGTH : ROOST_OK;
}

static enum roost_err
sealed_read(void *context, uint64_t off, uint8_t *dst, size_t len)
{
	struct roost_istream *rstream = context;
	struct istream *sealed = rstream->sealed;
	const unsigned char *data;
	size_t size;
	int ret;

	if (sealed_is_direct(rstream, off))
		return sealed_pread(rstream, off, dst, len);
	i_stream_seek(sealed, rstream->start_off + off);
	while (len > 0) {
		ret = i_stream_read_more(sealed, &data, &size);
		if (ret == 0)
			return ROOST_ERR_AGAIN;
		if (ret < 0)	/* also when it ends before its own size */
			return sealed->stream_errno == 0 ? ROOST_ERR_LENGTH :
				ROOST_ERR_IO;
		size = I_MIN(size, len);
		memcpy(dst, data, size);
		i_stream_skip(sealed, size);
		dst += size;
		len -= size;
	}
	return ROOST_OK;
}

/* From the parent's own buffer.  Not when it holds the beginning alone: it
   would first be moved. */
static const uint8_t *
sealed_lend(void *context, uint64_t off, size_t len)
{
	struct roost_istream *rstream = context;
	struct istream *sealed = rstream->sealed;
	const unsigned char *data;
	size_t size;

	if (rstream->is_file) {
		data = sealed_buffered(sealed, rstream->start_off + off,
				       &size);
		return size < len ? NULL : data;
	}
	if (len > i_stream_get_max_buffer_size(sealed))
		return NULL;
	i_stream_seek(sealed, rstream->start_off + off);
	data = i_stream_get_data(sealed, &size);
	if (size < len && (size > 0 ||
	    i_stream_read_bytes(sealed, &data, &size, len) <= 0))
		return NULL;
	return data;
}

static void
rstream_free(struct roost_istream *rstream)
{
	roost_object_close(&rstream->object);
	i_free(rstream);
}

static enum roost_err
rstream_parse(struct roost_istream *rstream)
{
	struct roost_source source = {
		.read = sealed_read, .lend = sealed_lend,
		.context = rstream
	};
	uoff_t size;

	if (i_stream_get_size(rstream->sealed, TRUE, &size) <= 0 ||
	    size < rstream->start_off)
		return ROOST_ERR_IO;
	source.size = size - rstream->start_off;
	return roost_object_parse(&rstream->object, &source);
}

enum roost_err
roost_istream_begin(struct istream *sealed, struct roost_opening **opening_r,
		    const struct roost_header **header_r)
{
	struct roost_istream *rstream = i_new(struct roost_istream, 1);
	enum roost_err err;

	*opening_r = NULL;
	*header_r = NULL;
	rstream->sealed = sealed;
	rstream->start_off = sealed->v_offset;
	rstream->is_file = sealed->readable_fd && sealed->blocking &&
		i_stream_get_fd(sealed) != -1;
	rstream->max_size = i_stream_get_max_buffer_size(sealed);
	if (!rstream->is_file && rstream->max_size < SEALED_BUFFER_SIZE)
		i_stream_set_max_buffer_size(sealed, SEALED_BUFFER_SIZE);
	err = rstream_parse(rstream);
	if (err != ROOST_OK) {
		rstream_free(rstream);
		return err;
	}
	*opening_r = i_new(struct roost_opening, 1);
	(*opening_r)->rstream = rstream;
	*header_r = &rstream->object.header;
	i_stream_ref(sealed);
	return ROOST_OK;
}

void
roost_istream_cancel(struct roost_opening **_opening)
{
	struct roost_opening *opening = *_opening;

	*_opening = NULL;
	if (opening == NULL)
		return;
	i_stream_unref(&opening->rstream->sealed);
	rstream_free(opening->rstream);
	i_free(opening);
}

enum roost_err
roost_istream_scrub(struct istream *sealed)
{
	struct roost_opening *opening;
	const struct roost_header *header;
	enum roost_err err;

	err = roost_istream_begin(sealed, &opening, &header);
	if (err == ROOST_OK)
		err = roost_object_scrub(&opening->rstream->object);
	roost_istream_cancel(&opening);
	return err;
}

static void
i_stream_roost_destroy(struct iostream_private *stream)
{
	struct roost_istream *rstream =
		container_of(stream, struct roost_istream, istream.iostream);

	roost_object_close(&rstream->object);
	i_stream_free_buffer(&rstream->istream);
	i_stream_unref(&rstream->istream.parent);
}

static unsigned int failures;

unsigned int
roost_istream_failures(void)
{
	return failures;
}

static ssize_t
rstream_fail(struct roost_istream *rstream, enum roost_err err, uint64_t off)
{
	struct istream_private *stream = &rstream->istream;

	if (err == ROOST_ERR_AGAIN)
		return 0;
	if (err == ROOST_ERR_IO && stream->parent->stream_errno != 0) {
		io_stream_set_error(&stream->iostream, "%s",
				    i_stream_get_error(stream->parent));
		stream->istream.stream_errno = stream->parent->stream_errno;
		return -1;
	}
	failures++;
	io_stream_set_error(&stream->iostream,
		"chunk %llu of the sealed message: %s [%s]",
		(unsigned long long)(off / ROOST_CHUNK_PLAIN_SIZE),
		roost_err_phrase(err), roost_err_name(err));
	stream->istream.stream_errno = roost_report_errno(err);
	return -1;
}

static void
plain_free(uint8_t *bytes)
{
	free(bytes);
}

static void
rstream_set_buffer(struct istream_private *stream, uint8_t *bytes, size_t size)
{
	if (stream->memarea != NULL)
		memarea_unref(&stream->memarea);
	stream->memarea = memarea_init(bytes, size, plain_free, bytes);
	stream->buffer = stream->w_buffer = bytes;
	stream->buffer_size = size;
}

/*
 * Nothing is visible: have room for len bytes, in a buffer of up to size,
 * whatever size others keep their buffers at.  It is not zeroed, and
 * max_buffer_size stays: streams above inherit that, and core relies on their
 * holding no more.
 */
static void
rstream_make_room(struct istream_private *stream, size_t len, size_t size)
{
	uint8_t *bytes;

	/* A stream above may look for as much as it was shown before. */
	size = I_MAX(size, stream->buffer_size);
	stream->skip = stream->pos = 0;
	if (stream->memarea != NULL && stream->buffer_size >= len &&
	    memarea_get_refcount(stream->memarea) == 1)
		return;
	bytes = malloc(size);
	if (bytes == NULL)
		i_fatal_status(FATAL_OUTOFMEM, "malloc(%zu): Out of memory",
			       size);
	rstream_set_buffer(stream, bytes, size);
}

/* Nothing is visible, and whoever reads takes what comes. */
static bool
may_show_much(const struct istream_private *stream)
{
	return stream->pos == stream->skip && stream->data_limit == 0;
}

/* Show what the object has in memory of off's chunk: nothing at the end, or
   where the buffer is full. */
static enum roost_err
rstream_show_loaded(struct roost_istream *rstream, uint64_t off)
{
	struct istream_private *stream = &rstream->istream;
	const uint8_t *plain;
	size_t len, room;
	enum roost_err err;

	err = roost_object_read(&rstream->object, off, &plain, &len);
	if (err != ROOST_OK || len == 0)
		return err;
	if (may_show_much(stream))
		rstream_make_room(stream, len, len);
	if (!i_stream_try_alloc(stream, len, &room))
		return ROOST_OK;
	len = I_MIN(len, room);
	memcpy(stream->w_buffer + stream->pos, plain, len);
	stream->pos += len;
	return ROOST_OK;
}

/* A message of one chunk is open already: its memory becomes the buffer. */
static bool
rstream_show_only(struct roost_istream *rstream, uint64_t off)
{
	struct istream_private *stream = &rstream->istream;
	uint8_t *plain;
	size_t len;

	if (off > 0 ||
	    !roost_object_take_only(&rstream->object, &plain, &len))
		return FALSE;
	rstream_set_buffer(stream, plain, ROOST_CHUNK_SEALED_SIZE);
	stream->skip = 0;
	stream->pos = len;
	return TRUE;
}

/* Open full chunks from *off on, each where it is shown. */
static enum roost_err
rstream_show_ahead(struct roost_istream *rstream, uint64_t *off, size_t len)
{
	struct istream_private *stream = &rstream->istream;
	uint64_t start = *off;
	enum roost_err err = ROOST_OK;

	while (*off - start + ROOST_CHUNK_PLAIN_SIZE <= len &&
	       roost_object_is_ahead(&rstream->object, *off)) {
		err = roost_object_read_ahead(&rstream->object, *off,
					      stream->w_buffer + stream->pos);
		if (err != ROOST_OK)
			break;
		stream->pos += ROOST_CHUNK_PLAIN_SIZE;
		*off += ROOST_CHUNK_PLAIN_SIZE;
	}
	/* The turn of the bad one comes when those before it were taken. */
	return *off > start ? ROOST_OK : err;
}

/*
 * Each part that is shown becomes writes to a client, so it has one chunk at
 * first, and more the longer a message is read in order.  The final chunk is
 * in memory already, and goes with the one before it.
 */
static enum roost_err
rstream_show(struct roost_istream *rstream, uint64_t off)
{
	struct istream_private *stream = &rstream->istream;
	const struct roost_body *body = &rstream->object.body;
	uint64_t left = body->plain_size - off;
	size_t len = rstream->ahead * ROOST_CHUNK_PLAIN_SIZE;
	enum roost_err err;

	if (may_show_much(stream) && rstream_show_only(rstream, off))
		return ROOST_OK;
	if (!may_show_much(stream) ||
	    !roost_object_is_ahead(&rstream->object, off))
		return rstream_show_loaded(rstream, off);
	if (left < len + ROOST_CHUNK_PLAIN_SIZE)
		len = (size_t)left;
	rstream_make_room(stream, len + ROOST_TAG_SIZE, ROOST_TAG_SIZE +
			  (size_t)I_MIN(left, PART_SIZE_MAX));
	err = rstream_show_ahead(rstream, &off, len);
	rstream->ahead = I_MIN(rstream->ahead + 1, AHEAD_MAX);
	if (err == ROOST_OK && off / ROOST_CHUNK_PLAIN_SIZE == body->final_idx)
		err = rstream_show_loaded(rstream, off);
	return err;
}

/* Streams above that show a part of the buffer must not trust it any more.
   They see it by the parents, of which nothing need have been read. */
static void
rstream_tell_moved(struct istream_private *stream)
{
	struct istream *parent;

	for (parent = stream->parent; parent != NULL;
	     parent = parent->real_stream->parent)
		parent->real_stream->access_counter++;
}

static ssize_t
i_stream_roost_read(struct istream_private *stream)
{
	struct roost_istream *rstream =
		container_of(stream, struct roost_istream, istream);
	size_t shown, old_len = stream->pos - stream->skip;
	uint64_t off = stream->istream.v_offset + old_len;
	enum roost_err err;

	err = rstream_show(rstream, off);
	rstream_tell_moved(stream);
	if (err != ROOST_OK)
		return rstream_fail(rstream, err, off);
	shown = stream->pos - stream->skip - old_len;
	if (shown > 0)
		return (ssize_t)shown;
	if (off < rstream->object.body.plain_size)
		return -2;	/* the buffer is full */
	stream->istream.eof = TRUE;
	return -1;
}

/*
 * What was read last is still in the buffer.  As with core's own streams it is
 * visible again with the next read only, which tells the parents that the file
 * was moved for something else, and a reader that there is something.
 */
static void
i_stream_roost_seek(struct istream_private *stream, uoff_t v_offset,
		    bool mark ATTR_UNUSED)
{
	struct roost_istream *rstream =
		container_of(stream, struct roost_istream, istream);
	uoff_t start = stream->istream.v_offset - stream->skip;
	size_t end = I_MAX(stream->pos, stream->high_pos);

	if (v_offset >= start && v_offset - start <= end) {
		stream->skip = stream->pos = (size_t)(v_offset - start);
		stream->high_pos = end;
	} else {
		stream->skip = stream->pos = stream->high_pos = 0;
		rstream->ahead = 1;
	}
	stream->istream.v_offset = v_offset;
}

static int
i_stream_roost_stat(struct istream_private *stream, bool exact)
{
	struct roost_istream *rstream =
		container_of(stream, struct roost_istream, istream);
	const struct stat *st;

	if (i_stream_stat(stream->parent, exact, &st) < 0) {
		stream->istream.stream_errno = stream->parent->stream_errno;
		return -1;
	}
	stream->statbuf = *st;
	stream->statbuf.st_size = (off_t)rstream->object.body.plain_size;
	return 0;
}

static struct istream *
rstream_create(struct roost_istream *rstream)
{
	struct istream_private *stream = &rstream->istream;
	struct istream *parent = rstream->sealed;

	stream->iostream.destroy = i_stream_roost_destroy;
	rstream->ahead = 1;
	stream->max_buffer_size = rstream->max_size;
	stream->read = i_stream_roost_read;
	stream->seek = i_stream_roost_seek;
	stream->stat = i_stream_roost_stat;
	stream->istream.readable_fd = FALSE;
	stream->istream.blocking = parent->blocking;
	stream->istream.seekable = parent->seekable;
	return roost_istream_init(stream, parent, i_stream_get_fd(parent));
}

/* With saved keys nothing is derived.  Where they do not open it, the data key
   says why. */
static enum roost_err
rstream_open(struct roost_istream *rstream, struct roost_file_keys *keys)
{
	enum roost_err err;

	if (keys->has_saved) {
		err = roost_object_open_saved(&rstream->object, keys->saved);
		if (err == ROOST_OK || err == ROOST_ERR_IO ||
		    err == ROOST_ERR_AGAIN)
			return err;
	}
	err = roost_object_open(&rstream->object, keys->data_key);
	if (err == ROOST_OK)
		err = roost_object_save_keys(&rstream->object, keys->saved);
	keys->has_saved = err == ROOST_OK;
	return err;
}

enum roost_err
roost_istream_finish(struct roost_opening **_opening,
		     struct roost_file_keys *keys, struct istream **plain_r)
{
	struct roost_opening *opening = *_opening;
	struct roost_istream *rstream = opening->rstream;
	struct istream *sealed = rstream->sealed;
	enum roost_err err;

	*plain_r = NULL;
	err = rstream_open(rstream, keys);
	if (err != ROOST_OK) {
		roost_istream_cancel(_opening);
		return err;
	}
	*_opening = NULL;
	i_free(opening);
	/* The stream now holds its parent itself. */
	*plain_r = rstream_create(rstream);
	i_stream_unref(&sealed);
	return ROOST_OK;
}
