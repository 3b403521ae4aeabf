/* SPDX-License-Identifier: MIT */
/*
 * flags-restore: names that Maildir lost.  See flags-restore.h.
 */
#include "doveadm/flags-restore.h"

#include "roost/flagname.h"

#include <sys/stat.h>

#define LOST_PREFIX "unknown-"

/* -- reading -- */

static void
letters_line(struct roost_flags_letters *letters, pool_t pool,
	     const char *line)
{
	const char *name = strchr(line, ' ');
	unsigned int letter;

	if (name != NULL && name[1] != '\0' &&
	    str_to_uint(t_strdup_until(line, name), &letter) == 0 &&
	    letter < ROOST_FLAGS_RESTORE_LETTERS)
		letters->names[letter] = p_strdup(pool, name + 1);
}

/* A file that is not there knows nothing. */
static int
letters_read(const char *path, pool_t pool,
	     struct roost_flags_letters *letters_r, const char **error_r)
{
	struct istream *input = i_stream_create_file(path, 1024);
	const char *line;
	int ret = 0;

	i_zero(letters_r);
	while ((line = i_stream_read_next_line(input)) != NULL) T_BEGIN {
		letters_line(letters_r, pool, line);
	} T_END;
	if (input->stream_errno != 0 && input->stream_errno != ENOENT) {
		*error_r = t_strdup_printf("Cannot read %s: %s", path,
					   i_stream_get_error(input));
		ret = -1;
	}
	i_stream_unref(&input);
	return ret;
}

/* The folder of the mailbox's control files; NULL in other storages. */
static const char *
control_dir(struct mailbox *box)
{
	const char *dir;

	return strcmp(box->storage->name, "maildir") == 0 &&
		mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_CONTROL,
				    &dir) > 0 ? dir : NULL;
}

int
roost_flags_restore_current(struct mailbox *box, pool_t pool,
			    struct roost_flags_letters *letters_r,
			    const char **error_r)
{
	const char *dir = control_dir(box);

	i_zero(letters_r);
	return dir == NULL ? 0 : letters_read(t_strconcat(
		dir, "/"ROOST_FLAGS_RESTORE_FILE, NULL), pool, letters_r,
		error_r);
}

int
roost_flags_restore_backup(struct mailbox *box, pool_t pool, const char *path,
			   struct roost_flags_letters *letters_r,
			   const char **error_r)
{
	const char *dir = control_dir(box), *root;
	struct stat st;

	i_zero(letters_r);
	if (stat(path, &st) < 0) {
		*error_r = t_strdup_printf("Cannot look at the backup %s: %m",
					   path);
		return -1;
	}
	if (dir == NULL)
		return 0;
	if (!S_ISDIR(st.st_mode))
		return letters_read(path, pool, letters_r, error_r);
	if (!mailbox_list_get_root_path(box->list,
					MAILBOX_LIST_PATH_TYPE_CONTROL,
					&root) ||
	    strncmp(dir, root, strlen(root)) != 0)
		return 0;
	return letters_read(t_strconcat(path, dir + strlen(root),
					"/"ROOST_FLAGS_RESTORE_FILE, NULL),
			    pool, letters_r, error_r);
}

/* -- names -- */

/* The letter of a lost name.  -1 if it cannot be told: with question marks
   behind it, letters of two times had one number. */
static int
lost_letter(const char *lost)
{
	unsigned int letter;

	if (strncasecmp(lost, LOST_PREFIX, strlen(LOST_PREFIX)) != 0 ||
	    str_to_uint(lost + strlen(LOST_PREFIX), &letter) < 0 ||
	    letter >= ROOST_FLAGS_RESTORE_LETTERS)
		return -1;
	return (int)letter;
}

/* The name that stands there for a letter, with a token opened, and NULL for
   one that is lost there, too, or does not open. */
static const char *
letter_name(const struct roost_flags_letters *letters, int letter,
	    const struct roost_token_key *key)
{
	const char *stored = letters->names[letter];
	char name[ROOST_TOKEN_NAME_MAX + 1];

	if (stored == NULL || roost_flagname_is_lost(stored))
		return NULL;
	if (!roost_token_is_claimed(stored, strlen(stored)))
		return stored;
	if (key == NULL ||
	    roost_token_open(key, stored, strlen(stored), name) != ROOST_OK)
		return NULL;
	return t_strdup(name);
}

static bool
has_token(const struct roost_flags_letters *letters, int letter)
{
	const char *stored = letters->names[letter];

	return stored != NULL &&
		roost_token_is_claimed(stored, strlen(stored));
}

const char *
roost_flags_restore_name(const char *lost,
			 const struct roost_flags_letters *current,
			 const struct roost_flags_letters *backup,
			 const struct roost_token_key *key, const char **why_r)
{
	int letter = lost_letter(lost);
	const char *here, *there;

	if (letter < 0) {
		*why_r = "rename it: which letter it was cannot be told";
		return NULL;
	}
	here = letter_name(current, letter, key);
	there = letter_name(backup, letter, key);
	if (here != NULL && there != NULL && strcasecmp(here, there) != 0) {
		*why_r = t_strdup_printf("rename it: the mailbox calls its "
			"letter %s, and the backup %s", here, there);
		return NULL;
	}
	if (here == NULL && there == NULL)
		*why_r = has_token(current, letter) ||
			has_token(backup, letter) ?
			"rename it: its name is a token that does not open" :
			"rename it: nobody knows its name";
	return there != NULL ? there : here;
}
