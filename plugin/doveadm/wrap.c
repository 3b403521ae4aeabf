/* SPDX-License-Identifier: MIT */
/*
 * wrap: a sentence for a terminal.  See wrap.h.
 */
#include "doveadm/wrap.h"

#define COLUMNS 80
#define NEXT_LINE "\n    "
#define INDENT 4

static void
wrap_words(string_t *str, const char *title, const char *text)
{
	const char *const *words = t_strsplit_spaces(text, " ");
	size_t column = strlen(title), len;

	for (; *words != NULL; words++) {
		len = strlen(*words);
		if (str_len(str) == 0) {
			column += len;
		} else if (column + 1 + len > COLUMNS) {
			str_append(str, NEXT_LINE);
			column = INDENT + len;
		} else {
			str_append_c(str, ' ');
			column += 1 + len;
		}
		str_append(str, *words);
	}
}

const char *
roost_wrap(const char *title, const char *text)
{
	const char *command = strstr(text, ": doveadm ");
	string_t *str = t_str_new(128);

	if (strlen(title) + strlen(text) <= COLUMNS)
		return text;
	if (command == NULL) {
		wrap_words(str, title, text);
	} else {
		wrap_words(str, title, t_strdup_until(text, command + 1));
		str_append(str, NEXT_LINE);
		str_append(str, command + 2);
	}
	return str_c(str);
}
