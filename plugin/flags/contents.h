/* SPDX-License-Identifier: MIT */
#ifndef ROOST_FLAGS_CONTENTS_H
#define ROOST_FLAGS_CONTENTS_H

/*
 * contents: the keywords that follow from what is in a message: that it has an
 * attachment, that one can unsubscribe from it, that a header field matches a
 * rule.
 *
 * The message is parsed as it passes.  Nothing of its text is kept but one
 * header field at a time, and that only where a rule asks for it.
 */

#include "flags/box.h"

struct roost_flags_contents;

/* Returns NULL where no rule depends on what is in a message. */
struct roost_flags_contents *
roost_flags_contents_begin(struct roost_flags_box *fbox);

/*
 * Parse what can be read of the message.  Where the stream answers that there
 * will be more, call this again with the same stream.  It is referenced.
 */
void roost_flags_contents_parse(struct roost_flags_contents *contents,
				struct istream *input);

/* Once the message was read to its end: its keywords, on the data stack, with
   NULL at the end. */
const char *const *
roost_flags_contents_names(struct roost_flags_contents *contents);

/* Sets *contents, which may be NULL, to NULL. */
void roost_flags_contents_free(struct roost_flags_contents **contents);

#endif
