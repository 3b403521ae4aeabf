/* SPDX-License-Identifier: MIT */
#ifndef ROOST_REWRITE_DBOX_H
#define ROOST_REWRITE_DBOX_H

/*
 * dbox: a message as a dbox file has it, and the same with a new form of the
 * message in it.
 *
 * sdbox and mdbox store a message alike: a header that says how many bytes are
 * stored, these bytes, and a block of lines with the GUID, the dates, the sizes
 * and the like.  With a new form, all of these lines stay byte for byte, but
 * for the one that says the message's own size, which stands there only where
 * it differs from the number of the stored bytes.
 */

#include "rewrite/place.h"

#include "dbox-file.h"

#include <sys/stat.h>

/* A message in the file that Dovecot has opened for it. */
struct roost_rewrite_dbox {
	struct dbox_file *file;		/* borrowed */
	struct stat st;			/* of that file */
	uoff_t offset;			/* of the message's header in it */
	uoff_t size;			/* of the bytes that are stored */
	uoff_t end;			/* where the block of lines ends */
	const buffer_t *lines;		/* the block, on the data stack */
	bool is_sealed;			/* the stored bytes claim to be */
};

/* Look at the message whose form is to be changed.  0; -1 with error_r, also
   where it is one that is not to be touched. */
int roost_rewrite_dbox_look(struct mail *mail,
			    struct roost_rewrite_dbox *old_r,
			    const char **error_r);

/* Is the file that was looked at still the one of that name?  1; 0 it is not;
   -1 with error_r. */
int roost_rewrite_dbox_is_there(const struct roost_rewrite_dbox *old,
				const char **error_r);

/*
 * Write the message with its new form to output, which is the stream of a file
 * at the offset where the message's header is to be, and flush it.  Returns
 * ROOST_REWRITE_PLACED, or FAILED or FULL with error_r.
 */
enum roost_rewrite_placed
roost_rewrite_dbox_write(const struct roost_rewrite_dbox *old,
			 struct roost_rewrite_form *form,
			 struct ostream *output, const char **error_r);

/* Read back from fd what was written at that offset of the file.  0, or -1
   with error_r. */
int roost_rewrite_dbox_check(const struct roost_rewrite_dbox *old,
			     struct roost_rewrite_form *form, int fd,
			     uoff_t offset, const char **error_r);

/* The GUID of the last message in the file at that path, without Dovecot, which
   repairs a mailbox where it finds a file damaged.  NULL if it has none. */
const char *roost_rewrite_dbox_guid(const char *path);

/* What a call of the system that failed with this errno means for others:
   FAILED or FULL. */
enum roost_rewrite_placed roost_rewrite_dbox_failed(int error);

#endif
