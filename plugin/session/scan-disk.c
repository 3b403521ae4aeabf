/* SPDX-License-Identifier: MIT */
/*
 * scan-disk: folders and message files without Dovecot.  See scan-disk.h.
 */
#include "session/scan-disk.h"

#include "hash.h"
#include "seq-range-array.h"

#include "session/scan-file.h"

#include <dirent.h>
#include <sys/stat.h>

/* Mailboxes nest less deep; symbolic links may go round in a circle. */
#define DEPTH_MAX 64

/* A folder of a mailbox that was read through Dovecot. */
struct disk_folder {
	bool is_excluded;
	ARRAY_TYPE(seq_range) uids;
};

struct roost_scan_disk {
	pool_t pool;
	HASH_TABLE(char *, struct disk_folder *) folders;
	struct disk_folder *current;
};

struct walk {
	struct roost_scan_disk *disk;
	struct roost_scan *scan;
	pool_t pool;			/* of what is handed out */
	const char **error_r;		/* of whoever asked for the walk */
};

struct roost_scan_disk *
roost_scan_disk_init(void)
{
	pool_t pool = pool_alloconly_create("roost scan", 4096);
	struct roost_scan_disk *disk = p_new(pool, struct roost_scan_disk, 1);

	disk->pool = pool;
	hash_table_create(&disk->folders, pool, 0, str_hash, strcmp);
	return disk;
}

void
roost_scan_disk_free(struct roost_scan_disk **_disk)
{
	struct roost_scan_disk *disk = *_disk;

	*_disk = NULL;
	hash_table_destroy(&disk->folders);
	pool_unref(&disk->pool);
}

/* What a folder is told apart by, because one may have several paths. */
static const char *
folder_key(const struct stat *st)
{
	return t_strdup_printf("%llu:%llu", (unsigned long long)st->st_dev,
			       (unsigned long long)st->st_ino);
}

static void
disk_add_folder(struct roost_scan_disk *disk, const char *path,
		struct disk_folder *folder)
{
	struct stat st;

	if (*path != '\0' && stat(path, &st) == 0)
		hash_table_update(disk->folders,
				  p_strdup(disk->pool, folder_key(&st)),
				  folder);
}

void
roost_scan_disk_add(struct roost_scan_disk *disk, struct mailbox *box)
{
	static const enum mailbox_list_path_type types[] = {
		MAILBOX_LIST_PATH_TYPE_MAILBOX,
		MAILBOX_LIST_PATH_TYPE_ALT_MAILBOX,
		MAILBOX_LIST_PATH_TYPE_CONTROL,
		MAILBOX_LIST_PATH_TYPE_INDEX,
	};
	const char *path;
	unsigned int i;

	disk->current = p_new(disk->pool, struct disk_folder, 1);
	p_array_init(&disk->current->uids, disk->pool, 8);
	for (i = 0; i < N_ELEMENTS(types); i++) {
		if (mailbox_get_path_to(box, types[i], &path) > 0)
			disk_add_folder(disk, path, disk->current);
	}
}

void
roost_scan_disk_exclude(struct roost_scan_disk *disk,
			struct mail_namespace *ns)
{
	static const enum mailbox_list_path_type types[] = {
		MAILBOX_LIST_PATH_TYPE_DIR, MAILBOX_LIST_PATH_TYPE_MAILBOX,
		MAILBOX_LIST_PATH_TYPE_CONTROL, MAILBOX_LIST_PATH_TYPE_INDEX,
	};
	struct disk_folder *folder = p_new(disk->pool, struct disk_folder, 1);
	const char *path;
	unsigned int i;

	folder->is_excluded = TRUE;
	for (i = 0; i < N_ELEMENTS(types); i++) {
		if (mailbox_list_get_root_path(ns->list, types[i], &path))
			disk_add_folder(disk, path, folder);
	}
}

void
roost_scan_disk_add_uid(struct roost_scan_disk *disk, uint32_t uid)
{
	seq_range_array_add(&disk->current->uids, uid);
}

static int
walk_fail(struct walk *walk, const char *path, const char *what)
{
	*walk->error_r = p_strdup_printf(walk->pool, "Cannot look for sealed "
		"messages in %s: %s failed: %m; make it readable (is "
		"everything mounted?)", path, what);
	return -1;
}

static int
walk_message(struct walk *walk, const char *path,
	     int (*look)(const char *path))
{
	int ret = look(path);

	if (ret < 0)
		return errno == ENOENT ? 0 : walk_fail(walk, path, "reading");
	if (ret > 0)
		walk->scan->has_sealed = TRUE;
	else if (walk->scan->remains == NULL)
		walk->scan->remains = p_strdup_printf(walk->pool,
			"%s is there, and no mailbox lists a message", path);
	return 0;
}

/* Is this the name of a file that only a mailbox's folder holds?  A private
   index belongs to a mailbox at some other place. */
static bool
is_index_name(const char *name)
{
	return (strncmp(name, "dovecot.index", 13) == 0 &&
		strncmp(name, "dovecot.index.pvt", 17) != 0) ||
		strcmp(name, "dovecot-uidlist") == 0 ||
		strcmp(name, "dovecot-keywords") == 0;
}

struct walk_dir {
	const char *path;
	const struct disk_folder *folder;	/* NULL: of no mailbox */
	const struct disk_folder *parent;
	unsigned int depth;
};

static int
walk_file(struct walk *walk, const struct walk_dir *dir, const char *path,
	  const char *name)
{
	const char *last = strrchr(dir->path, '/');
	uint32_t uid;

	last = last == NULL ? dir->path : last + 1;
	if (strcmp(last, "cur") == 0 || strcmp(last, "new") == 0) {
		/* Dovecot lists all that is in a maildir of a mailbox. */
		if (dir->parent == NULL && *name != '.')
			return walk_message(walk, path,
					    roost_scan_file_is_sealed);
	} else if (strncmp(name, "u.", 2) == 0 &&
		   str_to_uint32(name + 2, &uid) == 0) {
		if (dir->folder == NULL ||
		    !seq_range_exists(&dir->folder->uids, uid))
			return walk_message(walk, path,
					    roost_scan_file_has_sealed);
	} else if (strncmp(name, "m.", 2) == 0 &&
		   str_to_uint32(name + 2, &uid) == 0) {
		return walk_message(walk, path, roost_scan_file_has_sealed);
	} else if (dir->folder == NULL && is_index_name(name) &&
		   walk->scan->remains == NULL) {
		walk->scan->remains = p_strdup_printf(walk->pool,
			"%s is there, and its mailbox is not", path);
	}
	return 0;
}

static int walk_dir(struct walk *walk, const struct walk_dir *parent,
		    const char *path);

static int
walk_entry(struct walk *walk, const struct walk_dir *dir, const char *name)
{
	const char *path = t_strconcat(dir->path, "/", name, NULL);
	struct stat st;

	if (stat(path, &st) < 0) {
		/* The entry has gone, unless it is a link to what is not
		   there.  Where dbox-alt-root points to is walked by its own
		   name, and is not there before a message was moved to it. */
		if (errno == ENOENT && (lstat(path, &st) < 0 ||
					strcmp(name, "dbox-alt-root") == 0))
			return 0;
		return walk_fail(walk, path, "stat()");
	}
	if (S_ISDIR(st.st_mode))
		return walk_dir(walk, dir, path);
	return !S_ISREG(st.st_mode) ? 0 : walk_file(walk, dir, path, name);
}

static int
walk_entries(struct walk *walk, const struct walk_dir *dir, DIR *handle)
{
	struct dirent *entry;
	int ret = 0;

	while (ret == 0 && !walk->scan->has_sealed) {
		errno = 0;
		entry = readdir(handle);
		if (entry == NULL) {
			if (errno != 0)
				ret = walk_fail(walk, dir->path, "readdir()");
			break;
		}
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		T_BEGIN {
			ret = walk_entry(walk, dir, entry->d_name);
		} T_END;
	}
	return ret;
}

/* Is this a folder that a file system keeps at its root for itself? */
static bool
is_of_file_system(const char *path)
{
	const char *last = strrchr(path, '/');

	return errno == EACCES && last != NULL &&
		strcmp(last, "/lost+found") == 0;
}

static int
walk_dir(struct walk *walk, const struct walk_dir *parent, const char *path)
{
	struct walk_dir dir = {
		.path = path,
		.parent = parent == NULL ? NULL : parent->folder,
		.depth = parent == NULL ? 0 : parent->depth + 1,
	};
	DIR *handle;
	struct stat st;
	int ret;

	if (dir.depth > DEPTH_MAX) {
		errno = ELOOP;
		return walk_fail(walk, path, "opendir()");
	}
	handle = opendir(path);
	if (handle == NULL)	/* no mail yet, or it has just gone */
		return errno == ENOENT || is_of_file_system(path) ? 0 :
			walk_fail(walk, path, "opendir()");
	if (fstat(dirfd(handle), &st) < 0) {
		ret = walk_fail(walk, path, "fstat()");
	} else {
		dir.folder = hash_table_lookup(walk->disk->folders,
					       folder_key(&st));
		ret = dir.depth > 0 && dir.folder != NULL &&
			dir.folder->is_excluded ? 0 :
			walk_entries(walk, &dir, handle);
	}
	(void)closedir(handle);
	return ret;
}

int
roost_scan_disk_walk(struct roost_scan_disk *disk, struct mail_namespace *ns,
		     struct roost_scan *scan, const char **error_r)
{
	static const enum mailbox_list_path_type types[] = {
		MAILBOX_LIST_PATH_TYPE_DIR, MAILBOX_LIST_PATH_TYPE_MAILBOX,
		MAILBOX_LIST_PATH_TYPE_ALT_DIR, MAILBOX_LIST_PATH_TYPE_CONTROL,
		MAILBOX_LIST_PATH_TYPE_INDEX,
	};
	struct walk walk = {
		.disk = disk, .scan = scan, .pool = ns->user->pool,
		.error_r = error_r
	};
	const char *path, *seen = NULL;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < N_ELEMENTS(types) && ret == 0; i++) {
		if (!mailbox_list_get_root_path(ns->list, types[i], &path) ||
		    *path == '\0' || null_strcmp(path, seen) == 0)
			continue;
		seen = path;
		ret = walk_dir(&walk, NULL, path);
	}
	return ret;
}
