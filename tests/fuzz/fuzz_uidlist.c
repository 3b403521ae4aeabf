/* SPDX-License-Identifier: MIT */
/*
 * fuzz_uidlist: any bytes as dovecot-uidlist, as dovecot-keywords and as a name
 * in a maildir.  What is accepted can be looked up and written again.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude \
 *	   -Iplugin -o build/fuzz/fuzz_uidlist tests/fuzz/fuzz_uidlist.c \
 *	   plugin/core/[a-z]*.c plugin/rules/[a-z]*.c -lsodium -lcrypto
 */
#define _GNU_SOURCE	/* for strndup() */
#include "tool/maildir-name.c"
#include "tool/uidlist.c"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
fuzz_list(const char *text, size_t len)
{
	struct roost_uidlist list;
	size_t i;

	if (!roost_uidlist_parse(&list, text, len)) {
		if (list.entries != NULL || list.count != 0)
			abort();
		return;
	}
	if (list.uid_validity == 0 || list.next_uid == 0)
		abort();
	for (i = 0; i < list.count; i++) {
		const struct roost_uidlist_entry *entry = &list.entries[i];
		char *name = strndup(entry->name, entry->name_len);

		/* A NUL ends a name that somebody asks for. */
		if (name == NULL || entry->uid == 0 || entry->name_len == 0 ||
		    strchr(name, '/') != NULL ||
		    (strlen(name) == entry->name_len &&
		     roost_uidlist_find(&list, name) < entry->uid))
			abort();
		free(name);
	}
	roost_uidlist_free(&list);
}

static void
fuzz_name(const char *name)
{
	struct roost_maildir_flags flags, again;
	char info[ROOST_MAILDIR_INFO_SIZE];

	roost_maildir_name_flags(name, &flags);
	roost_maildir_name_info(&flags, info);
	roost_maildir_name_flags(info, &again);
	if (again.flags != flags.flags || again.letters != flags.letters)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct roost_maildir_keywords keywords;
	char *text = malloc(len + 1);
	size_t i;

	if (text == NULL)
		return 0;
	memcpy(text, bytes, len);
	text[len] = '\0';
	fuzz_list(text, len);
	fuzz_name(text);
	roost_maildir_name_keywords(&keywords, text, len);
	for (i = 0; i < ROOST_MAILDIR_LETTERS; i++) {
		if (keywords.names[i] != NULL &&
		    (keywords.names[i] < text ||
		     keywords.names[i] >= text + len ||
		     keywords.names[i][0] == '\0'))
			abort();
	}
	free(text);
	return 0;
}
