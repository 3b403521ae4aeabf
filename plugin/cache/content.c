/* SPDX-License-Identifier: MIT */
/*
 * content: from a message to the items of a blob.  See content.h.
 */
#include "cache/content.h"

#include "imap-bodystructure.h"
#include "imap-envelope.h"
#include "index-mail.h"
#include "message-date.h"
#include "message-header-parser.h"
#include "message-parser.h"
#include "message-part-data.h"
#include "message-part-serialize.h"
#include "message-snippet.h"
#include "unichar.h"

#include "roost/bytes.h"

/* What Dovecot puts before a preview; how many characters a preview has; and
   how many bytes of a text are tried first, and then, before all are. */
#define PREVIEW_KIND "1"
#define PREVIEW_CHARS 200
#define PREVIEW_TEXT_SIZE 512
#define PREVIEW_TEXT_MAX 4096

/* No part takes less in a body structure, where it has quotes, NILs and
   sizes. */
#define PART_STRUCTURE_SIZE 24

#define PARSER_FLAGS (MESSAGE_HEADER_PARSER_FLAG_SKIP_INITIAL_LWSP | \
	MESSAGE_HEADER_PARSER_FLAG_DROP_CR)

/* The summary has these headers, sorted, and at most so many bytes
   (FORMAT.md 12.5). */
#define SUMMARY_MAX_SIZE 1024
static const char *const summary_names[] = { "From", "Subject" };

bool
roost_content_is_in_summary(const char *name)
{
	return roost_lines_name_is_any(name, strlen(name), summary_names,
				       N_ELEMENTS(summary_names));
}

void
roost_content_set(struct roost_blob_content *content,
		  enum roost_blob_item item, const void *bytes, size_t len)
{
	content->items[item].bytes = bytes;
	content->items[item].len = len;
}

enum cache_blob
roost_content_blob_of(enum roost_blob_item item)
{
	switch (item) {
	case ROOST_BLOB_EXTRA_NAMES:
	case ROOST_BLOB_LEFT_OUT:
	case ROOST_BLOB_HEADERS:
		return CACHE_BLOB_HEADERS;
	case ROOST_BLOB_ENVELOPE:
	case ROOST_BLOB_BODYSTRUCTURE:
		return CACHE_BLOB_LISTING;
	case ROOST_BLOB_PREVIEW:
		return CACHE_BLOB_PREVIEW;
	case ROOST_BLOB_SUMMARY:
		return CACHE_BLOB_SUMMARY;
	default:
		return CACHE_BLOB_FACTS;
	}
}

void
roost_content_of_blob(const struct roost_blob_content *content,
		      enum cache_blob blob, struct roost_blob_content *some_r)
{
	unsigned int item;

	i_zero(some_r);
	if (blob == CACHE_BLOB_FACTS)
		some_r->data_key = content->data_key;
	for (item = 1; item < ROOST_BLOB_ITEM_COUNT; item++) {
		if (roost_content_blob_of(item) == blob)
			some_r->items[item] = content->items[item];
	}
}

static void
content_set_buffer(struct roost_blob_content *content, pool_t pool,
		   enum roost_blob_item item, const buffer_t *buf)
{
	unsigned char *bytes = p_malloc(pool, buf->used + 1);

	memcpy(bytes, buf->data, buf->used);
	roost_content_set(content, item, bytes, buf->used);
}

static void
content_set_date(struct roost_blob_content *content, pool_t pool, time_t date,
		 int timezone)
{
	uint8_t *bytes = p_malloc(pool, ROOST_BLOB_SENT_DATE_SIZE);

	roost_be32_put(bytes, (uint32_t)((uint64_t)date >> 32));
	roost_be32_put(bytes + 4, (uint32_t)(uint64_t)date);
	roost_be32_put(bytes + 8, (uint32_t)timezone);
	roost_content_set(content, ROOST_BLOB_SENT_DATE, bytes,
			  ROOST_BLOB_SENT_DATE_SIZE);
}

bool
roost_content_date(const struct roost_blob_content *content, time_t *date_r,
		   int *timezone_r)
{
	const struct roost_blob_bytes *item =
		&content->items[ROOST_BLOB_SENT_DATE];

	if (item->bytes == NULL)
		return FALSE;
	*date_r = (time_t)(((uint64_t)roost_be32_get(item->bytes) << 32) |
			   roost_be32_get(item->bytes + 4));
	*timezone_r = (int)roost_be32_get(item->bytes + 8);
	return TRUE;
}

/* As Dovecot does, take 0 for a date that is missing or not understood, and of
   a date only what 32 bits hold. */
static void
content_sent_date(struct roost_blob_content *content, pool_t pool)
{
	const char *const *values =
		roost_lines_values(&content->items[ROOST_BLOB_HEADERS],
				   "Date", FALSE, pool);
	time_t date;
	int timezone;

	if (*values == NULL ||
	    !message_date_parse((const unsigned char *)*values,
				strlen(*values), &date, &timezone)) {
		date = 0;
		timezone = 0;
	}
	content_set_date(content, pool, roost_sent_date(date), timezone);
}

/* A long summary is not made, because opening it would cost as much as opening
   the headers. */
static void
content_summary(struct roost_blob_content *content, pool_t pool)
{
	buffer_t *lines = buffer_create_dynamic(default_pool, 256);

	roost_lines_filter(&content->items[ROOST_BLOB_HEADERS],
			   summary_names, N_ELEMENTS(summary_names), lines);
	if (lines->used <= SUMMARY_MAX_SIZE)
		content_set_buffer(content, pool, ROOST_BLOB_SUMMARY, lines);
	buffer_free(&lines);
}

struct parse {
	pool_t pool;
	struct roost_part_limits limits;
	struct message_part_envelope *envelope;
};

static void
parse_envelope_header(struct message_header_line *hdr, struct parse *parse)
{
	roost_envelope_parse(parse->pool, &parse->envelope, &parse->limits,
			     hdr);
}

/* The envelope is made here, because Dovecot's own way to one first looks into
   its own fields of the index cache. */
static void
content_envelope(struct roost_blob_content *content, pool_t pool)
{
	const struct roost_blob_bytes *lines =
		&content->items[ROOST_BLOB_HEADERS];
	struct parse parse = {
		.pool = pool, .limits = ROOST_PART_LIMITS_INIT
	};
	struct istream *input =
		i_stream_create_from_data(lines->bytes, lines->len);
	string_t *envelope = str_new(default_pool, 512);

	message_parse_header(input, NULL, PARSER_FLAGS, parse_envelope_header,
			     &parse);
	roost_envelope_write(parse.envelope, envelope);
	content_set_buffer(content, pool, ROOST_BLOB_ENVELOPE, envelope);
	str_free(&envelope);
	i_stream_unref(&input);
}

int
roost_content_headers(struct roost_blob_content *content, pool_t pool,
		      struct istream *input, const char *const *names,
		      unsigned int count)
{
	buffer_t *lines = buffer_create_dynamic(default_pool, 4096);
	int ret = roost_lines_read(input, names, count, ROOST_HEADER_MAX_SIZE,
				   lines);

	if (ret > 0) {
		content_set_buffer(content, pool, ROOST_BLOB_HEADERS, lines);
		content_summary(content, pool);
		content_sent_date(content, pool);
		content_envelope(content, pool);
	}
	buffer_free(&lines);
	return ret < 0 ? -1 : 0;
}

static void
parse_part_header(struct message_part *part, struct message_header_line *hdr,
		  struct parse *parse)
{
	roost_part_data_parse(parse->pool, part, &parse->limits, hdr);
}

/* Returns the tree of parts, each with what its header says. */
static struct message_part *
content_parse(pool_t pool, struct istream *input)
{
	static const struct message_parser_settings set = {
		.hdr_flags = PARSER_FLAGS,
		.flags = MESSAGE_PARSER_FLAG_SKIP_BODY_BLOCK,
	};
	struct parse parse = {
		.pool = pool, .limits = ROOST_PART_LIMITS_INIT
	};
	struct message_parser_ctx *ctx =
		message_parser_init(pool, input, &set);
	struct message_size hdr_size;
	struct message_part *parts;

	message_parser_parse_header(ctx, &hdr_size, parse_part_header, &parse);
	message_parser_parse_body(ctx, parse_part_header, &parse);
	message_parser_deinit(&ctx, &parts);
	return parts;
}

static bool
type_is(const char *type, const char *wanted)
{
	return type != NULL && strcasecmp(type, wanted) == 0;
}

static bool
part_is_text(const struct message_part *part)
{
	return part->data->content_type == NULL ||
		type_is(part->data->content_type, "text");
}

/* Of several versions of one text Dovecot shows the plain one, else HTML, else
   any text; NULL if none is text. */
static const struct message_part *
part_best_alternative(const struct message_part *parts)
{
	const struct message_part *part, *html = NULL, *other = NULL;

	for (part = parts->children; part != NULL; part = part->next) {
		if (!part_is_text(part))
			continue;
		if (part->data->content_subtype == NULL ||
		    type_is(part->data->content_subtype, "plain"))
			return part;
		if (type_is(part->data->content_subtype, "html"))
			html = part;
		else
			other = part;
	}
	return html != NULL ? html : other;
}

/* The part that follows this one and what it holds, in the order of the
   message; NULL if that leaves the tree of top. */
static const struct message_part *
part_after(const struct message_part *part, const struct message_part *top)
{
	while (part != top && part->next == NULL)
		part = part->parent;
	return part == top ? NULL : part->next;
}

/* The next of all parts, in the order of the message; NULL after the last. */
static const struct message_part *
part_next(const struct message_part *part, const struct message_part *top)
{
	return part->children != NULL ? part->children :
		part_after(part, top);
}

static size_t
text_size(const char *text)
{
	return text == NULL ? 0 : strlen(text);
}

static size_t
params_size(const struct message_part_param *params, unsigned int count)
{
	unsigned int i;
	size_t size = 0;

	for (i = 0; i < count; i++)
		size += strlen(params[i].name) + strlen(params[i].value);
	return size;
}

/* At least how many bytes a part adds to a body structure. */
static size_t
part_text_size(const struct message_part *part)
{
	const struct message_part_data *data = part->data;
	const char *const *language = data->content_language;
	size_t size = PART_STRUCTURE_SIZE + text_size(data->content_type) +
		text_size(data->content_subtype) +
		text_size(data->content_transfer_encoding) +
		text_size(data->content_id) +
		text_size(data->content_description) +
		text_size(data->content_disposition) +
		text_size(data->content_md5) +
		text_size(data->content_location) +
		params_size(data->content_type_params,
			    data->content_type_params_count) +
		params_size(data->content_disposition_params,
			    data->content_disposition_params_count);

	for (; language != NULL && *language != NULL; language++)
		size += strlen(*language);
	return size;
}

bool
roost_content_structure_is_small(const struct message_part *parts)
{
	const struct message_part *part;
	size_t size = 0;

	for (part = parts; part != NULL; part = part_next(part, parts)) {
		/* It may be the header of a message within, of which the
		   structure has the envelope. */
		if (part != parts &&
		    part->header_size.physical_size > ROOST_HEADER_MAX_SIZE)
			return FALSE;
		if (part->data != NULL)
			size += part_text_size(part);
		if (size > ROOST_BLOB_SIZE_MAX)
			return FALSE;
	}
	return TRUE;
}

/* The part that a preview is taken from, or NULL: the first one, in the order
   of the message, that is text, or the best of several versions of one. */
static const struct message_part *
part_of_preview(const struct message_part *top)
{
	const struct message_part *part = top, *best;

	while (part != NULL && !part_is_text(part)) {
		if (!type_is(part->data->content_type, "multipart")) {
			part = part_after(part, top);
			continue;
		}
		if (!type_is(part->data->content_subtype, "alternative")) {
			part = part_next(part, top);
			continue;
		}
		best = part_best_alternative(part);
		if (best != NULL)
			return best;
		part = part_after(part, top);
	}
	return part;
}

bool
roost_content_preview_is_large(const struct message_part *parts)
{
	const struct message_part *part = part_of_preview(parts);

	return part != NULL &&
		part->header_size.physical_size > ROOST_HEADER_MAX_SIZE;
}

/* A part that a preview is made of.  Of its body size bytes are there. */
struct preview_source {
	const struct roost_blob_bytes *lines;	/* of the message's header */
	const struct message_part *part;
	struct istream *input;
	uoff_t size;
};

/* Append the header lines that say how the text is encoded.  Dovecot decodes
   all lines that it gets, and a message's own header has many. */
static void
preview_head(const struct preview_source *source, buffer_t *text)
{
	static const char *const names[] = {
		"Content-Transfer-Encoding", "Content-Type", "MIME-Version"
	};

	roost_lines_filter(source->lines, names, N_ELEMENTS(names), text);
	buffer_append_c(text, '\n');
}

static void
preview_read(struct istream *input, uoff_t start, uoff_t size, buffer_t *text)
{
	const unsigned char *data;
	size_t len;

	i_stream_seek(input, start);
	while (size > 0 && i_stream_read_more(input, &data, &len) > 0) {
		len = I_MIN(size, len);
		buffer_append(text, data, len);
		i_stream_skip(input, len);
		size -= len;
	}
}

/* The part with so many bytes of its body. */
static struct istream *
preview_text(const struct preview_source *source, uoff_t size, buffer_t *text)
{
	const struct message_part *part = source->part;
	uoff_t start = part->physical_pos;

	buffer_set_used_size(text, 0);
	if (size <= PREVIEW_TEXT_MAX && part->parent == NULL &&
	    source->lines->bytes != NULL) {
		preview_head(source, text);
		start += part->header_size.physical_size;
	} else {
		size += part->header_size.physical_size;
	}
	if (size > PREVIEW_TEXT_MAX) {
		i_stream_seek(source->input, start);
		return i_stream_create_limit(source->input, size);
	}
	preview_read(source->input, start, size, text);
	return i_stream_create_from_data(text->data, text->used);
}

static int
preview_try(const struct preview_source *source, uoff_t size,
	    unsigned int chars, string_t *preview)
{
	buffer_t *bytes = buffer_create_dynamic(default_pool, 1024);
	struct istream *text = preview_text(source, size, bytes);
	int ret;

	str_truncate(preview, 0);
	ret = message_snippet_generate(text, chars, preview);
	i_stream_unref(&text);
	buffer_free(&bytes);
	return ret < 0 || source->input->stream_errno != 0 ? -1 : 0;
}

/*
 * Is a preview of a part's beginning that of all of it?  1 or 0; -1 the stream
 * says why.  One that begins with a quotation is replaced by text that comes
 * later.  Where a space would be the last character a preview ends before it,
 * so that one character less may be all as well: then more fit into a larger
 * one.
 */
static int
preview_suffices(const struct preview_source *source, uoff_t size,
		 string_t *preview)
{
	size_t chars = uni_utf8_strlen(str_c(preview));
	string_t *larger;
	int ret;

	if (*str_c(preview) == '>' || chars + 1 < PREVIEW_CHARS)
		return 0;
	if (chars >= PREVIEW_CHARS)
		return 1;
	larger = str_new(default_pool, 256);
	ret = preview_try(source, size, PREVIEW_CHARS + 1, larger);
	if (ret == 0 && str_len(larger) > str_len(preview))
		ret = 1;
	str_free(&larger);
	return ret;
}

/*
 * Make the preview of a part.  1; 0 what is there of it does not suffice; -1
 * the stream says why.  All that is read is decoded, and of a long text a
 * little mostly suffices.
 */
static int
preview_generate(const struct preview_source *source, string_t *preview)
{
	uoff_t all = source->part->body_size.physical_size, size;
	uoff_t next = PREVIEW_TEXT_SIZE;
	int ret;

	do {
		size = I_MIN(next, I_MIN(source->size, all));
		ret = preview_try(source, size, PREVIEW_CHARS, preview);
		if (ret == 0)
			ret = size == all ? 1 :
				preview_suffices(source, size, preview);
		next = next < PREVIEW_TEXT_MAX ? PREVIEW_TEXT_MAX : UOFF_T_MAX;
	} while (ret == 0 && size < source->size);
	return ret;
}

int
roost_content_preview(struct roost_blob_content *content, pool_t pool,
		      struct istream *input, uoff_t size,
		      const struct message_part *parts)
{
	struct preview_source source = {
		.lines = &content->items[ROOST_BLOB_HEADERS],
		.part = part_of_preview(parts),
		.input = input,
	};
	string_t *preview = str_new(default_pool, 256);
	uoff_t start;
	int ret = 1;

	if (source.part != NULL) {
		start = source.part->physical_pos +
			source.part->header_size.physical_size;
		source.size = size - I_MIN(start, size);
		ret = start > size ? 0 : preview_generate(&source, preview);
	}
	if (ret > 0) {
		str_insert(preview, 0, PREVIEW_KIND);
		content_set_buffer(content, pool, ROOST_BLOB_PREVIEW, preview);
	}
	str_free(&preview);
	return ret;
}

void
roost_content_parts(struct roost_blob_content *content, pool_t pool,
		    struct message_part *parts)
{
	buffer_t *bytes = buffer_create_dynamic(default_pool, 1024);

	message_part_serialize(parts, bytes);
	content_set_buffer(content, pool, ROOST_BLOB_PARTS, bytes);
	buffer_free(&bytes);
}

struct message_part *
roost_content_get_parts(const struct roost_blob_content *content, pool_t pool)
{
	const struct roost_blob_bytes *item =
		&content->items[ROOST_BLOB_PARTS];
	const char *error;

	return item->bytes == NULL ? NULL :
		message_part_deserialize(pool, item->bytes, item->len,
					 &error);
}

bool
roost_content_parts_have_nuls(const struct message_part *top)
{
	const struct message_part *part;

	for (part = top; part != NULL; part = part_next(part, top)) {
		if ((part->flags & MESSAGE_PART_FLAG_HAS_NULS) != 0)
			return TRUE;
	}
	return FALSE;
}

void
roost_content_spell(struct roost_blob_content *content, pool_t pool)
{
	static const char plain[] = IMAP_BODY_PLAIN_7BIT_ASCII " ";
	static const char rest[] = "NIL NIL NIL NIL";
	const struct roost_blob_bytes *item =
		&content->items[ROOST_BLOB_BODYSTRUCTURE];
	const char *end = (const char *)item->bytes + item->len, *pos;
	char *told;

	if (item->len < sizeof(plain) - 1 + sizeof(rest) - 1 ||
	    strncasecmp((const char *)item->bytes, plain,
			sizeof(plain) - 1) != 0)
		return;
	/* Only two numbers may stand between the two texts. */
	pos = (const char *)item->bytes + sizeof(plain) - 1;
	while (pos < end && ((*pos >= '0' && *pos <= '9') || *pos == ' '))
		pos++;
	if ((size_t)(end - pos) != sizeof(rest) - 1 ||
	    memcmp(pos, rest, sizeof(rest) - 1) != 0)	/* public */
		return;
	told = p_strndup(pool, item->bytes, item->len);
	memcpy(told, plain, sizeof(plain) - 1);
	roost_content_set(content, ROOST_BLOB_BODYSTRUCTURE, told, item->len);
}

int
roost_content_body(struct roost_blob_content *content, pool_t pool,
		   struct istream *input)
{
	pool_t parts_pool = pool_alloconly_create("roost parts", 4096);
	struct message_part *parts;
	string_t *structure = str_new(default_pool, 1024);
	const char *error;
	int ret;

	i_stream_seek(input, 0);
	parts = content_parse(parts_pool, input);
	ret = input->stream_errno == 0 ? 0 : -1;
	if (ret == 0) {
		if (roost_content_structure_is_small(parts) &&
		    roost_bodystructure_write(parts, structure, &error) == 0)
			content_set_buffer(content, pool,
					   ROOST_BLOB_BODYSTRUCTURE,
					   structure);
		roost_content_parts(content, pool, parts);
		if (!roost_content_preview_is_large(parts))
			ret = roost_content_preview(content, pool, input,
						    UOFF_T_MAX, parts);
	}
	str_free(&structure);
	pool_unref(&parts_pool);
	return ret < 0 ? -1 : 0;
}
