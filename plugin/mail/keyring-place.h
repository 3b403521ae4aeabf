/* SPDX-License-Identifier: MIT */
#ifndef ROOST_MAIL_KEYRING_PLACE_H
#define ROOST_MAIL_KEYRING_PLACE_H

/*
 * keyring-place: the file of a keyring, and whether a mailbox's path or name
 * comes in its way.
 *
 * Case is no difference, because a file system may not make one either; and
 * folders are compared by device and inode, because one may have several
 * paths.
 */

#include "dovecot/compat.h"

/* A keyring's file: a folder, and a name in it. */
struct roost_keyring_place {
	const char *dir, *name;
};

/* The place of a file, whose path must have a slash; from the pool. */
void roost_keyring_place_init(struct roost_keyring_place *place_r,
			      pool_t pool, const char *path);

/*
 * TRUE if the path, or a folder above it, is the keyring's file or one that
 * Roost makes beside it.  sep is of no use here: it makes the two functions of
 * one type.
 */
bool roost_keyring_place_has_path(const struct roost_keyring_place *place,
				  const char *path, char sep);

/*
 * TRUE if the path is a folder in which the file lies, however deep.  In a
 * layout whose hierarchy separator, sep, is not the file system's, a mailbox's
 * children lie beside it and are renamed with it: TRUE also in one of these.
 */
bool roost_keyring_place_is_in_path(const struct roost_keyring_place *place,
				    const char *path, char sep);

/*
 * TRUE if a mailbox of that name may have such a path in any layout.  Layouts
 * add to a mailbox's name but change nothing within it, so a name that does not
 * contain the file's name, but for a dot at its start, makes no such path.
 */
bool roost_keyring_place_may_match(const struct roost_keyring_place *place,
				   const char *name);

#endif
