/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGS_SAVE_H
#define ROOST_FLAGS_SAVE_H

/*
 * save: keywords that the server sets while a message is saved.
 *
 * Promises: a message is saved whatever becomes of them.
 */

#include "flags/box.h"

struct roost_flags_save;

/* A message that is written begins, after the storage's own; and ends, before
   it. */
void roost_flags_save_begin(struct roost_flags_box *fbox,
			    struct mail_save_context *ctx);
void roost_flags_save_finish(struct roost_flags_box *fbox,
			     struct mail_save_context *ctx);
void roost_flags_save_free(struct roost_flags_save **save);

/* One that is delivered from another mailbox, before it is copied: what the
   server sets goes with its keywords. */
void roost_flags_save_copy(struct roost_flags_box *fbox,
			   struct mail_save_context *ctx, struct mail *mail);

#endif
