/* SPDX-License-Identifier: MIT */
#ifndef ROOST_TOOL_NAMES_H
#define ROOST_TOOL_NAMES_H

/*
 * names: the names in one folder of a backup, sorted.
 */

#include <stddef.h>
#include <stdint.h>

struct roost_name {
	char *text;		/* owned by the list */
	uint64_t order;		/* names are sorted by it, then by their text */
	int kind;		/* whatever the caller gave */
};

/* Zero it, add, sort and free it. */
struct roost_names {
	struct roost_name *names;
	size_t count, room;
};

/* Add each name of a folder but "." and "..", for which order says where it
   comes; one for which that is UINT64_MAX is left out.  0, or -1 with errno. */
int roost_names_add(struct roost_names *names, int dir_fd, int kind,
		    uint64_t (*order)(void *context, const char *name),
		    void *context);
void roost_names_sort(struct roost_names *names);
void roost_names_free(struct roost_names *names);

#endif
