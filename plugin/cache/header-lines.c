/* SPDX-License-Identifier: MIT */
/*
 * header-lines: reading and searching the lines of a header.
 * See header-lines.h.
 */
#include "cache/header-lines.h"

#include "istream-header-filter.h"
#include "message-header-decode.h"
#include "message-header-parser.h"

/* Dovecot takes a longer line in pieces where its buffer is no larger. */
#define SHORT_MAX_SIZE 4096

struct line {
	const char *name, *value, *end;		/* the end is after the LF */
	size_t name_len;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Returns where the line that starts here ends, with all that is folded. */
static const char *
line_end(const char *p, const char *end)
{
	do {
		p = memchr(p, '\n', (size_t)(end - p));
		p = p == NULL ? end : p + 1;
	} while (p < end && is_blank(*p));
	return p;
}

static void
line_parse(const char *start, const char *end, struct line *line_r)
{
	const char *colon = memchr(start, ':', (size_t)(end - start));

	/* It may stand where the line goes on. */
	if (colon != NULL &&
	    memchr(start, '\n', (size_t)(colon - start)) != NULL)
		colon = NULL;
	line_r->name = start;
	line_r->end = end;
	line_r->value = colon == NULL ? end : colon + 1;
	if (colon == NULL)
		colon = start;
	while (colon > start && is_blank(colon[-1]))
		colon--;
	/* To Dovecot, which compares strings, a name ends at a NUL. */
	line_r->name_len = strnlen(start, (size_t)(colon - start));
}

/* Parse the next line; FALSE at the end. */
static bool
line_next(const char **pos, const char *end, struct line *line_r)
{
	const char *start = *pos;

	if (start >= end)
		return FALSE;
	*pos = line_end(start, end);
	line_parse(start, *pos, line_r);
	return TRUE;
}

/* A bit for the first letter of a name, without regard to case; several other
   characters share a bit with a letter.  All bits stand for a name of no bytes,
   because its line begins with the colon. */
static uint32_t
initial_bit(char c)
{
	return c == '\0' ? UINT32_MAX : (uint32_t)1 << ((unsigned char)c & 31);
}

static uint32_t
names_initials(const char *const *names, unsigned int count)
{
	uint32_t initials = 0;
	unsigned int i;

	for (i = 0; i < count; i++)
		initials |= initial_bit(*names[i]);
	return initials;
}

/* Parse the next line whose first letter is one of initials; FALSE at the end.
   That tells most names apart, and spares looking at the rest of the line. */
static bool
line_next_of(const char **pos, const char *end, uint32_t initials,
	     struct line *line_r)
{
	const char *start;

	while (*pos < end) {
		start = *pos;
		*pos = line_end(start, end);
		if ((initial_bit(*start) & initials) == 0)
			continue;
		line_parse(start, *pos, line_r);
		return TRUE;
	}
	return FALSE;
}

static bool
line_is(const struct line *line, const char *name)
{
	return strncasecmp(line->name, name, line->name_len) == 0 &&
		name[line->name_len] == '\0';
}

bool
roost_lines_name_is_any(const char *name, size_t len,
			const char *const *names, unsigned int count)
{
	unsigned int low = 0, high = count;

	while (low < high) {
		unsigned int middle = (low + high) / 2;
		int order = strncasecmp(names[middle], name, len);

		if (order == 0)
			order = names[middle][len] == '\0' ? 0 : 1;
		if (order == 0)
			return TRUE;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return FALSE;
}

static bool
line_is_any(const struct line *line, const char *const *names,
	    unsigned int count)
{
	return roost_lines_name_is_any(line->name, line->name_len, names,
				       count);
}

size_t
roost_lines_header_size(const unsigned char *bytes, size_t size)
{
	const unsigned char *pos = bytes, *end = bytes + size;

	while (pos != NULL && pos < end) {
		if (*pos == '\r')
			pos++;
		if (pos < end && *pos == '\n')
			return (size_t)(pos + 1 - bytes);
		pos = memchr(pos, '\n', (size_t)(end - pos));
		if (pos != NULL)
			pos++;
	}
	return 0;
}

/* Append a line with all that is folded, but without the CR before each LF. */
static void
line_append(const struct line *line, buffer_t *dest)
{
	const char *pos = line->name, *lf;

	for (; pos < line->end; pos = lf + 1) {
		lf = memchr(pos, '\n', (size_t)(line->end - pos));
		buffer_append(dest, pos, (size_t)(lf - pos) -
			      (lf > pos && lf[-1] == '\r' ? 1 : 0));
		buffer_append_c(dest, '\n');
	}
}

/* The same as roost_lines_read() of a header that is at hand. */
static void
lines_pick(const unsigned char *header, size_t size, const char *const *names,
	   unsigned int count, buffer_t *dest)
{
	const char *pos = (const char *)header, *end = pos + size;
	uint32_t initials = names_initials(names, count);
	struct line line;

	while (line_next_of(&pos, end, initials, &line)) {
		if (line_is_any(&line, names, count))
			line_append(&line, dest);
	}
}

/* Take off the blank line that ends a header, or add the LF that a message
   lacks which ends in its header. */
static void
lines_end(buffer_t *dest)
{
	const char *data = dest->data;

	if (dest->used > 0 && data[dest->used - 1] == '\n' &&
	    (dest->used == 1 || data[dest->used - 2] == '\n'))
		buffer_set_used_size(dest, dest->used - 1);
	else if (dest->used > 0 && data[dest->used - 1] != '\n')
		buffer_append_c(dest, '\n');
}

static int
lines_parse(struct istream *input, const char *const *names,
	    unsigned int count, uoff_t max, buffer_t *dest)
{
	uoff_t start = input->v_offset;
	struct istream *filter =
		i_stream_create_header_filter(input, HEADER_FILTER_INCLUDE |
			HEADER_FILTER_HIDE_BODY | HEADER_FILTER_NO_CR, names,
			count, *null_header_filter_callback, NULL);
	const unsigned char *data;
	bool is_large = FALSE;
	size_t size;
	int ret;

	while (!is_large && i_stream_read_more(filter, &data, &size) > 0) {
		buffer_append(dest, data, size);
		i_stream_skip(filter, size);
		is_large = dest->used > max;
	}
	ret = filter->stream_errno != 0 ? -1 :
		is_large || input->v_offset - start > max ? 0 : 1;
	i_stream_unref(&filter);
	lines_end(dest);
	return ret;
}

int
roost_lines_read(struct istream *input, const char *const *names,
		 unsigned int count, uoff_t max, buffer_t *dest)
{
	const unsigned char *data;
	size_t size = 0;

	/* Mostly all of the header is at hand, where Dovecot's parser and the
	   stream around it cost more than what they find. */
	if (i_stream_read_more(input, &data, &size) > 0)
		size = roost_lines_header_size(data, size);
	if (size == 0)
		return lines_parse(input, names, count, max, dest);
	if (size > max)
		return 0;
	lines_pick(data, size, names, count, dest);
	i_stream_skip(input, size);
	return 1;
}

bool
roost_lines_are_short(struct istream *input)
{
	const unsigned char *data;
	size_t size, i, len = 0;

	while (i_stream_read_more(input, &data, &size) > 0) {
		for (i = 0; i < size; i++) {
			if (data[i] == '\n' && len == 0)
				return TRUE;	/* the header's end */
			if (data[i] == '\n')
				len = 0;
			else if (data[i] != '\r' && ++len > SHORT_MAX_SIZE)
				return FALSE;
		}
		i_stream_skip(input, size);
	}
	return TRUE;
}

void
roost_lines_filter(const struct roost_blob_bytes *lines,
		   const char *const *names, unsigned int count,
		   buffer_t *dest)
{
	const char *pos = (const char *)lines->bytes, *end = pos + lines->len;
	uint32_t initials = names_initials(names, count);
	struct line line;

	while (line_next_of(&pos, end, initials, &line)) {
		if (line_is_any(&line, names, count))
			buffer_append(dest, line.name,
				      (size_t)(line.end - line.name));
	}
}

/* Unfold (RFC 5322 2.2.3) as Dovecot does, where a fold is one space, and
   decode to UTF-8. */
static const char *
value_decode(pool_t pool, const char *value)
{
	string_t *unfolded = t_str_new(256), *decoded = t_str_new(256);

	for (; *value != '\0'; value++) {
		if (*value != '\n') {
			str_append_c(unfolded, *value);
			continue;
		}
		str_append_c(unfolded, ' ');
		if (value[1] == '\0')
			break;
		value++;
	}
	message_header_decode_utf8(str_data(unfolded), str_len(unfolded),
				   decoded, NULL);
	return p_strdup(pool, str_c(decoded));
}

static const char *
line_value(const struct line *line, pool_t pool)
{
	const char *value = line->value, *end = line->end;

	while (value < end && (is_blank(*value) || *value == '\n'))
		value++;
	if (end > value && end[-1] == '\n')
		end--;
	return message_header_strdup(pool, (const unsigned char *)value,
				     (size_t)(end - value));
}

const char *const *
roost_lines_values(const struct roost_blob_bytes *lines, const char *name,
		   bool is_decoded, pool_t pool)
{
	const char *pos = (const char *)lines->bytes, *end = pos + lines->len;
	ARRAY_TYPE(const_string) values;
	struct line line;

	p_array_init(&values, pool, 4);
	while (line_next_of(&pos, end, initial_bit(*name), &line)) {
		const char *value;

		if (!line_is(&line, name))
			continue;
		value = line_value(&line, pool);
		if (is_decoded) T_BEGIN {
			value = value_decode(pool, value);
		} T_END;
		array_push_back(&values, &value);
	}
	array_append_zero(&values);
	return array_front(&values);
}

bool
roost_lines_has_name(const struct roost_blob_bytes *names, const char *name)
{
	const char *pos = (const char *)names->bytes, *end, *lf;
	size_t len = strlen(name);

	if (pos == NULL)
		return FALSE;
	for (end = pos + names->len; pos < end; pos = lf + 1) {
		lf = memchr(pos, '\n', (size_t)(end - pos));
		if (lf == NULL)
			return FALSE;
		if ((size_t)(lf - pos) == len &&
		    strncasecmp(pos, name, len) == 0)
			return TRUE;
	}
	return FALSE;
}

static bool
left_out_has(const buffer_t *left_out, const struct line *line)
{
	const struct roost_blob_bytes names = {
		left_out->data, left_out->used
	};

	return left_out->used > 0 &&
		roost_lines_has_name(&names,
				     t_strndup(line->name, line->name_len));
}

/* Append the names of the lines that are too long. */
static void
lines_too_long(const buffer_t *lines, size_t max, buffer_t *left_out)
{
	const char *pos = lines->data, *end = pos + lines->used;
	struct line line;

	while (line_next(&pos, end, &line)) {
		if ((size_t)(line.end - line.name) <= max ||
		    left_out_has(left_out, &line))
			continue;
		buffer_append(left_out, line.name, line.name_len);
		buffer_append_c(left_out, '\n');
	}
}

/* Keep only lines with other names, because of a name that a message has more
   than once either all lines are kept or none. */
static void
lines_keep_others(buffer_t *lines, const buffer_t *left_out)
{
	char *start = buffer_get_modifiable_data(lines, NULL), *dest = start;
	const char *pos = start, *end = start + lines->used;
	struct line line;

	while (line_next(&pos, end, &line)) {
		size_t len = (size_t)(line.end - line.name);

		if (left_out_has(left_out, &line))
			continue;
		memmove(dest, line.name, len);
		dest += len;
	}
	buffer_set_used_size(lines, (size_t)(dest - start));
}

void
roost_lines_leave_out(buffer_t *lines, size_t max, buffer_t *left_out)
{
	T_BEGIN {
		lines_too_long(lines, max, left_out);
		if (left_out->used > 0)
			lines_keep_others(lines, left_out);
	} T_END;
}
