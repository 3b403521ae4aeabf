/* SPDX-License-Identifier: MIT */
#ifndef ROOST_TOOL_UIDLIST_H
#define ROOST_TOOL_UIDLIST_H

/*
 * uidlist: maildir's dovecot-uidlist, which says what UID each file has.
 *
 * Promises: a list that breaks a rule of its format is refused as a whole, as
 * Dovecot does; what is accepted has names without slashes and UIDs that are
 * not zero.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Files and entries that are more count as broken. */
#define ROOST_UIDLIST_SIZE_MAX (128U * 1024 * 1024)
#define ROOST_UIDLIST_ENTRIES_MAX (4U * 1024 * 1024)

/* The name of a file without what follows its colon; it lies in the text. */
struct roost_uidlist_entry {
	const char *name;
	size_t name_len;
	uint32_t uid;
};

struct roost_uidlist {
	uint32_t uid_validity, next_uid;
	struct roost_uidlist_entry *entries;	/* sorted by name */
	size_t count;
};

/* Parse a list; the text is borrowed as long as the list is used.  False, and
   list_r zero, if it is broken or there is no memory for it. */
bool roost_uidlist_parse(struct roost_uidlist *list_r, const char *text,
			 size_t len);
void roost_uidlist_free(struct roost_uidlist *list);

/* Returns the UID of a file by its name, of which only what stands before the
   colon counts; 0 if it has none. */
uint32_t roost_uidlist_find(const struct roost_uidlist *list,
			    const char *name);

#endif
