/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_MAILDIR_SIZES_H
#define ROOST_MAIL_MAILDIR_SIZES_H

/*
 * maildir-sizes: sizes in the name of a maildir file that are wrong.
 *
 * Some versions of core take a wrong size out of the name as soon as they are
 * told of it.  Others put that off until they have forgotten which size was
 * wrong, and the name stays; for these the file is renamed here.
 */

#include "mail/sizes.h"

/* Gives the file a name that tells these sizes, unless core has done it.  To be
   called before a mail is closed whose sizes on record were found wrong. */
void roost_maildir_sizes_fix(struct mail *mail,
			     const struct roost_sizes *sizes);

#endif
