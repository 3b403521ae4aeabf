/* SPDX-License-Identifier: MIT */
/*
 * map-header: what the map says of the storage.  See map-header.h.
 */
#include "session/map-header.h"

struct mdbox_map_mail_index_header
roost_map_header_get(const struct mdbox_map *map,
		     struct mail_index_view *view)
{
	struct mdbox_map_mail_index_header header = { .highest_file_id = 0 };
	const void *data;
	size_t size;

	mail_index_get_header_ext(view, map->map_ext_id, &data, &size);
	if (size > 0)
		memcpy(&header, data, I_MIN(size, sizeof(header)));
	return header;
}
