/* SPDX-License-Identifier: MIT */
#ifndef ROOST_TOOL_OUTPUT_PRIVATE_H
#define ROOST_TOOL_OUTPUT_PRIVATE_H

/*
 * output-private: what the two forms of output share: output-maildir.c writes
 * one file for each message, output-mbox.c one for each mailbox.
 */

#include "tool/output.h"

#include <stdio.h>

/* The part of a form.  All return 0, or -1 with errno. */
struct roost_output_form {
	/* Make what the mailbox output->box needs, or go there again. */
	int (*open)(struct roost_output *output);
	int (*leave)(struct roost_output *output);
	/* A mailbox of maildir begins, whose keywords are known. */
	int (*note)(struct roost_output *output,
		    const struct roost_tree_folder *folder);
	int (*begin)(struct roost_output *output,
		     const struct roost_tree_message *msg);
	int (*add)(struct roost_output *output, const uint8_t *bytes,
		   size_t len);
	int (*finish)(struct roost_output *output,
		      const struct roost_tree_message *msg);
	void (*cancel)(struct roost_output *output);
};

/* A mailbox, and its keywords: the letter that takes a letter's place, and the
   name of each that is used. */
struct roost_output_box {
	char *name;
	bool is_noted;		/* its keywords are known */
	unsigned int letters[ROOST_MAILDIR_LETTERS];
	char *keywords[ROOST_MAILDIR_LETTERS];
};

struct roost_output {
	const struct roost_output_form *form;
	const struct roost_keys *keys;
	char *path;
	int fd;			/* of the folder that all is in */
	bool is_open;		/* the mailbox box is */
	bool is_full;		/* nothing more can be written */
	struct roost_output_box *box;	/* one of boxes */
	struct roost_output_box **boxes;	/* owned */
	size_t box_count;
	unsigned int tokens, nameless;

	/* Of a maildir. */
	int box_fd;
	FILE *uidlist;		/* NULL: the mailbox has none */
	uint32_t last_uid;	/* in that list */
	unsigned int number;	/* of messages so far */
	int message_fd;
	char temp[32];
	uint64_t size;		/* bytes of the message so far */

	/* Of an mbox. */
	FILE *file;
	off_t begin;		/* of the message in the file */
	bool is_line_begin;	/* but for brackets */
	char last;		/* byte of the message */
	size_t matched;		/* bytes of "From " that are held back */
};

extern const struct roost_output_form roost_output_maildir;
extern const struct roost_output_form roost_output_mbox;

/* Make a mailbox without keywords; NULL if there is no memory for it. */
struct roost_output_box *roost_output_keywords_box(const char *name);
void roost_output_keywords_free(struct roost_output_box *box);

/* Note the names of the letters of the mailbox that is open.  A second folder
   of one name cannot use the letters of the first. */
void roost_output_keywords_take(struct roost_output *output,
				const struct roost_maildir_keywords *keywords);

/* Turn the letters of a message into those of the output. */
struct roost_maildir_flags
roost_output_flags(struct roost_output *output,
		   const struct roost_maildir_flags *flags);

#endif
