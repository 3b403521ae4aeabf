/* SPDX-License-Identifier: MIT */
#ifndef ROOST_CACHE_HEADER_LINES_H
#define ROOST_CACHE_HEADER_LINES_H

/*
 * header-lines: some lines of a message's header: read from the message, kept
 * as bytes, filtered by name, and taken apart into values.
 *
 * The lines stand in the order of the message, folded as they came, and each
 * ends with LF alone.  Promises: values are what Dovecot itself gives for the
 * same header.
 */

#include "dovecot/compat.h"

#include "roost/blob.h"

/* Nothing is kept of a header with more bytes, which hardly any message has:
   it is answered from the message, as Dovecot does. */
#define ROOST_HEADER_MAX_SIZE (128 * 1024)

/*
 * Append to dest the lines of the header at the stream's current offset whose
 * names are among names (sorted without regard to case).  1; 0 the header has
 * more than max bytes, or -1 the stream says why: then dest is of no use.
 */
int roost_lines_read(struct istream *input, const char *const *names,
		     unsigned int count, uoff_t max, buffer_t *dest);

/* How many bytes of these, which begin a message, are its header, with the
   blank line; 0 if that is not among them. */
size_t roost_lines_header_size(const unsigned char *bytes, size_t size);

/* Are all lines of the header at the stream's current offset so short that
   Dovecot takes each of them whole?  TRUE also if reading fails. */
bool roost_lines_are_short(struct istream *input);

/* Is the name of len bytes among names (sorted without regard to case)? */
bool roost_lines_name_is_any(const char *name, size_t len,
			     const char *const *names, unsigned int count);

/* Append to dest the lines whose names are among names (sorted without regard
   to case). */
void roost_lines_filter(const struct roost_blob_bytes *lines,
			const char *const *names, unsigned int count,
			buffer_t *dest);

/* The values of a header, from pool, NULL at the end; with is_decoded unfolded
   and in UTF-8. */
const char *const *
roost_lines_values(const struct roost_blob_bytes *lines, const char *name,
		   bool is_decoded, pool_t pool);

/* Take out lines of more than max bytes and all others of the same names.  The
   names are appended to left_out, each once and with LF. */
void roost_lines_leave_out(buffer_t *lines, size_t max, buffer_t *left_out);

/* Is the name one of names, each of which ends with LF?  There are none where
   names->bytes is NULL. */
bool roost_lines_has_name(const struct roost_blob_bytes *names,
			  const char *name);

#endif
