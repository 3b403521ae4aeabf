/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_MAP_HEADER_H
#define ROOST_SESSION_MAP_HEADER_H

/*
 * map-header: what the map of an mdbox storage says of the storage: how often
 * it was repaired, and the highest number that a file was given.
 */

#include "dovecot/compat.h"

#include "mdbox-map-private.h"

/* The header in that view of the map's index; zeros where there is none. */
struct mdbox_map_mail_index_header
roost_map_header_get(const struct mdbox_map *map,
		     struct mail_index_view *view);

#endif
