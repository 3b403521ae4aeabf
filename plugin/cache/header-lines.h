/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CACHE_HEADER_LINES_H
#define ROOST_CACHE_HEADER_LINES_H

/*
 * header-lines: some lines of a message's header, in their order, LF, folded
 * as they came.
 *
 * Promises: values are what Dovecot itself gives for the same header.
 */

#include "dovecot/compat.h"

#include "roost/blob.h"

/* Nobody writes a header of so many bytes; what has one is answered from the
   message, as core does, and nothing of it is kept. */
#define ROOST_HEADER_MAX_SIZE (128 * 1024)

/*
 * Append to dest the lines of the header at the stream's current offset whose
 * names are among names (sorted without regard to case).  1; 0 the header has
 * more than max bytes, and dest is of no use; -1 reading failed: the stream
 * says why.
 */
int roost_lines_read(struct istream *input, const char *const *names,
		     unsigned int count, uoff_t max, buffer_t *dest);

/* Are all lines of the header at the stream's current offset short enough for
   core to take them whole?  Also if reading fails. */
bool roost_lines_are_short(struct istream *input);

/* Is the name of len bytes among names (sorted without regard to case)? */
bool roost_lines_name_is_any(const char *name, size_t len,
			     const char *const *names, unsigned int count);

/* Append the lines with these names. */
void roost_lines_filter(const struct roost_blob_bytes *lines,
			const char *const *names, unsigned int count,
			buffer_t *dest);

/* The values of a header, NULL at the end; with is_decoded, unfolded and in
   UTF-8. */
const char *const *
roost_lines_values(const struct roost_blob_bytes *lines, const char *name,
		   bool is_decoded, pool_t pool);

/*
 * Take lines of more than max bytes out, and all others of the same name;
 * their names go to left_out, each with LF.
 */
void roost_lines_leave_out(buffer_t *lines, size_t max, buffer_t *left_out);

/* Is the name in names: texts each ended by LF? */
bool roost_lines_has_name(const struct roost_blob_bytes *names,
			  const char *name);

#endif
