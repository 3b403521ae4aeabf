/* SPDX-License-Identifier: MIT */
#ifndef ROOST_TOOL_TREE_H
#define ROOST_TOOL_TREE_H

/*
 * tree: the mail in a folder of a backup, whatever storage wrote it.
 *
 * A folder that has a cur or new is a mailbox of maildir, one that is called
 * dbox-Mails one of sdbox (or an empty one of mdbox), and one that is called
 * storage holds the messages of mdbox.  Of sdbox and mdbox flags and keywords
 * stand in Dovecot's indexes, and so does which mailbox has which message of
 * mdbox.  They are read where they are there and whole; where not, the messages
 * are all there still.
 *
 * Promises: no symbolic link is followed and nothing above the folder is looked
 * at; memory grows with the number of names in one mailbox and not with the
 * mail.
 */

#include "tool/maildir-name.h"
#include "tool/stored.h"
#include "tool/uidlist.h"

#include <time.h>

enum roost_tree_format {
	ROOST_TREE_MAILDIR = 1 << 0,
	ROOST_TREE_SDBOX = 1 << 1,
	ROOST_TREE_MDBOX = 1 << 2,
};

/* Names of mailboxes are made to stand in one name of a file: levels are
   joined by a dot; a dot in a level, and a byte that is not to be seen, stand
   as %XX.  The inbox has an empty name. */
#define ROOST_TREE_NAME_SIZE 2048

struct roost_tree_folder {
	const char *path;	/* from the top of the backup */
	const char *name;
	enum roost_tree_format format;
	/* NULL: not known.  Of sdbox it has no entries. */
	const struct roost_uidlist *uidlist;
	const struct roost_maildir_keywords *keywords;	/* of its letters */
};

struct roost_tree_message {
	const char *path;	/* from the top; of mdbox with ":<offset>" */
	const char *folder;	/* the name of its mailbox */
	const char *file;	/* the last part of path */
	enum roost_tree_format format;
	uint32_t uid;		/* 0: not known */
	time_t received;
	struct roost_maildir_flags flags;
	bool has_flags;		/* else they are not known */
	bool has_attachments;	/* part of it lies in files of their own */
	struct roost_stored stored;
};

/* Of what is found.  The first two return 0, or -1 to end the walk. */
struct roost_tree_visitor {
	/* May be NULL: then a message of mdbox that is in several mailboxes
	   is told once, and in none of them. */
	int (*folder)(void *context, const struct roost_tree_folder *folder);
	int (*message)(void *context, struct roost_tree_message *message);
	/* Something that cannot be used; is_lost: mail may lie in it. */
	void (*trouble)(void *context, const char *path, const char *what,
			bool is_lost);
	void *context;
	/* A folder that is passed over, as the output may lie in the backup. */
	bool has_skipped;
	dev_t skipped_dev;
	ino_t skipped_ino;
};

/* What a walk has seen. */
struct roost_tree_seen {
	unsigned int formats;	/* of enum roost_tree_format */
	unsigned int folders;
	uint64_t messages;
	bool has_uidlist, lacks_uidlist;
	bool has_keywords;
	bool lacks_index;	/* a mailbox of sdbox or mdbox, or a storage */
	uint64_t unreferenced;	/* messages of mdbox in no mailbox */
};

/* The mailbox in which messages are that no mailbox has. */
#define ROOST_TREE_UNREFERENCED "roost-unreferenced"


/*
 * Visit all mail below a folder, with progress on a terminal.  0; 1 the walk
 * was ended by the visitor or a signal; -1 the folder cannot be opened, and
 * errno says why.
 */
int roost_tree_walk(const char *top, const struct roost_tree_visitor *visitor,
		    struct roost_tree_seen *seen_r);

/* Write the name of a mailbox that mdbox has noted with a message, whose levels
   are divided by slashes. */
void roost_tree_name(const char *mailbox, char name_r[ROOST_TREE_NAME_SIZE]);

#endif
