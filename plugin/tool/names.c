/* SPDX-License-Identifier: MIT */
/*
 * names: reading a folder.  See names.h.
 */
#define _GNU_SOURCE
#include "tool/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
name_add(struct roost_names *names, const char *text, uint64_t order,
	 int kind)
{
	size_t room = names->room == 0 ? 64 : names->room * 2;
	struct roost_name *more;
	char *copy;

	if (names->count == names->room) {
		more = realloc(names->names, room * sizeof(*more));
		if (more == NULL)
			return -1;
		names->names = more;
		names->room = room;
	}
	copy = strdup(text);
	if (copy == NULL)
		return -1;
	names->names[names->count].text = copy;
	names->names[names->count].order = order;
	names->names[names->count++].kind = kind;
	return 0;
}

int
roost_names_add(struct roost_names *names, int dir_fd, int kind,
		uint64_t (*order)(void *context, const char *name),
		void *context)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	uint64_t place;
	int ret = 0, error;

	if (dir == NULL) {
		error = errno;
		if (fd >= 0)
			(void)close(fd);
		errno = error;
		return -1;
	}
	while (ret == 0) {
		errno = 0;
		entry = readdir(dir);
		if (entry == NULL) {
			ret = errno == 0 ? 1 : -1;
			break;
		}
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		place = order(context, entry->d_name);
		if (place != UINT64_MAX)
			ret = name_add(names, entry->d_name, place, kind);
	}
	error = errno;
	(void)closedir(dir);
	errno = error;
	return ret < 0 ? -1 : 0;
}

static int
name_compare(const void *a, const void *b)
{
	const struct roost_name *one = a, *two = b;

	if (one->order != two->order)
		return one->order < two->order ? -1 : 1;
	return strcmp(one->text, two->text);
}

void
roost_names_sort(struct roost_names *names)
{
	if (names->count > 0)
		qsort(names->names, names->count, sizeof(*names->names),
		      name_compare);
}

void
roost_names_free(struct roost_names *names)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		free(names->names[i].text);
	free(names->names);
	memset(names, 0, sizeof(*names));
}
