/* SPDX-License-Identifier: MIT */
/*
 * ostream-roost: the sealing stream.  See ostream-roost.h.
 */
#include "stream/ostream-roost.h"

#include "ostream-private.h"

#include "dovecot/report.h"

#include "roost/secret.h"

struct roost_ostream {
	struct ostream_private ostream;
	struct ostream *output;
	struct roost_writer writer;
};

static enum roost_err
output_write(void *context, const uint8_t *bytes, size_t len)
{
	struct roost_ostream *rstream = context;
	ssize_t ret = o_stream_send(rstream->output, bytes, len);

	/* A storage's output blocks: if it takes less than all, it failed. */
	return ret == (ssize_t)len ? ROOST_OK : ROOST_ERR_IO;
}

/* Sets the stream's error.  Returns -1. */
static int
rstream_fail(struct roost_ostream *rstream, enum roost_err err)
{
	struct ostream_private *stream = &rstream->ostream;

	if (err == ROOST_ERR_IO && stream->parent->stream_errno != 0) {
		o_stream_copy_error_from_parent(stream);
		return -1;
	}
	io_stream_set_error(&stream->iostream, "roost: sealing failed: %s",
			    roost_err_phrase(err));
	stream->ostream.stream_errno = roost_report_errno(err);
	return -1;
}

static ssize_t
o_stream_roost_sendv(struct ostream_private *stream,
		     const struct const_iovec *iov, unsigned int iov_count)
{
	struct roost_ostream *rstream =
		container_of(stream, struct roost_ostream, ostream);
	enum roost_err err = ROOST_OK;
	size_t sent = 0;
	unsigned int i;

	for (i = 0; i < iov_count && err == ROOST_OK; i++) {
		err = roost_writer_write(&rstream->writer, iov[i].iov_base,
					 iov[i].iov_len);
		sent += iov[i].iov_len;
	}
	if (err != ROOST_OK)
		return rstream_fail(rstream, err);
	stream->ostream.offset += sent;
	return (ssize_t)sent;
}

static int
o_stream_roost_flush(struct ostream_private *stream)
{
	struct roost_ostream *rstream =
		container_of(stream, struct roost_ostream, ostream);
	enum roost_err err;

	if (stream->finished) {
		err = roost_writer_finish(&rstream->writer);
		if (err != ROOST_OK)
			return rstream_fail(rstream, err);
	}
	return o_stream_flush_parent(stream);
}

static void
o_stream_roost_destroy(struct iostream_private *stream)
{
	struct roost_ostream *rstream =
		container_of(stream, struct roost_ostream, ostream.iostream);

	roost_writer_close(&rstream->writer);
	o_stream_unref(&rstream->ostream.parent);
}

struct ostream *
roost_ostream_create(struct ostream *output, const struct roost_seal_key *key,
		     struct roost_sealed *sealed_r, const char **error_r)
{
	struct roost_ostream *rstream = i_new(struct roost_ostream, 1);
	struct roost_sink sink = { .write = output_write, .context = rstream };
	enum roost_err err;

	rstream->output = output;
	err = roost_writer_begin(&rstream->writer, &sink, key);
	if (err != ROOST_OK) {
		*error_r = err == ROOST_ERR_IO ? o_stream_get_error(output) :
			roost_err_phrase(err);
		roost_writer_close(&rstream->writer);
		i_free(rstream);
		return NULL;
	}
	memcpy(sealed_r->object_id, rstream->writer.object_id, ROOST_ID_SIZE);
	memcpy(sealed_r->keys.data_key, rstream->writer.data_key,
	       ROOST_KEY_SIZE);
	memcpy(sealed_r->keys.saved, rstream->writer.saved_keys,
	       ROOST_SAVED_KEYS_SIZE);
	sealed_r->keys.has_saved = TRUE;
	memcpy(sealed_r->header, rstream->writer.header,
	       ROOST_WRITER_HEADER_SIZE);
	rstream->ostream.iostream.destroy = o_stream_roost_destroy;
	rstream->ostream.sendv = o_stream_roost_sendv;
	rstream->ostream.flush = o_stream_roost_flush;
	return o_stream_create(&rstream->ostream, output,
			       o_stream_get_fd(output));
}
