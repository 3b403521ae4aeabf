/* SPDX-License-Identifier: MIT */
/*
 * tree-dbox: the messages of a mailbox of sdbox, and those of a storage of
 * mdbox.  See tree-private.h.
 */
#define _GNU_SOURCE
#include "tool/tree-private.h"

#include "tool/dbox.h"
#include "tool/names.h"
#include "tool/say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A message of mdbox is written once for each of its copies.  Who can change
   the index of a backup could else fill the disk with one large message. */
#define COPIES_MAX 100

/* The name of a mailbox of sdbox or mdbox: what its path has between mailboxes/
   and dbox-Mails. */
static void
dbox_name(struct roost_tree *tree)
{
	static const char top[] = "mailboxes/";
	const char *begin = tree->path;
	char *end;

	tree->name[0] = '\0';
	if (tree->path_len < strlen(ROOST_TREE_DBOX_FOLDER))
		return;
	while ((begin = strstr(begin, top)) != NULL && begin > tree->path &&
	       begin[-1] != '/')
		begin++;
	end = tree->path + tree->path_len - strlen(ROOST_TREE_DBOX_FOLDER);
	if (begin == NULL || begin + strlen(top) > end)
		return;
	*end = '\0';
	roost_tree_name(begin + strlen(top), tree->name);
	*end = ROOST_TREE_DBOX_FOLDER[0];
}

/* u.N and m.N are sorted by their number; others are no mail. */
static uint64_t
dbox_order(void *context, const char *name)
{
	const char *prefix = context;
	uint64_t number = 0;

	if (name[0] != *prefix || name[1] != '.' || name[2] == '\0')
		return UINT64_MAX;
	for (name += 2; *name >= '0' && *name <= '9'; name++) {
		number = number * 10 + (uint64_t)(*name - '0');
		if (number > UINT32_MAX)
			return UINT64_MAX;
	}
	return *name == '\0' ? number : UINT64_MAX;
}

static ssize_t
dbox_file_read(void *context, uint64_t off, void *dst, size_t len)
{
	return roost_stored_read(*(int *)context, off, dst, len);
}

static void
damage_tell(struct roost_tree *tree, const struct roost_dbox_message *found)
{
	char what[128];

	(void)snprintf(what, sizeof(what), "%llu bytes from offset %llu on "
		       "are no message: they are damaged or cut",
		       (unsigned long long)found->size,
		       (unsigned long long)found->header_off);
	roost_tree_trouble(tree, what, true);
}

/* What a visit goes through: the files of one folder. */
struct visit {
	struct roost_tree *tree;
	int fd;
	enum roost_tree_format format;
	/* Of a mailbox of sdbox; NULL: not known. */
	const struct roost_index *index;
};

/* Tell of the message in one of its mailboxes. */
static int
place_tell(struct visit *visit, const struct roost_tree_message *from,
	   const char *folder, const struct roost_place *place)
{
	struct roost_tree_message msg = *from;

	msg.folder = folder;
	if (place != NULL) {
		msg.uid = place->uid;
		msg.flags = place->flags;
		msg.has_flags = true;
	}
	return roost_tree_found(visit->tree, &msg);
}

/* Of how many places an index has for a message are told? */
static size_t
places_bound(struct roost_tree *tree, size_t count)
{
	char what[160];

	if (count <= COPIES_MAX)
		return count;
	(void)snprintf(what, sizeof(what), "the index has it %zu times, more "
		       "than makes sense and than fits on a disk: it is taken "
		       "%d times", count, COPIES_MAX);
	roost_tree_trouble(tree, what, true);
	return COPIES_MAX;
}

/*
 * Tell of a message of mdbox in each of its mailboxes.  Where that is not known
 * it is in the one that it was first saved in.  One that no mailbox has was
 * deleted and not purged yet, or the index is older than it; so it is put
 * aside.
 */
static int
mdbox_tell(struct visit *visit, const struct roost_tree_message *msg,
	   uint32_t file, const struct roost_dbox_message *found)
{
	struct roost_tree *tree = visit->tree;
	const struct roost_place *place;
	char name[ROOST_TREE_NAME_SIZE];
	size_t count, i;
	int ret = 0;

	/* Who asks for no mailboxes looks at each stored message once. */
	if (tree->visitor->folder == NULL ||
	    !roost_places_find(&tree->places, file, found->header_off, &place,
			       &count)) {
		roost_tree_name(found->mailbox, name);
		return place_tell(visit, msg, name, NULL);
	}
	if (count == 0) {
		tree->seen->unreferenced++;
		return place_tell(visit, msg, ROOST_TREE_UNREFERENCED, NULL);
	}
	count = places_bound(tree, count);
	for (i = 0; ret == 0 && i < count; i++)
		ret = place_tell(visit, msg,
				 tree->places.names[place[i].box], &place[i]);
	return ret;
}

static int
sdbox_tell(struct visit *visit, const struct roost_tree_message *from)
{
	struct roost_tree_message msg = *from;
	const struct roost_index_record *record = visit->index == NULL ?
		NULL : roost_index_find(visit->index, msg.uid);

	if (record != NULL) {
		msg.flags = roost_places_flags(record);
		msg.has_flags = true;
	}
	return roost_tree_found(visit->tree, &msg);
}

static int
dbox_message(struct visit *visit, const struct roost_dbox_message *found,
	     const struct roost_tree_message *from, uint32_t number)
{
	struct roost_tree *tree = visit->tree;
	struct roost_tree_message msg = *from;
	size_t len = tree->path_len;
	int ret;

	if (visit->format == ROOST_TREE_MDBOX)
		(void)snprintf(tree->path + len, sizeof(tree->path) - len,
			       ":%llu",
			       (unsigned long long)found->header_off);
	msg.path = tree->path;
	msg.stored.off = found->off;
	msg.stored.size = found->size;
	if (found->has_received)
		msg.received = (time_t)found->received;
	msg.has_attachments = found->has_attachments;
	ret = visit->format == ROOST_TREE_SDBOX ? sdbox_tell(visit, &msg) :
		mdbox_tell(visit, &msg, number, found);
	roost_tree_pop(tree, len);
	return ret;
}

/* All messages of one file, u.N or m.N with this number. */
static int
dbox_messages(struct visit *visit, const struct roost_tree_message *msg,
	      uint32_t number, uint64_t size)
{
	static struct roost_dbox dbox;
	struct roost_dbox_message found;
	int fd = msg->stored.fd, ret;
	struct roost_dbox_reader reader = { dbox_file_read, &fd, size };

	ret = roost_dbox_begin(&dbox, &reader);
	if (ret <= 0) {
		roost_tree_trouble(visit->tree, ret < 0 ? strerror(errno) :
				   "its first line is not that of a dbox "
				   "file", true);
		return 0;
	}
	for (ret = 0; ret == 0;) {
		switch (roost_dbox_next(&dbox, &found)) {
		case ROOST_DBOX_MESSAGE:
			ret = dbox_message(visit, &found, msg, number);
			break;
		case ROOST_DBOX_DAMAGED:
			damage_tell(visit->tree, &found);
			ret = roost_say_is_stopped() ? -1 : 0;
			break;
		case ROOST_DBOX_END:
			return 0;
		case ROOST_DBOX_IO:
			roost_tree_trouble(visit->tree, strerror(errno),
					   true);
			return 0;
		}
	}
	return ret;
}

static int
dbox_file(struct visit *visit, const struct roost_name *name)
{
	struct roost_tree *tree = visit->tree;
	struct roost_tree_message msg;
	struct stat st;
	uint64_t done = tree->done;
	int ret;

	memset(&msg, 0, sizeof(msg));
	msg.folder = tree->name;
	msg.file = name->text;
	msg.format = visit->format;
	msg.uid = visit->format == ROOST_TREE_SDBOX ?
		(uint32_t)name->order : 0;
	msg.stored.fd = roost_stored_open(visit->fd, name->text, &st);
	if (msg.stored.fd < 0) {
		roost_tree_fail(tree);
		return 0;
	}
	msg.received = st.st_mtime;
	ret = dbox_messages(visit, &msg, (uint32_t)name->order,
			    (uint64_t)st.st_size);
	tree->done = done + (uint64_t)st.st_size;
	(void)close(msg.stored.fd);
	return ret;
}

static int
dbox_files(struct visit *visit, const struct roost_names *names)
{
	struct roost_tree *tree = visit->tree;
	size_t i, len;
	int ret = 0;

	for (i = 0; ret == 0 && i < names->count; i++) {
		if (tree->is_measuring)
			roost_tree_measure(tree, visit->fd,
					   names->names[i].text);
		else if (roost_tree_push(tree, names->names[i].text, &len)) {
			ret = dbox_file(visit, &names->names[i]);
			roost_tree_pop(tree, len);
		}
	}
	return ret;
}

/* -- indexes -- */

/* Take one file of an index.  1; 0 it is not there, or cannot be read, which
   is told; -1 it is broken. */
static int
index_take(struct visit *visit, const char *base, const char *suffix,
	   struct roost_index *index)
{
	char name[64], *text;
	size_t len;
	bool is_good;

	(void)snprintf(name, sizeof(name), "%s%s", base, suffix);
	if (!roost_tree_load(visit->tree, visit->fd, name,
			     ROOST_INDEX_SIZE_MAX, &text, &len))
		return 0;
	is_good = suffix[0] == '\0' ?
		roost_index_take_main(index, (const uint8_t *)text, len) :
		roost_index_take_log(index, (const uint8_t *)text, len);
	free(text);
	return is_good ? 1 : -1;
}

/* Read an index, with the values of one of its extensions.  False, and it has
   no messages, if it is lost or broken; the caller frees it. */
static bool
index_load(struct visit *visit, const char *base, const char *wanted,
	   struct roost_index *index_r)
{
	static const char *const suffixes[] = { "", ".log.2", ".log" };
	bool is_known;
	int ret = 0;
	size_t i;

	roost_index_init(index_r, wanted);
	for (i = 0; ret >= 0 && i < 3; i++)
		ret = index_take(visit, base, suffixes[i], index_r);
	/* A later log alone does not say what was before. */
	is_known = ret >= 0 && index_r->log_seq != 0;
	if (ret < 0) {
		roost_index_free(index_r);
		roost_tree_trouble(visit->tree, "its index makes no sense, "
				   "so that what it knows of flags, keywords "
				   "and mailboxes is lost", false);
	}
	if (!is_known)
		visit->tree->seen->lacks_index = true;
	return is_known;
}

static void
memory_tell(struct roost_tree *tree)
{
	roost_tree_trouble(tree, "there is not enough memory for its index",
			   false);
}

/* Visit a mailbox, whose messages are those of its files, or of mdbox if it has
   none. */
static int
box_visit(struct visit *visit, const struct roost_names *names)
{
	struct roost_tree *tree = visit->tree;
	struct roost_maildir_keywords keywords;
	struct roost_uidlist uidlist = { 0, 0, NULL, 0 };
	struct roost_index index;
	unsigned int i;
	bool has_index;
	int ret;

	dbox_name(tree);
	has_index = index_load(visit, "dovecot.index", "mdbox", &index);
	memset(&keywords, 0, sizeof(keywords));
	for (i = 0; i < index.keyword_count && i < ROOST_MAILDIR_LETTERS; i++)
		keywords.names[i] = index.keywords[i];
	if (index.keyword_count > ROOST_MAILDIR_LETTERS)
		roost_tree_trouble(tree, "it has more keywords than a maildir "
				   "can have: those beyond the 26th are lost",
				   false);
	uidlist.uid_validity = index.uid_validity;
	uidlist.next_uid = index.next_uid;
	ret = roost_tree_found_folder(tree, names->count == 0 ?
				      ROOST_TREE_MDBOX : ROOST_TREE_SDBOX,
				      names->count > 0 && has_index &&
				      index.uid_validity != 0 ? &uidlist :
				      NULL, &keywords);
	if (names->count == 0 && has_index &&
	    !roost_places_add(&tree->places, tree->name, &index))
		memory_tell(tree);
	visit->index = has_index ? &index : NULL;
	if (ret == 0)
		ret = dbox_files(visit, names);
	roost_index_free(&index);
	return ret;
}

static int
storage_visit(struct visit *visit, const struct roost_names *names)
{
	struct roost_tree *tree = visit->tree;
	struct roost_index map;

	tree->seen->formats |= ROOST_TREE_MDBOX;
	/* An alternative storage has none of its own. */
	if (tree->places.map == NULL) {
		if (index_load(visit, "dovecot.map.index", "map", &map) &&
		    !roost_places_set_map(&tree->places, &map))
			memory_tell(tree);
		roost_index_free(&map);
	}
	return dbox_files(visit, names);
}

int
roost_tree_dbox(struct roost_tree *tree, int fd, enum roost_tree_format format)
{
	struct visit visit = { tree, fd, format, NULL };
	char prefix = format == ROOST_TREE_SDBOX ? 'u' : 'm';
	struct roost_names names = { NULL, 0, 0 };
	int ret = 0;

	if (roost_names_add(&names, fd, 0, dbox_order, &prefix) < 0)
		roost_tree_fail(tree);
	roost_names_sort(&names);
	if (tree->is_measuring)
		ret = dbox_files(&visit, &names);
	else if (format == ROOST_TREE_SDBOX)
		ret = box_visit(&visit, &names);
	else if (names.count > 0)
		ret = storage_visit(&visit, &names);
	roost_names_free(&names);
	return ret;
}
