/* SPDX-License-Identifier: MIT */
#ifndef ROOST_SESSION_USER_PRIVATE_H
#define ROOST_SESSION_USER_PRIVATE_H

/*
 * user-private: what the state of a user is made of, for the files user*.c.
 */

#include "session/user-ring.h"

struct user_ring {
	const char *store_name, *owner;
	struct roost_keystore *store;
	const struct roost_config *config;	/* its pins bind the ring */
	struct roost_ring *ring;
	uint64_t loaded;	/* when, in microseconds; 0 once it was used */
};

/* Somebody else whose mailboxes the user may open. */
struct user_owner {
	const char *username;
	struct roost_config config;	/* borrows from the user's */
};

struct roost_user {
	union mail_user_module_context module_ctx;
	struct mail_user *user;
	const struct roost_settings *set;
	struct roost_config config;
	struct roost_config public_config;	/* for public namespaces */
	ARRAY(struct user_ring) rings;
	ARRAY(struct user_owner *) owners;
	struct roost_ring *own_ring;	/* one of rings; NULL: not loaded */
	HASH_TABLE(char *, void *) logged;
	bool is_asked, is_new;		/* see roost_user_ask() */
	struct roost_counted counted;
};

#endif
