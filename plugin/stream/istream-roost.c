/* SPDX-License-Identifier: MIT */
/*
 * istream-roost: a sealed message as a stream of its plaintext.  See
 * istream-roost.h.
 *
 * A chunk is opened and verified where no reader sees it: in the stream's
 * buffer, behind what is visible of that, or in the object's own memory, from
 * where it is copied or taken over.  What is visible at once is a span; it
 * holds whole chunks, whatever the size that other streams keep their buffers
 * at.  sealed-source.c is where the sealed bytes come from.
 */
#include "stream/istream-roost.h"

#include "istream-private.h"
#include "memarea.h"

#include "dovecot/report.h"
#include "stream/sealed-source.h"

/* A span has this many full chunks at most, and a final one with them.  Who
   asks for a part of a message is to have one chunk too many opened at most;
   who has read RANGE_MAX from the beginning on is taken to read all of it. */
#define AHEAD_MAX 3
#define RANGE_AHEAD_MAX 2
#define RANGE_MAX (4 * ROOST_CHUNK_PLAIN_SIZE)
#define SPAN_SIZE_MAX ((AHEAD_MAX + 1) * ROOST_CHUNK_PLAIN_SIZE)

/* By the descriptor core tells the kernel to read the whole file soon, also
   where a client asks for a small part of it.  So that of a longer message is
   not shown. */
#define PREFETCH_SIZE_MAX (16 * ROOST_CHUNK_PLAIN_SIZE)

struct roost_istream {
	struct istream_private istream;
	struct roost_object object;
	struct roost_sealed_source source;	/* its stream is the parent */
	size_t max_size;	/* of the parent's buffer, before it was
				   enlarged */
	unsigned int ahead;	/* full chunks in the next span */
	bool is_range;		/* it is not read from the beginning on */
};

/* Until roost_istream_finish() makes a stream of it, rstream is only memory. */
struct roost_opening {
	struct roost_istream *rstream;
};

static void
rstream_free(struct roost_istream *rstream)
{
	roost_object_close(&rstream->object);
	i_free(rstream);
}

static enum roost_err
rstream_parse(struct roost_istream *rstream)
{
	struct roost_source source;
	enum roost_err err = roost_sealed_source_get(&rstream->source,
						     &source);

	return err != ROOST_OK ? err :
		roost_object_parse(&rstream->object, &source);
}

enum roost_err
roost_istream_begin(struct istream *sealed, struct roost_opening **opening_r,
		    const struct roost_header **header_r)
{
	struct roost_istream *rstream = i_new(struct roost_istream, 1);
	enum roost_err err;

	*opening_r = NULL;
	*header_r = NULL;
	rstream->max_size = i_stream_get_max_buffer_size(sealed);
	roost_sealed_source_init(&rstream->source, sealed,
				 &rstream->object.body);
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
	i_stream_unref(&opening->rstream->source.stream);
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

/* Of all such streams of the process, at a gate. */
static unsigned int failures;

unsigned int
roost_istream_failures(void)
{
	return failures;
}

/* Set the stream's error.  Returns what its read() returns: -1, or 0 where the
   parent has no more bytes yet. */
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

/* Take size bytes of memory, which free() frees, as the stream's buffer. */
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
 * Empty the buffer, of which nothing is visible, and let it hold at least len
 * bytes; one that is made anew has size bytes.  It is not zeroed.
 * max_buffer_size stays, because streams above inherit it, and core relies on
 * their holding no more.
 */
static void
rstream_reserve(struct istream_private *stream, size_t len, size_t size)
{
	uint8_t *bytes;

	/* A stream above may ask for as much as it was shown before. */
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

/* TRUE if nothing is visible and the reader takes a span of any size. */
static bool
may_show_span(const struct istream_private *stream)
{
	return stream->pos == stream->skip && stream->data_limit == 0;
}

/* Show the rest of the chunk at off from the object's memory; nothing is shown
   at the end of the message, or where the buffer is full. */
static enum roost_err
rstream_show_loaded(struct roost_istream *rstream, uint64_t off)
{
	struct istream_private *stream = &rstream->istream;
	const uint8_t *plain;
	size_t len, avail;
	enum roost_err err;

	err = roost_object_read(&rstream->object, off, &plain, &len);
	if (err != ROOST_OK || len == 0)
		return err;
	if (may_show_span(stream))
		rstream_reserve(stream, len, len);
	if (!i_stream_try_alloc(stream, len, &avail))
		return ROOST_OK;
	len = I_MIN(len, avail);
	memcpy(stream->w_buffer + stream->pos, plain, len);
	stream->pos += len;
	return ROOST_OK;
}

/* A message of one chunk is in memory since it was opened: that memory becomes
   the buffer.  Returns FALSE for any other. */
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

/* Open full chunks from *off on, up to len bytes, each where it is shown.  *off
   is behind the last one afterwards.  An error counts only if there is none
   before it: its turn comes when those were taken. */
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
	return *off > start ? ROOST_OK : err;
}

/*
 * Show the span that begins at off.  Each span becomes writes to a client, so
 * the first has one chunk, and the next ones have more, the longer the message
 * is read in order.  The final chunk is in memory since the message was opened,
 * and is shown with the one before it.
 */
static enum roost_err
rstream_show(struct roost_istream *rstream, uint64_t off)
{
	struct istream_private *stream = &rstream->istream;
	const struct roost_body *body = &rstream->object.body;
	uint64_t left = body->plain_size - off;
	size_t len = rstream->ahead * ROOST_CHUNK_PLAIN_SIZE;
	enum roost_err err;

	if (may_show_span(stream) && rstream_show_only(rstream, off))
		return ROOST_OK;
	if (!may_show_span(stream) ||
	    !roost_object_is_ahead(&rstream->object, off))
		return rstream_show_loaded(rstream, off);
	if (left < len + ROOST_CHUNK_PLAIN_SIZE)
		len = (size_t)left;
	rstream_reserve(stream, len + ROOST_TAG_SIZE, ROOST_TAG_SIZE +
			  (size_t)I_MIN(left, SPAN_SIZE_MAX));
	err = rstream_show_ahead(rstream, &off, len);
	rstream->ahead = I_MIN(rstream->ahead + 1,
			       rstream->is_range || off < RANGE_MAX ?
			       RANGE_AHEAD_MAX : AHEAD_MAX);
	if (err == ROOST_OK && off / ROOST_CHUNK_PLAIN_SIZE == body->final_idx)
		err = rstream_show_loaded(rstream, off);
	return err;
}

/* Streams above may show bytes of the buffer, which has changed.  They notice
   that by the access counters of the parents, which count only what the parents
   read themselves: so count this, too. */
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
 * What was read last is still in the buffer, and is kept if the new offset lies
 * in it.  As with core's own streams it becomes visible with the next read
 * only: that read counts for the streams above, and a reader that waits for one
 * gets it.
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
		rstream->is_range = v_offset > 0;
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
	struct istream *parent = rstream->source.stream;

	stream->iostream.destroy = i_stream_roost_destroy;
	rstream->ahead = 1;
	stream->max_buffer_size = rstream->max_size;
	stream->read = i_stream_roost_read;
	stream->seek = i_stream_roost_seek;
	stream->stat = i_stream_roost_stat;
	stream->istream.readable_fd = FALSE;
	stream->istream.blocking = parent->blocking;
	stream->istream.seekable = parent->seekable;
	return roost_istream_init(stream, parent,
		rstream->object.body.plain_size > PREFETCH_SIZE_MAX ? -1 :
		i_stream_get_fd(parent));
}

/* Saved keys spare a derivation.  Where they do not open the object, the data
   key is tried, which tells at which gate it fails. */
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
	struct istream *sealed = rstream->source.stream;
	enum roost_err err;

	*plain_r = NULL;
	err = rstream_open(rstream, keys);
	if (err != ROOST_OK) {
		roost_istream_cancel(_opening);
		return err;
	}
	*_opening = NULL;
	i_free(opening);
	/* The stream holds a reference of its own now. */
	*plain_r = rstream_create(rstream);
	i_stream_unref(&sealed);
	return ROOST_OK;
}
