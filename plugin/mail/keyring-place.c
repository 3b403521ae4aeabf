/* SPDX-License-Identifier: MIT */
/*
 * keyring-place: the file of a keyring, and paths.  See keyring-place.h.
 */
#include "mail/keyring-place.h"

#include <sys/stat.h>

void
roost_keyring_place_init(struct roost_keyring_place *place_r, pool_t pool,
			 const char *path)
{
	const char *slash = strrchr(path, '/');

	place_r->dir = slash == path ? "/" :
		p_strdup_until(pool, path, slash);
	place_r->name = p_strdup(pool, slash + 1);
}

/* Is this the name of the keyring's file, or of one that stands beside it? */
static bool
place_has_name(const struct roost_keyring_place *place, const char *name,
	       size_t len)
{
	size_t file_len = strlen(place->name);

	if (len < file_len || strncasecmp(name, place->name, file_len) != 0)
		return FALSE;
	name += file_len;
	len -= file_len;
	return len == 0 ||
		(len == 5 && strncasecmp(name, ".lock", len) == 0) ||
		(len == 4 && strncasecmp(name, ".old", len) == 0) ||
		(len > 4 && *name == '.' &&
		 strncasecmp(name + len - 4, ".tmp", 4) == 0);
}

static bool
dir_is_same(const char *dir, const char *other)
{
	struct stat st, other_st;

	return strcmp(dir, other) == 0 ||
		(stat(dir, &st) == 0 && stat(other, &other_st) == 0 &&
		 st.st_dev == other_st.st_dev && st.st_ino == other_st.st_ino);
}

bool
roost_keyring_place_has_path(const struct roost_keyring_place *place,
			     const char *path, char sep ATTR_UNUSED)
{
	const char *name, *end;

	for (name = path; *name != '\0'; name = end) {
		while (*name == '/')
			name++;
		end = name + strcspn(name, "/");
		if (place_has_name(place, name, (size_t)(end - name)) &&
		    dir_is_same(name - 1 <= path ? "/" :
				t_strdup_until(path, name - 1), place->dir))
			return TRUE;
	}
	return FALSE;
}

bool
roost_keyring_place_is_in_path(const struct roost_keyring_place *place,
			       const char *path, char sep)
{
	const char *dir = place->dir, *slash;
	size_t len = strlen(path);

	for (;;) {
		if (dir_is_same(path, dir) ||
		    (sep != '/' && strncmp(dir, path, len) == 0 &&
		     dir[len] == sep))
			return TRUE;
		slash = strrchr(dir, '/');
		if (slash == NULL || slash == dir)
			return FALSE;
		dir = t_strdup_until(dir, slash);
	}
}

bool
roost_keyring_place_may_match(const struct roost_keyring_place *place,
			      const char *name)
{
	const char *file = place->name + (*place->name == '.' ? 1 : 0);
	size_t len = strlen(file);

	for (; *name != '\0'; name++) {
		if (strncasecmp(name, file, len) == 0)
			return TRUE;
	}
	return FALSE;
}
