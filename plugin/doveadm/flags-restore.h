/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_FLAGS_RESTORE_H
#define ROOST_DOVEADM_FLAGS_RESTORE_H

/*
 * flags-restore: names of keywords that Maildir lost, and who still knows them.
 *
 * A file of Maildir names a keyword by a letter, and what each letter means
 * stands in dovecot-keywords.  Where that file is lost, Dovecot calls the
 * letter "unknown-" and its number, also once the file is there again, or one
 * of another time.
 */

#include "doveadm/command.h"

#define ROOST_FLAGS_RESTORE_FILE "dovecot-keywords"
#define ROOST_FLAGS_RESTORE_LETTERS 26

/* The name of each letter; NULL where none is known. */
struct roost_flags_letters {
	const char *names[ROOST_FLAGS_RESTORE_LETTERS];
};

/*
 * What the mailbox's own file says; nothing in other storages than maildir.
 * The names are as they stand there and live in the pool.  -1 with error_r.
 */
int roost_flags_restore_current(struct mailbox *box, pool_t pool,
				struct roost_flags_letters *letters_r,
				const char **error_r);

/*
 * The same for a backup: a file, or the folder that the root of the mailboxes'
 * control files was copied to, in which a mailbox may be missing.
 */
int roost_flags_restore_backup(struct mailbox *box, pool_t pool,
			       const char *path,
			       struct roost_flags_letters *letters_r,
			       const char **error_r);

/*
 * The name that a lost keyword had, on the data stack.  NULL if nobody knows
 * it, or it cannot be told, and why_r says so.  Tokens are opened with the key,
 * which may be NULL.
 */
const char *
roost_flags_restore_name(const char *lost,
			 const struct roost_flags_letters *current,
			 const struct roost_flags_letters *backup,
			 const struct roost_token_key *key,
			 const char **why_r);

#endif
