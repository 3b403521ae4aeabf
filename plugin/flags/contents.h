/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGS_MESSAGE_LOOK_H
#define ROOST_FLAGS_MESSAGE_LOOK_H

/*
 * message-look: what a message itself says about its keywords.
 *
 * It parses a message as it passes, and keeps nothing of its text but header
 * fields that rules ask for, one at a time.
 */

#include "flags/box.h"

struct roost_flags_look;

/* NULL where no rule asks for anything. */
struct roost_flags_look *roost_flags_look_begin(struct roost_flags_box *fbox);

/*
 * Parse what can be read; call it again when there is more.  The same stream
 * each time; it is referenced.
 */
void roost_flags_look_at(struct roost_flags_look *look, struct istream *input);

/* The keywords, on the data stack, NULL at the end.  All was read. */
const char *const *roost_flags_look_names(struct roost_flags_look *look);

void roost_flags_look_free(struct roost_flags_look **look);

#endif
