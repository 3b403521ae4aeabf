/* SPDX-License-Identifier: MIT */
/*
 * tree-maildir: the messages of a mailbox of maildir.  See tree-private.h.
 */
#define _GNU_SOURCE
#include "tool/tree-private.h"

#include "tool/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The name of a maildir: what its path has behind the root. */
static void
maildir_name(struct roost_tree *tree, size_t root)
{
	const char *part = tree->path + root;
	bool is_joined;
	size_t len;

	tree->name[0] = '\0';
	for (; *part != '\0'; part += len) {
		part += strspn(part, "/");
		is_joined = *part == '.';
		part += is_joined ? 1 : 0;
		len = strcspn(part, "/");
		roost_tree_level(tree->name, part, len, is_joined);
	}
	if (strcmp(tree->name, "INBOX") == 0)
		tree->name[0] = '\0';
}

/* What is read beside the messages of a maildir. */
struct maildir {
	struct roost_uidlist uidlist;
	struct roost_maildir_keywords keywords;
	char *uidlist_text, *keywords_text;
	bool has_uidlist;
};

static uint64_t
maildir_order(void *context, const char *name)
{
	const struct maildir *maildir = context;
	uint32_t uid = roost_uidlist_find(&maildir->uidlist, name);

	/* Those without a UID come last. */
	return name[0] == '.' ? UINT64_MAX :
		uid == 0 ? (uint64_t)UINT32_MAX + 1 : uid;
}

static void
maildir_load(struct roost_tree *tree, int fd, struct maildir *maildir)
{
	size_t len;

	if (roost_tree_load(tree, fd, "dovecot-uidlist", ROOST_UIDLIST_SIZE_MAX,
		      &maildir->uidlist_text, &len)) {
		maildir->has_uidlist =
			roost_uidlist_parse(&maildir->uidlist,
					    maildir->uidlist_text, len);
		if (!maildir->has_uidlist)
			roost_tree_trouble(tree, "its dovecot-uidlist makes no "
				     "sense, so that UIDs are lost", false);
	}
	if (roost_tree_load(tree, fd, "dovecot-keywords",
		      ROOST_MAILDIR_KEYWORDS_SIZE_MAX,
		      &maildir->keywords_text, &len)) {
		roost_maildir_name_keywords(&maildir->keywords,
					    maildir->keywords_text, len);
		tree->seen->has_keywords = true;
	}
	if (maildir->has_uidlist)
		tree->seen->has_uidlist = true;
	else
		tree->seen->lacks_uidlist = true;
}

static int
maildir_message(struct roost_tree *tree, struct maildir *maildir, int fd,
		const char *name)
{
	struct roost_tree_message msg;
	struct stat st;
	size_t len;
	int ret = 0;

	if (tree->is_measuring)
		roost_tree_measure(tree, fd, name);
	if (tree->is_measuring || !roost_tree_push(tree, name, &len))
		return 0;
	memset(&msg, 0, sizeof(msg));
	msg.stored.fd = roost_stored_open(fd, name, &st);
	if (msg.stored.fd < 0) {
		roost_tree_fail(tree);
	} else {
		msg.path = tree->path;
		msg.folder = tree->name;
		msg.file = name;
		msg.format = ROOST_TREE_MAILDIR;
		msg.uid = roost_uidlist_find(&maildir->uidlist, name);
		msg.received = st.st_mtime;
		roost_maildir_name_flags(name, &msg.flags);
		msg.has_flags = true;
		msg.stored.size = (uint64_t)st.st_size;
		ret = roost_tree_found(tree, &msg);
	}
	if (msg.stored.fd >= 0)
		(void)close(msg.stored.fd);
	roost_tree_pop(tree, len);
	return ret;
}

/* The messages in the folders new and cur, by their UIDs. */
static int
maildir_messages(struct roost_tree *tree, struct maildir *maildir,
		 const int fds[2])
{
	static const char *const subs[] = { "new", "cur" };
	struct roost_names names = { NULL, 0, 0 };
	size_t i, len;
	int sub, ret = 0;

	for (sub = 0; sub < 2; sub++) {
		if (fds[sub] < 0 || !roost_tree_push(tree, subs[sub], &len))
			continue;
		if (roost_names_add(&names, fds[sub], sub, maildir_order,
				    maildir) < 0)
			roost_tree_fail(tree);
		roost_tree_pop(tree, len);
	}
	roost_names_sort(&names);
	for (i = 0; ret == 0 && i < names.count; i++) {
		sub = names.names[i].kind;
		if (!roost_tree_push(tree, subs[sub], &len))
			continue;
		ret = maildir_message(tree, maildir, fds[sub],
				      names.names[i].text);
		roost_tree_pop(tree, len);
	}
	roost_names_free(&names);
	return ret;
}

/* Open a folder with messages; -1 where there is none, which is told unless it
   is just not there. */
static int
maildir_open(struct roost_tree *tree, int fd, const char *name)
{
	int sub = roost_tree_dir(fd, name);
	size_t len;

	if (sub < 0 && errno != ENOENT && roost_tree_push(tree, name, &len)) {
		roost_tree_fail(tree);
		roost_tree_pop(tree, len);
	}
	return sub;
}

int
roost_tree_maildir(struct roost_tree *tree, int fd, size_t root)
{
	int fds[2] = { maildir_open(tree, fd, "new"),
		maildir_open(tree, fd, "cur") };
	struct maildir maildir;
	int ret = 0;

	memset(&maildir, 0, sizeof(maildir));
	maildir_name(tree, root);
	if (!tree->is_measuring) {
		maildir_load(tree, fd, &maildir);
		ret = roost_tree_found_folder(tree, ROOST_TREE_MAILDIR,
				  maildir.has_uidlist ? &maildir.uidlist :
				  NULL, &maildir.keywords);
	}
	if (ret == 0)
		ret = maildir_messages(tree, &maildir, fds);
	roost_uidlist_free(&maildir.uidlist);
	free(maildir.uidlist_text);
	free(maildir.keywords_text);
	if (fds[0] >= 0)
		(void)close(fds[0]);
	if (fds[1] >= 0)
		(void)close(fds[1]);
	return ret;
}
