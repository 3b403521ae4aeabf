/* SPDX-License-Identifier: MIT */
/*
 * test_header_lines: lines of a header, read from a message and searched.
 *
 * What comes out is compared with what Dovecot's own parser says of the same
 * header.  Contains header-lines.c.
 */
#include "cache/header-lines.c"

#include "istream-failure-at.h"
#include "str.h"
#include "test-common.h"

#include "kit.h"

#include <errno.h>

#define BIG UOFF_T_MAX

static const char *const names[] = { "From", "Subject", "X-Spam" };

static const char message[] =
	"Received: from a\r\n"
	"\tby b\r\n"
	"FROM: alice\r\n"
	"subject : one\r\n"
	" two\r\n"
	"\tthree\r\n"
	"X-Spam-Level: not mine\r\n"
	"X-Spam: =?utf-8?q?gr=C3=BCn?=\r\n"
	"Subject: again\r\n"
	"\r\n"
	"Subject: body\r\n";

static buffer_t *
lines_of(const char *text, size_t len, uoff_t max, int wanted)
{
	buffer_t *lines = t_buffer_create(256);
	struct istream *input = test_istream_create_data(text, len);

	test_assert(roost_lines_read(input, names, N_ELEMENTS(names), max,
				     lines) == wanted);
	i_stream_unref(&input);
	return lines;
}

static struct roost_blob_bytes
bytes_of(const buffer_t *lines)
{
	struct roost_blob_bytes bytes = { lines->data, lines->used };

	return bytes;
}

static bool
is_text(const buffer_t *lines, const char *text)
{
	return lines->used == strlen(text) &&
		memcmp(lines->data, text, lines->used) == 0;
}

static void
test_read(void)
{
	static const char wanted[] =
		"FROM: alice\nsubject : one\n two\n\tthree\n"
		"X-Spam: =?utf-8?q?gr=C3=BCn?=\nSubject: again\n";
	size_t header_len = strstr(message, "\r\n\r\n") + 4 - message, max;
	struct istream *input;
	buffer_t *lines;

	test_begin("the wanted lines of a header are read, and no others");
	test_assert(is_text(lines_of(message, strlen(message), BIG, 1),
			    wanted));
	/* However few bytes the stream holds at once. */
	for (max = 16; max <= strlen(message); max++) {
		lines = t_buffer_create(256);
		input = test_istream_create_data(message, strlen(message));
		i_stream_set_max_buffer_size(input, max);
		test_assert_idx(roost_lines_read(input, names,
						 N_ELEMENTS(names), BIG,
						 lines) == 1, max);
		test_assert_idx(is_text(lines, wanted), max);
		i_stream_unref(&input);
	}
	/* A message that ends in its header has a last line like any other. */
	test_assert(is_text(lines_of("From: a", 7, BIG, 1), "From: a\n"));
	test_assert(is_text(lines_of("From: a\n", 8, BIG, 1), "From: a\n"));
	test_assert(is_text(lines_of("From: a\n\n", 9, BIG, 1), "From: a\n"));
	test_assert(is_text(lines_of("\n", 1, BIG, 1), ""));
	test_assert(is_text(lines_of("", 0, BIG, 1), ""));
	/* Up to so many bytes of header. */
	(void)lines_of(message, strlen(message), header_len, 1);
	(void)lines_of(message, strlen(message), 8, 0);
	(void)lines_of(message, strlen(message), 60, 0);
	test_end();
}

/* However odd a header is, what is picked out of one that is at hand is what
   Dovecot's stream makes of it. */
static void
test_odd(void)
{
	static const char *const pieces[] = {
		"From", "subject", "x-spam", "X-Spam-Level", ":", " : ", " ",
		"\t", "\n", "\r\n", "\n", "\r\n", "\r", "a", "=?", "\n ",
		"\r\n\t", "\n\n", "", "\nFrom: ", "\r\nSUBJECT :", "\nx-spam:"
	};
	unsigned int i, many;

	test_begin("lines of odd headers");
	for (i = 0; i < 20000; i++) T_BEGIN {
		string_t *text = t_str_new(256);
		buffer_t *read = t_buffer_create(256);
		buffer_t *parsed = t_buffer_create(256);
		struct istream *input;
		uoff_t end;
		int ret;

		for (many = (unsigned int)i_rand_limit(40); many > 0; many--) {
			unsigned int piece = (unsigned int)
				i_rand_limit(N_ELEMENTS(pieces));

			if (*pieces[piece] == '\0')
				str_append_c(text, '\0');
			else
				str_append(text, pieces[piece]);
		}
		input = test_istream_create_data(str_data(text),
						 str_len(text));
		ret = lines_parse(input, names, N_ELEMENTS(names), BIG,
				  parsed);
		end = input->v_offset;
		i_stream_seek(input, 0);
		test_assert_idx(roost_lines_read(input, names,
						 N_ELEMENTS(names), BIG,
						 read) == ret, i);
		test_assert_idx(buffer_cmp(read, parsed), i);
		test_assert_idx(input->v_offset == end, i);
		i_stream_unref(&input);
	} T_END;
	test_end();
}

static void
test_reading_fails(void)
{
	struct istream *input = test_istream_create_data(message, 60);
	struct istream *failing =
		i_stream_create_failure_at(input, UOFF_T_MAX, EIO, "broken");
	buffer_t *lines = t_buffer_create(64);

	test_begin("a header that cannot be read is not half told");
	test_assert(roost_lines_read(failing, names, N_ELEMENTS(names), BIG,
				     lines) == -1);
	test_assert(failing->stream_errno == EIO);
	i_stream_unref(&failing);
	i_stream_unref(&input);
	test_end();
}

static void
test_short(void)
{
	string_t *text = t_str_new(SHORT_MAX_SIZE * 2);
	struct istream *input;
	unsigned int len;

	test_begin("lines are short up to what Dovecot takes whole");
	for (len = SHORT_MAX_SIZE - 1; len <= SHORT_MAX_SIZE + 1; len++) {
		str_truncate(text, 0);
		str_append(text, "A: b\r\n");
		while (str_len(text) < len + 6)
			str_append_c(text, 'x');
		str_append(text, "\r\n\r\n");
		input = test_istream_create_data(str_data(text),
						 str_len(text));
		test_assert_idx(roost_lines_are_short(input) ==
				(len <= SHORT_MAX_SIZE), len);
		i_stream_unref(&input);
	}
	/* What stands in the body does not count. */
	str_insert(text, 0, "A: b\r\n\r\n");
	input = test_istream_create_data(str_data(text), str_len(text));
	test_assert(roost_lines_are_short(input));
	i_stream_unref(&input);
	input = test_istream_create_data("A: b", 4);
	test_assert(roost_lines_are_short(input));
	i_stream_unref(&input);
	test_end();
}

static void
test_names(void)
{
	static const char *const some[] = { "A", "ab", "B-c", "x" };
	static const struct {
		const char *name;
		size_t len;
		bool is_any;
	} cases[] = {
		{ "a", 1, TRUE }, { "A", 1, TRUE }, { "AB", 2, TRUE },
		{ "b-C", 3, TRUE }, { "X", 1, TRUE }, { "Xy", 1, TRUE },
		{ "", 0, FALSE }, { "b", 1, FALSE }, { "abc", 3, FALSE },
		{ "b-", 2, FALSE }, { "B-cc", 4, FALSE }, { "y", 1, FALSE },
		{ "aa", 2, FALSE }, { "0", 1, FALSE },
	};
	unsigned int i;

	test_begin("a name is looked for whole, without regard to case");
	for (i = 0; i < N_ELEMENTS(cases); i++)
		test_assert_idx(roost_lines_name_is_any(cases[i].name,
				cases[i].len, some, N_ELEMENTS(some)) ==
				cases[i].is_any, i);
	test_assert(!roost_lines_name_is_any("a", 1, some, 0));
	test_end();
}

static void
test_filter(void)
{
	static const char *const few[] = { "subject" };
	static const char *const empty[] = { "" };
	struct roost_blob_bytes lines =
		bytes_of(lines_of(message, strlen(message), BIG, 1));
	buffer_t *found = t_buffer_create(256);

	test_begin("a filter gives lines of the wanted names alone");
	roost_lines_filter(&lines, few, 1, found);
	test_assert(is_text(found, "subject : one\n two\n\tthree\n"
			    "Subject: again\n"));
	buffer_set_used_size(found, 0);
	roost_lines_filter(&lines, names, N_ELEMENTS(names), found);
	test_assert(found->used == lines.len);
	/* A name that another one begins with is another one. */
	lines.bytes = (const uint8_t *)"Sub: a\nSubjects: b\nS\nno colon\n"
		": of no name\nSubject\0x: c\n";
	lines.len = 7 + 12 + 2 + 9 + 13 + 13;
	buffer_set_used_size(found, 0);
	roost_lines_filter(&lines, few, 1, found);
	test_assert(found->used == 13 &&
		    memcmp(found->data, "Subject\0x: c\n", 13) == 0);
	buffer_set_used_size(found, 0);
	roost_lines_filter(&lines, empty, 1, found);
	test_assert(found->used >= 13 &&
		    memcmp(CONST_PTR_OFFSET(found->data, found->used - 13),
			   ": of no name\n", 13) == 0);
	lines.len = 0;
	buffer_set_used_size(found, 0);
	roost_lines_filter(&lines, few, 1, found);
	test_assert(found->used == 0);
	test_end();
}

/* What Dovecot's parser makes of all lines with a name. */
static void
values_of_dovecot(const char *text, const char *name, string_t *values)
{
	struct istream *input = i_stream_create_from_data(text, strlen(text));
	struct message_header_parser_ctx *parser =
		message_parse_header_init(input, NULL,
			MESSAGE_HEADER_PARSER_FLAG_SKIP_INITIAL_LWSP |
			MESSAGE_HEADER_PARSER_FLAG_DROP_CR);
	struct message_header_line *hdr;

	while (message_parse_header_next(parser, &hdr) > 0) {
		if (hdr->continues) {
			hdr->use_full_value = TRUE;
			continue;
		}
		if (!hdr->eoh && strcasecmp(hdr->name, name) == 0) {
			str_append_data(values, hdr->full_value,
					hdr->full_value_len);
			str_append_c(values, '|');
		}
	}
	message_parse_header_deinit(&parser);
	i_stream_unref(&input);
}

static void
test_values(void)
{
	struct roost_blob_bytes lines =
		bytes_of(lines_of(message, strlen(message), BIG, 1));
	pool_t pool = pool_alloconly_create("values", 1024);
	const char *const *values;
	string_t *wanted, *found;
	unsigned int i;

	test_begin("values are those that Dovecot gives");
	for (i = 0; i < N_ELEMENTS(names); i++) {
		wanted = t_str_new(64);
		found = t_str_new(64);
		values_of_dovecot(message, names[i], wanted);
		values = roost_lines_values(&lines, names[i], FALSE,
					    pool);
		for (; *values != NULL; values++)
			str_printfa(found, "%s|", *values);
		test_assert_strcmp(str_c(found), str_c(wanted));
	}
	values = roost_lines_values(&lines, "subject", TRUE, pool);
	test_assert_strcmp(values[0], "one two three");
	test_assert_strcmp(values[1], "again");
	test_assert(values[2] == NULL);
	values = roost_lines_values(&lines, "X-SPAM", TRUE, pool);
	test_assert_strcmp(values[0], "gr\xc3\xbcn");
	values = roost_lines_values(&lines, "Received", FALSE, pool);
	test_assert(values[0] == NULL);
	/* A name that begins another one, and one that it begins. */
	lines.bytes = (const uint8_t *)"Sub: a\nSubjects: b\nSubject: c\n";
	lines.len = 30;
	values = roost_lines_values(&lines, "Subject", FALSE, pool);
	test_assert_strcmp(values[0], "c");
	test_assert(values[1] == NULL);
	/* A value that ends in a fold, and one of nothing. */
	lines.bytes = (const uint8_t *)"From: a\n \nFrom:\n";
	lines.len = 16;
	values = roost_lines_values(&lines, "From", TRUE, pool);
	test_assert_strcmp(values[0], "a ");
	test_assert_strcmp(values[1], "");
	pool_unref(&pool);
	test_end();
}

static void
test_leave_out(void)
{
	buffer_t *lines = t_buffer_create(256);
	buffer_t *left_out = t_buffer_create(64);
	struct roost_blob_bytes gone;

	test_begin("of a name with a long line no line is kept");
	buffer_append(lines, "To: a\nCc: long long\nTo: long long\nX: b\n"
		      "cc: c\nTo: long long\n", 59);
	roost_lines_leave_out(lines, 10, left_out);
	test_assert(is_text(lines, "X: b\n"));
	test_assert(is_text(left_out, "Cc\nTo\n"));
	gone = bytes_of(left_out);
	test_assert(roost_lines_has_name(&gone, "cC"));
	test_assert(roost_lines_has_name(&gone, "to"));
	test_assert(!roost_lines_has_name(&gone, "T"));
	test_assert(!roost_lines_has_name(&gone, "X"));
	test_assert(!roost_lines_has_name(&gone, ""));
	gone.len--;
	test_assert(!roost_lines_has_name(&gone, "to"));
	gone.bytes = NULL;
	test_assert(!roost_lines_has_name(&gone, "to"));
	/* A line of just that many bytes stays. */
	buffer_set_used_size(left_out, 0);
	roost_lines_leave_out(lines, 5, left_out);
	test_assert(is_text(lines, "X: b\n") && left_out->used == 0);
	roost_lines_leave_out(lines, 4, left_out);
	test_assert(lines->used == 0 && is_text(left_out, "X\n"));
	test_end();
}

int
main(void)
{
	static void (*const tests[])(void) = {
		test_read,
		test_odd,
		test_reading_fails,
		test_short,
		test_names,
		test_filter,
		test_values,
		test_leave_out,
		NULL
	};

	return kit_run(tests);
}
