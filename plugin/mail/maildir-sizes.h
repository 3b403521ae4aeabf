/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_MAILDIR_SIZES_H
#define ROOST_MAIL_MAILDIR_SIZES_H

/*
 * maildir-sizes: the sizes that the name of a maildir file tells.
 *
 * Core takes a wrong size out of a name as soon as it is told of it.  Where it
 * puts that off, it forgets which size was wrong, and the name stays.
 */

#include "mail/sizes.h"

/* Before a mail is closed whose sizes on record were found wrong: give the
   file a name that tells the right ones, unless core has done it. */
void roost_maildir_sizes_fix(struct mail *mail,
			     const struct roost_sizes *sizes);

#endif
