/* SPDX-License-Identifier: MIT */
/*
 * output-keywords: letters of a mailbox's keywords become those of the output,
 * and tokens their names.  See output-private.h.
 */
#define _GNU_SOURCE
#include "tool/output-private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void
letters_clear(struct roost_output_box *box)
{
	size_t i;

	for (i = 0; i < ROOST_MAILDIR_LETTERS; i++)
		box->letters[i] = ROOST_MAILDIR_LETTERS;
}

struct roost_output_box *
roost_output_keywords_box(const char *name)
{
	struct roost_output_box *box = calloc(1, sizeof(*box));

	if (box == NULL)
		return NULL;
	letters_clear(box);
	box->name = strdup(name);
	if (box->name != NULL)
		return box;
	free(box);
	return NULL;
}

void
roost_output_keywords_free(struct roost_output_box *box)
{
	size_t i;

	for (i = 0; i < ROOST_MAILDIR_LETTERS; i++)
		free(box->keywords[i]);
	free(box->name);
	free(box);
}

/* Give a letter the name that it stands for.  Two letters of one name, such as
   a token and the same name in clear, become one. */
static void
keyword_take(struct roost_output *output, unsigned int letter,
	     const char *text)
{
	char opened[ROOST_TOKEN_NAME_MAX + 1];
	bool is_kept;
	const char *name = roost_keys_keyword(output->keys, text, opened,
					      &is_kept);
	struct roost_output_box *box = output->box;
	unsigned int i;

	for (i = 0; i < letter; i++) {
		if (box->keywords[i] != NULL &&
		    strcasecmp(box->keywords[i], name) == 0) {
			box->letters[letter] = i;
			return;
		}
	}
	box->keywords[letter] = strdup(name);
	if (box->keywords[letter] == NULL)
		return;
	box->letters[letter] = letter;
	if (is_kept)
		output->tokens++;
}

void
roost_output_keywords_take(struct roost_output *output,
			   const struct roost_maildir_keywords *keywords)
{
	unsigned int i;

	if (output->box->is_noted) {
		letters_clear(output->box);
		return;
	}
	output->box->is_noted = true;
	for (i = 0; i < ROOST_MAILDIR_LETTERS; i++) {
		if (keywords->names[i] != NULL)
			keyword_take(output, i, keywords->names[i]);
	}
}

struct roost_maildir_flags
roost_output_flags(struct roost_output *output,
		   const struct roost_maildir_flags *flags)
{
	struct roost_maildir_flags turned = { flags->flags, 0 };
	unsigned int i;

	for (i = 0; i < ROOST_MAILDIR_LETTERS; i++) {
		if ((flags->letters & (uint32_t)1 << i) == 0)
			continue;
		if (output->box->letters[i] < ROOST_MAILDIR_LETTERS)
			turned.letters |= (uint32_t)1 <<
				output->box->letters[i];
		else
			output->nameless++;
	}
	return turned;
}
