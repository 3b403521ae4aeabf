/* SPDX-License-Identifier: MIT */
#ifndef ROOST_TOOL_OPTIONS_H
#define ROOST_TOOL_OPTIONS_H

/*
 * options: what follows a command on the command line.  No secret is ever taken
 * from there, nor from the environment: options name files, descriptors and
 * what to ask for.
 */

#include <stdbool.h>

#define ROOST_OPTIONS_PROVIDER_KEYS_MAX 4

/* By what the keyring is to be opened besides the provider key. */
enum roost_secret_kind {
	ROOST_SECRET_NONE,
	ROOST_SECRET_PASSWORD,	/* a login password or an app password */
	ROOST_SECRET_RECOVERY,
	ROOST_SECRET_ESCROW,
};

struct roost_options {
	const char *keyring;		/* NULL: beside the mail */
	const char *provider_keys[ROOST_OPTIONS_PROVIDER_KEYS_MAX];
	unsigned int provider_key_count;
	enum roost_secret_kind kind;
	const char *escrow_key;		/* file of the private key */
	const char *secret_file;	/* NULL: not from a file */
	int secret_fd;			/* -1: not from a descriptor */
	const char *owner;		/* NULL: whoever it is */
	const char *to;			/* "maildir" or "mbox" */
	bool is_keyless, takes_plaintext, keeps_packed;
	const char *const *args;	/* ended by NULL */
	unsigned int arg_count;
};

/*
 * Read the options of a command, which may stand among its arguments.  allowed
 * has the letters of those that it takes, see options.c.  False, and a sentence
 * was said, if something makes no sense.  Everything borrows argv.
 */
bool roost_options_read(struct roost_options *options_r, const char *allowed,
			int argc, char **argv);

#endif
