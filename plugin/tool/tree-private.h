/* SPDX-License-Identifier: MIT */
#ifndef ROOST_TOOL_TREE_PRIVATE_H
#define ROOST_TOOL_TREE_PRIVATE_H

/*
 * tree-private: what the files of a walk share.  tree.c goes through the
 * folders, tree-maildir.c and tree-dbox.c visit the mailboxes that it finds,
 * and tree-tell.c knows where the walk is and tells the visitor.
 */

#include "tool/places.h"
#include "tool/tree.h"

#define ROOST_TREE_PATH_SIZE 8192
#define ROOST_TREE_DBOX_FOLDER "dbox-Mails"
#define ROOST_TREE_MDBOX_FOLDER "storage"

struct roost_tree {
	const struct roost_tree_visitor *visitor;
	struct roost_tree_seen *seen;
	bool is_measuring;	/* only bytes are counted */
	uint64_t total, done;	/* bytes of mail files */
	bool has_maildir;	/* one root of a maildir was seen */
	struct roost_places places;	/* of messages of mdbox */
	size_t path_len;
	char path[ROOST_TREE_PATH_SIZE];
	char name[ROOST_TREE_NAME_SIZE];
};

/* Where the walk is.  push goes into an entry, and is false where the path
   would be too long; len_r is for pop, which goes back. */
bool roost_tree_push(struct roost_tree *tree, const char *name, size_t *len_r);
void roost_tree_pop(struct roost_tree *tree, size_t len);

/* Append one level to the name of a mailbox.  is_joined: dots in it divide
   levels already. */
void roost_tree_level(char *name, const char *level, size_t level_len,
		      bool is_joined);

/* Tell the visitor.  fail tells why what is at the path cannot be opened, by
   errno.  The last two return 0, or -1 to end the walk. */
void roost_tree_trouble(struct roost_tree *tree, const char *what,
			bool is_lost);
void roost_tree_fail(struct roost_tree *tree);
int roost_tree_found_folder(struct roost_tree *tree,
			    enum roost_tree_format format,
			    const struct roost_uidlist *uidlist,
			    const struct roost_maildir_keywords *keywords);
int roost_tree_found(struct roost_tree *tree, struct roost_tree_message *msg);

/* Read a list beside the messages; false where there is none, or it cannot be
   read, which is told. */
bool roost_tree_load(struct roost_tree *tree, int fd, const char *name,
		     size_t max, char **text_r, size_t *len_r);

/* Count the bytes of a file, which need not be opened for that. */
void roost_tree_measure(struct roost_tree *tree, int fd, const char *name);

/* Open a folder of a folder, which may not be a link. */
int roost_tree_dir(int fd, const char *name);

/* Visit the mailbox of maildir in a folder, whose name begins at root in the
   path; and the one of sdbox, or the storage of mdbox. */
int roost_tree_maildir(struct roost_tree *tree, int fd, size_t root);
int roost_tree_dbox(struct roost_tree *tree, int fd,
		    enum roost_tree_format format);

#endif
