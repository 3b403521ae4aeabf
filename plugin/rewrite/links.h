/* SPDX-License-Identifier: MIT */
#ifndef ROOST_REWRITE_LINKS_H
#define ROOST_REWRITE_LINKS_H

/*
 * links: files with several names, as copies of a message have, and the new
 * file that took the place of one of these names.
 *
 * The others become links to that new file as they are found.  Both files are
 * kept open, so that no other file can get the old one's inode, and the new one
 * can be linked whatever its name is by then.  What does not fit into the table
 * is rewritten once for each name.
 */

#include "rewrite/form.h"

#include <sys/stat.h>

struct roost_rewrite_links;

struct roost_rewrite_links *roost_rewrite_links_new(void);
void roost_rewrite_links_free(struct roost_rewrite_links **links);

/* Note that the new file has taken the place of one name of the old one, if
   that has others.  The descriptors stay the caller's. */
void roost_rewrite_links_add(struct roost_rewrite_links *links, int old_fd,
			     int new_fd,
			     const struct roost_rewrite_copy *copy);

/* Link the new file to this path, if one took the place of a name of the old
   one, and tell what it is.  FALSE, and no link, otherwise. */
bool roost_rewrite_links_find(struct roost_rewrite_links *links,
			      const struct stat *old, const char *path,
			      struct roost_rewrite_copy *copy_r);

#endif
