/* SPDX-License-Identifier: MIT */
/*
 * test_streams: the sealing and the opening stream, on Dovecot's own kit for
 * tests.
 *
 * Sealed bytes arrive one at a time, buffers are smaller than a chunk, seeks
 * go anywhere: what comes out is compared with the plaintext as it was written.
 */
#include "stream/istream-roost.h"
#include "stream/ostream-roost.h"
#include "dovecot/report.h"

#include "istream-header-filter.h"
#include "istream-private.h"
#include "memarea.h"
#include "message-size.h"
#include "ostream-private.h"
#include "str.h"
#include "test-common.h"

#include "roost/secret.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define C ROOST_CHUNK_PLAIN_SIZE
#define STORED_HEAD_SIZE 36

static struct roost_seal_key seal_key;
static struct roost_open_key open_key;
static uint64_t seed;

/* Returns a number below limit, by Knuth's generator for MMIX: the same numbers
   for the same seed. */
static unsigned int
draw(unsigned int limit)
{
	seed = seed * UINT64_C(6364136223846793005) +
		UINT64_C(1442695040888963407);
	return (unsigned int)(seed >> 33) % limit;
}

static void
make_keys(void)
{
	enum roost_err err;

	err = roost_prim_random(open_key.private_key, ROOST_KEY_SIZE);
	if (err == ROOST_OK)
		err = roost_prim_random(open_key.psk, ROOST_KEY_SIZE);
	if (err == ROOST_OK)
		err = roost_prim_x25519_public(open_key.private_key,
					       open_key.public_key);
	if (err == ROOST_OK)
		err = roost_stanza_key_id(ROOST_STANZA_X25519,
					  open_key.public_key,
					  open_key.key_id);
	i_assert(err == ROOST_OK);
	memcpy(seal_key.public_key, open_key.public_key, ROOST_KEY_SIZE);
	memcpy(seal_key.key_id, open_key.key_id, ROOST_KEY_ID_SIZE);
	memcpy(seal_key.psk, open_key.psk, ROOST_KEY_SIZE);
}

static buffer_t *
plain_new(size_t size)
{
	buffer_t *plain = buffer_create_dynamic(default_pool, size + 1);
	size_t i;

	for (i = 0; i < size; i++)
		buffer_append_c(plain, (unsigned char)draw(256));
	return plain;
}

/* Returns the sealed bytes of a plaintext that is written in pieces of up to
   piece bytes. */
static buffer_t *
seal(const buffer_t *plain, size_t piece)
{
	buffer_t *sealed = buffer_create_dynamic(default_pool, 4096);
	struct ostream *memory = o_stream_create_buffer(sealed), *output;
	struct roost_sealed used;
	const char *error;
	size_t off, size;

	output = roost_ostream_create(memory, &seal_key, &used,
				      &error);
	i_assert(output != NULL);
	for (off = 0; off < plain->used; off += size) {
		size = 1 + draw((unsigned int)piece);
		size = I_MIN(size, plain->used - off);
		o_stream_nsend(output, CONST_PTR_OFFSET(plain->data, off),
			       size);
	}
	test_assert(output->offset == plain->used);
	test_assert(o_stream_finish(output) == 1);
	o_stream_destroy(&output);
	o_stream_destroy(&memory);
	return sealed;
}

/* Open it once more, with what the first opening saved and no data key. */
static void
reopen_stream(struct istream *sealed, uoff_t start,
	      struct roost_file_keys *keys, struct istream **plain)
{
	struct roost_opening *opening;
	const struct roost_header *header;

	i_stream_destroy(plain);
	i_stream_seek(sealed, start);
	i_zero(&keys->data_key);
	test_assert(keys->has_saved);
	test_assert(roost_istream_begin(sealed, &opening, &header) ==
		    ROOST_OK);
	test_assert(roost_istream_finish(&opening, keys, plain) == ROOST_OK);
}

/* Opens what stands at the stream's offset; in half of all calls twice, the
   second time with what the first has saved. */
static enum roost_err
open_stream(struct istream *sealed, struct istream **plain_r)
{
	struct roost_opening *opening;
	const struct roost_header *header;
	struct roost_file_keys keys = { .has_saved = FALSE };
	uoff_t start = sealed->v_offset;
	enum roost_err err;

	*plain_r = NULL;
	err = roost_istream_begin(sealed, &opening, &header);
	if (err != ROOST_OK)
		return err;
	err = roost_stanza_open(header, seal_key.keyring_id, &open_key, 1,
				keys.data_key);
	if (err != ROOST_OK) {
		roost_istream_cancel(&opening);
		return err;
	}
	err = roost_istream_finish(&opening, &keys, plain_r);
	if (err == ROOST_OK && draw(2) == 0)
		reopen_stream(sealed, start, &keys, plain_r);
	return err;
}

/* TRUE if what is read to the end is the plaintext from off on. */
static bool
rest_is(struct istream *input, const buffer_t *plain, uoff_t off)
{
	const unsigned char *data;
	size_t size;
	ssize_t ret;

	while ((ret = i_stream_read_more(input, &data, &size)) > 0) {
		if (size > plain->used - off ||
		    memcmp(CONST_PTR_OFFSET(plain->data, off), data,
			   size) != 0)
			return FALSE;
		off += size;
		i_stream_skip(input, size);
	}
	return input->stream_errno == 0 && off == plain->used;
}

static const size_t sizes[] = {
	0, 1, 1000, C - 1, C, C + 1, 2 * C, 2 * C + 1, 3 * C + 77
};

static void
test_round_trip(void)
{
	unsigned int i, piece;

	test_begin("sealed in any pieces, opened whole");
	for (i = 0; i < N_ELEMENTS(sizes); i++) {
		for (piece = 1; piece <= 3 * C; piece = piece * 150 + 1) {
			buffer_t *plain = plain_new(sizes[i]);
			buffer_t *sealed = seal(plain, piece);
			struct istream *memory =
				i_stream_create_from_data(sealed->data,
							  sealed->used);
			struct istream *input;
			const struct stat *st;

			test_assert_idx(open_stream(memory, &input) ==
					ROOST_OK, i);
			test_assert_idx(i_stream_stat(input, TRUE, &st) == 0 &&
					st->st_size == (off_t)sizes[i], i);
			test_assert_idx(rest_is(input, plain, 0), i);
			i_stream_destroy(&input);
			i_stream_destroy(&memory);
			buffer_free(&plain);
			buffer_free(&sealed);
		}
	}
	test_end();
}

/* One byte more arrives each time, as from a slow pipe; none that comes out is
   wrong. */
static void
test_trickle(void)
{
	buffer_t *plain = plain_new(2 * C + 300), *sealed = seal(plain, 999);
	struct istream *slow = test_istream_create_data(sealed->data,
							sealed->used);
	struct istream *input;
	const unsigned char *data;
	size_t size, avail, off = 0;
	int ret = 0;

	test_begin("sealed bytes that arrive one at a time");
	test_assert(open_stream(slow, &input) == ROOST_OK);
	for (avail = 0; avail <= sealed->used && ret >= 0; avail++) {
		test_istream_set_size(slow, avail);
		while ((ret = i_stream_read_more(input, &data, &size)) > 0) {
			if (off + size > plain->used ||
			    memcmp(CONST_PTR_OFFSET(plain->data, off), data,
				   size) != 0)
				i_panic("wrong bytes at %zu", off);
			off += size;
			i_stream_skip(input, size);
		}
	}
	test_assert(input->stream_errno == 0 && off == plain->used);
	i_stream_destroy(&input);
	i_stream_destroy(&slow);
	buffer_free(&plain);
	buffer_free(&sealed);
	test_end();
}

/* Returns a file with the sealed bytes behind a head, as storages have it. */
static FILE *
store(const buffer_t *sealed)
{
	static const char head[STORED_HEAD_SIZE] = "head of the file";
	FILE *stored = tmpfile();

	i_assert(stored != NULL &&
		 fwrite(head, sizeof(head), 1, stored) == 1 &&
		 fwrite(sealed->data, sealed->used, 1, stored) == 1 &&
		 fflush(stored) == 0);
	return stored;
}

/* A sealed message within a file whose stream others may use, too. */
struct shared {
	buffer_t *plain, *sealed;
	FILE *stored;
	struct istream *file, *limit, *input;
};

static void
shared_init(struct shared *shared, buffer_t *plain)
{
	shared->plain = plain;
	shared->sealed = seal(plain, C);
	shared->stored = store(shared->sealed);
	shared->file = i_stream_create_fd(fileno(shared->stored), 8192);
	i_stream_seek(shared->file, STORED_HEAD_SIZE);
	shared->limit = i_stream_create_limit(shared->file,
					      shared->sealed->used);
	test_assert(open_stream(shared->limit, &shared->input) == ROOST_OK);
	i_stream_set_max_buffer_size(shared->input, 8192);
}

static void
shared_free(struct shared *shared)
{
	i_stream_destroy(&shared->input);
	i_stream_destroy(&shared->limit);
	i_stream_destroy(&shared->file);
	i_assert(fclose(shared->stored) == 0);
	buffer_free(&shared->plain);
	buffer_free(&shared->sealed);
}

static void
seek_anywhere(struct istream *sealed, const buffer_t *plain)
{
	struct istream *input;
	const unsigned char *data;
	unsigned int i;
	size_t size;

	test_assert(open_stream(sealed, &input) == ROOST_OK);
	i_stream_set_max_buffer_size(input, 8192);
	test_assert(rest_is(input, plain, 0));
	for (i = 0; i < 1000; i++) {
		/* Now and then beyond the end, where nothing is. */
		size_t off = draw((unsigned int)plain->used + 9);
		size_t want = draw(8192);

		i_stream_seek(input, off);
		off = I_MIN(off, plain->used);
		(void)i_stream_read_bytes(input, &data, &size, want + 1);
		test_assert_idx(size <= plain->used - off &&
				(size > want || off + size == plain->used) &&
				memcmp(CONST_PTR_OFFSET(plain->data, off),
				       data, size) == 0, i);
		test_assert_idx(input->stream_errno == 0, i);
		i_stream_skip(input, draw((unsigned int)size + 1));
	}
	i_stream_seek(input, 0);
	test_assert(rest_is(input, plain, 0));
	i_stream_destroy(&input);
}

static void
seek_in_memory(size_t plain_size)
{
	buffer_t *plain = plain_new(plain_size), *sealed = seal(plain, C);
	struct istream *memory = i_stream_create_from_data(sealed->data,
							   sealed->used);

	seek_anywhere(memory, plain);
	i_stream_destroy(&memory);
	buffer_free(&plain);
	buffer_free(&sealed);
}

static void
test_seeks(void)
{
	test_begin("seeks anywhere, with buffers smaller than a chunk");
	seek_in_memory(5 * C + 123);
	seek_in_memory(12 * C);
	seek_in_memory(C - 1);
	test_end();
}

/* In the file of an sdbox the message stands behind a head, of which some is in
   the buffer already. */
static void
seek_in_file(size_t plain_size, size_t buffered)
{
	buffer_t *plain = plain_new(plain_size), *sealed = seal(plain, C);
	const unsigned char *data;
	size_t size;
	FILE *file = store(sealed);
	struct istream *input;

	input = i_stream_create_fd(fileno(file), 8192);
	if (buffered > 0)
		(void)i_stream_read_bytes(input, &data, &size, buffered);
	i_stream_seek(input, STORED_HEAD_SIZE);
	seek_anywhere(input, plain);
	i_stream_destroy(&input);
	i_assert(fclose(file) == 0);
	buffer_free(&plain);
	buffer_free(&sealed);
}

static void
test_seeks_in_a_file(void)
{
	unsigned int i;

	test_begin("seeks in a file, some of which was read before");
	seek_in_file(12000, 0);
	seek_in_file(2 * C + 1, 0);
	for (i = 0; i < N_ELEMENTS(sizes); i++)
		seek_in_file(sizes[i], 1 + draw(8192));
	test_end();
}

/* Does the stream of such a message in a file show core a descriptor? */
static bool
shows_descriptor(size_t plain_size)
{
	buffer_t *plain = plain_new(plain_size), *sealed = seal(plain, C);
	FILE *file = store(sealed);
	struct istream *stored = i_stream_create_fd(fileno(file), 8192);
	struct istream *input;
	bool is_shown;

	i_stream_seek(stored, STORED_HEAD_SIZE);
	test_assert(open_stream(stored, &input) == ROOST_OK);
	is_shown = i_stream_get_fd(input) != -1;
	i_stream_destroy(&input);
	i_stream_destroy(&stored);
	i_assert(fclose(file) == 0);
	buffer_free(&plain);
	buffer_free(&sealed);
	return is_shown;
}

/* Core has all of a file read ahead whose descriptor it knows. */
static void
test_large_is_not_read_ahead(void)
{
	test_begin("a large file is not read ahead for a part of it");
	test_assert(shows_descriptor(16 * C));
	test_assert(!shows_descriptor(16 * C + 1));
	test_end();
}

/* Returns the lengths of the spans that are shown when the message is read in
   order from off on: whole chunks, C, and bytes. */
static const char *
spans_from(struct istream *input, uoff_t off)
{
	string_t *spans = t_str_new(64);
	const unsigned char *data;
	size_t size;

	i_stream_seek(input, off);
	while (i_stream_read_more(input, &data, &size) > 0) {
		if (size >= C)
			str_printfa(spans, "%zuC", size / C);
		str_printfa(spans, "+%zu ", size % C);
		i_stream_skip(input, size);
	}
	test_assert(input->stream_errno == 0);
	return str_c(spans);
}

static const char *
spans_of(size_t plain_size, uoff_t off)
{
	buffer_t *plain = plain_new(plain_size), *sealed = seal(plain, C);
	struct istream *memory = i_stream_create_from_data(sealed->data,
							   sealed->used);
	struct istream *input;
	const char *spans;

	test_assert(open_stream(memory, &input) == ROOST_OK);
	i_stream_set_max_buffer_size(input, 8192);
	(void)spans_from(input, 0);
	spans = spans_from(input, off);
	i_stream_destroy(&input);
	i_stream_destroy(&memory);
	buffer_free(&plain);
	buffer_free(&sealed);
	return spans;
}

/* Few spans are few writes to a client, but a span that nobody wants costs. */
static void
test_spans(void)
{
	test_begin("how much is shown at once");
	test_assert_strcmp(spans_of(C - 1, 0), "+16383 ");
	test_assert_strcmp(spans_of(C + 100, 0), "1C+100 ");
	test_assert_strcmp(spans_of(10 * C + 100, 0),
			   "1C+0 2C+0 2C+0 3C+0 2C+100 ");
	test_assert_strcmp(spans_of(9 * C + 99, 0),
			   "1C+0 2C+0 2C+0 3C+0 1C+99 ");
	/* A seek makes them small again, and they stay so, since part of a
	   message may be all that is asked for. */
	test_assert_strcmp(spans_of(9 * C + 5, C),
			   "1C+0 2C+0 2C+0 2C+0 1C+5 ");
	test_end();
}

/* Bytes of which a filter holds a snapshot stay as they were when the stream
   moves on. */
static void
test_snapshot(void)
{
	buffer_t *plain = plain_new(4 * C), *sealed = seal(plain, C);
	struct istream *memory = i_stream_create_from_data(sealed->data,
							   sealed->used);
	struct istream *input, *limit;
	const unsigned char *data, *first;
	size_t size, first_size;

	test_begin("data handed out survives a filter's next read");
	test_assert(open_stream(memory, &input) == ROOST_OK);
	limit = i_stream_create_limit(input, UOFF_T_MAX);
	test_assert(i_stream_read_more(limit, &first, &first_size) > 0);
	i_stream_skip(limit, first_size / 2);
	first += first_size / 2;
	test_assert(i_stream_read_bytes(limit, &data, &size, C) >= 0);
	test_assert(memcmp(CONST_PTR_OFFSET(plain->data, first_size / 2),
			   data, size) == 0);
	i_stream_destroy(&limit);
	i_stream_destroy(&input);
	i_stream_destroy(&memory);
	buffer_free(&plain);
	buffer_free(&sealed);
	test_end();
}

/* The stream writes nothing to memory that somebody still holds, also when
   nothing of it is visible any more. */
static void
test_held_memory(void)
{
	struct shared shared;
	struct memarea *held;
	const unsigned char *data, *old;
	size_t size, old_size;

	test_begin("memory that is held");
	shared_init(&shared, plain_new(5 * C));
	test_assert(i_stream_read_more(shared.input, &old, &old_size) > 0);
	held = shared.input->real_stream->memarea;
	memarea_ref(held);
	i_stream_skip(shared.input, old_size);
	test_assert(i_stream_read_more(shared.input, &data, &size) > 0);
	test_assert(memcmp(shared.plain->data, old, old_size) == 0);
	test_assert(rest_is(shared.input, shared.plain, old_size));
	test_assert(memcmp(shared.plain->data, old, old_size) == 0);
	memarea_unref(&held);
	shared_free(&shared);
	test_end();
}

/* A reader that asks for a limited number of bytes gets no more. */
static void
test_limited_read(void)
{
	buffer_t *plain = plain_new(3 * C), *sealed = seal(plain, C);
	struct istream *memory = i_stream_create_from_data(sealed->data,
							   sealed->used);
	struct istream *input;
	const unsigned char *data;
	size_t size, off = 0;

	test_begin("a read of a limited size");
	test_assert(open_stream(memory, &input) == ROOST_OK);
	while (i_stream_read_limited(input, &data, &size, 1000) > 0) {
		test_assert(size <= 1000 &&
			    memcmp(CONST_PTR_OFFSET(plain->data, off), data,
				   size) == 0);
		off += size;
		i_stream_skip(input, size);
	}
	test_assert(off == 3 * C && input->stream_errno == 0);
	i_stream_destroy(&input);
	i_stream_destroy(&memory);
	buffer_free(&plain);
	buffer_free(&sealed);
	test_end();
}

/* Of a message with a changed chunk all is shown that stands before the chunk,
   and nothing of it; the error names it. */
static void
test_changed_chunk(void)
{
	buffer_t *plain = plain_new(3 * C), *sealed = seal(plain, C);
	unsigned char *byte = buffer_get_space_unsafe(sealed,
		sealed->used - ROOST_DIGEST_SIZE - ROOST_TAG_SIZE - C, 1);
	struct istream *memory, *input;
	const unsigned char *data;
	size_t size, off = 0;

	test_begin("a changed chunk");
	*byte ^= 1;
	memory = i_stream_create_from_data(sealed->data, sealed->used);
	test_assert(open_stream(memory, &input) == ROOST_OK);
	while (i_stream_read_more(input, &data, &size) > 0) {
		test_assert(memcmp(CONST_PTR_OFFSET(plain->data, off), data,
				   size) == 0);
		off += size;
		i_stream_skip(input, size);
	}
	test_assert(off == 2 * C);
	test_assert(input->stream_errno == EIO);
	test_assert(strstr(i_stream_get_error(input), "[chunk]") != NULL);
	test_assert(strstr(i_stream_get_error(input), "chunk 2 of") != NULL);
	test_assert(i_stream_read(input) == -1);
	test_assert(i_stream_get_data_size(input) == 0);
	i_stream_destroy(&input);
	i_stream_destroy(&memory);
	buffer_free(&plain);
	buffer_free(&sealed);
	test_end();
}

/* Nothing is released of a message that was cut, wherever that is. */
static void
test_cut(void)
{
	buffer_t *plain = plain_new(C + 100), *sealed = seal(plain, C);
	struct istream *memory, *input;
	size_t len;

	test_begin("cut anywhere");
	for (len = 0; len < sealed->used; len += 1 + draw(40)) {
		memory = i_stream_create_from_data(sealed->data, len);
		test_assert_idx(open_stream(memory, &input) != ROOST_OK, len);
		test_assert_idx(input == NULL, len);
		i_stream_destroy(&memory);
	}
	buffer_free(&plain);
	buffer_free(&sealed);
	test_end();
}

/* In a file of an mdbox the object is a piece of a stream that others share. */
static void
test_piece_of_a_file(void)
{
	buffer_t *plain = plain_new(2 * C + 5), *sealed = seal(plain, C);
	buffer_t *file = buffer_create_dynamic(default_pool, 4096);
	struct istream *memory, *piece, *input;

	test_begin("a piece of a stream that somebody else seeks");
	buffer_append(file, "head of the file", 16);
	buffer_append_buf(file, sealed, 0, SIZE_MAX);
	buffer_append(file, "tail", 4);
	memory = i_stream_create_from_data(file->data, file->used);
	i_stream_seek(memory, 16);
	piece = i_stream_create_limit(memory, sealed->used);
	test_assert(open_stream(piece, &input) == ROOST_OK);
	i_stream_seek(memory, 3);
	test_assert(rest_is(input, plain, 0));
	i_stream_seek(memory, 0);
	i_stream_seek(input, C + 1);
	test_assert(rest_is(input, plain, C + 1));
	i_stream_destroy(&input);
	i_stream_destroy(&piece);
	i_stream_destroy(&memory);
	buffer_free(&file);
	buffer_free(&plain);
	buffer_free(&sealed);
	test_end();
}

static void
read_file(struct istream *file)
{
	i_stream_seek(file, draw(20));
	(void)i_stream_read(file);
	test_assert(file->stream_errno == 0);
}

/* Does what core does to send header fields: it measures them, seeks back, and
   cuts the stream at what was measured.  Somebody else reads the file before
   the step of that number. */
static void
send_header(struct shared *shared, unsigned int when)
{
	static const char *const names[] = { "From", "To" };
	struct istream *filter, *output;
	struct message_size size;
	string_t *sent = t_str_new(64);
	const unsigned char *data;
	bool has_nuls;
	size_t len;

	if (when == 1)
		read_file(shared->file);
	filter = i_stream_create_header_filter(shared->input,
		HEADER_FILTER_INCLUDE | HEADER_FILTER_HIDE_BODY, names,
		N_ELEMENTS(names), *null_header_filter_callback, NULL);
	test_assert(message_get_header_size(filter, &size, &has_nuls) >= 0);
	if (when == 2)
		read_file(shared->file);
	i_stream_seek(filter, 0);
	if (when == 3)
		read_file(shared->file);
	output = i_stream_create_limit(filter, size.virtual_size);
	while (i_stream_read_more(output, &data, &len) > 0) {
		str_append_data(sent, data, len);
		i_stream_skip(output, len);
	}
	test_assert_strcmp(str_c(sent), "From: a\r\nTo: b\r\n\r\n");
	i_stream_destroy(&output);
	i_stream_destroy(&filter);
}

static void
test_header_of_a_shared_file(void)
{
	static const char text[] =
		"From: a\r\nSubject: s\r\nTo: b\r\n\r\nbody\r\n";
	struct shared shared;
	buffer_t *plain;
	unsigned int when, is_read;

	test_begin("a header, while somebody else reads the file");
	for (when = 0; when < 4; when++) {
		for (is_read = 0; is_read < 2; is_read++) {
			plain = buffer_create_dynamic(default_pool, 64);
			buffer_append(plain, text, sizeof(text) - 1);
			shared_init(&shared, plain);
			if (is_read > 0)
				test_assert(rest_is(shared.input, plain, 0));
			i_stream_seek(shared.input, 0);
			send_header(&shared, when);
			shared_free(&shared);
		}
	}
	test_end();
}

static bool
shows(struct istream *input, const buffer_t *plain)
{
	const unsigned char *data;
	size_t size;

	data = i_stream_get_data(input, &size);
	return size == 0 || memcmp(CONST_PTR_OFFSET(plain->data,
						    input->v_offset),
				   data, size) == 0;
}

/* Two filters read one stream, which each moves for itself. */
static void
test_two_filters(void)
{
	struct shared shared;
	struct istream *filters[2];
	unsigned int i;

	test_begin("two filters over one stream");
	shared_init(&shared, plain_new(9 * C));
	for (i = 0; i < 2; i++) {
		i_stream_seek(shared.input, i * 6 * C);
		filters[i] = i_stream_create_limit(shared.input, 9 * C);
	}
	for (i = 0; i < 500; i++) {
		struct istream *filter = filters[draw(2)];
		size_t size = i_stream_get_data_size(filter);

		i_stream_skip(filter, draw((unsigned int)size + 1));
		if (draw(5) == 0)
			i_stream_seek(filter, draw(3 * C));
		if (draw(5) == 0)
			i_stream_seek(shared.input, draw(9 * C));
		(void)i_stream_read(filter);
		test_assert_idx(filters[0]->stream_errno == 0 &&
				filters[1]->stream_errno == 0, i);
		test_assert_idx(shows(filters[0], shared.plain), i);
		filters[1]->v_offset += 6 * C;
		test_assert_idx(shows(filters[1], shared.plain), i);
		filters[1]->v_offset -= 6 * C;
	}
	i_stream_destroy(&filters[0]);
	i_stream_destroy(&filters[1]);
	shared_free(&shared);
	test_end();
}

/* A filter has shown two chunks, and must not trust them after its stream was
   moved. */
static void
test_filter_sought_away(void)
{
	struct shared shared;
	struct istream *filter;

	test_begin("a filter whose stream is sought away");
	shared_init(&shared, plain_new(9 * C));
	filter = i_stream_create_limit(shared.input, UOFF_T_MAX);
	test_assert(i_stream_read(filter) > 0);
	i_stream_skip(filter, i_stream_get_data_size(filter));
	test_assert(i_stream_read(filter) > 0);
	i_stream_skip(filter, 100);
	i_stream_seek(shared.input, 5 * C + 3);
	(void)i_stream_read(filter);
	test_assert(shows(filter, shared.plain));
	test_assert(rest_is(filter, shared.plain, filter->v_offset));
	i_stream_destroy(&filter);
	shared_free(&shared);
	test_end();
}

/* dsync seeks back, and then reads before it asks what there is, until there is
   no more. */
static void
test_read_first(void)
{
	struct shared shared;
	size_t got = 0;

	test_begin("read first, also again");
	shared_init(&shared, plain_new(1000));
	test_assert(rest_is(shared.input, shared.plain, 0));
	i_stream_seek(shared.input, 0);
	test_assert(i_stream_get_data_size(shared.input) == 0);
	while (i_stream_read(shared.input) > 0) {
		got += i_stream_get_data_size(shared.input);
		i_stream_skip(shared.input,
			      i_stream_get_data_size(shared.input));
	}
	test_assert(got == 1000);
	shared_free(&shared);
	test_end();
}

/* A full buffer is told as such, and not taken for the end. */
static void
test_full(void)
{
	struct shared shared;
	ssize_t ret;

	test_begin("read until the buffer is full");
	shared_init(&shared, plain_new(9 * C + 100));
	while ((ret = i_stream_read(shared.input)) > 0) ;
	test_assert(ret == -2 && !shared.input->eof);
	test_assert(rest_is(shared.input, shared.plain, 0));
	shared_free(&shared);
	test_end();
}

/* The disk below is full: the error is told. */
static void
test_output_error(void)
{
	buffer_t *plain = plain_new(3 * C);
	struct roost_sealed used;
	const char *error = NULL;
	int fd = open("/dev/full", O_WRONLY);
	struct ostream *full, *output;

	test_begin("a disk that is full");
	full = o_stream_create_fd_file(fd, 0, FALSE);
	output = roost_ostream_create(full, &seal_key, &used,
				      &error);
	if (output != NULL) {
		o_stream_nsend(output, plain->data, plain->used);
		test_assert(o_stream_finish(output) < 0);
		test_assert(output->stream_errno == ENOSPC);
		o_stream_destroy(&output);
	} else {
		test_assert(error != NULL);
	}
	o_stream_abort(full);
	o_stream_destroy(&full);
	i_close_fd(&fd);
	buffer_free(&plain);
	test_end();
}

static bool is_disk_failing;

/* The library's calls find this one, which has to be called as it is in libc:
   Dovecot's headers give pread() another name. */
#undef pread
ssize_t pread(int fd, void *bytes, size_t len, off_t off);

__attribute__((visibility("default"))) ssize_t
pread(int fd, void *bytes, size_t len, off_t off)
{
	ssize_t (*next)(int, void *, size_t, off_t) =
		(ssize_t (*)(int, void *, size_t, off_t))
		dlsym(RTLD_NEXT, "pread");

	if (is_disk_failing) {
		errno = EIO;
		return -1;
	}
	return next(fd, bytes, len, off);
}

static int
stat_fail(struct istream_private *stream, bool exact ATTR_UNUSED)
{
	stream->istream.stream_errno = ESTALE;
	return -1;
}

/* The disk cannot be read: that is told, and the message does not count as
   bad. */
static void
test_input_error(void)
{
	buffer_t *plain = plain_new(3 * C), *sealed = seal(plain, C);
	unsigned int failures = roost_istream_failures();
	FILE *file = tmpfile();
	struct istream *stored, *input;
	const struct stat *st;
	struct roost_opening *opening;
	const struct roost_header *header;

	test_begin("a disk that cannot be read");
	i_assert(file != NULL && fwrite(sealed->data, 1, sealed->used,
					file) == sealed->used &&
		 fflush(file) == 0);
	stored = i_stream_create_fd(fileno(file), 1024);
	test_assert(open_stream(stored, &input) == ROOST_OK);
	is_disk_failing = TRUE;
	test_assert(!rest_is(input, plain, 0));
	is_disk_failing = FALSE;
	test_assert(input->stream_errno == EIO);
	test_assert(strstr(i_stream_get_error(input), "pread(") != NULL);
	test_assert(roost_istream_failures() == failures);
	i_stream_destroy(&input);
	i_stream_destroy(&stored);
	stored = i_stream_create_from_data(sealed->data, sealed->used);
	test_assert(open_stream(stored, &input) == ROOST_OK);
	stored->real_stream->stat = stat_fail;
	test_assert(i_stream_stat(input, TRUE, &st) == -1);
	test_assert(input->stream_errno == ESTALE);
	i_stream_destroy(&input);
	i_stream_seek(stored, 0);
	test_assert(roost_istream_begin(stored, &opening, &header) ==
		    ROOST_ERR_IO);
	i_stream_destroy(&stored);
	i_assert(fclose(file) == 0);
	buffer_free(&plain);
	buffer_free(&sealed);
	test_end();
}

static ssize_t
send_fail(struct ostream_private *stream,
	  const struct const_iovec *iov ATTR_UNUSED,
	  unsigned int count ATTR_UNUSED)
{
	stream->ostream.stream_errno = ENOSPC;
	return -1;
}

/* The last chunk is written when the stream is finished: an error of that write
   is told, too. */
static void
test_output_error_at_the_end(void)
{
	buffer_t *sealed = buffer_create_dynamic(default_pool, 4096);
	struct ostream *memory = o_stream_create_buffer(sealed), *output;
	struct roost_sealed used;
	const char *error;

	test_begin("a disk that is full at the end");
	output = roost_ostream_create(memory, &seal_key, &used, &error);
	i_assert(output != NULL);
	test_assert(o_stream_send(output, "short", 5) == 5);
	memory->real_stream->sendv = send_fail;
	test_assert(o_stream_finish(output) < 0);
	test_assert(output->stream_errno == ENOSPC);
	o_stream_destroy(&output);
	o_stream_abort(memory);
	o_stream_destroy(&memory);
	buffer_free(&sealed);
	test_end();
}

int
main(void)
{
	static void (*const tests[])(void) = {
		test_round_trip,
		test_trickle,
		test_seeks,
		test_seeks_in_a_file,
		test_large_is_not_read_ahead,
		test_spans,
		test_snapshot,
		test_held_memory,
		test_limited_read,
		test_changed_chunk,
		test_cut,
		test_piece_of_a_file,
		test_header_of_a_shared_file,
		test_two_filters,
		test_filter_sought_away,
		test_read_first,
		test_full,
		test_output_error,
		test_output_error_at_the_end,
		test_input_error,
		NULL
	};
	const char *given = getenv("ROOST_TEST_SEED");
	int ret;

	if (roost_prim_init() != ROOST_OK)
		return 1;
	seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)getpid();
	printf("test_streams: ROOST_TEST_SEED=%llu\n",
	       (unsigned long long)seed);
	make_keys();
	ret = test_run(tests);
	roost_prim_deinit();
	return ret;
}
