/* SPDX-License-Identifier: MIT */
/*
 * test_content: previews, which are made from the beginning of a text, are
 * those that Dovecot makes from all of it.  Contains content.c.
 */
#include "cache/content.c"

#include "test-common.h"

#include "kit.h"

#define MANY 4000
#define KEPT (32 * 1024)

/* What a random text is made of: that the numbers of characters between spaces
   vary, and how lines begin, is what a preview depends on. */
static const char *const pieces[] = {
	"a", "be", "see", "+AD4-", "\f", "\v\x1b", "\n", "<b>bold</b>",
	"gr\xc3\xbcn", " ", "  ", "deed", "\r\n", "\r\n\r\n",
	"\r\n>", "\r\n> ", "\r\n >", "\t", "=\r\n", "=3E",
	"&lt;", "<style>p { color: red }</style>", "\xef\xbb\xbf", "a"
};

static const char *const heads[] = {
	"",
	"Content-Type: text/plain; charset=utf-8\r\n",
	"content-type : text/html; charset=utf-8\r\nX-Odd: 1\r\n",
	"Content-Type: text/plain;\r\n\tcharset=iso-8859-1\r\n"
	"Content-Transfer-Encoding: quoted-printable\r\n",
	"Content-Transfer-Encoding: base64\r\nMIME-Version: 1.0\r\n",
	"Content-Type: text/plain\r\nContent-Type: text/html\r\n",
	"Content-Type: text/plain\r\nContent-Transfer-Encoding: 7bit\r\n"
	"Content-Transfer-Encoding: base64\r\n",
	"Content-Type: text/plain; charset=utf-16\r\n",
	"Content-Type: text/plain; charset=utf-7\r\n",
	"Content-Type: text/plain; charset=\"ISO-8859-1\"\r\n"
	"Content-Transfer-Encoding: 8BIT\r\n",
	"Content-Type: text/plain;;; charset\r\n",
};

static unsigned int
below(unsigned int limit)
{
	return (unsigned int)i_rand_limit(limit);
}

static void
append_text(string_t *message, size_t size)
{
	size_t end = str_len(message) + size;
	/* Mostly words, or else a few kinds of pieces. */
	unsigned int some = 1 + below(N_ELEMENTS(pieces));

	while (str_len(message) < end)
		str_append(message, pieces[below(some)]);
}

static void
append_part(string_t *message, size_t size)
{
	str_append(message, heads[below(N_ELEMENTS(heads))]);
	str_append(message, "\r\n");
	if (below(4) == 0) {
		str_append(message, ">");
		append_text(message, below(6000));
		str_append(message, "\r\n");
	}
	append_text(message, size);
}

static void
append_message(string_t *message)
{
	static const size_t sizes[] = { 1, 100, 300, 600, 2000, 5000, 40000 };
	size_t size = 1 + below((unsigned int)sizes[below(N_ELEMENTS(sizes))]);

	str_append(message, "Received: from a\r\n\tby b\r\nSubject: x\r\n");
	if (below(3) > 0) {
		append_part(message, size);
		return;
	}
	str_append(message, "Content-Type: multipart/alternative; "
		   "boundary=x\r\n\r\n--x\r\n");
	append_part(message, size);
	str_append(message, "\r\n--x\r\n");
	append_part(message, size);
	str_append(message, "\r\n--x--\r\n");
}

/* What Dovecot makes of the part that the preview comes from. */
static const char *
preview_wanted(struct istream *input, const struct message_part *parts)
{
	const struct message_part *part = part_of_preview(parts);
	string_t *preview = t_str_new(256);
	struct istream *text;

	str_append(preview, PREVIEW_KIND);
	if (part == NULL)
		return str_c(preview);
	i_stream_seek(input, part->physical_pos);
	text = i_stream_create_limit(input, part->header_size.physical_size +
				     part->body_size.physical_size);
	test_assert(message_snippet_generate(text, PREVIEW_CHARS,
					     preview) == 0);
	i_stream_unref(&text);
	return str_c(preview);
}

static void
content_of(pool_t pool, struct istream *input,
	   struct roost_blob_content *content)
{
	unsigned int count = 0;

	i_zero(content);
	while (roost_blob_standard_names[count] != NULL)
		count++;
	i_stream_seek(input, 0);
	test_assert(roost_content_headers(content, pool, input,
					  roost_blob_standard_names,
					  count) == 0);
}

static bool
is_preview(const struct roost_blob_content *content, const char *wanted)
{
	const struct roost_blob_bytes *item =
		&content->items[ROOST_BLOB_PREVIEW];

	return item->bytes != NULL && item->len == strlen(wanted) &&
		memcmp(item->bytes, wanted, item->len) == 0;
}

/* Make the preview from all of the message, and from what a tap keeps of it.
   Returns whether that sufficed. */
static bool
check(const string_t *message)
{
	pool_t pool = pool_alloconly_create("test", 4096);
	struct istream *input = i_stream_create_from_data(message->data,
							  message->used);
	struct istream *kept = i_stream_create_from_data(message->data,
					I_MIN(message->used, KEPT));
	struct roost_blob_content content;
	struct message_part *parts;
	const char *wanted;
	bool suffices;

	parts = content_parse(pool, input);
	wanted = preview_wanted(input, parts);
	content_of(pool, input, &content);
	test_assert(roost_content_preview(&content, pool, input, UOFF_T_MAX,
					  parts) == 1);
	test_assert(is_preview(&content, wanted));
	content_of(pool, input, &content);
	suffices = roost_content_preview(&content, pool, kept,
					 I_MIN(message->used, KEPT),
					 parts) == 1;
	if (suffices)
		test_assert(is_preview(&content, wanted));
	i_stream_unref(&kept);
	i_stream_unref(&input);
	pool_unref(&pool);
	return suffices || message->used > KEPT;
}

static void
test_random(void)
{
	unsigned int i;

	test_begin("previews of random messages");
	for (i = 0; i < MANY; i++) T_BEGIN {
		string_t *message = t_str_new(1024);

		append_message(message);
		test_assert_idx(check(message), i);
	} T_END;
	test_end();
}

/* So many characters, a space, and more. */
static string_t *
with_space_after(unsigned int count, unsigned int more)
{
	string_t *message = t_str_new(1024);

	str_append(message, "Subject: x\r\n\r\n");
	while (count-- > 0)
		str_append_c(message, 'x');
	str_append_c(message, ' ');
	while (more-- > 0)
		str_append_c(message, 'y');
	return message;
}

static void
test_space_at_end(void)
{
	unsigned int count;

	test_begin("previews that end before a space");
	for (count = PREVIEW_CHARS - 3; count < PREVIEW_CHARS + 3; count++) {
		test_assert(check(with_space_after(count, 0)));
		test_assert(check(with_space_after(count, 1)));
		test_assert(check(with_space_after(count, KEPT)));
	}
	test_end();
}

/* What is read of a text first holds so many characters, and more follow. */
static void
test_blanks(void)
{
	static const char *const types[] = {
		"", "Content-Type: text/plain; charset=utf-8\r\n"
	};
	unsigned int i, count, more;

	test_begin("previews of texts with many blanks");
	for (i = 0; i < N_ELEMENTS(types); i++) {
		for (count = PREVIEW_CHARS - 2; count <= PREVIEW_CHARS;
		     count++) {
			string_t *message = t_str_new(1024);

			str_printfa(message, "Subject: x\r\n%s\r\n%*s",
				    types[i], (int)(PREVIEW_TEXT_SIZE - count),
				    "");
			for (more = 0; more < 2 * PREVIEW_CHARS; more++)
				str_append_c(message, 'x');
			test_assert_idx(check(message), count);
		}
		test_assert_idx(check(t_str_new_const(t_strdup_printf(
			"Subject: x\r\n%s\r\none%*stwo", types[i],
			PREVIEW_TEXT_SIZE, ""), strlen(types[i]) + 20 +
			PREVIEW_TEXT_SIZE)), i);
	}
	test_end();
}

/* What is quoted first is the preview of a message without other text, however
   far behind that stands. */
static void
test_quotation(void)
{
	static const unsigned int sizes[] = { 10, 500, 3000, 20000, 50000 };
	unsigned int i, line;

	test_begin("previews after a quotation");
	for (i = 0; i < N_ELEMENTS(sizes); i++) {
		string_t *message = t_str_new(1024);

		str_append(message, "Subject: x\r\n\r\n");
		for (line = 0; line < sizes[i] / 10; line++)
			str_append(message, "> quoted\r\n");
		test_assert_idx(check(message), i);
		str_append(message, "answered\r\n");
		test_assert_idx(check(message), i);
	}
	test_end();
}

int
main(void)
{
	static void (*const tests[])(void) = {
		test_random,
		test_space_at_end,
		test_blanks,
		test_quotation,
		NULL
	};

	return kit_run(tests);
}
