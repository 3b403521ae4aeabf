/* SPDX-License-Identifier: MIT */
/*
 * tree-tell: where a walk is, and telling what it finds.  See tree-private.h.
 */
#define _GNU_SOURCE
#include "tool/tree-private.h"

#include "tool/say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void
roost_tree_trouble(struct roost_tree *tree, const char *what, bool is_lost)
{
	if (!tree->is_measuring)
		tree->visitor->trouble(tree->visitor->context, tree->path,
				       what, is_lost);
}

/* Go into an entry: false where the path would be too long. */
bool
roost_tree_push(struct roost_tree *tree, const char *name, size_t *len_r)
{
	size_t len = strlen(name), slash = tree->path_len > 0 ? 1 : 0;

	*len_r = tree->path_len;
	if (tree->path_len + slash + len >= sizeof(tree->path) - 32) {
		roost_tree_trouble(tree, "what is in it has too long a name",
				   true);
		return false;
	}
	if (slash == 1)
		tree->path[tree->path_len] = '/';
	memcpy(tree->path + tree->path_len + slash, name, len + 1);
	tree->path_len += slash + len;
	return true;
}

void
roost_tree_pop(struct roost_tree *tree, size_t len)
{
	tree->path_len = len;
	tree->path[len] = '\0';
}

/* Append one level of a name.  is_joined: dots in it divide levels already. */
void
roost_tree_level(char *name, const char *level, size_t level_len,
		 bool is_joined)
{
	size_t len = strlen(name), i;

	if (len > 0 && level_len > 0 && len < ROOST_TREE_NAME_SIZE - 1)
		name[len++] = '.';
	for (i = 0; i < level_len && len < ROOST_TREE_NAME_SIZE - 4; i++) {
		unsigned char byte = (unsigned char)level[i];

		if (byte <= 0x1f || byte == 0x7f || byte == '/' ||
		    (byte == '.' && !is_joined))
			len += (size_t)snprintf(name + len, 4, "%%%02x", byte);
		else
			name[len++] = level[i];
	}
	name[len] = '\0';
}

void
roost_tree_name(const char *mailbox, char name_r[ROOST_TREE_NAME_SIZE])
{
	size_t len;

	name_r[0] = '\0';
	for (; *mailbox != '\0'; mailbox += len) {
		mailbox += strspn(mailbox, "/");
		len = strcspn(mailbox, "/");
		roost_tree_level(name_r, mailbox, len, false);
	}
	if (strcmp(name_r, "INBOX") == 0)
		name_r[0] = '\0';
}

/* Tell of a file, or a folder, that cannot be opened. */
void
roost_tree_fail(struct roost_tree *tree)
{
	if (errno == ELOOP)
		roost_tree_trouble(tree, "it is a symbolic link, which is not "
			     "followed", true);
	else if (errno == ENOTSUP)
		roost_tree_trouble(tree, "it is no regular file", true);
	else
		roost_tree_trouble(tree, strerror(errno), true);
}

int
roost_tree_found_folder(struct roost_tree *tree, enum roost_tree_format format,
	    const struct roost_uidlist *uidlist,
	    const struct roost_maildir_keywords *keywords)
{
	struct roost_tree_folder folder = {
		.path = tree->path, .name = tree->name, .format = format,
		.uidlist = uidlist, .keywords = keywords
	};

	tree->seen->formats |= format;
	tree->seen->folders++;
	return tree->visitor->folder == NULL ? 0 :
		tree->visitor->folder(tree->visitor->context, &folder);
}

int
roost_tree_found(struct roost_tree *tree, struct roost_tree_message *msg)
{
	int ret;

	tree->seen->messages++;
	ret = tree->visitor->message(tree->visitor->context, msg);
	tree->done += msg->stored.size;
	roost_say_progress(tree->done, tree->total);
	return ret < 0 || roost_say_is_stopped() ? -1 : 0;
}

/* Read a list beside the messages; false where there is none, or it cannot be
   read, which is told. */
bool
roost_tree_load(struct roost_tree *tree, int fd, const char *name, size_t max,
	  char **text_r, size_t *len_r)
{
	size_t len;

	if (roost_stored_load(fd, name, max, text_r, len_r) == 0)
		return true;
	if (errno != ENOENT && roost_tree_push(tree, name, &len)) {
		roost_tree_trouble(tree, strerror(errno), false);
		roost_tree_pop(tree, len);
	}
	return false;
}

/* Count the bytes of a file; it need not be opened for that. */
void
roost_tree_measure(struct roost_tree *tree, int fd, const char *name)
{
	struct stat st;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode))
		tree->total += (uint64_t)st.st_size;
}

int
roost_tree_dir(int fd, const char *name)
{
	return openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
		      O_CLOEXEC);
}
