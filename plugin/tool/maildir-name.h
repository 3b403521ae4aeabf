/* SPDX-License-Identifier: MIT */
#ifndef ROOST_TOOL_MAILDIR_NAME_H
#define ROOST_TOOL_MAILDIR_NAME_H

/*
 * maildir-name: what the name of a file in a maildir says of its flags, and
 * what dovecot-keywords says of its letters.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum roost_maildir_flag {
	ROOST_MAILDIR_DRAFT = 1 << 0,		/* D */
	ROOST_MAILDIR_FLAGGED = 1 << 1,		/* F */
	ROOST_MAILDIR_ANSWERED = 1 << 2,	/* R */
	ROOST_MAILDIR_SEEN = 1 << 3,		/* S */
	ROOST_MAILDIR_DELETED = 1 << 4,		/* T */
};

/* Keywords are the letters a to z. */
#define ROOST_MAILDIR_LETTERS 26
#define ROOST_MAILDIR_KEYWORDS_SIZE_MAX 65536

struct roost_maildir_flags {
	unsigned int flags;		/* of enum roost_maildir_flag */
	uint32_t letters;		/* bit 0 is the letter a */
};

/* The names of the letters; NULL for one that has none.  They lie in the text
   of the file. */
struct roost_maildir_keywords {
	const char *names[ROOST_MAILDIR_LETTERS];
};

/* Read the flags behind a name's colon; none where there are none. */
void roost_maildir_name_flags(const char *name,
			      struct roost_maildir_flags *flags_r);

/* Write ":2," and the flags in the order in which Maildir wants them.  text_r
   holds ROOST_MAILDIR_INFO_SIZE bytes. */
#define ROOST_MAILDIR_INFO_SIZE (3 + 5 + ROOST_MAILDIR_LETTERS + 1)
void roost_maildir_name_info(const struct roost_maildir_flags *flags,
			     char text_r[ROOST_MAILDIR_INFO_SIZE]);

/* Parse dovecot-keywords, whose len bytes have a NUL behind them.  Ends of
   names become NULs in the text, which is borrowed.  Lines that make no sense
   are skipped, as Dovecot does. */
void roost_maildir_name_keywords(struct roost_maildir_keywords *keywords_r,
				 char *text, size_t len);

#endif
