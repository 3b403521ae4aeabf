/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_KEYSTORE_PRIVATE_H
#define ROOST_SESSION_KEYSTORE_PRIVATE_H

/*
 * keystore-private: what a kind of storage provides.  The contracts are those
 * of keystore.h; store is called while it is locked, and after the stored
 * document was compared with the one to be replaced.
 */

#include "session/keystore.h"

struct roost_keystore_vfuncs {
	const char *scheme;	/* with its colon */
	bool makes_once;	/* roost_keystore_makes_once() */
	struct roost_keystore *
		(*init)(const char *rest,
			const struct roost_keystore_owner *owner,
			const char **error_r);
	void (*deinit)(struct roost_keystore *store);
	int (*load)(struct roost_keystore *store, buffer_t *doc_r,
		    const char **error_r);
	int (*has_old)(struct roost_keystore *store, const char **hint_r,
		       const char **error_r);
	int (*lock)(struct roost_keystore *store, const char **error_r);
	/* NULL where nothing is changed that nobody has asked for. */
	int (*lock_try)(struct roost_keystore *store, const char **error_r);
	void (*unlock)(struct roost_keystore *store);
	int (*store)(struct roost_keystore *store, bool is_new,
		     const char *doc, size_t len, const char **error_r);
	/* What was stored has been read back: let go of what it replaced. */
	void (*settle)(struct roost_keystore *store);
	/* roost_keystore_tidy(); NULL where a writer who is killed leaves
	   nothing. */
	void (*tidy)(struct roost_keystore *store, const buffer_t *doc);
	/* What was stored is there in part: put back what it replaced (NULL:
	   nothing).  NULL where a document is stored whole or not at all. */
	int (*put_back)(struct roost_keystore *store, const buffer_t *old,
			const char **error_r);
	/* While it is locked. */
	int (*remove)(struct roost_keystore *store, const char **error_r);
};

struct roost_keystore {
	const struct roost_keystore_vfuncs *v;
	char *name;
	char *path;		/* roost_keystore_path() */
	/* What tells it from every other place.  It may hold a password. */
	char *place;
	bool is_locked;
	/* Of the files that are made; a group of -1 is the one they get
	   anyway. */
	mode_t mode;
	gid_t gid;
};

extern const struct roost_keystore_vfuncs roost_keystore_file;
extern const struct roost_keystore_vfuncs roost_keystore_dict;

#endif
