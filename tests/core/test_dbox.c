/* SPDX-License-Identifier: MIT */
/*
 * dbox: files of sdbox and mdbox, whole, damaged, cut and hostile.
 *
 * Contains tool/dbox.c.
 */
#include "kit.h"

#include "tool/dbox.c"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define HEAD "2 M1e C65000000\n"
#define META "\n\001\003\nR65f00d00\nGabcdef\nBArchive/2024\n\n"

/* A file in memory; reading beyond its end fails the test. */
struct memory {
	uint8_t *bytes;
	size_t len;
	bool is_failing;
};

static struct roost_dbox dbox;
static struct roost_dbox_message msg;

static ssize_t
memory_read(void *context, uint64_t off, void *dst, size_t len)
{
	struct memory *memory = context;

	if (memory->is_failing) {
		errno = EIO;
		return -1;
	}
	assert_true(off <= memory->len && len <= memory->len - off);
	memcpy(dst, memory->bytes + off, len);
	return (ssize_t)len;
}

static void
add(struct memory *memory, const void *bytes, size_t len)
{
	memory->bytes = realloc(memory->bytes, memory->len + len + 1);
	assert_non_null(memory->bytes);
	memcpy(memory->bytes + memory->len, bytes, len);
	memory->len += len;
}

static void
add_text(struct memory *memory, const char *text)
{
	add(memory, text, strlen(text));
}

/* A message whose header announces size bytes, whatever follows. */
static void
add_header(struct memory *memory, uint64_t size)
{
	char header[64];

	(void)snprintf(header, sizeof(header), "\001\002N          %016llX\n",
		       (unsigned long long)size);
	assert_int_equal(strlen(header), 30);
	add_text(memory, header);
}

static void
add_message(struct memory *memory, const char *body)
{
	add_header(memory, strlen(body));
	add_text(memory, body);
	add_text(memory, META);
}

static int
begin(struct memory *memory)
{
	struct roost_dbox_reader reader = {
		memory_read, memory, memory->len
	};

	return roost_dbox_begin(&dbox, &reader);
}

static void
forget(struct memory *memory)
{
	free(memory->bytes);
	memset(memory, 0, sizeof(*memory));
}

static void
check_body(const struct memory *memory, const char *body)
{
	assert_int_equal(msg.size, strlen(body));
	assert_memory_equal(memory->bytes + msg.off, body, strlen(body));
}

static void
test_messages(void **state)
{
	struct memory file = { NULL, 0, false };

	(void)state;
	add_text(&file, HEAD);
	add_message(&file, "one\n");
	add_message(&file, "");
	add_message(&file, "a third \001\002 one");
	assert_int_equal(begin(&file), 1);
	assert_int_equal(roost_dbox_next(&dbox, &msg), ROOST_DBOX_MESSAGE);
	check_body(&file, "one\n");
	assert_int_equal(msg.header_off, strlen(HEAD));
	assert_true(msg.has_received);
	assert_int_equal(msg.received, 0x65f00d00);
	assert_string_equal(msg.mailbox, "Archive/2024");
	assert_false(msg.has_attachments);
	assert_int_equal(roost_dbox_next(&dbox, &msg), ROOST_DBOX_MESSAGE);
	check_body(&file, "");
	assert_int_equal(roost_dbox_next(&dbox, &msg), ROOST_DBOX_MESSAGE);
	check_body(&file, "a third \001\002 one");
	assert_int_equal(roost_dbox_next(&dbox, &msg), ROOST_DBOX_END);
	roost_dbox_seek(&dbox, strlen(HEAD));
	assert_int_equal(roost_dbox_next(&dbox, &msg), ROOST_DBOX_MESSAGE);
	check_body(&file, "one\n");
	forget(&file);
}

/* What is no dbox file of version 2 with a header that can be. */
static void
test_first_line(void **state)
{
	static const char *const bad[] = {
		"", "2", "2 M1e", "1 M1e C1\n", "3 M1e C1\n", "2 C1\n",
		"2 M1d C1\n", "2 M0 C1\n", "2 M401 C1\n", "2 M C1\n",
		"2 Mxx C1\n", "2 Mffffffffffffffffff C1\n", "2M1e C1\n",
		"From: a@example.org\n\n", "\n",
	};
	struct memory file = { NULL, 0, false };
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(bad); i++) {
		add_text(&file, bad[i]);
		if (begin(&file) != 0)
			fail_msg("accepted: %s", bad[i]);
		forget(&file);
	}
	add_text(&file, HEAD);
	file.is_failing = true;
	assert_int_equal(begin(&file), -1);
	forget(&file);
}

/* Damage costs the message that it strikes and no other. */
static void
check_damage(struct memory *file, size_t at, uint8_t byte)
{
	uint8_t *copy = kit_copy(file->bytes, file->len);
	unsigned int answers = 0, whole = 0;
	enum roost_dbox_answer answer;

	file->bytes[at] = byte;
	if (begin(file) == 1) {
		while ((answer = roost_dbox_next(&dbox, &msg)) !=
		       ROOST_DBOX_END) {
			assert_int_not_equal(answer, ROOST_DBOX_IO);
			assert_true(msg.header_off < file->len &&
				    msg.size <= file->len);
			if (answer == ROOST_DBOX_MESSAGE) {
				assert_true(msg.off + msg.size <= file->len);
				whole++;
			}
			assert_true(answers++ < 10);
		}
		/* The first line says how all are to be read. */
		assert_true(whole >= 2 || at < strlen(HEAD));
	} else {
		assert_true(at < strlen(HEAD));
	}
	memcpy(file->bytes, copy, file->len);
	free(copy);
}

static void
test_damage(void **state)
{
	static const uint8_t bytes[] = { 0, '\n', ' ', 'F', 0xff, 1 };
	struct memory file = { NULL, 0, false };
	size_t at, i;

	(void)state;
	add_text(&file, HEAD);
	add_message(&file, "the first message\n");
	add_message(&file, "the second message\n");
	add_message(&file, "the third message\n");
	for (at = 0; at < file.len; at++) {
		for (i = 0; i < KIT_COUNT(bytes); i++)
			check_damage(&file, at, bytes[i]);
	}
	forget(&file);
}

/* A file that ends anywhere: what is whole is found, the rest is told. */
static void
test_cut(void **state)
{
	struct memory file = { NULL, 0, false };
	size_t len, first, second;
	unsigned int whole;
	enum roost_dbox_answer answer;

	(void)state;
	add_text(&file, HEAD);
	add_message(&file, "one");
	first = file.len;
	add_message(&file, "two");
	second = file.len;
	for (len = strlen(HEAD); len <= second; len++) {
		file.len = len;
		assert_int_equal(begin(&file), 1);
		whole = 0;
		while ((answer = roost_dbox_next(&dbox, &msg)) ==
		       ROOST_DBOX_MESSAGE)
			whole++;
		assert_int_equal(whole, len < first ? 0 :
				 len < second ? 1 : 2);
		assert_int_equal(answer, len == strlen(HEAD) || len == first ||
				 len == second ? ROOST_DBOX_END :
				 ROOST_DBOX_DAMAGED);
	}
	forget(&file);
}

/* Lengths that lead beyond the file, and beyond 64 bits. */
static void
test_sizes(void **state)
{
	static const uint64_t sizes[] = {
		1000, UINT32_MAX, INT64_MAX, UINT64_MAX, UINT64_MAX - 20,
		UINT64_C(1) << 59,
	};
	struct memory file = { NULL, 0, false };
	size_t i;

	(void)state;
	for (i = 0; i < KIT_COUNT(sizes); i++) {
		add_text(&file, HEAD);
		add_header(&file, sizes[i]);
		add_text(&file, "x" META);
		add_message(&file, "the next one");
		assert_int_equal(begin(&file), 1);
		assert_int_equal(roost_dbox_next(&dbox, &msg),
				 ROOST_DBOX_DAMAGED);
		assert_int_equal(msg.header_off, strlen(HEAD));
		assert_int_equal(roost_dbox_next(&dbox, &msg),
				 ROOST_DBOX_MESSAGE);
		check_body(&file, "the next one");
		forget(&file);
	}
}

/* Where no mark stands behind the stored bytes, the length is wrong, and what
   would be handed out is not the message. */
static void
test_no_mark(void **state)
{
	struct memory file = { NULL, 0, false };

	(void)state;
	add_text(&file, HEAD);
	add_header(&file, 5);
	add_text(&file, "seven b" META);
	add_message(&file, "the next one");
	assert_int_equal(begin(&file), 1);
	assert_int_equal(roost_dbox_next(&dbox, &msg), ROOST_DBOX_DAMAGED);
	assert_int_equal(roost_dbox_next(&dbox, &msg), ROOST_DBOX_MESSAGE);
	check_body(&file, "the next one");
	forget(&file);
}

/* A message behind a damaged part is found wherever blocks divide it. */
static void
test_search(void **state)
{
	struct memory file = { NULL, 0, false };
	size_t fill, at;

	(void)state;
	for (fill = ROOST_DBOX_BLOCK_SIZE - 40;
	     fill < ROOST_DBOX_BLOCK_SIZE + 40; fill++) {
		add_text(&file, HEAD);
		for (at = 0; at < fill; at++)
			add(&file, at % 3 == 0 ? "\001" : "\002", 1);
		add_message(&file, "found");
		assert_int_equal(begin(&file), 1);
		assert_int_equal(roost_dbox_next(&dbox, &msg),
				 ROOST_DBOX_DAMAGED);
		assert_int_equal(msg.size, fill);
		assert_int_equal(roost_dbox_next(&dbox, &msg),
				 ROOST_DBOX_MESSAGE);
		check_body(&file, "found");
		assert_int_equal(roost_dbox_next(&dbox, &msg),
				 ROOST_DBOX_END);
		forget(&file);
	}
}

static void
test_metadata(void **state)
{
	struct memory file = { NULL, 0, false };
	size_t i;

	(void)state;
	add_text(&file, HEAD);
	add_header(&file, 1);
	/* A long line is skipped, and a name that is too long is none. */
	add_text(&file, "x\n\001\003\nP");
	for (i = 0; i < 3 * ROOST_DBOX_BLOCK_SIZE; i++)
		add_text(&file, "p");
	add_text(&file, "\nB");
	for (i = 0; i < ROOST_DBOX_MAILBOX_MAX + 1; i++)
		add_text(&file, "n");
	add_text(&file, "\nRzz\nX1 2 B64 ref\n\n");
	assert_int_equal(begin(&file), 1);
	assert_int_equal(roost_dbox_next(&dbox, &msg), ROOST_DBOX_MESSAGE);
	assert_false(msg.has_received);
	assert_true(msg.has_attachments);
	assert_string_equal(msg.mailbox, "");
	/* Without an end it is no message, nor with an end that is far away. */
	forget(&file);
	add_text(&file, HEAD);
	add_message(&file, "x");
	file.len--;
	for (i = 0; i < 2000; i++)
		add_text(&file, "Pa line of fifty characters, which says "
			 "nothing\n");
	add_text(&file, "\n");
	assert_int_equal(begin(&file), 1);
	assert_int_equal(roost_dbox_next(&dbox, &msg), ROOST_DBOX_DAMAGED);
	assert_int_equal(roost_dbox_next(&dbox, &msg), ROOST_DBOX_END);
	forget(&file);
	add_text(&file, HEAD);
	add_message(&file, "x");
	file.len--;
	assert_int_equal(begin(&file), 1);
	assert_int_equal(roost_dbox_next(&dbox, &msg), ROOST_DBOX_DAMAGED);
	file.is_failing = true;
	roost_dbox_seek(&dbox, strlen(HEAD));
	assert_int_equal(roost_dbox_next(&dbox, &msg), ROOST_DBOX_IO);
	forget(&file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_first_line),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_no_mark),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_metadata),
	};

	return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
