/* SPDX-License-Identifier: MIT */
/*
 * maildir-name: flags in names of files.  See maildir-name.h.
 */
#include "tool/maildir-name.h"

#include <string.h>

/* In the order of enum roost_maildir_flag, which is Maildir's. */
static const char flag_letters[] = "DFRST";

void
roost_maildir_name_flags(const char *name,
			 struct roost_maildir_flags *flags_r)
{
	const char *info = strrchr(name, ':'), *found;

	memset(flags_r, 0, sizeof(*flags_r));
	if (info == NULL || info[1] != '2' || info[2] != ',')
		return;
	for (info += 3; *info != '\0' && *info != ','; info++) {
		if (*info >= 'a' && *info <= 'z')
			flags_r->letters |= (uint32_t)1 << (*info - 'a');
		else if ((found = strchr(flag_letters, *info)) != NULL)
			flags_r->flags |= 1U << (found - flag_letters);
	}
}

void
roost_maildir_name_info(const struct roost_maildir_flags *flags,
			char text_r[ROOST_MAILDIR_INFO_SIZE])
{
	size_t len = 3, i;

	memcpy(text_r, ":2,", len);
	for (i = 0; flag_letters[i] != '\0'; i++) {
		if ((flags->flags & 1U << i) != 0)
			text_r[len++] = flag_letters[i];
	}
	for (i = 0; i < ROOST_MAILDIR_LETTERS; i++) {
		if ((flags->letters & (uint32_t)1 << i) != 0)
			text_r[len++] = (char)('a' + (int)i);
	}
	text_r[len] = '\0';
}

/* "<index> <name>"; false if it is not that. */
static bool
line_read(char *line, unsigned int *idx_r, char **name_r)
{
	*idx_r = 0;
	if (*line < '0' || *line > '9')
		return false;
	for (; *line >= '0' && *line <= '9'; line++) {
		*idx_r = *idx_r * 10 + (unsigned int)(*line - '0');
		if (*idx_r >= ROOST_MAILDIR_LETTERS)
			return false;
	}
	*name_r = line + 1;
	return *line == ' ' && line[1] != '\0';
}

void
roost_maildir_name_keywords(struct roost_maildir_keywords *keywords_r,
			    char *text, size_t len)
{
	char *end = text + len, *line = text, *next, *name;
	unsigned int idx;

	memset(keywords_r, 0, sizeof(*keywords_r));
	while (line < end) {
		next = memchr(line, '\n', (size_t)(end - line));
		if (next == NULL)
			next = end;
		*next = '\0';
		if (line_read(line, &idx, &name))
			keywords_r->names[idx] = name;
		line = next + 1;
	}
}
