/* SPDX-License-Identifier: MIT */
#ifndef ROOST_DOVEADM_MASKS_H
#define ROOST_DOVEADM_MASKS_H

/*
 * masks: commands that are given masks of mailboxes, which say what mailboxes
 * walk.h visits for them.
 *
 * A mask is the name of a mailbox, or has the wildcards "*" and "%" in it.
 * Without a mask, all of the user's own mailboxes are meant.
 */

#include "doveadm/command.h"

struct roost_masks {
	struct mail_search_args *args;
	/* Those masks that are names: each of these mailboxes has to exist. */
	ARRAY_TYPE(const_string) names;
	bool is_named;		/* there are masks, and all of them are names */
	bool is_one_mailbox;	/* there is one mask, and it is a name */
};

/* The contexts of commands that are given masks begin with it. */
struct roost_masks_command {
	struct doveadm_mail_cmd_context ctx;
	struct roost_masks masks;
	bool is_dry_run;
};

/* Parameters of such commands, in this order; the masks are what stands
   without an option, or what the option gives. */
#define ROOST_MASKS_COMMON \
DOVEADM_CMD_MAIL_COMMON
#define ROOST_MASKS_POSITIONAL \
DOVEADM_CMD_PARAM('m', "mailbox-mask", CMD_PARAM_ARRAY, \
		  CMD_PARAM_FLAG_POSITIONAL)
#define ROOST_MASKS_OPTION \
DOVEADM_CMD_PARAM('m', "mailbox-mask", CMD_PARAM_ARRAY, 0)
#define ROOST_MASKS_DRY_RUN \
DOVEADM_CMD_PARAM('n', "dry-run", CMD_PARAM_BOOL, 0)

/* For a command's alloc: a context of this size, which begins as above. */
struct roost_masks_command *roost_masks_alloc(size_t size);

/* For a command's init: read the parameters above.  What is wrong with the
   others is for roost_command_misuse(). */
void roost_masks_init(struct roost_masks_command *cmd);

/* A command's deinit; alloc has set it, and a command that has its own calls
   this one. */
void roost_masks_deinit(struct doveadm_mail_cmd_context *ctx);

#endif
