/* SPDX-License-Identifier: MIT */
/*
 * tree: finding the mail of a backup: going through its folders.  See tree.h.
 */
#define _GNU_SOURCE
#include "tool/tree-private.h"

#include "tool/names.h"
#include "tool/say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_MAX 64
#define NO_ROOT SIZE_MAX

/* A folder of the backup in which the walk is. */
struct place {
	int fd;
	unsigned int depth;
	size_t root;	/* where in the path the mailbox's name begins */
};

static int place_walk(struct roost_tree *tree, struct place *place);

/* Go into a folder of the one that is being walked. */
static int
sub_walk(struct roost_tree *tree, const struct place *place, const char *name)
{
	struct place sub = { -1, place->depth + 1, place->root };
	int ret = 0;

	if (sub.depth > DEPTH_MAX) {
		roost_tree_trouble(tree, "folders lie too deep in each other",
				   true);
		return 0;
	}
	sub.fd = roost_tree_dir(place->fd, name);
	if (sub.fd < 0) {
		roost_tree_fail(tree);
		return 0;
	}
	if (strcmp(name, ROOST_TREE_DBOX_FOLDER) == 0)
		ret = roost_tree_dbox(tree, sub.fd, ROOST_TREE_SDBOX);
	else if (strcmp(name, ROOST_TREE_MDBOX_FOLDER) == 0)
		ret = roost_tree_dbox(tree, sub.fd, ROOST_TREE_MDBOX);
	if (ret == 0)
		ret = place_walk(tree, &sub);
	(void)close(sub.fd);
	return ret;
}

static bool
is_skipped(const struct roost_tree *tree, const struct stat *st)
{
	return tree->visitor->has_skipped &&
		tree->visitor->skipped_dev == st->st_dev &&
		tree->visitor->skipped_ino == st->st_ino;
}

static int
entry_visit(struct roost_tree *tree, const struct place *place,
	    const char *name, bool is_maildir)
{
	struct stat st;
	size_t len;
	int ret = 0;

	if (is_maildir && (strcmp(name, "cur") == 0 ||
			   strcmp(name, "new") == 0 ||
			   strcmp(name, "tmp") == 0))
		return 0;
	if (!roost_tree_push(tree, name, &len))
		return 0;
	if (fstatat(place->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		roost_tree_fail(tree);
	else if (S_ISLNK(st.st_mode))
		roost_tree_trouble(tree, "it is a symbolic link, which is not "
			     "followed: if mail lies there, give its folder "
			     "to a run of its own", false);
	else if (S_ISDIR(st.st_mode) && !is_skipped(tree, &st))
		ret = sub_walk(tree, place, name);
	roost_tree_pop(tree, len);
	return ret;
}

static uint64_t
any_order(void *context, const char *name)
{
	(void)context;
	(void)name;
	return 0;
}

static bool
has_folder(int fd, const char *name)
{
	struct stat st;

	return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISDIR(st.st_mode);
}

/* The first root of a maildir is the inbox; another one is a mailbox that is
   named by its path. */
static void
root_choose(struct roost_tree *tree, struct place *place)
{
	if (place->root != NO_ROOT)
		return;
	place->root = tree->has_maildir ? 0 : tree->path_len;
	tree->has_maildir = true;
}

static int
place_walk(struct roost_tree *tree, struct place *place)
{
	bool is_maildir = has_folder(place->fd, "cur") ||
		has_folder(place->fd, "new");
	struct roost_names names = { NULL, 0, 0 };
	int ret = 0;
	size_t i;

	if (is_maildir) {
		root_choose(tree, place);
		ret = roost_tree_maildir(tree, place->fd, place->root);
	}
	if (roost_names_add(&names, place->fd, 0, any_order, NULL) < 0)
		roost_tree_fail(tree);
	roost_names_sort(&names);
	for (i = 0; ret == 0 && i < names.count; i++)
		ret = entry_visit(tree, place, names.names[i].text,
				  is_maildir);
	roost_names_free(&names);
	return ret;
}

static bool
is_called(const char *begin, const char *end, const char *name)
{
	size_t len = (size_t)(end - begin);

	return len == strlen(name) && strncmp(begin, name, len) == 0;
}

/* A name of its own may say what the top is. */
static int
top_walk(struct roost_tree *tree, const char *top, int fd)
{
	struct place place = { fd, 0, NO_ROOT };
	const char *end = top + strlen(top), *last;
	int ret = 0;

	tree->has_maildir = false;
	while (end > top && end[-1] == '/')
		end--;
	for (last = end; last > top && last[-1] != '/'; last--)
		;
	if (is_called(last, end, ROOST_TREE_MDBOX_FOLDER))
		ret = roost_tree_dbox(tree, fd, ROOST_TREE_MDBOX);
	else if (is_called(last, end, ROOST_TREE_DBOX_FOLDER))
		ret = roost_tree_dbox(tree, fd, ROOST_TREE_SDBOX);
	return ret == 0 ? place_walk(tree, &place) : ret;
}

int
roost_tree_walk(const char *top, const struct roost_tree_visitor *visitor,
		struct roost_tree_seen *seen_r)
{
	struct roost_tree_seen unused = { 0 };
	struct roost_tree *tree = calloc(1, sizeof(*tree));
	int fd, error, ret = -1;

	memset(seen_r, 0, sizeof(*seen_r));
	if (tree == NULL)
		return -1;
	/* The top is the person's choice: it may be a link. */
	fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		tree->visitor = visitor;
		tree->seen = &unused;
		tree->is_measuring = true;
		ret = top_walk(tree, top, fd);
		tree->is_measuring = false;
		tree->seen = seen_r;
		if (ret == 0)
			ret = top_walk(tree, top, fd);
		roost_say_progress(1, 1);
	}
	error = errno;
	if (fd >= 0)
		(void)close(fd);
	if (tree != NULL)
		roost_places_free(&tree->places);
	free(tree);
	errno = error;
	return fd < 0 ? -1 : ret < 0 ? 1 : 0;
}
