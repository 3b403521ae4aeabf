/* SPDX-License-Identifier: MIT */
/*
 * links: one new file for all names of an old one.  See links.h.
 */
#include "rewrite/links.h"

#include <fcntl.h>
#include <unistd.h>

/* Each entry holds two descriptors, and a process has 1024 by default. */
#define LINKS_MAX 200

/* Where all have other names still, that many of the oldest go at once. */
#define LINKS_ROOM 50

struct link_entry {
	int old_fd, new_fd;
	dev_t dev;
	ino_t ino;
	struct roost_rewrite_copy copy;
};

struct roost_rewrite_links {
	ARRAY(struct link_entry) entries;
};

struct roost_rewrite_links *
roost_rewrite_links_new(void)
{
	struct roost_rewrite_links *links =
		i_new(struct roost_rewrite_links, 1);

	i_array_init(&links->entries, 16);
	return links;
}

static void
entry_delete(struct roost_rewrite_links *links, unsigned int idx)
{
	struct link_entry *entry = array_idx_modifiable(&links->entries, idx);

	i_close_fd(&entry->old_fd);
	i_close_fd(&entry->new_fd);
	array_delete(&links->entries, idx, 1);
}

void
roost_rewrite_links_free(struct roost_rewrite_links **_links)
{
	struct roost_rewrite_links *links = *_links;

	*_links = NULL;
	if (links == NULL)
		return;
	while (array_count(&links->entries) > 0)
		entry_delete(links, 0);
	array_free(&links->entries);
	i_free(links);
}

/* Make room, for several: each file is asked whether it has a name, since of
   those that have none no other will be found. */
static void
links_trim(struct roost_rewrite_links *links)
{
	const struct link_entry *entry;
	unsigned int i = array_count(&links->entries);
	struct stat st;

	while (i-- > 0) {
		entry = array_idx(&links->entries, i);
		if (fstat(entry->old_fd, &st) < 0 || st.st_nlink == 0)
			entry_delete(links, i);
	}
	while (array_count(&links->entries) > LINKS_MAX - LINKS_ROOM)
		entry_delete(links, 0);
}

void
roost_rewrite_links_add(struct roost_rewrite_links *links, int old_fd,
			int new_fd, const struct roost_rewrite_copy *copy)
{
	struct link_entry entry = { .copy = *copy };
	struct stat st;

	if (fstat(old_fd, &st) < 0 || st.st_nlink == 0)
		return;
	if (array_count(&links->entries) == LINKS_MAX)
		links_trim(links);
	entry.dev = st.st_dev;
	entry.ino = st.st_ino;
	entry.old_fd = dup(old_fd);
	entry.new_fd = dup(new_fd);
	if (entry.old_fd != -1 && entry.new_fd != -1) {
		array_push_back(&links->entries, &entry);
		return;
	}
	i_close_fd(&entry.old_fd);
	i_close_fd(&entry.new_fd);
}

bool
roost_rewrite_links_find(struct roost_rewrite_links *links,
			 const struct stat *old, const char *path,
			 struct roost_rewrite_copy *copy_r)
{
	const struct link_entry *entry;
	const char *fd_path;

	array_foreach(&links->entries, entry) {
		if (entry->ino != old->st_ino || entry->dev != old->st_dev)
			continue;
		fd_path = t_strdup_printf("/proc/self/fd/%d", entry->new_fd);
		if (linkat(AT_FDCWD, fd_path, AT_FDCWD, path,
			   AT_SYMLINK_FOLLOW) < 0)
			return FALSE;
		*copy_r = entry->copy;
		return TRUE;
	}
	return FALSE;
}
