/* SPDX-License-Identifier: MIT */
/*
 * measure: packed bytes and sizes.  See measure.h.
 */
#include "stream/measure.h"

#include "istream.h"

/* What the compressed formats that Dovecot knows begin with. */
static const struct {
	const char *bytes;
	size_t len;
} packed_magics[] = {
	{ "\x1f\x8b", 2 },				/* gz */
	{ "BZh", 3 },
	{ "\x28\xb5\x2f\xfd", 4 },			/* zstd */
	{ "\xfd\x37\x7a\x58\x5a\x00", 6 },		/* xz */
	{ "Dovecot-LZ4\x0d\x2a\x9b\xc5", 15 },
};

bool
roost_measure_is_packed(struct istream *input)
{
	const unsigned char *data;
	unsigned int i;
	size_t size;

	/* One read shows enough, because a stream of Roost shows whole chunks;
	   and it costs nothing, because the message is read next. */
	if (i_stream_read_more(input, &data, &size) <= 0)
		return FALSE;
	for (i = 0; i < N_ELEMENTS(packed_magics); i++) {
		if (size >= packed_magics[i].len &&
		    memcmp(data, packed_magics[i].bytes,	/* public */
			   packed_magics[i].len) == 0)
			return TRUE;
	}
	return FALSE;
}

/* Counts the line feeds without a carriage return in front.  *was_cr tells
   whether the byte before data is one, and afterwards whether the last is. */
static uoff_t
count_bare(const unsigned char *data, size_t size, bool *was_cr)
{
	const unsigned char *end = data + size, *pos = data;
	uoff_t bare = 0;

	while ((pos = memchr(pos, '\n', (size_t)(end - pos))) != NULL) {
		if (pos == data ? !*was_cr : pos[-1] != '\r')
			bare++;
		pos++;
	}
	if (size > 0)
		*was_cr = end[-1] == '\r';
	return bare;
}

bool
roost_measure_count(struct istream *input, struct roost_measure *measure_r)
{
	const unsigned char *data;
	bool was_cr = FALSE;
	uoff_t bare = 0;
	size_t size;

	while (i_stream_read_more(input, &data, &size) > 0) {
		bare += count_bare(data, size, &was_cr);
		i_stream_skip(input, size);
	}
	if (input->stream_errno != 0)
		return FALSE;
	measure_r->physical = input->v_offset;
	measure_r->virtual = input->v_offset + bare;
	i_stream_seek(input, 0);
	return TRUE;
}
