/* SPDX-License-Identifier: MIT */
#ifndef ROOST_TOOL_OUTPUT_H
#define ROOST_TOOL_OUTPUT_H

/*
 * output: where extracted messages go: a maildir, or a folder of files in mbox
 * format.
 *
 * The folder must not be there, or be empty; it is made for its user alone.
 * Promises: nothing is written outside of it and nothing in it is replaced; a
 * message that is not finished leaves nothing behind.
 */

#include "tool/keys.h"
#include "tool/tree.h"

struct roost_output;

/* Make the folder.  NULL, and a sentence was said, if that fails. */
struct roost_output *roost_output_new(const char *path, bool is_mbox,
				      const struct roost_keys *keys);

/* Tell which folder it is. */
void roost_output_stat(const struct roost_output *output, struct stat *st_r);

/* A mailbox begins, which may have no message. */
int roost_output_folder(struct roost_output *output,
			const struct roost_tree_folder *folder);

/* Write one message: begin, add bytes, and finish or cancel it.  0, or -1 with
   a sentence said; after -1 of begin there is nothing to cancel. */
int roost_output_begin(struct roost_output *output,
		       const struct roost_tree_message *msg);
int roost_output_add(void *output, const uint8_t *bytes, size_t len);
int roost_output_finish(struct roost_output *output,
			const struct roost_tree_message *msg);
void roost_output_cancel(struct roost_output *output);

/* True once the place of the output takes no more, such as a full disk. */
bool roost_output_is_full(const struct roost_output *output);

/* How many names of keywords stayed tokens, and how many letters had no name at
   all. */
unsigned int roost_output_tokens(const struct roost_output *output);
unsigned int roost_output_nameless(const struct roost_output *output);

/* Finish the last mailbox, and have all of it on the disk.  0, or -1 with a
   sentence said.  Afterwards it is freed. */
int roost_output_close(struct roost_output **output);

#endif
