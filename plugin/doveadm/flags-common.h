/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_FLAGS_COMMON_H
#define ROOST_DOVEADM_FLAGS_COMMON_H

/*
 * flags-common: what the commands of `doveadm roost flags` share: mailboxes
 * by mask, their messages, the names of their keywords.
 *
 * Names are those that the mailbox shows: where the plugin `roost` is loaded
 * for the user the real ones, whatever stands on disk.
 */

#include "doveadm/command.h"

#include "hash.h"

/* Of no message more can be expected to be legible. */
#define ROOST_FLAGS_SHOWN_MAX 256

/* One command; the commands' own contexts begin with it. */
struct roost_flags_command {
	struct doveadm_mail_cmd_context ctx;
	struct mail_search_args *masks;
	/* Those of the masks that are names: each mailbox is to be there. */
	ARRAY_TYPE(const_string) names;
	/* All of them are. */
	bool is_named;
	bool is_one_mailbox;
	bool is_dry_run;
};

/* Every command's parameters begin with these. */
#define ROOST_FLAGS_COMMON \
DOVEADM_CMD_MAIL_COMMON
#define ROOST_FLAGS_MASKS \
DOVEADM_CMD_PARAM('m', "mailbox-mask", CMD_PARAM_ARRAY, \
		  CMD_PARAM_FLAG_POSITIONAL)
#define ROOST_FLAGS_MASK_OPTION \
DOVEADM_CMD_PARAM('m', "mailbox-mask", CMD_PARAM_ARRAY, 0)
#define ROOST_FLAGS_DRY_RUN \
DOVEADM_CMD_PARAM('n', "dry-run", CMD_PARAM_BOOL, 0)

/* A command's alloc: of the size of a context that begins as above. */
struct roost_flags_command *roost_flags_cmd_alloc(size_t size);

/* In init: read the parameters above. */
void roost_flags_cmd_init(struct roost_flags_command *cmd);

/* For deinit; the default one. */
void roost_flags_cmd_deinit(struct doveadm_mail_cmd_context *ctx);

/* End doveadm: the command was used wrongly. */
void roost_flags_usage(const struct roost_flags_command *cmd,
		       const char *error) ATTR_NORETURN;

/* Log that something could not be done with a mailbox; -1, exit code set. */
int roost_flags_fail(struct roost_flags_command *cmd, struct mailbox *box,
		     const char *what);

/*
 * Visit each mailbox that was asked for, open and synchronized; one that
 * fails does not keep others from being visited.  -1 if any failed, or visit
 * answered -1; the exit code is set.
 */
int roost_flags_walk(struct roost_flags_command *cmd, struct mail_user *user,
		     enum mailbox_flags flags,
		     int (*visit)(struct roost_flags_command *cmd,
				  struct mailbox *box));

/*
 * Visit each message, until visit answers -1.  -1 if not all were visited,
 * with the exit code set; whoever answered -1 has set it.
 */
int roost_flags_each(struct roost_flags_command *cmd,
		     struct mailbox_transaction_context *trans,
		     int (*visit)(struct mail *mail, void *context),
		     void *context);

/* -- names -- */

struct roost_flags_name {
	const char *name;	/* as first spelled */
	unsigned int count;	/* of messages */
};

struct roost_flags_tally {
	pool_t pool;
	HASH_TABLE(const char *, struct roost_flags_name *) hash;
	ARRAY(struct roost_flags_name *) names;
};

struct roost_flags_tally *roost_flags_tally_new(void);
void roost_flags_tally_free(struct roost_flags_tally **tally);
void roost_flags_tally_add(struct roost_flags_tally *tally, const char *name,
			   unsigned int count);
unsigned int roost_flags_tally_get(const struct roost_flags_tally *tally,
				   const char *name);
/* In the alphabet's order, from now until a name is added. */
void roost_flags_tally_sort(struct roost_flags_tally *tally);

/* Add each name that the mailbox knows, with 0 messages. */
void roost_flags_tally_known(struct roost_flags_tally *tally,
			     struct mailbox *box);
/* The same, and count the messages of each: -1 as roost_flags_each(). */
int roost_flags_tally_mailbox(struct roost_flags_command *cmd,
			      struct roost_flags_tally *tally,
			      struct mailbox *box);

/* Print a name, harmless to a terminal. */
void roost_flags_print(const char *name);

#endif
