/* SPDX-License-Identifier: MIT */
/*
 * test_ostream_watch: what is shown of a stream is what the stream below it
 * has taken, in order and once.
 */
#include "dovecot/ostream-watch.h"

#include "ostream-private.h"

#include "test-common.h"

#include "kit.h"

/* A stream that takes a few bytes at a time, and none after an error. */
struct slow_ostream {
	struct ostream_private ostream;
	buffer_t *taken;
	size_t step;
	bool has_failed;
};

static ssize_t
o_stream_slow_sendv(struct ostream_private *stream,
		    const struct const_iovec *iov, unsigned int iov_count)
{
	struct slow_ostream *slow =
		container_of(stream, struct slow_ostream, ostream);
	size_t left = slow->step, size;
	unsigned int i;

	if (slow->has_failed) {
		io_stream_set_error(&stream->iostream, "the disk is full");
		stream->ostream.stream_errno = ENOSPC;
		return -1;
	}
	for (i = 0; i < iov_count; i++) {
		size = I_MIN(iov[i].iov_len, left);
		buffer_append(slow->taken, iov[i].iov_base, size);
		left -= size;
	}
	stream->ostream.offset += slow->step - left;
	return (ssize_t)(slow->step - left);
}

static struct slow_ostream *
slow_new(size_t step)
{
	struct slow_ostream *slow = i_new(struct slow_ostream, 1);

	slow->taken = t_buffer_create(64);
	slow->step = step;
	slow->ostream.sendv = o_stream_slow_sendv;
	(void)o_stream_create(&slow->ostream, NULL, -1);
	return slow;
}

static unsigned int release_count;

static void
watch_keep(void *context, const void *data, size_t size)
{
	buffer_t *shown = context;

	test_assert(size > 0);
	buffer_append(shown, data, size);
}

static void
watch_release(void *context ATTR_UNUSED)
{
	release_count++;
}

static const struct const_iovec words[] = {
	{ "one", 3 }, { "", 0 }, { "two", 3 }, { "three", 5 },
};

static void
test_shown_as_taken(void)
{
	size_t step;

	test_begin("what was taken is shown, and nothing else");
	for (step = 1; step <= 12; step++) {
		struct slow_ostream *slow = slow_new(step);
		struct ostream *below = &slow->ostream.ostream, *output;
		buffer_t *shown = t_buffer_create(64);

		output = roost_ostream_watch_create(below, watch_keep, NULL,
						    shown);
		test_assert_idx(o_stream_sendv(output, words, 4) ==
				(ssize_t)I_MIN(step, 11), step);
		test_assert_idx(output->offset == I_MIN(step, 11), step);
		test_assert_idx(o_stream_flush(output) == 1, step);
		test_assert_idx(buffer_cmp(shown, slow->taken), step);
		test_assert_idx(memcmp(shown->data, "onetwothree",
				       shown->used) == 0, step);
		o_stream_unref(&output);
		o_stream_unref(&below);
	}
	test_end();
}

static void
test_failure(void)
{
	struct slow_ostream *slow = slow_new(5);
	struct ostream *below = &slow->ostream.ostream, *output;
	buffer_t *shown = t_buffer_create(64);

	test_begin("a failure below is one above, and shows nothing");
	output = roost_ostream_watch_create(below, watch_keep, watch_release,
					    shown);
	o_stream_unref(&below);
	test_assert(o_stream_send(output, "word", 4) == 4);
	slow->has_failed = TRUE;
	test_assert(o_stream_send(output, "more", 4) == -1);
	test_assert(output->stream_errno == ENOSPC);
	test_assert_strcmp(o_stream_get_error(output), "the disk is full");
	test_assert(shown->used == 4);
	test_assert(release_count == 0);
	o_stream_abort(output);
	o_stream_unref(&output);
	test_assert(release_count == 1);
	test_end();
}

int
main(void)
{
	static void (*const tests[])(void) = {
		test_shown_as_taken,
		test_failure,
		NULL
	};

	return kit_run(tests);
}
