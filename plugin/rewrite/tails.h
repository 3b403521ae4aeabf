/* SPDX-License-Identifier: MIT */
#ifndef ROOST_REWRITE_TAILS_H
#define ROOST_REWRITE_TAILS_H

/*
 * tails: what a killed purge leaves at the ends of files of an mdbox storage.
 *
 * A purge adds the messages that it keeps to other files.  One that is killed
 * meanwhile may leave some there, the last of them by half, of which the map
 * knows nothing, and which Dovecot takes for damage when it comes upon them.
 */

#include "rewrite/map.h"

/*
 * Cut off the files of the storage half messages, and whole ones that mailboxes
 * have in another place, byte for byte.  Other messages stay, also where the
 * map does not know of them: a repair takes them in.  So do files to which
 * another session adds.  0, or -1 with error_r.
 */
int roost_rewrite_tails_cut(struct mdbox_map *map, const char **error_r);

#endif
