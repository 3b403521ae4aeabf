/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGS_SAVE_H
#define ROOST_FLAGS_SAVE_H

/*
 * save: keywords that the server sets while a message is saved.
 *
 * Promises: the message is saved even if they cannot be set.
 */

#include "flags/box.h"

struct roost_flags_save;

/* For a message that is written: to be called after the storage has begun to
   save it, and before the storage finishes. */
void roost_flags_save_begin(struct roost_flags_box *fbox,
			    struct mail_save_context *ctx);
void roost_flags_save_finish(struct roost_flags_box *fbox,
			     struct mail_save_context *ctx);
/* Sets *save, which may be NULL, to NULL. */
void roost_flags_save_free(struct roost_flags_save **save);

/* For a message that is delivered by copying it from another mailbox: add what
   the server sets to the keywords of the copy, before it is made. */
void roost_flags_save_copy(struct roost_flags_box *fbox,
			   struct mail_save_context *ctx, struct mail *mail);

#endif
